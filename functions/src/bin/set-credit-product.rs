//! See [`functions::admin::credit::products::set::SetCreditProduct`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::credit::products::set::SetCreditProduct>(), functions::wire)
}
