//! See [`functions::shopping::orders::cancel::CancelShoppingOrder`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::orders::cancel::CancelShoppingOrder>(), functions::wire)
}
