//! The samples of the documents, and the answers to them, as files. What changes from run to run is put under names.

use std::fs;

use serde_json::{Value, json};
use tests::{
    payments::entity_id,
    repository,
    shop::{Answer, On, Shop},
};

use super::{
    Desk, abort, cancellation, item, pay_in_parts, purchase, remaining, transaction, transaction_of, update, with,
};

/// With this variable set, the files are written anew.
const WRITE: &str = "TENDER_WRITE_GOLDEN";

/// The request of the documents' page "Update Payment Order", as it stands there.
const SAMPLE: &str = r#"{
    "paymentorder": {
        "operation": "UpdateOrder",
        "amount": 1500,
        "vatAmount": 375,
        "orderItems": [
            {
                "reference": "P1",
                "name": "Product1",
                "type": "PRODUCT",
                "class": "ProductGroup1",
                "itemUrl": "https://example.com/shop/products/1234",
                "imageUrl": "https://example.com/products/product1.jpg",
                "description": "Product description",
                "discountDescription": "Volume discount",
                "quantity": 351.3514,
                "quantityUnit": "pcs",
                "unitPrice": 300,
                "discountPrice": 200,
                "vatPercent": 2500,
                "amount": 1000,
                "vatAmount": 250
            },
            {
                "reference": "P2",
                "name": "Product2",
                "type": "PRODUCT",
                "class": "ProductGroup1",
                "description": "Product description",
                "quantity": 9876.1531,
                "quantityUnit": "pcs",
                "unitPrice": 500,
                "vatPercent": 2500,
                "amount": 500,
                "vatAmount": 125
            }
        ]
    }
}"#;

/// A value with what changes from run to run put under names.
fn steady(value: &Value, url: &str, ids: &mut Vec<String>) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), steady(value, url, ids))).collect::<Value>()
        }
        Value::Array(values) => values.iter().map(|value| steady(value, url, ids)).collect(),
        Value::String(text) => json!(steady_text(text, url, ids)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn steady_text(text: &str, url: &str, ids: &mut Vec<String>) -> String {
    if text.len() == 28 && text.starts_with("2026-") && text.ends_with('Z') {
        return "<time>".to_owned();
    }
    let text = text.replace(url, "<url>").replace(&entity_id(), "<entity>");
    // The page's token is sealed anew for each order.
    let mut is_token = false;
    let parts = text.split('/').map(|part| {
        if std::mem::replace(&mut is_token, part == "checkout") {
            return "<token>".to_owned();
        }
        if part.len() != 36 || part.matches('-').count() != 4 {
            return part.to_owned();
        }
        let place = ids.iter().position(|known| known == part).unwrap_or_else(|| {
            ids.push(part.to_owned());
            ids.len() - 1
        });
        format!("<id {}>", place + 1)
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Compares an answer with the file of that name.
fn compare(shop: &Shop, name: &str, answer: &Answer) {
    let found = json!({ "status": answer.status, "body": steady(&answer.json(), &shop.url, &mut Vec::new()) });
    let text = serde_json::to_string_pretty(&found).unwrap() + "\n";
    let file = repository().join(format!("tests/it/paymentorders/golden/{name}.json"));
    if std::env::var_os(WRITE).is_some() {
        fs::write(&file, &text).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        text,
        kept,
        "{} differs: if that is meant, run this with {WRITE}=1 and look at the change",
        file.display()
    );
}

/// The sample's request is sent as it stands, without and with each version, and what the sample answers is answered.
#[tokio::test]
async fn the_sample_is_answered_as_documented() {
    let shop = Shop::open(On::Embedded).await;
    let before = json!([item("P1", 900, 180), item("P3", 100, 20)]);
    let body = with(purchase("AB-1"), "/paymentorder/orderItems", &before);
    let body = with(with(body, "/paymentorder/amount", &json!(1_000)), "/paymentorder/vatAmount", &json!(200));
    // As the sample writes its own header, of which all versions are one.
    for version in ["3.1/3.0/2.0", "2.0", "3.0", "3.1"] {
        let spoken = if version.len() > 3 { "2.0" } else { version };
        let desk = Desk::new(&shop, spoken);
        let named = version.replace(['.', '/'], "-");
        let id = desk.open(&with(body.clone(), "/paymentorder/payeeInfo/payeeReference", &json!(named))).await;
        let kind = format!("application/json;version={version}");
        let request = shop.request(reqwest::Method::PATCH, &id).header("Content-Type", kind).body(SAMPLE);
        let answer = desk.send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        compare(&shop, &format!("update-{spoken}"), &answer);
        assert_eq!(desk.read(&id).await.text, answer.text, "the same as what is read");
        let sent = serde_json::from_str::<Value>(SAMPLE).unwrap();
        let items = desk.get(&format!("{id}/orderItems")).await;
        assert_eq!(items.at("/orderItems/orderItemList"), sent["paymentorder"]["orderItems"]);
        assert!(items.text.contains(r#""quantity":351.3514,"#) && items.text.contains(r#""quantity":9876.1531,"#));
        compare(&shop, &format!("orderItems-{spoken}"), &items);
    }
}

/// The fields of the sample's answer are all there in version 2.0, in their order, and no others but one.
#[tokio::test]
async fn the_answer_has_the_fields_of_the_sample() {
    const FIELDS: [&str; 22] = [
        "id",
        "created",
        "updated",
        "operation",
        "state",
        "currency",
        "amount",
        "vatAmount",
        "remainingCaptureAmount",
        "remainingCancellationAmount",
        "remainingReversalAmount",
        "description",
        "initiatingSystemUserAgent",
        "userAgent",
        "language",
        "urls",
        "payeeInfo",
        "payers",
        "orderItems",
        "metadata",
        "payments",
        "currentPayment",
    ];
    let shop = Shop::open(On::Embedded).await;
    let desk = Desk::new(&shop, "2.0");
    let request =
        desk.request(reqwest::Method::POST, super::ORDERS).header("User-Agent", "swedbankpay-sdk-dotnet/3.0.1");
    let opened = desk.send(request.json(&purchase("AB-2"))).await;
    let id = opened.text_at("/paymentorder/id");
    let request = shop.request(reqwest::Method::PATCH, &id).header("Content-Type", "application/json");
    let answer = desk.send(request.body(SAMPLE)).await;
    let order = answer.at("/paymentorder");
    let mut found = order.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>();
    found.sort_by_key(|name| answer.text.find(&format!("\"{name}\":")).unwrap());
    assert_eq!(found, FIELDS);
    assert_eq!(order["initiatingSystemUserAgent"], "swedbankpay-sdk-dotnet/3.0.1");
    assert_eq!((&order["state"], &order["userAgent"]), (&json!("Ready"), &json!("Mozilla/5.0...")));
    assert_eq!((&order["amount"], &order["vatAmount"]), (&json!(1_500), &json!(375)), "not 0, as in the sample");
    assert_eq!(remaining(&order), [1_500, 1_500, 0]);
    let operations =
        ["update-paymentorder-updateorder", "update-paymentorder-abort", "redirect-paymentorder", "view-paymentorder"];
    assert_eq!(super::rels(&answer), operations, "all of the sample's but the one for instruments");
}

#[tokio::test]
async fn answers_of_every_version_are_those_on_file() {
    let shop = Shop::open(On::Embedded).await;
    for version in ["2.0", "3.0", "3.1"] {
        let desk = Desk::new(&shop, version);
        let compare = |name: &str, answer: &Answer| compare(&shop, &format!("{name}-{version}"), answer);
        let named = |name: &str| format!("{name}-{}", version.replace('.', ""));
        let body = with(purchase(&named("G")), "/paymentorder/metadata", &json!({ "key1": "value1", "key2": 2.5 }));
        let body = with(body, "/paymentorder/payer", &json!({ "firstName": "Leia", "email": "leia@example.com" }));
        let opened = desk.post(super::ORDERS, &body).await;
        compare("create", &opened);
        let id = opened.text_at("/paymentorder/id");
        for part in ["urls", "payeeinfo", "payers", "metadata"] {
            compare(part, &desk.get(&format!("{id}/{part}")).await);
        }
        let items = json!([item("P1", 1_000, 250), item("P2", 500, 125)]);
        assert_eq!(desk.update(&id, &update(1_500, 375, &items)).await.status, 200);
        pay_in_parts(&shop, &id, super::VISA).await;
        compare("paid-order", &desk.read(&id).await);
        let items = json!([item("P1", 700, 175)]);
        compare("capture", &desk.capture(&id, &transaction_of(&named("C"), 700, 175, &items)).await);
        compare("exceeded", &desk.capture(&id, &transaction(&named("D"), 801, 0)).await);
        compare("cancellation", &desk.post(&format!("{id}/cancellations"), &cancellation(&named("X"))).await);
        compare("reversal", &desk.reverse(&id, &transaction(&named("R"), 200, 50)).await);
        compare("reversal-of-all", &desk.reverse(&id, &transaction(&named("S"), 500, 125)).await);
        for part in ["history", "financialtransactions", "postpurchasefailedattempts", "paid", "reversed", "payments"] {
            compare(part, &desk.get(&format!("{id}/{part}")).await);
        }
        let id = desk.open(&purchase(&named("A"))).await;
        compare("abort", &desk.patch(&id, &abort()).await);
        compare("refused-update", &desk.update(&id, &update(1_000, 0, &json!([item("P1", 1_000, 0)]))).await);
    }
}
