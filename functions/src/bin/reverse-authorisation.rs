//! See [`functions::orderprocessing::reverse::ReverseAuthorisation`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::orderprocessing::reverse::ReverseAuthorisation>(), functions::wire)
}
