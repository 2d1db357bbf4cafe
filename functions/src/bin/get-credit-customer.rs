//! See [`functions::admin::credit::customers::get::GetCreditCustomer`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::credit::customers::get::GetCreditCustomer>(), functions::wire)
}
