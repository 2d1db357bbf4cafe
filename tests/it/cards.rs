//! Every card of the sandbox's table does what the table says, through HTTP.

use std::time::Duration;

use domain::Action;
use serde_json::{Value, json};
use tests::shop::{Shop, euro};

/// Pays 10.00 EUR with a card; its answer, and the order.
async fn pay(shop: &Shop, number: &str) -> (tests::shop::Answer, Value) {
    let opened = shop.open_order(1_000).await;
    let paid = shop.pay_card(&opened.order(), 1_000, number).await;
    assert_eq!(paid.status, 200, "{}", paid.text);
    (paid, opened.order())
}

/// Captures or refunds 10.00 EUR of the only payment; the leg as it is told then.
async fn perform(shop: &Shop, order: &Value, action: Action) -> Value {
    shop.perform(order, 1, action, 1_000).await;
    last_leg(shop, order).await
}

async fn last_leg(shop: &Shop, order: &Value) -> Value {
    let order = shop.order(order).await;
    order["operations"].as_array().and_then(|all| all.last()).map(|last| last["legs"][0].clone()).unwrap_or_default()
}

async fn approved_cards_are_captured_and_refunded(shop: &Shop) {
    for (number, brand) in [("4111111111111111", "visa"), ("5555444433331111", "mc")] {
        let (paid, order) = pay(shop, number).await;
        assert_eq!(
            (paid.text_at("/resultCode"), paid.text_at("/paymentMethod/brand")),
            ("Authorised".into(), brand.into())
        );
        assert_eq!(perform(shop, &order, Action::Capture).await["status"], "done");
        assert_eq!(perform(shop, &order, Action::Refund).await["status"], "done");
    }
    let (_, order) = pay(shop, "4111111111111111").await;
    assert_eq!(perform(shop, &order, Action::Void).await["status"], "done");
}

async fn refused_cards_say_why(shop: &Shop) {
    for (number, reason, code) in [
        ("4000000000000002", "Refused", "2"),
        ("4000000000009995", "Not enough balance", "12"),
        ("4000000000000069", "Expired Card", "6"),
        // Passes the check digit, and is none of the sandbox's.
        ("4242424242424242", "Invalid Card Number", "8"),
    ] {
        let (paid, order) = pay(shop, number).await;
        assert_eq!(paid.text_at("/resultCode"), "Refused");
        assert_eq!((paid.text_at("/refusalReason"), paid.text_at("/refusalReasonCode")), (reason.into(), code.into()));
        assert_eq!(paid.at("/order/remainingAmount"), euro(1_000));
        let order = shop.order(&order).await;
        assert_eq!((&order["status"], &order["payments"][0]["refusalReason"]), (&json!("open"), &json!(reason)));
    }
}

async fn pending_cards_are_decided_after_two_seconds(shop: &Shop) {
    for (number, status, closed) in
        [("4000000000000077", "authorised", "closed"), ("4000000000000093", "refused", "open")]
    {
        let (paid, order) = pay(shop, number).await;
        assert_eq!(paid.text_at("/resultCode"), "Pending");
        assert_eq!(paid.at("/order/remainingAmount"), euro(0), "a pending part is covered");
        shop.clock.advance(Duration::from_millis(1_999));
        assert_eq!(shop.order(&order).await["payments"][0]["status"], "pending");
        shop.clock.advance(Duration::from_millis(1));
        let order = shop.order(&order).await;
        assert_eq!((&order["payments"][0]["status"], &order["status"]), (&json!(status), &json!(closed)));
    }
}

async fn timed_out_authorisations_are_looked_up(shop: &Shop) {
    for (number, status, remaining, closed) in
        [("4000000000000119", "authorised", 0, "closed"), ("4000000000000127", "error", 1_000, "open")]
    {
        let (paid, order) = pay(shop, number).await;
        assert_eq!(paid.text_at("/resultCode"), "Pending");
        assert_eq!(shop.order(&order).await["payments"][0]["status"], "uncertain");
        shop.clock.advance(Duration::from_secs(1));
        let order = shop.order(&order).await;
        assert_eq!((&order["payments"][0]["status"], &order["status"]), (&json!(status), &json!(closed)));
        assert_eq!(order["remainingAmount"], euro(remaining));
    }
}

async fn captures_that_are_declined_pending_or_time_out(shop: &Shop) {
    let (_, order) = pay(shop, "4000000000000341").await;
    let leg = perform(shop, &order, Action::Capture).await;
    assert_eq!((&leg["status"], &leg["refusalReason"]), (&json!("declined"), &json!("Refused")));
    assert_eq!(shop.order(&order).await["payments"][0]["capturedAmount"], euro(0));
    assert_eq!(perform(shop, &order, Action::Void).await["status"], "done", "what was not captured can be voided");

    let (_, order) = pay(shop, "4000000000000259").await;
    assert_eq!(perform(shop, &order, Action::Capture).await["status"], "pending");
    shop.clock.advance(Duration::from_millis(1_999));
    assert_eq!(last_leg(shop, &order).await["status"], "pending");
    shop.clock.advance(Duration::from_millis(1));
    assert_eq!(last_leg(shop, &order).await["status"], "done");

    let (_, order) = pay(shop, "4000000000000143").await;
    assert_eq!(perform(shop, &order, Action::Capture).await["status"], "uncertain");
    shop.clock.advance(Duration::from_secs(1));
    assert_eq!(last_leg(shop, &order).await["status"], "done");
    let order = shop.order(&order).await;
    assert_eq!(order["payments"][0]["capturedAmount"], euro(1_000), "captured once");
}

async fn a_declined_refund_leaves_the_money_captured(shop: &Shop) {
    let (_, order) = pay(shop, "4000000000005126").await;
    assert_eq!(perform(shop, &order, Action::Capture).await["status"], "done");
    assert_eq!(perform(shop, &order, Action::Refund).await["status"], "declined");
    let order = shop.order(&order).await;
    assert_eq!(order["payments"][0]["capturedAmount"], euro(1_000));
    assert_eq!(order["payments"][0]["refundedAmount"], euro(0));
}

super::on_both_stores!(
    approved_cards_are_captured_and_refunded,
    refused_cards_say_why,
    pending_cards_are_decided_after_two_seconds,
    timed_out_authorisations_are_looked_up,
    captures_that_are_declined_pending_or_time_out,
    a_declined_refund_leaves_the_money_captured,
);
