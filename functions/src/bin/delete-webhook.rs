//! See [`functions::admin::webhooks::delete::DeleteWebhook`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::webhooks::delete::DeleteWebhook>(), functions::wire)
}
