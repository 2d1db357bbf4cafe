//! See [`functions::paymentorders::page::script::GetCheckoutScript`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::paymentorders::page::script::GetCheckoutScript>(), functions::wire)
}
