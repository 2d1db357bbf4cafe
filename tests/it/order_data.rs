//! The token: what it is taken for, and every way in which it is not.

use std::sync::Arc;

use api::Tokens;
use serde_json::{Value, json};
use tests::shop::{On, SECRETS, Shop, card, euro, order_key, payment};

async fn pay_with(shop: &Shop, reference: &Value, token: &str) -> (u16, String) {
    let order = json!({ "pspReference": reference, "orderData": token });
    shop.post("/v72/payments", &payment(Some(&order), 100, card("4111111111111111"))).await.error()
}

#[tokio::test]
async fn a_token_overtaken_only_by_results_is_taken() {
    let shop = Shop::open(On::Embedded).await;
    let opened = shop.open_order(10_000).await;
    let pending = shop.pay_card(&opened.order(), 4_000, "4000000000000077").await;
    shop.clock.advance(std::time::Duration::from_secs(2));
    assert_eq!(shop.order(&opened.order()).await["payments"][0]["status"], "authorised", "a result arrived");
    let paid = shop.pay_card(&pending.order(), 6_000, "4111111111111111").await;
    assert_eq!((paid.status, paid.text_at("/resultCode")), (200, "Authorised".to_owned()), "{}", paid.text);
    assert_eq!(paid.at("/order/remainingAmount"), euro(0));
}

#[tokio::test]
async fn a_token_overtaken_by_a_payment_is_stale() {
    let shop = Shop::open(On::Embedded).await;
    let opened = shop.open_order(10_000).await;
    let paid = shop.pay_card(&opened.order(), 4_000, "4111111111111111").await;
    let stale = shop.pay_card(&opened.order(), 1_000, "4111111111111111").await;
    assert_eq!(stale.error(), (422, "order_data_stale".to_owned()));
    assert!(stale.text_at("/message").contains("most recent"), "{}", stale.text);
    assert_eq!(stale.at("/pspReference"), opened.at("/pspReference"));
    assert_eq!(shop.state(&opened.order()).await.covered(), 4_000);
    assert_eq!(shop.pay_card(&paid.order(), 6_000, "4111111111111111").await.status, 200);
}

#[tokio::test]
async fn a_refused_payment_also_overtakes_a_token() {
    let shop = Shop::open(On::Embedded).await;
    let opened = shop.open_order(10_000).await;
    shop.pay_card(&opened.order(), 4_000, "4000000000000002").await;
    assert_eq!(shop.pay_card(&opened.order(), 1_000, "4111111111111111").await.error().1, "order_data_stale");
}

#[tokio::test]
async fn every_changed_bit_is_noticed() {
    let shop = Shop::open(On::Embedded).await;
    let opened = shop.open_order(10_000).await;
    let key = order_key(&opened.order());
    let token = opened.text_at("/orderData");
    let bytes = data_encoding::BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
    let open =
        |bytes: &[u8]| shop.engine.tokens.open(&key.merchant, key.id, &data_encoding::BASE64URL_NOPAD.encode(bytes));
    assert!(open(&bytes).is_ok());
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&changed).is_err(), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert!(open(&bytes[..length]).is_err(), "cut to {length} bytes");
    }
}

#[tokio::test]
async fn each_wrong_token_has_an_error_of_its_own() {
    let shop = Shop::open(On::Embedded).await;
    let opened = shop.open_order(10_000).await;
    let reference = opened.at("/pspReference");
    let token = opened.text_at("/orderData");

    let mut forged = token.clone();
    let last = if forged.pop() == Some('A') { 'Q' } else { 'A' };
    forged.push(last);
    let malformed = (422, "order_data_malformed".to_owned());
    // The last character of some lengths has unused bits; then the text is malformed rather than forged.
    let error = pay_with(&shop, &reference, &forged).await;
    assert!(error == (422, "order_data_forged".to_owned()) || error == malformed, "{error:?}");
    let mut forged = token.clone().into_bytes();
    forged[60] = if forged[60] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    assert_eq!(pay_with(&shop, &reference, &forged).await, (422, "order_data_forged".to_owned()));

    assert_eq!(pay_with(&shop, &reference, &token[..30]).await, malformed);
    assert_eq!(pay_with(&shop, &reference, "").await, malformed);
    assert_eq!(pay_with(&shop, &reference, "Ab02b4c0!BQABAgCJN1wRZuGJmq8dMncmypvknj9s7l5Tj").await, malformed);
    assert_eq!(pay_with(&shop, &reference, &"A".repeat(5_001)).await, malformed);

    let other = shop.open_order(10_000).await;
    assert_eq!(pay_with(&shop, &reference, &other.text_at("/orderData")).await.1, "order_data_other_order");

    let elsewhere = domain::MerchantAccount::try_new("OtherMerchant").unwrap();
    let state = shop.state(&opened.order()).await;
    let foreign = shop.engine.tokens.seal(&elsewhere, order_key(&opened.order()).id, &state);
    assert_eq!(pay_with(&shop, &reference, &foreign).await.1, "order_data_other_merchant");

    let unknown = Tokens::try_new(&[(8, [9; 32])]).unwrap();
    let key = order_key(&opened.order());
    let unknown = unknown.seal(&key.merchant, key.id, &state);
    assert_eq!(pay_with(&shop, &reference, &unknown).await.1, "order_data_key_unknown");

    let impostor = Tokens::try_new(&[(7, [9; 32])]).unwrap().seal(&key.merchant, key.id, &state);
    assert_eq!(pay_with(&shop, &reference, &impostor).await.1, "order_data_forged");

    for reference in ["", "0000000000000000", "nonsense", "zzzzzzzzzzzzzzzzz"] {
        let error = pay_with(&shop, &json!(reference), &token).await.1;
        assert!(["order_not_found", "order_data_other_order"].contains(&error.as_str()), "{reference}: {error}");
    }
    assert_eq!(shop.state(&opened.order()).await.version.get(), 0, "none of it was written");
}

#[tokio::test]
async fn old_keys_still_open_after_a_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(embedded::SqliteLog::open(&folder.path().join("tender.db")).unwrap());
    let before = Shop::over(log.clone()).await;
    let opened = before.open_order(10_000).await;
    let rotated = SECRETS.replace(
        "\"tokenKeys\": [",
        "\"tokenKeys\": [ { \"id\": 8, \"key\": \"Pz8/Pz8/Pz8/Pz8/Pz8/Pz8/Pz8/Pz8/Pz8/Pz8/Pz8=\" },",
    );
    let after = Shop::over_with(log.clone(), &rotated).await;
    let paid = after.pay_card(&opened.order(), 4_000, "4111111111111111").await;
    assert_eq!(paid.status, 200, "{}", paid.text);
    assert_eq!(after.order(&opened.order()).await["orderData"], paid.at("/order/orderData"), "the order keeps its key");
    let new = after.open_order(1_000).await;
    assert_eq!(before.pay_card(&new.order(), 1_000, "4111111111111111").await.error().1, "order_data_key_unknown");
    let only_new = SECRETS.replace("\"id\": 7", "\"id\": 9");
    let dropped = Shop::over_with(log, &only_new).await;
    assert_eq!(dropped.pay_card(&paid.order(), 1_000, "4111111111111111").await.error().1, "order_data_key_unknown");
}

/// The address of a payment page is part of an answer that is given again.
#[tokio::test]
async fn a_page_keeps_its_address_after_a_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(embedded::SqliteLog::open(&folder.path().join("tender.db")).unwrap());
    let before = Shop::over(log.clone()).await;
    let body = json!({ "paymentorder": {
        "operation": "Purchase", "currency": "EUR", "amount": 1_000, "vatAmount": 0, "description": "A chair",
        "userAgent": "Mozilla/5.0", "language": "en-US",
        "urls": { "hostUrls": ["https://shop.example"], "completeUrl": "https://shop.example/complete" },
        "payeeInfo": { "payeeId": local::TEST_MERCHANT, "payeeReference": "rotated" },
    } });
    let open = async |shop: &Shop| {
        let kind = "application/json;version=3.1";
        let request = shop.request(reqwest::Method::POST, "/psp/paymentorders").header("Content-Type", kind);
        let opened = shop.send(request.body(body.to_string())).await;
        assert_eq!(opened.status, 200, "{}", opened.text);
        opened.text.replace(&shop.url, "")
    };
    let opened = open(&before).await;
    let rotated = SECRETS.replace(
        "\"tokenKeys\": [",
        "\"tokenKeys\": [ { \"id\": 8, \"key\": \"Pz8/Pz8/Pz8/Pz8/Pz8/Pz8/Pz8/Pz8/Pz8/Pz8/Pz8=\" },",
    );
    assert_eq!(open(&Shop::over_with(log, &rotated).await).await, opened);
}

#[tokio::test]
async fn a_token_has_at_most_a_thousand_characters() {
    let shop = Shop::open(On::Embedded).await;
    for reference in ["r".repeat(80), "\u{1F6D2}".repeat(80)] {
        let mut body = tests::shop::order_of(100_000);
        body["reference"] = json!(reference);
        let mut last = shop.post("/v72/orders", &body).await;
        assert_eq!(last.status, 200, "{}", last.text);
        for attempt in 0..64 {
            let body = payment(Some(&last.order()), 1, card("4111111111111111"));
            last = shop.post_keyed("/v72/payments", &format!("key-{attempt}"), &body).await;
            assert_eq!((last.status, last.text_at("/resultCode")), (200, "Authorised".to_owned()), "{}", last.text);
            let token = last.text_at("/order/orderData");
            assert!(token.len() <= api::limits::TOKEN_CHARS_MAX, "{} characters", token.len());
        }
        let body = payment(Some(&last.order()), 1, card("4111111111111111"));
        assert_eq!(shop.post("/v72/payments", &body).await.error(), (422, "order_too_many_payments".to_owned()));
        // A key that no longer fits into the token is still known to the log.
        let again = shop.post_keyed("/v72/payments", "key-63", &body).await;
        assert_eq!((again.status, again.at("/order/orderData")), (200, last.at("/order/orderData")));
    }
}
