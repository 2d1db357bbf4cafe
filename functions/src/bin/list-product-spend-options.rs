//! See [`ListProductSpendOptions`].
use functions::orderprocessing::product_options::ListProductSpendOptions;
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<ListProductSpendOptions>(), functions::wire)
}
