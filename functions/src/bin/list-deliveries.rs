//! See [`functions::admin::webhooks::deliveries::ListDeliveries`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::webhooks::deliveries::ListDeliveries>(), functions::wire)
}
