//! See [`functions::orderprocessing::sca::code::GiveScaCode`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::orderprocessing::sca::code::GiveScaCode>(), functions::wire)
}
