//! See [`functions::paymentorders::reverse::ReversePaymentOrder`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::paymentorders::reverse::ReversePaymentOrder>(), functions::wire)
}
