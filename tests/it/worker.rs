//! What is left to do on orders is done without anyone asking, and comes to an end.

use std::time::Duration;

use app::{
    ports::{Clock, Commit, Job, Queue, Scheduled, Work},
    streams::APPEND_TRIES_MAX,
};
use domain::{
    Action, Time, Version,
    limits::{ASK_AGAIN_AFTER, AUTHORISE_DEADLINE},
    order::LegResult,
};
use serde_json::{Value, json};
use tests::{
    hook::Hook,
    shop::{Answer, Shop, card, euro, gift_card, order_key, payment, test_merchant},
};

const VISA: &str = "4111111111111111";
const PENDING: &str = "4000000000000077";

const TRIES: i64 = APPEND_TRIES_MAX as i64;
const MILLISECOND: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Cancels the order, and leaves the rest to the worker.
async fn cancel(shop: &Shop, order: &Value) -> Answer {
    shop.post("/v72/orders/cancel", &json!({ "merchantAccount": local::TEST_MERCHANT, "order": order })).await
}

/// The orders that are listed because their work fails for long.
async fn listed(shop: &Shop) -> Vec<Value> {
    shop.get("/admin/v1/work").await.at("/work").as_array().cloned().unwrap()
}

/// Has the work of an order tried now.
async fn retry(shop: &Shop, order: &Value) {
    let reference = order["pspReference"].as_str().unwrap();
    assert_eq!(shop.ask(&format!("/admin/v1/work/{reference}/retry")).await.status, 202);
    shop.settle().await;
}

/// How the order ended, as the store has it.
async fn ended(shop: &Shop, order: &Value) -> Option<bool> {
    shop.state(order).await.closed.map(|closed| closed.is_success())
}

async fn a_cancellation_is_answered_at_once_and_the_worker_gives_the_money_back(shop: &Shop) {
    let hook = Hook::create_for(shop, "checkout", &["CANCELLATION", "ORDER_CLOSED"]).await;
    let order = shop.open_order(10_000).await.order();
    let first = shop.pay_gift_card(&order, 2_000).await;
    let second = shop.pay_card(&first.order(), 3_000, VISA).await;
    shop.settle().await;
    let cancelled = cancel(shop, &second.order()).await;
    assert_eq!((cancelled.status, cancelled.text_at("/resultCode")), (200, "Received".to_owned()));
    let state = shop.state(&order).await;
    assert!(state.closed.is_none() && state.operations[0].legs.iter().all(|leg| leg.result.is_none()));
    assert_eq!(shop.gift_card_balance().await, 3_000, "nothing has moved yet");

    shop.settle().await;
    assert_eq!((ended(shop, &order).await, shop.gift_card_balance().await), (Some(false), 5_000));
    assert_eq!(shop.state(&order).await.payments[1].tally.voided, 3_000);
    assert_eq!(hook.take_events(), ["CANCELLATION", "CANCELLATION", "ORDER_CLOSED failed"]);
    assert_eq!(shop.next_job(), None);
}

async fn what_a_partner_left_open_is_found_out_and_told_without_anyone_asking(shop: &Shop) {
    let hook = Hook::create_for(shop, "checkout", &["AUTHORISATION", "ORDER_CLOSED"]).await;
    for (number, reason, events) in [
        ("4000000000000119", "", &["AUTHORISATION", "ORDER_CLOSED"][..]),
        ("4000000000000127", "Acquirer Error", &["AUTHORISATION failed"]),
        (PENDING, "", &["AUTHORISATION", "ORDER_CLOSED"]),
        ("4000000000000093", "Refused", &["AUTHORISATION failed"]),
    ] {
        let order = shop.open_order(1_000).await.order();
        let paid = shop.pay_card(&order, 1_000, number).await;
        assert_eq!(paid.text_at("/resultCode"), "Pending");
        shop.settle().await;
        assert_eq!(hook.take_events(), [""; 0]);
        shop.pass(Duration::from_secs(3)).await;
        let told = hook.take();
        assert_eq!(told.iter().map(tests::receiver::Received::event).collect::<Vec<_>>(), events, "{number}");
        assert_eq!(told[0].item()["reason"], reason);
        let is_paid = events.len() == 2;
        assert_eq!(ended(shop, &order).await, is_paid.then_some(true));
        let state = shop.state(&order).await;
        assert_eq!(state.remaining, if is_paid { 0 } else { 1_000 });
        // Of an open one its expiry is left.
        assert_eq!(cancel(shop, &order).await.status, if is_paid { 422 } else { 200 });
        shop.settle().await;
        hook.take();
        assert_eq!(shop.next_job(), None, "{number}");
    }
}

async fn a_shopper_who_paid_and_never_came_back_has_paid(shop: &Shop) {
    let hook = Hook::create_for(shop, "checkout", &["AUTHORISATION", "OFFER_CLOSED", "ORDER_CLOSED"]).await;
    let order = shop.open_order(1_000).await.order();
    let page = shop.redirect(Some(&order), 1_000, &json!({})).await;
    shop.pass(10 * MINUTE).await;
    shop.press(&page, "approve").await;
    assert_eq!(hook.take_events(), [""; 0]);
    shop.pass(20 * MINUTE).await;
    assert_eq!(hook.take_events(), ["AUTHORISATION", "ORDER_CLOSED"]);
    assert_eq!((ended(shop, &order).await, shop.next_job()), (Some(true), None));
    assert_eq!(listed(shop).await, [json!(null); 0], "a shopper who takes long is no failure");
}

async fn a_payment_whose_process_died_is_finished_a_minute_later(shop: &Shop) {
    let hook = Hook::create_for(shop, "checkout", &["AUTHORISATION"]).await;
    for method in [gift_card(), card(VISA)] {
        // What is written before it dies: the intent and the partner's own book, or the intent alone.
        for (written, events, covered) in [(2, "AUTHORISATION", 2_000), (1, "AUTHORISATION failed", 0)] {
            let order = shop.open_order(10_000).await.order();
            shop.faults.fail(written, 3 * TRIES);
            let died = shop.post("/v72/payments", &payment(Some(&order), 2_000, method.clone())).await;
            assert_eq!(died.error(), (503, "703".to_owned()));
            shop.faults.fail(i64::MAX, 0);
            shop.settle().await;
            shop.after(AUTHORISE_DEADLINE - MILLISECOND).await;
            assert_eq!((hook.take_events(), shop.state(&order).await.covered()), (vec![], 2_000), "it may be alive");
            shop.after(MILLISECOND).await;
            assert_eq!(hook.take_events(), [events]);
            assert_eq!(shop.state(&order).await.covered(), covered);
            cancel(shop, &order).await;
            shop.settle().await;
            assert_eq!((shop.gift_card_balance().await, shop.next_job()), (5_000, None), "held once, or not at all");
        }
    }
}

async fn captures_that_time_out_or_stay_pending_are_found_out_and_told(shop: &Shop) {
    let hook = Hook::create_for(shop, "checkout", &["CAPTURE"]).await;
    for (number, first) in [("4000000000000143", LegResult::Uncertain), ("4000000000000259", LegResult::Pending)] {
        let order = shop.open_order(1_000).await.order();
        shop.pay_card(&order, 1_000, number).await;
        let state = shop.perform(&order, 1, Action::Capture, 700).await;
        assert_eq!(state.operations[0].legs[0].result, Some(first));
        shop.settle().await;
        assert_eq!(hook.take_events(), [""; 0]);
        shop.pass(Duration::from_secs(3)).await;
        let told = hook.take();
        let item = told[0].item();
        assert_eq!((told.len(), told[0].event(), &item["amount"]), (1, "CAPTURE".to_owned(), &euro(700)));
        assert_eq!(shop.state(&order).await.payments[0].tally.captured, 700, "once");
        assert_eq!(shop.next_job(), None);
    }
}

async fn work_that_fails_for_long_is_listed_until_it_is_done(shop: &Shop) {
    let order = shop.open_order(10_000).await.order();
    let paid = shop.pay_gift_card(&order, 2_000).await;
    let other = shop.open_order(10_000).await.order();
    shop.pay_card(&other, 10_000, VISA).await;
    shop.faults.break_streams(Some("giftcard-"));
    assert_eq!(cancel(shop, &paid.order()).await.status, 200);
    shop.pass(15 * MINUTE).await;
    assert_eq!(listed(shop).await, [json!(null); 0]);
    shop.pass(15 * MINUTE).await;
    let mut expected = json!({
        "orderPspReference": order["pspReference"], "since": "2026-01-31T12:18:49Z",
        "reason": "0 payments without a final outcome, 1 captures, voids or refunds in flight",
    });
    assert_eq!(listed(shop).await, [expected.clone()]);

    // Tried again in vain, it stays there.
    retry(shop, &order).await;
    expected["retriedAt"] = json!("2026-01-31T12:30:00Z");
    assert_eq!(listed(shop).await, [expected]);
    shop.faults.break_streams(None);
    retry(shop, &order).await;
    assert_eq!((listed(shop).await, ended(shop, &order).await), (vec![], Some(false)));
    assert_eq!((shop.gift_card_balance().await, shop.next_job()), (5_000, None));
}

async fn work_that_fails_for_long_is_tried_by_itself_every_hour(shop: &Shop) {
    let order = shop.open_order(10_000).await.order();
    let paid = shop.pay_gift_card(&order, 2_000).await;
    shop.faults.break_streams(Some("giftcard-"));
    cancel(shop, &paid.order()).await;
    shop.pass(10 * DAY).await;
    shop.faults.break_streams(None);
    assert_eq!(listed(shop).await.len(), 1, "once, however often it fails");
    shop.pass(60 * MINUTE).await;
    assert_eq!((listed(shop).await, ended(shop, &order).await), (vec![], Some(false)));
    assert_eq!((shop.gift_card_balance().await, shop.next_job()), (5_000, None));
}

async fn a_store_that_fails_when_work_is_to_be_listed_does_not_keep_it_off_the_list(shop: &Shop) {
    let order = shop.open_order(10_000).await.order();
    let paid = shop.pay_gift_card(&order, 2_000).await;
    shop.faults.break_streams(Some("giftcard-"));
    cancel(shop, &paid.order()).await;
    shop.pass(18 * MINUTE).await;
    shop.faults.break_streams(Some(""));
    shop.pass(10 * MINUTE).await;
    assert_eq!(listed(shop).await, [json!(null); 0], "the tenth try came, and nothing could be written");
    shop.faults.break_streams(Some("giftcard-"));
    shop.pass(60 * MINUTE).await;
    assert_eq!(listed(shop).await.len(), 1);
}

async fn a_commit_that_cannot_be_read_is_listed_and_keeps_no_other_order_waiting(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let order = shop.open_order(1_000).await.order();
    shop.settle().await;
    let unreadable = Commit {
        stream: order_key(&order).stream(),
        version: Version::try_new(1).unwrap(),
        id: [0; 16],
        at: shop.clock.now(),
        events: r#"[{"type":"of_the_future"}]"#.to_owned(),
        snapshot: None,
        list: None,
    };
    shop.log.append(&unreadable).await.unwrap();
    let other = shop.open_order(1_000).await.order();
    shop.settle().await;
    assert_eq!(hook.take_events(), ["ORDER_OPENED"; 2]);
    assert_eq!(listed(shop).await.len(), 1);
    let entry = listed(shop).await.remove(0);
    assert_eq!(entry["orderPspReference"], order["pspReference"]);
    assert!(entry["reason"].as_str().is_some_and(|reason| reason.contains("of_the_future")), "{entry}");
    shop.pay_card(&other, 1_000, VISA).await;
    shop.settle().await;
    assert_eq!(hook.take_events(), ["AUTHORISATION", "ORDER_CLOSED"]);
    // Its timer goes off, and leaves it to whoever looks at the list.
    shop.pass(DAY).await;
    assert_eq!((listed(shop).await.len(), shop.next_job()), (1, None));
}

async fn work_that_comes_twice_or_for_nothing_changes_nothing(shop: &Shop) {
    let order = shop.open_order(10_000).await.order();
    let paid = shop.pay_gift_card(&order, 2_000).await;
    cancel(shop, &paid.order()).await;
    shop.settle().await;
    let version = shop.state(&order).await.version;
    let none = order_key(&json!({ "pspReference": "0000000000000000" })).id;
    for order in [order_key(&order).id, none] {
        let work = Work { merchant: test_merchant(), order: order.reference(), tries: 0 };
        shop.jobs.send(&[Scheduled { job: Job::Work(work), due: Time::default() }]).await.unwrap();
        assert_eq!(shop.settle().await, 1);
    }
    assert_eq!(shop.state(&order).await.version, version);
    assert_eq!((shop.gift_card_balance().await, shop.next_job()), (5_000, None));
}

async fn nothing_is_left_to_be_done_when_everything_is_done(shop: &Shop) {
    let hook = Hook::create(shop, "tender").await;
    let mut orders = Vec::new();
    for number in [VISA, PENDING, "4000000000000119", "4000000000000143"] {
        let order = shop.open_order(1_000).await.order();
        let first = shop.pay_gift_card(&order, 100).await;
        shop.pay_card(&first.order(), 900, number).await;
        orders.push(order);
    }
    let single = shop.post("/v72/payments", &payment(None, 100, card(PENDING))).await;
    assert_eq!(single.text_at("/resultCode"), "Pending");
    shop.redirect(None, 100, &json!({})).await;
    let cancelled = shop.open_order(1_000).await.order();
    shop.redirect(Some(&cancelled), 500, &json!({})).await;
    cancel(shop, &cancelled).await;
    shop.pass(ASK_AGAIN_AFTER * 3).await;
    shop.perform(&orders[3], 3, Action::Capture, 900).await;
    shop.pass(60 * MINUTE).await;
    for order in &orders {
        assert_eq!(ended(shop, order).await, Some(true));
    }
    assert_eq!(ended(shop, &cancelled).await, Some(false));
    assert!(!hook.take_events().is_empty());
    assert_eq!(shop.next_job(), None);
    shop.clock.advance(DAY);
    assert_eq!(shop.settle().await, 0);
    assert_eq!(hook.take_events(), [""; 0]);
}

super::on_both_stores!(
    a_cancellation_is_answered_at_once_and_the_worker_gives_the_money_back,
    what_a_partner_left_open_is_found_out_and_told_without_anyone_asking,
    a_shopper_who_paid_and_never_came_back_has_paid,
    a_payment_whose_process_died_is_finished_a_minute_later,
    captures_that_time_out_or_stay_pending_are_found_out_and_told,
    work_that_fails_for_long_is_listed_until_it_is_done,
    work_that_fails_for_long_is_tried_by_itself_every_hour,
    a_store_that_fails_when_work_is_to_be_listed_does_not_keep_it_off_the_list,
    a_commit_that_cannot_be_read_is_listed_and_keeps_no_other_order_waiting,
    work_that_comes_twice_or_for_nothing_changes_nothing,
    nothing_is_left_to_be_done_when_everything_is_done,
);
