//! The payments family's notifications: the payment as it stands.

use app::Details;
use domain::{
    Aggregate, Order,
    order::{
        Cancel, CancelReason, CancelledBy, CaptureMode, Change, Command, Decision, Decline, Finding, Format,
        HeaderText, LegResult, MethodKind, Operate, OperationKind, OrderEvent, OwnFormat, OwnHeader, OwnWebhook,
        Redirect, Resolution, Session, Target,
    },
    reference::LegReference,
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};
use webhooks::format::payments::{capture_mode, payment, standing};

use crate::support::{
    BEGINNING, Desk, authorised, card, closed, details, euros, found, key, on_leg, on_payment, opened, pay, played,
    reference, resolved, story, together, uuid, v,
};

/// What a shop tells about the parcels of an operation.
pub(crate) const SHIPMENTS: &str = concat!(
    r#"{"shipments":[{"net_amount":6000,"item_lines":[{"type":"PHYSICAL","sku_reference":"SKU_01","#,
    r#""name":"A product","brand":"A brand","unit_gross_price":1500,"net_amount":6000,"discount_amount":0,"#,
    r#""quantity":4,"tax_amount":1000,"tax_rate":20,"seller_reference":"SELLER_01","#,
    r#""seller_name":"A seller","is_marketplace_seller":true}]}]}"#,
);

/// The terms of a session that has a webhook.
pub(crate) fn session(capture: CaptureMode) -> Option<Session> {
    let header = OwnHeader { name: "x-order-id".into(), values: vec![HeaderText::Number(123_456_789)] };
    let url = "https://shop.example/hook?order_id=1".into();
    let webhook = Some(OwnWebhook { url, headers: vec![header], format: OwnFormat::Payments });
    Some(Session { capture, webhook, is_purchase: false })
}

/// Asks for an operation on the whole order.
pub(crate) fn ask(kind: OperationKind, cents: u64) -> Operate {
    Operate::new(kind, Target::Order, Some(euros(cents)))
}

/// What a shop asks for with a name and with parcels.
pub(crate) fn shipped(kind: OperationKind, cents: u64, name: &str, shipments: &str) -> Command {
    let (reference, details) = (Some(name.to_owned()), Some(shipments.to_owned()));
    Command::Operate(Operate { reference, details, ..ask(kind, cents) })
}

/// A session of 120.00, paid by a gift card with 20.00 (payment 1) and a card with 100.00 (payment 3), and what is
/// asked of it then, and found: the next commits are 5, 6 and so on.
pub(crate) fn paid(then: impl IntoIterator<Item = Command>) -> Vec<Change> {
    let paid = [
        pay(MethodKind::GiftCard, 2_000),
        found([on_payment(1, Resolution::Authorised)]),
        pay(MethodKind::Card, 10_000),
        found([on_payment(3, Resolution::Authorised)]),
    ];
    played(session(CaptureMode::Manual), 12_000, paid.into_iter().chain(then))
}

fn done(operation: u16, index: u16) -> Finding {
    on_leg(operation, index, LegResult::Done)
}

fn declined(operation: u16, index: u16) -> Finding {
    on_leg(operation, index, LegResult::Declined { reason: Decline::Refused })
}

/// What the order's own webhook is told of a change.
#[track_caller]
pub(crate) fn told(story: &[Change], version: u16) -> Value {
    let mark = |change: &&Change| change.position.version == v(version) && change.event == OrderEvent::AmountsChanged;
    let change = story.iter().find(mark).unwrap();
    let mut desk = Desk::new(Format::Payments);
    desk.details = details(story);
    desk.tell(change)
}

/// A captured 60.00 of the 120.00, and 50.00 of that refunded.
fn captured_and_refunded() -> Vec<Change> {
    paid([
        shipped(OperationKind::Capture, 6_000, "CAP#1", SHIPMENTS),
        found([done(5, 0), done(5, 1)]),
        shipped(OperationKind::Refund, 5_000, "REF#1", r#"{"shipments":[{"net_amount":5000}]}"#),
        found([done(7, 0), done(7, 1)]),
    ])
}

/// The payment as its endpoint shows it.
fn shown(order: &Order) -> Value {
    serde_json::to_value(payment(&key(), order, &Details::new()).unwrap()).unwrap()
}

/// The payment as its endpoint shows it after the whole story.
fn shown_last(story: &[Change]) -> Value {
    shown(&story.last().unwrap().order)
}

/// The amounts of a payment, in the order of the seed's table, with what is still to be authorised first.
fn amounts(payment: &Value) -> [u64; 8] {
    let amount = |name: &str| payment["amounts"][name].as_u64().unwrap();
    [
        amount("authorize_pending"),
        amount("total_authorized"),
        amount("total_captured"),
        amount("available_to_capture"),
        amount("total_refunded"),
        amount("available_to_refund"),
        amount("total_voided"),
        amount("available_to_void"),
    ]
}

/// An operation's status and amount, and those of its transactions.
fn operation(operation: &Value) -> (&str, u64, Vec<(&str, u64)>) {
    let of = |value: &'static str| move |of: &Value| of[value].as_u64().unwrap();
    let transactions = operation["partner_transactions"].as_array().unwrap();
    let transactions = transactions.iter().map(|told| (told["status"].as_str().unwrap(), of("amount")(told)));
    (operation["status"].as_str().unwrap(), of("amount")(operation), transactions.collect())
}

fn time(version: u16) -> String {
    format!("2026-01-31T12:00:{version:02}Z")
}

/// A transaction of an operation that was done one second after it was asked for.
fn transaction(operation: u16, index: u16, is_card: bool, amount: u64, remaining: u64) -> Value {
    let name = format!("7Q2M0V5D8RKTA00{operation}");
    let (partner, method, token) =
        if is_card { ("sandbox", "creditcard", "token-visa") } else { ("givex", "giftcard", "token-givex") };
    json!({
        "id": LegReference { operation: reference(&name), index }.to_uuid().to_string(),
        "created_at": time(operation),
        "updated_at": time(operation + 1),
        "amount": amount,
        "partner": partner,
        "method": method,
        "partner_reference": format!("{name}-{index}"),
        "partner_status": "done",
        "partner_status_description": "Transaction succeeded",
        "partner_token": token,
        "status": "SUCCESS",
        "remaining_amount": remaining,
    })
}

fn authorization() -> Value {
    json!({
        "updated_at": time(4),
        "status": "AUTHORIZED",
        "partner_transactions": [
            {
                "id": uuid("7Q2M0V5D8RKTA001"),
                "created_at": time(1),
                "updated_at": time(2),
                "amount": 2_000,
                "partner": "givex",
                "method": "giftcard",
                "partner_reference": "7Q2M0V5D8RKTA001",
                "partner_status": "authorised",
                "partner_status_description": "Transaction succeeded",
                "partner_token": "token-givex",
                "status": "AUTHORIZED",
                "remaining_amount": 0,
            },
            {
                "id": uuid("7Q2M0V5D8RKTA003"),
                "created_at": time(3),
                "updated_at": time(4),
                "amount": 10_000,
                "partner": "sandbox",
                "method": "creditcard",
                "partner_reference": "7Q2M0V5D8RKTA003",
                "partner_status": "authorised",
                "partner_status_description": "Transaction succeeded",
                "partner_token": "token-visa",
                "status": "AUTHORIZED",
                "card": {"last_four_digits": "1111", "selected_network": "VISA"},
                "remaining_amount": 6_000,
            },
        ],
    })
}

/// Other families tell other things of an operation: those are not shipments.
#[test]
fn what_came_with_an_operation_is_told_if_it_is_shipments() {
    for (details, expected) in [
        (r#"{"description":"The chair","items":[["P1",1,100,20]]}"#, None),
        (r#"{"shipments":null}"#, None),
        (r#"{"metadata":{"shipments":[]}}"#, None),
        (r#"{"shipments":[],"note":1.50}"#, Some(r#"{"shipments":[],"note":1.50}"#)),
    ] {
        let story = paid([shipped(OperationKind::Capture, 6_000, "CAP#1", details), found([done(5, 0), done(5, 1)])]);
        let expected = expected.map(|text| serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(told(&story, 6)["captures"][0].get("order"), expected.as_ref(), "{details}");
    }
}

#[test]
fn a_payment_that_was_captured_and_refunded_in_part() {
    // The order's identity, and its merchant account's.
    let id = "3dc5406c-ad46-827a-9400-000000000000";
    let link = |what: &str, method: &str| json!({"href": format!("/v2/payments/{id}{what}"), "method": method});
    let shipments = serde_json::from_str::<Value>(SHIPMENTS).unwrap();
    let expected = json!({
        "id": id,
        "created_at": time(1),
        "overview": {"consumed": "PARTIALLY", "captured": "PARTIALLY", "voided": "NOT", "refunded": "PARTIALLY"},
        "client_session_id": id,
        "entity_id": "799dd280-695d-5eff-af10-2a2dd9dbf077",
        "version": 8,
        "order_reference": "order-1",
        "amount": 12_000,
        "currency": "EUR",
        "capture_mode": "MANUAL",
        "captures": [{
            "id": uuid("7Q2M0V5D8RKTA005"),
            "amount": 6_000,
            "created_at": time(5),
            "updated_at": time(6),
            "triggered_by": "MERCHANT",
            "merchant_reference": "CAP#1",
            "status": "SUCCESS",
            // The gift card first. What was refunded of each is not there any more.
            "partner_transactions": [transaction(5, 0, false, 2_000, 1_000), transaction(5, 1, true, 4_000, 0)],
            "order": shipments,
        }],
        "voids": [],
        "refunds": [{
            "id": uuid("7Q2M0V5D8RKTA007"),
            "amount": 5_000,
            "created_at": time(7),
            "updated_at": time(8),
            "triggered_by": "MERCHANT",
            "merchant_reference": "REF#1",
            "status": "SUCCESS",
            // The card first.
            "partner_transactions": [transaction(7, 0, true, 4_000, 0), transaction(7, 1, false, 1_000, 0)],
            "order": {"shipments": [{"net_amount": 5_000}]},
        }],
        "authorization": authorization(),
        "amounts": {
            "authorize_pending": 0,
            "total_authorized": 12_000,
            "total_voided": 0,
            "available_to_void": 6_000,
            "total_captured": 6_000,
            "available_to_capture": 6_000,
            "total_refunded": 5_000,
            "available_to_refund": 1_000,
        },
        "links": {
            "self": link("", "GET"),
            "capture": link("/captures", "POST"),
            "refund": link("/refunds", "POST"),
            "void": link("/voids", "POST"),
        },
        "split": [
            {"partner": "givex", "method": "giftcard", "amount": 2_000},
            {"partner": "sandbox", "method": "creditcard", "amount": 10_000},
        ],
        "webhook": {
            "url": "https://shop.example/hook?order_id=1",
            "headers": [{"name": "x-order-id", "values": [123_456_789]}],
        },
    });
    assert_eq!(told(&captured_and_refunded(), 8), expected);
}

#[test]
fn what_is_in_flight_is_not_available_any_more() {
    let told = told(&captured_and_refunded(), 5);
    assert_eq!(amounts(&told), [0, 12_000, 0, 6_000, 0, 0, 0, 6_000]);
    assert_eq!(operation(&told["captures"][0]), ("PENDING", 6_000, vec![("PENDING", 2_000), ("PENDING", 4_000)]));
    let of_gift_card = &told["captures"][0]["partner_transactions"][0];
    assert_eq!((&of_gift_card["partner_status"], &of_gift_card["remaining_amount"]), (&json!("requested"), &json!(0)));
    assert_eq!(of_gift_card["partner_status_description"], "The partner has not been asked yet, or has not answered.");
    assert_eq!(told["overview"]["consumed"], "NOT");
    let refunding = self::told(&captured_and_refunded(), 7);
    assert_eq!(amounts(&refunding), [0, 12_000, 6_000, 6_000, 0, 1_000, 0, 6_000]);
    // What is being refunded cannot be refunded once more.
    let remaining = |index: usize| &refunding["captures"][0]["partner_transactions"][index]["remaining_amount"];
    assert_eq!((remaining(0), remaining(1)), (&json!(1_000), &json!(0)));
}

#[test]
fn an_operation_that_failed_in_part_is_a_conflict_and_keeps_what_was_done() {
    let capture = Command::Operate(ask(OperationKind::Capture, 6_000));
    let story = paid([capture, found([done(5, 0), declined(5, 1)])]);
    let told = told(&story, 6);
    assert_eq!(operation(&told["captures"][0]), ("CONFLICT", 6_000, vec![("SUCCESS", 2_000), ("FAILURE", 4_000)]));
    assert_eq!(amounts(&told), [0, 12_000, 2_000, 10_000, 0, 2_000, 0, 10_000]);
    let declined = &told["captures"][0]["partner_transactions"][1];
    assert_eq!((&declined["partner_status"], &declined["remaining_amount"]), (&json!("declined"), &json!(0)));
    assert_eq!(declined["partner_status_description"], "Refused");
    assert_eq!(told["captures"][0].get("order"), None);
    assert_eq!(told["captures"][0].get("merchant_reference"), None);
}

#[test]
fn an_operation_of_which_nothing_was_done_is_a_failure() {
    let capture = Command::Operate(ask(OperationKind::Capture, 6_000));
    let told = told(&paid([capture, found([declined(5, 0), declined(5, 1)])]), 6);
    assert_eq!(operation(&told["captures"][0]).0, "FAILURE");
    assert_eq!(amounts(&told), [0, 12_000, 0, 12_000, 0, 0, 0, 12_000]);
}

#[test]
fn an_operation_that_may_have_been_done_is_uncertain() {
    let capture = Command::Operate(ask(OperationKind::Capture, 6_000));
    let told = told(&paid([capture, found([done(5, 0), on_leg(5, 1, LegResult::Uncertain)])]), 6);
    assert_eq!(operation(&told["captures"][0]), ("UNCERTAIN", 6_000, vec![("SUCCESS", 2_000), ("UNCERTAIN", 4_000)]));
    // It stays in flight.
    assert_eq!(amounts(&told), [0, 12_000, 2_000, 6_000, 0, 2_000, 0, 6_000]);
    let capture = Command::Operate(ask(OperationKind::Capture, 6_000));
    let told = self::told(&paid([capture, found([done(5, 0), on_leg(5, 1, LegResult::Pending)])]), 6);
    assert_eq!(operation(&told["captures"][0]), ("PENDING", 6_000, vec![("SUCCESS", 2_000), ("PENDING", 4_000)]));
}

#[test]
fn a_reversal_stands_among_the_voids_and_the_refunds_with_its_part_of_each() {
    let capture = Command::Operate(ask(OperationKind::Capture, 6_000));
    let reference = Some("reversal-1".to_owned());
    let reversal = Operate { reference, ..Operate::new(OperationKind::Reversal, Target::Order, None) };
    let reversal = Command::Operate(reversal);
    // The refund of the gift card; the void and the refund of the card.
    let outcome = found([declined(7, 0), done(7, 1), done(7, 2)]);
    let told = told(&paid([capture, found([done(5, 0), done(5, 1)]), reversal, outcome]), 8);
    let [voids, refunds] = ["voids", "refunds"].map(|name| told[name].as_array().unwrap());
    assert_eq!((voids.len(), refunds.len()), (1, 1));
    assert_eq!(operation(&voids[0]), ("SUCCESS", 6_000, vec![("SUCCESS", 6_000)]));
    assert_eq!(operation(&refunds[0]), ("CONFLICT", 6_000, vec![("FAILURE", 2_000), ("SUCCESS", 4_000)]));
    for part in [&voids[0], &refunds[0]] {
        assert_eq!(
            (&part["id"], &part["merchant_reference"]),
            (&json!(uuid("7Q2M0V5D8RKTA007")), &json!("reversal-1"))
        );
    }
    // Each leg keeps its own place in the whole.
    let references = [&voids[0]["partner_transactions"][0], &refunds[0]["partner_transactions"][1]];
    let references = references.map(|told| told["partner_reference"].as_str().unwrap());
    assert_eq!(references, ["7Q2M0V5D8RKTA007-1", "7Q2M0V5D8RKTA007-2"]);
    assert_eq!(amounts(&told), [0, 12_000, 6_000, 0, 4_000, 2_000, 6_000, 0]);
    let overview = json!({
        "consumed": "TOTALLY", "captured": "PARTIALLY", "voided": "PARTIALLY", "refunded": "PARTIALLY",
    });
    assert_eq!(told["overview"], overview);
    let links = told["links"].as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(links, ["refund", "self"]);
}

/// An order paid by iDEAL, whose shopper is at the bank.
fn at_the_bank(then: impl IntoIterator<Item = Command>) -> Vec<Change> {
    let redirect = Redirect { url: "https://bank.example/".into() };
    let left = [pay(MethodKind::Ideal, 12_000), found([on_payment(1, Resolution::AwaitingShopper { redirect })])];
    played(session(CaptureMode::Manual), 12_000, left.into_iter().chain(then))
}

#[test]
fn a_void_of_what_is_never_authorised_is_not_among_the_voids() {
    let void = || Command::Operate(Operate::new(OperationKind::Void, Target::Payment(v(1)), None));
    let asked = shown_last(&at_the_bank([void()]));
    assert_eq!((&asked["voids"], &asked["authorization"]["status"]), (&json!([]), &json!("PENDING")));
    assert_eq!(amounts(&asked), [12_000, 0, 0, 0, 0, 0, 0, 0]);
    let voided = told(&at_the_bank([void(), found([done(3, 0)])]), 4);
    assert_eq!(voided["voids"], json!([]));
    assert_eq!(amounts(&voided), [0; 8]);
    let transaction = &voided["authorization"]["partner_transactions"][0];
    assert_eq!((&transaction["status"], &transaction["partner_status"]), (&json!("ABORTED"), &json!("cancelled")));
    assert_eq!(voided["split"], json!([]));
    // One that was authorised all the same is voided like any other.
    let authorised = found([on_payment(1, Resolution::Authorised)]);
    let voided = told(&at_the_bank([void(), authorised, found([done(3, 0)])]), 5);
    assert_eq!(operation(&voided["voids"][0]), ("SUCCESS", 12_000, vec![("SUCCESS", 12_000)]));
    assert_eq!(amounts(&voided), [0, 12_000, 0, 0, 0, 0, 12_000, 0]);
}

#[test]
fn refunds_use_up_the_oldest_captures_of_their_payment() {
    let ask = |kind, cents| Command::Operate(ask(kind, cents));
    let story = paid([
        ask(OperationKind::Capture, 8_000),
        found([done(5, 0), done(5, 1)]),
        ask(OperationKind::Capture, 4_000),
        found([done(7, 0)]),
        ask(OperationKind::Refund, 7_000),
        found([done(9, 0)]),
    ]);
    let told = told(&story, 10);
    let remaining = |capture: usize, index: usize| {
        told["captures"][capture]["partner_transactions"][index]["remaining_amount"].as_u64().unwrap()
    };
    // Of the card 60.00 and then 40.00 were captured, and 70.00 refunded; nothing of the gift card.
    assert_eq!([remaining(0, 0), remaining(0, 1), remaining(1, 0)], [2_000, 0, 3_000]);
    assert_eq!(told["amounts"]["available_to_refund"], 5_000);
}

#[test]
fn what_was_taken_and_refused_is_a_failure_without_transactions() {
    let later = |kind, target, amount| {
        let amount = Some(euros(amount)).filter(|amount| amount.minor() > 0);
        Command::Operate(Operate { is_deferred: true, ..Operate::new(kind, target, amount) })
    };
    let told = shown_last(&paid([
        later(OperationKind::Refund, Target::Payment(v(3)), 5_000),
        later(OperationKind::Capture, Target::Order, 99_000),
        later(OperationKind::Void, Target::Order, 99_000),
        later(OperationKind::AmountUpdate, Target::Payment(v(3)), 10_000),
        later(OperationKind::Refund, Target::Payment(v(3)), 0),
    ]));
    assert_eq!(operation(&told["refunds"][0]), ("FAILURE", 5_000, vec![]));
    assert_eq!(operation(&told["captures"][0]), ("FAILURE", 99_000, vec![]));
    assert_eq!(operation(&told["voids"][0]), ("FAILURE", 99_000, vec![]));
    assert_eq!(operation(&told["refunds"][1]), ("FAILURE", 0, vec![]));
    let counts = ["captures", "voids", "refunds"].map(|name| told[name].as_array().unwrap().len());
    assert_eq!(counts, [1, 1, 2], "an amount update is none of them");
    assert_eq!(amounts(&told), [0, 12_000, 0, 12_000, 0, 0, 0, 12_000]);
}

#[test]
fn another_amount_is_authorised() {
    let update = |cents| {
        let update = Operate::new(OperationKind::AmountUpdate, Target::Payment(v(1)), Some(euros(cents)));
        Command::Operate(update)
    };
    let story = played(
        session(CaptureMode::Manual),
        12_000,
        [
            pay(MethodKind::Card, 10_000),
            found([on_payment(1, Resolution::Authorised)]),
            update(11_000),
            found([done(3, 0)]),
            update(10_500),
            found([done(5, 0)]),
        ],
    );
    assert_eq!(amounts(&told(&story, 3)), [1_000, 10_000, 0, 10_000, 0, 0, 0, 10_000]);
    let increased = told(&story, 4);
    assert_eq!(amounts(&increased), [0, 11_000, 0, 11_000, 0, 0, 0, 11_000]);
    let transaction = &increased["authorization"]["partner_transactions"][0];
    assert_eq!((&transaction["amount"], &transaction["updated_at"]), (&json!(11_000), &json!(time(4))));
    assert_eq!(increased["authorization"]["updated_at"], time(4));
    let counts = ["captures", "voids", "refunds"].map(|name| increased[name].as_array().unwrap().len());
    assert_eq!(counts, [0, 0, 0]);
    let decreased = told(&story, 6);
    assert_eq!(operation(&decreased["voids"][0]), ("SUCCESS", 500, vec![("SUCCESS", 500)]));
    assert_eq!(amounts(&decreased), [0, 11_000, 0, 10_500, 0, 0, 500, 10_500]);
}

#[test]
fn what_the_order_does_by_itself_is_not_the_merchants() {
    let at_once = CaptureMode::Automatic { delay_s: 0 };
    let authorised = || found([on_payment(1, Resolution::Authorised)]);
    let story = played(session(at_once), 1_000, [pay(MethodKind::Card, 1_000), authorised(), found([done(2, 0)])]);
    let captured = told(&story, 3);
    assert_eq!(
        (&captured["capture_mode"], &captured["captures"][0]["triggered_by"]),
        (&json!("AUTOMATIC"), &json!("SYSTEM"))
    );
    let overview = json!({"consumed": "TOTALLY", "captured": "TOTALLY", "voided": "NOT", "refunded": "NOT"});
    assert_eq!(captured["overview"], overview);
    let cancel = Command::Cancel(Cancel { reason: CancelReason::Merchant, key: None });
    let story = played(
        session(CaptureMode::Manual),
        2_000,
        [pay(MethodKind::Card, 1_000), authorised(), cancel, found([done(3, 0)])],
    );
    let cancelled = told(&story, 4);
    assert_eq!(cancelled["voids"][0]["triggered_by"], "SYSTEM");
    assert_eq!(cancelled["authorization"]["status"], "ABORTED");
    assert_eq!(cancelled["overview"]["voided"], "TOTALLY");
    let links = cancelled["links"].as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(links, ["self"]);
}

/// Of an order that was cancelled nothing is captured any more, while it can be voided once more.
#[test]
fn a_link_that_is_there_can_be_followed() {
    let cancel = Command::Cancel(Cancel { reason: CancelReason::Merchant, key: None });
    let authorised = found([on_payment(1, Resolution::Authorised)]);
    let story = played(
        session(CaptureMode::Manual),
        2_000,
        [pay(MethodKind::Card, 1_000), authorised, cancel, found([declined(3, 0)])],
    );
    let links = told(&story, 4)["links"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(links, ["self", "void"]);
}

#[test]
fn the_authorisation_stands_as_its_parts_do() {
    let status = |story: Vec<Change>| shown_last(&story)["authorization"]["status"].as_str().unwrap().to_owned();
    let tried = |resolution| {
        let commands = [pay(MethodKind::Card, 1_000), found([on_payment(1, resolution)])];
        played(session(CaptureMode::Manual), 2_000, commands)
    };
    let refused = Resolution::Refused { reason: Decline::Refused };
    assert_eq!(status(played(session(CaptureMode::Manual), 2_000, [])), "PENDING");
    assert_eq!(status(tried(Resolution::Pending)), "PENDING");
    assert_eq!(status(tried(Resolution::Uncertain)), "PENDING");
    assert_eq!(status(tried(Resolution::Authorised)), "PENDING", "a part is there, and the other is not");
    assert_eq!(status(tried(refused.clone())), "REFUSED");
    assert_eq!(status(tried(Resolution::Cancelled { by: CancelledBy::Shopper })), "ABORTED");
    assert_eq!(status(tried(Resolution::Failed)), "ERROR");
    assert_eq!(status(paid([])), "AUTHORIZED");
    // A part that is there, whatever became of another; and a payment around which an order was made.
    let mixed = [
        pay(MethodKind::Card, 1_000),
        found([on_payment(1, Resolution::Authorised)]),
        pay(MethodKind::Card, 1_000),
        found([on_payment(3, refused.clone())]),
    ];
    assert_eq!(status(played(session(CaptureMode::Manual), 2_000, mixed)), "PENDING");
    let refused = together([resolved(1, refused), closed(domain::order::CloseReason::PaymentFailed)]);
    assert_eq!(status(story([opened("EUR", 100), card(100, "payment-1"), refused])), "REFUSED");
}

#[test]
fn an_authorisation_that_may_still_come_is_pending_even_if_the_order_was_cancelled() {
    let cancel = || Command::Cancel(Cancel { reason: CancelReason::Merchant, key: None });
    let status = |story: &[Change]| shown_last(story)["authorization"]["status"].as_str().unwrap().to_owned();
    assert_eq!(status(&at_the_bank([cancel()])), "PENDING");
    assert_eq!(status(&at_the_bank([cancel(), found([done(3, 0)])])), "ABORTED");
}

#[test]
fn what_is_refunded_is_compared_with_what_was_captured() {
    let ask = |kind| Command::Operate(ask(kind, 6_000));
    let refund = [ask(OperationKind::Refund), found([done(7, 0), done(7, 1)])];
    let captured = [ask(OperationKind::Capture), found([done(5, 0), done(5, 1)])];
    let told = told(&paid(captured.into_iter().chain(refund)), 8);
    let overview = json!({"consumed": "PARTIALLY", "captured": "PARTIALLY", "voided": "NOT", "refunded": "TOTALLY"});
    assert_eq!(told["overview"], overview);
}

#[test]
fn every_outcome_of_a_payment_has_its_words() {
    let redirect = Redirect { url: "https://bank.example/".into() };
    let cases = [
        (Resolution::Authorised, "AUTHORIZED", "authorised", "Transaction succeeded"),
        (Resolution::Refused { reason: Decline::ExpiredCard }, "REFUSED", "refused", "Expired Card"),
        (Resolution::Cancelled { by: CancelledBy::Shopper }, "ABORTED", "cancelled", "Shopper Cancelled"),
        (Resolution::Failed, "ERROR", "error", "Acquirer Error"),
        (Resolution::Pending, "PENDING", "pending", "The partner will know later."),
        (Resolution::AwaitingShopper { redirect }, "PENDING", "redirectShopper", "The shopper has to act first."),
        (Resolution::Uncertain, "PENDING", "uncertain", "The partner did not answer in time; it will be asked."),
    ];
    for (resolution, status, partner_status, description) in cases {
        let told = shown_last(&story([opened("EUR", 100), card(100, "payment-1"), resolved(1, resolution)]));
        let transaction = &told["authorization"]["partner_transactions"][0];
        let said = ["status", "partner_status", "partner_status_description"];
        assert_eq!(said.map(|name| transaction[name].as_str().unwrap()), [status, partner_status, description]);
    }
    let asked = shown_last(&story([opened("EUR", 100), card(100, "payment-1")]));
    let transaction = &asked["authorization"]["partner_transactions"][0];
    assert_eq!(transaction["partner_status_description"], "The partner has not answered yet.");
}

#[test]
fn cards_have_the_names_of_their_networks() {
    for (brand, network) in [("visa", Some("VISA")), ("mc", Some("MASTERCARD")), ("amex", Some("AMEX")), ("card", None)]
    {
        let reserved = crate::support::reserved(MethodKind::Card, brand, None, 100, "payment-1");
        let told = shown_last(&story([opened("EUR", 100), reserved]));
        let card = &told["authorization"]["partner_transactions"][0]["card"];
        assert_eq!(card.get("selected_network").map(|network| network.as_str().unwrap()), network);
        assert_eq!(card.get("last_four_digits"), None);
    }
    let told = shown_last(&at_the_bank([]));
    assert_eq!(told["authorization"]["partner_transactions"][0].get("card"), None);
}

#[test]
fn an_order_without_terms_of_its_own_has_no_webhook_and_is_captured_by_hand() {
    let story = story([opened("EUR", 100), card(100, "payment-1"), authorised(1)]);
    let told = shown_last(&story);
    assert_eq!((told.get("webhook"), &told["capture_mode"]), (None, &json!("MANUAL")));
    assert_eq!(capture_mode(&story[0].order), "MANUAL");
    assert_eq!(told["created_at"], time(1), "it began with its first payment");
}

#[test]
fn the_notification_is_what_the_endpoint_shows() {
    let story = captured_and_refunded();
    for version in 1..=8 {
        let order = &story.iter().rfind(|change| change.position.version == v(version)).unwrap().order;
        let shown = serde_json::to_value(payment(&key(), order, &details(&story)).unwrap()).unwrap();
        assert_eq!(told(&story, version), shown);
    }
}

#[test]
fn only_the_marks_of_changed_amounts_are_told() {
    let story = captured_and_refunded();
    let desk = Desk::new(Format::Payments);
    let words = "the change is not told in the endpoint's format";
    for change in story.iter().filter(|change| change.event != OrderEvent::AmountsChanged) {
        assert_eq!(webhooks::format::body(&desk.parcel("evt", change)).unwrap_err().to_string(), words);
    }
    assert_eq!(webhooks::format::body(&desk.test()).unwrap_err().to_string(), words);
}

#[test]
fn nothing_is_null_and_details_are_repeated_as_they_came() {
    let mut desk = Desk::new(Format::Payments);
    let story = captured_and_refunded();
    desk.details = details(&story);
    let body = String::from_utf8(desk.body(story.last().unwrap())).unwrap();
    assert!(!body.contains("null") && body.contains(SHIPMENTS), "{body}");
    desk.details.insert(v(5), "{".into());
    let broken = webhooks::format::body(&desk.parcel("evt", story.last().unwrap())).unwrap_err();
    assert!(broken.to_string().starts_with("the body cannot be written: "));
}

#[test]
fn every_standing_has_its_word() {
    use domain::order::Standing;
    let all = [Standing::Success, Standing::Pending, Standing::Failure, Standing::Conflict, Standing::Uncertain];
    assert_eq!(all.map(standing), ["SUCCESS", "PENDING", "FAILURE", "CONFLICT", "UNCERTAIN"]);
}

/// Something that is asked or found. Which payment or leg it is about is counted among those there are.
#[derive(Debug, Clone)]
enum Step {
    Pay(MethodKind, u64),
    Payment(usize, Resolution),
    Operate(OperationKind, Option<usize>, Option<u64>, bool),
    Leg(usize, LegResult),
    Cancel,
}

impl Step {
    fn command(self, order: &Order) -> Option<Command> {
        let payment = |index: usize| Some(order.payments.get(index % order.payments.len().max(1))?.version);
        match self {
            Self::Pay(kind, cents) => {
                let Command::Reserve(mut reserve) = pay(kind, cents) else { return None };
                reserve.seen = order.version;
                Some(Command::Reserve(reserve))
            }
            Self::Payment(index, resolution) => {
                Some(found([Finding::Payment { payment: payment(index)?, resolution }]))
            }
            Self::Operate(kind, target, amount, is_deferred) => {
                let target = match target {
                    Some(index) => Target::Payment(payment(index)?),
                    None => Target::Order,
                };
                Some(Command::Operate(Operate { is_deferred, ..Operate::new(kind, target, amount.map(euros)) }))
            }
            Self::Leg(index, result) => {
                let legs = order.operations.iter().flat_map(|operation| {
                    operation.legs.iter().zip(0_u16..).map(|(leg, index)| (operation.version, index, leg))
                });
                let open = legs.filter(|(.., leg)| leg.is_in_flight()).collect::<Vec<_>>();
                let (operation, index, _) = open.get(index % open.len().max(1))?;
                Some(found([Finding::Leg { operation: *operation, index: *index, result }]))
            }
            Self::Cancel => Some(Command::Cancel(Cancel { reason: CancelReason::Merchant, key: None })),
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let cents = || prop_oneof![1_u64..40, 40_u64..120];
    let kind = prop_oneof![
        Just(MethodKind::Card),
        Just(MethodKind::GiftCard),
        Just(MethodKind::Ideal),
        Just(MethodKind::Credit)
    ];
    let resolution = prop_oneof![
        4 => Just(Resolution::Authorised),
        1 => Just(Resolution::Refused { reason: Decline::Refused }),
        1 => Just(Resolution::Pending),
        1 => Just(Resolution::Uncertain),
    ];
    let operation = prop_oneof![
        4 => Just(OperationKind::Capture),
        2 => Just(OperationKind::Void),
        3 => Just(OperationKind::Refund),
        1 => Just(OperationKind::Reversal),
        2 => Just(OperationKind::AmountUpdate),
        1 => Just(OperationKind::TechnicalCancel),
    ];
    let result = prop_oneof![
        4 => Just(LegResult::Done),
        1 => Just(LegResult::Declined { reason: Decline::Refused }),
        1 => Just(LegResult::Pending),
        1 => Just(LegResult::Uncertain),
    ];
    let target = prop_oneof![2 => (0_usize..4).prop_map(Some), 1 => Just(None)];
    let amount = prop_oneof![3 => cents().prop_map(Some), 1 => Just(None)];
    let step = prop_oneof![
        6 => (kind, cents()).prop_map(|(kind, cents)| Step::Pay(kind, cents)),
        6 => (0_usize..4, resolution).prop_map(|(index, resolution)| Step::Payment(index, resolution)),
        8 => (operation, target, amount, any::<bool>())
            .prop_map(|(kind, target, amount, is_deferred)| Step::Operate(kind, target, amount, is_deferred)),
        10 => (0_usize..4, result).prop_map(|(index, result)| Step::Leg(index, result)),
        1 => Just(Step::Cancel),
    ];
    vec(step, 1..40)
}

/// The sum of a field of those transactions that stand so.
fn sum<'a>(transactions: impl IntoIterator<Item = &'a Value>, field: &str, statuses: &[&str]) -> u64 {
    let all = transactions.into_iter().filter(|told| statuses.contains(&told["status"].as_str().unwrap()));
    all.map(|told| told[field].as_u64().unwrap()).sum()
}

/// What must be true of every payment, whatever was asked.
fn check(order: &Order) -> Result<(), TestCaseError> {
    let told = shown(order);
    let [pending, authorised, captured, capturable, refunded, refundable, voided, voidable] = amounts(&told);
    let transactions = |of: &Value| of["partner_transactions"].as_array().unwrap().clone();
    let [captures, voids, refunds] = ["captures", "voids", "refunds"]
        .map(|name| told[name].as_array().unwrap().iter().flat_map(transactions).collect::<Vec<_>>());
    let (done, open) = (["SUCCESS"].as_slice(), ["PENDING", "UNCERTAIN"].as_slice());
    // The totals are what was done.
    prop_assert_eq!(sum(&captures, "amount", done), captured);
    prop_assert_eq!(sum(&voids, "amount", done), voided);
    prop_assert_eq!(sum(&refunds, "amount", done), refunded);
    // Nothing is lost and nothing there twice.
    let in_flight = sum(&captures, "amount", open) + sum(&voids, "amount", open);
    prop_assert_eq!(captured + voided + capturable + in_flight, authorised);
    prop_assert_eq!(refunded + refundable + sum(&refunds, "amount", open), captured);
    prop_assert_eq!(voidable, capturable);
    // What is left of each transaction comes to what is left of all.
    let parts = transactions(&told["authorization"]);
    let held = ["AUTHORIZED"].as_slice();
    prop_assert_eq!(sum(&parts, "amount", held), authorised);
    prop_assert_eq!(sum(&parts, "remaining_amount", held), capturable);
    prop_assert_eq!(sum(&captures, "remaining_amount", done), refundable);
    // The split is what is authorised or may be; more for one of its parts may be on its way.
    let split = told["split"].as_array().unwrap().iter().map(|part| part["amount"].as_u64().unwrap());
    let increasing = order.payments.iter().map(|payment| payment.tally.increasing).sum::<u64>();
    prop_assert_eq!(split.sum::<u64>() + increasing, authorised + pending);
    for operation in ["captures", "voids", "refunds"].iter().flat_map(|name| told[*name].as_array().unwrap()) {
        let parts = transactions(operation);
        let all = sum(&parts, "amount", &["SUCCESS", "PENDING", "UNCERTAIN", "FAILURE"]);
        prop_assert!(parts.is_empty() || operation["amount"] == all);
    }
    let link = |name: &str| told["links"].get(name).is_some();
    prop_assert_eq!(link("void"), voidable > 0);
    prop_assert_eq!(link("refund"), refundable > 0);
    prop_assert_eq!(link("capture"), capturable > 0 && order.cancellation.is_none());
    Ok(())
}

proptest! {
    #[test]
    fn the_sums_of_what_was_done_are_the_totals(steps in steps()) {
        let opened = opened("EUR", 200);
        let mut order = Order::evolve_all(None, &opened, v(0), BEGINNING).unwrap();
        for step in steps {
            let at = BEGINNING.plus(std::time::Duration::from_secs(u64::from(order.version.get()) + 1));
            let Some(command) = step.command(&order) else { continue };
            if let Ok(Decision::Commit(events)) = order.decide(&command, at) {
                let version = order.version.next().unwrap();
                order = Order::evolve_all(Some(order), &events, version, at).unwrap();
                check(&order)?;
            }
        }
    }
}
