//! The paymentorders family, through HTTP.

mod carts;
mod errors;
mod families;
mod golden;
mod lives;
mod offers;
mod operations;
mod parts;
mod races;
mod updates;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::{
    payments::entity_id,
    shop::{Answer, Shop, card, gift_card},
};

const ORDERS: &str = "/psp/paymentorders";

const VISA: &str = "4111111111111111";
const REFUSED: &str = "4000000000000002";
/// It is approved after a while.
const PENDING: &str = "4000000000000077";
/// Its captures are declined.
const CAPTURE_DECLINED: &str = "4000000000000341";
/// Its captures are pending, then done.
const CAPTURE_PENDING: &str = "4000000000000259";
/// Its refunds are declined.
const REFUND_DECLINED: &str = "4000000000005126";

/// A merchant's system that speaks one version.
#[derive(Clone, Copy)]
struct Desk<'s> {
    shop: &'s Shop,
    version: &'static str,
}

impl<'s> Desk<'s> {
    fn new(shop: &'s Shop, version: &'static str) -> Self {
        Self { shop, version }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let kind = format!("application/json;version={}", self.version);
        let request = self.shop.request(method.clone(), path);
        if method == Method::GET { request.header("Accept", kind) } else { request.header("Content-Type", kind) }
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = self.shop.send(request).await;
        assert_eq!(answer.headers["api-supported-versions"], "3.1/3.0/2.0", "{}", answer.text);
        if answer.status < 300 {
            let kind = format!("application/json; charset=utf-8; version={}", self.version);
            assert_eq!(answer.headers["content-type"], kind.as_str());
        }
        answer
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Opens a payment order; its path.
    async fn open(&self, body: &Value) -> String {
        let opened = self.post(ORDERS, body).await;
        assert_eq!(opened.status, 200, "{}", opened.text);
        opened.text_at("/paymentorder/id")
    }

    /// The payment order as it is read.
    async fn read(&self, id: &str) -> Answer {
        let read = self.get(id).await;
        assert_eq!(read.status, 200, "{}", read.text);
        read
    }

    /// What a payment order has under a name, as its part tells it.
    async fn part(&self, id: &str, part: &str) -> Value {
        let read = self.get(&format!("{id}/{part}")).await;
        assert_eq!(read.status, 200, "{}", read.text);
        let name = if self.version == "3.1" { "/paymentOrder" } else { "/paymentorder" };
        assert_eq!(read.text_at(name), id);
        let fields = read.json().as_object().cloned().unwrap();
        fields.into_iter().find(|(name, _)| !name.eq_ignore_ascii_case("paymentorder")).unwrap().1
    }

    /// Opens a payment order and pays it by one card.
    async fn sell(&self, reference: &str, number: &str) -> String {
        let id = self.open(&purchase(reference)).await;
        pay(self.shop, &id, &[(1_500, card(number))]).await;
        id
    }

    async fn capture(&self, id: &str, body: &Value) -> Answer {
        self.post(&format!("{id}/captures"), body).await
    }

    async fn cancel(&self, id: &str, reference: &str) -> Answer {
        self.post(&format!("{id}/cancellations"), &cancellation(reference)).await
    }

    async fn reverse(&self, id: &str, body: &Value) -> Answer {
        self.post(&format!("{id}/reversals"), body).await
    }

    async fn update(&self, id: &str, body: &Value) -> Answer {
        self.patch(id, body).await
    }

    async fn abort(&self, id: &str) -> Answer {
        self.patch(id, &abort()).await
    }
}

/// An item.
fn item(reference: &str, amount: i64, tax: i64) -> Value {
    json!({
        "reference": reference, "name": format!("Product {reference}"), "type": "PRODUCT", "class": "ProductGroup1",
        "quantity": 1, "quantityUnit": "pcs", "unitPrice": amount, "vatPercent": 2500, "amount": amount,
        "vatAmount": tax,
    })
}

/// The body that opens a payment order over 15.00 EUR, of two items.
fn purchase(reference: &str) -> Value {
    purchase_of(reference, 1_500, 375, &json!([item("P1", 1_000, 250), item("P2", 500, 125)]))
}

fn purchase_of(reference: &str, amount: i64, tax: i64, items: &Value) -> Value {
    json!({ "paymentorder": {
        "operation": "Purchase",
        "currency": "EUR",
        "amount": amount,
        "vatAmount": tax,
        "description": "Test Purchase",
        "userAgent": "Mozilla/5.0...",
        "language": "nb-NO",
        "urls": {
            "hostUrls": ["https://shop.example", "https://shop.example:8080/cart"],
            "completeUrl": "https://shop.example/complete",
            "cancelUrl": "https://shop.example/cancel",
        },
        "payeeInfo": { "payeeId": entity_id(), "payeeReference": reference, "payeeName": "Merchant1" },
        "orderItems": items,
    } })
}

fn update(amount: i64, tax: i64, items: &Value) -> Value {
    json!({ "paymentorder": { "operation": "UpdateOrder", "amount": amount, "vatAmount": tax, "orderItems": items } })
}

fn abort() -> Value {
    json!({ "paymentorder": { "operation": "Abort", "abortReason": "CancelledByConsumer" } })
}

fn abort_attempt() -> Value {
    json!({ "paymentorder": { "operation": "PaymentAttemptAborted", "abortReason": "AbortedByUI" } })
}

/// What asks for an amount to be captured or reversed.
fn transaction(reference: &str, amount: i64, tax: i64) -> Value {
    json!({ "transaction": {
        "description": "Test transaction", "amount": amount, "vatAmount": tax, "payeeReference": reference,
    } })
}

/// The same, of items.
fn transaction_of(reference: &str, amount: i64, tax: i64, items: &Value) -> Value {
    let mut body = transaction(reference, amount, tax);
    body["transaction"]["orderItems"] = items.clone();
    body["transaction"]["receiptReference"] = json!(format!("R-{reference}"));
    body
}

fn cancellation(reference: &str) -> Value {
    json!({ "transaction": { "description": "Test cancellation", "payeeReference": reference } })
}

/// A body with a field of it set to something else, or, if that is null, left out.
fn with(mut body: Value, pointer: &str, value: &Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Object(fields), Value::Null) => _ = fields.remove(name),
        (Value::Object(fields), value) => _ = fields.insert(name.to_owned(), value.clone()),
        (Value::Array(values), value) => values[name.parse::<usize>().unwrap()] = value.clone(),
        (other, _) => assert_eq!(other, &Value::Null, "no place for {pointer}"),
    }
    body
}

/// The order as the checkout family knows it, with the newest token.
async fn checkout(shop: &Shop, id: &str) -> Value {
    let uuid = id.rsplit('/').next().unwrap();
    let shown = shop.get(&format!("/v72/orders/{uuid}")).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    shown.order()
}

/// Pays a payment order in parts, through the checkout family.
async fn pay(shop: &Shop, id: &str, parts: &[(u64, Value)]) -> Vec<Answer> {
    let order = checkout(shop, id).await;
    tests::payments::pay(shop, &order, "EUR", parts).await
}

/// Pays 5.00 EUR by the test gift card and 10.00 EUR by a card.
async fn pay_in_parts(shop: &Shop, id: &str, number: &str) {
    for paid in pay(shop, id, &[(500, gift_card()), (1_000, card(number))]).await {
        assert_eq!(paid.status, 200, "{}", paid.text);
    }
}

/// What may be done, by name.
fn rels(answer: &Answer) -> Vec<String> {
    let operations = answer.at("/operations").as_array().cloned().unwrap();
    operations.iter().map(|operation| operation["rel"].as_str().unwrap().to_owned()).collect()
}

/// What may be done but for pages.
fn deeds(answer: &Answer) -> Vec<String> {
    rels(answer).into_iter().filter(|rel| !rel.starts_with("redirect") && !rel.starts_with("view")).collect()
}

/// Says of a problem: its status, its code, and the field it is about.
fn problem(answer: &Answer) -> (u16, String, String) {
    assert_eq!(answer.headers["content-type"], "application/problem+json", "{}", answer.text);
    assert_eq!(answer.at("/status"), answer.status, "{}", answer.text);
    (answer.status, answer.text_at("/code"), answer.text_at("/problems/0/name"))
}

/// What can be captured, cancelled and reversed.
fn remaining(order: &Value) -> [u64; 3] {
    let names = ["remainingCaptureAmount", "remainingCancellationAmount", "remainingReversalAmount"];
    names.map(|name| order[name].as_u64().unwrap())
}
