//! A payment of the payments family: what its endpoints answer, and what an order's own webhook is told. One
//! renderer, so that the two are the same (Purse, webhooks: "payload identical to GET payment").

use std::collections::BTreeMap;

use app::{Details, OrderKey};
use domain::{
    Action, Order, Tally, Time, Version,
    order::{
        Books, CaptureMode, Closed, Leg, LegResult, MethodKind, Operation, OperationKind, OwnWebhook, Payment,
        Resolution, Standing,
    },
    reference::LegReference,
};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{FormatFault, iso};
use crate::{reasons, words};

/// A payment: an order that somebody has begun to pay, with everything that was done to it.
#[derive(Debug, Serialize)]
pub struct PaymentView<'a> {
    id: Uuid,
    created_at: String,
    overview: Overview,
    client_session_id: Uuid,
    entity_id: Uuid,
    version: u16,
    order_reference: &'a str,
    amount: u64,
    currency: &'static str,
    capture_mode: &'static str,
    captures: Vec<OperationView<'a>>,
    voids: Vec<OperationView<'a>>,
    refunds: Vec<OperationView<'a>>,
    authorization: Authorization<'a>,
    amounts: Amounts,
    links: Links,
    split: Vec<Part<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<&'a OwnWebhook>,
}

/// How much has been done.
#[derive(Debug, Serialize)]
struct Overview {
    consumed: &'static str,
    captured: &'static str,
    voided: &'static str,
    refunded: &'static str,
}

#[derive(Debug, Serialize)]
struct OperationView<'a> {
    id: Uuid,
    amount: u64,
    created_at: String,
    updated_at: String,
    triggered_by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_reference: Option<&'a str>,
    status: &'static str,
    partner_transactions: Vec<Transaction<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'a RawValue>,
}

#[derive(Debug, Serialize)]
struct Transaction<'a> {
    id: Uuid,
    created_at: String,
    updated_at: String,
    amount: u64,
    partner: &'a str,
    method: &'static str,
    partner_reference: String,
    partner_status: &'static str,
    partner_status_description: &'static str,
    partner_token: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<Card<'a>>,
    remaining_amount: u64,
}

#[derive(Debug, Serialize)]
struct Card<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    last_four_digits: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    selected_network: Option<String>,
}

#[derive(Debug, Serialize)]
struct Authorization<'a> {
    updated_at: String,
    status: &'static str,
    partner_transactions: Vec<Transaction<'a>>,
}

#[derive(Debug, Serialize)]
struct Amounts {
    authorize_pending: u64,
    total_authorized: u64,
    total_voided: u64,
    available_to_void: u64,
    total_captured: u64,
    available_to_capture: u64,
    total_refunded: u64,
    available_to_refund: u64,
}

#[derive(Debug, Serialize)]
struct Links {
    #[serde(rename = "self")]
    this: Link,
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<Link>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<Link>,
    #[serde(skip_serializing_if = "Option::is_none")]
    void: Option<Link>,
}

#[derive(Debug, Serialize)]
struct Link {
    href: String,
    method: &'static str,
}

#[derive(Debug, Serialize)]
struct Part<'a> {
    partner: &'a str,
    method: &'static str,
    amount: u64,
}

/// The payment that an order is. `details` are those of its operations.
///
/// # Errors
/// [`FormatFault::Unwritable`] for details that are no JSON, which are never stored.
pub fn payment<'a>(key: &OrderKey, order: &'a Order, details: &'a Details) -> Result<PaymentView<'a>, FormatFault> {
    let books = order.books();
    let id = key.id.reference().to_uuid();
    Ok(PaymentView {
        id,
        // A payment begins when its session is submitted, which is later than the session.
        created_at: iso(order.payments.first().map_or(order.opened_at, |payment| payment.reserved_at)),
        overview: overview(&books),
        client_session_id: id,
        entity_id: key.merchant.entity_id(),
        version: order.version.get(),
        order_reference: &order.reference,
        amount: order.amount.minor(),
        currency: order.amount.currency().code(),
        capture_mode: capture_mode(order),
        captures: operations(key, order, details, Action::Capture)?,
        voids: operations(key, order, details, Action::Void)?,
        refunds: operations(key, order, details, Action::Refund)?,
        authorization: authorization(key, order),
        amounts: Amounts {
            authorize_pending: books.authorising,
            total_authorized: books.authorised,
            total_voided: books.voided,
            available_to_void: books.capturable,
            total_captured: books.captured,
            available_to_capture: books.capturable,
            total_refunded: books.refunded,
            available_to_refund: books.refundable,
        },
        links: links(id, order, &books),
        split: order.payments.iter().filter(|payment| payment.is_live()).map(part).collect(),
        webhook: order.own_webhook(),
    })
}

/// When an order's money is captured, in the family's words.
#[must_use]
pub fn capture_mode(order: &Order) -> &'static str {
    match order.session.as_ref().map(|session| session.capture) {
        None | Some(CaptureMode::Manual) => "MANUAL",
        Some(CaptureMode::Automatic { .. }) => "AUTOMATIC",
    }
}

fn part(payment: &Payment) -> Part<'_> {
    Part { partner: payment.partner_name(), method: payment.method_name(), amount: payment.amount }
}

fn overview(books: &Books) -> Overview {
    let consumed = books.captured.saturating_add(books.voided);
    Overview {
        consumed: share(consumed, books.authorised),
        captured: share(books.captured, books.authorised),
        voided: share(books.voided, books.authorised),
        refunded: share(books.refunded, books.captured),
    }
}

fn share(part: u64, whole: u64) -> &'static str {
    match part {
        0 => "NOT",
        part if part >= whole => "TOTALLY",
        _ => "PARTIALLY",
    }
}

/// What can be asked of the payment now: a link that is there can be followed.
fn links(id: Uuid, order: &Order, books: &Books) -> Links {
    let post = |what: &str| Link { href: format!("/v2/payments/{id}/{what}"), method: "POST" };
    let is_held = books.capturable > 0;
    Links {
        this: Link { href: format!("/v2/payments/{id}"), method: "GET" },
        capture: (is_held && order.cancellation.is_none()).then(|| post("captures")),
        refund: (books.refundable > 0).then(|| post("refunds")),
        void: is_held.then(|| post("voids")),
    }
}

/// The operations of one action, oldest first. A reversal may have legs of two, and then stands among both.
fn operations<'a>(
    key: &OrderKey,
    order: &'a Order,
    details: &'a Details,
    action: Action,
) -> Result<Vec<OperationView<'a>>, FormatFault> {
    let mut views = Vec::new();
    let mut returned = Returned::of(order);
    for operation in &order.operations {
        let legs = operation.legs.iter().zip(0_u16..).filter_map(|(leg, index)| {
            // What was voided before it was authorised was never part of the books.
            let payment = order.payment(leg.payment).filter(|payment| payment.is_authorised())?;
            (leg.action == action).then_some((leg, index, payment))
        });
        let legs = legs.collect::<Vec<_>>();
        let is_refused = operation.refused.is_some() && action_of(operation.kind) == Some(action);
        if legs.is_empty() && !is_refused {
            continue;
        }
        // Of a reversal, only this action's part of it.
        let own = Operation { legs: legs.iter().map(|(leg, ..)| (*leg).clone()).collect(), ..operation.clone() };
        let told = details.get(&operation.version).map(|text| serde_json::from_str::<&RawValue>(text));
        let transactions = legs.into_iter().map(|(leg, index, payment)| {
            let reference = LegReference { operation: key.id.at(operation.version), index };
            let reason = leg.result.as_ref().and_then(reasons::of_leg);
            Transaction {
                id: reference.to_uuid(),
                created_at: iso(operation.requested_at),
                updated_at: iso(operation.requested_at.max(leg.resolved_at)),
                amount: leg.amount,
                partner: payment.partner_name(),
                method: payment.method_name(),
                partner_reference: reference.to_string(),
                partner_status: words::leg_status(leg.result.as_ref()),
                partner_status_description: reason.map_or(description(leg.result.as_ref()), |reason| reason.text),
                partner_token: &payment.token,
                status: leg_status(leg.result.as_ref()),
                card: None,
                remaining_amount: returned.remaining(leg),
            }
        });
        views.push(OperationView {
            id: key.id.at(operation.version).to_uuid(),
            amount: own.total(),
            created_at: iso(operation.requested_at),
            updated_at: iso(own.updated_at()),
            triggered_by: if is_of_merchant(operation) { "MERCHANT" } else { "SYSTEM" },
            merchant_reference: operation.reference.as_deref(),
            status: standing(own.standing()),
            partner_transactions: transactions.collect(),
            order: told.transpose()?,
        });
    }
    Ok(views)
}

/// What was given back of each payment's captures, or is being, as far as it is not taken off one of them yet. A
/// refund names no capture: it uses up the oldest first.
struct Returned(BTreeMap<Version, u64>);

impl Returned {
    fn of(order: &Order) -> Self {
        let returned = |tally: &Tally| tally.captured.saturating_sub(tally.refundable());
        Self(order.payments.iter().map(|payment| (payment.version, returned(&payment.tally))).collect())
    }

    /// What can still be done with what a leg did, in minor units: a capture can be refunded. The legs are to be
    /// asked for from the oldest on.
    fn remaining(&mut self, leg: &Leg) -> u64 {
        if leg.action != Action::Capture || leg.result != Some(LegResult::Done) {
            return 0;
        }
        let Some(returned) = self.0.get_mut(&leg.payment) else { return leg.amount };
        let share = leg.amount.min(*returned);
        *returned = returned.saturating_sub(share);
        leg.amount.saturating_sub(share)
    }
}

fn is_of_merchant(operation: &Operation) -> bool {
    !operation.is_automatic && operation.kind != OperationKind::Release
}

/// Among which operations one that came to nothing stands.
fn action_of(kind: OperationKind) -> Option<Action> {
    match kind {
        OperationKind::Capture => Some(Action::Capture),
        OperationKind::Void | OperationKind::TechnicalCancel => Some(Action::Void),
        OperationKind::Refund => Some(Action::Refund),
        OperationKind::Reversal | OperationKind::AmountUpdate | OperationKind::Release => None,
    }
}

/// The family's word for how an operation stands.
#[must_use]
pub fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Success => "SUCCESS",
        Standing::Pending => "PENDING",
        Standing::Failure => "FAILURE",
        Standing::Conflict => "CONFLICT",
        Standing::Uncertain => "UNCERTAIN",
    }
}

fn leg_status(result: Option<&LegResult>) -> &'static str {
    match result {
        None | Some(LegResult::Pending) => "PENDING",
        Some(LegResult::Done) => "SUCCESS",
        Some(LegResult::Declined { .. }) => "FAILURE",
        Some(LegResult::Uncertain) => "UNCERTAIN",
    }
}

fn description(result: Option<&LegResult>) -> &'static str {
    match result {
        None => "The partner has not been asked yet, or has not answered.",
        Some(LegResult::Done) => "Transaction succeeded",
        Some(LegResult::Declined { .. }) => "Transaction declined",
        Some(LegResult::Pending) => "The partner will know later.",
        Some(LegResult::Uncertain) => "The partner did not answer in time; it will be asked.",
    }
}

fn authorization<'a>(key: &OrderKey, order: &'a Order) -> Authorization<'a> {
    let updated = order.payments.iter().map(|payment| updated_at(order, payment));
    let transactions = order.payments.iter().map(|payment| {
        let reference = key.id.at(payment.version);
        let resolution = payment.resolution.as_ref();
        let reason = resolution.and_then(reasons::of_payment);
        Transaction {
            id: reference.to_uuid(),
            created_at: iso(payment.reserved_at),
            updated_at: iso(updated_at(order, payment)),
            amount: payment.amount,
            partner: payment.partner_name(),
            method: payment.method_name(),
            partner_reference: reference.to_string(),
            partner_status: words::payment_status(resolution),
            partner_status_description: reason.map_or(found(resolution), |reason| reason.text),
            partner_token: &payment.token,
            status: authorisation(resolution),
            card: (payment.method.kind == MethodKind::Card).then(|| Card {
                last_four_digits: payment.method.last4.as_deref(),
                selected_network: network(&payment.method.brand),
            }),
            remaining_amount: payment.tally.capturable(),
        }
    });
    Authorization {
        updated_at: iso(updated.fold(order.opened_at, Time::max)),
        status: authorisation_of(order),
        partner_transactions: transactions.collect(),
    }
}

/// When a payment's authorisation last became another: by its partner's word, or because it was made to hold more.
fn updated_at(order: &Order, payment: &Payment) -> Time {
    let legs = order.operations.iter().flat_map(|operation| &operation.legs);
    let increases = legs.filter(|leg| {
        leg.payment == payment.version && leg.action == Action::Increase && leg.result == Some(LegResult::Done)
    });
    increases.map(|leg| leg.resolved_at).fold(payment.reserved_at.max(payment.resolved_at), Time::max)
}

/// A card's network by the family's name, from the brand, which is Adyen's; none for `card`, a card of no known brand.
fn network(brand: &str) -> Option<String> {
    match brand {
        "card" => None,
        "mc" => Some("MASTERCARD".to_owned()),
        brand => Some(brand.to_ascii_uppercase()),
    }
}

fn found(resolution: Option<&Resolution>) -> &'static str {
    match resolution {
        None => "The partner has not answered yet.",
        Some(Resolution::Authorised) => "Transaction succeeded",
        Some(Resolution::Refused { .. }) => "Transaction refused",
        Some(Resolution::Cancelled { .. }) => "Transaction cancelled",
        Some(Resolution::Failed) => "Nothing happened at the partner.",
        Some(Resolution::Pending) => "The partner will know later.",
        Some(Resolution::AwaitingShopper { .. }) => "The shopper has to act first.",
        Some(Resolution::Uncertain) => "The partner did not answer in time; it will be asked.",
    }
}

fn authorisation(resolution: Option<&Resolution>) -> &'static str {
    match resolution {
        Some(Resolution::Authorised) => "AUTHORIZED",
        Some(Resolution::Refused { .. }) => "REFUSED",
        Some(Resolution::Cancelled { .. }) => "ABORTED",
        Some(Resolution::Failed) => "ERROR",
        None | Some(Resolution::Pending | Resolution::AwaitingShopper { .. } | Resolution::Uncertain) => "PENDING",
    }
}

/// How the authorisation of the whole stands: it is there when every part is, and it can still come while the order
/// can be paid.
fn authorisation_of(order: &Order) -> &'static str {
    let is_open = order.payments.iter().any(|payment| payment.is_live() && !payment.is_final());
    match (&order.closed, &order.cancellation) {
        _ if is_open => "PENDING",
        (Some(closed), _) if closed.is_success() => "AUTHORIZED",
        (_, Some(_)) => "ABORTED",
        // An order around one payment ends with it, and one that nobody could pay yet stands as its last try.
        (Some(Closed { .. }), None) => authorisation(last(order)),
        (None, None) if order.payments.iter().any(Payment::is_live) => "PENDING",
        (None, None) => authorisation(last(order)),
    }
}

fn last(order: &Order) -> Option<&Resolution> {
    order.payments.last()?.resolution.as_ref()
}
