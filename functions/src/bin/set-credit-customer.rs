//! See [`functions::admin::credit::customers::set::SetCreditCustomer`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::credit::customers::set::SetCreditCustomer>(), functions::wire)
}
