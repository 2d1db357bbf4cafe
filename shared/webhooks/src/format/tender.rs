//! Our own events: every change of an order, in the words of `GET orders/{pspReference}`.

use app::{
    OrderKey,
    ports::{Content, Parcel},
};
use domain::{
    Money, Order, Reference, Version,
    order::{
        Cancellation, Change, Closed, Entry, Format, Leg, LineAction, Method, Operation, OrderEvent, Payer, Payment,
    },
    reference::LegReference,
};
use serde::Serialize;

use super::{FormatFault, iso};
use crate::{reasons, words};

/// The name of a test.
const TEST: &str = "test";

/// An event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "TenderEvent"))]
pub(super) struct Event<'a> {
    /// The same on every try.
    id: &'a str,
    /// What happened; `test` for a test.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = event_names())))]
    kind: &'static str,
    /// When it happened.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Time"))]
    timestamp: String,
    /// Whose order it is.
    merchant_account: &'a str,
    /// Its number among the order's events, from 1 without gaps; 0 for a test.
    sequence: u32,
    /// What it is about.
    data: Data<'a>,
}

/// The order after the event, and that part of it that the event is about.
#[derive(Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "TenderEventData"))]
struct Data<'a> {
    /// The order after the event; none in a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderView<'a>>,
    /// The payment it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<PaymentView<'a>>,
    /// The operation it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<OperationView<'a>>,
    /// What was done to one payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    leg: Option<LegView>,
    /// What was done on lines without any money moving for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<LinesView<'a>>,
    /// The cancellation it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancellation: Option<CancellationView>,
}

/// The order after an event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "TenderEventOrder"))]
struct OrderView<'a> {
    /// Its reference.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Reference"))]
    psp_reference: Reference,
    /// The same as a UUID.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uuid")))]
    id: String,
    /// The merchant's reference.
    reference: &'a str,
    /// How many steps it has taken.
    version: u16,
    /// What is to be paid.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Money"))]
    amount: Money,
    /// What is not covered by a payment.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Money"))]
    remaining_amount: Money,
    /// Whether it has ended.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["open", "closed"])))]
    status: &'static str,
    /// Whether it was paid, once it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
    /// Why it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = crate::words::CLOSE_REASONS)))]
    reason: Option<&'static str>,
    /// From when on it takes no payment.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Time"))]
    expires_at: String,
}

/// A payment after an event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "TenderEventPayment"))]
struct PaymentView<'a> {
    /// Its reference.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Reference"))]
    psp_reference: Reference,
    /// The same as a UUID.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uuid")))]
    id: String,
    /// The merchant's reference.
    reference: &'a str,
    /// What it is to pay.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Money"))]
    amount: Money,
    /// What it is paid with.
    payment_method: MethodView<'a>,
    /// What has become of it.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = crate::words::PAYMENT_STATUSES)))]
    status: &'static str,
    /// Why nothing came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal_reason: Option<&'static str>,
    /// Adyen's code for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal_reason_code: Option<&'static str>,
    /// What was authorised.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Money"))]
    authorised_amount: Money,
    /// What was captured.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Money"))]
    captured_amount: Money,
    /// What was voided.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Money"))]
    cancelled_amount: Money,
    /// What was refunded.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Money"))]
    refunded_amount: Money,
}

/// What a payment is paid with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentMethodShown"))]
struct MethodView<'a> {
    /// Adyen's type.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = crate::words::METHOD_KINDS)))]
    kind: &'static str,
    /// Its brand.
    brand: &'a str,
    /// The last four digits of its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_four: Option<&'a str>,
}

/// An operation after an event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "TenderEventOperation"))]
struct OperationView<'a> {
    /// Its reference.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Reference"))]
    psp_reference: Reference,
    /// What was asked for.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = crate::words::OPERATION_KINDS)))]
    kind: &'static str,
    /// The payment it was asked of; none if it was the whole order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<crate::schema::Reference>"))]
    payment_psp_reference: Option<Reference>,
    /// The merchant's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    /// What its legs come to; of one that was refused, what was asked for.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Money"))]
    amount: Money,
    /// How it stands.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = crate::words::STANDINGS)))]
    status: &'static str,
    /// Why it could not be begun, if it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = crate::words::OBJECTIONS)))]
    reason: Option<&'static str>,
    /// What it does to each payment.
    legs: Vec<LegView>,
}

/// What an operation does to one payment.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "LegShown"))]
struct LegView {
    /// Its reference.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::LegReference"))]
    reference: LegReference,
    /// The payment it is about.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Reference"))]
    payment_psp_reference: Reference,
    /// What is done to it.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = crate::words::ACTIONS)))]
    action: &'static str,
    /// How much.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Money"))]
    amount: Money,
    /// What has become of it.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = crate::words::LEG_STATUSES)))]
    status: &'static str,
    /// Why the partner declined it.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal_reason: Option<&'static str>,
}

/// The cancellation of an order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CancellationShown"))]
struct CancellationView {
    /// Its reference.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Reference"))]
    psp_reference: Reference,
    /// Who asked for it.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = crate::words::CANCEL_REASONS)))]
    reason: &'static str,
}

/// What was done on lines.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "TenderLines"))]
struct LinesView<'a> {
    /// What.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = words::LINE_ACTIONS)))]
    action: &'static str,
    /// With which payment of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<crate::schema::Reference>"))]
    payment_psp_reference: Option<Reference>,
    /// With which payment that somebody else made.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<&'a str>,
    /// Whether it succeeded; if not, it is only on record.
    success: bool,
    /// In which currency the amounts are.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Currency"))]
    currency: &'static str,
    /// On which lines.
    items: Vec<LineEntryView>,
}

/// What was done on one line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "TenderLineEntry"))]
struct LineEntryView {
    /// Which.
    line_id: u32,
    /// With how much, in minor units; negative for a line that is taken back.
    value: i64,
}

/// Every name that an event can have.
#[cfg(feature = "openapi")]
fn event_names() -> Vec<&'static str> {
    domain::order::CHANGE_NAMES.iter().copied().chain([TEST]).collect()
}

/// The event of a parcel.
pub(super) fn event<'a>(parcel: &'a Parcel<'_>) -> Result<Event<'a>, FormatFault> {
    let (kind, at, sequence, data) = match &parcel.content {
        Content::Change { key, change, details: _ } if change.is_told(Format::Tender) => {
            let data = data(key, change).ok_or(FormatFault::NotTold)?;
            (change.name(Format::Tender), change.at, change.sequence(Format::Tender), data)
        }
        Content::Change { .. } => return Err(FormatFault::NotTold),
        Content::Test => (TEST, parcel.at, 0, Data::default()),
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
        | OrderEvent::Revised { .. }
        | OrderEvent::Appended { .. }
        | OrderEvent::Reopened { .. }
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
        OrderEvent::LinesRecorded { action, payer, entries, is_success, .. } => {
            Data { lines: Some(lines_view(key, order, *action, payer, entries, *is_success)), ..base }
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

fn lines_view<'a>(
    key: &OrderKey,
    order: &Order,
    action: LineAction,
    payer: &'a Payer,
    entries: &[Entry],
    success: bool,
) -> LinesView<'a> {
    let items = entries.iter().map(|entry| LineEntryView { line_id: entry.line, value: entry.amount });
    let (payment_psp_reference, payment_id) = match payer {
        Payer::Own(payment) => (Some(key.id.at(*payment)), None),
        Payer::Foreign(id) => (None, Some(id.as_str())),
    };
    LinesView {
        action: words::line_action(action),
        payment_psp_reference,
        payment_id,
        success,
        currency: order.amount.currency().code(),
        items: items.collect(),
    }
}

fn cancellation_view(key: &OrderKey, cancellation: &Cancellation) -> CancellationView {
    CancellationView {
        psp_reference: key.id.at(cancellation.version),
        reason: words::cancel_reason(cancellation.reason),
    }
}
