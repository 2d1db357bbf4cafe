//! See [`functions::orderprocessing::product_options::ListProductSpendOptions`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(
        api::mount::<functions::orderprocessing::product_options::ListProductSpendOptions>(),
        functions::wire,
    )
}
