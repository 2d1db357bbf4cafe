//! See [`functions::admin::credit::settings::set::SetCreditSettings`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::credit::settings::set::SetCreditSettings>(), functions::wire)
}
