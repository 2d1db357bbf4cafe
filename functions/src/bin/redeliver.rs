//! See [`functions::admin::webhooks::redeliver::Redeliver`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::webhooks::redeliver::Redeliver>(), functions::wire)
}
