//! See [`functions::shopping::items::update::UpdateDraftItem`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::items::update::UpdateDraftItem>(), functions::wire)
}
