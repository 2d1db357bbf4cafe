//! See [`functions::admin::api_keys::create::CreateApiKey`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::api_keys::create::CreateApiKey>(), functions::wire)
}
