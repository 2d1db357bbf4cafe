//! See [`functions::orderprocessing::initiate::InitiateSpend`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::orderprocessing::initiate::InitiateSpend>(), functions::wire)
}
