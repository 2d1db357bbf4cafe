//! The JSON of events is a published contract: events and fields are added, nothing is renamed.

use domain::{
    Action, OrderId,
    account::AccountEvent,
    order::{
        CancelReason, CancelledBy, CloseReason, Decline, LegResult, Method, MethodKind, OrderEvent, OrderKind,
        PartnerId, Resolution,
    },
    reference::LegReference,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::support::{
    EXPIRY, awaiting_shopper, cancellation, closed, declined_leg, done, eur, keyed, leg, leg_resolved, opened, print,
    released, requested, reserved, resolved, v,
};

/// Each event is written exactly so, and what is written so is read as that event.
#[track_caller]
fn check<E: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(table: &[(E, &str)]) {
    for (event, json) in table {
        assert_eq!(serde_json::to_string(event).unwrap(), *json);
        assert_eq!(serde_json::from_str::<E>(json).unwrap(), *event);
    }
}

fn one(commit: Vec<OrderEvent>) -> OrderEvent {
    let [event] = commit.try_into().unwrap();
    event
}

#[test]
fn the_json_of_order_events_never_changes() {
    let key = print(1, 2);
    check(&[
        (
            one(opened(100)),
            r#"{"type":"opened","reference":"order","amount":{"currency":"EUR","value":100},"expires_at":1767312000000,"kind":"parts","token_key":1}"#,
        ),
        (
            OrderEvent::Opened {
                reference: "order".into(),
                amount: eur(100),
                expires_at: EXPIRY,
                kind: OrderKind::Single,
                token_key: 1,
                key: Some(key),
            },
            r#"{"type":"opened","reference":"order","amount":{"currency":"EUR","value":100},"expires_at":1767312000000,"kind":"single","token_key":1,"key":{"print":"AQEBAQEBAQECAgICAgICAg"}}"#,
        ),
        (
            one(keyed(reserved(60), key)),
            r#"{"type":"payment_reserved","amount":60,"reference":"payment","method":{"kind":"card","brand":"visa","last4":"1111"},"partner":"sandbox","token":"tok_1","key":{"print":"AQEBAQEBAQECAgICAgICAg"}}"#,
        ),
        (
            OrderEvent::PaymentReserved {
                amount: 60,
                reference: "payment".into(),
                method: Method { kind: MethodKind::Ideal, brand: "ideal".into(), last4: None },
                partner: PartnerId::Accounts,
                token: "tok_1".into(),
                key: None,
            },
            r#"{"type":"payment_reserved","amount":60,"reference":"payment","method":{"kind":"ideal","brand":"ideal"},"partner":"accounts","token":"tok_1"}"#,
        ),
        (
            one(resolved(1, Resolution::Authorised)),
            r#"{"type":"payment_resolved","payment":1,"resolution":{"outcome":"authorised"}}"#,
        ),
        (
            one(keyed(requested([leg(1, Action::Capture, 45)]), key)),
            r#"{"type":"operation_requested","legs":[{"payment":1,"action":"capture","amount":45,"resolved_at":0}],"key":{"print":"AQEBAQEBAQECAgICAgICAg"}}"#,
        ),
        (
            one(released([leg(1, Action::Void, 15), leg(1, Action::Refund, 45)])),
            r#"{"type":"operation_requested","legs":[{"payment":1,"action":"void","amount":15,"resolved_at":0},{"payment":1,"action":"refund","amount":45,"resolved_at":0}],"is_release":true}"#,
        ),
        (one(done(3, 1)), r#"{"type":"leg_resolved","operation":3,"leg":1,"result":{"outcome":"done"}}"#),
        (one(cancellation()), r#"{"type":"cancellation_requested","reason":"merchant"}"#),
        (
            OrderEvent::CancellationRequested { reason: CancelReason::Merchant, key: Some(key) },
            r#"{"type":"cancellation_requested","reason":"merchant","key":{"print":"AQEBAQEBAQECAgICAgICAg"}}"#,
        ),
        (OrderEvent::Answered { key }, r#"{"type":"answered","key":{"print":"AQEBAQEBAQECAgICAgICAg"}}"#),
        (one(closed(CloseReason::Paid)), r#"{"type":"closed","reason":"paid"}"#),
        (one(closed(CloseReason::Cancelled)), r#"{"type":"closed","reason":"cancelled"}"#),
        (one(closed(CloseReason::PaymentFailed)), r#"{"type":"closed","reason":"payment_failed"}"#),
    ]);
}

#[test]
fn the_json_of_partners_words_never_changes() {
    check(&[
        (Resolution::Authorised, r#"{"outcome":"authorised"}"#),
        (
            Resolution::Refused { reason: Decline::NotEnoughBalance },
            r#"{"outcome":"refused","reason":"not_enough_balance"}"#,
        ),
        (Resolution::Cancelled { by: CancelledBy::Shopper }, r#"{"outcome":"cancelled","by":"shopper"}"#),
        (Resolution::Cancelled { by: CancelledBy::Order }, r#"{"outcome":"cancelled","by":"order"}"#),
        (Resolution::Failed, r#"{"outcome":"failed"}"#),
        (Resolution::Pending, r#"{"outcome":"pending"}"#),
        (awaiting_shopper(), r#"{"outcome":"awaiting_shopper","redirect":{"url":"https://bank.example/1"}}"#),
        (Resolution::Uncertain, r#"{"outcome":"uncertain"}"#),
    ]);
    check(&[
        (LegResult::Done, r#"{"outcome":"done"}"#),
        (declined_leg(), r#"{"outcome":"declined","reason":"not_permitted"}"#),
        (LegResult::Pending, r#"{"outcome":"pending"}"#),
        (LegResult::Uncertain, r#"{"outcome":"uncertain"}"#),
    ]);
    check(&[
        (Decline::Refused, r#""refused""#),
        (Decline::NotEnoughBalance, r#""not_enough_balance""#),
        (Decline::ExpiredCard, r#""expired_card""#),
        (Decline::InvalidCardNumber, r#""invalid_card_number""#),
        (Decline::InvalidCode, r#""invalid_code""#),
        (Decline::CodeTriesExceeded, r#""code_tries_exceeded""#),
        (Decline::NotAuthenticated, r#""not_authenticated""#),
        (Decline::NotPermitted, r#""not_permitted""#),
    ]);
    check(&[
        (MethodKind::Card, r#""card""#),
        (MethodKind::GiftCard, r#""gift_card""#),
        (MethodKind::Ideal, r#""ideal""#),
    ]);
}

#[test]
fn the_json_of_account_events_never_changes() {
    let payment = OrderId::from_entropy([0xFF; 16]).at(v(1));
    let leg = LegReference { operation: OrderId::from_entropy([0xFF; 16]).at(v(2)), index: 3 };
    check(&[
        (
            AccountEvent::Issued {
                brand: "givex".into(),
                last4: "0000".into(),
                balance: eur(5_000),
                code: [1; 8],
                key: None,
            },
            r#"{"type":"issued","brand":"givex","last4":"0000","balance":{"currency":"EUR","value":5000},"code":[1,1,1,1,1,1,1,1]}"#,
        ),
        (AccountEvent::Held { payment, amount: 60 }, r#"{"type":"held","payment":"ZZZZZZZZZZZZZ001","amount":60}"#),
        (
            AccountEvent::Moved { payment, leg, action: Action::Capture, amount: 45 },
            r#"{"type":"moved","payment":"ZZZZZZZZZZZZZ001","leg":"ZZZZZZZZZZZZZ002-3","action":"capture","amount":45}"#,
        ),
        (AccountEvent::Barred { payment }, r#"{"type":"barred","payment":"ZZZZZZZZZZZZZ001"}"#),
        (AccountEvent::CodeFailed, r#"{"type":"code_failed"}"#),
        (AccountEvent::CodeAccepted, r#"{"type":"code_accepted"}"#),
    ]);
}

#[test]
fn a_field_that_a_later_version_added_is_passed_over() {
    let json = r#"{"type":"closed","reason":"paid","mood":"good"}"#;
    assert_eq!(serde_json::from_str::<OrderEvent>(json).unwrap(), one(closed(CloseReason::Paid)));
    let json = r#"{"type":"leg_resolved","operation":3,"leg":1,"result":{"outcome":"pending","mood":"good"}}"#;
    assert_eq!(serde_json::from_str::<OrderEvent>(json).unwrap(), one(leg_resolved(3, 1, LegResult::Pending)));
}

#[test]
fn a_key_print_that_is_not_sixteen_bytes_is_not_read() {
    for print in ["", "AQEBAQEBAQE", "AQEBAQEBAQECAgICAgIC", "AQEBAQEBAQECAgICAgICAgIC", "AQEBAQEBAQECAgICAgICA!"] {
        let json = format!(r#"{{"type":"answered","key":{{"print":"{print}"}}}}"#);
        assert!(serde_json::from_str::<OrderEvent>(&json).is_err(), "{print:?}");
    }
}

/// A commit of one payment stays within one kilobyte, which is one write unit, with room for the rest of
/// the item.
#[test]
fn the_longest_reservation_stays_under_700_bytes() {
    let commit = vec![OrderEvent::PaymentReserved {
        amount: 999_999_999_999_999,
        reference: "r".repeat(80),
        method: Method { kind: MethodKind::GiftCard, brand: "b".repeat(20), last4: Some("1111".into()) },
        partner: PartnerId::Accounts,
        token: "t".repeat(64),
        key: Some(print(0xFF, 0xFF)),
    }];
    let length = serde_json::to_string(&commit).unwrap().len();
    assert!(length < 700, "{length} bytes");
}
