//! See [`functions::shopping::drafts::update::UpdateDraft`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::drafts::update::UpdateDraft>(), functions::wire)
}
