//! See [`functions::orderprocessing::customer_options::ListCustomerSpendOptions`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(
        api::mount::<functions::orderprocessing::customer_options::ListCustomerSpendOptions>(),
        functions::wire,
    )
}
