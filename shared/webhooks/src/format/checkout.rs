//! Adyen's notifications: one item in an envelope.
//!
//! What is absent is left out and never null, and `success` and `live` are texts: Adyen's own libraries
//! compute other signatures over anything else.

use std::{borrow::Cow, collections::BTreeMap};

use app::{
    OrderKey,
    ports::{Content, Parcel},
};
use domain::{
    Action, Money, Reference,
    order::{
        Change, CloseReason, Format, Leg, LegResult, Objection, Operation, OperationKind, OrderEvent, Payment,
        Standing, Topic,
    },
    reference::LegReference,
};
use serde::Serialize;

use super::{FormatFault, iso_with_offset};
use crate::{
    reasons::{self, Reason},
    sign, words,
};

/// What is said of every notification: no partner moves real money yet.
const LIVE: &str = "false";

/// What can be asked of a payment that was authorised.
const OPERATIONS: &[&str] = &["CANCEL", "CAPTURE", "REFUND"];

/// The code of a test.
const TEST: &str = "TEST";

/// What a test is about: nothing, named so that nobody takes it for something.
const TEST_REFERENCE: &str = "TESTTESTTESTTEST";

/// Adyen's notification.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Notification"))]
pub(super) struct Notification<'a> {
    /// Whether real money moves: never yet.
    #[cfg_attr(feature = "openapi", schemars(extend("const" = LIVE)))]
    live: &'static str,
    /// One item.
    notification_items: [Wrapped<'a>; 1],
}

/// The envelope of an item.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "NotificationItem"))]
struct Wrapped<'a> {
    /// What happened.
    #[serde(rename = "NotificationRequestItem")]
    item: Item<'a>,
}

/// What happened.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "NotificationRequestItem"))]
struct Item<'a> {
    /// `hmacSignature`, and what is the engine's own: `tender.eventId`, `tender.sequence`, `tender.orderPspReference`
    /// and the like.
    additional_data: BTreeMap<String, String>,
    /// How much it is about.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Money"))]
    amount: Amount,
    /// What happened.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = event_codes())))]
    event_code: &'static str,
    /// When it happened.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Time"))]
    event_date: String,
    /// Whose order it is.
    merchant_account_code: &'a str,
    /// The merchant's reference of what it is about.
    merchant_reference: &'a str,
    /// What can be asked of a payment that was authorised.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("items" = { "type": "string", "enum": OPERATIONS })))]
    operations: Option<&'static [&'static str]>,
    /// The payment that was modified, or the order, if it was all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    original_reference: Option<String>,
    /// The brand, or the method.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_method: Option<&'a str>,
    /// What it is about: the payment, the order or the modification.
    psp_reference: String,
    /// Why it came to nothing; empty if it did not.
    reason: Cow<'static, str>,
    /// Whether it succeeded.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["true", "false"])))]
    success: &'static str,
}

/// Every code that a notification can have.
#[cfg(feature = "openapi")]
fn event_codes() -> Vec<&'static str> {
    Topic::ALL.iter().map(|topic| topic.code()).chain([TEST]).collect()
}

#[derive(Serialize)]
struct Amount {
    currency: &'static str,
    value: u64,
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self { currency: money.currency().code(), value: money.minor() }
    }
}

/// What an item is about.
struct Told<'a> {
    psp_reference: String,
    /// The payment that was modified, or the order, if it was all of it.
    original_reference: Option<Reference>,
    merchant_reference: &'a str,
    amount: Money,
    method: Option<&'a str>,
    reason: Cow<'static, str>,
    is_success: bool,
    additional_data: BTreeMap<String, String>,
}

/// The notification of a parcel, signed.
pub(super) fn notification<'a>(parcel: &'a Parcel<'_>) -> Result<Notification<'a>, FormatFault> {
    let mut item = match &parcel.content {
        Content::Change { key, change, details: _ } => of_change(parcel, key, change)?,
        Content::Test => of_test(parcel),
    };
    item.additional_data.insert("tender.eventId".to_owned(), parcel.id.to_owned());
    let signature = signature(sign::adyen_key(parcel), &item);
    item.additional_data.insert("hmacSignature".to_owned(), signature);
    Ok(Notification { live: LIVE, notification_items: [Wrapped { item }] })
}

fn signature(key: &[u8; 32], item: &Item<'_>) -> String {
    let values = [
        &item.psp_reference,
        item.original_reference.as_deref().unwrap_or_default(),
        item.merchant_account_code,
        item.merchant_reference,
        &item.amount.value.to_string(),
        item.amount.currency,
        item.event_code,
        item.success,
    ];
    sign::item(key, values)
}

fn of_test<'a>(parcel: &'a Parcel<'_>) -> Item<'a> {
    Item {
        additional_data: BTreeMap::from([("tender.sequence".to_owned(), "0".to_owned())]),
        amount: Amount { currency: "EUR", value: 0 },
        event_code: TEST,
        event_date: iso_with_offset(parcel.at),
        merchant_account_code: parcel.merchant.as_str(),
        merchant_reference: "test",
        operations: None,
        original_reference: None,
        payment_method: None,
        psp_reference: TEST_REFERENCE.to_owned(),
        reason: "test".into(),
        success: success(true),
    }
}

fn of_change<'a>(parcel: &'a Parcel<'_>, key: &OrderKey, change: &'a Change) -> Result<Item<'a>, FormatFault> {
    let topic = change.topic.ok_or(FormatFault::NotTold)?;
    let told = told(key, change, topic).ok_or(FormatFault::NotTold)?;
    let mut additional_data = told.additional_data;
    additional_data.extend([
        ("tender.orderPspReference".to_owned(), key.id.reference().to_string()),
        ("tender.orderVersion".to_owned(), change.position.version.to_string()),
        ("tender.sequence".to_owned(), change.sequence(Format::Checkout).to_string()),
    ]);
    Ok(Item {
        additional_data,
        amount: told.amount.into(),
        event_code: topic.code(),
        event_date: iso_with_offset(change.at),
        merchant_account_code: parcel.merchant.as_str(),
        merchant_reference: told.merchant_reference,
        operations: (topic == Topic::Authorisation && told.is_success).then_some(OPERATIONS),
        original_reference: told.original_reference.map(|reference| reference.to_string()),
        payment_method: told.method,
        psp_reference: told.psp_reference,
        reason: told.reason,
        success: success(told.is_success),
    })
}

/// What is told of a change; none if the event is not what the topic says, or not the order's.
fn told<'a>(key: &OrderKey, change: &'a Change, topic: Topic) -> Option<Told<'a>> {
    let order = &change.order;
    match topic {
        Topic::OrderOpened => Some(of_order(key, change, true, "")),
        Topic::OrderClosed => {
            let closed = order.closed.as_ref()?;
            let reason = match closed.reason {
                CloseReason::Paid => "",
                CloseReason::Cancelled => "cancelled",
                CloseReason::Expired => "expired",
                CloseReason::PaymentFailed => "paymentFailed",
                CloseReason::Concluded => "concluded",
            };
            let additional_data = payments(key, change);
            Some(Told { additional_data, ..of_order(key, change, closed.is_success(), reason) })
        }
        Topic::Authorisation => {
            let payment = payment(change)?;
            let reason = payment.resolution.as_ref().and_then(reasons::of_payment);
            Some(of_payment(key, change, payment, payment.is_authorised(), text(reason)))
        }
        // What is told is that the offer ended, and that is as it should be.
        Topic::OfferClosed => Some(of_payment(key, change, payment(change)?, true, "")),
        Topic::Capture
        | Topic::Cancellation
        | Topic::Refund
        | Topic::CancelOrRefund
        | Topic::AuthorisationAdjustment
        | Topic::TechnicalCancel => {
            let operation = operation(change)?;
            let mut told = match operation.refused {
                Some(objection) => of_refused(key, change, operation, objection)?,
                None => of_operation(key, change, operation, topic)?,
            };
            let reference = key.id.at(operation.version).to_string();
            told.additional_data.insert("tender.operationPspReference".to_owned(), reference);
            Some(told)
        }
    }
}

fn of_order<'a>(key: &OrderKey, change: &'a Change, is_success: bool, reason: &'static str) -> Told<'a> {
    Told {
        psp_reference: key.id.reference().to_string(),
        original_reference: None,
        merchant_reference: &change.order.reference,
        amount: change.order.amount,
        method: None,
        reason: reason.into(),
        is_success,
        additional_data: BTreeMap::new(),
    }
}

fn of_payment<'a>(
    key: &OrderKey,
    change: &Change,
    payment: &'a Payment,
    is_success: bool,
    reason: &'static str,
) -> Told<'a> {
    Told {
        psp_reference: key.id.at(payment.version).to_string(),
        original_reference: None,
        merchant_reference: &payment.reference,
        amount: change.order.amount.with_minor(payment.amount),
        method: Some(&payment.method.brand),
        reason: reason.into(),
        is_success,
        additional_data: BTreeMap::new(),
    }
}

/// What is told of an operation that was begun: leg by leg, or as a whole by its last leg.
fn of_operation<'a>(key: &OrderKey, change: &'a Change, operation: &'a Operation, topic: Topic) -> Option<Told<'a>> {
    match topic {
        Topic::Capture | Topic::Cancellation | Topic::Refund => of_leg(key, change, operation),
        // An update says what the amount is to be; how much more or less that is, its leg has.
        Topic::AuthorisationAdjustment => {
            let told = of_whole(key, change, operation)?;
            let amount = operation.amount.map_or(told.amount, |minor| change.order.amount.with_minor(minor));
            Some(Told { amount, ..told })
        }
        Topic::TechnicalCancel => of_whole(key, change, operation),
        Topic::CancelOrRefund => {
            let is_refund = operation.legs.iter().any(|leg| leg.action == Action::Refund);
            let additional_data = std::iter::once(modification(is_refund)).chain(legs(key, change, operation));
            Some(Told { additional_data: additional_data.collect(), ..of_whole(key, change, operation)? })
        }
        Topic::OrderOpened | Topic::Authorisation | Topic::OfferClosed | Topic::OrderClosed => None,
    }
}

/// One leg of an operation, on the payment it acts on.
fn of_leg<'a>(key: &OrderKey, change: &'a Change, operation: &'a Operation) -> Option<Told<'a>> {
    let leg = leg(change)?;
    let result = leg.result.as_ref()?;
    let payment = change.order.payment(leg.payment)?;
    let told = of_payment(key, change, payment, *result == LegResult::Done, text(reasons::of_leg(result)));
    Some(Told {
        psp_reference: leg_reference(key, change, operation)?,
        original_reference: Some(key.id.at(leg.payment)),
        merchant_reference: operation.reference.as_deref().unwrap_or(told.merchant_reference),
        amount: change.order.amount.with_minor(leg.amount),
        ..told
    })
}

/// An operation as a whole: under its own reference, with the amounts of all its legs together.
fn of_whole<'a>(key: &OrderKey, change: &'a Change, operation: &'a Operation) -> Option<Told<'a>> {
    let order = &change.order;
    let asked_of = match operation.target {
        Some(payment) => of_payment(key, change, order.payment(payment)?, true, ""),
        None => of_order(key, change, true, ""),
    };
    Some(Told {
        psp_reference: key.id.at(operation.version).to_string(),
        original_reference: Some(operation.target.map_or(key.id.reference(), |payment| key.id.at(payment))),
        merchant_reference: operation.reference.as_deref().unwrap_or(asked_of.merchant_reference),
        amount: order.amount.with_minor(operation.total()),
        method: method(change, operation).or(asked_of.method),
        reason: text(operation.decline().map(reasons::declined)).into(),
        is_success: operation.standing() == Standing::Success,
        additional_data: BTreeMap::new(),
    })
}

/// An operation that was taken and could not be begun: with the amount it was asked with, or else that of what it
/// was asked of.
fn of_refused<'a>(
    key: &OrderKey,
    change: &'a Change,
    operation: &'a Operation,
    objection: Objection,
) -> Option<Told<'a>> {
    let order = &change.order;
    let (amount, captured) = match operation.target {
        Some(payment) => order.payment(payment).map(|payment| (payment.amount, payment.tally.captured))?,
        None => (order.amount.minor(), order.books().captured),
    };
    let is_captured = captured > 0;
    let is_reversal = operation.kind == OperationKind::Reversal;
    Some(Told {
        amount: order.amount.with_minor(operation.amount.unwrap_or(amount)),
        reason: reasons::of_refused(operation.kind, objection, is_captured).into(),
        is_success: false,
        additional_data: is_reversal.then(|| modification(is_captured)).into_iter().collect(),
        ..of_whole(key, change, operation)?
    })
}

/// What a reversal came to, as Adyen says it.
fn modification(is_refund: bool) -> (String, String) {
    let action = words::action(if is_refund { Action::Refund } else { Action::Void });
    ("modification.action".to_owned(), action.to_owned())
}

/// The legs of a reversal, which has no notification for each.
fn legs(key: &OrderKey, change: &Change, operation: &Operation) -> impl Iterator<Item = (String, String)> {
    operation.legs.iter().zip(1_usize..).flat_map(|(leg, n)| {
        [
            (format!("tender.leg-{n}-paymentPspReference"), key.id.at(leg.payment).to_string()),
            (format!("tender.leg-{n}-action"), words::action(leg.action).to_owned()),
            (format!("tender.leg-{n}-amount"), change.order.amount.with_minor(leg.amount).to_string()),
            (format!("tender.leg-{n}-success"), success(leg.result == Some(LegResult::Done)).to_owned()),
        ]
    })
}

/// How the payment was paid that all legs are on; none if they are on several.
fn method<'a>(change: &'a Change, operation: &Operation) -> Option<&'a str> {
    let payment = operation.legs.first()?.payment;
    let is_one = operation.legs.iter().all(|leg| leg.payment == payment);
    change.order.payment(payment).filter(|_| is_one).map(|payment| payment.method.brand.as_str())
}

/// The payment that the event is about: itself, or through one of its legs.
fn payment(change: &Change) -> Option<&Payment> {
    let version = match &change.event {
        OrderEvent::PaymentResolved { payment, .. } => Some(*payment),
        OrderEvent::LegResolved { .. } => leg(change).map(|leg| leg.payment),
        OrderEvent::Opened { .. }
        | OrderEvent::PaymentReserved { .. }
        | OrderEvent::ShopperTimedOut { .. }
        | OrderEvent::OperationRequested { .. }
        | OrderEvent::OperationRefused { .. }
        | OrderEvent::Revised { .. }
        | OrderEvent::Appended { .. }
        | OrderEvent::LinesRecorded { .. }
        | OrderEvent::Reopened { .. }
        | OrderEvent::CancellationRequested { .. }
        | OrderEvent::Answered { .. }
        | OrderEvent::Closed { .. }
        | OrderEvent::AmountsChanged => None,
    };
    change.order.payment(version?)
}

/// The operation that the event is about: through one of its legs, or because it was refused.
fn operation(change: &Change) -> Option<&Operation> {
    match &change.event {
        OrderEvent::LegResolved { operation, .. } => change.order.operation(*operation),
        OrderEvent::OperationRefused { .. } => change.order.operations.last(),
        OrderEvent::Opened { .. }
        | OrderEvent::PaymentReserved { .. }
        | OrderEvent::PaymentResolved { .. }
        | OrderEvent::ShopperTimedOut { .. }
        | OrderEvent::OperationRequested { .. }
        | OrderEvent::Revised { .. }
        | OrderEvent::Appended { .. }
        | OrderEvent::LinesRecorded { .. }
        | OrderEvent::Reopened { .. }
        | OrderEvent::CancellationRequested { .. }
        | OrderEvent::Answered { .. }
        | OrderEvent::Closed { .. }
        | OrderEvent::AmountsChanged => None,
    }
}

/// The leg that the event is about.
fn leg(change: &Change) -> Option<&Leg> {
    let OrderEvent::LegResolved { operation, leg, .. } = &change.event else { return None };
    change.order.leg(*operation, *leg)
}

/// The operation's reference; of one of several legs, as a cancellation has, the leg's own: receivers know a
/// notification that came twice by its `pspReference` and `eventCode`.
fn leg_reference(key: &OrderKey, change: &Change, operation: &Operation) -> Option<String> {
    let OrderEvent::LegResolved { leg, .. } = &change.event else { return None };
    let reference = key.id.at(operation.version);
    let leg = LegReference { operation: reference, index: *leg };
    Some(if operation.legs.len() == 1 { reference.to_string() } else { leg.to_string() })
}

/// All attempts to pay, as Adyen lists them when an order ends. `success` says whether the payment was
/// authorised, also if its money was released since: that has a notification of its own.
fn payments(key: &OrderKey, change: &Change) -> BTreeMap<String, String> {
    let order = &change.order;
    let facts = order.payments.iter().zip(1_usize..).flat_map(|(payment, n)| {
        [
            (format!("order-{n}-pspReference"), key.id.at(payment.version).to_string()),
            (format!("order-{n}-paymentAmount"), order.amount.with_minor(payment.amount).to_string()),
            (format!("order-{n}-paymentMethod"), payment.method.brand.clone()),
            (format!("order-{n}-success"), success(payment.is_authorised()).to_owned()),
        ]
    });
    facts.collect()
}

fn text(reason: Option<Reason>) -> &'static str {
    reason.map_or("", |reason| reason.text)
}

fn success(is_success: bool) -> &'static str {
    if is_success { "true" } else { "false" }
}
