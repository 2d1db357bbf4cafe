//! See [`functions::checkout::orders::get::GetOrder`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::checkout::orders::get::GetOrder>(), functions::wire)
}
