//! See [`functions::admin::webhooks::rotate::RotateWebhookKeys`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::webhooks::rotate::RotateWebhookKeys>(), functions::wire)
}
