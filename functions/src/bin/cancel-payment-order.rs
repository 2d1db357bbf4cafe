//! See [`functions::paymentorders::cancel::CancelPaymentOrder`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::paymentorders::cancel::CancelPaymentOrder>(), functions::wire)
}
