//! See [`functions::admin::credit::settings::get::GetCreditSettings`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::credit::settings::get::GetCreditSettings>(), functions::wire)
}
