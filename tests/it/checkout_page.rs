//! The payment page, as its script uses it: what it is, the order on it, and paying that in parts.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    page::{IMAGE, Page, gift_card},
    shop::{Answer, Shop},
};

const APPROVED: &str = "4111111111111111";

#[track_caller]
fn is_problem(answer: &Answer, status: u16, code: &str, says: &str) {
    assert_eq!((answer.status, answer.text_at("/code")), (status, code.to_owned()), "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let told = answer.at("/problems/0/description");
    let told = told.as_str().map_or_else(|| answer.text_at("/detail"), str::to_owned);
    assert!(told.contains(says), "{}", answer.text);
}

#[track_caller]
fn is_kept_to_oneself(answer: &Answer) {
    for (name, value) in
        [("cache-control", "no-store"), ("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")]
    {
        assert_eq!(answer.headers[name], value);
    }
}

async fn the_page_runs_its_own_script_and_no_other(shop: &Shop) {
    let page = Page::of(&shop.open_order(1_000).await);
    let path = page.path(shop);
    assert_eq!(page.token(shop), page.token(shop), "an order has one page");
    let shown = shop.send(shop.bare(Method::GET, &path)).await;
    assert_eq!((shown.status, &shown.headers["content-type"]), (200, &"text/html; charset=utf-8".parse().unwrap()));
    is_kept_to_oneself(&shown);
    let policy = shown.headers["content-security-policy"].to_str().unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "img-src https: data:",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    ] {
        assert!(policy.split("; ").any(|known| known == part), "{policy}");
    }
    assert!(shown.text.contains("<html lang=\"en\">") && shown.text.contains("<noscript>"), "{}", shown.text);
    assert!(!shown.text.contains("<script>") && !shown.text.contains("onclick"), "nothing is run that is in the page");
    let sources = shown.text.split("src=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect::<Vec<_>>();
    let own = format!("{}/scripts/page.js", page.token(shop));
    assert_eq!(sources, [own.as_str()]);
    for script in ["page.js", "client.js"] {
        let script = shop.send(shop.bare(Method::GET, &format!("{path}/scripts/{script}"))).await;
        assert_eq!((script.status, script.text.starts_with("//")), (200, true));
        assert_eq!(script.headers["content-type"], "application/javascript; charset=utf-8");
        is_kept_to_oneself(&script);
    }
}

async fn a_page_that_there_is_not_is_not_shown(shop: &Shop) {
    let page = Page::of(&shop.open_order(1_000).await);
    let nobodys = domain::OrderId::from_entropy([7; 16]);
    let elsewhere = shop.engine.tokens.seal_page(&page.key.merchant, nobodys, shop.engine.tokens.current());
    let of_payment = shop.engine.tokens.seal_return(&page.key.merchant, page.key.id.reference());
    for token in ["x", "AAAA", &elsewhere, &of_payment] {
        let shown = shop.send(shop.bare(Method::GET, &format!("/psp/checkout/{token}"))).await;
        assert_eq!(shown.status, 404);
        assert!(shown.text.contains("There is no such payment page") && !shown.text.contains("<script"));
        let order = shop.send(shop.bare(Method::GET, &format!("/psp/checkout/{token}/order"))).await;
        is_problem(&order, 404, "not_found", "no such page");
        let paid = json!({ "orderData": "x", "amount": 1, "method": { "type": "ideal" } });
        let paid = shop.send(shop.bare(Method::POST, &format!("/psp/checkout/{token}/payments")).json(&paid)).await;
        assert!(paid.status == 404 || (token == elsewhere && paid.status == 400), "{}", paid.text);
        let balance = json!({ "brand": "givex", "number": "6036280000000000000", "code": "123" });
        let balance =
            shop.send(shop.bare(Method::POST, &format!("/psp/checkout/{token}/balance")).json(&balance)).await;
        is_problem(&balance, 404, "not_found", "no such page");
    }
    let script = shop.send(shop.bare(Method::GET, &format!("{}/scripts/other.js", page.path(shop)))).await;
    assert_eq!(script.status, 404);
}

async fn an_order_is_paid_in_parts(shop: &Shop) {
    let opened = shop.open_order(10_000).await;
    let page = Page::of(&opened);
    let order = page.order(shop).await;
    let mut expected = json!({
        "status": "open",
        "currency": "EUR",
        "exponent": 2,
        "amount": 10_000,
        "paid": 0,
        "remaining": 10_000,
        "id": page.id(),
        "language": "en-US",
        "payee": "TestMerchant",
        "items": [],
        "payments": [],
        "methods": ["giftcard", "card", "ideal"],
        "orderData": opened.text_at("/orderData"),
        "urls": {},
    });
    expected["giftCardBrands"] = order.at("/giftCardBrands");
    assert_eq!(order.json(), expected);
    assert_eq!(order.text_at("/giftCardBrands/0/brand"), "givex");

    let first = page.pay(shop, 2_000, gift_card()).await;
    assert_eq!((first.status, first.text_at("/payment/status")), (200, "authorised".into()), "{}", first.text);
    assert_eq!((first.at("/order/paid"), first.at("/order/remaining")), (json!(2_000), json!(8_000)));
    assert_eq!(first.at("/order"), page.order(shop).await.json());
    let token = page.card_token(shop, APPROVED).await;
    let last = page.pay_with_token(shop, 8_000, &token).await;
    assert_eq!((last.text_at("/order/status"), last.at("/order/remaining")), ("paid".into(), json!(0)));
    assert_eq!(last.at("/order/orderData"), Value::Null, "nothing more can be paid");
    assert_eq!(last.text_at("/order/payments/1/brand"), "visa");
    assert_eq!(shop.order(&opened.order()).await["success"], json!(true));
}

async fn the_merchants_lines_and_words_are_shown(shop: &Shop) {
    let urls = json!({
        "hostUrls": ["https://shop.example:8443/checkout", "http://127.0.0.1:9", "https://a.example;script-src"],
        "completeUrl": "https://shop.example/thanks",
        "cancelUrl": "https://shop.example/cart",
        "paymentUrl": "https://shop.example/pay",
    });
    let page = Page::with_lines(shop, &urls).await;
    let order = page.order(shop).await;
    assert_eq!((order.at("/amount"), order.at("/vatAmount")), (json!(1_200), json!(240)), "{}", order.text);
    assert_eq!((order.text_at("/description"), order.text_at("/language")), ("Breakfast".into(), "de-DE".into()));
    assert_eq!(order.text_at("/payee"), "Coffee & Co");
    let urls = json!({ "complete": "https://shop.example/thanks", "cancel": "https://shop.example/cart" });
    assert_eq!(order.at("/urls"), urls);
    let first = json!({
        "reference": "sku-1",
        "name": "Coffee, 250 g",
        "type": "PRODUCT",
        "description": "From Huehuetenango",
        "quantity": "2",
        "quantityUnit": "pcs",
        "unitPrice": 500,
        "amount": 1_000,
        "vatAmount": 200,
        "imageUrl": IMAGE,
    });
    assert_eq!(order.at("/items/0"), first);
    assert_eq!((order.text_at("/items/2/type"), order.at("/items/2/amount")), ("DISCOUNT".into(), json!(-150)));

    let shown = shop.send(shop.bare(Method::GET, &page.path(shop))).await;
    assert!(shown.text.contains("Pay Coffee &#38; Co"), "{}", shown.text);
    let policy = shown.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.ends_with("frame-ancestors https://shop.example:8443 http://127.0.0.1:9"), "{policy}");

    for (embedded, host) in [(json!(true), "https://shop.example/pay?"), (json!(false), shop.url.as_str())] {
        let order_data = page.order(shop).await.at("/orderData");
        let body =
            json!({ "orderData": order_data, "amount": 100, "method": { "type": "ideal" }, "embedded": embedded });
        let started = page.post(shop, "payments", &body).await;
        let redirect = started.text_at("/redirect");
        let back = shop.press(redirect.strip_prefix(&shop.url).unwrap(), "approve").await;
        assert!(back.starts_with(host), "{back}");
    }
}

/// The merchant changes the cart while a shopper looks at it: what was shown cannot be paid any more.
async fn a_changed_cart_is_shown_before_it_is_paid(shop: &Shop) {
    let page = Page::with_lines(shop, &json!({})).await;
    let seen = page.order(shop).await.at("/orderData");
    page.revise(shop).await;
    let stale = json!({ "orderData": seen, "amount": 1_200, "method": gift_card() });
    is_problem(&page.post(shop, "payments", &stale).await, 400, "order_data_stale", "'orderData'");
    let order = page.order(shop).await;
    assert_eq!((order.at("/amount"), order.at("/items/2")), (json!(1_350), Value::Null));
    let paid = page.pay(shop, 1_350, gift_card()).await;
    assert_eq!(paid.text_at("/order/status"), "paid", "{}", paid.text);
}

async fn what_changed_since_it_was_shown_is_not_paid(shop: &Shop) {
    let page = Page::of(&shop.open_order(10_000).await);
    let seen = page.order(shop).await.at("/orderData");
    page.pay(shop, 2_000, gift_card()).await;
    let stale = json!({ "orderData": seen, "amount": 2_000, "method": gift_card() });
    is_problem(&page.post(shop, "payments", &stale).await, 400, "order_data_stale", "'orderData'");
    assert_eq!(page.order(shop).await.at("/remaining"), json!(8_000));
}

async fn the_same_key_pays_once(shop: &Shop) {
    let page = Page::of(&shop.open_order(10_000).await);
    let order_data = page.order(shop).await.at("/orderData");
    let mut body = json!({ "orderData": order_data, "amount": 2_000, "method": gift_card() });
    let path = format!("{}/payments", page.path(shop));
    let send = async |body: &Value| {
        shop.send(shop.bare(Method::POST, &path).header("Idempotency-Key", "the-key").json(body)).await
    };
    let first = send(&body).await;
    let again = send(&body).await;
    assert_eq!((first.status, &first.text), (200, &again.text));
    assert_eq!(page.order(shop).await.at("/paid"), json!(2_000));
    body["amount"] = json!(3_000);
    is_problem(&send(&body).await, 409, "idempotency_key_reused", "");
}

async fn what_cannot_be_paid_is_told_by_field(shop: &Shop) {
    let page = Page::of(&shop.open_order(10_000).await);
    let order_data = page.order(shop).await.at("/orderData");
    let good = json!({ "orderData": order_data, "amount": 2_000, "method": gift_card() });
    for (pointer, value, status, code, says) in [
        ("/orderData", Value::Null, 400, "field_missing", "'orderData'"),
        ("/orderData", json!("x"), 400, "order_data_malformed", "'orderData'"),
        ("/amount", Value::Null, 400, "field_missing", "'amount'"),
        ("/amount", json!(0), 400, "amount_invalid", "'amount'"),
        ("/amount", json!(-1), 400, "amount_invalid", "'amount'"),
        ("/amount", json!(10.5), 400, "body_invalid", "'amount'"),
        ("/amount", json!(10_001), 400, "amount_exceeds_remaining", "'amount'"),
        ("/method", Value::Null, 400, "field_missing", "'method'"),
        ("/method/type", Value::Null, 400, "field_missing", "'method.type'"),
        ("/method/type", json!("cash"), 400, "payment_method_invalid", "'method.type'"),
        ("/method/type", json!("card"), 400, "field_missing", "'method.token'"),
        ("/method/brand", Value::Null, 400, "field_missing", "'method.brand'"),
        ("/method/number", json!("1234"), 400, "field_invalid", "'method.number'"),
        ("/method/code", Value::Null, 400, "field_missing", "'method.code'"),
    ] {
        let mut wrong = good.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        is_problem(&page.post(shop, "payments", &wrong).await, status, code, says);
    }
    assert_eq!(page.order(shop).await.at("/payments"), json!([]));
}

async fn a_gift_card_says_what_it_can_pay(shop: &Shop) {
    let page = Page::of(&shop.open_order(10_000).await);
    let mut card = gift_card();
    card.as_object_mut().unwrap().remove("type");
    let balance = page.post(shop, "balance", &card).await;
    assert_eq!((balance.status, balance.json()), (200, json!({ "balance": 5_000, "payable": 5_000 })));
    let small = Page::of(&shop.open_order(3_000).await);
    assert_eq!(small.post(shop, "balance", &card).await.json(), json!({ "balance": 5_000, "payable": 3_000 }));
    page.pay(shop, 5_000, gift_card()).await;
    let empty = page.post(shop, "balance", &card).await.json();
    assert_eq!(empty, json!({ "balance": 0, "payable": 0, "reason": "Nothing is left on it" }));
    card["code"] = json!("999");
    assert_eq!(page.post(shop, "balance", &card).await.json(), json!({ "payable": 0, "reason": "CVC Declined" }));
    card["number"] = json!("6036280000000000001");
    assert_eq!(page.post(shop, "balance", &card).await.text_at("/reason"), "Invalid Card Number");
    card["number"] = json!("6036");
    is_problem(&page.post(shop, "balance", &card).await, 400, "field_invalid", "'number'");
}

/// Codes have three digits: whoever could try them all would find the right one.
async fn a_gift_card_is_locked_after_some_wrong_codes(shop: &Shop) {
    let page = Page::of(&shop.open_order(10_000).await);
    let mut reasons = Vec::new();
    for code in 0..20 {
        let card = json!({ "brand": "givex", "number": local::TEST_GIFT_CARD, "code": format!("9{code:02}") });
        reasons.push(page.post(shop, "balance", &card).await.text_at("/reason"));
    }
    assert_eq!((reasons[0].as_str(), reasons[19].as_str()), ("CVC Declined", "Pin tries exceeded"));
}

async fn a_shopper_comes_back_to_the_page(shop: &Shop) {
    for (choice, status) in [("approve", "authorised"), ("refuse", "cancelled")] {
        let page = Page::of(&shop.open_order(1_000).await);
        let started = page.pay(shop, 1_000, json!({ "type": "ideal" })).await;
        assert_eq!(started.text_at("/payment/status"), "redirectShopper");
        assert_eq!((started.text_at("/order/status"), started.at("/order/remaining")), ("open".into(), json!(0)));
        let url = started.text_at("/redirect");
        assert_eq!(started.text_at("/order/payments/0/redirect"), url);
        let back = shop.press(url.strip_prefix(&shop.url).unwrap(), choice).await;
        let back = back.strip_prefix(&shop.url).expect("the page's own address").to_owned();
        let (path, query) = back.split_once('?').unwrap();
        assert_eq!(path, page.path(shop));
        assert_eq!(shop.send(shop.bare(Method::GET, &back)).await.status, 200);
        let order = shop.send(shop.bare(Method::GET, &format!("{path}/order?{query}"))).await;
        assert_eq!(order.text_at("/payments/0/status"), status, "{}", order.text);
    }
}

/// Of another order, of no order: it changes nothing, and the order is shown.
async fn a_result_that_is_none_is_left_alone(shop: &Shop) {
    let (page, other) = (Page::of(&shop.open_order(1_000).await), Page::of(&shop.open_order(1_000).await));
    other.pay(shop, 1_000, json!({ "type": "ideal" })).await;
    let of_other = shop.engine.tokens.seal_return(&other.key.merchant, other.key.id.reference());
    for result in ["x", &of_other] {
        let path = format!("{}/order?redirectResult={result}", page.path(shop));
        let order = shop.send(shop.bare(Method::GET, &path)).await;
        assert_eq!((order.status, order.text_at("/status")), (200, "open".into()));
    }
}

async fn an_order_that_has_ended_takes_nothing(shop: &Shop) {
    let opened = shop.open_order(1_000).await;
    let page = Page::of(&opened);
    let order_data = page.order(shop).await.at("/orderData");
    shop.cancel(&opened.order()).await;
    let order = page.order(shop).await;
    assert_eq!((order.text_at("/status"), order.at("/orderData")), ("aborted".into(), Value::Null));
    let late = json!({ "orderData": order_data, "amount": 1_000, "method": gift_card() });
    is_problem(&page.post(shop, "payments", &late).await, 403, "order_cancelled", "");
    // Nor does it tell what is left on a card any more.
    let mut card = gift_card();
    card.as_object_mut().unwrap().remove("type");
    is_problem(&page.post(shop, "balance", &card).await, 403, "order_cancelled", "");
    let paid = Page::of(&shop.open_order(1_000).await);
    assert_eq!(paid.post(shop, "balance", &card).await.status, 200);
    paid.pay(shop, 1_000, gift_card()).await;
    is_problem(&paid.post(shop, "balance", &card).await, 403, "order_closed", "");

    let lapsing = Page::of(&shop.open_order_for(1_000, Duration::from_secs(60)).await);
    shop.clock.advance(Duration::from_secs(61));
    is_problem(&lapsing.post(shop, "balance", &card).await, 403, "order_expired", "");
    assert_eq!(lapsing.order(shop).await.text_at("/status"), "failed");
}

/// It stays open for its merchant, and there is nothing left for the shopper to wait for.
async fn an_order_that_goes_on_is_paid_once_it_is_covered(shop: &Shop) {
    let shopping = format!("/v1/accounts/{}/shopping/draft_orders", local::TEST_MERCHANT);
    let item = json!({ "line_id": 1, "id": "chair", "quantity": 1, "gross_amount": 1_000, "tax_lines": [] });
    let draft = shop.post(&shopping, &json!({ "order": { "currency": "EUR", "items": [item] } })).await.text_at("/id");
    let completed = shop.request(Method::PUT, &format!("{shopping}/{draft}/complete")).json(&json!({}));
    let order = shop.send(completed).await.at("/orders/0/checkout");
    let page = Page { key: tests::shop::order_key(&order) };
    assert_eq!(page.order(shop).await.text_at("/status"), "open");
    let started = page.pay(shop, 1_000, json!({ "type": "ideal" })).await;
    assert_eq!(started.text_at("/order/status"), "open", "it is not known yet: {}", started.text);
    let back = shop.press(started.text_at("/redirect").strip_prefix(&shop.url).unwrap(), "approve").await;
    let (path, query) = back.strip_prefix(&shop.url).unwrap().split_once('?').unwrap();
    let order = shop.send(shop.bare(Method::GET, &format!("{path}/order?{query}"))).await;
    assert_eq!((order.text_at("/status"), order.at("/orderData")), ("paid".into(), Value::Null), "{}", order.text);
}

super::on_both_stores!(
    the_page_runs_its_own_script_and_no_other,
    a_page_that_there_is_not_is_not_shown,
    an_order_is_paid_in_parts,
    the_merchants_lines_and_words_are_shown,
    a_changed_cart_is_shown_before_it_is_paid,
    what_changed_since_it_was_shown_is_not_paid,
    the_same_key_pays_once,
    what_cannot_be_paid_is_told_by_field,
    a_gift_card_says_what_it_can_pay,
    a_gift_card_is_locked_after_some_wrong_codes,
    a_shopper_comes_back_to_the_page,
    a_result_that_is_none_is_left_alone,
    an_order_that_has_ended_takes_nothing,
    an_order_that_goes_on_is_paid_once_it_is_covered,
);
