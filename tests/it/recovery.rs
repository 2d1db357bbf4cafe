//! A process may die, or lose its store, between any two steps of a payment: nothing is lost, nothing is
//! done twice.

use std::sync::Arc;

use app::streams::APPEND_TRIES_MAX;
use serde_json::json;
use tests::{
    faults::Flaky,
    shop::{Shop, card, euro, gift_card, payment},
};

const TRIES: i64 = APPEND_TRIES_MAX as i64;

async fn flaky_shop() -> (tempfile::TempDir, Arc<Flaky>, Shop) {
    let folder = tempfile::tempdir().unwrap();
    let log = Flaky::new(Arc::new(embedded::SqliteLog::open(&folder.path().join("tender.db")).unwrap()));
    let shop = Shop::over(log.clone()).await;
    (folder, log, shop)
}

#[tokio::test]
async fn an_intent_that_was_not_written_moved_nothing() {
    let (_folder, log, shop) = flaky_shop().await;
    let opened = shop.open_order(10_000).await;
    let body = payment(Some(&opened.order()), 2_000, gift_card());
    log.fail(0, TRIES);
    let failed = shop.post_keyed("/v72/payments", "key", &body).await;
    assert_eq!(failed.error(), (503, "703".to_owned()));
    assert_eq!(failed.headers["transient-error"], "true");
    assert_eq!(shop.gift_card_balance().await, 5_000);
    let again = shop.post_keyed("/v72/payments", "key", &body).await;
    assert_eq!(again.text_at("/resultCode"), "Authorised");
    assert_eq!(shop.gift_card_balance().await, 3_000);
}

#[tokio::test]
async fn an_outcome_that_was_not_written_is_looked_up() {
    let (_folder, log, shop) = flaky_shop().await;
    for (method, expected) in [(gift_card(), 3_000), (card("4111111111111111"), 3_000)] {
        let opened = shop.open_order(10_000).await;
        let body = payment(Some(&opened.order()), 2_000, method);
        // The intent and the partner's own book are written, the outcome is not.
        log.fail(2, TRIES);
        assert_eq!(shop.post_keyed("/v72/payments", "key", &body).await.error(), (503, "703".to_owned()));
        let early = shop.post_keyed("/v72/payments", "key", &body).await;
        assert_eq!(early.error(), (409, "704".to_owned()), "whoever sent it first may still be at work");
        assert_eq!(early.headers["transient-error"], "true");
        shop.clock.advance(domain::limits::AUTHORISE_DEADLINE);
        let late = shop.post_keyed("/v72/payments", "key", &body).await;
        assert_eq!((late.status, late.text_at("/resultCode")), (200, "Authorised".to_owned()), "{}", late.text);
        assert_eq!(shop.post_keyed("/v72/payments", "key", &body).await.text, late.text);
        assert_eq!(shop.gift_card_balance().await, expected, "held once");
        assert_eq!(shop.state(&opened.order()).await.covered(), 2_000);
    }
}

#[tokio::test]
async fn a_call_that_never_reached_its_partner_gives_the_part_back() {
    let (_folder, log, shop) = flaky_shop().await;
    for method in [gift_card(), card("4111111111111111")] {
        let opened = shop.open_order(10_000).await;
        let body = payment(Some(&opened.order()), 2_000, method);
        // Only the intent is written: neither the partner's book nor the outcome.
        log.fail(1, 2 * TRIES);
        assert_eq!(shop.post_keyed("/v72/payments", "key", &body).await.error(), (503, "703".to_owned()));
        shop.clock.advance(domain::limits::AUTHORISE_DEADLINE);
        let late = shop.post_keyed("/v72/payments", "key", &body).await;
        assert_eq!((late.status, late.text_at("/resultCode")), (200, "Error".to_owned()), "{}", late.text);
        assert_eq!(late.at("/order/remainingAmount"), euro(10_000));
        assert_eq!(shop.gift_card_balance().await, 5_000);
        let paid = shop.pay_card(&late.order(), 10_000, "4111111111111111").await;
        assert_eq!(paid.text_at("/resultCode"), "Authorised");
    }
}

#[tokio::test]
async fn a_payment_that_was_begun_is_not_said_to_be_repeatable_without_a_key() {
    let (_folder, log, shop) = flaky_shop().await;
    let opened = shop.open_order(10_000).await;
    for order in [None, Some(&opened.order())] {
        log.fail(2, TRIES);
        let begun = shop.post("/v72/payments", &payment(order, 2_000, card("4111111111111111"))).await;
        assert_eq!(begun.error(), (503, "703".to_owned()));
        assert!(!begun.headers.contains_key("transient-error"), "again would be another payment");
        let reference = begun.text_at("/pspReference");
        assert!(begun.text_at("/message").contains(&reference), "{}", begun.text);
        shop.clock.advance(domain::limits::AUTHORISE_DEADLINE);
        let order = format!("{}000", &reference[..13]);
        let order = shop.order(&json!({ "pspReference": order })).await;
        assert_eq!(
            (&order["payments"][0]["pspReference"], &order["payments"][0]["status"]),
            (&json!(reference), &json!("authorised"))
        );
    }
}

#[tokio::test]
async fn a_single_payment_recovers_too() {
    let (_folder, log, shop) = flaky_shop().await;
    let body = payment(None, 2_000, card("4111111111111111"));
    log.fail(2, TRIES);
    assert_eq!(shop.post_keyed("/v72/payments", "key", &body).await.error(), (503, "703".to_owned()));
    assert_eq!(shop.post_keyed("/v72/payments", "key", &body).await.error(), (409, "704".to_owned()));
    shop.clock.advance(domain::limits::AUTHORISE_DEADLINE);
    let late = shop.post_keyed("/v72/payments", "key", &body).await;
    assert_eq!((late.status, late.text_at("/resultCode")), (200, "Authorised".to_owned()), "{}", late.text);
}

#[tokio::test]
async fn a_cancellation_that_stopped_half_way_is_finished_by_the_next_look() {
    // The commits of a cancellation: its intent, the two partners' books, its outcome.
    for written in 0..4 {
        let (_folder, log, shop) = flaky_shop().await;
        let opened = shop.open_order(10_000).await;
        let first = shop.pay_gift_card(&opened.order(), 2_000).await;
        let second = shop.pay_card(&first.order(), 3_000, "4111111111111111").await;
        log.fail(written, 3 * TRIES);
        let cancelled = shop.cancel(&second.order()).await;
        assert!([200, 503].contains(&cancelled.status), "{}", cancelled.text);
        log.fail(i64::MAX, 0);
        shop.clock.advance(domain::limits::ASK_AGAIN_AFTER);
        assert_eq!(shop.cancel(&second.order()).await.status, 200);
        shop.clock.advance(domain::limits::ASK_AGAIN_AFTER);
        let order = shop.order(&opened.order()).await;
        assert_eq!((&order["status"], &order["remainingAmount"]), (&json!("closed"), &euro(10_000)), "after {written}");
        assert_eq!(order["payments"][1]["cancelledAmount"], euro(3_000));
        assert_eq!(shop.gift_card_balance().await, 5_000);
    }
}
