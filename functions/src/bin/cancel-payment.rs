//! See [`functions::checkout::modifications::cancel::CancelPayment`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::checkout::modifications::cancel::CancelPayment>(), functions::wire)
}
