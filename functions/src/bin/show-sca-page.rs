//! See [`functions::orderprocessing::sca::show::ShowScaPage`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::orderprocessing::sca::show::ShowScaPage>(), functions::wire)
}
