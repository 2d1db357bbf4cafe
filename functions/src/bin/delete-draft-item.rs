//! See [`functions::shopping::items::delete::DeleteDraftItem`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::items::delete::DeleteDraftItem>(), functions::wire)
}
