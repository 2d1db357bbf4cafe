//! See [`functions::background::expire_order::Expirer`].
fn main() -> Result<(), api::lambda::Error> {
    api::lambda::consume(functions::wire_expire_order)
}
