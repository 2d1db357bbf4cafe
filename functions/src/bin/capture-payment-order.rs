//! See [`functions::paymentorders::capture::CapturePaymentOrder`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::paymentorders::capture::CapturePaymentOrder>(), functions::wire)
}
