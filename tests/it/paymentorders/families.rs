//! Payment orders whose items the shopping family replaces, and orders of that family that are read as payment orders.

use reqwest::Method;
use serde_json::{Value, json};
use tests::shop::{Answer, Shop, card};

use super::{Desk, VISA, checkout, deeds, problem, purchase, with};

fn shopping(path: &str) -> String {
    format!("/v1/accounts/{}/shopping/{path}", local::TEST_MERCHANT)
}

async fn ok(shop: &Shop, method: Method, path: &str, body: &Value) -> Answer {
    let answer = shop.send(shop.request(method, path).json(body)).await;
    assert!((200..300).contains(&answer.status), "{path}: {}", answer.text);
    answer
}

fn line(number: u32, gross: i64) -> Value {
    json!({ "line_id": number, "id": "chair", "quantity": 1, "gross_amount": gross, "tax_lines": [] })
}

/// Completes a draft; the order.
async fn drafted(shop: &Shop, body: &Value) -> Value {
    let draft = ok(shop, Method::POST, &shopping("draft_orders"), body).await.text_at("/id");
    let path = shopping(&format!("draft_orders/{draft}/complete"));
    ok(shop, Method::PUT, &path, &json!({})).await.at("/orders/0")
}

/// An order of 10.00 EUR, of one line: its path here.
async fn ordered(shop: &Shop) -> String {
    let order = drafted(shop, &json!({ "order": { "currency": "EUR", "items": [line(1, 1_000)] } })).await;
    format!("/psp/paymentorders/{}", order["id"].as_str().unwrap())
}

async fn new_items_leave_what_a_payment_order_was_told(shop: &Shop) {
    let desk = Desk::new(shop, "3.1");
    let body = with(purchase("told-anew"), "/paymentorder/metadata", &json!({ "cart": 7 }));
    let body = with(body, "/paymentorder/payer", &json!({ "email": "ada@example.org" }));
    let id = desk.open(&body).await;
    let uuid = id.rsplit('/').next().unwrap().to_owned();
    let expanded = format!("{id}?$expand=urls,payeeInfo,payer,metadata");
    let parts = async || {
        let order = desk.get(&expanded).await.at("/paymentorder");
        ["urls", "payeeInfo", "payer", "metadata"].map(|part| order[part].clone())
    };
    let before = parts().await;
    assert_eq!(before[0]["completeUrl"], "https://shop.example/complete");
    let replacement =
        json!({ "options": { "order_id": uuid, "replace": "order" }, "order": { "items": [line(1, 700)] } });
    let addition = json!({ "options": { "order_id": uuid }, "order": { "items": [line(2, 300)] } });
    for step in ["replaced", "replaced by a draft", "added to"] {
        match step {
            "replaced" => {
                let body = json!({ "currency": "EUR", "items": [line(1, 1_200)] });
                _ = ok(shop, Method::PUT, &shopping(&format!("orders/{uuid}")), &body).await;
            }
            "replaced by a draft" => _ = drafted(shop, &replacement).await,
            _ => _ = drafted(shop, &addition).await,
        }
        assert_eq!(parts().await, before, "{step}");
        let operations = desk.read(&id).await.at("/operations");
        let page = operations.as_array().unwrap().iter().find(|offer| offer["rel"] == "redirect-checkout").unwrap();
        let page = page["href"].as_str().unwrap().strip_prefix(&shop.url).unwrap().to_owned();
        let shown = shop.send(shop.bare(Method::GET, &page)).await;
        let policy = shown.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.ends_with("frame-ancestors https://shop.example https://shop.example:8080"), "{step}: {policy}");
    }
}

/// What was told once is not written again by each draft.
async fn a_draft_does_not_repeat_what_a_payment_order_was_told(shop: &Shop) {
    let desk = Desk::new(shop, "3.1");
    let id = desk.open(&purchase("told-once")).await;
    let uuid = id.rsplit('/').next().unwrap();
    drafted(shop, &json!({ "options": { "order_id": uuid }, "order": { "items": [line(3, 300)] } })).await;
    let key = tests::shop::order_key(&checkout(shop, &id).await);
    let order = shop.engine.app.find(&key).await.unwrap();
    let told = shop.engine.app.told(&key, &order).await.unwrap().unwrap();
    assert!(told.contains("draft_id") && !told.contains("completeUrl"), "{told}");
}

async fn an_order_that_goes_on_is_aborted_only_untouched(shop: &Shop) {
    let desk = Desk::new(shop, "3.1");
    let id = ordered(shop).await;
    assert_eq!(deeds(&desk.read(&id).await), ["update-order", "abort"]);
    assert_eq!(desk.abort(&id).await.text_at("/paymentorder/status"), "Aborted");

    // Paid by a card: what covers it is not given back as if it were a cart that was left.
    let paid = ordered(shop).await;
    super::pay(shop, &paid, &[(1_000, card(VISA))]).await;
    assert_eq!(desk.read(&paid).await.text_at("/paymentorder/status"), "Paid");
    // Meant for a payment that somebody else has made.
    let meant = ordered(shop).await;
    let body = json!({ "items": [{ "line_id": 1, "amount": 600 }], "payment_details": { "payment_id": "PID_1" } });
    let uuid = meant.rsplit('/').next().unwrap();
    ok(shop, Method::POST, &shopping(&format!("orders/{uuid}/authorizations")), &body).await;
    for id in [paid, meant] {
        let before = desk.read(&id).await;
        assert_eq!(deeds(&before), [""; 0], "{}", before.text);
        let refused = desk.abort(&id).await;
        assert_eq!(problem(&refused), (403, "order_attempted".to_owned(), String::new()), "{}", refused.text);
        assert_eq!(desk.read(&id).await.text, before.text);
    }
}

crate::on_both_stores!(
    new_items_leave_what_a_payment_order_was_told,
    a_draft_does_not_repeat_what_a_payment_order_was_told,
    an_order_that_goes_on_is_aborted_only_untouched,
);
