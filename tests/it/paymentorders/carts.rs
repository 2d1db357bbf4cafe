//! A cart that changes after a part of it was paid (an issue of adyen-web, 3713): the order was opened by the checkout
//! family, a gift card has paid a part, and then the shopper adds or removes things.

use serde_json::{Value, json};
use tests::shop::{Answer, Shop, card, payment};

use super::{Desk, VISA, deeds, item, problem, update};

/// An order over 30.00 EUR of which 10.00 were paid by a gift card: its path here, and its token.
async fn started(shop: &Shop) -> (String, Value) {
    let opened = shop.open_order(3_000).await;
    let paid = shop.pay_gift_card(&opened.order(), 1_000).await;
    assert_eq!(paid.status, 200, "{}", paid.text);
    let id = shop.order(&opened.order()).await["id"].as_str().unwrap().to_owned();
    (format!("/psp/paymentorders/{id}"), paid.order())
}

fn items(amount: i64) -> Value {
    json!([item("P1", amount - 400, 0), item("P2", 400, 0)])
}

async fn pays_rest(shop: &Shop, stale: &Value, rest: u64) -> Answer {
    let refused = shop.pay_card(stale, rest, VISA).await;
    assert_eq!(refused.error(), (422, "order_data_stale".to_owned()), "{}", refused.text);
    assert!(refused.text_at("/message").contains("has changed since this token was made"), "{}", refused.text);
    let shown = shop.order(stale).await;
    assert_eq!(shown["remainingAmount"]["value"], rest);
    let fresh = json!({ "pspReference": shown["pspReference"], "orderData": shown["orderData"] });
    let too_much = shop.post("/v72/payments", &payment(Some(&fresh), rest + 1, card(VISA))).await;
    assert_eq!(too_much.status, 422, "{}", too_much.text);
    shop.pay_card(&fresh, rest, VISA).await
}

async fn a_cart_that_grows_or_shrinks_is_paid_with_a_new_token(shop: &Shop) {
    for (amount, rest) in [(4_500, 3_500), (1_800, 800)] {
        let desk = Desk::new(shop, "3.1");
        let (id, stale) = started(shop).await;
        let read = desk.read(&id).await;
        assert_eq!(deeds(&read), ["update-order", "abort"], "it is no purchase of this family");
        assert_eq!(read.at("/paymentorder/urls"), Value::Null, "what it lacks is left out");
        let answer = desk.update(&id, &update(amount, 0, &items(amount))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.at("/paymentorder/amount"), amount);
        assert_eq!(desk.read(&id).await.text, answer.text);
        let paid = pays_rest(shop, &stale, rest).await;
        assert_eq!(paid.text_at("/resultCode"), "Authorised");
        assert_eq!(paid.at("/order/remainingAmount/value"), 0);
        let closed = shop.order(&stale).await;
        assert_eq!((&closed["status"], &closed["reason"]), (&json!("closed"), &json!("paid")));
        // And captured by its items here.
        let read = desk.read(&id).await;
        assert_eq!(
            (read.text_at("/paymentorder/status"), deeds(&read)),
            ("Paid".into(), vec!["capture".into(), "cancel".into()])
        );
        let body = super::transaction_of("cart-1", 400, 0, &json!([item("P2", 400, 0)]));
        let captured = desk.capture(&id, &body).await;
        assert_eq!(captured.status, 200, "{}", captured.text);
    }
}

async fn a_cart_that_comes_to_what_is_paid_is_paid(shop: &Shop) {
    let desk = Desk::new(shop, "2.0");
    let (id, order) = started(shop).await;
    let before = shop.order(&order).await;
    let less = desk.update(&id, &update(900, 0, &items(900))).await;
    assert_eq!(problem(&less), (400, "amount_below_paid".to_owned(), "amount".to_owned()), "{}", less.text);
    let text = less.text_at("/problems/0/description");
    assert!(text.contains("1000") && text.contains("900"), "{text}");
    assert_eq!(shop.order(&order).await, before, "nothing has changed");
    let exact = desk.update(&id, &update(1_000, 0, &items(1_000))).await;
    assert_eq!(exact.status, 200, "{}", exact.text);
    let closed = shop.order(&order).await;
    assert_eq!((&closed["status"], &closed["reason"]), (&json!("closed"), &json!("paid")));
    assert_eq!(deeds(&desk.read(&id).await), ["create-paymentorder-capture", "create-paymentorder-cancel"]);
    let late = desk.update(&id, &update(2_000, 0, &items(2_000))).await;
    assert_eq!(problem(&late).1, "order_closed");
}

/// While a part is under way, what is to be paid cannot change.
async fn a_cart_does_not_change_under_a_payment(shop: &Shop) {
    let desk = Desk::new(shop, "3.1");
    let (id, order) = started(shop).await;
    shop.redirect(Some(&order), 2_000, &json!({})).await;
    let answer = desk.update(&id, &update(4_000, 0, &items(4_000))).await;
    assert_eq!(problem(&answer), (403, "operation_in_flight".to_owned(), String::new()));
    assert_eq!(deeds(&desk.read(&id).await), ["abort-paymentattempt"]);
    assert_eq!(desk.patch(&id, &super::abort_attempt()).await.status, 200);
    // An attempt that was given up keeps nothing from changing: the shopper goes back to the cart.
    assert_eq!(deeds(&desk.read(&id).await), ["update-order", "abort"]);
    let answer = desk.update(&id, &update(4_000, 0, &items(4_000))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(pays_rest(shop, &order, 3_000).await.text_at("/resultCode"), "Authorised");
}

/// A client session is read, and its amount and items replaced, like any other order.
async fn a_client_session_is_updated_too(shop: &Shop) {
    let till = tests::payments::Till::open(shop).await;
    let session = till.session(&tests::payments::session_of(2_000)).await;
    let id = format!("/psp/paymentorders/{}", session.text_at("/id"));
    let desk = Desk::new(shop, "3.1");
    let answer = desk.update(&id, &update(2_500, 500, &items_of_tax(2_500, 500))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(till.get(&format!("/payment/v2/client-sessions/{}", session.text_at("/id"))).await.at("/amount"), 2_500);
    assert_eq!(desk.get(&format!("{id}/urls")).await.status, 404, "nobody told them");
    let items = desk.part(&id, "orderitems").await;
    assert_eq!(items["orderItemList"][0]["vatAmount"], 500);
}

fn items_of_tax(amount: i64, tax: i64) -> Value {
    json!([item("P1", amount, tax)])
}

crate::on_both_stores!(
    a_cart_that_grows_or_shrinks_is_paid_with_a_new_token,
    a_cart_that_comes_to_what_is_paid_is_paid,
    a_cart_does_not_change_under_a_payment,
    a_client_session_is_updated_too,
);
