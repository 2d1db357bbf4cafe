//! See [`functions::paymentorders::part::GetPaymentOrderPart`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::paymentorders::part::GetPaymentOrderPart>(), functions::wire)
}
