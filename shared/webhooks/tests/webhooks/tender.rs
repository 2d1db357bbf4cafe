//! Our own events.

use domain::{
    Action,
    order::{
        CHANGE_NAMES, CancelReason, CancelledBy, Change, CloseReason, Decline, Format, LegResult, Objection,
        OperationKind, Resolution, Standing,
    },
};
use serde_json::{Value, json};
use webhooks::words;

use crate::support::{
    Desk, ORDER, PRIVATE, asked, at, authorised, awaiting_shopper, cancellation, card, closed, done, gift_card, ideal,
    leg_resolved, opened, refused, released, requested, resolved, running, story, timed_out, together, uuid,
};

#[track_caller]
fn event(change: &Change) -> Value {
    Desk::new(Format::Tender).tell(change)
}

/// The order of a story while it is open.
fn open_order(version: u16, remaining: u64) -> Value {
    json!({
        "pspReference": ORDER,
        "id": uuid(ORDER),
        "reference": "order-1",
        "version": version,
        "amount": {"currency": "EUR", "value": 10_000},
        "remainingAmount": {"currency": "EUR", "value": remaining},
        "status": "open",
        "expiresAt": "2026-02-01T12:00:00Z",
    })
}

fn closed_order(version: u16, remaining: u64, success: bool, reason: &str) -> Value {
    let mut order = open_order(version, remaining);
    order["status"] = "closed".into();
    order["success"] = success.into();
    order["reason"] = reason.into();
    order
}

fn gift_card_payment(status: &str, cancelled: u64) -> Value {
    json!({
        "pspReference": "7Q2M0V5D8RKTA001",
        "id": uuid("7Q2M0V5D8RKTA001"),
        "reference": "payment-1",
        "amount": {"currency": "EUR", "value": 2_500},
        "paymentMethod": {"type": "giftcard", "brand": "givex", "lastFour": "0000"},
        "status": status,
        "authorisedAmount": {"currency": "EUR", "value": if status == "authorised" { 2_500 } else { 0 }},
        "capturedAmount": {"currency": "EUR", "value": 0},
        "cancelledAmount": {"currency": "EUR", "value": cancelled},
        "refundedAmount": {"currency": "EUR", "value": 0},
    })
}

/// A gift card, a card that is refused, and a cancellation.
fn cancelled() -> Vec<Change> {
    story([
        opened("EUR", 10_000),
        gift_card(2_500, "payment-1"),
        authorised(1),
        card(7_500, "payment-2"),
        resolved(3, Resolution::Refused { reason: Decline::ExpiredCard }),
        together([cancellation(CancelReason::Merchant), released([(1, Action::Void, 2_500)])]),
        leg_resolved(5, 0, LegResult::Declined { reason: Decline::Refused }),
        requested((1, Action::Void, 2_500)),
        together([done(7, 0), closed(CloseReason::Cancelled)]),
    ])
}

#[test]
fn an_order_that_began() {
    let expected = json!({
        "id": "evt_7Q2M0V5D8RKTA000_0",
        "type": "order.opened",
        "timestamp": "2026-01-31T12:00:00Z",
        "merchantAccount": "TestMerchant",
        "sequence": 1,
        "data": {"order": open_order(0, 10_000)},
    });
    assert_eq!(event(at(&cancelled(), 0, 0)), expected);
}

#[test]
fn a_payment_from_its_reservation_to_its_authorisation() {
    let told = |version: u16, kind: &str, status: &str| {
        json!({
            "id": format!("evt_7Q2M0V5D8RKTA00{version}_0"),
            "type": kind,
            "timestamp": format!("2026-01-31T12:00:0{version}Z"),
            "merchantAccount": "TestMerchant",
            "sequence": version + 1,
            "data": {"order": open_order(version, 7_500), "payment": gift_card_payment(status, 0)},
        })
    };
    assert_eq!(event(at(&cancelled(), 1, 0)), told(1, "payment.reserved", "received"));
    assert_eq!(event(at(&cancelled(), 2, 0)), told(2, "payment.authorised", "authorised"));
}

#[test]
fn a_payment_that_was_refused() {
    let expected = json!({
        "id": "evt_7Q2M0V5D8RKTA004_0",
        "type": "payment.refused",
        "timestamp": "2026-01-31T12:00:04Z",
        "merchantAccount": "TestMerchant",
        "sequence": 5,
        "data": {
            "order": open_order(4, 7_500),
            "payment": {
                "pspReference": "7Q2M0V5D8RKTA003",
                "id": uuid("7Q2M0V5D8RKTA003"),
                "reference": "payment-2",
                "amount": {"currency": "EUR", "value": 7_500},
                "paymentMethod": {"type": "scheme", "brand": "visa", "lastFour": "1111"},
                "status": "refused",
                "refusalReason": "Expired Card",
                "refusalReasonCode": "6",
                "authorisedAmount": {"currency": "EUR", "value": 0},
                "capturedAmount": {"currency": "EUR", "value": 0},
                "cancelledAmount": {"currency": "EUR", "value": 0},
                "refundedAmount": {"currency": "EUR", "value": 0},
            },
        },
    });
    assert_eq!(event(at(&cancelled(), 4, 0)), expected);
}

#[test]
fn a_cancellation_and_what_it_asks_for() {
    let asked = event(at(&cancelled(), 5, 0));
    assert_eq!((&asked["type"], &asked["sequence"]), (&json!("order.cancellation_requested"), &json!(6)));
    let cancellation = json!({"pspReference": "7Q2M0V5D8RKTA005", "reason": "merchant"});
    assert_eq!(asked["data"], json!({"order": open_order(5, 7_500), "cancellation": cancellation}));
    let expected = json!({
        "id": "evt_7Q2M0V5D8RKTA005_1",
        "type": "operation.requested",
        "timestamp": "2026-01-31T12:00:05Z",
        "merchantAccount": "TestMerchant",
        "sequence": 7,
        "data": {
            "order": open_order(5, 7_500),
            "operation": {
                "pspReference": "7Q2M0V5D8RKTA005",
                "kind": "release",
                "amount": {"currency": "EUR", "value": 2_500},
                "status": "pending",
                "legs": [{
                    "reference": "7Q2M0V5D8RKTA005-0",
                    "paymentPspReference": "7Q2M0V5D8RKTA001",
                    "action": "cancel",
                    "amount": {"currency": "EUR", "value": 2_500},
                    "status": "requested",
                }],
            },
        },
    });
    assert_eq!(event(at(&cancelled(), 5, 1)), expected);
}

#[test]
fn an_operation_says_what_was_asked_of_what_and_how_it_stands() {
    let legs = [(1, Action::Increase, 3_000)];
    let story = story([
        opened("EUR", 10_000),
        card(5_000, "payment-1"),
        authorised(1),
        asked(OperationKind::AmountUpdate, Some(1), Some(8_000), Some("more"), legs),
        refused(OperationKind::Capture, None, Some(9_000), Some("capture-1"), Objection::ExceedsAvailable),
        refused(OperationKind::Reversal, Some(1), None, None, Objection::NothingAvailable),
    ]);
    let requested = event(at(&story, 3, 0));
    assert_eq!(requested["type"], "operation.requested");
    let expected = json!({
        "pspReference": "7Q2M0V5D8RKTA003",
        "kind": "amountUpdate",
        "reference": "more",
        "paymentPspReference": "7Q2M0V5D8RKTA001",
        "amount": {"currency": "EUR", "value": 3_000},
        "status": "pending",
        "legs": [{
            "reference": "7Q2M0V5D8RKTA003-0",
            "paymentPspReference": "7Q2M0V5D8RKTA001",
            "action": "increase",
            "amount": {"currency": "EUR", "value": 3_000},
            "status": "requested",
        }],
    });
    assert_eq!(requested["data"]["operation"], expected);
    let expected = json!({
        "id": "evt_7Q2M0V5D8RKTA004_0",
        "type": "operation.refused",
        "timestamp": "2026-01-31T12:00:04Z",
        "merchantAccount": "TestMerchant",
        "sequence": 5,
        "data": {
            "order": open_order(4, 2_000),
            "operation": {
                "pspReference": "7Q2M0V5D8RKTA004",
                "kind": "capture",
                "reference": "capture-1",
                "amount": {"currency": "EUR", "value": 9_000},
                "status": "failure",
                "reason": "exceedsAvailable",
                "legs": [],
            },
        },
    });
    assert_eq!(event(at(&story, 4, 0)), expected);
    let expected = json!({
        "pspReference": "7Q2M0V5D8RKTA005",
        "kind": "reversal",
        "paymentPspReference": "7Q2M0V5D8RKTA001",
        "amount": {"currency": "EUR", "value": 0},
        "status": "failure",
        "reason": "nothingAvailable",
        "legs": [],
    });
    assert_eq!(event(at(&story, 5, 0))["data"]["operation"], expected);
}

/// Two operations that one commit asks for are two events, each of its own.
#[test]
fn each_request_tells_its_own_operation() {
    let captures = [5_000, 6_000].map(|amount| requested((1, Action::Capture, amount)));
    let story = story([opened("EUR", 20_000), card(20_000, "payment-1"), authorised(1), together(captures)]);
    let told =
        [0, 1].map(|index| event(at(&story, 3, index))["data"]["operation"]["legs"][0]["amount"]["value"].clone());
    assert_eq!(told, [json!(5_000), json!(6_000)]);
}

#[test]
fn every_kind_objection_and_standing_has_its_word() {
    let kinds = [
        (OperationKind::Capture, "capture"),
        (OperationKind::Void, "cancel"),
        (OperationKind::Refund, "refund"),
        (OperationKind::Reversal, "reversal"),
        (OperationKind::AmountUpdate, "amountUpdate"),
        (OperationKind::TechnicalCancel, "technicalCancel"),
        (OperationKind::Release, "release"),
        (OperationKind::Exchange, "exchange"),
    ];
    assert_eq!(kinds.map(|(kind, _)| words::operation_kind(kind)), kinds.map(|(_, word)| word));
    let objections = [
        (Objection::NotAuthorised, "notAuthorised"),
        (Objection::NothingAvailable, "nothingAvailable"),
        (Objection::ExceedsAvailable, "exceedsAvailable"),
        (Objection::ExceedsRemaining, "exceedsRemaining"),
        (Objection::OrderCancelled, "orderCancelled"),
        (Objection::OrderClosed, "orderClosed"),
        (Objection::Unchanged, "unchanged"),
    ];
    assert_eq!(objections.map(|(objection, _)| words::objection(objection)), objections.map(|(_, word)| word));
    let standings = [
        (Standing::Success, "success"),
        (Standing::Pending, "pending"),
        (Standing::Failure, "failure"),
        (Standing::Conflict, "conflict"),
        (Standing::Uncertain, "uncertain"),
    ];
    assert_eq!(standings.map(|(standing, _)| words::standing(standing)), standings.map(|(_, word)| word));
    let actions = [Action::Capture, Action::Void, Action::Refund, Action::Increase].map(words::action);
    assert_eq!(actions, ["capture", "cancel", "refund", "increase"]);
}

#[test]
fn a_leg_that_was_declined_and_one_that_was_done() {
    let declined = event(at(&cancelled(), 6, 0));
    assert_eq!(declined["type"], "void.declined");
    let leg = |operation: &str, status: &str| {
        json!({
            "reference": format!("{operation}-0"),
            "paymentPspReference": "7Q2M0V5D8RKTA001",
            "action": "cancel",
            "amount": {"currency": "EUR", "value": 2_500},
            "status": status,
        })
    };
    let mut declined_leg = leg("7Q2M0V5D8RKTA005", "declined");
    declined_leg["refusalReason"] = "Refused".into();
    let payment = gift_card_payment("authorised", 0);
    assert_eq!(declined["data"], json!({"order": open_order(6, 7_500), "payment": payment, "leg": declined_leg}));
    let done = event(at(&cancelled(), 8, 0));
    assert_eq!(done["type"], "void.done");
    let leg = leg("7Q2M0V5D8RKTA007", "done");
    let payment = gift_card_payment("authorised", 2_500);
    assert_eq!(done["data"], json!({"order": open_order(8, 10_000), "payment": payment, "leg": leg}));
}

/// Whose payment it was is told, and what it did with which line; not what the merchant told about it.
#[test]
fn what_was_done_on_lines() {
    let story = running();
    let own = event(at(&story, 5, 0));
    let lines = json!({
        "action": "authorise",
        "paymentPspReference": "7Q2M0V5D8RKTA003",
        "success": true,
        "currency": "EUR",
        "items": [{ "lineId": 1, "value": 100 }],
    });
    assert_eq!((&own["type"], &own["data"]["lines"]), (&json!("lines.recorded"), &lines));
    let foreign = event(at(&story, 6, 0));
    let lines = json!({
        "action": "capture",
        "paymentId": "PID_1",
        "success": false,
        "currency": "EUR",
        "items": [{ "lineId": 2, "value": 50 }],
    });
    assert_eq!(foreign["data"]["lines"], lines);
    let amounts = [1, 2].map(|version| event(at(&story, version, 0))["data"]["order"]["amount"]["value"].clone());
    assert_eq!(amounts, [json!(150), json!(200)]);
    let ends = [7, 8].map(|version| event(at(&story, version, 0))["data"]["order"]["status"].clone());
    assert_eq!(ends, [json!("closed"), json!("open")]);
}

#[test]
fn an_order_that_ended() {
    let expected = json!({
        "id": "evt_7Q2M0V5D8RKTA008_1",
        "type": "order.closed",
        "timestamp": "2026-01-31T12:00:08Z",
        "merchantAccount": "TestMerchant",
        "sequence": 11,
        "data": {"order": closed_order(8, 10_000, false, "cancelled")},
    });
    assert_eq!(event(at(&cancelled(), 8, 1)), expected);
    let paid =
        story([opened("EUR", 10_000), card(10_000, "payment-1"), together([authorised(1), closed(CloseReason::Paid)])]);
    assert_eq!(event(at(&paid, 2, 1))["data"]["order"], closed_order(2, 0, true, "paid"));
}

/// Every change there is: its name, and the parts of `data`.
#[test]
fn every_change_has_an_event() {
    let failed = |resolution| story([opened("EUR", 100), card(100, "payment-1"), resolved(1, resolution)]);
    let modified = |action, result| {
        story([
            opened("EUR", 100),
            card(100, "payment-1"),
            authorised(1),
            requested((1, Action::Capture, 50)),
            done(3, 0),
            requested((1, action, 50)),
            leg_resolved(5, 0, result),
        ])
    };
    let outcomes =
        [LegResult::Done, LegResult::Declined { reason: Decline::Refused }, LegResult::Pending, LegResult::Uncertain];
    let modified = [Action::Capture, Action::Void, Action::Refund, Action::Increase]
        .into_iter()
        .flat_map(|action| outcomes.clone().map(|result| modified(action, result)));
    let timed_out = story([opened("EUR", 100), ideal(100, "payment-1"), awaiting_shopper(1), timed_out(1)]);
    let unauthorised = refused(OperationKind::Capture, Some(1), None, None, Objection::NotAuthorised);
    let stories = [
        cancelled(),
        timed_out,
        story([opened("EUR", 100), card(100, "payment-1"), unauthorised]),
        failed(Resolution::Cancelled { by: CancelledBy::Shopper }),
        failed(Resolution::Failed),
        failed(Resolution::Pending),
        failed(Resolution::Uncertain),
        running(),
    ];
    let changes = stories.into_iter().chain(modified).flatten().collect::<Vec<_>>();
    for name in CHANGE_NAMES {
        let change = changes.iter().find(|change| change.name(Format::Tender) == *name);
        let event = event(change.unwrap_or_else(|| panic!("no story has {name}")));
        let parts = event["data"].as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>();
        let expected: &[&str] = match name.split_once('.').unwrap() {
            ("order", "cancellation_requested") => &["cancellation", "order"],
            ("order", _) => &["order"],
            ("payment", _) => &["order", "payment"],
            ("operation", _) => &["operation", "order"],
            ("lines", _) => &["lines", "order"],
            _ => &["leg", "order", "payment"],
        };
        assert_eq!((event["type"].as_str().unwrap(), parts.as_slice()), (*name, expected));
    }
}

#[test]
fn every_status_of_a_payment_is_the_one_of_the_api() {
    let status = |change: &Change| event(change)["data"]["payment"]["status"].as_str().unwrap().to_owned();
    let told = |commit| status(at(&story([opened("EUR", 100), card(100, "payment-1"), commit]), 2, 0));
    assert_eq!(told(resolved(1, Resolution::Pending)), "pending");
    assert_eq!(told(resolved(1, Resolution::Uncertain)), "uncertain");
    assert_eq!(told(resolved(1, Resolution::Failed)), "error");
    assert_eq!(told(resolved(1, Resolution::Cancelled { by: CancelledBy::Timeout })), "cancelled");
    assert_eq!(told(awaiting_shopper(1)), "redirectShopper");
}

#[test]
fn nothing_is_null_and_no_secret_is_told() {
    let redirected = story([opened("EUR", 100), ideal(100, "payment-1"), awaiting_shopper(1), timed_out(1)]);
    for change in [cancelled(), redirected, running()].concat() {
        let body = String::from_utf8(Desk::new(Format::Tender).body(&change)).unwrap();
        assert!(!body.contains("null") && !body.contains(PRIVATE) && !body.contains("BwcHBwc"), "{body}");
    }
}

#[test]
fn the_bytes_are_the_same_on_every_try() {
    let (story, mut desk) = (cancelled(), Desk::new(Format::Tender));
    let first = desk.body(at(&story, 0, 0));
    desk.tries = 2;
    desk.keys = (2, Some(1));
    desk.at = desk.at.plus(std::time::Duration::from_secs(60));
    assert_eq!(desk.body(at(&story, 0, 0)), first);
    let expected = format!(
        "{{\"id\":\"evt_7Q2M0V5D8RKTA000_0\",\"type\":\"order.opened\",\"timestamp\":\"2026-01-31T12:00:00Z\",\
         \"merchantAccount\":\"TestMerchant\",\"sequence\":1,\"data\":{{\"order\":{{\
         \"pspReference\":\"7Q2M0V5D8RKTA000\",\"id\":\"{}\",\"reference\":\"order-1\",\"version\":0,\
         \"amount\":{{\"currency\":\"EUR\",\"value\":10000}},\
         \"remainingAmount\":{{\"currency\":\"EUR\",\"value\":10000}},\"status\":\"open\",\
         \"expiresAt\":\"2026-02-01T12:00:00Z\"}}}}}}",
        uuid(ORDER)
    );
    assert_eq!(String::from_utf8(first).unwrap(), expected);
}

#[test]
fn a_test_is_an_event_about_nothing() {
    let body = webhooks::format::body(&Desk::new(Format::Tender).test()).unwrap();
    let expected = json!({
        "id": "evt_test_we_1_0",
        "type": "test",
        "timestamp": "2026-01-31T12:00:00Z",
        "merchantAccount": "TestMerchant",
        "sequence": 0,
        "data": {},
    });
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected);
}
