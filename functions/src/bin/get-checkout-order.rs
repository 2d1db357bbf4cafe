//! See [`functions::paymentorders::page::order::GetCheckoutOrder`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::paymentorders::page::order::GetCheckoutOrder>(), functions::wire)
}
