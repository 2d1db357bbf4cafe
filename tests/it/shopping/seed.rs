//! The published samples of an order that is updated by a reversal, replayed in their order. What is answered stands in
//! `golden/*.json`, where what is drawn anew every time has a name in its place.

use std::{env, fs};

use serde_json::{Value, json};
use tests::{
    repository,
    shop::{Answer, Shop},
};

use super::{at, complete, of, shown};

/// Set to `write`, has the answers written instead of compared.
const GOLDEN: &str = "TENDER_GOLDEN";

/// What is drawn anew every time, and what stands in its place.
#[derive(Default)]
struct Drawn(Vec<(String, &'static str)>);

impl Drawn {
    fn put(&mut self, value: String, name: &'static str) {
        self.0.push((value, name));
    }

    /// What an order was drawn.
    fn order(&mut self, order: &Value) {
        self.put(order["order_id"].as_str().unwrap().to_owned(), "{order_id}");
        self.put(order["id"].as_str().unwrap().to_owned(), "{order_uuid}");
        self.put(order["checkout"]["pspReference"].as_str().unwrap()[..13].to_owned(), "{order}");
    }

    /// Compares an answer with what is written.
    fn compare(&self, name: &str, answer: &Answer, is_written: bool) {
        let path = repository().join(format!("tests/it/shopping/golden/{name}.json"));
        let mut told = json!({ "status": answer.status, "body": answer.json() });
        hide_tokens(&mut told);
        let mut text = serde_json::to_string_pretty(&told).unwrap() + "\n";
        for (value, name) in &self.0 {
            text = text.replace(value.as_str(), name);
        }
        if is_written {
            fs::write(&path, &text).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        let advice = format!("if that is meant, have it written: {GOLDEN}=write cargo test -p tests --test it -- seed");
        assert_eq!(text, written, "{name}.json is not what is answered; {advice}");
    }
}

/// Tokens differ with every step of an order.
fn hide_tokens(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "orderData" {
                    *value = json!("{order_data}");
                }
                hide_tokens(value);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide_tokens),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// "Create order".
fn create_order() -> Value {
    json!({
        "options": { "generate_order_id": "ALPHANUMERIC_9" },
        "order": {
            "currency": "NOK",
            "items": [{
                "id": "175938", "line_id": 1, "quantity": 2, "gross_amount": 39_800,
                "tax_lines": [{ "amount": 7_960, "percentage": 25 }],
                "description": "Stablestol for utendørsbruk", "description_alias": "Staplestol",
            }],
        },
    })
}

/// "Reverse order item and add new item".
fn reverse_and_add(order: &str) -> Value {
    json!({
        "options": { "order_id": order },
        "order": {
            "items": [
                {
                    "id": "175938", "line_id": 2, "quantity": 2, "gross_amount": -39_800,
                    "tax_lines": [{ "amount": -7_960, "percentage": 25 }],
                    "description": "Stablestol for utendørsbruk", "description_alias": "Staplestol",
                    "reversed_reason": "Replace item", "related_item": { "line_id": 1, "type": "reversed" },
                },
                {
                    "id": "003929", "line_id": 3, "quantity": 1, "gross_amount": 39_800,
                    "tax_lines": [{ "amount": 7_960, "percentage": 25 }],
                    "description": "Stablestol for innendørsbruk", "description_alias": "Staplestol Lux",
                },
            ],
        },
    })
}

/// The samples of operations: their items, and their payment.
fn sample(items: &Value, payment: &str) -> Value {
    json!({ "items": items, "payment_details": { "payment_id": payment }, "success": true })
}

async fn the_published_samples_are_answered_as_written(shop: &Shop) {
    let is_written = env::var(GOLDEN).is_ok_and(|value| value == "write");
    let mut drawn = Drawn::default();
    let created = shop.post(&at("draft_orders"), &create_order()).await;
    drawn.put(created.text_at("/id"), "{draft_1}");
    drawn.compare("01-create-order", &created, is_written);
    let completed = complete(shop, &created.text_at("/id")).await;
    let order = completed.text_at("/orders/0/order_id");
    assert!(order.len() == 9 && order.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()));
    drawn.order(&completed.at("/orders/0"));
    drawn.compare("02-complete", &completed, is_written);

    let both = async |drawn: &Drawn, names: [&str; 2], body: &Value| {
        for (name, kind) in names.into_iter().zip(["authorizations", "captures"]) {
            drawn.compare(name, &shop.post(&of(&order, kind), body).await, is_written);
        }
    };
    // "Authorize and capture the order".
    let body = sample(&json!([{ "amount": 39_800, "line_id": 1 }]), "PID_123");
    both(&drawn, ["03-authorize-order", "04-capture-order"], &body).await;

    let created = shop.post(&at("draft_orders"), &reverse_and_add(&order)).await;
    drawn.put(created.text_at("/id"), "{draft_2}");
    drawn.compare("05-reverse-and-add", &created, is_written);
    let completed = complete(shop, &created.text_at("/id")).await;
    drawn.compare("06-complete", &completed, is_written);

    // "Authorize and capture reversed item", "Authorize and capture the new item".
    let body = sample(&json!([{ "amount": -39_800, "line_id": 2 }]), "PID_123");
    both(&drawn, ["07-authorize-reversed", "08-capture-reversed"], &body).await;
    let body = sample(&json!([{ "amount": 39_800, "line_id": 3 }]), "PID_123");
    both(&drawn, ["09-authorize-new", "10-capture-new"], &body).await;
    drawn.compare("11-order", &shop.get(&of(&order, "")).await, is_written);
    let before = shown(shop, &order).await;

    // "Authorize and capture the new item + refund line" and "Refund remaining authorization" are about a line that no
    // draft has given, beside one that is captured already; "Part authorization / captures" about one that has no room.
    let body = sample(&json!([{ "amount": 39_800, "line_id": 3 }, { "amount": 1_000, "line_id": 4 }]), "PID_123");
    both(&drawn, ["12-refund-line-authorize", "13-refund-line-capture"], &body).await;
    let body = sample(&json!([{ "amount": 1_000, "line_id": 4 }]), "PID_123");
    drawn.compare("14-refund-remaining", &shop.post(&of(&order, "refunds"), &body).await, is_written);
    let body = sample(&json!([{ "amount": 1_000, "line_id": 3 }]), "PID_321");
    both(&drawn, ["15-part-authorize", "16-part-capture"], &body).await;
    assert_eq!(shown(shop, &order).await, before, "what was refused has changed nothing");

    for kind in ["authorizations", "captures", "refunds", "cancellations"] {
        drawn.compare(&format!("17-{kind}"), &shop.get(&of(&order, kind)).await, is_written);
    }
    drawn.compare("18-events", &shop.get(&of(&order, "events")).await, is_written);
}

crate::on_both_stores!(the_published_samples_are_answered_as_written);
