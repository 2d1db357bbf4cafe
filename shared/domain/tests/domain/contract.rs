//! The JSON of events is a published contract: events and fields are added, nothing is renamed.

use domain::{
    Action, Decimal, Order, OrderId, Time,
    account::{AccountEvent, Call},
    attention::{Attention, AttentionEvent, Raised},
    credit::{
        Exemption, Offer, OfferSource, OfferStatus, ProductEvent, Proved, Settings, SettingsEvent, Spend, SpendType,
    },
    feed::{Again, Attempt, Feed, FeedEvent, Outcome, Progress},
    order::{
        CancelReason, CancelledBy, CaptureMode, CartTerms, CloseReason, Decline, Entry, Format, HeaderText, Leg,
        LegResult, LineAction, Method, MethodKind, Objection, Operation, OperationKind, OrderEvent, OrderKind,
        OwnFormat, OwnHeader, OwnWebhook, PartnerId, Payer, Position, Resolution, Session, Standing, Target,
        line::{Line, LineKind, Sheet, TaxPart},
    },
    reference::LegReference,
    webhook::{Disabled, DisabledReason, Endpoint, EndpointEvent, Endpoints, OwnKeys},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::support::{
    EXPIRY, NOW, act_by, after, asked, authorised, awaiting_shopper, cancellation, closed, declined_leg, done, earlier,
    eur, expiry, keyed, leg, leg_resolved, opened, operation_refused, print, released, requested, reserved,
    reserved_until, resolved, timed_out, v,
};

/// Each event is written exactly so, and what is written so is read as that event.
#[track_caller]
fn check<E: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(table: &[(E, &str)]) {
    for (event, json) in table {
        assert_eq!(serde_json::to_string(event).unwrap(), *json);
        assert_eq!(serde_json::from_str::<E>(json).unwrap(), *event);
    }
}

/// What a merchant asked for, as it was written before there were kinds of operations.
fn requested_before_kinds(asked: Vec<Leg>) -> Vec<OrderEvent> {
    let mut commit = released(asked);
    for event in &mut commit {
        if let OrderEvent::OperationRequested { is_release, .. } = event {
            *is_release = false;
        }
    }
    commit
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
                session: None,
                cart: None,
                details: None,
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
                act_by: None,
                key: None,
            },
            r#"{"type":"payment_reserved","amount":60,"reference":"payment","method":{"kind":"ideal","brand":"ideal"},"partner":"accounts","token":"tok_1"}"#,
        ),
        (
            one(keyed(reserved_until(EXPIRY, 60), key)),
            r#"{"type":"payment_reserved","amount":60,"reference":"payment","method":{"kind":"card","brand":"visa","last4":"1111"},"partner":"sandbox","token":"tok_1","act_by":1767312000000,"key":{"print":"AQEBAQEBAQECAgICAgICAg"}}"#,
        ),
        (one(timed_out(1)), r#"{"type":"shopper_timed_out","payment":1}"#),
        (
            one(resolved(1, Resolution::Authorised)),
            r#"{"type":"payment_resolved","payment":1,"resolution":{"outcome":"authorised"}}"#,
        ),
        (
            one(keyed(requested_before_kinds(vec![leg(1, Action::Capture, 45)]), key)),
            r#"{"type":"operation_requested","legs":[{"payment":1,"action":"capture","amount":45,"resolved_at":0}],"key":{"print":"AQEBAQEBAQECAgICAgICAg"}}"#,
        ),
        (
            one(keyed(requested([leg(1, Action::Capture, 45)]), key)),
            r#"{"type":"operation_requested","legs":[{"payment":1,"action":"capture","amount":45,"resolved_at":0}],"kind":"capture","target":1,"amount":45,"key":{"print":"AQEBAQEBAQECAgICAgICAg"}}"#,
        ),
        (
            one(asked(OperationKind::Reversal, Target::Order, None, [leg(1, Action::Void, 45)])),
            r#"{"type":"operation_requested","legs":[{"payment":1,"action":"void","amount":45,"resolved_at":0}],"kind":"reversal"}"#,
        ),
        (
            OrderEvent::OperationRequested {
                legs: vec![leg(1, Action::Increase, 45)],
                is_release: false,
                kind: Some(OperationKind::AmountUpdate),
                target: Some(v(1)),
                reference: Some("more".into()),
                amount: Some(105),
                details: Some(r#"{"mood":"good"}"#.into()),
                is_deferred: true,
                is_automatic: true,
                of: None,
                lines: vec![],
                key: Some(key),
            },
            r#"{"type":"operation_requested","legs":[{"payment":1,"action":"increase","amount":45,"resolved_at":0}],"kind":"amount_update","target":1,"reference":"more","amount":105,"details":"{\"mood\":\"good\"}","is_deferred":true,"is_automatic":true,"key":{"print":"AQEBAQEBAQECAgICAgICAg"}}"#,
        ),
        (
            one(operation_refused(OperationKind::Refund, Target::Order, None, Objection::NothingAvailable)),
            r#"{"type":"operation_refused","kind":"refund","objection":"nothing_available"}"#,
        ),
        (
            OrderEvent::OperationRefused {
                kind: OperationKind::TechnicalCancel,
                target: Some(v(1)),
                reference: Some("undo".into()),
                amount: Some(45),
                objection: Objection::NotAuthorised,
                explanation: None,
                key: Some(key),
            },
            r#"{"type":"operation_refused","kind":"technical_cancel","target":1,"reference":"undo","amount":45,"objection":"not_authorised","key":{"print":"AQEBAQEBAQECAgICAgICAg"}}"#,
        ),
        (
            one(released([leg(1, Action::Void, 15), leg(1, Action::Refund, 45)])),
            r#"{"type":"operation_requested","legs":[{"payment":1,"action":"void","amount":15,"resolved_at":0},{"payment":1,"action":"refund","amount":45,"resolved_at":0}],"is_release":true}"#,
        ),
        (one(done(3, 1)), r#"{"type":"leg_resolved","operation":3,"leg":1,"result":{"outcome":"done"}}"#),
        (one(cancellation()), r#"{"type":"cancellation_requested","reason":"merchant"}"#),
        (one(expiry()), r#"{"type":"cancellation_requested","reason":"expired"}"#),
        (
            OrderEvent::CancellationRequested { reason: CancelReason::Merchant, key: Some(key) },
            r#"{"type":"cancellation_requested","reason":"merchant","key":{"print":"AQEBAQEBAQECAgICAgICAg"}}"#,
        ),
        (OrderEvent::Answered { key }, r#"{"type":"answered","key":{"print":"AQEBAQEBAQECAgICAgICAg"}}"#),
        (one(closed(CloseReason::Paid)), r#"{"type":"closed","reason":"paid"}"#),
        (
            OrderEvent::Closed { reason: CloseReason::Paid, capture_at: Some(EXPIRY), key: None },
            r#"{"type":"closed","reason":"paid","capture_at":1767312000000}"#,
        ),
        (OrderEvent::AmountsChanged, r#"{"type":"amounts_changed"}"#),
        (one(closed(CloseReason::Cancelled)), r#"{"type":"closed","reason":"cancelled"}"#),
        (one(closed(CloseReason::Expired)), r#"{"type":"closed","reason":"expired"}"#),
        (one(closed(CloseReason::PaymentFailed)), r#"{"type":"closed","reason":"payment_failed"}"#),
    ]);
}

#[test]
fn the_json_of_what_a_session_adds_never_changes() {
    let with = |session| {
        let [event] = opened(100).try_into().unwrap();
        let OrderEvent::Opened { reference, amount, expires_at, kind, token_key, key, .. } = event else {
            panic!("an order begins with its opening");
        };
        let details = Some("{}".into());
        let session = Some(Box::new(session));
        OrderEvent::Opened { reference, amount, expires_at, kind, token_key, session, cart: None, details, key }
    };
    let values = vec![HeaderText::Number(123_456_789), HeaderText::Number(-1), HeaderText::Text("1".into())];
    let webhook = OwnWebhook {
        url: "https://shop.example/own".into(),
        headers: vec![OwnHeader { name: "x-order-id".into(), values }],
        format: OwnFormat::Payments,
    };
    let plain = OwnWebhook { headers: vec![], ..webhook.clone() };
    let automatic = CaptureMode::Automatic { delay_s: 3_600 };
    check(&[
        (
            with(Session { capture: CaptureMode::Manual, webhook: None, is_purchase: false }),
            r#"{"type":"opened","reference":"order","amount":{"currency":"EUR","value":100},"expires_at":1767312000000,"kind":"parts","token_key":1,"session":{"capture":{"mode":"manual"}},"details":"{}"}"#,
        ),
        (
            with(Session { capture: automatic, webhook: Some(webhook), is_purchase: false }),
            r#"{"type":"opened","reference":"order","amount":{"currency":"EUR","value":100},"expires_at":1767312000000,"kind":"parts","token_key":1,"session":{"capture":{"mode":"automatic","delay_s":3600},"webhook":{"url":"https://shop.example/own","headers":[{"name":"x-order-id","values":[123456789,-1,"1"]}]}},"details":"{}"}"#,
        ),
        (
            with(Session { capture: CaptureMode::Manual, webhook: Some(plain), is_purchase: false }),
            r#"{"type":"opened","reference":"order","amount":{"currency":"EUR","value":100},"expires_at":1767312000000,"kind":"parts","token_key":1,"session":{"capture":{"mode":"manual"},"webhook":{"url":"https://shop.example/own"}},"details":"{}"}"#,
        ),
    ]);
}

#[test]
fn the_json_of_what_happens_to_lines_never_changes() {
    let key = Some(print(1, 2));
    let line = Line {
        id: 3,
        reference: "P1".into(),
        name: "Product".into(),
        kind: LineKind::ShippingFee,
        class: Some("Group".into()),
        quantity: "351.3514".parse().unwrap(),
        unit: Some("pcs".into()),
        unit_price: Some(300),
        discount_price: Some(200),
        amount: -1_000,
        tax: -250,
        taxes: vec![TaxPart { percentage: "25".parse().unwrap(), amount: -250 }],
        reverses: Some(1),
        details: Some("{}".into()),
    };
    let plain = Line {
        kind: LineKind::Product,
        class: None,
        unit: None,
        unit_price: None,
        discount_price: None,
        name: String::new(),
        taxes: vec![],
        reverses: None,
        details: None,
        ..line.clone()
    };
    let here = |lines: Vec<Line>| Sheet { count: 1, sum: -1_000, here: Some(lines), beside: None };
    let beside = Sheet { count: 200, sum: 5, here: None, beside: Some("ab12".into()) };
    let terms =
        CartTerms { tax: 20, description: Some("Books".into()), alias: Some("A1".into()), sheet: Some(beside.clone()) };
    let entries = vec![Entry { line: 3, amount: -1_000, tax: -250 }, Entry { line: 4, amount: 5, tax: 0 }];
    let session = Session { capture: CaptureMode::Manual, webhook: None, is_purchase: true };
    check(&[
        (
            OrderEvent::Opened {
                reference: "order".into(),
                amount: eur(100),
                expires_at: EXPIRY,
                kind: OrderKind::Running,
                token_key: 1,
                session: Some(Box::new(session)),
                cart: Some(Box::new(terms)),
                details: None,
                key: None,
            },
            r#"{"type":"opened","reference":"order","amount":{"currency":"EUR","value":100},"expires_at":1767312000000,"kind":"running","token_key":1,"session":{"capture":{"mode":"manual"},"is_purchase":true},"cart":{"tax":20,"description":"Books","alias":"A1","sheet":{"count":200,"sum":5,"beside":"ab12"}}}"#,
        ),
        (
            OrderEvent::Revised {
                amount: eur(100),
                tax: 20,
                description: Some("Books".into()),
                sheet: Some(here(vec![plain])),
                details: Some("{}".into()),
                key,
            },
            r#"{"type":"revised","amount":{"currency":"EUR","value":100},"tax":20,"description":"Books","sheet":{"count":1,"sum":-1000,"here":[{"id":3,"reference":"P1","kind":"product","quantity":3513514,"amount":-1000,"tax":-250}]},"details":"{}","key":{"print":"AQEBAQEBAQECAgICAgICAg"}}"#,
        ),
        (
            OrderEvent::Appended { amount: eur(0), tax: 0, sheet: here(vec![line]), details: None, key: None },
            r#"{"type":"appended","amount":{"currency":"EUR","value":0},"tax":0,"sheet":{"count":1,"sum":-1000,"here":[{"id":3,"reference":"P1","name":"Product","kind":"shipping_fee","class":"Group","quantity":3513514,"unit":"pcs","unit_price":300,"discount_price":200,"amount":-1000,"tax":-250,"taxes":[{"percentage":250000,"amount":-250}],"reverses":1,"details":"{}"}]}}"#,
        ),
        (
            OrderEvent::LinesRecorded {
                action: LineAction::Authorise,
                payer: Payer::Foreign("PID".into()),
                entries: entries.clone(),
                is_success: true,
                details: Some("{}".into()),
                key,
            },
            r#"{"type":"lines_recorded","action":"authorise","payer":{"foreign":"PID"},"entries":[{"l":3,"a":-1000,"t":-250},{"l":4,"a":5}],"is_success":true,"details":"{}","key":{"print":"AQEBAQEBAQECAgICAgICAg"}}"#,
        ),
        (
            OrderEvent::LinesRecorded {
                action: LineAction::Cancel,
                payer: Payer::Own(v(1)),
                entries: vec![],
                is_success: false,
                details: None,
                key: None,
            },
            r#"{"type":"lines_recorded","action":"cancel","payer":{"own":1},"entries":[],"is_success":false}"#,
        ),
        (
            OrderEvent::OperationRequested {
                legs: vec![leg(1, Action::Refund, 45)],
                is_release: false,
                kind: Some(OperationKind::Exchange),
                target: Some(v(1)),
                reference: None,
                amount: None,
                details: None,
                is_deferred: false,
                is_automatic: false,
                of: None,
                lines: entries,
                key: None,
            },
            r#"{"type":"operation_requested","legs":[{"payment":1,"action":"refund","amount":45,"resolved_at":0}],"kind":"exchange","target":1,"lines":[{"l":3,"a":-1000,"t":-250},{"l":4,"a":5}]}"#,
        ),
        (
            OrderEvent::OperationRefused {
                kind: OperationKind::Capture,
                target: None,
                reference: None,
                amount: Some(45),
                objection: Objection::ExceedsAvailable,
                explanation: Some("too much".into()),
                key: None,
            },
            r#"{"type":"operation_refused","kind":"capture","amount":45,"objection":"exceeds_available","explanation":"too much"}"#,
        ),
        (OrderEvent::Reopened { key: None }, r#"{"type":"reopened"}"#),
        (OrderEvent::Reopened { key }, r#"{"type":"reopened","key":{"print":"AQEBAQEBAQECAgICAgICAg"}}"#),
        (
            OrderEvent::Closed { reason: CloseReason::Concluded, capture_at: None, key },
            r#"{"type":"closed","reason":"concluded","key":{"print":"AQEBAQEBAQECAgICAgICAg"}}"#,
        ),
    ]);
    let own = OwnWebhook { url: "https://shop.example".into(), headers: vec![], format: OwnFormat::Callback };
    check(&[(own, r#"{"url":"https://shop.example","format":"callback"}"#)]);
}

#[test]
fn the_json_of_operations_never_changes() {
    check(&[
        (OperationKind::Capture, r#""capture""#),
        (OperationKind::Void, r#""void""#),
        (OperationKind::Refund, r#""refund""#),
        (OperationKind::Reversal, r#""reversal""#),
        (OperationKind::AmountUpdate, r#""amount_update""#),
        (OperationKind::TechnicalCancel, r#""technical_cancel""#),
        (OperationKind::Release, r#""release""#),
    ]);
    check(&[
        (Objection::NotAuthorised, r#""not_authorised""#),
        (Objection::NothingAvailable, r#""nothing_available""#),
        (Objection::ExceedsAvailable, r#""exceeds_available""#),
        (Objection::ExceedsRemaining, r#""exceeds_remaining""#),
        (Objection::OrderCancelled, r#""order_cancelled""#),
        (Objection::OrderClosed, r#""order_closed""#),
        (Objection::Unchanged, r#""unchanged""#),
    ]);
    check(&[
        (Action::Capture, r#""capture""#),
        (Action::Void, r#""void""#),
        (Action::Refund, r#""refund""#),
        (Action::Increase, r#""increase""#),
    ]);
}

/// What was asked for was not told then: it is what the first leg does.
#[test]
fn an_operation_from_before_there_were_kinds_is_of_the_kind_of_its_first_leg() {
    let paid = [opened(100), reserved(100), authorised(1), requested([leg(1, Action::Capture, 45)]), done(3, 0)];
    for (action, kind) in [
        (Action::Capture, OperationKind::Capture),
        (Action::Void, OperationKind::Void),
        (Action::Refund, OperationKind::Refund),
        (Action::Increase, OperationKind::AmountUpdate),
    ] {
        let given = [&paid[..], &[requested_before_kinds(vec![leg(1, action, 45)])]].concat();
        let order = after(&given);
        let operation = order.operation(v(5)).unwrap();
        assert_eq!((operation.kind, operation.target, operation.amount), (kind, None, None));
        assert_eq!((operation.total(), operation.refused), (45, None));
    }
    let given = [&paid[..], &[released([leg(1, Action::Void, 55), leg(1, Action::Refund, 45)])]].concat();
    assert_eq!(after(&given).operation(v(5)).unwrap().kind, OperationKind::Release);
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
        (Resolution::Cancelled { by: CancelledBy::Timeout }, r#"{"outcome":"cancelled","by":"timeout"}"#),
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
        (MethodKind::Credit, r#""credit""#),
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
        (
            AccountEvent::Held { payment, amount: 60, spend: None, proved: None },
            r#"{"type":"held","payment":"ZZZZZZZZZZZZZ001","amount":60}"#,
        ),
        (
            AccountEvent::Held {
                payment,
                amount: 60,
                spend: Some(Box::new(Spend {
                    offer: Some("12M".into()),
                    spend_type: SpendType::Instalment,
                    interest_rate: Decimal::from_hundredths(990).unwrap(),
                    months: 12,
                    most: Some(90),
                })),
                proved: Some(Proved { challenge: Some(payment), is_exempt: true, is_waived: false }),
            },
            r#"{"type":"held","payment":"ZZZZZZZZZZZZZ001","amount":60,"spend":{"offer":"12M","spend_type":"instalment","interest_rate":99000,"months":12,"most":90},"proved":{"challenge":"ZZZZZZZZZZZZZ001","is_exempt":true}}"#,
        ),
        (
            AccountEvent::Held {
                payment,
                amount: 60,
                spend: Some(Box::new(Spend::revolving())),
                proved: Some(Proved { challenge: None, is_exempt: false, is_waived: true }),
            },
            r#"{"type":"held","payment":"ZZZZZZZZZZZZZ001","amount":60,"spend":{"spend_type":"purchase","interest_rate":0},"proved":{"is_waived":true}}"#,
        ),
        (
            AccountEvent::Forgotten { payments: vec![payment] },
            r#"{"type":"forgotten","payments":["ZZZZZZZZZZZZZ001"]}"#,
        ),
        (
            AccountEvent::CreditOpened { customer: "C1".into(), product: "FLEX".into(), limit: eur(100), key: None },
            r#"{"type":"credit_opened","customer":"C1","product":"FLEX","limit":{"currency":"EUR","value":100}}"#,
        ),
        (AccountEvent::LimitSet { limit: 200 }, r#"{"type":"limit_set","limit":200}"#),
        (
            AccountEvent::CodeGiven { challenge: payment, expires_at: NOW, is_right: true },
            r#"{"type":"code_given","challenge":"ZZZZZZZZZZZZZ001","expires_at":1767225600000,"is_right":true}"#,
        ),
        (
            AccountEvent::Moved { payment, leg, action: Action::Increase, amount: 45 },
            r#"{"type":"moved","payment":"ZZZZZZZZZZZZZ001","leg":"ZZZZZZZZZZZZZ002-3","action":"increase","amount":45}"#,
        ),
        (
            AccountEvent::Moved { payment, leg, action: Action::Capture, amount: 45 },
            r#"{"type":"moved","payment":"ZZZZZZZZZZZZZ001","leg":"ZZZZZZZZZZZZZ002-3","action":"capture","amount":45}"#,
        ),
        (AccountEvent::Barred { payment }, r#"{"type":"barred","payment":"ZZZZZZZZZZZZZ001"}"#),
        (
            AccountEvent::Declined { call: Call::Hold(payment), reason: Decline::NotEnoughBalance },
            r#"{"type":"declined","call":{"hold":"ZZZZZZZZZZZZZ001"},"reason":"not_enough_balance"}"#,
        ),
        (
            AccountEvent::Declined { call: Call::Move(leg), reason: Decline::NotPermitted },
            r#"{"type":"declined","call":{"move":"ZZZZZZZZZZZZZ002-3"},"reason":"not_permitted"}"#,
        ),
        (AccountEvent::CodeFailed, r#"{"type":"code_failed"}"#),
        (AccountEvent::CodeAccepted, r#"{"type":"code_accepted"}"#),
    ]);
}

#[test]
fn the_json_of_products_and_settings_never_changes() {
    let offer = Offer {
        code: "12M".into(),
        name: "12 months".into(),
        description: "Spread the cost".into(),
        status: OfferStatus::Active,
        source: OfferSource::Promotional,
        spend_type: SpendType::Instalment,
        interest_rate: Decimal::from_hundredths(990).unwrap(),
        months: 12,
        ends_at: Some(NOW),
        least: 100,
        most: Some(200),
        settlement_percentage: Decimal::ONE,
        refund_percentage: Decimal::default(),
        chargeback_percentage: Decimal::default(),
    };
    check(&[
        (
            ProductEvent::ProductSet {
                code: "FLEX".into(),
                name: "Flexible".into(),
                description: "Credit".into(),
                currency: "EUR".parse().unwrap(),
            },
            r#"{"type":"product_set","code":"FLEX","name":"Flexible","description":"Credit","currency":"EUR"}"#,
        ),
        (
            ProductEvent::OfferSet { offer: Box::new(offer) },
            r#"{"type":"offer_set","offer":{"code":"12M","name":"12 months","description":"Spread the cost","status":"active","source":"promotional","spend_type":"instalment","interest_rate":99000,"months":12,"ends_at":1767225600000,"least":100,"most":200,"settlement_percentage":10000,"refund_percentage":0,"chargeback_percentage":0}}"#,
        ),
    ]);
    let exemptions = vec![Exemption { below: eur(3_000), in_a_row: 5 }];
    let settings = Settings { is_settled_in_part: true, exemptions, ..Settings::default() };
    check(&[(
        SettingsEvent::SettingsSet { settings },
        r#"{"type":"settings_set","settings":{"is_settled_in_part":true,"is_reversed_in_part":false,"is_refunded_in_part":false,"is_authenticated":true,"exemptions":[{"below":{"currency":"EUR","value":3000},"in_a_row":5}]}}"#,
    )]);
}

#[test]
fn the_json_of_endpoint_events_never_changes() {
    let id = || "we_1".to_owned();
    let created = |format, events, key| {
        let url = "https://shop.example/1".to_owned();
        EndpointEvent::EndpointCreated { id: id(), url, format, events, key }
    };
    let key = Some(print(1, 2));
    check(&[
        (
            created(Format::Checkout, vec![], None),
            r#"{"type":"endpoint_created","id":"we_1","url":"https://shop.example/1","format":"checkout"}"#,
        ),
        (
            created(Format::Tender, vec!["order.closed".into(), "payment.failed".into()], key),
            r#"{"type":"endpoint_created","id":"we_1","url":"https://shop.example/1","format":"tender","events":["order.closed","payment.failed"],"key":{"print":"AQEBAQEBAQECAgICAgICAg"}}"#,
        ),
        (EndpointEvent::EndpointDeleted { id: id() }, r#"{"type":"endpoint_deleted","id":"we_1"}"#),
        (EndpointEvent::EndpointRotated { id: id(), key: None }, r#"{"type":"endpoint_rotated","id":"we_1"}"#),
        (
            EndpointEvent::EndpointRotated { id: id(), key },
            r#"{"type":"endpoint_rotated","id":"we_1","key":{"print":"AQEBAQEBAQECAgICAgICAg"}}"#,
        ),
        (
            EndpointEvent::EndpointDisabled { id: id(), reason: DisabledReason::Gone },
            r#"{"type":"endpoint_disabled","id":"we_1","reason":"gone"}"#,
        ),
        (EndpointEvent::EndpointEnabled { id: id() }, r#"{"type":"endpoint_enabled","id":"we_1"}"#),
    ]);
}

#[test]
fn the_json_of_feed_events_never_changes() {
    let position = |version, index| Position { version: v(version), index };
    let attempt = Attempt {
        position: position(3, 1),
        name: "payment.authorised".into(),
        sequence: 4,
        tries: 1,
        outcome: Outcome::Acknowledged,
        status: Some(202),
        error: None,
        duration_ms: 120,
        is_again: false,
    };
    let attempted = |attempt| FeedEvent::Attempted { attempt };
    check(&[
        (
            attempted(attempt.clone()),
            r#"{"type":"attempted","attempt":{"position":{"version":3,"index":1},"name":"payment.authorised","sequence":4,"tries":1,"outcome":{"outcome":"acknowledged"},"status":202,"duration_ms":120}}"#,
        ),
        (
            attempted(Attempt {
                outcome: Outcome::Failed { next: EXPIRY },
                status: None,
                error: Some("timed out".into()),
                ..attempt.clone()
            }),
            r#"{"type":"attempted","attempt":{"position":{"version":3,"index":1},"name":"payment.authorised","sequence":4,"tries":1,"outcome":{"outcome":"failed","next":1767312000000},"error":"timed out","duration_ms":120}}"#,
        ),
        (
            attempted(Attempt { outcome: Outcome::GivenUp, tries: 99, status: Some(500), ..attempt.clone() }),
            r#"{"type":"attempted","attempt":{"position":{"version":3,"index":1},"name":"payment.authorised","sequence":4,"tries":99,"outcome":{"outcome":"given_up"},"status":500,"duration_ms":120}}"#,
        ),
        (
            attempted(Attempt { outcome: Outcome::Withheld, tries: 0, status: None, duration_ms: 0, ..attempt }),
            r#"{"type":"attempted","attempt":{"position":{"version":3,"index":1},"name":"payment.authorised","sequence":4,"tries":0,"outcome":{"outcome":"withheld"},"duration_ms":0}}"#,
        ),
        (
            FeedEvent::AskedAgain { positions: vec![position(0, 0), position(3, 1)] },
            r#"{"type":"asked_again","positions":[{"version":0,"index":0},{"version":3,"index":1}]}"#,
        ),
        (FeedEvent::TestAsked, r#"{"type":"test_asked"}"#),
        (FeedEvent::Woken, r#"{"type":"woken"}"#),
    ]);
}

#[test]
fn the_json_of_attention_events_never_changes() {
    check(&[
        (AttentionEvent::Raised { reason: "stuck".into() }, r#"{"type":"raised","reason":"stuck"}"#),
        (AttentionEvent::RetryAsked, r#"{"type":"retry_asked"}"#),
    ]);
}

/// What a snapshot holds is read by every later version.
#[test]
fn the_json_of_states_beside_orders_never_changes() {
    let progress = Progress { tries: 2, first_try_at: NOW, due: EXPIRY, is_withheld: true };
    let position = Position { version: v(3), index: 1 };
    check(&[
        (Feed::default(), r#"{"next":{"version":0,"index":0},"progress":{"tries":0,"first_try_at":0,"due":0}}"#),
        (
            Feed { next: position.next(), progress, again: vec![Again { position, progress: Progress::default() }] },
            r#"{"next":{"version":3,"index":2},"progress":{"tries":2,"first_try_at":1767225600000,"due":1767312000000,"is_withheld":true},"again":[{"position":{"version":3,"index":1},"progress":{"tries":0,"first_try_at":0,"due":0}}]}"#,
        ),
    ]);
    let key = Some(print(1, 2));
    let endpoint = Endpoint {
        id: "we_1".into(),
        url: "https://shop.example/1".into(),
        format: Format::Checkout,
        events: vec![],
        created_at: NOW,
        generation: 0,
        rotated_at: None,
        disabled: None,
        key: None,
        rotation_key: None,
    };
    let changed = Endpoint {
        format: Format::Tender,
        events: vec!["order.closed".into()],
        generation: 1,
        rotated_at: Some(NOW),
        disabled: Some(Disabled { at: EXPIRY, reason: DisabledReason::Gone }),
        key: Some(print(1, 2)),
        rotation_key: Some(print(3, 4)),
        ..endpoint.clone()
    };
    check(&[
        (Endpoints::default(), r#"{"endpoints":[],"own":{"generation":0}}"#),
        (
            Endpoints {
                own: OwnKeys { generation: 2, rotated_at: Some(NOW), rotation_key: key },
                ..Endpoints::default()
            },
            r#"{"endpoints":[],"own":{"generation":2,"rotated_at":1767225600000,"rotation_key":{"print":"AQEBAQEBAQECAgICAgICAg"}}}"#,
        ),
        (
            Endpoints { endpoints: vec![endpoint, changed], own: OwnKeys::default() },
            r#"{"endpoints":[{"id":"we_1","url":"https://shop.example/1","format":"checkout","created_at":1767225600000,"generation":0},{"id":"we_1","url":"https://shop.example/1","format":"tender","events":["order.closed"],"created_at":1767225600000,"generation":1,"rotated_at":1767225600000,"disabled":{"at":1767312000000,"reason":"gone"},"key":{"print":"AQEBAQEBAQECAgICAgICAg"},"rotation_key":{"print":"AwMDAwMDAwMEBAQEBAQEBA"}}],"own":{"generation":0}}"#,
        ),
    ]);
    // From before orders had webhooks of their own.
    assert_eq!(serde_json::from_str::<Endpoints>(r#"{"endpoints":[]}"#).unwrap(), Endpoints::default());
    let raised = Raised { at: NOW, reason: "stuck".into(), retried_at: None };
    check(&[
        (Attention::default(), r"{}"),
        (Attention { raised: Some(raised.clone()) }, r#"{"raised":{"at":1767225600000,"reason":"stuck"}}"#),
        (
            Attention { raised: Some(Raised { retried_at: Some(EXPIRY), ..raised }) },
            r#"{"raised":{"at":1767225600000,"reason":"stuck","retried_at":1767312000000}}"#,
        ),
    ]);
}

/// A snapshot from before changes were counted and shoppers had a time to act by.
const OLD_SNAPSHOT: &str = r#"{"reference":"order","amount":{"currency":"EUR","value":100},"remaining":40,"expires_at":1767312000000,"opened_at":1767225600000,"kind":"parts","version":2,"position":1,"attempts":1,"unresolved":1,"token_key":1,"payments":[{"version":1,"amount":60,"reference":"payment","method":{"kind":"card","brand":"visa","last4":"1111"},"partner":"sandbox","token":"tok_1","reserved_at":1767225600000,"resolution":{"outcome":"awaiting_shopper","redirect":{"url":"https://bank.example/1"}},"resolved_at":1767225600000,"answered":2,"resolved":2,"tally":{}}]}"#;

#[test]
fn a_snapshot_that_an_earlier_version_wrote_is_read() {
    let old = serde_json::from_str::<Order>(OLD_SNAPSHOT).unwrap();
    let mut now = after(&[opened(100), reserved(60), resolved(1, awaiting_shopper())]);
    (now.changes, now.topics) = (0, 0);
    now.payments.iter_mut().for_each(|payment| payment.act_by = Time::default());
    assert_eq!(old, now);
}

/// An operation of a snapshot from before operations had kinds.
const OLD_OPERATION: &str = r#"{"version":3,"requested_at":1767225600000,"legs":[{"payment":1,"action":"capture","amount":45,"result":{"outcome":"done"},"resolved_at":1767225600000}]}"#;

#[test]
fn an_operation_that_an_earlier_version_stored_is_read() {
    let old = serde_json::from_str::<Operation>(OLD_OPERATION).unwrap();
    assert_eq!((old.standing(), old.total(), old.updated_at()), (Standing::Success, 45, NOW));
    assert_eq!((old.target, old.amount, old.refused), (None, None, None));
    assert!(!old.is_automatic && old.details_bytes == 0);
}

/// Its shopper may be at the page right now.
#[test]
fn a_payment_that_an_earlier_version_stored_gives_its_shopper_as_much_time_as_any() {
    let old = serde_json::from_str::<Order>(OLD_SNAPSHOT).unwrap();
    assert!(!old.has_lapsed(NOW));
    assert!(!old.has_lapsed(earlier(act_by())));
    assert_eq!(old.next_look(NOW, u16::MAX), Some(act_by()));
    assert!(old.has_lapsed(act_by()));
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
        act_by: Some(EXPIRY),
        key: Some(print(0xFF, 0xFF)),
    }];
    let length = serde_json::to_string(&commit).unwrap().len();
    assert!(length < 700, "{length} bytes");
}
