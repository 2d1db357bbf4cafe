//! See [`functions::admin::merchants::list::ListMerchants`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::merchants::list::ListMerchants>(), functions::wire)
}
