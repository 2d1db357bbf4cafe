//! See [`functions::checkout::payments::details::SubmitDetails`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::checkout::payments::details::SubmitDetails>(), functions::wire)
}
