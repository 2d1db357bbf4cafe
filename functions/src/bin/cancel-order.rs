//! See [`functions::checkout::orders::cancel::CancelOrder`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::checkout::orders::cancel::CancelOrder>(), functions::wire)
}
