//! Reversals: a payment, or a whole order, is given back as its state asks for.

use std::time::Duration;

use domain::Action;
use serde_json::{Value, json};
use tests::{
    hook::Hook,
    receiver::Received,
    shop::{Shop, card, euro, payment},
};

use super::{
    CAPTURE_PENDING, CAPTURE_TIMES_OUT, PENDING, REFUND_DECLINED, REFUSED, Sale, TIMES_OUT, TIMES_OUT_AND_IS_LOST,
    VISA, amount, books, done, gist, gists, sell, sell_by_card, take, told, went_well, went_wrong,
};

const NOTHING_LEFT: &str = "Nothing is left on the transaction, reversal not possible";
const UNDER_WAY: &str = "Another operation is under way, reversal not possible";

fn reference_of(order: &Value) -> String {
    order["pspReference"].as_str().unwrap().to_owned()
}

/// What a reversal's notification lists of its parts: the payment, what was done with it, with how much, and whether
/// it went well.
fn parts(one: &Received) -> Vec<[String; 4]> {
    let additional = one.item()["additionalData"].clone();
    let text = |n: usize, name: &str| additional[format!("tender.leg-{n}-{name}")].as_str().map(str::to_owned);
    (1..)
        .map_while(|n| {
            let [payment, action] = ["paymentPspReference", "action"].map(|name| text(n, name));
            Some([payment?, action?, text(n, "amount")?, text(n, "success")?])
        })
        .collect()
}

/// The one notification of a reversal, and whether it was a cancel or a refund in Adyen's words.
fn reversed(received: &[Received]) -> (&Received, String) {
    assert_eq!(received.len(), 1, "{received:#?}");
    let one = &received[0];
    let action = one.item()["additionalData"]["modification.action"].as_str().unwrap().to_owned();
    (one, action)
}

async fn a_payment_is_given_back_as_its_state_asks_for(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    for (captured, action, legs) in [
        (0, "cancel", &[["cancel", "EUR 80.00"]][..]),
        (8_000, "refund", &[["refund", "EUR 80.00"]]),
        (2_999, "refund", &[["cancel", "EUR 50.01"], ["refund", "EUR 29.99"]]),
    ] {
        let (order, card) = sell_by_card(shop, &hook, VISA).await;
        if captured > 0 {
            done(shop, &hook, &card, "captures", &amount(captured)).await;
        }
        let answer = shop.modify(&card, "reversals", &json!({ "reference": "second thoughts" })).await;
        let reference = super::taken(&answer);
        assert_eq!(
            answer.json(),
            json!({
                "merchantAccount": local::TEST_MERCHANT, "paymentPspReference": card, "pspReference": reference,
                "reference": "second thoughts", "status": "received",
            })
        );
        let begun = shop.state(&order).await.payments[0].tally;
        assert_eq!((begun.voided, begun.refunded, begun.captured), (0, 0, captured), "nothing has moved yet");
        shop.settle().await;
        let received = hook.take();
        let (one, told_action) = reversed(&received);
        let mut item = one.item();
        for same in ["additionalData", "eventDate", "merchantAccountCode"] {
            item.as_object_mut().unwrap().remove(same);
        }
        assert_eq!(
            item,
            json!({
                "eventCode": "CANCEL_OR_REFUND", "pspReference": reference, "originalReference": card,
                "merchantReference": "second thoughts", "amount": euro(8_000), "paymentMethod": "visa", "reason": "",
                "success": "true",
            })
        );
        assert_eq!(told_action, action);
        let expected = legs.iter().map(|[action, amount]| [&card, *action, amount, "true"].map(str::to_owned));
        assert_eq!(parts(one), expected.collect::<Vec<_>>());
        assert_eq!(books(shop, &order, 0).await, [8_000, captured, 8_000 - captured, captured]);
        assert_eq!((&shop.order(&order).await["success"], shop.next_job()), (&json!(true), None));
    }
}

async fn a_reversed_payment_leaves_the_others_of_its_order_alone(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let Sale { order, gift_card, card } = sell(shop, &hook, VISA).await;
    done(shop, &hook, &gift_card, "captures", &amount(1_500)).await;
    assert_eq!(
        gist(&done(shop, &hook, &gift_card, "reversals", &json!({})).await),
        went_well("CANCEL_OR_REFUND", 2_000)
    );
    assert_eq!((shop.gift_card_balance().await, books(shop, &order, 1).await), (5_000, [8_000, 0, 0, 0]));
    assert_eq!(gist(&done(shop, &hook, &card, "captures", &amount(8_000)).await), went_well("CAPTURE", 8_000));

    // An order that is still being paid goes on: the part is free again.
    let order = shop.open_order(10_000).await.order();
    let paid = shop.pay_gift_card(&order, 2_000).await;
    take(shop, &paid.text_at("/pspReference"), "reversals", &json!({})).await;
    shop.settle().await;
    let shown = shop.order(&order).await;
    assert_eq!((&shown["status"], &shown["remainingAmount"]), (&json!("open"), &euro(10_000)));
    let again = json!({ "pspReference": shown["pspReference"], "orderData": shown["orderData"] });
    shop.pay_card(&again, 10_000, VISA).await;
    assert_eq!(shop.order(&order).await["success"], true);
}

/// Sells something for 100.00, paid by three: the gift card with 19.99, which is captured, a card with 30.01, of which
/// 10.01 are, and a card with 50.00. The order, and the payments.
async fn sell_by_three(shop: &Shop, hook: &Hook, second: &str) -> (Value, [String; 3]) {
    let order = shop.open_order(10_000).await.order();
    let first = shop.pay_gift_card(&order, 1_999).await;
    let second = shop.pay_card(&first.order(), 3_001, second).await;
    let third = shop.pay_card(&second.order(), 5_000, "5555444433331111").await;
    let payments = [first, second, third].map(|paid| paid.text_at("/pspReference"));
    shop.settle().await;
    shop.perform(&order, 1, Action::Capture, 1_999).await;
    shop.perform(&order, 3, Action::Capture, 1_001).await;
    shop.settle().await;
    hook.take();
    (order, payments)
}

async fn an_order_is_given_back_to_the_cent_by_its_own_reference(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    for more in [json!({ "reference": "all of it" }), json!({})] {
        let (order, [first, second, third]) = sell_by_three(shop, &hook, VISA).await;
        let reference = take(shop, &reference_of(&order), "reversals", &more).await;
        shop.settle().await;
        let received = hook.take();
        let (one, action) = reversed(&received);
        let item = one.item();
        let name = more["reference"].as_str().unwrap_or("order-1");
        assert_eq!(gist(&item), went_well("CANCEL_OR_REFUND", 10_000));
        assert_eq!(
            (&item["pspReference"], &item["originalReference"], &item["merchantReference"]),
            (&json!(reference), &order["pspReference"], &json!(name))
        );
        assert_eq!((item.get("paymentMethod"), action.as_str()), (None, "refund"), "there were several");
        let leg = |payment: &str, action: &str, amount: &str| [payment, action, amount, "true"].map(str::to_owned);
        let expected = [
            leg(&first, "refund", "EUR 19.99"),
            leg(&second, "cancel", "EUR 20.00"),
            leg(&second, "refund", "EUR 10.01"),
            leg(&third, "cancel", "EUR 50.00"),
        ];
        assert_eq!(parts(one), expected);
        assert_eq!(books(shop, &order, 0).await, [1_999, 1_999, 0, 1_999]);
        assert_eq!(books(shop, &order, 1).await, [3_001, 1_001, 2_000, 1_001]);
        assert_eq!(books(shop, &order, 2).await, [5_000, 0, 5_000, 0]);
        assert_eq!(shop.gift_card_balance().await, 5_000);
        let shown = shop.order(&order).await;
        assert_eq!((&shown["status"], &shown["success"]), (&json!("closed"), &json!(true)), "it was paid all the same");
        let operation = shown["operations"].as_array().unwrap().last().unwrap();
        assert_eq!((operation.get("paymentPspReference"), &operation["status"]), (None, &json!("success")));
        assert_eq!(shop.next_job(), None);
    }
}

async fn a_payment_without_an_order_is_given_back_by_either_reference(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    for by_order in [false, true] {
        let paid = shop.post("/v72/payments", &payment(None, 500, card(VISA))).await.text_at("/pspReference");
        shop.settle().await;
        hook.take();
        let order = super::order_of(&paid);
        let of = if by_order { reference_of(&order) } else { paid };
        assert_eq!(gist(&done(shop, &hook, &of, "reversals", &json!({})).await), went_well("CANCEL_OR_REFUND", 500));
        assert_eq!(books(shop, &order, 0).await, [500, 0, 500, 0]);
    }
}

async fn an_order_that_is_still_being_paid_ends_with_its_reversal(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let order = shop.open_order(10_000).await.order();
    let first = shop.pay_gift_card(&order, 2_000).await;
    let second = shop.pay_card(&first.order(), 3_000, VISA).await;
    shop.perform(&order, 1, Action::Capture, 500).await;
    shop.settle().await;
    hook.take();
    take(shop, &reference_of(&order), "reversals", &json!({})).await;
    let late = shop.pay_card(&second.order(), 5_000, VISA).await;
    assert_eq!(late.error(), (422, "order_cancelled".to_owned()), "at once");
    shop.settle().await;
    let told = told(&hook);
    assert_eq!(
        told.iter().map(gist).collect::<Vec<_>>(),
        [went_well("CANCEL_OR_REFUND", 5_000), went_wrong("ORDER_CLOSED", 10_000, "cancelled")]
    );
    let shown = shop.order(&order).await;
    assert_eq!((&shown["status"], &shown["reason"]), (&json!("closed"), &json!("cancelled")));
    assert_eq!((&shown["remainingAmount"], shop.gift_card_balance().await), (&euro(10_000), 5_000));
    assert_eq!(books(shop, &order, 1).await, [3_000, 0, 3_000, 0]);
    assert_eq!(shop.next_job(), None);
}

async fn a_payment_that_is_not_known_yet_is_reversed_once_it_is(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    for (number, first, after) in [
        (PENDING, vec![], [0, 0, 0, 0]),
        (TIMES_OUT, vec![went_well("AUTHORISATION", 8_000)], [8_000, 0, 8_000, 0]),
        (TIMES_OUT_AND_IS_LOST, vec![went_wrong("AUTHORISATION", 8_000, "Acquirer Error")], [0, 0, 0, 0]),
    ] {
        for of_order in [false, true] {
            let order = shop.open_order(10_000).await.order();
            let gift_card = shop.pay_gift_card(&order, 2_000).await;
            let paid = shop.pay_card(&gift_card.order(), 8_000, number).await;
            assert_eq!(paid.text_at("/resultCode"), "Pending");
            shop.settle().await;
            hook.take();
            let of = if of_order { reference_of(&order) } else { paid.text_at("/pspReference") };
            let reference = take(shop, &of, "reversals", &json!({})).await;
            shop.settle().await;
            shop.pass(Duration::from_secs(5)).await;
            let told = told(&hook);
            let mut expected = first.clone();
            expected.push(went_well("CANCEL_OR_REFUND", if of_order { 10_000 } else { 8_000 }));
            if of_order {
                expected.push(went_wrong("ORDER_CLOSED", 10_000, "cancelled"));
            }
            assert_eq!(told.iter().map(gist).collect::<Vec<_>>(), expected, "{number}");
            assert_eq!(told[first.len()]["pspReference"], reference);
            assert_eq!(books(shop, &order, 1).await, after, "{number}");
            let (left, balance) = if of_order { (10_000, 5_000) } else { (8_000, 3_000) };
            assert_eq!(shop.order(&order).await["remainingAmount"], euro(left));
            assert_eq!(shop.gift_card_balance().await, balance);
            if !of_order {
                take(shop, &reference_of(&order), "reversals", &json!({})).await;
                shop.settle().await;
                hook.take();
            }
            shop.pass(Duration::from_secs(60)).await;
            assert_eq!((hook.take_events().len(), shop.gift_card_balance().await, shop.next_job()), (0, 5_000, None));
        }
    }
}

async fn what_is_captured_after_all_is_refunded_too(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    for number in [CAPTURE_PENDING, CAPTURE_TIMES_OUT] {
        for of_order in [false, true] {
            let (order, card) = sell_by_card(shop, &hook, number).await;
            take(shop, &card, "captures", &amount(3_000)).await;
            shop.settle().await;
            let of = if of_order { reference_of(&order) } else { card.clone() };
            let item = done(shop, &hook, &of, "reversals", &json!({})).await;
            assert_eq!(gist(&item), went_well("CANCEL_OR_REFUND", 5_000), "what there was to give back then");
            shop.pass(Duration::from_secs(5)).await;
            let told = told(&hook);
            let expected = [went_well("CAPTURE", 3_000), went_well("REFUND", 3_000)];
            assert_eq!(told.iter().map(gist).collect::<Vec<_>>(), expected, "{number}");
            assert_eq!(told[1]["originalReference"], card);
            assert_eq!(books(shop, &order, 0).await, [8_000, 3_000, 5_000, 3_000]);
            assert_eq!(shop.next_job(), None);
        }
    }
}

async fn there_is_nothing_to_reverse_twice(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let (order, [_, second, _]) = sell_by_three(shop, &hook, VISA).await;
    let of_order = reference_of(&order);
    assert_eq!(
        gist(&done(shop, &hook, &of_order, "reversals", &json!({})).await),
        went_well("CANCEL_OR_REFUND", 10_000)
    );
    let balance = shop.gift_card_balance().await;
    for (of, asked) in [(&of_order, 10_000), (&second, 3_001)] {
        let again = take(shop, of, "reversals", &json!({})).await;
        shop.settle().await;
        let received = hook.take();
        let (one, action) = reversed(&received);
        assert_eq!(gist(&one.item()), went_wrong("CANCEL_OR_REFUND", asked, NOTHING_LEFT));
        assert_eq!((&one.item()["pspReference"], &one.item()["originalReference"]), (&json!(again), &json!(of)));
        assert_eq!((action.as_str(), parts(one).len()), ("refund", 0));
    }
    assert_eq!((shop.gift_card_balance().await, books(shop, &order, 1).await), (balance, [3_001, 1_001, 2_000, 1_001]));

    let (_, card) = sell_by_card(shop, &hook, VISA).await;
    done(shop, &hook, &card, "cancels", &json!({})).await;
    take(shop, &card, "reversals", &json!({})).await;
    shop.settle().await;
    let received = hook.take();
    assert_eq!(reversed(&received).1, "cancel", "nothing was ever captured of it");
}

async fn while_it_is_being_reversed_there_is_nothing_to_reverse(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let (order, card) = sell_by_card(shop, &hook, VISA).await;
    let first = take(shop, &card, "reversals", &json!({})).await;
    let second = take(shop, &reference_of(&order), "reversals", &json!({})).await;
    shop.settle().await;
    let mut told = told(&hook);
    told.sort_by_key(|item| item["success"].to_string());
    assert_eq!((&told[0]["pspReference"], &told[1]["pspReference"]), (&json!(second), &json!(first)));
    let expected = [went_wrong("CANCEL_OR_REFUND", 8_000, UNDER_WAY), went_well("CANCEL_OR_REFUND", 8_000)];
    assert_eq!(told.iter().map(gist).collect::<Vec<_>>(), expected);
    assert_eq!(books(shop, &order, 0).await, [8_000, 0, 8_000, 0]);

    // So it is while all of it is being captured; that is not given back by itself.
    let (order, card) = sell_by_card(shop, &hook, CAPTURE_PENDING).await;
    take(shop, &card, "captures", &amount(8_000)).await;
    shop.settle().await;
    let item = done(shop, &hook, &card, "reversals", &json!({})).await;
    assert_eq!(gist(&item), went_wrong("CANCEL_OR_REFUND", 8_000, UNDER_WAY));
    shop.pass(Duration::from_secs(5)).await;
    assert_eq!(gists(&hook), [went_well("CAPTURE", 8_000)]);
    assert_eq!(gist(&done(shop, &hook, &card, "reversals", &json!({})).await), went_well("CANCEL_OR_REFUND", 8_000));
    assert_eq!(books(shop, &order, 0).await, [8_000, 8_000, 0, 8_000]);
}

async fn an_order_that_nothing_was_paid_of_ends_with_its_reversal_too(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let hasnt = "Transaction hasn't been authorised, reversal not possible";
    for (number, reason) in [(None, NOTHING_LEFT), (Some(REFUSED), hasnt)] {
        let order = shop.open_order(10_000).await.order();
        if let Some(number) = number {
            shop.pay_card(&order, 10_000, number).await;
        }
        shop.settle().await;
        hook.take();
        take(shop, &reference_of(&order), "reversals", &json!({})).await;
        shop.settle().await;
        let expected =
            [went_wrong("CANCEL_OR_REFUND", 10_000, reason), went_wrong("ORDER_CLOSED", 10_000, "cancelled")];
        assert_eq!(gists(&hook), expected);
        assert_eq!((&shop.order(&order).await["reason"], shop.next_job()), (&json!("cancelled"), None));
    }
}

async fn what_is_being_captured_of_an_open_order_is_given_back_when_it_ends(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let order = shop.open_order(10_000).await.order();
    let first = shop.pay_gift_card(&order, 2_000).await;
    let second = shop.pay_card(&first.order(), 3_000, CAPTURE_PENDING).await.text_at("/pspReference");
    take(shop, &second, "captures", &amount(3_000)).await;
    shop.settle().await;
    hook.take();
    take(shop, &reference_of(&order), "reversals", &json!({})).await;
    shop.settle().await;
    assert_eq!(gists(&hook), [went_well("CANCEL_OR_REFUND", 2_000)], "the order is not closed before it is at rest");
    shop.pass(Duration::from_secs(5)).await;
    let expected =
        [went_well("CAPTURE", 3_000), went_well("REFUND", 3_000), went_wrong("ORDER_CLOSED", 10_000, "cancelled")];
    assert_eq!(gists(&hook), expected);
    assert_eq!((books(shop, &order, 1).await, shop.gift_card_balance().await), ([3_000, 3_000, 0, 3_000], 5_000));
    assert_eq!(shop.next_job(), None);
}

async fn what_one_partner_declines_keeps_nothing_else_from_being_given_back(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let (order, [first, second, third]) = sell_by_three(shop, &hook, REFUND_DECLINED).await;
    let of_order = reference_of(&order);
    take(shop, &of_order, "reversals", &json!({})).await;
    shop.settle().await;
    let received = hook.take();
    let (one, action) = reversed(&received);
    assert_eq!((gist(&one.item()), action.as_str()), (went_wrong("CANCEL_OR_REFUND", 10_000, "Refused"), "refund"));
    let leg = |payment: &str, action: &str, amount: &str, success: &str| {
        [payment, action, amount, success].map(str::to_owned)
    };
    let expected = [
        leg(&first, "refund", "EUR 19.99", "true"),
        leg(&second, "cancel", "EUR 20.00", "true"),
        leg(&second, "refund", "EUR 10.01", "false"),
        leg(&third, "cancel", "EUR 50.00", "true"),
    ];
    assert_eq!(parts(one), expected);
    let refund_left = [3_001, 1_001, 2_000, 0];
    assert_eq!((books(shop, &order, 1).await, shop.gift_card_balance().await), (refund_left, 5_000));
    assert_eq!(books(shop, &order, 2).await, [5_000, 0, 5_000, 0]);
    let shown = shop.order(&order).await;
    assert_eq!(shown["operations"].as_array().unwrap().last().unwrap()["status"], "conflict");
    assert_eq!(shop.next_job(), None, "it is not asked for again by itself");

    // The merchant may, and then it is about what is left.
    let item = done(shop, &hook, &of_order, "reversals", &json!({})).await;
    assert_eq!(
        (gist(&item), &item["paymentMethod"]),
        (went_wrong("CANCEL_OR_REFUND", 1_001, "Refused"), &json!("visa"))
    );
    assert_eq!((books(shop, &order, 1).await, gists(&hook)), (refund_left, vec![]));
}

crate::on_both_stores!(
    a_payment_is_given_back_as_its_state_asks_for,
    a_reversed_payment_leaves_the_others_of_its_order_alone,
    an_order_is_given_back_to_the_cent_by_its_own_reference,
    a_payment_without_an_order_is_given_back_by_either_reference,
    an_order_that_is_still_being_paid_ends_with_its_reversal,
    a_payment_that_is_not_known_yet_is_reversed_once_it_is,
    what_is_captured_after_all_is_refunded_too,
    there_is_nothing_to_reverse_twice,
    while_it_is_being_reversed_there_is_nothing_to_reverse,
    an_order_that_nothing_was_paid_of_ends_with_its_reversal_too,
    what_is_being_captured_of_an_open_order_is_given_back_when_it_ends,
    what_one_partner_declines_keeps_nothing_else_from_being_given_back,
);
