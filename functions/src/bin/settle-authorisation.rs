//! See [`functions::orderprocessing::settle::SettleAuthorisation`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::orderprocessing::settle::SettleAuthorisation>(), functions::wire)
}
