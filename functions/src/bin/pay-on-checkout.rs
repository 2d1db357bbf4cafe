//! See [`functions::paymentorders::page::pay::PayOnCheckout`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::paymentorders::page::pay::PayOnCheckout>(), functions::wire)
}
