//! The parts of a payment order, on their own and within it.

use serde_json::{Value, json};
use tests::shop::{On, Shop, card};

use super::{Desk, REFUSED, VISA, item, pay, pay_in_parts, problem, purchase, transaction_of, with};

const LINKS_2: [&str; 7] = ["urls", "payeeInfo", "payers", "orderItems", "metadata", "payments", "currentPayment"];
const LINKS_3: [&str; 14] = [
    "urls",
    "payeeInfo",
    "payer",
    "orderItems",
    "metadata",
    "history",
    "failed",
    "aborted",
    "paid",
    "cancelled",
    "reversed",
    "financialTransactions",
    "failedAttempts",
    "postPurchaseFailedAttempts",
];

async fn every_link_leads_to_what_expanding_shows(shop: &Shop) {
    for version in ["2.0", "3.0", "3.1"] {
        let desk = Desk::new(shop, version);
        let body = with(
            purchase(&format!("parts-{}", version.replace('.', ""))),
            "/paymentorder/metadata",
            &json!({ "a": 1.50 }),
        );
        let id = desk.open(&body).await;
        pay(shop, &id, &[(500, card(REFUSED))]).await;
        pay_in_parts(shop, &id, VISA).await;
        let items = json!([item("P1", 700, 175)]);
        desk.capture(&id, &transaction_of("part-c", 700, 175, &items)).await;
        let links = if version == "2.0" { LINKS_2.as_slice() } else { LINKS_3.as_slice() };
        let whole = desk.get(&format!("{id}?$expand={}", links.join(","))).await;
        assert_eq!(whole.status, 200, "{}", whole.text);
        let plain = desk.read(&id).await.at("/paymentorder");
        for link in links {
            let href = plain[link]["id"].as_str().unwrap_or_else(|| panic_about(link, &plain));
            assert_eq!(plain[link].as_object().unwrap().len(), 1, "a link alone: {link}");
            for href in [href.to_owned(), href.to_uppercase().replace("/PSP/PAYMENTORDERS/", "/psp/paymentorders/")] {
                let part = desk.get(&href).await;
                assert_eq!(part.status, 200, "{href}: {}", part.text);
                assert_eq!(part.at(&format!("/{link}")), whole.at("/paymentorder")[link], "{link}");
            }
        }
        assert_eq!(whole.at("/paymentorder/metadata/a"), 1.50);
        assert!(whole.text.contains(r#""a":1.5"#), "as it came");
    }
}

fn panic_about(link: &str, order: &Value) -> &'static str {
    assert_eq!(order[link], Value::Null, "it has no link {link}: {order:#}");
    ""
}

async fn parts_tell_what_has_happened(shop: &Shop) {
    let desk = Desk::new(shop, "3.1");
    let id = desk.open(&purchase("told-1")).await;
    for empty in ["paid", "cancelled", "reversed", "failed", "aborted"] {
        assert_eq!(desk.part(&id, empty).await, json!({ "id": format!("{id}/{empty}") }));
    }
    pay(shop, &id, &[(300, card(REFUSED))]).await;
    pay_in_parts(shop, &id, VISA).await;
    let failed = desk.part(&id, "failedattempts").await;
    let attempt = &failed["failedAttemptList"][0];
    assert_eq!(
        (&attempt["status"], &attempt["instrument"], &attempt["amount"]),
        (&json!("Failed"), &json!("CreditCard"), &json!(300))
    );
    assert_eq!(attempt["problem"]["problems"][0]["description"], "Refused");
    let paid = desk.part(&id, "paid").await;
    assert_eq!((&paid["amount"], &paid["transactionType"]), (&json!(1_500), &json!("Authorization")));
    let parts =
        paid["parts"].as_array().unwrap().iter().map(|part| (part["instrument"].clone(), part["amount"].clone()));
    assert_eq!(parts.collect::<Vec<_>>(), [(json!("GiftCard"), json!(500)), (json!("CreditCard"), json!(1_000))]);
    let cancelled = desk.cancel(&id, "told-x").await;
    assert_eq!(cancelled.text_at("/paymentOrder/status"), "Cancelled");
    assert_eq!(desk.part(&id, "cancelled").await["cancelReason"], "Test cancellation");
    let history = desk.part(&id, "history").await;
    let names = history["historyList"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap());
    let expected = [
        "PaymentCreated",
        "PaymentInstrumentSelected",
        "PaymentAttemptStarted",
        "PaymentAttemptFailed",
        "PaymentInstrumentSelected",
        "PaymentAttemptStarted",
        "PaymentPartiallyPaid",
        "PaymentInstrumentSelected",
        "PaymentAttemptStarted",
        "PaymentPaid",
        "PaymentCancelled",
    ];
    assert_eq!(names.collect::<Vec<_>>(), expected);
    let attempts = Desk::new(shop, "2.0").part(&id, "payments").await;
    let states = attempts["paymentList"].as_array().unwrap().iter().map(|attempt| attempt["state"].as_str().unwrap());
    assert_eq!(states.collect::<Vec<_>>(), ["Failed", "Ready", "Ready"]);
    let expired = desk.open(&purchase("told-2")).await;
    shop.after(std::time::Duration::from_secs(25 * 3_600)).await;
    assert_eq!(desk.read(&expired).await.text_at("/paymentorder/status"), "Failed");
    let failed = desk.part(&expired, "failed").await;
    let why = failed["problem"]["problems"][0]["description"].as_str().unwrap().to_owned();
    assert!(why.contains("expired"), "{why}");
}

/// An order's payments have no name of the merchant's own here: they go by that of the payment order.
async fn an_authorization_has_the_reference_of_its_payment_order(shop: &Shop) {
    let desk = Desk::new(shop, "3.1");
    let body = with(purchase("AUTH-1"), "/paymentorder/payeeInfo/orderReference", &json!("549213"));
    let id = desk.open(&body).await;
    pay_in_parts(shop, &id, VISA).await;
    let list = desk.part(&id, "financialtransactions").await["financialTransactionsList"].clone();
    assert_eq!(
        (&list[0]["payeeReference"], &list[1]["payeeReference"]),
        (&json!("AUTH-1"), &json!("AUTH-1")),
        "{list}"
    );
    // One that was opened elsewhere has none: there, each payment has its own.
    let order = shop.open_order(1_500).await.order();
    shop.pay_card(&order, 1_500, VISA).await;
    let id = format!("/psp/paymentorders/{}", shop.order(&order).await["id"].as_str().unwrap());
    let list = desk.part(&id, "financialtransactions").await["financialTransactionsList"].clone();
    assert_eq!(list[0]["payeeReference"], "payment-1", "{list}");
}

/// As on the page, where it is paid: iDEAL takes euros only.
async fn instruments_are_those_of_the_currency(shop: &Shop) {
    let desk = Desk::new(shop, "3.1");
    for (currency, instruments) in
        [("EUR", json!(["CreditCard", "GiftCard", "Ideal"])), ("SEK", json!(["CreditCard", "GiftCard"]))]
    {
        let body = with(purchase(&format!("instruments-{currency}")), "/paymentorder/currency", &json!(currency));
        let read = desk.read(&desk.open(&body).await).await;
        assert_eq!(read.at("/paymentorder/availableInstruments"), instruments, "{currency}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let shop = Shop::open(On::Embedded).await;
    let desk = Desk::new(&shop, "3.1");
    let id = desk.open(&purchase("none-1")).await;
    for path in ["/psp/paymentorders/none", "/psp/paymentorders/09ccd29a-7c4f-4752-9396-12100cbfecce"] {
        let answer = desk.get(path).await;
        assert_eq!(problem(&answer), (404, "not_found".into(), String::new()), "{}", answer.text);
        assert!(answer.text_at("/type").ends_with("/notfound"));
    }
    assert_eq!(desk.get(&format!("{id}/none")).await.status, 404);
    let answer = desk.get(&format!("{id}?$expand=history,none")).await;
    assert_eq!(problem(&answer), (400, "field_invalid".into(), "$expand".into()));
    // Another merchant account's key does not find it, and neither a version that there is not.
    let second = shop.second(&["payments"]).await;
    let other = shop.as_key(&second, reqwest::Method::GET, &id, None).await;
    assert_eq!(other.status, 404, "{}", other.text);
    let request = shop.request(reqwest::Method::GET, &id).header("Accept", "application/json;version=4.0");
    let answer = shop.send(request).await;
    assert_eq!(problem(&answer), (400, "version_unsupported".into(), "accept".into()));
    // By an access token, and by the 16 characters of a reference.
    let till = tests::payments::Till::open(&shop).await;
    let reference = super::checkout(&shop, &id).await["pspReference"].as_str().unwrap().to_owned();
    let read = till.get(&format!("/psp/paymentorders/{reference}")).await;
    assert_eq!((read.status, read.text_at("/paymentorder/id")), (200, id));
    // The merchant account by its name, and one that is none of the key's.
    let named = with(purchase("none-2"), "/paymentorder/payeeInfo/payeeId", &json!(local::TEST_MERCHANT));
    assert_eq!(desk.post(super::ORDERS, &named).await.status, 200);
    let named = with(purchase("none-3"), "/paymentorder/payeeInfo/payeeId", &json!("Second"));
    let answer = desk.post(super::ORDERS, &named).await;
    assert_eq!(problem(&answer), (403, "merchant_forbidden".into(), "payeeInfo.payeeId".into()));
}

crate::on_both_stores!(
    every_link_leads_to_what_expanding_shows,
    parts_tell_what_has_happened,
    an_authorization_has_the_reference_of_its_payment_order,
    instruments_are_those_of_the_currency,
);
