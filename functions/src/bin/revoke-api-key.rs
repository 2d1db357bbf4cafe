//! See [`functions::admin::api_keys::revoke::RevokeApiKey`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::api_keys::revoke::RevokeApiKey>(), functions::wire)
}
