//! See [`functions::shopping::operations::capture::CreateLineCapture`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::operations::capture::CreateLineCapture>(), functions::wire)
}
