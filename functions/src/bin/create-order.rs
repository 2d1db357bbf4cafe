//! See [`functions::checkout::orders::create::CreateOrder`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::checkout::orders::create::CreateOrder>(), functions::wire)
}
