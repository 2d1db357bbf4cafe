//! The shopping family, through HTTP.

mod crashes;
mod drafts;
mod orders;
mod races;
mod seed;
mod stories;
mod validation;

use reqwest::Method;
use serde_json::{Value, json};
use tests::shop::{Answer, Shop};

const VISA: &str = "4111111111111111";

/// The path of something of the test merchant's.
fn at(path: &str) -> String {
    format!("/v1/accounts/{}/shopping/{path}", local::TEST_MERCHANT)
}

/// Of an order.
fn of(order: &str, path: &str) -> String {
    at(&format!("orders/{order}{}{path}", if path.is_empty() { "" } else { "/" }))
}

async fn put(shop: &Shop, path: &str, body: &Value) -> Answer {
    shop.send(shop.request(Method::PUT, path).json(body)).await
}

async fn delete(shop: &Shop, path: &str) -> Answer {
    shop.send(shop.request(Method::DELETE, path)).await
}

/// An item with a tax of 25 %.
fn item(line: u32, sku: &str, gross: i64, tax: i64) -> Value {
    json!({
        "line_id": line, "id": sku, "quantity": 1, "gross_amount": gross, "description": format!("A {sku}"),
        "tax_lines": [{ "amount": tax, "percentage": 25 }],
    })
}

/// An item that takes another back.
fn reversal(line: u32, of: u32, sku: &str, gross: i64, tax: i64) -> Value {
    let mut item = item(line, sku, gross, tax);
    item["related_item"] = json!({ "line_id": of, "type": "reversed" });
    item["reversed_reason"] = json!("Replace item");
    item
}

/// A draft of a new order, in euro.
fn draft_of(items: &[Value]) -> Value {
    json!({ "order": { "currency": "EUR", "items": items } })
}

/// A draft of what is added to an order.
fn update_of(order: &str, items: &[Value]) -> Value {
    json!({ "options": { "order_id": order }, "order": { "items": items } })
}

/// A draft that was created; its identity.
async fn drafted(shop: &Shop, body: &Value) -> String {
    let created = shop.post(&at("draft_orders"), body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    created.text_at("/id")
}

async fn complete(shop: &Shop, draft: &str) -> Answer {
    put(shop, &at(&format!("draft_orders/{draft}/complete")), &json!({})).await
}

/// An order of these items; what it is called.
async fn ordered(shop: &Shop, items: &[Value]) -> String {
    let draft = drafted(shop, &draft_of(items)).await;
    let completed = complete(shop, &draft).await;
    assert_eq!(completed.status, 200, "{}", completed.text);
    completed.text_at("/orders/0/order_id")
}

/// The same order with more items.
async fn added(shop: &Shop, order: &str, items: &[Value]) -> Value {
    let draft = drafted(shop, &update_of(order, items)).await;
    let completed = complete(shop, &draft).await;
    assert_eq!(completed.status, 200, "{}", completed.text);
    completed.at("/orders/0")
}

/// The body of an operation.
fn operation(payment: &str, items: &[(u32, i64)]) -> Value {
    let items = items.iter().map(|(line, amount)| json!({ "line_id": line, "amount": amount })).collect::<Vec<_>>();
    json!({ "items": items, "payment_details": { "payment_id": payment }, "success": true })
}

async fn operate(shop: &Shop, order: &str, kind: &str, payment: &str, items: &[(u32, i64)]) -> Answer {
    shop.post(&of(order, kind), &operation(payment, items)).await
}

/// Does something on items that has to be taken; what was done.
async fn done(shop: &Shop, order: &str, kind: &str, payment: &str, items: &[(u32, i64)]) -> Value {
    let answer = operate(shop, order, kind, payment, items).await;
    assert_eq!(answer.status, 201, "{kind}: {}", answer.text);
    answer.json()
}

/// Authorises and captures.
async fn taken(shop: &Shop, order: &str, payment: &str, items: &[(u32, i64)]) -> Value {
    done(shop, order, "authorizations", payment, items).await;
    done(shop, order, "captures", payment, items).await
}

async fn shown(shop: &Shop, order: &str) -> Value {
    let answer = shop.get(&of(order, "")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

/// Pays a part of an order with the checkout family; the payment's reference.
async fn paid(shop: &Shop, order: &str, value: u64, method: Value) -> String {
    let order = shown(shop, order).await;
    let checkout =
        json!({ "pspReference": order["checkout"]["pspReference"], "orderData": order["checkout"]["orderData"] });
    let mut body = tests::shop::payment(Some(&checkout), value, method);
    body["amount"]["currency"] = order["currency"].clone();
    let paid = shop.post("/v72/payments", &body).await;
    assert_eq!((paid.status, paid.text_at("/resultCode").as_str()), (200, "Authorised"), "{}", paid.text);
    paid.text_at("/pspReference")
}

/// Of an order: its status, how much of it is paid, what it asks for, what is captured, remaining and in excess.
fn money(order: &Value) -> (&str, i64, i64, i64, i64) {
    let amount = |name: &str| order[name].as_i64().unwrap();
    let words = order["payment_status"].as_str().unwrap();
    (words, amount("gross_amount"), amount("captured_amount"), amount("remaining_amount"), amount("excess_amount"))
}

/// Of an item: authorised, cancelled, captured with its tax, refunded with its tax.
fn books(order: &Value, line: u32) -> [i64; 6] {
    let item = order["items"].as_array().unwrap().iter().find(|item| item["line_id"] == line).unwrap();
    ["authorized", "cancelled", "captured", "captured_tax", "refunded", "refunded_tax"]
        .map(|name| item[format!("{name}_amount")].as_i64().unwrap())
}

/// Says of an error of the family: its status, its code, and the field that is at fault.
fn error(answer: &Answer) -> (u16, String, String) {
    assert_eq!(answer.headers["content-type"], "application/json", "{}", answer.text);
    (answer.status, answer.text_at("/error/code"), answer.text_at("/error/errors/0/field"))
}
