//! Modifications of payments, through HTTP: taken at once, executed by the worker, and told by a notification.

mod amount_updates;
mod by_reference;
mod errors;
mod outcomes;
mod races;
mod repetition;
mod reversals;

use serde_json::{Value, json};
use tests::{
    hook::Hook,
    receiver::Received,
    shop::{Answer, Shop, euro},
};

const VISA: &str = "4111111111111111";
const REFUSED: &str = "4000000000000002";
/// It is approved after a while.
const PENDING: &str = "4000000000000077";
/// Its payments time out, and did happen.
const TIMES_OUT: &str = "4000000000000119";
/// Its payments time out, and did not happen.
const TIMES_OUT_AND_IS_LOST: &str = "4000000000000127";
/// Its captures are declined.
const CAPTURE_DECLINED: &str = "4000000000000341";
/// Its captures are pending, then done.
const CAPTURE_PENDING: &str = "4000000000000259";
/// Its captures time out, and did happen.
const CAPTURE_TIMES_OUT: &str = "4000000000000143";
/// Its refunds are declined.
const REFUND_DECLINED: &str = "4000000000005126";

/// An order that was paid: 20.00 by the test gift card, and 80.00 by a card.
struct Sale {
    order: Value,
    gift_card: String,
    card: String,
}

/// Sells something, and has all told that there is to tell of it.
async fn sell(shop: &Shop, hook: &Hook, number: &str) -> Sale {
    let order = shop.open_order(10_000).await.order();
    let gift_card = shop.pay_gift_card(&order, 2_000).await;
    let card = shop.pay_card(&gift_card.order(), 8_000, number).await;
    assert_eq!(card.text_at("/resultCode"), "Authorised", "{}", card.text);
    shop.settle().await;
    hook.take();
    Sale { order, gift_card: gift_card.text_at("/pspReference"), card: card.text_at("/pspReference") }
}

/// Sells something for 80.00, paid by a card; the order, and the payment.
async fn sell_by_card(shop: &Shop, hook: &Hook, number: &str) -> (Value, String) {
    let order = shop.open_order(8_000).await.order();
    let paid = shop.pay_card(&order, 8_000, number).await;
    assert_eq!(paid.status, 200, "{}", paid.text);
    shop.settle().await;
    hook.take();
    (order, paid.text_at("/pspReference"))
}

/// Has a modification taken; its reference.
async fn take(shop: &Shop, of: &str, what: &str, more: &Value) -> String {
    taken(&shop.modify(of, what, more).await)
}

/// The reference of a modification that was taken.
fn taken(answer: &Answer) -> String {
    assert_eq!((answer.status, answer.text_at("/status")), (201, "received".to_owned()), "{}", answer.text);
    assert_eq!(answer.text_at("/pspReference"), answer.headers["pspreference"].to_str().unwrap());
    answer.text_at("/pspReference")
}

/// Has a modification taken and executed; what is told of it then, and nothing else may be told.
async fn done(shop: &Shop, hook: &Hook, of: &str, what: &str, more: &Value) -> Value {
    let reference = take(shop, of, what, more).await;
    shop.settle().await;
    let mut told = told(hook);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!((&told[0]["pspReference"], &told[0]["originalReference"]), (&json!(reference), &json!(of)));
    told.remove(0)
}

/// What has been told since the last call, without what is the same in all notifications.
fn told(hook: &Hook) -> Vec<Value> {
    let strip = |one: &Received| {
        let mut item = one.item();
        // Of several parts each has a name of its own, which begins with that of what was asked for.
        let operation = item["additionalData"]["tender.operationPspReference"].as_str();
        let name = item["pspReference"].as_str().unwrap();
        assert_eq!(operation.is_some(), item.get("originalReference").is_some(), "{item:#}");
        assert!(operation.is_none_or(|operation| name.starts_with(operation)), "{item:#}");
        for same in ["additionalData", "eventDate", "merchantAccountCode", "operations"] {
            item.as_object_mut().unwrap().remove(same);
        }
        item
    };
    hook.take().iter().map(strip).collect()
}

/// The same without what came twice, as receivers have to know it: notifications are told at least once.
fn unique(told: Vec<Value>) -> Vec<Value> {
    let mut unique = Vec::new();
    for item in told {
        if !unique.contains(&item) {
            unique.push(item);
        }
    }
    unique
}

/// Of what was told: what happened, with how much, and why not, if it did not.
fn gist(item: &Value) -> (String, u64, String) {
    let text = |name: &str| item[name].as_str().unwrap();
    let ended = if text("success") == "true" { "" } else { " failed" };
    (format!("{}{ended}", text("eventCode")), item["amount"]["value"].as_u64().unwrap(), text("reason").to_owned())
}

/// The same of everything that has been told since the last call.
fn gists(hook: &Hook) -> Vec<(String, u64, String)> {
    told(hook).iter().map(gist).collect()
}

/// What it is to be told that went well.
fn went_well(code: &str, amount: u64) -> (String, u64, String) {
    (code.to_owned(), amount, String::new())
}

/// What it is to be told that did not.
fn went_wrong(code: &str, amount: u64, reason: &str) -> (String, u64, String) {
    (format!("{code} failed"), amount, reason.to_owned())
}

fn amount(value: u64) -> Value {
    json!({ "amount": euro(value) })
}

/// Of a payment of an order, in the order they were made: what was authorised, captured, cancelled and refunded.
async fn books(shop: &Shop, order: &Value, payment: usize) -> [u64; 4] {
    let shown = shop.order(order).await;
    let value = |name: &str| shown["payments"][payment][name]["value"].as_u64().unwrap();
    ["authorisedAmount", "capturedAmount", "cancelledAmount", "refundedAmount"].map(value)
}

/// What the order of a payment without an order is found by.
fn order_of(payment: &str) -> Value {
    json!({ "pspReference": format!("{}000", &payment[..13]) })
}
