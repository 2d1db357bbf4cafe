//! What is wrong with a request itself is refused at once, in the family's own format, and nothing is done.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    hook::Hook,
    shop::{API_KEY, Answer, On, Shop, euro, modification},
};

use super::{VISA, amount, sell, sell_by_card, take};

/// It is an error as Adyen's clients read them.
fn is_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.error(), (status, code.to_owned()), "{}", answer.text);
    assert_eq!(answer.at("/status"), status, "{}", answer.text);
    let kind = if status == 403 { "security" } else { "validation" };
    assert_eq!(answer.text_at("/errorType"), kind, "{}", answer.text);
    assert!(!answer.text_at("/message").is_empty());
    assert_eq!(answer.text_at("/pspReference"), answer.headers["pspreference"].to_str().unwrap());
}

/// Every modification with a good body: its path, and what is in it besides the merchant account.
fn every_kind(payment: &str) -> [(String, Value); 6] {
    let of = |what: &str| format!("/v72/payments/{payment}/{what}");
    [
        (of("captures"), amount(100)),
        (of("cancels"), json!({})),
        (of("refunds"), amount(100)),
        (of("reversals"), json!({})),
        (of("amountUpdates"), amount(100)),
        ("/v72/cancels".to_owned(), json!({ "paymentReference": "payment-1" })),
    ]
}

#[tokio::test]
async fn each_bad_field_is_named_and_nothing_is_done() {
    let shop = Shop::open(On::Embedded).await;
    let hook = Hook::create(&shop, "checkout").await;
    let (order, card) = sell_by_card(&shop, &hook, VISA).await;
    let version = shop.state(&order).await.version;
    let everywhere = [
        ("merchantAccount", json!(null), 422, "130"),
        ("merchantAccount", json!("Nobody"), 403, "901"),
        ("merchantAccount", json!("No/body"), 403, "901"),
        ("merchantAccount", json!(7), 400, "702"),
        ("reference", json!(""), 422, "702"),
        ("reference", json!("r".repeat(81)), 422, "702"),
        ("reference", json!("a\nb"), 422, "702"),
        ("reference", json!(["r"]), 400, "702"),
    ];
    let amounts = [
        ("amount", json!(null), 422, "100"),
        ("amount", json!("10"), 400, "702"),
        ("amount", json!(["EUR", 1]), 400, "702"),
        ("amount", json!({ "value": 100 }), 422, "130"),
        ("amount", json!({ "currency": "EUR" }), 422, "130"),
        ("amount", json!({ "currency": "EURO", "value": 100 }), 422, "138"),
        ("amount", json!({ "currency": "USD", "value": 100 }), 422, "order_currency_mismatch"),
        ("amount", euro(0), 422, "137"),
        ("amount", json!({ "currency": "EUR", "value": -1 }), 422, "137"),
        ("amount", json!({ "currency": "EUR", "value": 1_000_000_000_000_000_u64 }), 422, "137"),
        ("amount", json!({ "currency": "EUR", "value": 10.5 }), 400, "702"),
    ];
    let of_refunds = [
        ("merchantRefundReason", json!("BECAUSE"), 422, "702"),
        ("merchantRefundReason", json!("return"), 422, "702"),
        ("merchantRefundReason", json!(1), 400, "702"),
    ];
    let of_updates =
        [("industryUsage", json!("whenever"), 422, "702"), ("industryUsage", json!(["noShow"]), 400, "702")];
    let of_cancels = [
        ("paymentReference", json!(null), 422, "130"),
        ("paymentReference", json!("a\nb"), 422, "702"),
        ("paymentReference", json!(7), 400, "702"),
    ];
    let mut tried = 0;
    for (path, more) in every_kind(&card) {
        let of_its_own = match path.rsplit('/').next().unwrap() {
            "refunds" => &of_refunds[..],
            "amountUpdates" => &of_updates,
            "cancels" if more.get("paymentReference").is_some() => &of_cancels,
            _ => &[],
        };
        let of_amounts = if more.get("amount").is_some() { &amounts[..] } else { &[] };
        for (field, value, status, code) in everywhere.iter().chain(of_amounts).chain(of_its_own) {
            let mut body = modification(&more);
            if value.is_null() {
                body.as_object_mut().unwrap().remove(*field);
            } else {
                body[field] = value.clone();
            }
            let answer = shop.post(&path, &body).await;
            is_refused(&answer, *status, code);
            let (message, name) = (answer.text_at("/message").replace(' ', ""), field.to_lowercase());
            let is_named = message.to_lowercase().contains(&name) || message.contains("theamountin");
            assert!(is_named, "{path}: the message names {field}: {}", answer.text);
            tried += 1;
        }
        for body in ["", "{", "[]", "null"] {
            let answer = shop.send(shop.request(Method::POST, &path).body(body)).await;
            is_refused(&answer, 400, "702");
        }
    }
    assert_eq!(tried, 6 * 8 + 3 * 11 + 3 + 2 + 3);
    shop.settle().await;
    assert_eq!((shop.state(&order).await.version, hook.take_events()), (version, vec![]), "none of it was written");
}

#[tokio::test]
async fn adyens_words_and_unknown_fields_are_taken() {
    let shop = Shop::open(On::Embedded).await;
    let hook = Hook::create(&shop, "checkout").await;
    let (_, card) = sell_by_card(&shop, &hook, VISA).await;
    for reason in ["FRAUD", "CUSTOMER REQUEST", "RETURN", "DUPLICATE", "OTHER"] {
        let more = json!({ "amount": euro(1), "merchantRefundReason": reason, "lineItems": [{ "id": "1" }] });
        let answer = shop.modify(&card, "refunds", &more).await;
        assert_eq!((answer.status, answer.text_at("/merchantRefundReason")), (201, reason.to_owned()));
    }
    for usage in ["delayedCharge", "installment", "noShow"] {
        let more = json!({ "amount": euro(8_000), "industryUsage": usage, "splits": [] });
        let answer = shop.modify(&card, "amountUpdates", &more).await;
        assert_eq!((answer.status, answer.text_at("/industryUsage")), (201, usage.to_owned()));
    }
}

#[tokio::test]
async fn what_is_no_payments_reference_is_not_modified() {
    let shop = Shop::open(On::Embedded).await;
    let hook = Hook::create(&shop, "checkout").await;
    let sale = sell(&shop, &hook, VISA).await;
    let order = sale.order["pspReference"].as_str().unwrap();
    let capture = take(&shop, &sale.card, "captures", &amount(100)).await;
    let version = shop.state(&sale.order).await.version;
    let uuid = "01234567-89ab-4def-8123-456789abcdef";
    let unknown = ["0000000000000001", "0000000000000000", "nonsense", "%20", uuid, &capture, &order[..15]];
    for (path, more) in every_kind("REFERENCE").into_iter().take(5) {
        for of in unknown {
            let answer = shop.post(&path.replace("REFERENCE", of), &modification(&more)).await;
            is_refused(&answer, 422, "167");
        }
        // An order is given back as a whole; nothing else is done with it here.
        let answer = shop.post(&path.replace("REFERENCE", order), &modification(&more)).await;
        if path.ends_with("reversals") {
            assert_eq!(answer.status, 201, "{}", answer.text);
        } else {
            is_refused(&answer, 422, "167");
        }
    }
    assert_eq!(shop.state(&sale.order).await.version.get(), version.get() + 1, "the reversal alone");
}

#[tokio::test]
async fn another_merchants_payments_are_not_modified() {
    let shop = Shop::open(On::Embedded).await;
    let hook = Hook::create(&shop, "checkout").await;
    let (order, card) = sell_by_card(&shop, &hook, VISA).await;
    let version = shop.state(&order).await.version;
    let stranger = shop.second(&["payments"]).await;
    let administrator = shop.second(&["admin"]).await;
    for (path, more) in every_kind(&card) {
        let mut body = modification(&more);
        for (key, merchant, status, code) in [
            (stranger.as_str(), "Second", 422, "167"),
            (&stranger, local::TEST_MERCHANT, 403, "901"),
            (API_KEY, "Second", 403, "901"),
            (&administrator, "Second", 403, "010"),
        ] {
            body["merchantAccount"] = json!(merchant);
            let answer = shop.as_key(key, Method::POST, &path, Some(&body)).await;
            is_refused(&answer, status, code);
        }
        let anonymous = shop.send(shop.bare(Method::POST, &path).json(&body)).await;
        assert_eq!(anonymous.error(), (401, "000".to_owned()));
        assert_eq!(shop.get(&path).await.error(), (405, "method_not_allowed".to_owned()));
    }
    assert_eq!(shop.state(&order).await.version, version);
}
