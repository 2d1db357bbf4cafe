//! See [`functions::admin::gift_cards::get::GetGiftCard`].
fn main() -> Result<(), lambda_http::Error> {
    api::lambda::serve(api::mount::<functions::admin::gift_cards::get::GetGiftCard>(), functions::wire)
}
