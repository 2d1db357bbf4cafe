//! The same request again is the same answer again.

use serde_json::json;
use tests::shop::{Shop, card, euro, gift_card, order_of, payment};

async fn an_order_is_opened_once(shop: &Shop) {
    let first = shop.post_keyed("/v72/orders", "key-1", &order_of(10_000)).await;
    shop.pay_card(&first.order(), 4_000, "4111111111111111").await;
    shop.clock.advance(std::time::Duration::from_secs(60));
    let again = shop.post_keyed("/v72/orders", "key-1", &order_of(10_000)).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text), "byte for byte, although it moved on");
    assert_eq!(again.headers["idempotency-key"], "key-1");
    let other = shop.post_keyed("/v72/orders", "key-1", &order_of(10_001)).await;
    assert_eq!(other.error(), (422, "idempotency_key_reused".to_owned()));
    let fresh = shop.post_keyed("/v72/orders", "key-2", &order_of(10_000)).await;
    assert_ne!(fresh.at("/pspReference"), first.at("/pspReference"));
}

async fn an_order_that_has_expired_since_is_answered_as_it_was(shop: &Shop) {
    let mut body = order_of(10_000);
    body["expiresAt"] = json!("2026-01-31T13:00:00Z");
    let first = shop.post_keyed("/v72/orders", "key-1", &body).await;
    assert_eq!(first.status, 200, "{}", first.text);
    shop.clock.advance(std::time::Duration::from_secs(2 * 3_600));
    let again = shop.post_keyed("/v72/orders", "key-1", &body).await;
    assert_eq!((again.status, &again.text), (200, &first.text));
    assert_eq!(shop.post_keyed("/v72/orders", "key-2", &body).await.error(), (422, "order_expiry_invalid".to_owned()));
    assert_eq!(shop.post("/v72/orders", &body).await.error(), (422, "order_expiry_invalid".to_owned()));
}

async fn a_payment_is_made_once(shop: &Shop) {
    let opened = shop.open_order(10_000).await;
    let body = payment(Some(&opened.order()), 2_000, gift_card());
    let first = shop.post_keyed("/v72/payments", "key-1", &body).await;
    assert_eq!(first.text_at("/resultCode"), "Authorised");
    let second = shop.pay_card(&first.order(), 3_000, "4111111111111111").await;
    let again = shop.post_keyed("/v72/payments", "key-1", &body).await;
    assert_eq!((again.status, &again.text), (200, &first.text));
    // With the newer token, whose list of keys gives it away without a read.
    let newer = payment(Some(&second.order()), 2_000, gift_card());
    let again = shop.post_keyed("/v72/payments", "key-1", &newer).await;
    assert_eq!((again.status, &again.text), (200, &first.text));
    assert_eq!(shop.gift_card_balance().await, 3_000, "taken once");
    let mut other = newer.clone();
    other["amount"] = euro(2_001);
    let other = shop.post_keyed("/v72/payments", "key-1", &other).await;
    assert_eq!(other.error(), (422, "idempotency_key_reused".to_owned()));
}

async fn fields_in_another_order_are_the_same_request(shop: &Shop) {
    let first = shop.post_keyed("/v72/orders", "key-1", &order_of(10_000)).await;
    let shuffled = r#"{ "reference": "order-1", "amount": { "value": 10000, "currency": "EUR" }, "merchantAccount": "TestMerchant" }"#;
    let request = shop.request(reqwest::Method::POST, "/v72/orders").header("idempotency-key", "key-1").body(shuffled);
    assert_eq!(shop.send(request).await.text, first.text);
}

async fn a_payment_without_an_order_is_made_once(shop: &Shop) {
    for number in ["4111111111111111", "4000000000000002", "4000000000000077", "4000000000000119", "4000000000003220"] {
        let body = payment(None, 2_000, card(number));
        let first = shop.post_keyed("/v72/payments", number, &body).await;
        shop.clock.advance(std::time::Duration::from_secs(5));
        let again = shop.post_keyed("/v72/payments", number, &body).await;
        assert_eq!((again.status, &again.text), (first.status, &first.text), "{number}");
    }
    let other =
        shop.post_keyed("/v72/payments", "4111111111111111", &payment(None, 2_001, card("4111111111111111"))).await;
    assert_eq!(other.error(), (422, "idempotency_key_reused".to_owned()));
    let elsewhere = shop.post_keyed("/v72/orders", "4111111111111111", &order_of(2_000)).await;
    assert_eq!(elsewhere.error(), (422, "idempotency_key_reused".to_owned()), "a key is of one request");
}

async fn an_answer_stays_as_it_was_when_the_outcome_comes_later(shop: &Shop) {
    let opened = shop.open_order(10_000).await;
    for number in ["4000000000000077", "4000000000000119"] {
        let order = shop.order(&opened.order()).await;
        let order = json!({ "pspReference": order["pspReference"], "orderData": order["orderData"] });
        let body = payment(Some(&order), 1_000, card(number));
        let first = shop.post_keyed("/v72/payments", number, &body).await;
        assert_eq!(first.text_at("/resultCode"), "Pending");
        shop.clock.advance(std::time::Duration::from_secs(5));
        shop.order(&opened.order()).await;
        let again = shop.post_keyed("/v72/payments", number, &body).await;
        assert_eq!((again.status, &again.text), (200, &first.text), "{number}");
    }
}

async fn twins_at_once_are_one(shop: &Shop) {
    for round in 0..16 {
        let opened = shop.open_order(10_000).await;
        let body = payment(Some(&opened.order()), 2_500, card("4111111111111111"));
        let (left, right) = tokio::join!(
            shop.post_keyed("/v72/payments", "twin", &body),
            shop.post_keyed("/v72/payments", "twin", &body),
        );
        for twin in [&left, &right] {
            if twin.status == 200 {
                assert_eq!(twin.text_at("/resultCode"), "Authorised");
            } else {
                assert_eq!(twin.error(), (409, "704".to_owned()), "round {round}: {}", twin.text);
                assert_eq!(twin.headers["transient-error"], "true");
            }
        }
        assert!(left.status == 200 || right.status == 200);
        assert_eq!(shop.state(&opened.order()).await.covered(), 2_500, "paid once");
    }
    let body = order_of(1);
    let (left, right) = tokio::join!(
        shop.post_keyed("/v72/orders", "twin-order", &body),
        shop.post_keyed("/v72/orders", "twin-order", &body),
    );
    assert_eq!((left.status, &left.text), (200, &right.text));
}

async fn details_and_cancellations_are_repeatable(shop: &Shop) {
    let opened = shop.open_order(1_000).await;
    let started = shop.pay_card(&opened.order(), 1_000, "4000000000003220").await;
    let page = started.text_at("/action/url");
    let path = page.strip_prefix(&shop.url).unwrap();
    let key = tests::shop::order_key(&opened.order());
    let result = shop.engine.tokens.seal_return(&key.merchant, key.id.at(domain::Version::try_new(1).unwrap()));
    let body = json!({ "details": { "redirectResult": result } });
    let undecided = shop.post_keyed("/v72/payments/details", "early", &body).await;
    assert_eq!(undecided.text_at("/resultCode"), "RedirectShopper");
    shop.send(shop.bare(reqwest::Method::POST, &format!("{path}/approve"))).await;
    let decided = shop.post_keyed("/v72/payments/details", "late", &body).await;
    assert_eq!(decided.text_at("/resultCode"), "Authorised");
    let again = shop.post_keyed("/v72/payments/details", "early", &body).await;
    assert_eq!((again.status, &again.text), (200, &undecided.text), "the first answer, though more is known");
    assert_eq!(shop.post_keyed("/v72/payments/details", "late", &body).await.text, decided.text);

    // The outcome is known by now, and a key is a key all the same.
    let known = shop.post_keyed("/v72/payments/details", "known", &body).await;
    assert_eq!(known.text_at("/resultCode"), "Authorised");
    assert_eq!(shop.post_keyed("/v72/payments/details", "known", &body).await.text, known.text);
    let other = payment(Some(&opened.order()), 1, card("4111111111111111"));
    assert_eq!(
        shop.post_keyed("/v72/payments", "known", &other).await.error(),
        (422, "idempotency_key_reused".to_owned())
    );

    let opened = shop.open_order(1_000).await;
    let cancel = json!({ "merchantAccount": local::TEST_MERCHANT, "order": opened.order() });
    let first = shop.post_keyed("/v72/orders/cancel", "cancel", &cancel).await;
    let again = shop.post_keyed("/v72/orders/cancel", "cancel", &cancel).await;
    assert_eq!((first.status, &first.text), (200, &again.text));
}

async fn a_refusal_is_the_same_again(shop: &Shop) {
    let opened = shop.open_order(1_000).await;
    let body = payment(Some(&opened.order()), 1_001, card("4111111111111111"));
    let first = shop.post_keyed("/v72/payments", "too-much", &body).await;
    let again = shop.post_keyed("/v72/payments", "too-much", &body).await;
    assert_eq!(first.error(), (422, "order_amount_exceeds_remaining".to_owned()));
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    assert_eq!(first.headers["pspreference"], again.headers["pspreference"]);
}

async fn keys_are_the_merchants_own(shop: &Shop) {
    let long = "k".repeat(65);
    let refused = shop.post_keyed("/v72/orders", &long, &order_of(1)).await;
    assert_eq!(refused.error(), (422, "702".to_owned()));
    assert!(refused.text_at("/message").contains("Idempotency-Key"));
    assert_eq!(shop.post_keyed("/v72/orders", &"k".repeat(64), &order_of(1)).await.status, 200);
}

super::on_both_stores!(
    an_order_is_opened_once,
    an_order_that_has_expired_since_is_answered_as_it_was,
    a_payment_is_made_once,
    fields_in_another_order_are_the_same_request,
    a_payment_without_an_order_is_made_once,
    an_answer_stays_as_it_was_when_the_outcome_comes_later,
    twins_at_once_are_one,
    details_and_cancellations_are_repeatable,
    a_refusal_is_the_same_again,
    keys_are_the_merchants_own,
);
