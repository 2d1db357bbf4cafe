//! See [`functions::orderprocessing::adjust::AdjustAuthorisation`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::orderprocessing::adjust::AdjustAuthorisation>(), functions::wire)
}
