//! A modification that is asked for again, or whose process dies, is done once.

use app::streams::APPEND_TRIES_MAX;
use domain::limits::ASK_AGAIN_AFTER;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{
    hook::Hook,
    shop::{Shop, card, euro, modification, payment},
};

use super::{
    CAPTURE_PENDING, Sale, VISA, amount, books, done, gist, gists, order_of, sell, sell_by_card, take, taken, told,
    unique, went_well, went_wrong,
};

const TRIES: i64 = APPEND_TRIES_MAX as i64;

/// A payment of 80.00 without an order, of which 50.00 are captured.
async fn sell_alone(shop: &Shop, hook: &Hook, name: &str) -> String {
    let mut body = payment(None, 8_000, card(VISA));
    body["reference"] = json!(name);
    let paid = shop.post("/v72/payments", &body).await.text_at("/pspReference");
    shop.settle().await;
    hook.take();
    done(shop, hook, &paid, "captures", &amount(5_000)).await;
    paid
}

/// Every modification of such a payment: its path, its body, and what is told of it.
fn every_kind(payment: &str, name: &str) -> [(String, Value, (String, u64, String)); 6] {
    let of = |what: &str| format!("/v72/payments/{payment}/{what}");
    let by_reference = json!({ "paymentReference": name });
    [
        (of("captures"), modification(&amount(3_000)), went_well("CAPTURE", 3_000)),
        (of("cancels"), modification(&json!({})), went_well("CANCELLATION", 3_000)),
        (of("refunds"), modification(&amount(2_000)), went_well("REFUND", 2_000)),
        (of("reversals"), modification(&json!({})), went_well("CANCEL_OR_REFUND", 8_000)),
        (of("amountUpdates"), modification(&amount(9_000)), went_well("AUTHORISATION_ADJUSTMENT", 9_000)),
        ("/v72/cancels".to_owned(), modification(&by_reference), went_well("TECHNICAL_CANCEL", 3_000)),
    ]
}

async fn the_same_request_again_is_the_same_answer_again(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    for kind in 0..6 {
        let key = format!("key {kind}");
        let paid = sell_alone(shop, &hook, &key).await;
        let (path, body, expected) = &every_kind(&paid, &key)[kind];
        let first = shop.post_keyed(path, &key, body).await;
        let reference = taken(&first);
        assert_eq!(first.headers["idempotency-key"], key.as_str());
        for is_executed in [false, true] {
            if is_executed {
                shop.settle().await;
                let told = told(&hook);
                assert_eq!(told.iter().map(gist).collect::<Vec<_>>(), std::slice::from_ref(expected));
                assert_eq!(told[0]["pspReference"], reference);
            }
            let again = shop.post_keyed(path, &key, body).await;
            assert_eq!((again.status, &again.text), (201, &first.text), "{path}");
            assert_eq!(again.headers["pspreference"], first.headers["pspreference"]);
        }
        let mut other = body.clone();
        other["reference"] = json!("another");
        let other = shop.post_keyed(path, &key, &other).await;
        assert_eq!(other.error(), (422, "idempotency_key_reused".to_owned()), "{path}");
        let elsewhere = shop.modify_keyed(&paid, "captures", &key, &amount(1)).await;
        assert_eq!(elsewhere.error(), (422, "idempotency_key_reused".to_owned()), "a key is of one request");
        assert_eq!(shop.state(&order_of(&paid)).await.operations.len(), 2, "the first capture, and this");
        shop.settle().await;
        assert_eq!(hook.take_events(), [""; 0]);
    }
}

async fn what_could_not_be_done_is_not_done_when_it_is_asked_for_again(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let Sale { card, order, .. } = sell(shop, &hook, VISA).await;
    let first = shop.modify_keyed(&card, "refunds", "key", &amount(1_000)).await;
    let reference = taken(&first);
    done_but_for(shop, &hook, &card, &reference).await;
    let again = shop.modify_keyed(&card, "refunds", "key", &amount(1_000)).await;
    assert_eq!((again.status, &again.text), (201, &first.text), "its name is that of what failed");
    shop.settle().await;
    assert_eq!((hook.take_events(), books(shop, &order, 1).await), (vec![], [8_000, 8_000, 0, 0]));
    let other = take(shop, &card, "refunds", &amount(1_000)).await;
    assert_ne!(other, reference);
    shop.settle().await;
    assert_eq!(gists(&hook), [went_well("REFUND", 1_000)]);
}

/// The refund of that reference is told to have failed; then the payment is captured.
async fn done_but_for(shop: &Shop, hook: &Hook, card: &str, refund: &str) {
    shop.settle().await;
    let told = told(hook);
    let reason = "Transaction hasn't been captured, refund not possible";
    assert_eq!(told.iter().map(gist).collect::<Vec<_>>(), [went_wrong("REFUND", 1_000, reason)]);
    assert_eq!(told[0]["pspReference"], refund);
    assert_eq!(gist(&done(shop, hook, card, "captures", &amount(8_000)).await), went_well("CAPTURE", 8_000));
}

async fn a_request_that_was_refused_does_not_use_its_key_up(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let (_, card) = sell_by_card(shop, &hook, VISA).await;
    let dollars = json!({ "amount": { "currency": "USD", "value": 100 } });
    let first = shop.modify_keyed(&card, "captures", "key", &dollars).await;
    let again = shop.modify_keyed(&card, "captures", "key", &dollars).await;
    assert_eq!(first.error(), (422, "order_currency_mismatch".to_owned()));
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    taken(&shop.modify_keyed(&card, "captures", "key", &amount(100)).await);
}

async fn many_twins_at_once_are_one(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    for kind in 0..6 {
        let key = format!("twins {kind}");
        let paid = sell_alone(shop, &hook, &key).await;
        let (path, body, expected) = &every_kind(&paid, &key)[kind];
        let twins = join_all((0..32).map(|_| shop.post_keyed(path, &key, body))).await;
        let first = &twins[0];
        taken(first);
        assert!(twins.iter().all(|twin| (twin.status, &twin.text) == (201, &first.text)), "{path}: {twins:?}");
        shop.settle().await;
        assert_eq!(gists(&hook), std::slice::from_ref(expected), "{path}");
        assert_eq!(shop.state(&order_of(&paid)).await.operations.len(), 2);
    }
}

async fn two_processes_take_the_same_request_once(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let other = shop.another().await;
    for round in 0..8 {
        let (order, card) = sell_by_card(shop, &hook, VISA).await;
        let (key, more) = (format!("round {round}"), amount(8_000));
        let (left, right) = tokio::join!(
            shop.modify_keyed(&card, "captures", &key, &more),
            other.modify_keyed(&card, "captures", &key, &more),
        );
        assert_eq!((left.status, &left.text), (201, &right.text));
        assert_eq!(shop.state(&order).await.operations.len(), 1);
    }
}

/// What an engine took and did not live to do is done by the worker of another, once.
async fn what_a_process_took_before_it_died_another_does_once(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let next = shop.another().await;
    for (what, more, expected, after) in [
        ("captures", amount(7_000), went_well("CAPTURE", 7_000), [8_000, 7_000, 0, 0]),
        ("cancels", json!({}), went_well("CANCELLATION", 8_000), [8_000, 0, 8_000, 0]),
        ("reversals", json!({}), went_well("CANCEL_OR_REFUND", 8_000), [8_000, 0, 8_000, 0]),
        ("amountUpdates", amount(5_000), went_well("AUTHORISATION_ADJUSTMENT", 5_000), [8_000, 0, 3_000, 0]),
    ] {
        let (order, card) = sell_by_card(shop, &hook, VISA).await;
        let doomed = shop.another().await;
        let reference = take(&doomed, &card, what, &more).await;
        drop(doomed);
        assert_eq!(hook.take_events(), [""; 0]);
        next.settle().await;
        let told = told(&hook);
        assert_eq!(told.iter().map(gist).collect::<Vec<_>>(), [expected], "{what}");
        assert_eq!(told[0]["pspReference"], reference);
        shop.settle().await;
        assert_eq!((hook.take_events(), books(shop, &order, 0).await), (vec![], after));
        assert_eq!(shop.next_job(), None);
    }
}

async fn a_worker_that_died_half_way_is_followed_by_one_that_does_the_rest(shop: &Shop) {
    let hook = Hook::create_for(shop, "checkout", &["CANCEL_OR_REFUND"]).await;
    let next = shop.another().await;
    // Of a reversal of two payments: the partners' books, the outcome, and that it was told.
    for written in 0..=3 {
        let order = shop.open_order(10_000).await.order();
        let gift_card = shop.pay_gift_card(&order, 2_000).await;
        let paid = shop.pay_card(&gift_card.order(), 8_000, VISA).await;
        shop.settle().await;
        shop.perform(&order, 1, domain::Action::Capture, 2_000).await;
        shop.settle().await;
        let reference = take(shop, order["pspReference"].as_str().unwrap(), "reversals", &json!({})).await;
        shop.faults.fail(written, 3 * TRIES);
        shop.settle().await;
        shop.faults.fail(i64::MAX, 0);
        next.pass(60 * ASK_AGAIN_AFTER).await;
        let told = unique(told(&hook));
        assert_eq!(told.iter().map(gist).collect::<Vec<_>>(), [went_well("CANCEL_OR_REFUND", 10_000)], "{written}");
        assert_eq!(told[0]["pspReference"], reference);
        assert_eq!(shop.gift_card_balance().await, 5_000, "given back once, after {written}");
        assert_eq!(books(shop, &order, 0).await, [2_000, 2_000, 0, 2_000]);
        let card = order_of(&paid.text_at("/pspReference"));
        assert_eq!((books(shop, &card, 1).await, next.next_job()), ([8_000, 0, 8_000, 0], None));
    }
}

async fn two_workers_at_once_do_it_once(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let other = shop.another().await;
    for number in [VISA, CAPTURE_PENDING, VISA, CAPTURE_PENDING] {
        let (order, card) = sell_by_card(shop, &hook, number).await;
        take(shop, &card, "captures", &amount(5_000)).await;
        take(&other, &card, "cancels", &json!({})).await;
        tokio::join!(shop.settle(), other.settle());
        shop.pass(5 * ASK_AGAIN_AFTER).await;
        let mut told = unique(told(&hook)).iter().map(gist).collect::<Vec<_>>();
        told.sort();
        assert_eq!(told, [went_well("CANCELLATION", 3_000), went_well("CAPTURE", 5_000)]);
        assert_eq!(books(shop, &order, 0).await, [8_000, 5_000, 3_000, 0]);
    }
}

/// The intent was not written: nothing is taken, nothing is done, and with its key it can be sent again.
async fn what_was_not_written_was_not_taken(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let (order, card) = sell_by_card(shop, &hook, VISA).await;
    shop.faults.fail(0, TRIES);
    let failed = shop.modify_keyed(&card, "captures", "key", &amount(8_000)).await;
    assert_eq!(failed.error(), (503, "703".to_owned()));
    assert_eq!(failed.headers["transient-error"], "true");
    shop.faults.fail(i64::MAX, 0);
    shop.settle().await;
    assert_eq!((hook.take_events(), shop.order(&order).await["operations"].clone()), (vec![], json!([])));
    taken(&shop.modify_keyed(&card, "captures", "key", &amount(8_000)).await);
    shop.settle().await;
    assert_eq!(gists(&hook), [went_well("CAPTURE", 8_000)]);
    assert_eq!(shop.order(&order).await["payments"][0]["capturedAmount"], euro(8_000));
}

crate::on_both_stores!(
    the_same_request_again_is_the_same_answer_again,
    what_could_not_be_done_is_not_done_when_it_is_asked_for_again,
    a_request_that_was_refused_does_not_use_its_key_up,
    many_twins_at_once_are_one,
    two_processes_take_the_same_request_once,
    what_a_process_took_before_it_died_another_does_once,
    a_worker_that_died_half_way_is_followed_by_one_that_does_the_rest,
    two_workers_at_once_do_it_once,
    what_was_not_written_was_not_taken,
);
