//! See [`functions::paymentorders::update::UpdatePaymentOrder`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::paymentorders::update::UpdatePaymentOrder>(), functions::wire)
}
