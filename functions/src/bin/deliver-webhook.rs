//! See [`functions::background::deliver_webhook::Deliverer`].
fn main() -> Result<(), api::lambda::Error> {
    api::lambda::consume(functions::wire_deliver_webhook)
}
