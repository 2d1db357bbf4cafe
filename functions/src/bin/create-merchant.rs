//! See [`functions::admin::merchants::create::CreateMerchant`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::merchants::create::CreateMerchant>(), functions::wire)
}
