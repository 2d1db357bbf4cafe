//! `POST cancels`: a shop that got no answer cancels a payment by the reference it gave it.

use std::time::Duration;

use app::streams::APPEND_TRIES_MAX;
use domain::limits::AUTHORISE_DEADLINE;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    hook::Hook,
    shop::{Answer, Shop, card, euro, gift_card, modification, payment},
};

use super::{
    PENDING, REFUSED, TIMES_OUT, TIMES_OUT_AND_IS_LOST, VISA, amount, books, done, gist, gists, order_of, take, taken,
    told, went_well, went_wrong,
};

const SECOND: Duration = Duration::from_secs(1);

/// A payment with a reference of its own. Time passes, so that there is a newest.
async fn pay(shop: &Shop, order: Option<&Value>, reference: &str, value: u64, method: Value) -> Answer {
    let mut body = payment(order, value, method);
    body["reference"] = json!(reference);
    let paid = shop.post("/v72/payments", &body).await;
    assert_eq!(paid.status, 200, "{}", paid.text);
    shop.clock.advance(SECOND);
    paid
}

/// Has a payment cancelled by its reference, and the worker do it; which payment it was, and how it went.
async fn cancel(shop: &Shop, hook: &Hook, reference: &str) -> (String, bool) {
    let cancel = taken(&shop.cancel_by_reference(reference).await);
    shop.settle().await;
    let told = told(hook);
    assert_eq!(told.len(), 1, "{told:#?}");
    let item = &told[0];
    assert_eq!((&item["eventCode"], &item["pspReference"]), (&json!("TECHNICAL_CANCEL"), &json!(cancel)));
    (item["originalReference"].as_str().unwrap().to_owned(), item["success"] == "true")
}

async fn a_payment_is_found_in_an_order_and_without_one(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let order = shop.open_order(10_000).await.order();
    let first = pay(shop, Some(&order), "part 1", 2_000, gift_card()).await;
    let second = pay(shop, Some(&first.order()), "part 2", 3_000, card(VISA)).await;
    let alone = pay(shop, None, "alone", 4_000, card(VISA)).await;
    shop.settle().await;
    hook.take();
    for (reference, paid, value, brand) in
        [("part 1", &first, 2_000, "givex"), ("part 2", &second, 3_000, "visa"), ("alone", &alone, 4_000, "visa")]
    {
        let more = json!({ "paymentReference": reference, "reference": format!("no {reference}") });
        let answer = shop.post("/v72/cancels", &modification(&more)).await;
        let cancel = taken(&answer);
        assert_eq!(
            answer.json(),
            json!({
                "merchantAccount": local::TEST_MERCHANT, "paymentReference": reference, "pspReference": cancel,
                "reference": format!("no {reference}"), "status": "received",
            })
        );
        assert_eq!(hook.take_events(), [""; 0]);
        shop.settle().await;
        let expected = json!({
            "eventCode": "TECHNICAL_CANCEL", "pspReference": cancel, "originalReference": paid.at("/pspReference"),
            "merchantReference": format!("no {reference}"), "amount": euro(value), "paymentMethod": brand, "reason": "",
            "success": "true",
        });
        assert_eq!(told(&hook), [expected]);
    }
    let shown = shop.order(&order).await;
    assert_eq!((&shown["status"], &shown["remainingAmount"]), (&json!("open"), &euro(10_000)));
    assert_eq!(shop.gift_card_balance().await, 5_000);
    assert_eq!(books(shop, &order_of(&alone.text_at("/pspReference")), 0).await, [4_000, 0, 4_000, 0]);
}

async fn what_nobody_paid_under_is_not_found(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    pay(shop, None, "ours", 4_000, card(VISA)).await;
    shop.settle().await;
    hook.take();
    let stranger = shop.second(&["payments"]).await;
    let long = "r".repeat(81);
    for reference in ["our", "ours ", "OURS", "", "order-1", &long] {
        let answer = shop.cancel_by_reference(reference).await;
        assert_eq!(answer.error(), (422, "167".to_owned()), "{reference}: {}", answer.text);
    }
    let theirs = json!({ "merchantAccount": "Second", "paymentReference": "ours" });
    let answer = shop.as_key(&stranger, Method::POST, "/v72/cancels", Some(&theirs)).await;
    assert_eq!(answer.error(), (422, "167".to_owned()));
    shop.settle().await;
    assert_eq!(hook.take_events(), [""; 0]);
    assert!(cancel(shop, &hook, "ours").await.1);
}

async fn of_several_it_is_the_newest_that_holds_something_to_release(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let oldest = pay(shop, None, "again", 1_000, card(VISA)).await.text_at("/pspReference");
    let order = shop.open_order(10_000).await.order();
    let in_order = pay(shop, Some(&order), "again", 2_000, gift_card()).await;
    let captured = pay(shop, None, "again", 3_000, card(VISA)).await.text_at("/pspReference");
    let newest = pay(shop, Some(&in_order.order()), "again", 4_000, card(VISA)).await.text_at("/pspReference");
    let refused = pay(shop, None, "again", 5_000, card(REFUSED)).await.text_at("/pspReference");
    let in_order = in_order.text_at("/pspReference");
    shop.settle().await;
    hook.take();
    done(shop, &hook, &captured, "captures", &amount(3_000)).await;
    for expected in [&newest, &in_order, &oldest] {
        assert_eq!(cancel(shop, &hook, "again").await, (expected.clone(), true));
    }
    // Of none of them there is anything left to release: so it is about the newest.
    assert_eq!(cancel(shop, &hook, "again").await, (refused, false));
    assert_eq!(books(shop, &order_of(&captured), 0).await, [3_000, 3_000, 0, 0]);
    assert_eq!(shop.gift_card_balance().await, 5_000);
}

async fn what_is_being_released_is_not_meant_again(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let older = pay(shop, None, "again", 1_000, card(VISA)).await.text_at("/pspReference");
    let newer = pay(shop, None, "again", 2_000, card(VISA)).await.text_at("/pspReference");
    shop.settle().await;
    hook.take();
    let cancels = [shop.cancel_by_reference("again").await, shop.cancel_by_reference("again").await];
    let cancels = cancels.each_ref().map(taken);
    shop.settle().await;
    let mut told = told(&hook);
    told.sort_by_key(|item| item["amount"]["value"].as_u64());
    let named =
        told.iter().map(|item| (item["pspReference"].as_str().unwrap(), item["originalReference"].as_str().unwrap()));
    assert_eq!(named.collect::<Vec<_>>(), [(cancels[1].as_str(), older.as_str()), (&cancels[0], &newer)]);
    assert!(told.iter().all(|item| item["success"] == "true"), "{told:#?}");
}

async fn what_was_captured_is_not_cancelled(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let paid = pay(shop, None, "sold", 3_000, card(VISA)).await.text_at("/pspReference");
    shop.settle().await;
    hook.take();
    done(shop, &hook, &paid, "captures", &amount(1_000)).await;
    assert_eq!(cancel(shop, &hook, "sold").await, (paid.clone(), true), "what is not captured of it");
    shop.cancel_by_reference("sold").await;
    shop.settle().await;
    let reason = "Nothing is left on the transaction, technical cancel not possible";
    assert_eq!(gists(&hook), [went_wrong("TECHNICAL_CANCEL", 3_000, reason)]);
    assert_eq!(books(shop, &order_of(&paid), 0).await, [3_000, 1_000, 2_000, 0]);
}

async fn the_same_request_again_cancels_nothing_else(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let order = shop.open_order(10_000).await.order();
    let in_order = pay(shop, Some(&order), "again", 2_000, gift_card()).await;
    let older = pay(shop, None, "again", 1_000, card(VISA)).await.text_at("/pspReference");
    // Two of one order.
    let newer = pay(shop, Some(&in_order.order()), "again", 3_000, card(VISA)).await.text_at("/pspReference");
    shop.settle().await;
    hook.take();
    let body = modification(&json!({ "paymentReference": "again" }));
    let first = shop.post_keyed("/v72/cancels", "key", &body).await;
    taken(&first);
    assert_eq!(first.headers["idempotency-key"], "key");
    for is_executed in [false, true] {
        if is_executed {
            shop.settle().await;
            let told = told(&hook);
            assert_eq!(told.iter().map(gist).collect::<Vec<_>>(), [went_well("TECHNICAL_CANCEL", 3_000)]);
            assert_eq!(told[0]["originalReference"], newer);
            pay(shop, None, "again", 500, card(VISA)).await;
            shop.settle().await;
            hook.take();
        }
        let again = shop.post_keyed("/v72/cancels", "key", &body).await;
        assert_eq!((again.status, &again.text), (201, &first.text));
    }
    let mut other = body.clone();
    other["reference"] = json!("another");
    let other = shop.post_keyed("/v72/cancels", "key", &other).await;
    assert_eq!(other.error(), (422, "idempotency_key_reused".to_owned()));
    shop.settle().await;
    assert_eq!((hook.take_events(), shop.gift_card_balance().await), (vec![], 3_000));
    assert_eq!(books(shop, &order_of(&older), 0).await, [1_000, 0, 0, 0]);
}

async fn a_payment_whose_outcome_was_lost_is_cancelled_once_it_is_known(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    for (number, first, after) in [
        (TIMES_OUT, Some(went_well("AUTHORISATION", 8_000)), [8_000, 0, 8_000, 0]),
        (TIMES_OUT_AND_IS_LOST, Some(went_wrong("AUTHORISATION", 8_000, "Acquirer Error")), [0, 0, 0, 0]),
        (PENDING, None, [0, 0, 0, 0]),
    ] {
        for in_order in [true, false] {
            let order = shop.open_order(8_000).await.order();
            let order = in_order.then_some(order);
            let mut body = payment(order.as_ref(), 8_000, card(number));
            body["reference"] = json!(number);
            let paid = shop.post("/v72/payments", &body).await;
            assert_eq!(paid.text_at("/resultCode"), "Pending");
            shop.settle().await;
            hook.take();
            let cancel = taken(&shop.cancel_by_reference(number).await);
            shop.settle().await;
            shop.pass(5 * SECOND).await;
            let told = told(&hook);
            let expected = first.iter().cloned().chain([went_well("TECHNICAL_CANCEL", 8_000)]);
            let told_before = told.iter().map(gist).filter(|(code, ..)| !code.starts_with("ORDER"));
            assert_eq!(told_before.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{number}");
            assert_eq!(told.last().unwrap()["pspReference"], cancel);
            let reference = paid.text_at("/pspReference");
            assert_eq!(books(shop, &order_of(&reference), 0).await, after, "{number}");
            shop.pass(60 * SECOND).await;
            assert_eq!(hook.take_events(), [""; 0]);
        }
    }
}

/// The shop's request was never answered; whether the partner was asked is not known either.
async fn a_payment_whose_process_died_is_cancelled_by_the_reference_that_is_all_the_shop_has(shop: &Shop) {
    let hook = Hook::create_for(shop, "checkout", &["AUTHORISATION", "TECHNICAL_CANCEL"]).await;
    // The intent is written, and then also the partner's own book; the outcome is not.
    for (written, method, told) in [
        (1, gift_card(), "AUTHORISATION failed"),
        (1, card(VISA), "AUTHORISATION failed"),
        (2, gift_card(), "AUTHORISATION"),
        (2, card(VISA), "AUTHORISATION"),
    ] {
        let order = shop.open_order(10_000).await.order();
        let reference = format!("{written} of {}", method["type"]);
        let mut body = payment(Some(&order), 2_000, method);
        body["reference"] = json!(reference);
        shop.faults.fail(written, 3 * i64::from(APPEND_TRIES_MAX));
        assert_eq!(shop.post("/v72/payments", &body).await.error(), (503, "703".to_owned()));
        shop.faults.fail(i64::MAX, 0);
        let cancel = taken(&shop.cancel_by_reference(&reference).await);
        shop.settle().await;
        assert_eq!(hook.take_events(), [""; 0], "whoever sent it may still be at work");
        shop.pass(2 * AUTHORISE_DEADLINE).await;
        let received = hook.take();
        assert_eq!(
            received.iter().map(tests::receiver::Received::event).collect::<Vec<_>>(),
            [told, "TECHNICAL_CANCEL"]
        );
        assert_eq!(received[1].item()["pspReference"], cancel);
        assert_eq!((shop.gift_card_balance().await, shop.state(&order).await.covered()), (5_000, 0), "{reference}");
        take(shop, order["pspReference"].as_str().unwrap(), "reversals", &json!({})).await;
        shop.settle().await;
        hook.take();
    }
}

crate::on_both_stores!(
    a_payment_is_found_in_an_order_and_without_one,
    what_nobody_paid_under_is_not_found,
    of_several_it_is_the_newest_that_holds_something_to_release,
    what_is_being_released_is_not_meant_again,
    what_was_captured_is_not_cancelled,
    the_same_request_again_cancels_nothing_else,
    a_payment_whose_outcome_was_lost_is_cancelled_once_it_is_known,
    a_payment_whose_process_died_is_cancelled_by_the_reference_that_is_all_the_shop_has,
);
