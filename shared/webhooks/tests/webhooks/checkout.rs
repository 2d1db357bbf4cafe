//! Adyen's notifications.

use data_encoding::BASE64;
use domain::{
    Action,
    order::{CancelReason, CancelledBy, Change, CloseReason, Decline, Format, LegResult, Resolution, Topic},
};
use serde_json::{Value, json};

use crate::{
    operations,
    support::{
        Desk, ORDER, PRIVATE, at, authorised, awaiting_shopper, books, cancellation, card, closed, done, gift_card,
        ideal, keys, leg_resolved, opened, released, requested, resolved, story, timed_out, together,
    },
};

/// The one item that tells of a change, its signature checked and taken out.
#[track_caller]
pub(crate) fn item(change: &Change) -> Value {
    let mut told = Desk::new(Format::Checkout).tell(change);
    assert_eq!(told["live"], "false");
    let items = told["notificationItems"].as_array_mut().unwrap();
    assert_eq!(items.len(), 1, "validators look at the first only");
    let mut item = items[0]["NotificationRequestItem"].take();
    let signature = item["additionalData"].as_object_mut().unwrap().remove("hmacSignature").unwrap();
    assert_eq!(signature, signed(&item, 1));
    item
}

/// The signature of an item as a receiver computes it.
fn signed(item: &Value, key: u8) -> String {
    let text = |name: &str| item[name].as_str().unwrap_or_default();
    let value = item["amount"]["value"].to_string();
    let currency = item["amount"]["currency"].as_str().unwrap();
    let (psp, original) = (text("pspReference"), text("originalReference"));
    let (account, reference) = (text("merchantAccountCode"), text("merchantReference"));
    let values = [psp, original, account, reference, &value, currency, text("eventCode"), text("success")];
    webhooks::sign::item(&keys(key).hmac, values)
}

/// A gift card, a card that is refused, another card; then a capture and a refund that is declined.
fn paid() -> Vec<Change> {
    story([
        opened("EUR", 10_000),
        gift_card(2_500, "payment-1"),
        authorised(1),
        card(7_500, "payment-2"),
        resolved(3, Resolution::Refused { reason: Decline::NotEnoughBalance }),
        card(7_500, "payment-3"),
        together([authorised(5), closed(CloseReason::Paid)]),
        requested((5, Action::Capture, 7_000)),
        done(7, 0),
        requested((5, Action::Refund, 1_000)),
        leg_resolved(9, 0, LegResult::Declined { reason: Decline::NotPermitted }),
        requested((5, Action::Refund, 1_000)),
        done(11, 0),
    ])
}

/// A gift card, and a shopper who leaves and does not come back; then the order expires.
fn left() -> Vec<Change> {
    story([
        opened("EUR", 10_000),
        gift_card(2_500, "payment-1"),
        authorised(1),
        ideal(7_500, "payment-2"),
        awaiting_shopper(3),
        together([timed_out(3), released([(3, Action::Void, 7_500)])]),
        done(5, 0),
        together([cancellation(CancelReason::Expired), released([(1, Action::Void, 2_500)])]),
        together([done(7, 0), closed(CloseReason::Expired)]),
    ])
}

#[test]
fn an_order_that_began() {
    let expected = json!({
        "pspReference": ORDER,
        "merchantReference": "order-1",
        "merchantAccountCode": "TestMerchant",
        "eventDate": "2026-01-31T12:00:00+00:00",
        "eventCode": "ORDER_OPENED",
        "amount": {"currency": "EUR", "value": 10_000},
        "reason": "",
        "success": "true",
        "additionalData": {
            "tender.eventId": "evt_7Q2M0V5D8RKTA000_0",
            "tender.orderPspReference": ORDER,
            "tender.orderVersion": "0",
            "tender.sequence": "1",
        },
    });
    assert_eq!(item(at(&paid(), 0, 0)), expected);
}

#[test]
fn a_payment_that_was_authorised() {
    let expected = json!({
        "pspReference": "7Q2M0V5D8RKTA001",
        "merchantReference": "payment-1",
        "merchantAccountCode": "TestMerchant",
        "eventDate": "2026-01-31T12:00:02+00:00",
        "eventCode": "AUTHORISATION",
        "amount": {"currency": "EUR", "value": 2_500},
        "operations": ["CANCEL", "CAPTURE", "REFUND"],
        "paymentMethod": "givex",
        "reason": "",
        "success": "true",
        "additionalData": {
            "tender.eventId": "evt_7Q2M0V5D8RKTA002_0",
            "tender.orderPspReference": ORDER,
            "tender.orderVersion": "2",
            "tender.sequence": "2",
        },
    });
    assert_eq!(item(at(&paid(), 2, 0)), expected);
}

#[test]
fn a_payment_that_was_refused() {
    let expected = json!({
        "pspReference": "7Q2M0V5D8RKTA003",
        "merchantReference": "payment-2",
        "merchantAccountCode": "TestMerchant",
        "eventDate": "2026-01-31T12:00:04+00:00",
        "eventCode": "AUTHORISATION",
        "amount": {"currency": "EUR", "value": 7_500},
        "paymentMethod": "visa",
        "reason": "Not enough balance",
        "success": "false",
        "additionalData": {
            "tender.eventId": "evt_7Q2M0V5D8RKTA004_0",
            "tender.orderPspReference": ORDER,
            "tender.orderVersion": "4",
            "tender.sequence": "3",
        },
    });
    assert_eq!(item(at(&paid(), 4, 0)), expected);
}

#[test]
fn every_way_to_fail_has_its_words() {
    let cases = [
        (Resolution::Refused { reason: Decline::Refused }, "Refused"),
        (Resolution::Refused { reason: Decline::ExpiredCard }, "Expired Card"),
        (Resolution::Refused { reason: Decline::InvalidCardNumber }, "Invalid Card Number"),
        (Resolution::Refused { reason: Decline::InvalidCode }, "CVC Declined"),
        (Resolution::Refused { reason: Decline::CodeTriesExceeded }, "Pin tries exceeded"),
        (Resolution::Refused { reason: Decline::NotAuthenticated }, "3D Not Authenticated"),
        (Resolution::Refused { reason: Decline::NotPermitted }, "Transaction Not Permitted"),
        (Resolution::Cancelled { by: CancelledBy::Shopper }, "Shopper Cancelled"),
        (Resolution::Cancelled { by: CancelledBy::Order }, "Cancelled"),
        (Resolution::Failed, "Acquirer Error"),
    ];
    for (resolution, words) in cases {
        let told = story([opened("EUR", 100), card(100, "payment-1"), resolved(1, resolution)]);
        let item = item(at(&told, 2, 0));
        assert_eq!((&item["success"], &item["reason"]), (&json!("false"), &json!(words)));
    }
}

#[test]
fn a_capture() {
    let expected = json!({
        "pspReference": "7Q2M0V5D8RKTA007",
        "originalReference": "7Q2M0V5D8RKTA005",
        "merchantReference": "payment-3",
        "merchantAccountCode": "TestMerchant",
        "eventDate": "2026-01-31T12:00:08+00:00",
        "eventCode": "CAPTURE",
        "amount": {"currency": "EUR", "value": 7_000},
        "paymentMethod": "visa",
        "reason": "",
        "success": "true",
        "additionalData": {
            "tender.eventId": "evt_7Q2M0V5D8RKTA008_0",
            "tender.operationPspReference": "7Q2M0V5D8RKTA007",
            "tender.orderPspReference": ORDER,
            "tender.orderVersion": "8",
            "tender.sequence": "6",
        },
    });
    let story = paid();
    assert_eq!(item(at(&story, 8, 0)), expected);
    assert_eq!(books(at(&story, 12, 0), 5).refunded, 1_000);
}

#[test]
fn a_refund_that_was_declined_and_one_that_was_done() {
    let told = |version: u16, operation: &str, sequence: &str, reason: &str, success: &str| {
        json!({
            "pspReference": format!("7Q2M0V5D8RKTA00{operation}"),
            "originalReference": "7Q2M0V5D8RKTA005",
            "merchantReference": "payment-3",
            "merchantAccountCode": "TestMerchant",
            "eventDate": format!("2026-01-31T12:00:{version}+00:00"),
            "eventCode": "REFUND",
            "amount": {"currency": "EUR", "value": 1_000},
            "paymentMethod": "visa",
            "reason": reason,
            "success": success,
            "additionalData": {
                "tender.eventId": format!("evt_7Q2M0V5D8RKTA00{}_0", if version == 10 { "A" } else { "C" }),
                "tender.operationPspReference": format!("7Q2M0V5D8RKTA00{operation}"),
                "tender.orderPspReference": ORDER,
                "tender.orderVersion": version.to_string(),
                "tender.sequence": sequence,
            },
        })
    };
    assert_eq!(item(at(&paid(), 10, 0)), told(10, "9", "7", "Transaction Not Permitted", "false"));
    assert_eq!(item(at(&paid(), 12, 0)), told(12, "B", "8", "", "true"));
}

#[test]
fn a_void_of_what_was_authorised() {
    let expected = json!({
        "pspReference": "7Q2M0V5D8RKTA007",
        "originalReference": "7Q2M0V5D8RKTA001",
        "merchantReference": "payment-1",
        "merchantAccountCode": "TestMerchant",
        "eventDate": "2026-01-31T12:00:08+00:00",
        "eventCode": "CANCELLATION",
        "amount": {"currency": "EUR", "value": 2_500},
        "paymentMethod": "givex",
        "reason": "",
        "success": "true",
        "additionalData": {
            "tender.eventId": "evt_7Q2M0V5D8RKTA008_0",
            "tender.operationPspReference": "7Q2M0V5D8RKTA007",
            "tender.orderPspReference": ORDER,
            "tender.orderVersion": "8",
            "tender.sequence": "4",
        },
    });
    assert_eq!(item(at(&left(), 8, 0)), expected);
}

#[test]
fn a_shopper_who_did_not_act_in_time() {
    let offer_closed = |version: u16| {
        json!({
            "pspReference": "7Q2M0V5D8RKTA003",
            "merchantReference": "payment-2",
            "merchantAccountCode": "TestMerchant",
            "eventDate": format!("2026-01-31T12:00:0{version}+00:00"),
            "eventCode": "OFFER_CLOSED",
            "amount": {"currency": "EUR", "value": 7_500},
            "paymentMethod": "ideal",
            "reason": "",
            "success": "true",
            "additionalData": {
                "tender.eventId": format!("evt_7Q2M0V5D8RKTA00{version}_0"),
                "tender.orderPspReference": ORDER,
                "tender.orderVersion": version.to_string(),
                "tender.sequence": "3",
            },
        })
    };
    // The part was released; or the partner said on its own that it ended.
    assert_eq!(item(at(&left(), 6, 0)), offer_closed(6));
    let ended = story([
        opened("EUR", 10_000),
        gift_card(2_500, "payment-1"),
        authorised(1),
        ideal(7_500, "payment-2"),
        awaiting_shopper(3),
        timed_out(3),
        resolved(3, Resolution::Cancelled { by: CancelledBy::Timeout }),
    ]);
    assert_eq!(item(at(&ended, 6, 0)), offer_closed(6));
}

#[test]
fn an_order_that_was_paid_lists_every_attempt() {
    let expected = json!({
        "pspReference": ORDER,
        "merchantReference": "order-1",
        "merchantAccountCode": "TestMerchant",
        "eventDate": "2026-01-31T12:00:06+00:00",
        "eventCode": "ORDER_CLOSED",
        "amount": {"currency": "EUR", "value": 10_000},
        "reason": "",
        "success": "true",
        "additionalData": {
            "order-1-pspReference": "7Q2M0V5D8RKTA001",
            "order-1-paymentAmount": "EUR 25.00",
            "order-1-paymentMethod": "givex",
            "order-1-success": "true",
            "order-2-pspReference": "7Q2M0V5D8RKTA003",
            "order-2-paymentAmount": "EUR 75.00",
            "order-2-paymentMethod": "visa",
            "order-2-success": "false",
            "order-3-pspReference": "7Q2M0V5D8RKTA005",
            "order-3-paymentAmount": "EUR 75.00",
            "order-3-paymentMethod": "visa",
            "order-3-success": "true",
            "tender.eventId": "evt_7Q2M0V5D8RKTA006_1",
            "tender.orderPspReference": ORDER,
            "tender.orderVersion": "6",
            "tender.sequence": "5",
        },
    });
    assert_eq!(item(at(&paid(), 6, 1)), expected);
}

#[test]
fn an_order_that_was_not_paid_says_why_and_what_had_been_authorised() {
    let item = item(at(&left(), 8, 1));
    assert_eq!((&item["success"], &item["reason"]), (&json!("false"), &json!("expired")));
    let additional = &item["additionalData"];
    assert_eq!(additional["order-1-success"], "true", "its release has a notification of its own");
    assert_eq!(additional["order-2-success"], "false");
    assert_eq!(additional["tender.sequence"], "5");
    let cancelled = story([opened("EUR", 100), cancellation(CancelReason::Merchant), closed(CloseReason::Cancelled)]);
    let item = self::item(at(&cancelled, 2, 0));
    assert_eq!((&item["success"], &item["reason"]), (&json!("false"), &json!("cancelled")));
}

#[test]
fn amounts_have_the_decimals_of_their_currency() {
    for (currency, shown) in [("JPY", "JPY 1234"), ("EUR", "EUR 12.34"), ("BHD", "BHD 1.234")] {
        let told = story([
            opened(currency, 1_234),
            card(1_234, "payment-1"),
            together([authorised(1), closed(CloseReason::Paid)]),
        ]);
        let item = item(at(&told, 2, 1));
        assert_eq!(item["amount"], json!({"currency": currency, "value": 1_234}));
        assert_eq!(item["additionalData"]["order-1-paymentAmount"], shown);
    }
}

#[test]
fn the_notifications_of_an_order_are_numbered_without_gaps() {
    for story in [paid(), left(), operations::every_kind()] {
        let told = story.iter().filter(|change| change.is_told(Format::Checkout)).map(item);
        let numbers = told.map(|item| item["additionalData"]["tender.sequence"].as_str().unwrap().parse().unwrap());
        let numbers = numbers.collect::<Vec<usize>>();
        assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
    }
}

#[test]
fn every_topic_is_told_and_nothing_else() {
    let stories = [paid(), left(), operations::every_kind()].concat();
    for topic in Topic::ALL {
        let change = stories.iter().find(|change| change.topic == Some(*topic)).unwrap();
        assert_eq!(item(change)["eventCode"], topic.code());
    }
    let untold = stories.iter().find(|change| change.topic.is_none()).unwrap();
    let desk = Desk::new(Format::Checkout);
    let error = webhooks::format::body(&desk.parcel("evt", untold)).unwrap_err();
    assert_eq!(error.to_string(), "the change is not told in the endpoint's format");
}

#[test]
fn nothing_is_null_and_no_secret_is_told() {
    for change in
        [paid(), left(), operations::every_kind()].concat().iter().filter(|change| change.is_told(Format::Checkout))
    {
        let body = String::from_utf8(Desk::new(Format::Checkout).body(change)).unwrap();
        assert!(!body.contains("null") && !body.contains(PRIVATE), "{body}");
    }
}

#[test]
fn the_bytes_are_the_same_on_every_try() {
    let (story, mut desk) = (paid(), Desk::new(Format::Checkout));
    let first = desk.body(at(&story, 6, 1));
    desk.tries = 2;
    desk.at = desk.at.plus(std::time::Duration::from_secs(60));
    assert_eq!(desk.body(at(&story, 6, 1)), first);
    let opened = String::from_utf8(desk.body(at(&story, 0, 0))).unwrap();
    let item = &desk.tell(at(&story, 0, 0))["notificationItems"][0]["NotificationRequestItem"];
    let signature = item["additionalData"]["hmacSignature"].as_str().unwrap();
    assert_eq!(BASE64.decode(signature.as_bytes()).unwrap().len(), 32);
    let expected = format!(
        "{{\"live\":\"false\",\"notificationItems\":[{{\"NotificationRequestItem\":{{\"additionalData\":{{\
         \"hmacSignature\":\"{signature}\",\"tender.eventId\":\"evt_7Q2M0V5D8RKTA000_0\",\
         \"tender.orderPspReference\":\"7Q2M0V5D8RKTA000\",\"tender.orderVersion\":\"0\",\"tender.sequence\":\"1\"}},\
         \"amount\":{{\"currency\":\"EUR\",\"value\":10000}},\"eventCode\":\"ORDER_OPENED\",\
         \"eventDate\":\"2026-01-31T12:00:00+00:00\",\"merchantAccountCode\":\"TestMerchant\",\
         \"merchantReference\":\"order-1\",\"pspReference\":\"7Q2M0V5D8RKTA000\",\"reason\":\"\",\
         \"success\":\"true\"}}}}]}}"
    );
    assert_eq!(opened, expected);
}

#[test]
fn two_keys_take_turns_while_both_are_valid() {
    let (story, mut desk) = (paid(), Desk::new(Format::Checkout));
    let mut signed_by = |keys, tries| {
        (desk.keys, desk.tries) = (keys, tries);
        let item = desk.tell(at(&story, 2, 0))["notificationItems"][0]["NotificationRequestItem"].take();
        let signature = item["additionalData"]["hmacSignature"].clone();
        [1, 2].into_iter().find(|key| signature == signed(&item, *key)).unwrap()
    };
    assert_eq!([1, 2, 3, 4].map(|tries| signed_by((2, Some(1)), tries)), [1, 2, 1, 2]);
    assert_eq!([1, 2, 3, 4].map(|tries| signed_by((2, None), tries)), [2, 2, 2, 2]);
}

#[test]
fn a_test_is_like_a_notification() {
    let body = webhooks::format::body(&Desk::new(Format::Checkout).test()).unwrap();
    let mut told = serde_json::from_slice::<Value>(&body).unwrap();
    let mut item = told["notificationItems"][0]["NotificationRequestItem"].take();
    let signature = item["additionalData"].as_object_mut().unwrap().remove("hmacSignature").unwrap();
    assert_eq!(signature, signed(&item, 1));
    let expected = json!({
        "pspReference": "TESTTESTTESTTEST",
        "merchantReference": "test",
        "merchantAccountCode": "TestMerchant",
        "eventDate": "2026-01-31T12:00:00+00:00",
        "eventCode": "TEST",
        "amount": {"currency": "EUR", "value": 0},
        "reason": "test",
        "success": "true",
        "additionalData": {"tender.eventId": "evt_test_we_1_0", "tender.sequence": "0"},
    });
    assert_eq!(item, expected);
}
