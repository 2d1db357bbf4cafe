//! See [`functions::checkout::payment_methods::balance::GetBalance`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::checkout::payment_methods::balance::GetBalance>(), functions::wire)
}
