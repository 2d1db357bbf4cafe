//! An order that is not paid in time ends by itself, and gives everything back.

use std::time::Duration;

use app::{
    EXPIRES_SOON, Expired,
    ports::{Clock, Timers, Work},
    streams::APPEND_TRIES_MAX,
};
use domain::{
    Action, Order,
    limits::{ASK_AGAIN_AFTER, AUTHORISE_DEADLINE, ORDER_LIFETIME_DEFAULT},
    order::{CancelReason, CloseReason},
};
use serde_json::{Value, json};
use tests::{
    hook::Hook,
    shop::{Shop, card, euro, order_key, payment},
};

const VISA: &str = "4111111111111111";

const TRIES: i64 = APPEND_TRIES_MAX as i64;
const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const MONTH: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Why the order ended, as the store has it.
async fn ended(shop: &Shop, order: &Value) -> Option<CloseReason> {
    shop.state(order).await.closed.map(|closed| closed.reason)
}

/// Has the order's timer go off once more.
async fn go_off(shop: &Shop, order: &Value) -> Expired {
    let key = order_key(order);
    let job = Work { merchant: key.merchant, order: key.id.reference(), tries: 0 };
    shop.engine.app.expire(&job).await.unwrap()
}

/// An order for 100.00 EUR, paid in part with the gift card and in part with a card.
async fn paid_in_part(shop: &Shop, time: Duration) -> Value {
    let opened = shop.open_order_for(10_000, time).await;
    let first = shop.pay_gift_card(&opened.order(), 2_000).await;
    let second = shop.pay_card(&first.order(), 3_000, VISA).await;
    assert_eq!(second.text_at("/resultCode"), "Authorised");
    second.order()
}

/// Whether it has given back what [`paid_in_part`] held.
fn is_given_back(state: &Order) -> bool {
    (state.remaining, state.covered()) == (10_000, 0)
        && state.payments.iter().map(|payment| payment.tally.voided).eq([2_000, 3_000])
}

async fn an_order_that_is_not_paid_in_time_gives_everything_back(shop: &Shop) {
    let order = paid_in_part(shop, HOUR).await;
    shop.settle().await;
    shop.after(HOUR - MILLISECOND).await;
    assert!(shop.state(&order).await.is_open());
    shop.after(MILLISECOND).await;
    let state = shop.state(&order).await;
    assert_eq!(state.closed.as_ref().map(|closed| closed.reason), Some(CloseReason::Expired));
    assert_eq!(state.cancellation.as_ref().map(|asked| asked.reason), Some(CancelReason::Expired));
    assert!(is_given_back(&state));
    assert_eq!(shop.gift_card_balance().await, 5_000);
    let shown = shop.order(&order).await;
    assert_eq!(
        (&shown["reason"], &shown["success"], &shown["expired"]),
        (&json!("expired"), &json!(false), &json!(true))
    );
    assert_eq!((&shown["closedAt"], &shown["remainingAmount"]), (&json!("2026-01-31T13:00:00Z"), &euro(10_000)));
    assert_eq!(shop.next_job(), None);
}

async fn an_order_lives_a_day_if_nobody_says_how_long(shop: &Shop) {
    let order = shop.open_order(1_000).await.order();
    shop.settle().await;
    assert_eq!(shop.next_job(), Some(shop.clock.now().plus(ORDER_LIFETIME_DEFAULT)));
    shop.after(ORDER_LIFETIME_DEFAULT).await;
    assert_eq!((ended(shop, &order).await, shop.next_job()), (Some(CloseReason::Expired), None));
}

async fn what_was_captured_of_an_expired_order_is_refunded(shop: &Shop) {
    let hook = Hook::create_for(shop, "checkout", &["CANCELLATION", "REFUND", "ORDER_CLOSED"]).await;
    let order = paid_in_part(shop, HOUR).await;
    shop.perform(&order, 1, Action::Capture, 2_000).await;
    shop.settle().await;
    shop.after(HOUR).await;
    let tally = shop.state(&order).await.payments[0].tally;
    assert_eq!((tally.captured, tally.refunded, shop.gift_card_balance().await), (2_000, 2_000, 5_000));
    let mut told = hook.take_events();
    assert_eq!(told.pop(), Some("ORDER_CLOSED failed".to_owned()));
    told.sort();
    assert_eq!(told, ["CANCELLATION", "REFUND"]);
}

async fn an_order_whose_rest_is_still_pending_is_not_cancelled_by_its_expiry(shop: &Shop) {
    // Both are pending for two seconds, and the order for one.
    for (number, after) in [("4000000000000077", CloseReason::Paid), ("4000000000000093", CloseReason::Expired)] {
        let opened = shop.open_order_for(10_000, SECOND).await;
        let order = opened.order();
        let first = shop.pay_gift_card(&order, 2_000).await;
        assert_eq!(shop.pay_card(&first.order(), 8_000, number).await.text_at("/resultCode"), "Pending");
        shop.settle().await;
        shop.after(SECOND).await;
        let state = shop.state(&order).await;
        assert_eq!((state.closed, state.cancellation, state.remaining), (None, None, 0));
        shop.pass(3 * SECOND).await;
        assert_eq!(ended(shop, &order).await, Some(after), "{number}");
        let left = if after == CloseReason::Paid { 3_000 } else { 5_000 };
        assert_eq!((shop.gift_card_balance().await, shop.next_job()), (left, None));
        if after == CloseReason::Paid {
            shop.perform(&order, 1, Action::Void, 2_000).await;
            shop.pass(HOUR).await;
        }
    }
}

async fn a_timer_that_goes_off_late_ends_the_order_all_the_same(shop: &Shop) {
    let order = paid_in_part(shop, HOUR).await;
    shop.settle().await;
    shop.after(MONTH).await;
    assert_eq!(ended(shop, &order).await, Some(CloseReason::Expired));
    assert!(is_given_back(&shop.state(&order).await));
    assert_eq!(shop.gift_card_balance().await, 5_000);
}

async fn a_timer_that_goes_off_again_changes_nothing(shop: &Shop) {
    let hook = Hook::create_for(shop, "checkout", &["CANCELLATION", "ORDER_CLOSED"]).await;
    let order = paid_in_part(shop, HOUR).await;
    shop.settle().await;
    shop.after(HOUR).await;
    assert_eq!(hook.take_events(), ["CANCELLATION", "CANCELLATION", "ORDER_CLOSED failed"]);
    let version = shop.state(&order).await.version;
    assert_eq!(go_off(shop, &order).await, Expired::Done(None));
    // From where it waits, too.
    shop.jobs.set(&order_key(&order), shop.clock.now()).await.unwrap();
    assert_eq!(shop.settle().await, 1);
    shop.clock.advance(MONTH);
    assert_eq!(go_off(shop, &order).await, Expired::Done(None));
    assert_eq!((shop.state(&order).await.version, shop.gift_card_balance().await), (version, 5_000));
    assert_eq!((shop.settle().await, hook.take_events()), (0, vec![]));
}

async fn a_timer_and_somebody_who_looks_at_the_same_time_end_the_order_once(shop: &Shop) {
    let hook = Hook::create_for(shop, "checkout", &["CANCELLATION", "ORDER_CLOSED"]).await;
    let order = paid_in_part(shop, HOUR).await;
    shop.settle().await;
    shop.clock.advance(HOUR);
    let (_, first, second) = tokio::join!(shop.settle(), shop.order(&order), go_off(shop, &order));
    assert_eq!(second, Expired::Done(None));
    assert_eq!((&first["status"], &first["reason"]), (&json!("closed"), &json!("expired")));
    shop.pass(ASK_AGAIN_AFTER).await;
    assert!(is_given_back(&shop.state(&order).await));
    assert_eq!((shop.gift_card_balance().await, shop.next_job()), (5_000, None));
    assert_eq!(hook.take_events(), ["CANCELLATION", "CANCELLATION", "ORDER_CLOSED failed"]);
}

async fn a_timer_that_goes_off_early_leaves_the_order_open_and_is_set_again(shop: &Shop) {
    let order = paid_in_part(shop, HOUR).await;
    shop.settle().await;
    let (version, expires_at) = (shop.state(&order).await.version, shop.clock.now().plus(HOUR));
    assert_eq!(go_off(shop, &order).await, Expired::Early(expires_at));
    shop.jobs.set(&order_key(&order), shop.clock.now().plus(SECOND)).await.unwrap();
    shop.after(SECOND).await;
    assert!(shop.state(&order).await.is_open());
    assert_eq!((shop.state(&order).await.version, shop.next_job()), (version, Some(expires_at)));
    shop.after(HOUR - SECOND).await;
    assert_eq!(ended(shop, &order).await, Some(CloseReason::Expired));
}

/// A near expiry is a delayed job, sent by a clock that may be ahead of the worker's.
async fn whoever_works_on_an_order_that_expires_soon_looks_out_for_its_expiry(shop: &Shop) {
    let order = shop.open_order_for(10_000, HOUR).await.order();
    let (key, expires_at) = (order_key(&order), shop.clock.now().plus(HOUR));
    let job = Work { merchant: key.merchant, order: key.id.reference(), tries: 7 };
    assert_eq!(shop.engine.app.work(&job).await.unwrap(), None, "that is for its timer");
    shop.clock.advance(HOUR - EXPIRES_SOON);
    let again = Work { tries: 0, ..job.clone() };
    assert_eq!(shop.engine.app.work(&job).await.unwrap(), Some((again.clone(), expires_at)));
    shop.clock.advance(EXPIRES_SOON - MILLISECOND);
    assert_eq!(shop.engine.app.work(&job).await.unwrap(), Some((again, expires_at)), "not a moment too early");
    shop.clock.advance(MILLISECOND);
    assert_eq!(shop.engine.app.work(&job).await.unwrap(), None);
    assert_eq!(ended(shop, &order).await, Some(CloseReason::Expired));
}

async fn an_order_that_was_paid_in_time_is_untouched_by_its_timer(shop: &Shop) {
    let part = paid_in_part(shop, HOUR).await;
    shop.settle().await;
    let paid = shop.pay_card(&part, 5_000, VISA).await;
    assert_eq!(paid.text_at("/resultCode"), "Authorised");
    shop.settle().await;
    assert_eq!(shop.next_job(), None, "its timer is gone");
    let before = shop.state(&part).await;
    shop.clock.advance(HOUR);
    assert_eq!(go_off(shop, &part).await, Expired::Done(None));
    shop.jobs.set(&order_key(&part), shop.clock.now()).await.unwrap();
    assert_eq!(shop.settle().await, 1);
    assert_eq!((shop.state(&part).await, shop.gift_card_balance().await), (before, 3_000));
}

async fn without_a_timer_whoever_looks_ends_it(shop: &Shop) {
    let hook = Hook::create_for(shop, "checkout", &["CANCELLATION", "ORDER_CLOSED"]).await;
    let order = paid_in_part(shop, HOUR).await;
    shop.settle().await;
    shop.jobs.clear(&order_key(&order)).await.unwrap();
    assert_eq!(shop.next_job(), None);
    shop.after(MONTH).await;
    assert!(shop.state(&order).await.is_open(), "nobody knows");
    let shown = shop.order(&order).await;
    assert_eq!((&shown["status"], &shown["reason"]), (&json!("closed"), &json!("expired")));
    assert!(is_given_back(&shop.state(&order).await));
    assert_eq!(shop.gift_card_balance().await, 5_000);
    shop.settle().await;
    assert_eq!(hook.take_events(), ["CANCELLATION", "CANCELLATION", "ORDER_CLOSED failed"]);
}

async fn an_expired_order_takes_no_payment_also_before_its_timer_went_off(shop: &Shop) {
    let order = paid_in_part(shop, HOUR).await;
    shop.clock.advance(HOUR);
    assert_eq!(shop.pay_card(&order, 5_000, VISA).await.error(), (422, "order_expired".to_owned()));
    shop.settle().await;
    assert_eq!(ended(shop, &order).await, Some(CloseReason::Expired));
    assert!(is_given_back(&shop.state(&order).await));
}

async fn a_payment_whose_process_died_before_the_expiry_is_given_back_when_it_is_known(shop: &Shop) {
    let order = shop.open_order_for(10_000, AUTHORISE_DEADLINE / 2).await.order();
    shop.faults.fail(2, 2 * TRIES);
    let died = shop.post("/v72/payments", &payment(Some(&order), 3_000, card(VISA))).await;
    assert_eq!(died.error(), (503, "703".to_owned()));
    shop.faults.fail(i64::MAX, 0);
    shop.pass(AUTHORISE_DEADLINE - MILLISECOND).await;
    let state = shop.state(&order).await;
    assert_eq!((state.closed, state.cancellation.map(|asked| asked.reason)), (None, Some(CancelReason::Expired)));
    shop.after(MILLISECOND).await;
    let state = shop.state(&order).await;
    assert_eq!((ended(shop, &order).await, state.payments[0].tally.voided), (Some(CloseReason::Expired), 3_000));
    assert_eq!(shop.next_job(), None);
}

async fn an_expired_order_whose_partner_does_not_answer_ends_when_it_does(shop: &Shop) {
    let order = paid_in_part(shop, HOUR).await;
    shop.settle().await;
    shop.faults.break_streams(Some("giftcard-"));
    shop.pass(HOUR + 10 * SECOND).await;
    let state = shop.state(&order).await;
    assert_eq!((state.closed, state.payments[1].tally.voided), (None, 3_000), "the other is released meanwhile");
    shop.faults.break_streams(None);
    shop.pass(HOUR).await;
    assert_eq!((ended(shop, &order).await, shop.gift_card_balance().await), (Some(CloseReason::Expired), 5_000));
    assert_eq!(shop.next_job(), None);
}

async fn a_timer_whose_store_fails_goes_off_again(shop: &Shop) {
    let order = paid_in_part(shop, HOUR).await;
    shop.settle().await;
    shop.faults.break_streams(Some(""));
    shop.after(HOUR).await;
    assert!(shop.state(&order).await.is_open());
    shop.faults.break_streams(None);
    shop.pass(10 * SECOND).await;
    assert_eq!(ended(shop, &order).await, Some(CloseReason::Expired));
    assert!(is_given_back(&shop.state(&order).await));
}

async fn a_payment_without_an_order_never_expires(shop: &Shop) {
    let paid = shop.post("/v72/payments", &payment(None, 100, card(VISA))).await;
    let order = json!({ "pspReference": paid.at("/pspReference") });
    shop.settle().await;
    assert_eq!(shop.next_job(), None);
    shop.after(MONTH).await;
    let state = shop.state(&order).await;
    assert_eq!((ended(shop, &order).await, state.payments[0].tally.voided), (Some(CloseReason::Paid), 0));
    assert_eq!(shop.perform(&order, 0, Action::Capture, 100).await.payments[0].tally.captured, 100);
}

super::on_both_stores!(
    whoever_works_on_an_order_that_expires_soon_looks_out_for_its_expiry,
    an_order_that_is_not_paid_in_time_gives_everything_back,
    an_order_lives_a_day_if_nobody_says_how_long,
    what_was_captured_of_an_expired_order_is_refunded,
    an_order_whose_rest_is_still_pending_is_not_cancelled_by_its_expiry,
    a_timer_that_goes_off_late_ends_the_order_all_the_same,
    a_timer_that_goes_off_again_changes_nothing,
    a_timer_and_somebody_who_looks_at_the_same_time_end_the_order_once,
    a_timer_that_goes_off_early_leaves_the_order_open_and_is_set_again,
    an_order_that_was_paid_in_time_is_untouched_by_its_timer,
    without_a_timer_whoever_looks_ends_it,
    an_expired_order_takes_no_payment_also_before_its_timer_went_off,
    a_payment_whose_process_died_before_the_expiry_is_given_back_when_it_is_known,
    an_expired_order_whose_partner_does_not_answer_ends_when_it_does,
    a_timer_whose_store_fails_goes_off_again,
    a_payment_without_an_order_never_expires,
);
