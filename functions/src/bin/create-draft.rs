//! See [`functions::shopping::drafts::create::CreateDraft`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::drafts::create::CreateDraft>(), functions::wire)
}
