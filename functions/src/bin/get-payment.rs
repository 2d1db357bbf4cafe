//! See [`functions::payments::get::GetPayment`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::payments::get::GetPayment>(), functions::wire)
}
