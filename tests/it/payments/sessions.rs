//! Client sessions: what they are opened with and told, how they stand, and when they are captured by themselves.

use std::time::Duration;

use app::ports::Clock;
use domain::limits::{CAPTURE_DELAY_MAX, ORDER_LIFETIME_DEFAULT};
use serde_json::{Value, json};
use tests::{
    payments::{SESSIONS, Till, amounts, checkout_order, entity_id, issue, last, path, pay, session_of},
    shop::{Answer, Shop, card, euro},
};

use super::{CAPTURE_DECLINED, PENDING, VISA, of, problem, with};

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);

fn at(id: &str) -> String {
    format!("{SESSIONS}/{id}")
}

/// How a session stands. Its access token is a new one: hours may have passed.
async fn status(shop: &Shop, id: &str) -> String {
    let shown = Till::open(shop).await.get(&at(id)).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    shown.text_at("/status")
}

async fn a_session_is_opened_told_and_paid_through_the_checkout_family(shop: &Shop) {
    let till = Till::open(shop).await;
    let order = json!({
        "reference": "order_01", "net_amount": 12_000, "items": [{ "sku_reference": "SKU_01", "tax_rate": 5.5 }],
        "ünïcode": "\u{2603}",
    });
    let body = with(
        session_of(12_000),
        &json!({
            "order": order, "integration_mode": "HOSTED_PAGE", "allow_future_usage": false,
            "customer": { "email": "jane@shop.example" }, "three_ds": { "challenge": "AUTO" },
        }),
    );
    let opened = till.session(&body).await;
    let id = opened.text_at("/id");
    let order_data = opened.at("/checkout/orderData");
    let expected = json!({
        "id": id,
        "created_at": "2026-01-31T12:00:00Z",
        "status": "CREATED",
        "entity_id": entity_id(),
        "amount": 12_000,
        "currency": "EUR",
        "capture_mode": "MANUAL",
        "integration_mode": "HOSTED_PAGE",
        "shopper_redirection_url": "https://shop.example/return?cart=1",
        "order_reference": "order_01",
        "order": order,
        "expires_at": "2026-02-01T12:00:00Z",
        "widget": { "data": order_data },
        "checkout": {
            "merchantAccount": local::TEST_MERCHANT,
            "pspReference": opened.at("/checkout/pspReference"),
            "orderData": order_data,
            "remainingAmount": 12_000,
        },
        "links": { "self": { "href": at(&id), "method": "GET" } },
    });
    assert_eq!(opened.json(), expected);
    assert!(!opened.text.contains("jane"), "nothing of the customer is kept");
    let shown = till.get(&at(&id)).await;
    assert_eq!((shown.status, shown.json()), (200, expected.clone()));
    let unpaid = till.get(&path(&id, "")).await;
    assert_eq!(problem(&unpaid), (404, "not_found".to_owned()), "there is no payment yet");

    let illicado = issue(shop, "illicado", "EUR", 2_000).await;
    let first = pay(shop, &checkout_order(&opened), "EUR", &[(2_000, illicado)]).await;
    let begun = till.get(&at(&id)).await;
    let changed = json!({
        "status": "SUBMITTED", "payment_id": id, "widget": begun.at("/widget"), "checkout": begun.at("/checkout"),
        "links": {
            "self": { "href": at(&id), "method": "GET" },
            "payment": { "href": path(&id, ""), "method": "GET" },
        },
    });
    assert_eq!(begun.json(), with(expected, &changed));
    assert_eq!(begun.at("/checkout/orderData"), first[0].at("/order/orderData"), "the newest");
    assert_eq!(begun.at("/checkout/remainingAmount"), 10_000);

    pay(shop, &checkout_order(&begun), "EUR", &[(10_000, card(VISA))]).await;
    assert_eq!(status(shop, &id).await, "SUBMITTED");
    let paid = till.payment(&id).await;
    assert_eq!((amounts(&paid)[1], &paid["capture_mode"]), (12_000, &json!("MANUAL")));
    // It began when somebody paid, and nothing is captured unless it is asked for.
    shop.pass(30 * 24 * HOUR).await;
    assert_eq!(amounts(&Till::open(shop).await.payment(&id).await)[2..4], [0, 12_000]);
}

async fn a_session_that_nobody_pays_expires(shop: &Shop) {
    let session = Till::open(shop).await.session(&session_of(1_000)).await;
    let id = session.text_at("/id");
    shop.pass(ORDER_LIFETIME_DEFAULT - MILLISECOND).await;
    assert_eq!(status(shop, &id).await, "CREATED");
    shop.clock.advance(MILLISECOND);
    assert_eq!(status(shop, &id).await, "EXPIRED");
    shop.settle().await;
    assert_eq!(status(shop, &id).await, "EXPIRED");
    let paid = pay(shop, &checkout_order(&session), "EUR", &[(1_000, card(VISA))]).await;
    assert_eq!(paid[0].status, 422, "{}", paid[0].text);
}

async fn a_session_that_is_paid_in_part_expires_and_gives_the_part_back(shop: &Shop) {
    let illicado = issue(shop, "illicado", "EUR", 400).await;
    let till = Till::open(shop).await;
    let id = till.sell(&session_of(1_000), &[(400, illicado)]).await;
    shop.pass(ORDER_LIFETIME_DEFAULT).await;
    assert_eq!(status(shop, &id).await, "EXPIRED");
    let till = Till::open(shop).await;
    let payment = till.payment(&id).await;
    assert_eq!(amounts(&payment), [0, 400, 0, 0, 0, 0, 400, 0]);
    assert_eq!(payment["voids"][0]["triggered_by"], "SYSTEM");
}

async fn a_session_that_is_cancelled_says_so(shop: &Shop) {
    let till = Till::open(shop).await;
    let session = till.session(&session_of(1_000)).await;
    let paid = pay(shop, &checkout_order(&session), "EUR", &[(400, card(VISA))]).await;
    let cancel = json!({ "merchantAccount": local::TEST_MERCHANT, "order": paid[0].order() });
    assert_eq!(shop.post("/v72/orders/cancel", &cancel).await.status, 200);
    let id = session.text_at("/id");
    assert_eq!(status(shop, &id).await, "CANCELLED", "from when it is asked for");
    shop.settle().await;
    assert_eq!(status(shop, &id).await, "CANCELLED");
}

/// Opens a session that is captured by itself, and pays it by a gift card and a card.
async fn automatic(till: &Till<'_>, delay: Value, number: &str) -> (Answer, String) {
    let mut body = with(session_of(1_000), &json!({ "capture_mode": "AUTOMATIC" }));
    if !delay.is_null() {
        body["capture_delay"] = delay;
    }
    let session = till.session(&body).await;
    let illicado = issue(till.shop, "illicado", "EUR", 400).await;
    pay(till.shop, &checkout_order(&session), "EUR", &[(400, illicado), (600, card(number))]).await;
    let id = session.text_at("/id");
    (session, id)
}

async fn without_a_delay_the_worker_captures_a_session_once_it_is_paid(shop: &Shop) {
    let till = Till::open(shop).await;
    for delay in [json!(null), json!("PT0S")] {
        let (session, id) = automatic(&till, delay, VISA).await;
        assert_eq!(
            (session.text_at("/capture_mode"), session.text_at("/capture_delay")),
            ("AUTOMATIC".into(), "PT0S".into())
        );
        shop.settle().await;
        let paid = till.payment(&id).await;
        assert_eq!(amounts(&paid), [0, 1_000, 1_000, 0, 0, 1_000, 0, 0]);
        let parts = vec![("illicado", 400, "SUCCESS"), ("sandbox", 600, "SUCCESS")];
        assert_eq!(last(&paid, "captures"), ("SUCCESS", parts));
        assert_eq!(
            (&paid["captures"][0]["triggered_by"], &paid["capture_mode"]),
            (&json!("SYSTEM"), &json!("AUTOMATIC"))
        );
        assert_eq!(paid["captures"][0].get("merchant_reference"), None);
        let refunded = till.operate(&id, "refunds", &of(1_000)).await;
        assert_eq!(refunded["refunds"][0]["triggered_by"], "MERCHANT");
        shop.pass(Duration::from_secs(60)).await;
        assert_eq!(shop.next_job(), None);
    }
}

async fn with_a_delay_a_session_is_captured_then_and_not_before(shop: &Shop) {
    for (delay, told, after) in [("PT2H", "PT2H", 2 * HOUR), ("P1DT30M", "PT24H30M", 24 * HOUR + HOUR / 2)] {
        let till = Till::open(shop).await;
        let (session, id) = automatic(&till, json!(delay), VISA).await;
        assert_eq!(session.text_at("/capture_delay"), told);
        shop.pass(after - MILLISECOND).await;
        let till = Till::open(shop).await;
        let held = till.payment(&id).await;
        assert_eq!((amounts(&held)[2], held["captures"].clone()), (0, json!([])));
        shop.pass(MILLISECOND).await;
        let paid = till.payment(&id).await;
        assert_eq!((amounts(&paid)[2], paid["captures"][0]["triggered_by"].clone()), (1_000, json!("SYSTEM")));
        assert_eq!(paid["captures"][0]["created_at"], api::clock::render(shop.clock.now()));
        assert_eq!(shop.next_job(), None);
    }
}

async fn what_is_done_by_hand_meanwhile_is_not_captured_by_itself(shop: &Shop) {
    let till = Till::open(shop).await;
    let (_, id) = automatic(&till, json!("PT30M"), VISA).await;
    till.operate(&id, "captures", &of(500)).await;
    till.operate(&id, "voids", &of(200)).await;
    shop.pass(HOUR / 2).await;
    let paid = till.payment(&id).await;
    assert_eq!(amounts(&paid), [0, 1_000, 800, 0, 0, 800, 200, 0]);
    let by = paid["captures"].as_array().unwrap().iter().map(|told| (&told["triggered_by"], &told["amount"]));
    assert_eq!(by.collect::<Vec<_>>(), [(&json!("MERCHANT"), &json!(500)), (&json!("SYSTEM"), &json!(300))]);

    let (_, id) = automatic(&till, json!("PT20M"), VISA).await;
    till.operate(&id, "voids", &json!({})).await;
    shop.pass(HOUR / 3).await;
    assert_eq!(till.payment(&id).await["captures"], json!([]));
    assert_eq!(shop.next_job(), None);
}

async fn an_automatic_capture_that_is_declined_is_tried_once_and_the_rest_by_hand(shop: &Shop) {
    let till = Till::open(shop).await;
    let (_, id) = automatic(&till, json!(null), CAPTURE_DECLINED).await;
    shop.pass(HOUR / 2).await;
    let paid = till.payment(&id).await;
    let parts = vec![("illicado", 400, "SUCCESS"), ("sandbox", 600, "FAILURE")];
    assert_eq!((paid["captures"].as_array().map(Vec::len), last(&paid, "captures")), (Some(1), ("CONFLICT", parts)));
    assert_eq!((amounts(&paid), shop.next_job()), ([0, 1_000, 400, 600, 0, 400, 0, 600], None));
    let tried = till.operate(&id, "captures", &json!({})).await;
    assert_eq!(tried["captures"][1]["triggered_by"], "MERCHANT");
}

async fn a_session_is_captured_when_its_last_part_is_decided(shop: &Shop) {
    let till = Till::open(shop).await;
    let (_, id) = automatic(&till, json!(null), PENDING).await;
    shop.settle().await;
    assert_eq!(amounts(&till.payment(&id).await), [600, 400, 0, 400, 0, 0, 0, 400], "it is not paid yet");
    shop.pass(Duration::from_secs(3)).await;
    assert_eq!(amounts(&till.payment(&id).await), [0, 1_000, 1_000, 0, 0, 1_000, 0, 0]);
}

async fn delays_that_cannot_be_kept_are_refused(shop: &Shop) {
    let till = Till::open(shop).await;
    let invalid = (422, "capture_delay_invalid".to_owned());
    let longest = CAPTURE_DELAY_MAX.as_secs() / 3_600;
    for (mode, delay) in [
        ("AUTOMATIC", format!("PT{}H", longest + 1)),
        ("AUTOMATIC", "P1M".to_owned()),
        ("AUTOMATIC", "P1Y".to_owned()),
        ("AUTOMATIC", "-PT1H".to_owned()),
        ("AUTOMATIC", "two hours".to_owned()),
        ("AUTOMATIC", String::new()),
        ("AUTOMATIC", "PT999999999999999999H".to_owned()),
        ("MANUAL", "PT2H".to_owned()),
        ("MANUAL", "PT0S".to_owned()),
    ] {
        let body = with(session_of(1), &json!({ "capture_mode": mode, "capture_delay": delay }));
        let refused = till.post(SESSIONS, &body).await;
        assert_eq!(problem(&refused), invalid, "{mode} {delay}: {}", refused.text);
        assert!(refused.text_at("/detail").contains("'capture_delay'"), "{}", refused.text);
    }
    let unsaid = till.post(SESSIONS, &with(session_of(1), &json!({ "capture_delay": "PT2H" }))).await;
    assert_eq!(problem(&unsaid), invalid, "MANUAL is what it is if nothing is said");
    for delay in [format!("PT{longest}H"), "P28D".to_owned(), "PT1S".to_owned()] {
        let body = with(session_of(1), &json!({ "capture_mode": "AUTOMATIC", "capture_delay": delay }));
        till.session(&body).await;
    }
}

async fn a_session_is_paid_like_any_order(shop: &Shop) {
    let till = Till::open(shop).await;
    let session = till.session(&session_of(1_000)).await;
    let order = checkout_order(&session);
    let methods = shop
        .post(
            "/v72/paymentMethods",
            &json!({
                "merchantAccount": local::TEST_MERCHANT, "order": order,
            }),
        )
        .await;
    assert_eq!(methods.status, 200, "{}", methods.text);
    let paid = shop.pay_card(&order, 600, VISA).await;
    assert_eq!(paid.at("/order/remainingAmount"), euro(400));
    let stale = shop.pay_card(&order, 400, VISA).await;
    assert_eq!(stale.error(), (422, "order_data_stale".to_owned()));
    let page = shop.redirect(Some(&paid.order()), 400, &json!({})).await;
    shop.press(&page, "approve").await;
    shop.after(Duration::from_secs(1)).await;
    let payment = till.payment(&session.text_at("/id")).await;
    assert_eq!((amounts(&payment)[1], &payment["authorization"]["status"]), (1_000, &json!("AUTHORIZED")));
    assert_eq!(payment["split"][1], json!({ "partner": "sandbox", "method": "ideal", "amount": 400 }));
}

crate::on_both_stores!(
    a_session_is_opened_told_and_paid_through_the_checkout_family,
    a_session_that_nobody_pays_expires,
    a_session_that_is_paid_in_part_expires_and_gives_the_part_back,
    a_session_that_is_cancelled_says_so,
    without_a_delay_the_worker_captures_a_session_once_it_is_paid,
    with_a_delay_a_session_is_captured_then_and_not_before,
    what_is_done_by_hand_meanwhile_is_not_captured_by_itself,
    an_automatic_capture_that_is_declined_is_tried_once_and_the_rest_by_hand,
    a_session_is_captured_when_its_last_part_is_decided,
    delays_that_cannot_be_kept_are_refused,
    a_session_is_paid_like_any_order,
);
