//! See [`functions::paymentorders::create::CreatePaymentOrder`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::paymentorders::create::CreatePaymentOrder>(), functions::wire)
}
