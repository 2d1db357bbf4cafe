//! See [`functions::admin::webhooks::get::GetWebhook`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::webhooks::get::GetWebhook>(), functions::wire)
}
