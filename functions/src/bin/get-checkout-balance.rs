//! See [`functions::paymentorders::page::balance::GetCheckoutBalance`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::paymentorders::page::balance::GetCheckoutBalance>(), functions::wire)
}
