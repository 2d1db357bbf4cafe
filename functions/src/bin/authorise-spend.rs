//! See [`functions::orderprocessing::authorise::AuthoriseSpend`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::orderprocessing::authorise::AuthoriseSpend>(), functions::wire)
}
