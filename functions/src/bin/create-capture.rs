//! See [`functions::payments::capture::CreateCapture`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::payments::capture::CreateCapture>(), functions::wire)
}
