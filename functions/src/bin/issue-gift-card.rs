//! See [`functions::admin::gift_cards::issue::IssueGiftCard`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::gift_cards::issue::IssueGiftCard>(), functions::wire)
}
