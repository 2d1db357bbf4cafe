//! See [`functions::paymentorders::get::GetPaymentOrder`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::paymentorders::get::GetPaymentOrder>(), functions::wire)
}
