//! See [`functions::checkout::payments::create::CreatePayment`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::checkout::payments::create::CreatePayment>(), functions::wire)
}
