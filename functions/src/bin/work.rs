//! See [`functions::background::work::Worker`].
fn main() -> Result<(), api::lambda::Error> {
    api::lambda::consume(functions::wire_work)
}
