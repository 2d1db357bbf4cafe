//! Adyen's notifications: one item in an envelope.
//!
//! What is absent is left out and never null, and `success` and `live` are texts: Adyen's own libraries
//! compute other signatures over anything else.

use std::collections::BTreeMap;

use app::{
    OrderKey,
    ports::{Content, Parcel},
};
use domain::{
    Money, Reference,
    order::{Change, CloseReason, Format, Leg, LegResult, OrderEvent, Payment, Topic},
    reference::LegReference,
};
use serde::Serialize;

use super::{FormatFault, iso_with_offset};
use crate::{
    reasons::{self, Reason},
    sign,
};

/// What is said of every notification: no partner moves real money yet.
const LIVE: &str = "false";

/// What can be asked of a payment that was authorised.
const OPERATIONS: &[&str] = &["CANCEL", "CAPTURE", "REFUND"];

/// What a test is about: nothing, named so that nobody takes it for something.
const TEST_REFERENCE: &str = "TESTTESTTESTTEST";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notification<'a> {
    live: &'static str,
    notification_items: [Wrapped<'a>; 1],
}

#[derive(Serialize)]
struct Wrapped<'a> {
    #[serde(rename = "NotificationRequestItem")]
    item: Item<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    additional_data: BTreeMap<String, String>,
    amount: Amount,
    event_code: &'static str,
    event_date: String,
    merchant_account_code: &'a str,
    merchant_reference: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operations: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_method: Option<&'a str>,
    psp_reference: String,
    reason: &'static str,
    success: &'static str,
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
    /// The payment that was modified.
    original_reference: Option<Reference>,
    merchant_reference: &'a str,
    amount: Money,
    method: Option<&'a str>,
    reason: &'static str,
    is_success: bool,
}

/// The notification of a parcel, signed.
pub(super) fn notification<'a>(parcel: &'a Parcel<'_>) -> Result<Notification<'a>, FormatFault> {
    let mut item = match &parcel.content {
        Content::Change { key, change } => of_change(parcel, key, change)?,
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
        event_code: "TEST",
        event_date: iso_with_offset(parcel.at),
        merchant_account_code: parcel.merchant.as_str(),
        merchant_reference: "test",
        operations: None,
        original_reference: None,
        payment_method: None,
        psp_reference: TEST_REFERENCE.to_owned(),
        reason: "test",
        success: success(true),
    }
}

fn of_change<'a>(parcel: &'a Parcel<'_>, key: &OrderKey, change: &'a Change) -> Result<Item<'a>, FormatFault> {
    let topic = change.topic.ok_or(FormatFault::NotTold)?;
    let told = told(key, change, topic).ok_or(FormatFault::NotTold)?;
    let mut additional_data = if topic == Topic::OrderClosed { payments(key, change) } else { BTreeMap::new() };
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
            };
            Some(of_order(key, change, closed.is_success(), reason))
        }
        Topic::Authorisation => {
            let payment = payment(change)?;
            let reason = payment.resolution.as_ref().and_then(reasons::of_payment);
            Some(of_payment(key, change, payment, payment.is_authorised(), text(reason)))
        }
        // What is told is that the offer ended, and that is as it should be.
        Topic::OfferClosed => Some(of_payment(key, change, payment(change)?, true, "")),
        Topic::Capture | Topic::Cancellation | Topic::Refund => {
            let leg = leg(change)?;
            let result = leg.result.as_ref()?;
            let payment = payment(change)?;
            Some(Told {
                psp_reference: leg_reference(key, change)?,
                original_reference: Some(key.id.at(leg.payment)),
                amount: order.amount.with_minor(leg.amount),
                ..of_payment(key, change, payment, *result == LegResult::Done, text(reasons::of_leg(result)))
            })
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
        reason,
        is_success,
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
        reason,
        is_success,
    }
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
        | OrderEvent::CancellationRequested { .. }
        | OrderEvent::Answered { .. }
        | OrderEvent::Closed { .. } => None,
    };
    change.order.payment(version?)
}

/// The leg that the event is about.
fn leg(change: &Change) -> Option<&Leg> {
    let OrderEvent::LegResolved { operation, leg, .. } = &change.event else { return None };
    change.order.leg(*operation, *leg)
}

/// The operation's reference; of one of several legs, as a cancellation has, the leg's own: receivers know a
/// notification that came twice by its `pspReference` and `eventCode`.
fn leg_reference(key: &OrderKey, change: &Change) -> Option<String> {
    let OrderEvent::LegResolved { operation, leg, .. } = &change.event else { return None };
    let known = change.order.operations.iter().find(|known| known.version == *operation)?;
    let reference = key.id.at(*operation);
    let leg = LegReference { operation: reference, index: *leg };
    Some(if known.legs.len() == 1 { reference.to_string() } else { leg.to_string() })
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
