//! Captures, cancels and refunds of one payment: what is answered, what comes of it, and what is told.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{
    hook::Hook,
    shop::{Shop, card, euro, order_key, payment},
};

use super::{
    CAPTURE_DECLINED, CAPTURE_PENDING, CAPTURE_TIMES_OUT, PENDING, REFUND_DECLINED, REFUSED, Sale, TIMES_OUT,
    TIMES_OUT_AND_IS_LOST, VISA, amount, books, done, gist, gists, sell, sell_by_card, take, taken, told, went_well,
    went_wrong,
};

async fn it_is_answered_at_once_executed_by_the_worker_and_told(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let Sale { order, card, .. } = sell(shop, &hook, VISA).await;
    for (what, more, code, moved, after) in [
        (
            "captures",
            json!({ "amount": euro(5_000), "reference": "first parcel" }),
            "CAPTURE",
            5_000,
            [8_000, 5_000, 0, 0],
        ),
        ("cancels", json!({ "reference": "the rest" }), "CANCELLATION", 3_000, [8_000, 5_000, 3_000, 0]),
        (
            "refunds",
            json!({ "amount": euro(2_001), "reference": "shoes", "merchantRefundReason": "CUSTOMER REQUEST" }),
            "REFUND",
            2_001,
            [8_000, 5_000, 3_000, 2_001],
        ),
    ] {
        let before = shop.state(&order).await;
        let answer = shop.modify(&card, what, &more).await;
        let reference = taken(&answer);
        let mut expected = tests::shop::modification(&more);
        expected["paymentPspReference"] = json!(card);
        expected["pspReference"] = json!(reference);
        expected["status"] = json!("received");
        assert_eq!(answer.json(), expected, "all that was asked, and nothing else");
        let begun = shop.state(&order).await;
        let [was, is] = [&before, &begun].map(|order| {
            let tally = &order.payments[1].tally;
            [tally.captured, tally.voided, tally.refunded]
        });
        assert_eq!((begun.version.get() - before.version.get(), is), (1, was), "nothing has moved yet");
        assert_eq!(hook.take_events(), [""; 0]);

        shop.settle().await;
        let expected = json!({
            "eventCode": code, "pspReference": reference, "originalReference": card, "merchantReference": more["reference"],
            "amount": euro(moved), "paymentMethod": "visa", "reason": "", "success": "true",
        });
        assert_eq!(told(&hook), [expected]);
        assert_eq!(books(shop, &order, 1).await, after);
        let shown = shop.order(&order).await;
        let operation = shown["operations"].as_array().unwrap().last().unwrap();
        assert_eq!(operation["kind"].as_str(), what.strip_suffix('s'));
        assert_eq!(
            (&operation["pspReference"], &operation["paymentPspReference"], &operation["reference"]),
            (&json!(reference), &json!(card), &more["reference"])
        );
        assert_eq!((&operation["amount"], &operation["status"]), (&euro(moved), &json!("success")));
    }
    assert_eq!(books(shop, &order, 0).await, [2_000, 0, 0, 0], "the other payment is left alone");
    assert_eq!((&shop.order(&order).await["status"], shop.next_job()), (&json!("closed"), None));
}

async fn without_a_name_of_its_own_it_goes_by_the_payments(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let (_, card) = sell_by_card(shop, &hook, VISA).await;
    for (what, more) in [("captures", amount(8_000)), ("refunds", amount(3_000))] {
        let answer = shop.modify(&card, what, &more).await;
        taken(&answer);
        assert_eq!(answer.json().get("reference"), None);
        shop.settle().await;
        assert_eq!(told(&hook)[0]["merchantReference"], "payment-1");
    }
}

async fn the_gift_card_is_charged_and_credited(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let Sale { gift_card, .. } = sell(shop, &hook, VISA).await;
    for (what, more, told, left) in [
        ("captures", amount(1_500), went_well("CAPTURE", 1_500), 3_000),
        ("refunds", amount(500), went_well("REFUND", 500), 3_500),
        ("cancels", json!({}), went_well("CANCELLATION", 500), 4_000),
        ("refunds", amount(1_000), went_well("REFUND", 1_000), 5_000),
    ] {
        let item = done(shop, &hook, &gift_card, what, &more).await;
        assert_eq!((gist(&item), &item["paymentMethod"]), (told, &json!("givex")));
        assert_eq!(shop.gift_card_balance().await, left);
    }
}

async fn a_payment_without_an_order_is_modified_alike(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let paid = shop.post("/v72/payments", &payment(None, 8_000, card(VISA))).await;
    shop.settle().await;
    hook.take();
    let payment = paid.text_at("/pspReference");
    for (what, more, told) in [
        ("captures", amount(5_000), went_well("CAPTURE", 5_000)),
        ("cancels", json!({}), went_well("CANCELLATION", 3_000)),
        ("refunds", amount(5_000), went_well("REFUND", 5_000)),
    ] {
        assert_eq!(gist(&done(shop, &hook, &payment, what, &more).await), told);
    }
    assert_eq!(books(shop, &super::order_of(&payment), 0).await, [8_000, 5_000, 3_000, 5_000]);
}

async fn a_payment_is_captured_in_several_parts(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let (order, card) = sell_by_card(shop, &hook, VISA).await;
    let mut expected = Vec::new();
    for part in 1..=4 {
        expected.push((take(shop, &card, "captures", &amount(part * 800)).await, part * 800));
    }
    assert_eq!(shop.state(&order).await.payments[0].tally.capturing, 8_000, "taken together, executed together");
    shop.settle().await;
    let captured = told(&hook).into_iter().map(|item| {
        assert_eq!((&item["eventCode"], &item["success"]), (&json!("CAPTURE"), &json!("true")));
        (item["pspReference"].as_str().unwrap().to_owned(), item["amount"]["value"].as_u64().unwrap())
    });
    let mut captured = captured.collect::<Vec<_>>();
    captured.sort();
    expected.sort();
    assert_eq!(captured, expected);
    assert_eq!(books(shop, &order, 0).await, [8_000, 8_000, 0, 0]);
}

async fn every_spelling_of_a_payment_and_of_the_path_is_understood(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let (order, card) = sell_by_card(shop, &hook, VISA).await;
    let uuid = shop.order(&order).await["payments"][0]["id"].as_str().unwrap().to_owned();
    let lower = card.to_lowercase();
    for path in [
        format!("/v68/payments/{card}/captures"),
        format!("/checkout/v71/payments/{card}/captures"),
        format!("/v72/payments/{uuid}/captures"),
        format!("/v72/payments/{lower}/captures"),
    ] {
        let answer = shop.post(&path, &tests::shop::modification(&amount(100))).await;
        taken(&answer);
        assert_eq!(answer.text_at("/paymentPspReference"), card, "{path}");
    }
    shop.settle().await;
    assert_eq!(books(shop, &order, 0).await[1], 400);
}

/// Everything of an order but the operations that were asked for.
async fn standing(shop: &Shop, order: &Value) -> Value {
    let mut shown = shop.order(order).await;
    for of_the_log in ["operations", "version", "orderData"] {
        shown.as_object_mut().unwrap().remove(of_the_log);
    }
    shown
}

async fn what_only_the_state_forbids_is_taken_and_told_and_moves_nothing(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let exceeds = "Amount exceeds what is left on the transaction";
    let nothing = "Nothing is left on the transaction";
    for (captured, what, more, code, told, reason) in [
        (0, "captures", amount(501), "CAPTURE", 501, format!("{exceeds}, capture not possible")),
        (300, "captures", amount(201), "CAPTURE", 201, format!("{exceeds}, capture not possible")),
        (500, "captures", amount(1), "CAPTURE", 1, format!("{nothing}, capture not possible")),
        (0, "refunds", amount(1), "REFUND", 1, "Transaction hasn't been captured, refund not possible".to_owned()),
        (300, "refunds", amount(301), "REFUND", 301, format!("{exceeds}, refund not possible")),
        (500, "cancels", json!({}), "CANCELLATION", 500, format!("{nothing}, cancel not possible")),
    ] {
        let order = shop.open_order(500).await.order();
        let paid = shop.pay_gift_card(&order, 500).await.text_at("/pspReference");
        if captured > 0 {
            take(shop, &paid, "captures", &amount(captured)).await;
        }
        shop.settle().await;
        hook.take();
        let (before, balance) = (standing(shop, &order).await, shop.gift_card_balance().await);
        let more = json!({ "amount": more["amount"], "reference": "in vain" });
        let item = done(shop, &hook, &paid, what, &more).await;
        assert_eq!(gist(&item), went_wrong(code, told, &reason));
        assert_eq!((&item["merchantReference"], &item["paymentMethod"]), (&json!("in vain"), &json!("givex")));
        assert_eq!((standing(shop, &order).await, shop.gift_card_balance().await), (before, balance));
        let shown = shop.order(&order).await;
        let operation = shown["operations"].as_array().unwrap().last().unwrap();
        assert_eq!(
            (&operation["pspReference"], &operation["status"], &operation["legs"]),
            (&item["pspReference"], &json!("failure"), &json!([]))
        );
        assert_eq!(shop.next_job(), None);
        // What is given back can be spent again.
        take(shop, &paid, "reversals", &json!({})).await;
        shop.settle().await;
        hook.take();
    }
    assert_eq!(shop.gift_card_balance().await, 5_000);
}

async fn what_is_in_flight_is_not_there_for_another(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let (order, card) = sell_by_card(shop, &hook, CAPTURE_PENDING).await;
    let first = take(shop, &card, "captures", &amount(5_000)).await;
    let exceeds = "Amount exceeds what is left on the transaction, capture not possible";
    let item = done(shop, &hook, &card, "captures", &amount(3_001)).await;
    assert_eq!(gist(&item), went_wrong("CAPTURE", 3_001, exceeds));
    let item = done(shop, &hook, &card, "refunds", &amount(1)).await;
    let hasnt = "Transaction hasn't been captured, refund not possible";
    assert_eq!(gist(&item), went_wrong("REFUND", 1, hasnt), "not before it is done");
    assert_eq!(gist(&done(shop, &hook, &card, "cancels", &json!({})).await), went_well("CANCELLATION", 3_000));
    shop.pass(Duration::from_secs(3)).await;
    let item = told(&hook).remove(0);
    assert_eq!((&item["pspReference"], gist(&item)), (&json!(first), went_well("CAPTURE", 5_000)));
    assert_eq!(books(shop, &order, 0).await, [8_000, 5_000, 3_000, 0]);
}

async fn what_was_not_authorised_is_not_modified(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let order = shop.open_order(8_000).await.order();
    let refused = shop.pay_card(&order, 8_000, REFUSED).await;
    let pending = shop.pay_card(&refused.order(), 5_000, PENDING).await;
    shop.settle().await;
    hook.take();
    let (refused, pending) = (refused.text_at("/pspReference"), pending.text_at("/pspReference"));
    for (of, what, more, code, told, kind) in [
        (&refused, "captures", amount(1), "CAPTURE", 1, "capture"),
        (&refused, "refunds", amount(1), "REFUND", 1, "refund"),
        (&refused, "cancels", json!({}), "CANCELLATION", 8_000, "cancel"),
        (&refused, "reversals", json!({}), "CANCEL_OR_REFUND", 8_000, "reversal"),
        (&refused, "amountUpdates", amount(1), "AUTHORISATION_ADJUSTMENT", 1, "amount update"),
        (&pending, "captures", amount(1), "CAPTURE", 1, "capture"),
        (&pending, "refunds", amount(1), "REFUND", 1, "refund"),
        (&pending, "amountUpdates", amount(1), "AUTHORISATION_ADJUSTMENT", 1, "amount update"),
    ] {
        let reason = format!("Transaction hasn't been authorised, {kind} not possible");
        assert_eq!(gist(&done(shop, &hook, of, what, &more).await), went_wrong(code, told, &reason));
    }
    let shown = shop.order(&order).await;
    assert_eq!((&shown["remainingAmount"], &shown["payments"][1]["status"]), (&euro(3_000), &json!("pending")));
}

async fn nothing_is_captured_of_a_cancelled_order(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let order = shop.open_order(10_000).await.order();
    let paid = shop.pay_gift_card(&order, 2_000).await;
    let gift_card = paid.text_at("/pspReference");
    let cancel = json!({ "merchantAccount": local::TEST_MERCHANT, "order": paid.order() });
    assert_eq!(shop.post("/v72/orders/cancel", &cancel).await.status, 200);
    // Before the worker has released it, and after.
    let reason = "Order has been cancelled, capture not possible";
    for others in [&["ORDER_OPENED", "AUTHORISATION", "CANCELLATION", "ORDER_CLOSED failed"][..], &[]] {
        let reference = take(shop, &gift_card, "captures", &amount(1_000)).await;
        shop.settle().await;
        let (captures, rest) = told(&hook).into_iter().partition::<Vec<_>, _>(|item| item["eventCode"] == "CAPTURE");
        assert_eq!(captures.iter().map(gist).collect::<Vec<_>>(), [went_wrong("CAPTURE", 1_000, reason)]);
        assert_eq!(captures[0]["pspReference"], reference);
        assert_eq!(rest.iter().map(|item| gist(item).0).collect::<Vec<_>>(), others);
    }
    assert_eq!((books(shop, &order, 0).await, shop.gift_card_balance().await), ([2_000, 0, 2_000, 0], 5_000));
}

async fn what_a_partner_declines_is_told_and_there_again(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let (order, card) = sell_by_card(shop, &hook, CAPTURE_DECLINED).await;
    for _ in 0..2 {
        let item = done(shop, &hook, &card, "captures", &amount(8_000)).await;
        assert_eq!(gist(&item), went_wrong("CAPTURE", 8_000, "Refused"), "all of it, each time");
        assert_eq!(books(shop, &order, 0).await, [8_000, 0, 0, 0]);
    }
    assert_eq!(gist(&done(shop, &hook, &card, "cancels", &json!({})).await), went_well("CANCELLATION", 8_000));

    let (order, card) = sell_by_card(shop, &hook, REFUND_DECLINED).await;
    assert_eq!(gist(&done(shop, &hook, &card, "captures", &amount(8_000)).await), went_well("CAPTURE", 8_000));
    for _ in 0..2 {
        let item = done(shop, &hook, &card, "refunds", &amount(8_000)).await;
        assert_eq!(gist(&item), went_wrong("REFUND", 8_000, "Refused"));
        assert_eq!(books(shop, &order, 0).await, [8_000, 8_000, 0, 0]);
    }
    let shown = shop.order(&order).await;
    let statuses = shown["operations"].as_array().unwrap().iter().map(|operation| operation["status"].clone());
    assert_eq!(statuses.collect::<Vec<_>>(), ["success", "failure", "failure"]);
    assert_eq!(shop.next_job(), None);
}

async fn a_capture_that_is_pending_or_times_out_is_told_once_when_it_is_known(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    for (number, status) in [(CAPTURE_PENDING, "pending"), (CAPTURE_TIMES_OUT, "uncertain")] {
        let (order, card) = sell_by_card(shop, &hook, number).await;
        let reference = take(shop, &card, "captures", &amount(7_000)).await;
        shop.settle().await;
        assert_eq!((&shop.order(&order).await["operations"][0]["status"], told(&hook).len()), (&json!(status), 0));
        shop.pass(Duration::from_secs(3)).await;
        let item = told(&hook).remove(0);
        assert_eq!((&item["pspReference"], gist(&item)), (&json!(reference), went_well("CAPTURE", 7_000)));
        assert_eq!(books(shop, &order, 0).await, [8_000, 7_000, 0, 0], "captured once");
        shop.pass(Duration::from_secs(60)).await;
        assert_eq!((hook.take_events().len(), shop.next_job()), (0, None));
    }
}

async fn a_payment_that_is_still_open_is_cancelled_before_it_is_authorised(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let ideal = json!({ "type": "ideal" });
    for method in [card(PENDING), ideal] {
        let order = shop.open_order(10_000).await.order();
        let paid = shop.pay_gift_card(&order, 100).await;
        shop.post("/v72/payments", &payment(Some(&paid.order()), 9_900, method)).await;
        shop.settle().await;
        hook.take();
        let key = order_key(&order);
        let open = key.id.at(domain::Version::try_new(3).unwrap()).to_string();
        let item = done(shop, &hook, &open, "cancels", &json!({})).await;
        assert_eq!(gist(&item), went_well("CANCELLATION", 9_900));
        let shown = shop.order(&order).await;
        assert_eq!((&shown["status"], &shown["remainingAmount"]), (&json!("open"), &euro(9_900)));
        assert_eq!(shown["payments"][1]["status"], "cancelled");
        shop.pass(Duration::from_secs(3_600)).await;
        assert_eq!(hook.take_events(), [""; 0], "a late result changes nothing");
    }
}

async fn a_payment_whose_outcome_is_not_known_is_cancelled_once_it_is(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    for (number, authorised, status, after) in [
        (TIMES_OUT, went_well("AUTHORISATION", 8_000), "authorised", [8_000, 0, 8_000, 0]),
        (TIMES_OUT_AND_IS_LOST, went_wrong("AUTHORISATION", 8_000, "Acquirer Error"), "error", [0, 0, 0, 0]),
    ] {
        let (order, card) = sell_by_card(shop, &hook, number).await;
        let reference = take(shop, &card, "cancels", &json!({})).await;
        shop.settle().await;
        assert_eq!(hook.take_events(), [""; 0]);
        shop.pass(Duration::from_secs(3)).await;
        let told = told(&hook);
        let expected = [authorised, went_well("CANCELLATION", 8_000)];
        assert_eq!(told.iter().map(gist).collect::<Vec<_>>(), expected, "{number}");
        assert_eq!(told[1]["pspReference"], reference);
        assert_eq!(
            (books(shop, &order, 0).await, &shop.order(&order).await["payments"][0]["status"]),
            (after, &json!(status))
        );
        assert_eq!(shop.order(&order).await["remainingAmount"], euro(8_000));
        assert_eq!(gists(&hook), []);
    }
}

crate::on_both_stores!(
    it_is_answered_at_once_executed_by_the_worker_and_told,
    without_a_name_of_its_own_it_goes_by_the_payments,
    the_gift_card_is_charged_and_credited,
    a_payment_without_an_order_is_modified_alike,
    a_payment_is_captured_in_several_parts,
    every_spelling_of_a_payment_and_of_the_path_is_understood,
    what_only_the_state_forbids_is_taken_and_told_and_moves_nothing,
    what_is_in_flight_is_not_there_for_another,
    what_was_not_authorised_is_not_modified,
    nothing_is_captured_of_a_cancelled_order,
    what_a_partner_declines_is_told_and_there_again,
    a_capture_that_is_pending_or_times_out_is_told_once_when_it_is_known,
    a_payment_that_is_still_open_is_cancelled_before_it_is_authorised,
    a_payment_whose_outcome_is_not_known_is_cancelled_once_it_is,
);
