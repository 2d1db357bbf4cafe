//! See [`functions::admin::webhooks::create::CreateWebhook`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::webhooks::create::CreateWebhook>(), functions::wire)
}
