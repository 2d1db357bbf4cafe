//! Merchant accounts, API keys, gift cards; and that no merchant ever sees another's.

use reqwest::Method;
use serde_json::json;
use tests::shop::{Answer, OPERATOR_KEY, On, Shop, card, gift_card, order_of, payment};

async fn create_merchant(shop: &Shop, name: &str) -> Answer {
    shop.as_key(OPERATOR_KEY, Method::POST, "/admin/v1/merchants", Some(&json!({ "merchantAccount": name }))).await
}

/// A key for merchant accounts; its text and its id.
async fn create_key(shop: &Shop, merchants: &[&str], roles: &[&str]) -> (String, String) {
    let body = json!({ "merchantAccounts": merchants, "roles": roles, "description": "for a test" });
    let made = shop.as_key(OPERATOR_KEY, Method::POST, "/admin/v1/apiKeys", Some(&body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    (made.text_at("/apiKey"), made.text_at("/id"))
}

#[tokio::test]
async fn the_operator_creates_merchants_and_keys() {
    let shop = Shop::open(On::Embedded).await;
    assert_eq!(create_merchant(&shop, "Second").await.status, 201);
    let twice = create_merchant(&shop, "Second").await;
    assert_eq!((twice.status, twice.text_at("/code")), (409, "exists".to_owned()));
    let bad = create_merchant(&shop, "No Spaces").await;
    assert_eq!((bad.status, bad.text_at("/code")), (422, "field_invalid".to_owned()));
    assert_eq!(bad.headers["content-type"], "application/problem+json");
    let listed = shop.as_key(OPERATOR_KEY, Method::GET, "/admin/v1/merchants", None).await;
    assert_eq!(listed.at("/merchants").as_array().map(Vec::len), Some(2));

    let (key, id) = create_key(&shop, &["Second"], &["payments"]).await;
    let mut order = order_of(1);
    order["merchantAccount"] = json!("Second");
    assert_eq!(shop.as_key(&key, Method::POST, "/v72/orders", Some(&order)).await.status, 200);
    let keys = shop.as_key(OPERATOR_KEY, Method::GET, "/admin/v1/apiKeys?merchantAccount=Second", None).await;
    assert_eq!(keys.text_at("/apiKeys/0/id"), id);
    assert_eq!(
        (keys.at("/apiKeys/0/roles"), keys.text_at("/apiKeys/0/description")),
        (json!(["payments"]), "for a test".into())
    );
    assert!(!keys.text.contains(&key), "a key is shown once");

    let path = format!("/admin/v1/apiKeys/{id}?merchantAccount=Second");
    assert_eq!(shop.as_key(OPERATOR_KEY, Method::DELETE, &path, None).await.status, 204);
    assert_eq!(shop.as_key(OPERATOR_KEY, Method::DELETE, &path, None).await.status, 204, "twice is once");
    assert_eq!(shop.as_key(&key, Method::POST, "/v72/orders", Some(&order)).await.status, 401);
    let keys = shop.as_key(OPERATOR_KEY, Method::GET, "/admin/v1/apiKeys?merchantAccount=Second", None).await;
    assert!(keys.at("/apiKeys/0/revokedAt").is_string());
    let unknown = shop.as_key(OPERATOR_KEY, Method::DELETE, "/admin/v1/apiKeys/0?merchantAccount=Second", None).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_key_does_what_its_roles_allow() {
    let shop = Shop::open(On::Embedded).await;
    let (payments, _) = create_key(&shop, &[local::TEST_MERCHANT], &["payments"]).await;
    let (admin, _) = create_key(&shop, &[local::TEST_MERCHANT], &["admin"]).await;
    let card = json!({ "merchantAccount": local::TEST_MERCHANT, "brand": "givex", "balance": { "currency": "EUR", "value": 100 } });
    let refused = shop.as_key(&payments, Method::POST, "/admin/v1/giftCards", Some(&card)).await;
    assert_eq!((refused.status, refused.text_at("/code")), (403, "role_missing".to_owned()));
    let refused = shop.as_key(&admin, Method::POST, "/v72/orders", Some(&order_of(1))).await;
    assert_eq!(refused.error(), (403, "010".to_owned()));
    let refused = shop.as_key(OPERATOR_KEY, Method::POST, "/v72/orders", Some(&order_of(1))).await;
    assert_eq!(refused.error(), (403, "010".to_owned()), "the operator moves no merchant's money");
    let refused =
        shop.as_key(&admin, Method::POST, "/admin/v1/merchants", Some(&json!({ "merchantAccount": "X" }))).await;
    assert_eq!(refused.status, 403);
    for (body, code) in [
        (json!({ "merchantAccounts": [], "roles": ["admin"] }), "field_invalid"),
        (json!({ "merchantAccounts": ["Elsewhere"], "roles": ["admin"] }), "merchant_forbidden"),
        (json!({ "merchantAccounts": [local::TEST_MERCHANT], "roles": [] }), "field_invalid"),
        (json!({ "merchantAccounts": [local::TEST_MERCHANT], "roles": ["root"] }), "field_invalid"),
        (json!({ "merchantAccounts": [local::TEST_MERCHANT], "roles": [3] }), "body_invalid"),
        (json!({ "roles": ["admin"] }), "field_missing"),
    ] {
        let refused = shop.as_key(&admin, Method::POST, "/admin/v1/apiKeys", Some(&body)).await;
        assert_eq!(refused.text_at("/code"), code, "{}", refused.text);
    }
    let ghost = json!({ "merchantAccounts": ["Ghost"], "roles": ["admin"] });
    assert_eq!(shop.as_key(OPERATOR_KEY, Method::POST, "/admin/v1/apiKeys", Some(&ghost)).await.status, 404);
}

#[tokio::test]
async fn nothing_of_one_merchant_is_visible_to_another() {
    let shop = Shop::open(On::Embedded).await;
    create_merchant(&shop, "Second").await;
    let (second, _) = create_key(&shop, &["Second"], &["payments", "admin"]).await;
    let opened = shop.open_order(1_000).await;
    let reference = opened.text_at("/pspReference");

    // What exists is answered as what does not.
    let ask = |path: String| {
        let (shop, second) = (&shop, &second);
        async move { shop.as_key(second, Method::GET, &path, None).await }
    };
    let (real, none) =
        (ask(format!("/v72/orders/{reference}")).await, ask("/v72/orders/0000000000000000".to_owned()).await);
    assert_eq!((real.status, real.at("/message")), (none.status, none.at("/message")));
    assert_eq!(real.status, 404);
    for account in [local::TEST_MERCHANT, "Nobody"] {
        let forbidden = ask(format!("/v72/orders/{reference}?merchantAccount={account}")).await;
        assert_eq!(forbidden.error(), (403, "901".to_owned()));
        let forbidden = ask(format!("/admin/v1/apiKeys?merchantAccount={account}")).await;
        assert_eq!((forbidden.status, forbidden.text_at("/code")), (403, "merchant_forbidden".to_owned()));
        let mut body = order_of(1);
        body["merchantAccount"] = json!(account);
        assert_eq!(
            shop.as_key(&second, Method::POST, "/v72/orders", Some(&body)).await.error(),
            (403, "901".to_owned())
        );
    }
    assert_eq!(ask(format!("/admin/v1/giftCards/{}", local::TEST_GIFT_CARD)).await.status, 404);
    let listed = ask("/admin/v1/merchants".to_owned()).await;
    assert_eq!(listed.at("/merchants/0/merchantAccount"), "Second");
    assert_eq!(listed.at("/merchants").as_array().map(Vec::len), Some(1));

    let mut stolen = payment(Some(&opened.order()), 1_000, card("4111111111111111"));
    stolen["merchantAccount"] = json!("Second");
    let refused = shop.as_key(&second, Method::POST, "/v72/payments", Some(&stolen)).await;
    assert_eq!(refused.error(), (422, "order_data_other_merchant".to_owned()));
    let mut theirs = payment(None, 1_000, gift_card());
    theirs["merchantAccount"] = json!("Second");
    let refused = shop.as_key(&second, Method::POST, "/v72/payments", Some(&theirs)).await;
    assert_eq!(refused.text_at("/refusalReason"), "Invalid Card Number", "a gift card is of one merchant");
    let key = tests::shop::order_key(&opened.order());
    let result = shop.engine.tokens.seal_return(&key.merchant, key.id.at(domain::Version::try_new(1).unwrap()));
    let details = json!({ "details": { "redirectResult": result } });
    let refused = shop.as_key(&second, Method::POST, "/v72/payments/details", Some(&details)).await;
    assert_eq!(refused.error(), (422, "redirect_result_invalid".to_owned()));

    // One idempotency key, two merchants: two orders.
    let mut body = order_of(5);
    let mine = shop.post_keyed("/v72/orders", "same", &body).await;
    body["merchantAccount"] = json!("Second");
    let request = shop.bare(Method::POST, "/v72/orders").header("X-API-Key", &second).header("Idempotency-Key", "same");
    let theirs = shop.send(request.json(&body)).await;
    assert_eq!((mine.status, theirs.status), (200, 200));
    assert_ne!(mine.at("/pspReference"), theirs.at("/pspReference"));
}

#[tokio::test]
async fn gift_cards_are_issued_and_looked_into() {
    let shop = Shop::open(On::Embedded).await;
    let mut body = json!({ "merchantAccount": local::TEST_MERCHANT, "brand": "svs", "balance": { "currency": "JPY", "value": 500 } });
    let drawn = shop.post("/admin/v1/giftCards", &body).await;
    assert_eq!(drawn.status, 201, "{}", drawn.text);
    let number = drawn.text_at("/number");
    assert_eq!((number.len(), drawn.text_at("/cvc").len(), drawn.text_at("/brand")), (19, 3, "svs".to_owned()));
    assert_eq!(drawn.at("/balance"), json!({ "currency": "JPY", "value": 500 }));
    let seen = shop.get(&format!("/admin/v1/giftCards/{number}")).await;
    assert_eq!((seen.at("/balance/value"), seen.text_at("/lastFour")), (json!(500), number[15..].to_owned()));
    assert!(!seen.text.contains(&number));

    body["number"] = json!("ABCD1234");
    body["cvc"] = json!("9876");
    let given = shop.post("/admin/v1/giftCards", &body).await;
    assert_eq!(
        (given.status, given.text_at("/number"), given.text_at("/cvc")),
        (201, "ABCD1234".into(), "9876".into())
    );
    assert_eq!(shop.post("/admin/v1/giftCards", &body).await.status, 409);

    // With an idempotency key: the same request, the same card.
    let mut keyed = body.clone();
    for field in ["number", "cvc"] {
        keyed.as_object_mut().unwrap().remove(field);
        let first = shop.post_keyed("/admin/v1/giftCards", field, &keyed).await;
        let again = shop.post_keyed("/admin/v1/giftCards", field, &keyed).await;
        assert_eq!((first.status, &first.text), (201, &again.text));
        let mut other = keyed.clone();
        other["balance"]["value"] = json!(501);
        if field == "number" {
            other["cvc"] = json!("1111");
        }
        let reused = shop.post_keyed("/admin/v1/giftCards", field, &other).await;
        assert_eq!((reused.status, reused.text_at("/code")), (422, "idempotency_key_reused".to_owned()));
    }
    let request = shop.bare(Method::POST, "/admin/v1/giftCards").header("X-API-Key", OPERATOR_KEY);
    let mut ghost = body.clone();
    ghost["merchantAccount"] = json!("Ghost");
    assert_eq!(
        shop.send(request.json(&ghost)).await.status,
        404,
        "the operator, too, names a merchant account that exists"
    );

    for (field, value, code) in [
        ("brand", json!(null), "field_missing"),
        ("brand", json!(""), "field_invalid"),
        ("balance", json!(null), "object_missing"),
        ("balance", json!({ "currency": "EUR", "value": -1 }), "amount_invalid"),
        ("balance", json!({ "currency": "eur", "value": 1 }), "currency_unknown"),
        ("balance", json!({ "currency": "EUR", "value": 1.5 }), "body_invalid"),
        ("number", json!("1 2 3 4"), "field_invalid"),
        ("number", json!("123"), "field_invalid"),
        ("cvc", json!(""), "field_invalid"),
        ("merchantAccount", json!("Nobody"), "merchant_forbidden"),
    ] {
        let mut bad = body.clone();
        bad[field] = value.clone();
        let refused = shop.post("/admin/v1/giftCards", &bad).await;
        assert_eq!(refused.text_at("/code"), code, "{field} = {value}: {}", refused.text);
    }

    let opened = shop.open_order(3_000).await;
    let paid = shop.pay_gift_card(&opened.order(), 2_000).await;
    shop.cancel(&paid.order()).await;
    let seen = shop.get(&format!("/admin/v1/giftCards/{}", local::TEST_GIFT_CARD)).await;
    let kinds =
        seen.at("/movements").as_array().unwrap().iter().map(|movement| movement["type"].clone()).collect::<Vec<_>>();
    assert_eq!(kinds, ["hold", "release"]);
    assert_eq!(seen.at("/holds/0/released/value"), 2_000);
    assert_eq!(seen.at("/movements/0/paymentPspReference"), paid.at("/pspReference"));
}

#[tokio::test]
async fn a_revoked_key_is_believed_for_seconds_at_most_by_other_processes() {
    let folder = tempfile::tempdir().unwrap();
    let log = std::sync::Arc::new(embedded::SqliteLog::open(&folder.path().join("tender.db")).unwrap());
    let (here, there) = (Shop::over(log.clone()).await, Shop::over(log).await);
    let (key, id) = create_key(&here, &[local::TEST_MERCHANT], &["payments"]).await;
    assert_eq!(there.as_key(&key, Method::POST, "/v72/orders", Some(&order_of(1))).await.status, 200);
    let path = format!("/admin/v1/apiKeys/{id}");
    assert_eq!(here.send(here.request(Method::DELETE, &path)).await.status, 204);
    assert_eq!(here.as_key(&key, Method::POST, "/v72/orders", Some(&order_of(1))).await.status, 401);
    there.clock.advance(app::access::KEY_CACHE);
    assert_eq!(there.as_key(&key, Method::POST, "/v72/orders", Some(&order_of(1))).await.status, 401);
}
