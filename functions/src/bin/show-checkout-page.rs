//! See [`functions::paymentorders::page::show::ShowCheckoutPage`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::paymentorders::page::show::ShowCheckoutPage>(), functions::wire)
}
