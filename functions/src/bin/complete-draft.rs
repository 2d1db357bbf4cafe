//! See [`functions::shopping::drafts::complete::CompleteDraft`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::drafts::complete::CompleteDraft>(), functions::wire)
}
