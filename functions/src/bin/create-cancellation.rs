//! See [`functions::shopping::operations::cancel::CreateCancellation`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::operations::cancel::CreateCancellation>(), functions::wire)
}
