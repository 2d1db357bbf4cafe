//! See [`ListCustomerSpendOptions`].
use functions::orderprocessing::customer_options::ListCustomerSpendOptions;
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<ListCustomerSpendOptions>(), functions::wire)
}
