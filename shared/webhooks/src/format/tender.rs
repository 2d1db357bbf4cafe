//! Our own events: every change of an order, in the words of `GET orders/{pspReference}`.

use app::{
    OrderKey,
    ports::{Content, Parcel},
};
use domain::{
    Money, Order, Reference, Version,
    order::{Cancellation, Change, Closed, Format, Leg, Method, Operation, OrderEvent, Payment},
    reference::LegReference,
};
use serde::Serialize;

use super::{FormatFault, iso};
use crate::{reasons, words};

/// An event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    merchant_account: &'a str,
    /// Its number among the order's events, from 1 without gaps; 0 for a test.
    sequence: u32,
    data: Data<'a>,
}

/// The order after the event, and that part of it that the event is about.
#[derive(Default, Serialize)]
struct Data<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<PaymentView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<OperationView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leg: Option<LegView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancellation: Option<CancellationView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrderView<'a> {
    psp_reference: Reference,
    id: String,
    reference: &'a str,
    version: u16,
    amount: Money,
    remaining_amount: Money,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    expires_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PaymentView<'a> {
    psp_reference: Reference,
    id: String,
    reference: &'a str,
    amount: Money,
    payment_method: MethodView<'a>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal_reason_code: Option<&'static str>,
    authorised_amount: Money,
    captured_amount: Money,
    cancelled_amount: Money,
    refunded_amount: Money,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MethodView<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    brand: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_four: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OperationView<'a> {
    psp_reference: Reference,
    kind: &'static str,
    /// The payment it was asked of; none if it was the whole order.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_psp_reference: Option<Reference>,
    /// The merchant's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    /// What its legs come to; of one that was refused, what was asked for.
    amount: Money,
    status: &'static str,
    /// Why it could not be begun, if it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    legs: Vec<LegView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LegView {
    reference: LegReference,
    payment_psp_reference: Reference,
    action: &'static str,
    amount: Money,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal_reason: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CancellationView {
    psp_reference: Reference,
    reason: &'static str,
}

/// The event of a parcel.
pub(super) fn event<'a>(parcel: &'a Parcel<'_>) -> Result<Event<'a>, FormatFault> {
    let (kind, at, sequence, data) = match &parcel.content {
        Content::Change { key, change, details: _ } if change.is_told(Format::Tender) => {
            let data = data(key, change).ok_or(FormatFault::NotTold)?;
            (change.name(Format::Tender), change.at, change.sequence(Format::Tender), data)
        }
        Content::Change { .. } => return Err(FormatFault::NotTold),
        Content::Test => ("test", parcel.at, 0, Data::default()),
    };
    let merchant_account = parcel.merchant.as_str();
    Ok(Event { id: parcel.id, kind, timestamp: iso(at), merchant_account, sequence, data })
}

/// None if the event is not about the order it comes with.
fn data<'a>(key: &OrderKey, change: &'a Change) -> Option<Data<'a>> {
    let order = &change.order;
    let base = Data { order: Some(order_view(key, order)), ..Data::default() };
    let payment = |version: Version| order.payment(version).map(|payment| payment_view(key, order, payment));
    let data = match &change.event {
        OrderEvent::Opened { .. }
        | OrderEvent::Closed { .. }
        | OrderEvent::Answered { .. }
        | OrderEvent::AmountsChanged => base,
        OrderEvent::PaymentReserved { .. } => Data { payment: Some(payment(change.position.version)?), ..base },
        OrderEvent::PaymentResolved { payment: version, .. } | OrderEvent::ShopperTimedOut { payment: version } => {
            Data { payment: Some(payment(*version)?), ..base }
        }
        OrderEvent::OperationRequested { .. } | OrderEvent::OperationRefused { .. } => {
            Data { operation: Some(operation_view(key, order, order.operations.last()?)), ..base }
        }
        OrderEvent::LegResolved { operation, leg: index, .. } => {
            let leg = order.leg(*operation, *index)?;
            let reference = LegReference { operation: key.id.at(*operation), index: *index };
            Data { payment: Some(payment(leg.payment)?), leg: Some(leg_view(key, order, reference, leg)), ..base }
        }
        OrderEvent::CancellationRequested { .. } => {
            Data { cancellation: Some(cancellation_view(key, order.cancellation.as_ref()?)), ..base }
        }
    };
    Some(data)
}

fn order_view<'a>(key: &OrderKey, order: &'a Order) -> OrderView<'a> {
    let closed = order.closed.as_ref();
    OrderView {
        psp_reference: key.id.reference(),
        id: key.id.reference().to_uuid().to_string(),
        reference: &order.reference,
        version: order.version.get(),
        amount: order.amount,
        remaining_amount: order.amount.with_minor(order.remaining),
        status: if closed.is_some() { "closed" } else { "open" },
        success: closed.map(Closed::is_success),
        reason: closed.map(|closed| words::close_reason(closed.reason)),
        expires_at: iso(order.expires_at),
    }
}

fn payment_view<'a>(key: &OrderKey, order: &Order, payment: &'a Payment) -> PaymentView<'a> {
    let reason = payment.resolution.as_ref().and_then(reasons::of_payment);
    let reference = key.id.at(payment.version);
    let amount = |minor| order.amount.with_minor(minor);
    PaymentView {
        psp_reference: reference,
        id: reference.to_uuid().to_string(),
        reference: &payment.reference,
        amount: amount(payment.amount),
        payment_method: method_view(&payment.method),
        status: words::payment_status(payment.resolution.as_ref()),
        refusal_reason: reason.map(|reason| reason.text),
        refusal_reason_code: reason.map(|reason| reason.code),
        authorised_amount: amount(payment.tally.authorised),
        captured_amount: amount(payment.tally.captured),
        cancelled_amount: amount(payment.tally.voided),
        refunded_amount: amount(payment.tally.refunded),
    }
}

fn method_view(method: &Method) -> MethodView<'_> {
    MethodView { kind: words::method_kind(method.kind), brand: &method.brand, last_four: method.last4.as_deref() }
}

fn operation_view<'a>(key: &OrderKey, order: &Order, operation: &'a Operation) -> OperationView<'a> {
    let reference = key.id.at(operation.version);
    let view = |(leg, index)| leg_view(key, order, LegReference { operation: reference, index }, leg);
    OperationView {
        psp_reference: reference,
        kind: words::operation_kind(operation.kind),
        payment_psp_reference: operation.target.map(|payment| key.id.at(payment)),
        reference: operation.reference.as_deref(),
        amount: order.amount.with_minor(operation.total()),
        status: words::standing(operation.standing()),
        reason: operation.refused.map(words::objection),
        legs: operation.legs.iter().zip(0_u16..).map(view).collect(),
    }
}

fn leg_view(key: &OrderKey, order: &Order, reference: LegReference, leg: &Leg) -> LegView {
    LegView {
        reference,
        payment_psp_reference: key.id.at(leg.payment),
        action: words::action(leg.action),
        amount: order.amount.with_minor(leg.amount),
        status: words::leg_status(leg.result.as_ref()),
        refusal_reason: leg.result.as_ref().and_then(reasons::of_leg).map(|reason| reason.text),
    }
}

fn cancellation_view(key: &OrderKey, cancellation: &Cancellation) -> CancellationView {
    CancellationView {
        psp_reference: key.id.at(cancellation.version),
        reason: words::cancel_reason(cancellation.reason),
    }
}
