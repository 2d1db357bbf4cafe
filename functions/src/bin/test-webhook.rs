//! See [`functions::admin::webhooks::test::TestWebhook`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::webhooks::test::TestWebhook>(), functions::wire)
}
