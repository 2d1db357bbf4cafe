//! See [`functions::checkout::modifications::capture::CapturePayment`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::checkout::modifications::capture::CapturePayment>(), functions::wire)
}
