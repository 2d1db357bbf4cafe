//! See [`functions::oauth::token::IssueToken`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::oauth::token::IssueToken>(), functions::wire)
}
