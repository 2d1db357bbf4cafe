//! See [`functions::shopping::token::IssueShoppingToken`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::shopping::token::IssueShoppingToken>(), functions::wire)
}
