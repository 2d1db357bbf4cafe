//! See [`functions::admin::webhooks::list::ListWebhooks`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::webhooks::list::ListWebhooks>(), functions::wire)
}
