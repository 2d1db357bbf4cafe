//! Credit as a part of an order, beside a gift card and a card.

use serde_json::{Value, json};
use tests::{
    hook::Hook,
    lender::{CUSTOMER, Lender, OTHER, in_parts, of, trusting},
    shop::{Answer, Shop, euro, payment},
};

const VISA: &str = "4111111111111111";

/// Credit of a customer.
fn credit(more: &Value) -> Value {
    let mut method = json!({ "type": "credit", "customerRef": CUSTOMER });
    method.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    method
}

async fn pay(shop: &Shop, order: &Value, value: u64, method: Value) -> Answer {
    shop.post("/v72/payments", &payment(Some(order), value, method)).await
}

async fn a_gift_card_credit_and_a_card_pay_one_order(shop: &Shop) {
    let lender = Lender::open(shop, &in_parts()).await;
    let hook = Hook::create(shop, "checkout").await;
    let token = lender.initiate(&of(6_000)).await.text_at("/scaToken");
    lender.authenticate(&token).await;

    let order = shop.open_order(10_000).await.order();
    let gift = shop.pay_gift_card(&order, 2_000).await;
    let option = lender.option(CUSTOMER, "twelve");
    let method = credit(&json!({ "spendOptionId": option, "scaToken": token }));
    let part = pay(shop, &gift.order(), 6_000, method).await;
    assert_eq!(part.text_at("/resultCode"), "Authorised", "{}", part.text);
    assert_eq!(part.at("/paymentMethod"), json!({ "type": "credit", "brand": "credit" }));
    assert_eq!(part.at("/order/remainingAmount/value"), 2_000);
    assert_eq!(lender.books().await, (94_000, 6_000, 0));
    let last = shop.pay_card(&part.order(), 2_000, VISA).await;
    assert_eq!(last.text_at("/resultCode"), "Authorised");

    let shown = shop.order(&order).await;
    assert_eq!((&shown["status"], &shown["reason"]), (&json!("closed"), &json!("paid")), "{shown:#}");
    let split = shown["payments"].as_array().unwrap().iter();
    let split = split.map(|part| (part["paymentMethod"]["type"].clone(), part["authorisedAmount"]["value"].clone()));
    let expected = [("giftcard", 2_000), ("credit", 6_000), ("scheme", 2_000)];
    assert_eq!(split.collect::<Vec<_>>(), expected.map(|(kind, value)| (json!(kind), json!(value))));

    // Captured, and partly given back, through the order's own families.
    let reference = part.text_at("/pspReference");
    let captured = shop.modify(&reference, "captures", &json!({ "amount": euro(6_000) })).await;
    assert_eq!(captured.status, 201, "{}", captured.text);
    shop.settle().await;
    assert_eq!(lender.books().await, (94_000, 0, 6_000));
    let refunded = shop.modify(&reference, "refunds", &json!({ "amount": euro(2_500) })).await;
    assert_eq!(refunded.status, 201, "{}", refunded.text);
    shop.settle().await;
    assert_eq!(lender.books().await, (96_500, 0, 3_500));
    let told = hook.take_events();
    let whole = told.iter().filter(|event| event.starts_with("ORDER_CLOSED")).count();
    assert_eq!(whole, 1, "{told:?}");
    let refund = told.iter().filter(|event| event.starts_with("REFUND")).count();
    assert_eq!(refund, 1, "{told:?}");
}

async fn an_order_that_is_cancelled_half_way_holds_nothing(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let before = shop.gift_card_balance().await;
    let order = shop.open_order(10_000).await.order();
    let gift = shop.pay_gift_card(&order, 2_000).await;
    let part = pay(shop, &gift.order(), 6_000, credit(&json!({}))).await;
    assert_eq!(part.text_at("/resultCode"), "Authorised", "{}", part.text);
    assert_eq!(lender.books().await, (94_000, 6_000, 0));
    assert_eq!(shop.cancel(&part.order()).await.status, 200);
    shop.settle().await;
    assert_eq!(lender.books().await, (100_000, 0, 0), "all of the limit can be spent again");
    assert_eq!(shop.gift_card_balance().await, before);
    let shown = shop.order(&order).await;
    assert_eq!((&shown["status"], &shown["reason"]), (&json!("closed"), &json!("cancelled")), "{shown:#}");
}

async fn an_order_that_expires_holds_nothing(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let time = std::time::Duration::from_secs(600);
    let order = shop.open_order_for(10_000, time).await.order();
    pay(shop, &order, 6_000, credit(&json!({}))).await;
    assert_eq!(lender.books().await, (94_000, 6_000, 0));
    shop.pass(time * 2).await;
    assert_eq!(lender.books().await, (100_000, 0, 0));
}

/// What the lender's own endpoints do with a part of an order is seen in the order.
async fn a_part_is_settled_and_refunded_by_the_lenders_own_endpoints(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let order = shop.open_order(6_000).await.order();
    let part = pay(shop, &order, 6_000, credit(&json!({}))).await;
    let id = tests::lender::reference(&part.text_at("/pspReference")).to_uuid().to_string();
    let settled = lender.of(&id, "settle", 1, 4_000).await;
    assert_eq!(settled.status, 200, "{}", settled.text);
    let reversed = lender.of(&id, "reverse", 2, 2_000).await;
    assert_eq!(reversed.at("/remainingFloat/value"), json!(0.0));
    assert_eq!(lender.refund(&settled.text_at("/transactionId"), 3, 1_000).await.status, 200);
    let shown = shop.order(&order).await;
    let books = ["authorisedAmount", "capturedAmount", "cancelledAmount", "refundedAmount"];
    let books = books.map(|name| shown["payments"][0][name]["value"].as_u64().unwrap());
    assert_eq!(books, [6_000, 4_000, 2_000, 1_000]);
    assert_eq!(lender.books().await, (97_000, 0, 3_000));
}

/// Of a capture over a whole order, the part that credit paid is a transaction of its customer.
async fn a_capture_of_a_whole_order_is_refunded_as_far_as_it_is_credit(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let till = tests::payments::Till::open(shop).await;
    let order = shop.open_order(10_000).await.order();
    let gift = shop.pay_gift_card(&order, 2_000).await;
    pay(shop, &gift.order(), 8_000, credit(&json!({}))).await;
    let id = tests::lender::reference(order["pspReference"].as_str().unwrap()).to_uuid().to_string();
    let captured = till.operate(&id, "captures", &json!({ "amount": 7_000 })).await;
    let transaction = captured["captures"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(lender.books().await, (92_000, 3_000, 5_000), "5.00 of 7.00 more than the gift card had");
    let beyond = lender.refund(&transaction, 1, 5_001).await;
    assert_eq!((beyond.status, beyond.text_at("/code")), (422, "amount_not_available".to_owned()));
    assert_eq!(lender.refund(&transaction, 2, 5_000).await.status, 200);
    assert_eq!(lender.books().await, (97_000, 3_000, 0));
}

/// Of a capture that took from two customers, or twice from one, each gets back what is theirs.
async fn a_capture_of_several_parts_on_credit_is_refunded_part_by_part(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let till = tests::payments::Till::open(shop).await;
    let order = shop.open_order(10_000).await.order();
    let mut part = pay(shop, &order, 3_000, credit(&json!({}))).await;
    part = pay(shop, &part.order(), 4_000, json!({ "type": "credit", "customerRef": OTHER })).await;
    part = pay(shop, &part.order(), 3_000, credit(&json!({}))).await;
    assert_eq!(part.text_at("/resultCode"), "Authorised", "{}", part.text);
    let id = tests::lender::reference(order["pspReference"].as_str().unwrap()).to_uuid().to_string();
    let captured = till.operate(&id, "captures", &json!({})).await;
    let transaction = captured["captures"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(lender.books().await, (94_000, 0, 6_000));
    let others = format!("/{OTHER}/transaction/{transaction}/refund");
    assert_eq!(lender.keyed(&others, 1, &of(4_000)).await.status, 200);
    assert_eq!(lender.keyed(&others, 2, &of(1)).await.text_at("/code"), "nothing_available");
    for number in [3, 4] {
        assert_eq!(lender.refund(&transaction, number, 3_000).await.status, 200, "one part after the other");
    }
    assert_eq!(lender.refund(&transaction, 5, 1).await.text_at("/code"), "nothing_available");
    assert_eq!(lender.books().await, (100_000, 0, 0));
    assert_eq!(lender.account(OTHER).await.outstanding(), 0);
}

/// Two shipments took from the same payment: what is left of each is what that one took.
async fn each_shipment_is_refunded_of_what_it_took(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let till = tests::payments::Till::open(shop).await;
    let order = shop.open_order(20_000).await.order();
    let first = pay(shop, &order, 10_000, credit(&json!({}))).await;
    let second = pay(shop, &first.order(), 10_000, credit(&json!({}))).await;
    assert_eq!(second.text_at("/resultCode"), "Authorised", "{}", second.text);
    let id = tests::lender::reference(order["pspReference"].as_str().unwrap()).to_uuid().to_string();
    // 50.00 of the first payment; then 50.00 of the first and 100.00 of the second.
    till.operate(&id, "captures", &json!({ "amount": 5_000 })).await;
    let captured = till.operate(&id, "captures", &json!({ "amount": 15_000 })).await;
    let shipment = captured["captures"][1]["id"].as_str().unwrap().to_owned();
    for (number, minor) in [(1, 5_000), (2, 4_000), (3, 6_000)] {
        let refunded = lender.refund(&shipment, number, minor).await;
        assert_eq!(refunded.status, 200, "{minor}: {}", refunded.text);
    }
    assert_eq!(lender.refund(&shipment, 4, 1).await.text_at("/code"), "nothing_available");
    assert_eq!(lender.books().await, (95_000, 0, 5_000), "what the first shipment took");
}

async fn what_credit_comes_with_is_checked_before_anything_is_begun(shop: &Shop) {
    let lender = Lender::open(shop, &in_parts()).await;
    let order = shop.open_order(10_000).await.order();
    let mine = lender.initiate(&of(6_000)).await.text_at("/scaToken");
    let theirs = lender.post(&format!("/{OTHER}/initiate"), &of(6_000)).await.text_at("/scaToken");
    let none = "00000000-0000-8000-8000-000000000000";
    let cases: [(Value, u16, &str, &str); 9] = [
        (json!({ "type": "credit" }), 422, "130", "'paymentMethod.customerRef'"),
        (json!({ "type": "credit", "customerRef": "" }), 422, "702", "1 to 64 characters, got 0"),
        (
            json!({ "type": "credit", "customerRef": "nobody" }),
            422,
            "14_007",
            "'paymentMethod.customerRef' is not valid",
        ),
        (credit(&json!({ "spendOptionId": "twelve" })), 422, "702", "'paymentMethod.spendOptionId'"),
        (credit(&json!({ "spendOptionId": none })), 422, "spend_option_unknown", "'paymentMethod.spendOptionId'"),
        (credit(&json!({ "scaToken": "abc" })), 403, "authentication_invalid", "'paymentMethod.scaToken'"),
        (credit(&json!({ "scaToken": theirs })), 403, "authentication_invalid", "another customer's"),
        (credit(&json!({ "scaToken": mine })), 403, "authentication_invalid", "'paymentMethod.scaToken'"),
        (credit(&json!({})), 403, "authentication_required", "has to authenticate"),
    ];
    for (method, status, code, said) in cases {
        let answer = pay(shop, &order, 6_000, method.clone()).await;
        assert_eq!((answer.status, answer.text_at("/errorCode").as_str()), (status, code), "{method}: {}", answer.text);
        assert!(answer.text_at("/message").contains(said), "{method}: {}", answer.text);
    }
    assert!(shop.state(&order).await.payments.is_empty(), "no attempt is used up");
    // What the limit does not take is refused as a card is.
    lender.agree(&trusting()).await;
    let large = shop.open_order(200_000).await.order();
    let refused = pay(shop, &large, 100_001, credit(&json!({}))).await;
    assert_eq!(refused.text_at("/resultCode"), "Refused", "{}", refused.text);
    assert_eq!(refused.text_at("/refusalReason"), "Not enough balance");
}

async fn a_payment_that_comes_again_is_answered_as_it_was(shop: &Shop) {
    let lender = Lender::open(shop, &in_parts()).await;
    let token = lender.initiate(&of(6_000)).await.text_at("/scaToken");
    lender.authenticate(&token).await;
    for order in [Some(shop.open_order(10_000).await.order()), None] {
        let token = if order.is_some() {
            token.clone()
        } else {
            let token = lender.initiate(&of(6_000)).await.text_at("/scaToken");
            lender.authenticate(&token).await;
            token
        };
        let key = if order.is_some() { "first" } else { "second" };
        let body = payment(order.as_ref(), 6_000, credit(&json!({ "scaToken": token })));
        let paid = shop.post_keyed("/v72/payments", key, &body).await;
        assert_eq!(paid.text_at("/resultCode"), "Authorised", "{}", paid.text);
        // Its authentication is used up, and still the first answer counts.
        let again = shop.post_keyed("/v72/payments", key, &body).await;
        assert_eq!((again.status, &again.text), (200, &paid.text));
        let other = shop.post_keyed("/v72/payments", "third", &body).await;
        assert_eq!((other.status, other.text_at("/errorCode")), (403, "authentication_invalid".to_owned()));
    }
    assert_eq!(lender.books().await, (88_000, 12_000, 0));
}

crate::on_both_stores!(
    a_gift_card_credit_and_a_card_pay_one_order,
    an_order_that_is_cancelled_half_way_holds_nothing,
    an_order_that_expires_holds_nothing,
    a_part_is_settled_and_refunded_by_the_lenders_own_endpoints,
    a_capture_of_a_whole_order_is_refunded_as_far_as_it_is_credit,
    a_capture_of_several_parts_on_credit_is_refunded_part_by_part,
    each_shipment_is_refunded_of_what_it_took,
    what_credit_comes_with_is_checked_before_anything_is_begun,
    a_payment_that_comes_again_is_answered_as_it_was,
);
