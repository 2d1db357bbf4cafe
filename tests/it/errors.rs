//! Bad input: a clear error in the family's own format, and nothing done.

use reqwest::Method;
use serde_json::{Value, json};
use tests::shop::{On, Shop, card, gift_card, order_of, payment};

/// A body with one field, by JSON pointer, set to another value; taken out, for null.
fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        parent.remove(name);
    } else {
        parent.insert(name.to_owned(), value);
    }
    body
}

#[tokio::test]
async fn each_bad_field_of_an_order_is_named() {
    let shop = Shop::open(On::Embedded).await;
    for (pointer, value, status, code) in [
        ("/merchantAccount", json!(null), 422, "130"),
        ("/merchantAccount", json!("Nobody"), 403, "901"),
        ("/merchantAccount", json!("No/body"), 403, "901"),
        ("/merchantAccount", json!(7), 400, "702"),
        ("/amount", json!(null), 422, "100"),
        ("/amount", json!("10"), 400, "702"),
        ("/amount/currency", json!(null), 422, "130"),
        ("/amount/currency", json!("EURO"), 422, "138"),
        ("/amount/currency", json!("XXX"), 422, "138"),
        ("/amount/value", json!(null), 422, "130"),
        ("/amount/value", json!(0), 422, "137"),
        ("/amount/value", json!(-1), 422, "137"),
        ("/amount/value", json!(1_000_000_000_000_000_u64), 422, "137"),
        ("/amount/value", json!(10.5), 400, "702"),
        ("/amount/value", json!("10"), 400, "702"),
        ("/amount/value", json!(u64::MAX), 400, "702"),
        ("/reference", json!(null), 422, "130"),
        ("/reference", json!(""), 422, "702"),
        ("/reference", json!("r".repeat(81)), 422, "702"),
        ("/reference", json!(["r"]), 400, "702"),
        ("/expiresAt", json!("tomorrow"), 422, "order_expiry_invalid"),
        ("/expiresAt", json!("2026-12-01T10:00:00[Europe/Amsterdam]"), 422, "order_expiry_invalid"),
        ("/expiresAt", json!("2026-01-31T12:00:00Z"), 422, "order_expiry_invalid"),
        ("/expiresAt", json!("2027-01-31T12:00:01Z"), 422, "order_expiry_invalid"),
        ("/expiresAt", json!(1_800_000_000), 400, "702"),
    ] {
        let answer = shop.post("/v72/orders", &with(order_of(1_000), pointer, value.clone())).await;
        assert_eq!(answer.error(), (status, code.to_owned()), "{pointer} = {value}: {}", answer.text);
        assert_eq!(answer.at("/status"), status);
        let kind = if status == 403 { "security" } else { "validation" };
        assert_eq!(answer.text_at("/errorType"), kind);
        assert_eq!(answer.text_at("/pspReference"), answer.headers["pspreference"].to_str().unwrap());
        let name = pointer.rsplit('/').next().unwrap();
        let named = answer.text_at("/message").to_lowercase().replace(' ', "");
        assert!(named.contains(&name.to_lowercase()), "the message names {name}: {}", answer.text);
    }
}

#[tokio::test]
async fn expiries_are_read_with_and_without_an_offset() {
    let shop = Shop::open(On::Embedded).await;
    for (given, expected) in [
        ("2026-02-01T14:21:00", "2026-02-01T14:21:00Z"),
        ("2026-02-01T14:21:00Z", "2026-02-01T14:21:00Z"),
        ("2026-02-01T14:21:00+02:00", "2026-02-01T12:21:00Z"),
        ("2026-02-01T14:21:00.999-05:00", "2026-02-01T19:21:00Z"),
    ] {
        let opened = shop.post("/v72/orders", &with(order_of(1), "/expiresAt", json!(given))).await;
        assert_eq!((opened.status, opened.text_at("/expiresAt")), (200, expected.to_owned()), "{}", opened.text);
    }
}

#[tokio::test]
async fn each_bad_field_of_a_payment_is_named_and_nothing_is_done() {
    let shop = Shop::open(On::Embedded).await;
    let opened = shop.open_order(10_000).await;
    let good = payment(Some(&opened.order()), 1_000, card("4111111111111111"));
    for (pointer, value, status, code) in [
        ("/merchantAccount", json!("Nobody"), 403, "901"),
        ("/amount/value", json!(0), 422, "137"),
        ("/amount/value", json!(10_001), 422, "order_amount_exceeds_remaining"),
        ("/amount/currency", json!("USD"), 422, "order_currency_mismatch"),
        ("/reference", json!(null), 422, "130"),
        ("/reference", json!("r".repeat(81)), 422, "702"),
        ("/paymentMethod", json!(null), 422, "100"),
        ("/paymentMethod/type", json!(null), 422, "130"),
        ("/paymentMethod/type", json!("cowrie"), 422, "14_007"),
        ("/paymentMethod/number", json!(null), 422, "130"),
        ("/paymentMethod/number", json!("4111111111111112"), 422, "101"),
        ("/paymentMethod/number", json!("4111"), 422, "101"),
        ("/paymentMethod/number", json!("four"), 422, "101"),
        ("/paymentMethod/number", json!(4_111_111_111_111_111_u64), 400, "702"),
        ("/returnUrl", json!(null), 422, "14_030"),
        ("/returnUrl", json!("not a url"), 422, "702"),
        ("/returnUrl", json!("javascript:alert(1)"), 422, "702"),
        ("/returnUrl", json!(format!("https://shop.example/{}", "x".repeat(1_024))), 422, "702"),
        ("/order/pspReference", json!(null), 422, "130"),
        ("/order/orderData", json!(null), 422, "130"),
        ("/order", json!("order"), 400, "702"),
        ("/order", json!([opened.at("/pspReference"), opened.at("/orderData")]), 400, "702"),
        ("/amount", json!(["EUR", 1]), 400, "702"),
        ("/reference", json!("a\nb"), 422, "702"),
    ] {
        let answer = shop.post("/v72/payments", &with(good.clone(), pointer, value.clone())).await;
        assert_eq!(answer.error(), (status, code.to_owned()), "{pointer} = {value}: {}", answer.text);
        assert!(!answer.text.contains("4111111111111"), "a number is never told back: {}", answer.text);
    }
    let encrypted = json!({ "type": "scheme", "encryptedCardNumber": "adyenjs_0_1_25$abc" });
    let answer = shop.post("/v72/payments", &payment(Some(&opened.order()), 1, encrypted)).await;
    assert_eq!(answer.error(), (422, "14_007".to_owned()));
    let mut dollars = payment(None, 1, json!({ "type": "ideal" }));
    dollars["amount"]["currency"] = json!("USD");
    assert_eq!(shop.post("/v72/payments", &dollars).await.error(), (422, "14_007".to_owned()));
    let brandless = with(gift_card(), "/brand", json!(null));
    let answer = shop.post("/v72/payments", &payment(Some(&opened.order()), 1, brandless)).await;
    assert_eq!(answer.error(), (422, "130".to_owned()));
    for (field, value) in [
        ("brand", "b".repeat(41)),
        ("brand", String::new()),
        ("brand", "5555444433331111".into()),
        ("number", "1234567".into()),
        ("number", "1".repeat(33)),
    ] {
        let bad = with(gift_card(), &format!("/{field}"), json!(value));
        let answer = shop.post("/v72/payments", &payment(Some(&opened.order()), 1, bad)).await;
        assert_eq!(answer.error(), (422, "702".to_owned()), "{field}: {}", answer.text);
        assert!(answer.text_at("/message").contains(field), "{}", answer.text);
    }
    assert_eq!(shop.state(&opened.order()).await.version.get(), 0, "none of it was written");
}

#[tokio::test]
async fn bodies_that_are_no_json_are_told_so() {
    let shop = Shop::open(On::Embedded).await;
    for body in ["", "{", "[]", "nonsense", "{} {}", "\"\"", "null"] {
        for key in [None, Some("key")] {
            let mut request = shop.request(Method::POST, "/v72/orders").body(body);
            if let Some(key) = key {
                request = request.header("Idempotency-Key", key);
            }
            let answer = shop.send(request).await;
            assert_eq!(answer.error(), (400, "702".to_owned()), "{body}: {}", answer.text);
        }
    }
    let nested = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(shop.send(shop.request(Method::POST, "/v72/orders").body(nested)).await.status, 400);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whatever_way_it_comes() {
    let shop = Shop::open(On::Embedded).await;
    let body = with(order_of(1), "/reference", json!("r".repeat(api::limits::BODY_BYTES_MAX)));
    let answer = shop.post("/v72/orders", &body).await;
    assert_eq!(answer.error(), (413, "702".to_owned()));
    let chunks = futures_util::stream::iter((0..64).map(|_| Ok::<_, std::io::Error>(vec![b' '; 8 * 1_024])));
    let request = shop.request(Method::POST, "/v72/orders").body(reqwest::Body::wrap_stream(chunks));
    assert_eq!(shop.send(request).await.error(), (413, "702".to_owned()));
}

#[tokio::test]
async fn chunked_bodies_are_read() {
    let shop = Shop::open(On::Embedded).await;
    let text = order_of(1_000).to_string();
    let chunks = text.into_bytes().chunks(7).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect::<Vec<_>>();
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    let answer = shop.send(shop.request(Method::POST, "/v72/orders").body(body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn who_is_not_known_learns_nothing() {
    let shop = Shop::open(On::Embedded).await;
    let path = "/v72/orders";
    let body = order_of(1);
    let anonymous = shop.send(shop.bare(Method::POST, path).json(&body)).await;
    assert_eq!(anonymous.error(), (401, "000".to_owned()));
    assert_eq!((anonymous.text_at("/errorType"), anonymous.at("/status")), ("security".to_owned(), json!(401)));
    for key in ["wrong", "", &"k".repeat(300)] {
        let answer = shop.send(shop.bare(Method::POST, path).header("X-API-Key", key).json(&body)).await;
        assert_eq!(answer.error(), (401, "000".to_owned()), "{key}");
    }
    let basic = shop.bare(Method::POST, path).basic_auth("ws@Company.Test", Some(tests::shop::API_KEY)).json(&body);
    assert_eq!(shop.send(basic).await.status, 200);
    let basic = shop.bare(Method::POST, path).basic_auth("ws@Company.Test", Some("wrong")).json(&body);
    assert_eq!(shop.send(basic).await.status, 401);
    let bearer = shop.bare(Method::POST, path).bearer_auth(tests::shop::API_KEY).json(&body);
    assert_eq!(shop.send(bearer).await.status, 401);
}

#[tokio::test]
async fn paths_and_methods_that_are_none_are_told_so() {
    let shop = Shop::open(On::Embedded).await;
    let nowhere = shop.get("/nowhere").await;
    assert_eq!(nowhere.error(), (404, "route_not_found".to_owned()));
    assert_eq!(nowhere.text_at("/pspReference"), nowhere.headers["pspreference"].to_str().unwrap());
    let other_method = shop.get("/v72/orders").await;
    assert_eq!(other_method.error(), (405, "method_not_allowed".to_owned()));
    assert_eq!(other_method.headers["allow"], "POST");
    let admin = shop.get("/admin/v1/nowhere").await;
    assert_eq!((admin.status, admin.text_at("/code")), (404, "route_not_found".to_owned()));
    assert_eq!(admin.headers["content-type"], "application/problem+json");
    assert_eq!(shop.get("/v72/orders/0000000000000000").await.error(), (404, "not_found".to_owned()));
    assert_eq!(shop.get("/v72/orders/nonsense").await.error(), (404, "not_found".to_owned()));
    let opened = shop.open_order(1).await;
    let part = opened.text_at("/pspReference").replace("000", "001");
    assert_eq!(shop.get(&format!("/v72/orders/{part}")).await.status, 404, "a payment's reference is no order's");
}

#[tokio::test]
async fn a_path_may_be_percent_encoded() {
    let shop = Shop::open(On::Embedded).await;
    let reference = shop.open_order(10_000).await.text_at("/pspReference");
    let encoded = reference.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let path = format!("/v72/orders/{encoded}?merchantAccount=TestMerchant");
    assert_eq!(shop.get(&path).await.text_at("/pspReference"), reference);
    let allowed = shop.send(shop.bare(reqwest::Method::PUT, "/admin/v1/merchants")).await;
    assert_eq!(allowed.headers["allow"], "GET, POST", "all that there are");
}
