//! Whole lives of payment orders, in each version: opened, paid in parts, captured by items, cancelled, reversed.

use serde_json::json;
use tests::{
    hook::Keys,
    payments::{SESSIONS, session_of},
    receiver::Receiver,
    shop::{Shop, card, gift_card},
};

use super::{
    Desk, REFUSED, VISA, abort, deeds, item, pay, pay_in_parts, purchase, rels, remaining, transaction, transaction_of,
    with,
};

/// What the versions call things.
struct Words {
    update: &'static str,
    abort: &'static str,
    redirect: &'static str,
    capture: &'static str,
    cancel: &'static str,
    reversal: &'static str,
}

fn words(version: &str) -> Words {
    if version == "2.0" {
        Words {
            update: "update-paymentorder-updateorder",
            abort: "update-paymentorder-abort",
            redirect: "redirect-paymentorder",
            capture: "create-paymentorder-capture",
            cancel: "create-paymentorder-cancel",
            reversal: "create-paymentorder-reversal",
        }
    } else {
        Words {
            update: "update-order",
            abort: "abort",
            redirect: "redirect-checkout",
            capture: "capture",
            cancel: "cancel",
            reversal: "reversal",
        }
    }
}

async fn an_order_is_paid_in_parts_captured_by_items_cancelled_and_reversed(shop: &Shop) {
    let before = shop.gift_card_balance().await;
    for version in ["2.0", "3.0", "3.1"] {
        let (desk, words) = (Desk::new(shop, version), words(version));
        let named = |name: &str| format!("{name}{}", version.replace('.', ""));
        let standing = async |id: &str| {
            let order = desk.read(id).await.at("/paymentorder");
            order[if version == "2.0" { "state" } else { "status" }].as_str().unwrap().to_owned()
        };
        let opened = desk.post(super::ORDERS, &purchase(&named("life"))).await;
        let id = opened.text_at("/paymentorder/id");
        assert_eq!(deeds(&opened), [words.update, words.abort]);
        assert!(rels(&opened).contains(&words.redirect.to_owned()));
        assert_eq!(standing(&id).await, if version == "2.0" { "Ready" } else { "Initialized" });

        pay(shop, &id, &[(500, gift_card())]).await;
        let partly = desk.read(&id).await;
        assert_eq!(deeds(&partly), [words.abort], "what is paid in part is not updated, nor captured");
        assert_eq!(shop.gift_card_balance().await, before - 500);
        pay(shop, &id, &[(1_000, card(VISA))]).await;
        let paid = desk.read(&id).await;
        assert_eq!(deeds(&paid), [words.capture, words.cancel]);
        assert_eq!(remaining(&paid.at("/paymentorder")), [1_500, 1_500, 0]);
        assert_eq!(standing(&id).await, if version == "2.0" { "Ready" } else { "Paid" });

        // By items, in two parts, of which the second is of another than the first.
        let one = json!([item("P1", 700, 175)]);
        let captured = desk.capture(&id, &transaction_of(&named("cap1-"), 700, 175, &one)).await;
        assert_eq!(captured.status, 200, "{}", captured.text);
        if version == "3.1" {
            assert_eq!(captured.text_at("/paymentOrder/status"), "Paid");
            assert_eq!(remaining(&captured.at("/paymentOrder")), [800, 800, 700]);
        } else {
            assert_eq!(captured.text_at("/capture/transaction/state"), "Completed");
            assert_eq!(captured.at("/capture/transaction/amount"), 700);
            let receipt = captured.text_at("/capture/transaction/receiptReference");
            assert_eq!(receipt, format!("R-{}", named("cap1-")));
        }
        let two = json!([item("P2", 200, 50), item("P1", 100, 25)]);
        let captured = desk.capture(&id, &transaction_of(&named("cap2-"), 300, 75, &two)).await;
        assert_eq!(captured.status, 200, "{}", captured.text);
        assert_eq!(remaining(&desk.read(&id).await.at("/paymentorder")), [500, 500, 1_000]);

        let cancelled = desk.cancel(&id, &named("can")).await;
        assert_eq!(cancelled.status, 200, "{}", cancelled.text);
        let read = desk.read(&id).await;
        assert_eq!(remaining(&read.at("/paymentorder")), [0, 0, 1_000]);
        assert_eq!(deeds(&read), [words.reversal]);
        assert_eq!(standing(&id).await, if version == "2.0" { "Ready" } else { "Paid" }, "some was captured");

        let back = json!([item("P1", 400, 100)]);
        let reversed = desk.reverse(&id, &transaction_of(&named("rev1-"), 400, 100, &back)).await;
        assert_eq!(reversed.status, 200, "{}", reversed.text);
        assert_eq!(standing(&id).await, if version == "2.0" { "Ready" } else { "Paid" });
        let reversed = desk.reverse(&id, &transaction(&named("rev2-"), 600, 150)).await;
        assert_eq!(reversed.status, 200, "{}", reversed.text);
        let read = desk.read(&id).await;
        assert_eq!(standing(&id).await, if version == "2.0" { "Ready" } else { "Reversed" });
        assert_eq!((remaining(&read.at("/paymentorder")), deeds(&read).len()), ([0, 0, 0], 0));
        assert_eq!(shop.gift_card_balance().await, before, "all is where it was");

        let list = desk.part(&id, "financialTransactions").await;
        let list = list["financialTransactionsList"].as_array().cloned().unwrap();
        let told = list.iter().map(|told| (told["type"].as_str().unwrap(), told["amount"].as_u64().unwrap()));
        let expected = [
            ("Authorization", 500),
            ("Authorization", 1_000),
            ("Capture", 700),
            ("Capture", 300),
            ("Cancellation", 500),
            ("Reversal", 400),
            ("Reversal", 600),
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected);
        let taxes = list.iter().map(|told| told["vatAmount"].as_i64().unwrap()).collect::<Vec<_>>();
        assert_eq!(taxes, [125, 250, 175, 75, 125, 100, 150]);
        assert_eq!(list[3]["orderItems"][0]["reference"], "P2");
        assert_eq!(list[3]["orderItems"][0]["name"], "Product P2");
    }
}

async fn an_order_that_is_aborted_gives_back_what_was_paid(shop: &Shop) {
    let before = shop.gift_card_balance().await;
    for version in ["2.0", "3.0", "3.1"] {
        let (desk, words) = (Desk::new(shop, version), words(version));
        let id = desk.open(&purchase(&format!("abort-{}", version.replace('.', "")))).await;
        pay(shop, &id, &[(500, gift_card())]).await;
        pay(shop, &id, &[(100, card(REFUSED))]).await;
        assert_eq!(deeds(&desk.read(&id).await), [words.abort]);
        let aborted = desk.patch(&id, &abort()).await;
        assert_eq!(aborted.status, 200, "{}", aborted.text);
        let standing = if version == "2.0" { "/paymentorder/state" } else { "/paymentorder/status" };
        assert_eq!(aborted.text_at(standing), "Aborted");
        assert_eq!(deeds(&aborted), [""; 0]);
        assert_eq!(shop.gift_card_balance().await, before);
        assert_eq!(desk.read(&id).await.text, aborted.text);
        assert_eq!(desk.part(&id, "aborted").await["abortReason"], "Payment aborted by the merchant");
        let again = desk.patch(&id, &abort()).await;
        assert_eq!((again.status, again.text_at("/code")), (403, "order_cancelled".to_owned()));
        let late = pay(shop, &id, &[(900, card(VISA))]).await;
        assert_eq!(late[0].error().0, 422, "{}", late[0].text);
    }
}

/// Each change is told at the `callbackUrl`, signed, without what has changed.
async fn every_change_is_told_at_the_callback_url(shop: &Shop) {
    let (desk, receiver) = (Desk::new(shop, "3.1"), Receiver::start().await);
    // The keys are those of the merchant account's sessions.
    let session = json!({ "webhook": { "url": receiver.url } });
    let mut body = session_of(100);
    body.as_object_mut().unwrap().extend(session.as_object().cloned().unwrap());
    let keys = Keys::told_in_session(&shop.post(SESSIONS, &body).await);
    let body = with(purchase("callback-1"), "/paymentorder/urls/callbackUrl", &json!(receiver.url));
    let body = with(body, "/paymentorder/payeeInfo/orderReference", &json!("549213"));
    let id = desk.open(&body).await;
    shop.settle().await;
    assert_eq!(receiver.take().len(), 0, "nobody has begun to pay");
    let mut number = 0;
    let mut told = async |instrument: &str, at_least: usize| {
        shop.settle().await;
        let received = receiver.take();
        assert!(received.len() >= at_least, "{received:?}");
        for one in &received {
            number += 1;
            assert!(keys.have_signed(one) && keys.have_signed_body(one), "{one:?}");
            let expected = json!({
                "orderReference": "549213",
                "paymentOrder": { "id": id, "instrument": instrument, "number": number },
            });
            assert_eq!(one.json(), expected);
        }
    };
    pay(shop, &id, &[(500, gift_card())]).await;
    told("GiftCard", 2).await;
    pay(shop, &id, &[(1_000, card(VISA))]).await;
    told("CreditCard", 2).await;
    assert_eq!(desk.capture(&id, &transaction("cb-1", 800, 200)).await.status, 200);
    told("CreditCard", 2).await;
    assert_eq!(desk.cancel(&id, "cb-2").await.status, 200);
    told("CreditCard", 2).await;
    assert_eq!(desk.reverse(&id, &transaction("cb-3", 100, 25)).await.status, 200);
    told("CreditCard", 2).await;
    // What is refused moves nothing, and is not told.
    assert_eq!(desk.reverse(&id, &transaction("cb-4", 1_000, 25)).await.status, 400);
    told("CreditCard", 0).await;
}

/// Without items, version 3.1 makes one of the description and the amount; a capture of all is one of all items.
async fn an_order_without_items_has_one(shop: &Shop) {
    let desk = Desk::new(shop, "3.1");
    let id = desk.open(&with(purchase("whole-1"), "/paymentorder/orderItems", &json!(null))).await;
    let items = desk.part(&id, "orderitems").await["orderItemList"].clone();
    assert_eq!(items[0]["name"], "Test Purchase");
    assert_eq!(
        (&items[0]["amount"], &items[0]["vatAmount"], &items[0]["quantity"]),
        (&json!(1_500), &json!(375), &json!(1))
    );
    let updated = json!({ "paymentorder": {
        "operation": "UpdateOrder", "amount": 1_200, "vatAmount": 300, "description": "Less of it",
    } });
    let answer = desk.update(&id, &updated).await;
    assert_eq!((answer.status, answer.text_at("/paymentorder/description")), (200, "Less of it".to_owned()));
    let items = desk.part(&id, "orderitems").await["orderItemList"].clone();
    assert_eq!((&items[0]["name"], &items[0]["amount"]), (&json!("Less of it"), &json!(1_200)));
    pay(shop, &id, &[(1_200, card(VISA))]).await;
    assert_eq!(desk.capture(&id, &transaction("whole-c", 1_200, 300)).await.status, 200);

    // An order with items that is captured as a whole: its reversal may name them.
    let id = desk.open(&purchase("whole-2")).await;
    pay_in_parts(shop, &id, VISA).await;
    assert_eq!(desk.capture(&id, &transaction("whole-d", 1_500, 375)).await.status, 200);
    let back = json!([item("P2", 500, 125)]);
    let reversed = desk.reverse(&id, &transaction_of("whole-e", 500, 125, &back)).await;
    assert_eq!(reversed.status, 200, "{}", reversed.text);
    let again = desk.reverse(&id, &transaction_of("whole-f", 500, 125, &back)).await;
    assert_eq!(again.status, 400, "{}", again.text);
}

crate::on_both_stores!(
    an_order_is_paid_in_parts_captured_by_items_cancelled_and_reversed,
    an_order_that_is_aborted_gives_back_what_was_paid,
    every_change_is_told_at_the_callback_url,
    an_order_without_items_has_one,
);
