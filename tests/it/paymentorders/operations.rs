//! Captures, cancellations and reversals: what was asked twice, what was too much, what was declined, and what is
//! not known yet.

use std::time::Duration;

use serde_json::json;
use tests::shop::Shop;

use super::{
    CAPTURE_DECLINED, CAPTURE_PENDING, Desk, REFUND_DECLINED, VISA, cancellation, deeds, item, pay_in_parts, problem,
    purchase, remaining, transaction, transaction_of, with,
};

/// The same request with the same reference is done once, and answered with the same bytes; another is refused.
async fn what_was_asked_before_is_answered_again(shop: &Shop) {
    for version in ["2.0", "3.0", "3.1"] {
        let desk = Desk::new(shop, version);
        let named = |name: &str| format!("{name}-{}", version.replace('.', ""));
        let body = purchase(&named("again"));
        let opened = desk.post(super::ORDERS, &body).await;
        let id = opened.text_at("/paymentorder/id");
        shop.clock.advance(Duration::from_secs(1));
        assert_eq!(desk.post(super::ORDERS, &body).await.text, opened.text);
        let other = with(body.clone(), "/paymentorder/description", &json!("Another"));
        let answer = desk.post(super::ORDERS, &other).await;
        assert_eq!(problem(&answer), (409, "idempotency_key_reused".into(), "payeeInfo.payeeReference".into()));
        pay_in_parts(shop, &id, VISA).await;
        assert_eq!(desk.post(super::ORDERS, &body).await.text, opened.text, "also when it is paid");

        let items = json!([item("P1", 600, 150)]);
        let capture = transaction_of("same", 600, 150, &items);
        let captured = desk.capture(&id, &capture).await;
        assert_eq!(captured.status, 200, "{}", captured.text);
        shop.clock.advance(Duration::from_secs(1));
        assert_eq!(desk.capture(&id, &capture).await.text, captured.text);
        let other = with(capture.clone(), "/transaction/vatAmount", &json!(0));
        let answer = desk.capture(&id, &other).await;
        assert_eq!(problem(&answer), (409, "idempotency_key_reused".into(), "transaction.payeeReference".into()));
        // More than there is: put on record, and answered again.
        let much = transaction("much", 901, 0);
        let exceeded = desk.capture(&id, &much).await;
        assert_eq!(problem(&exceeded), (400, "amount_not_available".into(), "Transaction.Amount".into()));
        let text = exceeded.text_at("/problems/0/description");
        assert!(text.contains("901") && text.contains("900"), "expected and actual: {text}");
        // A reference counts for its kind.
        let reversed = desk.reverse(&id, &transaction("same", 100, 25)).await;
        assert_eq!(reversed.status, 200, "{}", reversed.text);
        let cancelled = desk.cancel(&id, "same").await;
        assert_eq!(cancelled.status, 200, "{}", cancelled.text);
        let rest = desk.reverse(&id, &transaction("rest", 500, 125)).await;
        assert_eq!(rest.status, 200, "{}", rest.text);
        assert_eq!(deeds(&desk.read(&id).await), [""; 0]);
        // All of it again, when none of it could be done any more.
        let before = shop.engine.app.find(&tests::shop::order_key(&super::checkout(shop, &id).await)).await.unwrap();
        assert_eq!(desk.capture(&id, &capture).await.text, captured.text);
        assert_eq!(desk.capture(&id, &much).await.text, exceeded.text);
        assert_eq!(desk.reverse(&id, &transaction("same", 100, 25)).await.text, reversed.text);
        assert_eq!(desk.cancel(&id, "same").await.text, cancelled.text);
        assert_eq!(desk.reverse(&id, &transaction("rest", 500, 125)).await.text, rest.text);
        let after = shop.engine.app.find(&tests::shop::order_key(&super::checkout(shop, &id).await)).await.unwrap();
        assert_eq!(after.version, before.version);
    }
}

/// Five that fail one after another lock the order; one that succeeds begins the count anew.
async fn five_failures_in_a_row_lock(shop: &Shop) {
    let desk = Desk::new(shop, "3.1");
    let id = desk.sell("lock-1", VISA).await;
    let fails = async |name: &str, code: &str| {
        let answer = desk.capture(&id, &transaction(name, 9_999, 0)).await;
        assert_eq!(answer.text_at("/code"), code, "{}", answer.text);
        answer.status
    };
    for count in 0..4 {
        assert_eq!(fails(&format!("a{count}"), "amount_not_available").await, 400);
    }
    assert_eq!(desk.capture(&id, &transaction("ok", 100, 25)).await.status, 200);
    // What could not be read, was not offered, or came again is no failure.
    for count in 0..5 {
        assert_eq!(desk.capture(&id, &transaction(&format!("x{count}"), 0, 0)).await.status, 400);
        assert_eq!(fails("a0", "amount_not_available").await, 400);
    }
    let unknown = json!([item("P7", 100, 25)]);
    for count in 0..5 {
        let answer = desk.capture(&id, &transaction_of(&format!("u{count}"), 100, 25, &unknown)).await;
        let field = "transaction.orderItems[0].reference".to_owned();
        assert_eq!(problem(&answer), (400, "line_unknown".to_owned(), field));
    }
    for count in 0..5 {
        assert_eq!(deeds(&desk.read(&id).await).len(), 3, "not yet, after {count}");
        assert_eq!(fails(&format!("b{count}"), "amount_not_available").await, 400);
    }
    let locked = desk.read(&id).await;
    assert_eq!((locked.text_at("/paymentOrder/status"), deeds(&locked)), (String::new(), Vec::new()));
    assert_eq!(fails("c0", "order_locked").await, 403);
    assert_eq!(desk.cancel(&id, "c1").await.text_at("/code"), "order_locked");
    assert_eq!(desk.reverse(&id, &transaction("c2", 100, 25)).await.text_at("/code"), "order_locked");
    assert_eq!(fails("b4", "amount_not_available").await, 400, "and is answered again");
    let list = desk.part(&id, "postpurchasefailedattempts").await;
    assert_eq!(list["postpurchaseFailedAttemptList"].as_array().unwrap().len(), 9);
    let history = desk.part(&id, "history").await;
    let names = history["historyList"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap());
    assert_eq!(names.filter(|name| *name == "PaymentCapturedFailed").count(), 9);
}

/// What whoever holds the money declines is an error, with nothing moved; it counts, too.
async fn what_is_declined_is_told(shop: &Shop) {
    let desk = Desk::new(shop, "3.1");
    let id = desk.sell("declined-1", CAPTURE_DECLINED).await;
    let body = transaction("d0", 500, 125);
    let declined = desk.capture(&id, &body).await;
    assert_eq!(problem(&declined), (403, "operation_declined".into(), "ExternalResponse".into()));
    assert!(declined.text_at("/type").ends_with("/acquirererror"), "{}", declined.text);
    assert_eq!(desk.capture(&id, &body).await.text, declined.text);
    let read = desk.read(&id).await;
    assert_eq!(remaining(&read.at("/paymentorder")), [1_500, 1_500, 0]);
    let list = desk.part(&id, "postpurchasefailedattempts").await;
    let failed = &list["postpurchaseFailedAttemptList"][0];
    assert_eq!(
        (&failed["type"], &failed["amount"], &failed["payeeReference"]),
        (&json!("Capture"), &json!(500), &json!("d0"))
    );
    assert_eq!(failed["problem"]["problems"][0]["name"], "ExternalResponse");
    for count in 1..5 {
        assert_eq!(desk.capture(&id, &transaction(&format!("d{count}"), 500, 125)).await.status, 403);
    }
    assert_eq!(desk.cancel(&id, "d9").await.text_at("/code"), "order_locked");

    // Of two parts, one is declined: the other was done, and that is what is told.
    let desk = Desk::new(shop, "3.0");
    let id = desk.open(&purchase("declined-2")).await;
    pay_in_parts(shop, &id, CAPTURE_DECLINED).await;
    let items = json!([item("P1", 1_000, 150), item("P2", 500, 50)]);
    let partly = desk.capture(&id, &transaction_of("p0", 1_500, 200, &items)).await;
    assert_eq!((partly.status, partly.at("/capture/transaction/amount")), (200, json!(500)), "{}", partly.text);
    // With its share of the tax; which items it was done for nobody can say.
    assert_eq!(partly.at("/capture/transaction/vatAmount"), 67, "{}", partly.text);
    let told = desk.part(&id, "financialTransactions").await["financialTransactionsList"][2].clone();
    assert_eq!(
        (&told["amount"], &told["vatAmount"], told.get("orderItems")),
        (&json!(500), &json!(67), None),
        "{told}"
    );
    assert_eq!(remaining(&desk.read(&id).await.at("/paymentorder")), [1_000, 1_000, 500]);
    let list = desk.part(&id, "postPurchaseFailedAttempts").await;
    assert_eq!(list["postpurchaseFailedAttemptList"][0]["amount"], 1_000);

    let id = desk.sell("declined-3", REFUND_DECLINED).await;
    assert_eq!(desk.capture(&id, &transaction("q0", 1_500, 375)).await.status, 200);
    let declined = desk.reverse(&id, &transaction("q1", 1_500, 375)).await;
    assert_eq!(problem(&declined).1, "operation_declined");
    let history = desk.part(&id, "history").await;
    let last = history["historyList"].as_array().unwrap().last().cloned().unwrap();
    assert_eq!(last["name"], "PaymentReversedFailed");
}

/// As long as the outcome is not known, nothing else is offered: 202, and then what it came to.
async fn what_is_not_known_yet_blocks(shop: &Shop) {
    for version in ["2.0", "3.0", "3.1"] {
        let desk = Desk::new(shop, version);
        let id = desk.sell(&format!("pending-{}", version.replace('.', "")), CAPTURE_PENDING).await;
        let body = transaction("w0", 500, 125);
        let taken = desk.capture(&id, &body).await;
        assert_eq!(taken.status, 202, "{}", taken.text);
        if version == "3.1" {
            assert_eq!(deeds(&taken), [""; 0]);
            assert_eq!(remaining(&taken.at("/paymentOrder")), [1_000, 1_000, 0]);
        } else {
            assert_eq!(taken.text_at("/capture/transaction/state"), "Initialized");
        }
        let read = desk.read(&id).await;
        assert_eq!(deeds(&read), [""; 0]);
        if version == "2.0" {
            assert_eq!(read.text_at("/paymentorder/state"), "Pending");
        }
        assert_eq!(desk.capture(&id, &body).await.status, 202);
        assert_eq!(desk.capture(&id, &transaction("w1", 500, 125)).await.text_at("/code"), "operation_in_flight");
        assert_eq!(desk.cancel(&id, "w2").await.text_at("/code"), "operation_in_flight");
        shop.pass(Duration::from_secs(10)).await;
        let done = desk.capture(&id, &body).await;
        assert_eq!(done.status, 200, "{}", done.text);
        assert_eq!(remaining(&desk.read(&id).await.at("/paymentorder")), [1_000, 1_000, 500]);
    }
}

/// A reversal and a cancellation whose partner does not answer are taken too.
#[tokio::test]
async fn reversals_and_cancellations_may_be_uncertain() {
    let shop = Shop::open(tests::shop::On::Embedded).await;
    let desk = Desk::new(&shop, "2.0");
    let id = desk.open(&purchase("uncertain-1")).await;
    super::pay(&shop, &id, &[(1_500, tests::shop::gift_card())]).await;
    assert_eq!(desk.capture(&id, &transaction("u0", 500, 125)).await.status, 200);
    for (what, body) in [("reversals", transaction("u1", 500, 125)), ("cancellations", cancellation("u2"))] {
        shop.faults.break_streams(Some("giftcard-"));
        let taken = desk.post(&format!("{id}/{what}"), &body).await;
        assert_eq!(taken.status, 202, "{}", taken.text);
        shop.faults.break_streams(None);
        shop.pass(Duration::from_secs(60)).await;
        let done = desk.post(&format!("{id}/{what}"), &body).await;
        assert_eq!(done.status, 200, "{}", done.text);
    }
}

/// An item is captured once: across captures, and over all lines of one reference.
async fn items_are_captured_and_reversed_once(shop: &Shop) {
    let desk = Desk::new(shop, "3.1");
    let items = json!([item("P1", 600, 150), item("P1", 400, 100), item("P2", 500, 125)]);
    let id = desk.open(&super::purchase_of("items-1", 1_500, 375, &items)).await;
    super::pay(shop, &id, &[(1_500, tests::shop::card(VISA))]).await;
    let of = |name: &str, amount: i64, tax: i64| transaction_of(name, amount, tax, &json!([item("P1", amount, tax)]));
    assert_eq!(desk.capture(&id, &of("i0", 700, 175)).await.status, 200, "over both lines");
    let much = desk.capture(&id, &of("i1", 301, 75)).await;
    assert_eq!(problem(&much), (400, "amount_not_available".into(), "Transaction.Amount".into()));
    let text = much.text_at("/problems/0/description");
    assert!(text.contains("300") && text.contains("301"), "{text}");
    assert_eq!(desk.capture(&id, &of("i1", 301, 75)).await.text, much.text);
    assert_eq!(desk.capture(&id, &of("i2", 300, 75)).await.status, 200);
    assert_eq!(desk.reverse(&id, &of("i3", 1_001, 0)).await.status, 400, "no more than was captured");
    assert_eq!(desk.reverse(&id, &of("i4", 1_000, 250)).await.status, 200);
    let other = transaction_of("i5", 100, 25, &json!([item("P2", 100, 25)]));
    assert_eq!(desk.reverse(&id, &other).await.text_at("/code"), "nothing_available");
    assert_eq!(remaining(&desk.read(&id).await.at("/paymentorder")), [500, 500, 0]);
}

/// Who repeats a whole cart has what cost nothing in it: nothing of that is captured, and it is told back.
async fn items_that_cost_nothing_may_be_named(shop: &Shop) {
    let desk = Desk::new(shop, "3.1");
    let items = json!([item("free", 0, 0), item("P1", 1_000, 250), item("P2", 500, 125)]);
    let id = desk.open(&super::purchase_of("free-1", 1_500, 375, &items)).await;
    super::pay(shop, &id, &[(1_500, tests::shop::card(VISA))]).await;
    let much = json!([item("free", 0, 0), item("P1", 500, 125), item("none", 500, 125)]);
    let refused = desk.capture(&id, &transaction_of("f0", 1_000, 250, &much)).await;
    let field = "transaction.orderItems[2].reference".to_owned();
    assert_eq!(problem(&refused), (400, "line_unknown".into(), field), "the item that is at fault: {}", refused.text);
    let unknown = json!([item("P1", 1_000, 250), item("none", 0, 0)]);
    let refused = desk.capture(&id, &transaction_of("f1", 1_000, 250, &unknown)).await;
    let field = "transaction.orderItems[1].reference".to_owned();
    assert_eq!(problem(&refused), (400, "line_unknown".into(), field), "{}", refused.text);
    let captured = desk.capture(&id, &transaction_of("f2", 1_500, 375, &items)).await;
    assert_eq!(captured.status, 200, "{}", captured.text);
    let back = json!([item("P2", 500, 125), item("free", 0, 0)]);
    let reversed = desk.reverse(&id, &transaction_of("f3", 500, 125, &back)).await;
    assert_eq!(reversed.status, 200, "{}", reversed.text);
    let list = desk.part(&id, "financialtransactions").await["financialTransactionsList"].clone();
    assert_eq!(list[1]["orderItems"].as_array().map(Vec::len), Some(3), "{list}");
    assert_eq!((&list[2]["orderItems"][1]["reference"], &list[2]["amount"]), (&json!("free"), &json!(500)), "{list}");
}

crate::on_both_stores!(
    items_that_cost_nothing_may_be_named,
    what_was_asked_before_is_answered_again,
    five_failures_in_a_row_lock,
    what_is_declined_is_told,
    what_is_not_known_yet_blocks,
    items_are_captured_and_reversed_once,
);
