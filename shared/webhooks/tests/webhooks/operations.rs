//! What became of what a merchant asked for, in Adyen's notifications.

use domain::{
    Action,
    order::{Change, CloseReason, Decline, LegResult, Objection, OperationKind, Topic},
};
use serde_json::{Value, json};
use webhooks::reasons::of_refused;

use crate::{
    checkout::item,
    support::{
        Commit, ORDER, asked, at, authorised, awaiting_shopper, books, card, closed, done, gift_card, ideal,
        leg_resolved, opened, refused, requested, story, together,
    },
};

/// An order of 100.00, paid by a gift card with 30.00 (payment 1) and a card with 70.00 (payment 3). What is asked of
/// it then begins with commit 5.
fn paid<const N: usize>(then: [Commit; N]) -> Vec<Change> {
    let paid = [
        opened("EUR", 10_000),
        gift_card(3_000, "payment-1"),
        authorised(1),
        card(7_000, "payment-2"),
        together([authorised(3), closed(CloseReason::Paid)]),
    ];
    story(paid.into_iter().chain(then))
}

/// The same, of which the gift card and 40.00 of the card are captured. What is asked of it then begins with commit 9.
fn captured<const N: usize>(then: [Commit; N]) -> Vec<Change> {
    let captured = [
        opened("EUR", 10_000),
        gift_card(3_000, "payment-1"),
        authorised(1),
        card(7_000, "payment-2"),
        together([authorised(3), closed(CloseReason::Paid)]),
        requested((1, Action::Capture, 3_000)),
        done(5, 0),
        requested((3, Action::Capture, 4_000)),
        done(7, 0),
    ];
    story(captured.into_iter().chain(then))
}

/// One story with each topic that is of a whole operation, and an operation that was refused.
pub(crate) fn every_kind() -> Vec<Change> {
    story([
        opened("EUR", 20_000),
        card(5_000, "payment-1"),
        authorised(1),
        asked(OperationKind::AmountUpdate, Some(1), Some(8_000), None, [(1, Action::Increase, 3_000)]),
        done(3, 0),
        refused(OperationKind::Refund, Some(1), None, None, Objection::NothingAvailable),
        asked(OperationKind::Reversal, Some(1), None, None, [(1, Action::Void, 8_000)]),
        done(6, 0),
        ideal(10_000, "payment-2"),
        awaiting_shopper(8),
        asked(OperationKind::TechnicalCancel, Some(8), None, None, [(8, Action::Void, 10_000)]),
        done(10, 0),
    ])
}

fn declined(operation: u16, leg: u16, reason: Decline) -> Commit {
    leg_resolved(operation, leg, LegResult::Declined { reason })
}

/// What of an item says which operation it is about.
fn named(item: &Value) -> [&str; 4] {
    let additional = item["additionalData"]["tender.operationPspReference"].as_str().unwrap();
    let text = |name: &str| item[name].as_str().unwrap();
    [text("pspReference"), text("originalReference"), text("merchantReference"), additional]
}

#[test]
fn an_operation_has_the_name_that_its_merchant_gave_it() {
    let story = paid([
        asked(OperationKind::Capture, Some(3), Some(7_000), Some("capture-1"), [(3, Action::Capture, 7_000)]),
        done(5, 0),
    ]);
    let expected = json!({
        "pspReference": "7Q2M0V5D8RKTA005",
        "originalReference": "7Q2M0V5D8RKTA003",
        "merchantReference": "capture-1",
        "merchantAccountCode": "TestMerchant",
        "eventDate": "2026-01-31T12:00:06+00:00",
        "eventCode": "CAPTURE",
        "amount": {"currency": "EUR", "value": 7_000},
        "paymentMethod": "visa",
        "reason": "",
        "success": "true",
        "additionalData": {
            "tender.eventId": "evt_7Q2M0V5D8RKTA006_0",
            "tender.operationPspReference": "7Q2M0V5D8RKTA005",
            "tender.orderPspReference": ORDER,
            "tender.orderVersion": "6",
            "tender.sequence": "5",
        },
    });
    assert_eq!(item(at(&story, 6, 0)), expected);
}

#[test]
fn what_was_asked_of_the_whole_order_is_told_leg_by_leg() {
    let refund = |name| {
        let legs = [(3, Action::Refund, 4_000), (1, Action::Refund, 1_000)];
        let asked = asked(OperationKind::Refund, None, Some(5_000), name, legs);
        captured([asked, done(9, 0), declined(9, 1, Decline::Refused)])
    };
    let told = refund(Some("refund-1"));
    let [of_card, of_gift_card] = [item(at(&told, 10, 0)), item(at(&told, 11, 0))];
    let operation = "7Q2M0V5D8RKTA009";
    assert_eq!(named(&of_card), ["7Q2M0V5D8RKTA009-0", "7Q2M0V5D8RKTA003", "refund-1", operation]);
    assert_eq!(named(&of_gift_card), ["7Q2M0V5D8RKTA009-1", "7Q2M0V5D8RKTA001", "refund-1", operation]);
    let told_of = |item: &Value| {
        let keys = ["eventCode", "paymentMethod", "success", "reason"];
        (item["amount"]["value"].clone(), keys.map(|key| item[key].as_str().unwrap().to_owned()))
    };
    assert_eq!(told_of(&of_card), (json!(4_000), ["REFUND", "visa", "true", ""].map(str::to_owned)));
    assert_eq!(told_of(&of_gift_card), (json!(1_000), ["REFUND", "givex", "false", "Refused"].map(str::to_owned)));
    // Without a name of its own, each leg goes by the name of its payment.
    let told = refund(None);
    assert_eq!(item(at(&told, 10, 0))["merchantReference"], "payment-2");
    assert_eq!(item(at(&told, 11, 0))["merchantReference"], "payment-1");
}

#[test]
fn a_reversal_of_a_payment_is_told_once_with_all_its_legs() {
    let legs = [(3, Action::Void, 3_000), (3, Action::Refund, 4_000)];
    let asked = asked(OperationKind::Reversal, Some(3), None, Some("reversal-1"), legs);
    let story = captured([asked, done(9, 1), done(9, 0)]);
    assert_eq!(at(&story, 10, 0).topic, None, "a leg is in flight");
    let expected = json!({
        "pspReference": "7Q2M0V5D8RKTA009",
        "originalReference": "7Q2M0V5D8RKTA003",
        "merchantReference": "reversal-1",
        "merchantAccountCode": "TestMerchant",
        "eventDate": "2026-01-31T12:00:11+00:00",
        "eventCode": "CANCEL_OR_REFUND",
        "amount": {"currency": "EUR", "value": 7_000},
        "paymentMethod": "visa",
        "reason": "",
        "success": "true",
        "additionalData": {
            "modification.action": "refund",
            "tender.eventId": "evt_7Q2M0V5D8RKTA00B_0",
            "tender.leg-1-paymentPspReference": "7Q2M0V5D8RKTA003",
            "tender.leg-1-action": "cancel",
            "tender.leg-1-amount": "EUR 30.00",
            "tender.leg-1-success": "true",
            "tender.leg-2-paymentPspReference": "7Q2M0V5D8RKTA003",
            "tender.leg-2-action": "refund",
            "tender.leg-2-amount": "EUR 40.00",
            "tender.leg-2-success": "true",
            "tender.operationPspReference": "7Q2M0V5D8RKTA009",
            "tender.orderPspReference": ORDER,
            "tender.orderVersion": "11",
            "tender.sequence": "7",
        },
    });
    assert_eq!(item(at(&story, 11, 0)), expected);
    assert_eq!((books(at(&story, 11, 0), 3).voided, books(at(&story, 11, 0), 3).refunded), (3_000, 4_000));
}

#[test]
fn a_reversal_of_the_whole_order_fails_if_one_of_its_legs_does() {
    let legs = [(1, Action::Refund, 3_000), (3, Action::Void, 3_000), (3, Action::Refund, 4_000)];
    let story = captured([
        asked(OperationKind::Reversal, None, None, None, legs),
        declined(9, 2, Decline::NotPermitted),
        declined(9, 0, Decline::ExpiredCard),
        done(9, 1),
    ]);
    let expected = json!({
        "pspReference": "7Q2M0V5D8RKTA009",
        "originalReference": ORDER,
        "merchantReference": "order-1",
        "merchantAccountCode": "TestMerchant",
        "eventDate": "2026-01-31T12:00:12+00:00",
        "eventCode": "CANCEL_OR_REFUND",
        "amount": {"currency": "EUR", "value": 10_000},
        "reason": "Expired Card",
        "success": "false",
        "additionalData": {
            "modification.action": "refund",
            "tender.eventId": "evt_7Q2M0V5D8RKTA00C_0",
            "tender.leg-1-paymentPspReference": "7Q2M0V5D8RKTA001",
            "tender.leg-1-action": "refund",
            "tender.leg-1-amount": "EUR 30.00",
            "tender.leg-1-success": "false",
            "tender.leg-2-paymentPspReference": "7Q2M0V5D8RKTA003",
            "tender.leg-2-action": "cancel",
            "tender.leg-2-amount": "EUR 30.00",
            "tender.leg-2-success": "true",
            "tender.leg-3-paymentPspReference": "7Q2M0V5D8RKTA003",
            "tender.leg-3-action": "refund",
            "tender.leg-3-amount": "EUR 40.00",
            "tender.leg-3-success": "false",
            "tender.operationPspReference": "7Q2M0V5D8RKTA009",
            "tender.orderPspReference": ORDER,
            "tender.orderVersion": "12",
            "tender.sequence": "7",
        },
    });
    assert_eq!(item(at(&story, 12, 0)), expected);
    assert_eq!((at(&story, 10, 0).topic, at(&story, 11, 0).topic), (None, None));
}

#[test]
fn a_reversal_that_only_voids_is_a_cancel_and_has_the_method_of_its_only_payment() {
    let legs = [(3, Action::Void, 7_000)];
    let story = paid([asked(OperationKind::Reversal, Some(3), None, None, legs), done(5, 0)]);
    let told = item(at(&story, 6, 0));
    assert_eq!(told["additionalData"]["modification.action"], "cancel");
    assert_eq!(told["merchantReference"], "payment-2");
    // Of a whole order that has one payment left, too.
    let story = paid([asked(OperationKind::Reversal, None, None, None, [(3, Action::Void, 7_000)]), done(5, 0)]);
    let told = item(at(&story, 6, 0));
    assert_eq!((&told["paymentMethod"], &told["originalReference"]), (&json!("visa"), &json!(ORDER)));
}

#[test]
fn an_adjustment_has_the_amount_that_was_asked_for() {
    let story = story([
        opened("EUR", 10_000),
        card(5_000, "payment-1"),
        authorised(1),
        asked(OperationKind::AmountUpdate, Some(1), Some(8_000), Some("more"), [(1, Action::Increase, 3_000)]),
        done(3, 0),
        asked(OperationKind::AmountUpdate, Some(1), Some(2_000), None, [(1, Action::Void, 6_000)]),
        declined(5, 0, Decline::Refused),
    ]);
    let adjustment = |version: u16, operation: u16, amount: u64, reference: &str, reason: &str, success: &str| {
        json!({
            "pspReference": format!("7Q2M0V5D8RKTA00{operation}"),
            "originalReference": "7Q2M0V5D8RKTA001",
            "merchantReference": reference,
            "merchantAccountCode": "TestMerchant",
            "eventDate": format!("2026-01-31T12:00:0{version}+00:00"),
            "eventCode": "AUTHORISATION_ADJUSTMENT",
            "amount": {"currency": "EUR", "value": amount},
            "paymentMethod": "visa",
            "reason": reason,
            "success": success,
            "additionalData": {
                "tender.eventId": format!("evt_7Q2M0V5D8RKTA00{version}_0"),
                "tender.operationPspReference": format!("7Q2M0V5D8RKTA00{operation}"),
                "tender.orderPspReference": ORDER,
                "tender.orderVersion": version.to_string(),
                "tender.sequence": (version / 2 + 1).to_string(),
            },
        })
    };
    assert_eq!(item(at(&story, 4, 0)), adjustment(4, 3, 8_000, "more", "", "true"));
    assert_eq!(books(at(&story, 4, 0), 1).authorised, 8_000);
    let declined = adjustment(6, 5, 2_000, "payment-1", "Refused", "false");
    assert_eq!(item(at(&story, 6, 0)), declined);
}

#[test]
fn a_technical_cancel_of_a_payment_that_was_not_authorised_yet() {
    let story = story([
        opened("EUR", 10_000),
        ideal(10_000, "payment-1"),
        awaiting_shopper(1),
        asked(OperationKind::TechnicalCancel, Some(1), None, None, [(1, Action::Void, 10_000)]),
        done(3, 0),
    ]);
    let expected = json!({
        "pspReference": "7Q2M0V5D8RKTA003",
        "originalReference": "7Q2M0V5D8RKTA001",
        "merchantReference": "payment-1",
        "merchantAccountCode": "TestMerchant",
        "eventDate": "2026-01-31T12:00:04+00:00",
        "eventCode": "TECHNICAL_CANCEL",
        "amount": {"currency": "EUR", "value": 10_000},
        "paymentMethod": "ideal",
        "reason": "",
        "success": "true",
        "additionalData": {
            "tender.eventId": "evt_7Q2M0V5D8RKTA004_0",
            "tender.operationPspReference": "7Q2M0V5D8RKTA003",
            "tender.orderPspReference": ORDER,
            "tender.orderVersion": "4",
            "tender.sequence": "2",
        },
    });
    assert_eq!(item(at(&story, 4, 0)), expected);
}

#[test]
fn what_was_taken_and_cannot_be_done_fails() {
    let objection = Objection::NothingAvailable;
    let story = paid([refused(OperationKind::Refund, Some(3), Some(5_000), Some("refund-1"), objection)]);
    let expected = json!({
        "pspReference": "7Q2M0V5D8RKTA005",
        "originalReference": "7Q2M0V5D8RKTA003",
        "merchantReference": "refund-1",
        "merchantAccountCode": "TestMerchant",
        "eventDate": "2026-01-31T12:00:05+00:00",
        "eventCode": "REFUND",
        "amount": {"currency": "EUR", "value": 5_000},
        "paymentMethod": "visa",
        "reason": "Transaction hasn't been captured, refund not possible",
        "success": "false",
        "additionalData": {
            "tender.eventId": "evt_7Q2M0V5D8RKTA005_0",
            "tender.operationPspReference": "7Q2M0V5D8RKTA005",
            "tender.orderPspReference": ORDER,
            "tender.orderVersion": "5",
            "tender.sequence": "5",
        },
    });
    assert_eq!(item(at(&story, 5, 0)), expected);
}

#[test]
fn every_kind_that_was_refused_has_its_own_event_code() {
    let kinds = [
        (OperationKind::Capture, Topic::Capture),
        (OperationKind::Void, Topic::Cancellation),
        (OperationKind::Refund, Topic::Refund),
        (OperationKind::Reversal, Topic::CancelOrRefund),
        (OperationKind::AmountUpdate, Topic::AuthorisationAdjustment),
        (OperationKind::TechnicalCancel, Topic::TechnicalCancel),
    ];
    for (kind, topic) in kinds {
        // Without an amount, it is about all of the payment, or of the order.
        for (target, amount, original, reference, method) in [
            (Some(3), 7_000, "7Q2M0V5D8RKTA003", "payment-2", json!("visa")),
            (None, 10_000, ORDER, "order-1", Value::Null),
        ] {
            let story = captured([refused(kind, target, None, None, Objection::OrderClosed)]);
            let told = item(at(&story, 9, 0));
            assert_eq!((&told["eventCode"], &told["success"]), (&json!(topic.code()), &json!("false")));
            assert_eq!(named(&told), ["7Q2M0V5D8RKTA009", original, reference, "7Q2M0V5D8RKTA009"]);
            assert_eq!((&told["amount"]["value"], &told["paymentMethod"]), (&json!(amount), &method));
            let action = (kind == OperationKind::Reversal).then_some("refund");
            assert_eq!(told["additionalData"]["modification.action"].as_str(), action, "{kind:?}");
        }
    }
}

#[test]
fn a_reversal_that_was_refused_would_have_been_a_refund_of_what_was_captured() {
    let action = |story: Vec<Change>| {
        let told = item(story.last().unwrap());
        told["additionalData"]["modification.action"].as_str().unwrap().to_owned()
    };
    let refused = |target| refused(OperationKind::Reversal, target, None, None, Objection::NothingAvailable);
    assert_eq!(action(paid([refused(Some(3))])), "cancel");
    assert_eq!(action(paid([refused(None)])), "cancel");
    assert_eq!(action(captured([refused(Some(3))])), "refund");
    let one_captured = |target| action(paid([requested((1, Action::Capture, 3_000)), done(5, 0), refused(target)]));
    assert_eq!((one_captured(Some(3)).as_str(), one_captured(None).as_str()), ("cancel", "refund"));
}

#[test]
fn a_refund_that_finds_nothing_says_whether_something_was_captured_once() {
    let objection = Objection::NothingAvailable;
    let given_back = captured([
        requested((3, Action::Refund, 4_000)),
        done(9, 0),
        refused(OperationKind::Refund, Some(3), Some(1), None, objection),
    ]);
    let told = item(at(&given_back, 11, 0));
    assert_eq!(told["reason"], "Nothing is left on the transaction, refund not possible");
}

#[test]
fn every_objection_has_its_words() {
    let cases = [
        (OperationKind::Capture, Objection::NotAuthorised, "Transaction hasn't been authorised, capture not possible"),
        (
            OperationKind::Capture,
            Objection::NothingAvailable,
            "Nothing is left on the transaction, capture not possible",
        ),
        (
            OperationKind::Capture,
            Objection::ExceedsAvailable,
            "Amount exceeds what is left on the transaction, capture not possible",
        ),
        (OperationKind::Capture, Objection::OrderCancelled, "Order has been cancelled, capture not possible"),
        (OperationKind::Void, Objection::NotAuthorised, "Transaction hasn't been authorised, cancel not possible"),
        (OperationKind::Void, Objection::NothingAvailable, "Nothing is left on the transaction, cancel not possible"),
        (OperationKind::Refund, Objection::NotAuthorised, "Transaction hasn't been authorised, refund not possible"),
        (OperationKind::Refund, Objection::NothingAvailable, "Transaction hasn't been captured, refund not possible"),
        (
            OperationKind::Refund,
            Objection::ExceedsAvailable,
            "Amount exceeds what is left on the transaction, refund not possible",
        ),
        (
            OperationKind::Reversal,
            Objection::NotAuthorised,
            "Transaction hasn't been authorised, reversal not possible",
        ),
        (
            OperationKind::Reversal,
            Objection::NothingAvailable,
            "Nothing is left on the transaction, reversal not possible",
        ),
        (
            OperationKind::AmountUpdate,
            Objection::NotAuthorised,
            "Transaction hasn't been authorised, amount update not possible",
        ),
        (
            OperationKind::AmountUpdate,
            Objection::ExceedsAvailable,
            "Amount is less than what is captured or being processed, amount update not possible",
        ),
        (
            OperationKind::AmountUpdate,
            Objection::ExceedsRemaining,
            "Amount exceeds what remains to be paid of the order, amount update not possible",
        ),
        (
            OperationKind::AmountUpdate,
            Objection::OrderCancelled,
            "Order has been cancelled, amount update not possible",
        ),
        (OperationKind::AmountUpdate, Objection::OrderClosed, "Order is closed, amount update not possible"),
        (
            OperationKind::AmountUpdate,
            Objection::Unchanged,
            "Amount is what is authorised already, amount update not possible",
        ),
        (
            OperationKind::TechnicalCancel,
            Objection::NotAuthorised,
            "Transaction hasn't been authorised, technical cancel not possible",
        ),
        (
            OperationKind::TechnicalCancel,
            Objection::NothingAvailable,
            "Nothing is left on the transaction, technical cancel not possible",
        ),
    ];
    for (kind, objection, words) in cases {
        assert_eq!(of_refused(kind, objection, false), words);
    }
}
