//! See [`functions::background::relay::Relayer`].
fn main() -> Result<(), api::lambda::Error> {
    api::lambda::consume(functions::wire_relay)
}
