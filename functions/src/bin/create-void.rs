//! See [`functions::payments::void::CreateVoid`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::payments::void::CreateVoid>(), functions::wire)
}
