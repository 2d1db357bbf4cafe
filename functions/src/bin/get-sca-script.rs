//! See [`functions::orderprocessing::sca::script::GetScaScript`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::orderprocessing::sca::script::GetScaScript>(), functions::wire)
}
