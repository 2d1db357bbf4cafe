//! See [`functions::admin::api_keys::list::ListApiKeys`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::api_keys::list::ListApiKeys>(), functions::wire)
}
