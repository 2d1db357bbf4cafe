//! See [`functions::shopping::orders::close::CloseOrder`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::orders::close::CloseOrder>(), functions::wire)
}
