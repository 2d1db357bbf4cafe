//! One order in all families: its lines here, its parts there, whoever opened it.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    payments::entity_id,
    shop::{Answer, Shop, card, euro, gift_card, payment},
};

const VISA: &str = "4111111111111111";

fn path_of(reference: &str) -> String {
    let reference = reference.parse::<domain::Reference>().unwrap();
    format!("/psp/paymentorders/{}", reference.to_uuid())
}

fn shopping(path: &str) -> String {
    format!("/v1/accounts/{}/shopping/{path}", local::TEST_MERCHANT)
}

async fn send(shop: &Shop, method: Method, path: &str, body: &Value) -> Answer {
    let request = shop.request(method, path).header("Content-Type", "application/json;version=3.1");
    shop.send(request.body(body.to_string())).await
}

async fn ok(shop: &Shop, method: Method, path: &str, body: &Value) -> Answer {
    let answer = send(shop, method, path, body).await;
    assert!((200..300).contains(&answer.status), "{path}: {}", answer.text);
    answer
}

fn item(reference: &str, amount: i64) -> Value {
    json!({
        "reference": reference, "name": format!("A {reference}"), "type": "PRODUCT", "class": "C", "quantity": 1,
        "quantityUnit": "pcs", "unitPrice": amount, "vatPercent": 2500, "amount": amount, "vatAmount": amount / 5,
    })
}

fn update(items: &[(&str, i64)]) -> Value {
    let amount = items.iter().map(|(_, amount)| amount).sum::<i64>();
    let items = items.iter().map(|(reference, amount)| item(reference, *amount)).collect::<Vec<_>>();
    json!({ "paymentorder": {
        "operation": "UpdateOrder", "amount": amount, "vatAmount": amount / 5, "orderItems": items,
    } })
}

/// The body that opens a payment order of a chair and a lamp.
fn purchase(reference: &str) -> Value {
    json!({ "paymentorder": {
        "operation": "Purchase", "currency": "EUR", "amount": 5_000, "vatAmount": 1_000, "description": "Chairs",
        "userAgent": "Mozilla/5.0", "language": "en-US",
        "urls": { "hostUrls": ["https://shop.example"], "completeUrl": "https://shop.example/complete" },
        "payeeInfo": { "payeeId": entity_id(), "payeeReference": reference },
        "orderItems": [item("chair", 3_000), item("lamp", 2_000)],
    } })
}

/// What an order of that reference is in each family.
struct Everywhere {
    checkout: Value,
    payments: Value,
    purchase: Value,
    shopping: Value,
}

async fn everywhere(shop: &Shop, reference: &str) -> Everywhere {
    let get = async |path: &str| {
        let answer = shop.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    };
    let uuid = reference.parse::<domain::Reference>().unwrap().to_uuid();
    let expanded = format!("{}?$expand=orderItems,financialTransactions", path_of(reference));
    Everywhere {
        checkout: get(&format!("/v72/orders/{reference}")).await,
        payments: get(&format!("/v2/payments/{uuid}")).await,
        purchase: get(&expanded).await["paymentorder"].clone(),
        shopping: get(&shopping(&format!("orders/{reference}"))).await,
    }
}

fn token(order: &Value) -> Value {
    json!({ "pspReference": order["pspReference"], "orderData": order["orderData"] })
}

async fn pay(shop: &Shop, order: &Value, value: u64, method: Value) -> String {
    let paid = shop.post("/v72/payments", &payment(Some(&token(order)), value, method)).await;
    assert_eq!(paid.text_at("/resultCode"), "Authorised", "{}", paid.text);
    paid.text_at("/pspReference")
}

/// Opened by the checkout family, given lines by the paymentorders family, its first part paid by gift card, its cart
/// changed, the rest paid by card, and a line exchanged by the shopping family after that.
async fn one_order_lives_in_all_families(shop: &Shop) {
    let opened = shop.open_order(10_000).await.order();
    let reference = opened["pspReference"].as_str().unwrap().to_owned();
    let path = path_of(&reference);
    ok(shop, Method::PATCH, &path, &update(&[("chair", 7_000), ("lamp", 3_000)])).await;
    let order = shop.order(&opened).await;
    let lines = order["lines"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[0]["reference"], &lines[0]["taxAmount"]), (2, &json!("chair"), &json!(1_400)));

    pay(shop, &order, 2_000, gift_card()).await;
    let before = shop.order(&opened).await;
    // Another lamp, after the gift card was taken.
    ok(shop, Method::PATCH, &path, &update(&[("chair", 7_000), ("lamp", 3_000), ("lamp", 3_000)])).await;
    let stale = shop.post("/v72/payments", &payment(Some(&token(&before)), 8_000, card(VISA))).await;
    assert_eq!((stale.status, stale.text_at("/errorCode").as_str()), (422, "order_data_stale"), "{}", stale.text);
    let order = shop.order(&opened).await;
    assert_eq!((&order["amount"], &order["remainingAmount"]), (&euro(13_000), &euro(11_000)));
    let by_card = pay(shop, &order, 11_000, card(VISA)).await;

    let shown = everywhere(shop, &reference).await;
    assert_eq!((&shown.checkout["status"], &shown.checkout["success"]), (&json!("closed"), &json!(true)));
    assert_eq!(shown.payments["split"].as_array().map(Vec::len), Some(2), "{}", shown.payments);
    assert_eq!(shown.purchase["state"], "Ready", "{}", shown.purchase);
    assert_eq!(shown.purchase["orderItems"]["orderItemList"].as_array().map(Vec::len), Some(3));
    assert_eq!(shown.shopping["items"].as_array().map(Vec::len), Some(3), "{}", shown.shopping);
    assert_eq!(shown.shopping["payments"].as_array().map(Vec::len), Some(2), "{}", shown.shopping);

    // Captured as a whole by the payments family: the lines share what was captured.
    let uuid = reference.parse::<domain::Reference>().unwrap().to_uuid();
    let captured = shop.ask(&format!("/v2/payments/{uuid}/captures")).await;
    assert_eq!(captured.status, 200, "{}", captured.text);
    let operate = async |kind: &str, line: u32, amount: i64| {
        let body = json!({
            "items": [{ "line_id": line, "amount": amount }], "payment_details": { "payment_id": by_card },
            "success": true,
        });
        ok(shop, Method::POST, &shopping(&format!("orders/{reference}/{kind}")), &body).await
    };
    for kind in ["authorizations", "captures"] {
        operate(kind, 1, 7_000).await;
    }
    // The chair comes back, and a cheaper one is wanted.
    let draft = json!({
        "options": { "order_id": reference },
        "order": { "items": [
            {
                "line_id": 4, "id": "chair", "quantity": 1, "gross_amount": -7_000, "description": "A chair",
                "tax_lines": [{ "amount": -1_400, "percentage": 25 }],
                "related_item": { "line_id": 1, "type": "reversed" },
            },
            {
                "line_id": 5, "id": "stool", "quantity": 1, "gross_amount": 6_000, "description": "A stool",
                "tax_lines": [{ "amount": 1_200, "percentage": 25 }],
            },
        ] },
    });
    let draft = ok(shop, Method::POST, &shopping("draft_orders"), &draft).await.text_at("/id");
    ok(shop, Method::PUT, &shopping(&format!("draft_orders/{draft}/complete")), &json!({})).await;
    let changed = everywhere(shop, &reference).await;
    assert_eq!(changed.checkout["excessAmount"], euro(1_000), "{}", changed.checkout);
    assert_eq!(changed.checkout["status"], "open", "it goes on");
    for (line, amount) in [(4, -7_000), (5, 6_000)] {
        operate("authorizations", line, amount).await;
        operate("captures", line, amount).await;
    }
    let ended = everywhere(shop, &reference).await;
    assert_eq!(ended.checkout["lines"].as_array().map(Vec::len), Some(5));
    assert_eq!(ended.checkout["excessAmount"], Value::Null, "{}", ended.checkout);
    let refunded = ended.checkout["payments"].as_array().unwrap().iter().map(|part| &part["refundedAmount"]["value"]);
    assert_eq!(refunded.collect::<Vec<_>>(), [&json!(0), &json!(1_000)], "the difference went back to the card");
    assert_eq!(ended.payments["amounts"]["total_refunded"], json!(1_000), "{}", ended.payments);
    assert_eq!(ended.purchase["amount"], json!(12_000), "{}", ended.purchase);
    assert_eq!((&ended.shopping["gross_amount"], &ended.shopping["payment_status"]), (&json!(12_000), &json!("paid")));
    assert_eq!(shop.gift_card_balance().await, 3_000, "20.00 EUR of it were captured");
}

/// Opened as a payment order, it is a client's payment and a shop's order.
async fn a_payment_order_is_read_everywhere(shop: &Shop) {
    let opened = ok(shop, Method::POST, "/psp/paymentorders", &purchase("ALL-1")).await;
    let uuid = opened.text_at("/paymentorder/id").rsplit('/').next().unwrap().to_owned();
    let reference = uuid.parse::<domain::Reference>().unwrap().to_string();
    let order = shop.order(&json!({ "pspReference": reference })).await;
    assert_eq!((&order["reference"], &order["taxAmount"]), (&json!("ALL-1"), &json!(1_000)));
    pay(shop, &order, 2_000, gift_card()).await;
    let order = shop.order(&order).await;
    pay(shop, &order, 3_000, card(VISA)).await;
    let body = json!({ "transaction": {
        "description": "The chair", "amount": 3_000, "vatAmount": 600, "payeeReference": "C1",
        "orderItems": [item("chair", 3_000)],
    } });
    let captured = ok(shop, Method::POST, &format!("/psp/paymentorders/{uuid}/captures"), &body).await;
    assert_eq!(captured.text_at("/paymentOrder/status"), "Paid");
    let shown = everywhere(shop, &reference).await;
    let line = &shown.checkout["lines"][0];
    assert_eq!((&line["capturedAmount"], &line["capturedTaxAmount"]), (&json!(3_000), &json!(600)), "{line}");
    assert_eq!(shown.shopping["items"][0]["captured_amount"], json!(3_000));
    assert_eq!(shown.payments["overview"]["captured"], "PARTIALLY", "{}", shown.payments);
    assert_eq!(shown.payments["split"].as_array().map(Vec::len), Some(2));
}

/// A payment order, or an order of the shopping family, was told something else when it was opened.
async fn an_order_of_another_family_is_no_client_session(shop: &Shop) {
    let item = json!({ "line_id": 1, "id": "chair", "quantity": 1, "gross_amount": 1_000, "tax_lines": [] });
    let draft = json!({ "order": { "currency": "EUR", "items": [item] } });
    let draft = ok(shop, Method::POST, &shopping("draft_orders"), &draft).await.text_at("/id");
    let completed = ok(shop, Method::PUT, &shopping(&format!("draft_orders/{draft}/complete")), &json!({})).await;
    let opened = ok(shop, Method::POST, "/psp/paymentorders", &purchase("NONE-1")).await;
    let purchase = opened.text_at("/paymentorder/id").rsplit('/').next().unwrap().to_owned();
    for id in [completed.text_at("/orders/0/id"), purchase] {
        let answer = shop.get(&format!("/payment/v2/client-sessions/{id}")).await;
        assert_eq!((answer.status, answer.text_at("/code")), (404, "not_found".to_owned()), "{}", answer.text);
    }
}

super::on_both_stores!(
    one_order_lives_in_all_families,
    a_payment_order_is_read_everywhere,
    an_order_of_another_family_is_no_client_session,
);
