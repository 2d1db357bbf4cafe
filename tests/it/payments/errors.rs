//! Bad input: a problem with a stable type that names the field, and nothing moves.

use std::time::Duration;

use app::access::ACCESS_TOKEN_TIME;
use domain::limits::{OPERATION_DETAILS_BYTES_MAX, PRIORITIES_MAX};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    payments::{SESSIONS, Till, path, session_of},
    shop::{Answer, OPERATOR_KEY, On, Shop, card},
};

use super::{VISA, of, problem, with};

/// It is a problem of that code at that path, and its detail names what is wrong.
#[track_caller]
fn is_problem(answer: &Answer, at: &str, status: u16, code: &str, named: &str) {
    assert_eq!(problem(answer), (status, code.to_owned()), "{}", answer.text);
    assert_eq!(answer.text_at("/type"), format!("urn:tender:problem:{code}"));
    assert_eq!(answer.text_at("/instance"), at);
    assert!(!answer.text_at("/title").is_empty());
    assert_eq!(answer.json().get("resource_id"), None);
    assert!(answer.text_at("/detail").contains(named), "it names {named}: {}", answer.text);
}

/// Bytes that can be told about an operation, or a session.
fn details_max() -> usize {
    usize::try_from(OPERATION_DETAILS_BYTES_MAX).unwrap()
}

/// A body with one field, by JSON pointer, set to another value; taken out, for null.
fn set(mut body: Value, pointer: &str, value: &Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        parent.remove(name);
    } else {
        parent.insert(name.to_owned(), value.clone());
    }
    body
}

#[tokio::test]
async fn each_bad_field_of_an_operation_is_named_and_nothing_moves() {
    let shop = Shop::open(On::Embedded).await;
    let till = Till::open(&shop).await;
    let id = till.sell(&session_of(12_000), &[(12_000, card(VISA))]).await;
    till.operate(&id, "captures", &of(6_000)).await;
    let before = till.payment(&id).await;
    let entry = json!({ "partner": "*", "method": "*" });
    let line = |line: Value| json!({ "shipments": [{ "net_amount": 100, "item_lines": [line] }] });
    let nets = |nets: &[i64]| {
        let shipments = nets.iter().map(|net| json!({ "net_amount": net })).collect::<Vec<_>>();
        json!({ "shipments": shipments })
    };
    for (field, value, status, code, named) in [
        ("amount", json!("100"), 400, "body_invalid", "field 'amount'"),
        ("amount", json!(1.5), 400, "body_invalid", "field 'amount'"),
        ("amount", json!({ "value": 100, "currency": "EUR" }), 400, "body_invalid", "field 'amount'"),
        ("amount", json!(u64::MAX), 400, "body_invalid", "field 'amount'"),
        ("amount", json!(0), 422, "amount_invalid", "'amount'"),
        ("amount", json!(-100), 422, "amount_invalid", "'amount'"),
        ("amount", json!(1_000_000_000_000_000_u64), 422, "amount_invalid", "'amount'"),
        ("currency", json!("EURO"), 422, "currency_unknown", "'currency'"),
        ("currency", json!("XXX"), 422, "currency_unknown", "'currency'"),
        ("currency", json!("USD"), 422, "currency_mismatch", "'currency' is not valid: the payment is in EUR, got USD"),
        ("currency", json!(978), 400, "body_invalid", "field 'currency'"),
        ("merchant_reference", json!(""), 422, "field_invalid", "'merchant_reference'"),
        ("merchant_reference", json!("r".repeat(81)), 422, "field_invalid", "'merchant_reference'"),
        ("merchant_reference", json!("a\u{7}"), 422, "field_invalid", "'merchant_reference'"),
        ("merchant_reference", json!(7), 400, "body_invalid", "field 'merchant_reference'"),
        ("priorities", json!("*"), 400, "body_invalid", "field 'priorities'"),
        ("priorities", entry.clone(), 400, "body_invalid", "field 'priorities'"),
        ("priorities", json!(["*"]), 400, "body_invalid", "field 'priorities[0]'"),
        ("priorities", json!([["*", "*"]]), 400, "body_invalid", "field 'priorities[0]'"),
        ("priorities", json!([entry, { "method": "*" }]), 422, "field_missing", "'priorities[1].partner'"),
        ("priorities", json!([{ "partner": "*" }]), 422, "field_missing", "'priorities[0].method'"),
        ("priorities", json!([{ "partner": 7, "method": "*" }]), 400, "body_invalid", "field 'priorities[0].partner'"),
        ("priorities", json!([{ "partner": "", "method": "*" }]), 422, "field_invalid", "'priorities[0].partner'"),
        (
            "priorities",
            json!([{ "partner": "*", "method": "m".repeat(65) }]),
            422,
            "field_invalid",
            "'priorities[0].method' is not valid: expected 1 to 64 characters, or '*', got 65",
        ),
        ("priorities", json!(vec![entry.clone(); PRIORITIES_MAX + 1]), 422, "field_invalid", "'priorities'"),
        ("order", json!("order"), 400, "body_invalid", "field 'order'"),
        ("order", json!([]), 400, "body_invalid", "field 'order'"),
        ("order", json!({ "shipments": {} }), 400, "body_invalid", "field 'order.shipments'"),
        ("order", json!({ "shipments": [{}] }), 422, "field_missing", "'order.shipments[0].net_amount'"),
        (
            "order",
            json!({ "shipments": [{ "net_amount": "1" }] }),
            400,
            "body_invalid",
            "order.shipments[0].net_amount",
        ),
        ("order", nets(&[101, -1]), 422, "amount_invalid", "'order.shipments[1].net_amount'"),
        ("order", nets(&[999_999_999_999_999, 1]), 422, "amount_invalid", "'order.shipments'"),
        (
            "order",
            nets(&[60, 41]),
            422,
            "shipments_mismatch",
            "the shipments come to EUR 1.01, the operation to EUR 1.00",
        ),
        ("order", nets(&[]), 422, "shipments_mismatch", "the shipments come to EUR 0.00, the operation to EUR 1.00"),
        ("order", line(json!("line")), 400, "body_invalid", "field 'order.shipments[0].item_lines[0]'"),
        ("order", line(json!({ "quantity": "4" })), 400, "body_invalid", "item_lines[0].quantity"),
        (
            "order",
            line(json!({ "is_marketplace_seller": 1 })),
            400,
            "body_invalid",
            "item_lines[0].is_marketplace_seller",
        ),
        ("order", line(json!({ "unit_gross_price": 1.5 })), 400, "body_invalid", "item_lines[0].unit_gross_price"),
        ("order", line(json!({ "type": [] })), 400, "body_invalid", "item_lines[0].type"),
        ("order", line(json!({ "name": "n".repeat(details_max()) })), 422, "details_too_long", "more than 24576"),
    ] {
        for what in ["captures", "voids", "refunds"] {
            let at = path(&id, what);
            let answer = till.post(&at, &with(of(100), &json!({ field: value }))).await;
            is_problem(&answer, &at, status, code, named);
        }
    }
    // All that is available, then: 60.00.
    let answer = till.ask(&id, "captures", &json!({ "order": nets(&[100]) })).await;
    is_problem(&answer, &path(&id, "captures"), 422, "shipments_mismatch", "the operation to EUR 60.00");
    for body in ["{", "[]", "7", "\"\"", "null", "{} {}", "amount=100"] {
        let at = path(&id, "voids");
        let answer = shop.send(till.request(Method::POST, &at).body(body)).await;
        is_problem(&answer, &at, 400, "body_invalid", "");
    }
    assert_eq!(till.payment(&id).await, before, "nothing moved");
    // As much as there is room for is told back.
    let most = line(json!({ "name": "n".repeat(details_max() - 200) }));
    let done = till.operate(&id, "captures", &json!({ "amount": 100, "order": most })).await;
    assert_eq!(done["captures"][1]["order"], most);
}

#[tokio::test]
async fn each_bad_field_of_a_session_is_named() {
    let shop = Shop::open(On::Embedded).await;
    let till = Till::open(&shop).await;
    for (pointer, value, status, code) in [
        ("/entity_id", json!(null), 422, "field_missing"),
        ("/entity_id", json!(local::TEST_MERCHANT), 422, "field_invalid"),
        ("/entity_id", json!("497f6eca-6276-4993-bfeb-53cbbbba6f08"), 403, "merchant_forbidden"),
        ("/entity_id", json!(7), 400, "body_invalid"),
        ("/amount", json!(null), 422, "field_missing"),
        ("/amount", json!(0), 422, "amount_invalid"),
        ("/amount", json!(-1), 422, "amount_invalid"),
        ("/amount", json!(1_000_000_000_000_000_u64), 422, "amount_invalid"),
        ("/amount", json!(10.5), 400, "body_invalid"),
        ("/amount", json!("10"), 400, "body_invalid"),
        ("/currency", json!(null), 422, "field_missing"),
        ("/currency", json!("EURO"), 422, "currency_unknown"),
        ("/currency", json!("eur"), 422, "currency_unknown"),
        ("/currency", json!(978), 400, "body_invalid"),
        ("/capture_mode", json!("LATER"), 422, "field_invalid"),
        ("/capture_mode", json!("manual"), 422, "field_invalid"),
        ("/capture_mode", json!(true), 400, "body_invalid"),
        ("/capture_delay", json!(7_200), 400, "body_invalid"),
        ("/integration_mode", json!("POPUP"), 422, "field_invalid"),
        ("/integration_mode", json!([]), 400, "body_invalid"),
        ("/shopper_redirection_url", json!(null), 422, "field_missing"),
        ("/shopper_redirection_url", json!("shop.example"), 422, "field_invalid"),
        ("/shopper_redirection_url", json!("javascript:alert(1)"), 422, "field_invalid"),
        (
            "/shopper_redirection_url",
            json!(format!("https://shop.example/{}", "x".repeat(1_024))),
            422,
            "field_invalid",
        ),
        ("/shopper_redirection_url", json!(7), 400, "body_invalid"),
        ("/order", json!(null), 422, "field_missing"),
        ("/order", json!("order-1"), 400, "body_invalid"),
        ("/order", json!(["order-1"]), 400, "body_invalid"),
        ("/order/reference", json!(null), 422, "field_missing"),
        ("/order/reference", json!(""), 422, "field_invalid"),
        ("/order/reference", json!("r".repeat(81)), 422, "field_invalid"),
        ("/order/reference", json!("a\nb"), 422, "field_invalid"),
        ("/order/items", json!("i".repeat(details_max())), 422, "details_too_long"),
        ("/webhook", json!("https://shop.example/hook"), 400, "body_invalid"),
        ("/webhook", json!([]), 400, "body_invalid"),
    ] {
        let answer = till.post(SESSIONS, &set(session_of(1_000), pointer, &value)).await;
        let field = match pointer {
            // It is the whole that is too long.
            "/order/items" => "order".to_owned(),
            pointer => pointer.trim_start_matches('/').replace('/', "."),
        };
        is_problem(&answer, SESSIONS, status, code, &format!("'{field}'"));
    }
    let number = till.post(SESSIONS, &set(session_of(1), "/order/reference", &json!(7))).await;
    is_problem(&number, SESSIONS, 400, "body_invalid", "field 'order': expected an object whose 'reference' is a text");
    let free = with(session_of(0), &json!({ "allow_future_usage": true }));
    is_problem(&till.post(SESSIONS, &free).await, SESSIONS, 422, "amount_invalid", "'amount'");
    let empty = shop.send(till.request(Method::POST, SESSIONS)).await;
    is_problem(&empty, SESSIONS, 422, "field_missing", "'entity_id'");
}

#[tokio::test]
async fn what_is_not_there_is_told_so() {
    let shop = Shop::open(On::Embedded).await;
    let till = Till::open(&shop).await;
    let unpaid = till.session(&session_of(1_000)).await.text_at("/id");
    for id in ["497f6eca-6276-4993-bfeb-53cbbbba6f08", "0000000000000000", "nonsense", "7", "a%20b", &unpaid] {
        for what in ["captures", "voids", "refunds"] {
            is_problem(
                &till.ask(id, what, &of(1)).await,
                &path(id, what),
                404,
                "not_found",
                "There is no such payment",
            );
        }
        is_problem(&till.get(&path(id, "")).await, &path(id, ""), 404, "not_found", "There is no such payment");
    }
    assert!(till.get(&path(&unpaid, "")).await.text_at("/detail").contains("nobody has begun to pay"));
    for id in ["497f6eca-6276-4993-bfeb-53cbbbba6f08", "0000000000000000", "nonsense"] {
        let at = format!("{SESSIONS}/{id}");
        is_problem(&till.get(&at).await, &at, 404, "not_found", "");
    }
    for at in [path(&unpaid, "chargebacks"), "/payment/v2/sessions".to_owned()] {
        is_problem(&till.get(&at).await, &at, 404, "route_not_found", "");
    }
    // Of the other family's paths, version 2 is none.
    for at in [path(&unpaid, "cancels"), path(&unpaid, "reversals"), "/v2/payments".to_owned()] {
        is_problem(&till.post(&at, &json!({})).await, &at, 404, "route_not_found", "There is no");
    }
    for at in [path(&unpaid, "captures"), SESSIONS.to_owned()] {
        is_problem(&till.get(&at).await, &at, 405, "method_not_allowed", "GET");
    }
}

#[tokio::test]
async fn who_is_not_known_learns_nothing() {
    let shop = Shop::open(On::Embedded).await;
    let till = Till::open(&shop).await;
    let id = till.sell(&session_of(1_000), &[(1_000, card(VISA))]).await;
    let at = path(&id, "captures");
    let ask = || shop.bare(Method::POST, &at).json(&of(1));
    let mut forged = till.token.clone().into_bytes();
    forged[10] = if forged[10] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    let cut = &till.token[..till.token.len() - 1];
    let bearers = ["", "nonsense", "tat_", &forged, cut, tests::shop::API_KEY, &"t".repeat(300)];
    let unknown = bearers.map(|token| ask().bearer_auth(token)).into_iter();
    let unknown = unknown.chain([ask(), ask().header("X-API-Key", "wrong"), ask().header("X-API-Key", &till.token)]);
    // If both come, it is the token that counts.
    let unknown = unknown.chain([ask().bearer_auth(&forged).header("X-API-Key", tests::shop::API_KEY)]);
    for request in unknown {
        let answer = shop.send(request).await;
        is_problem(&answer, &at, 401, "unauthorised", "");
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"tender\"");
    }
    let key = shop.send(ask().header("X-API-Key", tests::shop::API_KEY)).await;
    assert_eq!(key.status, 200, "the key itself will do too: {}", key.text);
    let both = ask().bearer_auth(&till.token).header("X-API-Key", "wrong");
    assert_eq!(shop.send(both).await.status, 200, "it is the token that counts");

    shop.clock.advance(ACCESS_TOKEN_TIME - Duration::from_millis(1));
    assert_eq!(till.post(&at, &of(1)).await.status, 200);
    shop.clock.advance(Duration::from_millis(1));
    is_problem(&till.post(&at, &of(1)).await, &at, 401, "unauthorised", "");
    assert_eq!(Till::open(&shop).await.post(&at, &of(1)).await.status, 200, "another one is easily had");

    let admin = Till::with_key(&shop, &shop.second(&["admin"]).await).await;
    is_problem(&admin.post(&at, &of(1)).await, &at, 403, "role_missing", "'payments'");
    is_problem(&admin.post(SESSIONS, &session_of(1)).await, SESSIONS, 403, "role_missing", "'payments'");
    let operator = shop.as_key(OPERATOR_KEY, Method::POST, &at, Some(&of(1))).await;
    is_problem(&operator, &at, 403, "role_missing", "'payments'");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let shop = Shop::open(On::Embedded).await;
    let till = Till::open(&shop).await;
    let id = till.sell(&session_of(1_000), &[(1_000, card(VISA))]).await;
    let long = json!({ "amount": 1, "merchant_reference": "r".repeat(api::limits::BODY_BYTES_MAX) });
    for at in [path(&id, "captures"), SESSIONS.to_owned()] {
        is_problem(&till.post(&at, &long).await, &at, 413, "body_too_large", "");
    }
}
