//! See [`functions::shopping::drafts::get::GetDraft`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::drafts::get::GetDraft>(), functions::wire)
}
