//! See [`functions::shopping::operations::get::GetOperation`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::operations::get::GetOperation>(), functions::wire)
}
