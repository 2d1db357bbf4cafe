//! The payments family, through HTTP.

mod errors;
mod families;
mod hook;
mod idempotency;
mod operations;
mod outcomes;
mod races;
mod sample;
mod sessions;

use serde_json::{Value, json};
use tests::{
    payments::{Till, issue, session_of},
    shop::{Answer, card},
};

const VISA: &str = "4111111111111111";
const MASTERCARD: &str = "5555444433331111";
/// Its captures are declined.
const CAPTURE_DECLINED: &str = "4000000000000341";
/// Its captures are pending, then done.
const CAPTURE_PENDING: &str = "4000000000000259";
/// Its captures time out, and did happen.
const CAPTURE_TIMES_OUT: &str = "4000000000000143";
/// Its refunds are declined.
const REFUND_DECLINED: &str = "4000000000005126";
/// It is approved after a while.
const PENDING: &str = "4000000000000077";

/// A body with more in it.
fn with(mut body: Value, more: &Value) -> Value {
    let (Some(fields), Some(more)) = (body.as_object_mut(), more.as_object()) else { return body };
    fields.extend(more.clone());
    body
}

/// Asks for an amount.
fn of(amount: u64) -> Value {
    json!({ "amount": amount })
}

/// The sale of the family's own documents: 20.00 by a gift card of Illicado, 100.00 by a card. The payment, and the
/// gift card.
async fn example(till: &Till<'_>, card_number: &str) -> (String, Value) {
    let illicado = issue(till.shop, "illicado", "EUR", 2_000).await;
    let parts = [(2_000, illicado.clone()), (10_000, card(card_number))];
    (till.sell(&session_of(12_000), &parts).await, illicado)
}

/// Says of a problem of the family: its status, and its code.
fn problem(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.headers["content-type"], "application/problem+json", "{}", answer.text);
    assert_eq!(answer.at("/status"), answer.status, "{}", answer.text);
    (answer.status, answer.text_at("/code"))
}
