//! See [`functions::admin::credit::products::get::GetCreditProduct`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::credit::products::get::GetCreditProduct>(), functions::wire)
}
