//! See [`functions::admin::webhooks::enable::EnableWebhook`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::webhooks::enable::EnableWebhook>(), functions::wire)
}
