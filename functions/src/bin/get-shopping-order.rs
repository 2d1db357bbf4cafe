//! See [`functions::shopping::orders::get::GetShoppingOrder`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::orders::get::GetShoppingOrder>(), functions::wire)
}
