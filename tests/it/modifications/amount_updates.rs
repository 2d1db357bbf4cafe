//! Amount updates: a payment is made to hold less, by a void, or more, by an increase.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{
    hook::Hook,
    shop::{Answer, Shop, card, euro, gift_card, payment},
};

use super::{
    CAPTURE_PENDING, VISA, amount, books, done, gist, gists, order_of, sell_by_card, take, taken, told, went_well,
    went_wrong,
};

const UPDATES: &str = "amountUpdates";

/// An order of 100.00 of which 60.00 are paid, all of it told; the order as a shopper has it, and the payment.
async fn sell_in_part(shop: &Shop, hook: &Hook) -> (Value, String) {
    let order = shop.open_order(10_000).await.order();
    let paid = shop.pay_card(&order, 6_000, VISA).await;
    shop.settle().await;
    hook.take();
    (paid.order(), paid.text_at("/pspReference"))
}

/// The order as a shopper would have it now.
async fn fresh(shop: &Shop, order: &Value) -> Value {
    let shown = shop.order(order).await;
    json!({ "pspReference": shown["pspReference"], "orderData": shown["orderData"] })
}

async fn a_smaller_amount_frees_the_rest(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let (order, card) = sell_in_part(shop, &hook).await;
    let more = json!({ "amount": euro(4_499), "reference": "one shoe less", "industryUsage": "delayedCharge" });
    let answer = shop.modify(&card, UPDATES, &more).await;
    let reference = taken(&answer);
    assert_eq!(
        answer.json(),
        json!({
            "merchantAccount": local::TEST_MERCHANT, "paymentPspReference": card, "pspReference": reference,
            "reference": "one shoe less", "amount": euro(4_499), "industryUsage": "delayedCharge", "status": "received",
        })
    );
    assert_eq!(shop.state(&order).await.remaining, 4_000, "nothing has moved yet");
    shop.settle().await;
    let expected = json!({
        "eventCode": "AUTHORISATION_ADJUSTMENT", "pspReference": reference, "originalReference": card,
        "merchantReference": "one shoe less", "amount": euro(4_499), "paymentMethod": "visa", "reason": "",
        "success": "true",
    });
    assert_eq!(told(&hook), [expected]);
    assert_eq!(books(shop, &order, 0).await, [6_000, 0, 1_501, 0]);
    assert_eq!(shop.order(&order).await["remainingAmount"], euro(5_501));
    let paid = shop.pay_card(&fresh(shop, &order).await, 5_501, VISA).await;
    assert_eq!(paid.text_at("/resultCode"), "Authorised");
    assert_eq!(shop.order(&order).await["success"], true);
}

async fn its_answer_always_has_a_reference(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let (_, card) = sell_in_part(shop, &hook).await;
    let answer = shop.modify(&card, UPDATES, &amount(5_000)).await;
    assert_eq!(answer.text_at("/reference"), taken(&answer), "its own, if the request gives it none");
}

async fn a_larger_amount_is_set_aside_at_once(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let (order, card) = sell_in_part(shop, &hook).await;
    let reference = take(shop, &card, UPDATES, &amount(9_000)).await;
    assert_eq!(shop.state(&order).await.remaining, 1_000);
    let stale = shop.pay_card(&order, 1_000, VISA).await;
    assert_eq!(stale.error(), (422, "order_data_stale".to_owned()), "the shopper's position has changed");
    shop.settle().await;
    let told = told(&hook);
    assert_eq!(told.iter().map(gist).collect::<Vec<_>>(), [went_well("AUTHORISATION_ADJUSTMENT", 9_000)]);
    assert_eq!(told[0]["pspReference"], reference);
    let shown = shop.order(&order).await;
    assert_eq!((&shown["payments"][0]["amount"], &shown["remainingAmount"]), (&euro(9_000), &euro(1_000)));
    assert_eq!(books(shop, &order, 0).await, [9_000, 0, 0, 0]);
    let too_much = shop.pay_card(&fresh(shop, &order).await, 1_001, VISA).await;
    assert_eq!(too_much.error(), (422, "order_amount_exceeds_remaining".to_owned()));
    shop.pay_card(&fresh(shop, &order).await, 1_000, VISA).await;
    shop.settle().await;
    assert_eq!(gists(&hook), [went_well("AUTHORISATION", 1_000), went_well("ORDER_CLOSED", 10_000)]);
    // What it grew by can be captured like the rest, and given back.
    assert_eq!(gist(&done(shop, &hook, &card, "captures", &amount(9_000)).await), went_well("CAPTURE", 9_000));
    assert_eq!(gist(&done(shop, &hook, &card, "refunds", &amount(9_000)).await), went_well("REFUND", 9_000));
}

async fn an_order_whose_payment_grows_to_all_of_it_is_paid(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let (order, card) = sell_in_part(shop, &hook).await;
    take(shop, &card, UPDATES, &amount(10_000)).await;
    let state = shop.state(&order).await;
    assert_eq!((state.remaining, state.closed), (0, None), "not before it is known");
    shop.settle().await;
    assert_eq!(gists(&hook), [went_well("AUTHORISATION_ADJUSTMENT", 10_000), went_well("ORDER_CLOSED", 10_000)]);
    let shown = shop.order(&order).await;
    assert_eq!((&shown["status"], &shown["success"]), (&json!("closed"), &json!(true)));
}

async fn what_cannot_be_is_taken_and_told_and_moves_nothing(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let (order, card) = sell_in_part(shop, &hook).await;
    let reason = |why: &str| format!("{why}, amount update not possible");
    let vain = |value, why: &str| went_wrong("AUTHORISATION_ADJUSTMENT", value, &reason(why));
    let remaining = "Amount exceeds what remains to be paid of the order";
    assert_eq!(gist(&done(shop, &hook, &card, UPDATES, &amount(10_001)).await), vain(10_001, remaining));
    let unchanged = "Amount is what is authorised already";
    assert_eq!(gist(&done(shop, &hook, &card, UPDATES, &amount(6_000)).await), vain(6_000, unchanged));
    done(shop, &hook, &card, "captures", &amount(2_000)).await;
    let captured = "Amount is less than what is captured or being processed";
    assert_eq!(gist(&done(shop, &hook, &card, UPDATES, &amount(1_999)).await), vain(1_999, captured));
    assert_eq!((books(shop, &order, 0).await, shop.state(&order).await.remaining), ([6_000, 2_000, 0, 0], 4_000));
    assert_eq!(
        gist(&done(shop, &hook, &card, UPDATES, &amount(2_000)).await),
        went_well("AUTHORISATION_ADJUSTMENT", 2_000)
    );
    assert_eq!((books(shop, &order, 0).await, shop.state(&order).await.remaining), ([6_000, 2_000, 4_000, 0], 8_000));

    let (_, card) = sell_in_part(shop, &hook).await;
    done(shop, &hook, &card, "cancels", &json!({})).await;
    let nothing = "Nothing is left on the transaction";
    assert_eq!(gist(&done(shop, &hook, &card, UPDATES, &amount(1)).await), vain(1, nothing));

    let (order, card) = sell_in_part(shop, &hook).await;
    shop.cancel(&order).await;
    hook.take();
    let cancelled = "Order has been cancelled";
    assert_eq!(gist(&done(shop, &hook, &card, UPDATES, &amount(6_001)).await), vain(6_001, cancelled));
}

async fn a_payment_does_not_grow_when_its_order_has_expired(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let order = shop.open_order_for(10_000, Duration::from_secs(60)).await.order();
    let paid = shop.pay_gift_card(&order, 2_000).await.text_at("/pspReference");
    shop.settle().await;
    hook.take();
    shop.clock.advance(Duration::from_secs(60));
    take(shop, &paid, UPDATES, &amount(3_000)).await;
    shop.settle().await;
    let told = gists(&hook);
    let expired = "Order has expired, amount update not possible";
    assert!(told.contains(&went_wrong("AUTHORISATION_ADJUSTMENT", 3_000, expired)), "{told:?}");
    assert_eq!((told.len(), shop.gift_card_balance().await), (3, 5_000), "and it is given back, and the order closed");
}

async fn an_order_that_was_paid_does_not_grow_and_may_shrink(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let (order, card) = sell_by_card(shop, &hook, VISA).await;
    let item = done(shop, &hook, &card, UPDATES, &amount(8_001)).await;
    assert_eq!(
        gist(&item),
        went_wrong("AUTHORISATION_ADJUSTMENT", 8_001, "Order is closed, amount update not possible")
    );
    let item = done(shop, &hook, &card, UPDATES, &amount(5_000)).await;
    assert_eq!(gist(&item), went_well("AUTHORISATION_ADJUSTMENT", 5_000));
    let shown = shop.order(&order).await;
    assert_eq!((&shown["success"], &shown["remainingAmount"]), (&json!(true), &euro(0)));
    let exceeds = "Amount exceeds what is left on the transaction, capture not possible";
    let item = done(shop, &hook, &card, "captures", &amount(5_001)).await;
    assert_eq!(gist(&item), went_wrong("CAPTURE", 5_001, exceeds));
    assert_eq!(gist(&done(shop, &hook, &card, "captures", &amount(5_000)).await), went_well("CAPTURE", 5_000));
    assert_eq!(books(shop, &order, 0).await, [8_000, 5_000, 3_000, 0]);
}

async fn what_is_being_captured_is_not_freed(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let (order, card) = sell_by_card(shop, &hook, CAPTURE_PENDING).await;
    take(shop, &card, "captures", &amount(5_000)).await;
    let less = "Amount is less than what is captured or being processed, amount update not possible";
    let first = take(shop, &card, UPDATES, &amount(4_999)).await;
    let second = take(shop, &card, UPDATES, &amount(5_000)).await;
    shop.settle().await;
    let mut told = told(&hook);
    told.sort_by_key(|item| item["success"].to_string());
    assert_eq!((&told[0]["pspReference"], &told[1]["pspReference"]), (&json!(first), &json!(second)));
    let expected = [went_wrong("AUTHORISATION_ADJUSTMENT", 4_999, less), went_well("AUTHORISATION_ADJUSTMENT", 5_000)];
    assert_eq!(told.iter().map(gist).collect::<Vec<_>>(), expected);
    shop.pass(Duration::from_secs(5)).await;
    assert_eq!(gists(&hook), [went_well("CAPTURE", 5_000)]);
    assert_eq!(books(shop, &order, 0).await, [8_000, 5_000, 3_000, 0]);
}

async fn pay(shop: &Shop, hook: &Hook, value: u64, method: Value) -> (Value, String) {
    let paid = shop.post("/v72/payments", &payment(None, value, method)).await;
    assert_eq!(paid.text_at("/resultCode"), "Authorised", "{}", paid.text);
    shop.settle().await;
    hook.take();
    let reference = paid.text_at("/pspReference");
    (order_of(&reference), reference)
}

async fn a_payment_without_an_order_grows_as_far_as_its_partner_lets_it(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let (order, visa) = pay(shop, &hook, 8_000, card(VISA)).await;
    for value in [12_000, 9_000, 9_001] {
        let item = done(shop, &hook, &visa, UPDATES, &amount(value)).await;
        assert_eq!(gist(&item), went_well("AUTHORISATION_ADJUSTMENT", value));
    }
    let shown = shop.order(&order).await;
    assert_eq!((&shown["amount"], &shown["success"]), (&euro(12_001), &json!(true)), "its order grows with it");
    assert_eq!(books(shop, &order, 0).await, [12_001, 0, 3_000, 0]);
    assert_eq!(gist(&done(shop, &hook, &visa, "captures", &amount(9_001)).await), went_well("CAPTURE", 9_001));

    let (order, givex) = pay(shop, &hook, 2_000, gift_card()).await;
    let item = done(shop, &hook, &givex, UPDATES, &amount(5_000)).await;
    assert_eq!((gist(&item), shop.gift_card_balance().await), (went_well("AUTHORISATION_ADJUSTMENT", 5_000), 0));
    take(shop, &givex, UPDATES, &amount(5_001)).await;
    assert_eq!(shop.state(&order).await.amount.minor(), 5_001, "until it is known");
    shop.settle().await;
    assert_eq!(gists(&hook), [went_wrong("AUTHORISATION_ADJUSTMENT", 5_001, "Not enough balance")]);
    let shown = shop.order(&order).await;
    assert_eq!((&shown["amount"], &shown["payments"][0]["amount"]), (&euro(5_000), &euro(5_000)));
    assert_eq!((books(shop, &order, 0).await, shop.gift_card_balance().await), ([5_000, 0, 0, 0], 0));
    assert_eq!(
        gist(&done(shop, &hook, &givex, UPDATES, &amount(500)).await),
        went_well("AUTHORISATION_ADJUSTMENT", 500)
    );
    assert_eq!((shop.gift_card_balance().await, shop.next_job()), (4_500, None));
}

async fn what_the_gift_card_does_not_have_stays_to_be_paid(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let order = shop.open_order(10_000).await.order();
    let paid = shop.pay_gift_card(&order, 2_000).await;
    shop.settle().await;
    hook.take();
    take(shop, &paid.text_at("/pspReference"), UPDATES, &amount(5_001)).await;
    assert_eq!(shop.state(&order).await.remaining, 4_999);
    shop.settle().await;
    assert_eq!(gists(&hook), [went_wrong("AUTHORISATION_ADJUSTMENT", 5_001, "Not enough balance")]);
    let shown = shop.order(&order).await;
    assert_eq!((&shown["remainingAmount"], &shown["payments"][0]["amount"]), (&euro(8_000), &euro(2_000)));
    let paid = shop.pay_card(&fresh(shop, &order).await, 8_000, VISA).await;
    assert_eq!(paid.text_at("/resultCode"), "Authorised");
    assert_eq!((&shop.order(&order).await["success"], shop.gift_card_balance().await), (&json!(true), 3_000));
}

async fn nobody_pays_what_is_being_added_to_another_payment(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    for _ in 0..16 {
        let (order, card) = sell_in_part(shop, &hook).await;
        let larger = amount(10_000);
        let (updated, paid) = tokio::join!(shop.modify(&card, UPDATES, &larger), shop.pay_card(&order, 4_000, VISA));
        taken(&updated);
        shop.settle().await;
        let is_updated = gists(&hook).contains(&went_well("AUTHORISATION_ADJUSTMENT", 10_000));
        let is_paid = |paid: &Answer| paid.text_at("/resultCode") == "Authorised";
        assert_ne!(is_updated, is_paid(&paid), "one of them: {}", paid.text);
        let state = shop.state(&order).await;
        assert_eq!((state.covered(), state.remaining), (10_000, 0));
        assert!(state.closed.is_some_and(|closed| closed.is_success()));
    }
}

crate::on_both_stores!(
    a_smaller_amount_frees_the_rest,
    its_answer_always_has_a_reference,
    a_larger_amount_is_set_aside_at_once,
    an_order_whose_payment_grows_to_all_of_it_is_paid,
    what_cannot_be_is_taken_and_told_and_moves_nothing,
    a_payment_does_not_grow_when_its_order_has_expired,
    an_order_that_was_paid_does_not_grow_and_may_shrink,
    what_is_being_captured_is_not_freed,
    a_payment_without_an_order_grows_as_far_as_its_partner_lets_it,
    what_the_gift_card_does_not_have_stays_to_be_paid,
    nobody_pays_what_is_being_added_to_another_payment,
);
