//! See [`functions::checkout::payment_methods::list::ListPaymentMethods`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::checkout::payment_methods::list::ListPaymentMethods>(), functions::wire)
}
