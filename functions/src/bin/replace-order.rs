//! See [`functions::shopping::orders::replace::ReplaceOrder`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::orders::replace::ReplaceOrder>(), functions::wire)
}
