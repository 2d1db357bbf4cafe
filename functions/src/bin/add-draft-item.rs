//! See [`functions::shopping::items::add::AddDraftItem`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::items::add::AddDraftItem>(), functions::wire)
}
