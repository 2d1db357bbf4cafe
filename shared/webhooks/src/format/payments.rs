//! A payment of the payments family: what its endpoints answer, and what an order's own webhook is told. One
//! renderer, so that the two are the same (Purse, webhooks: "payload identical to GET payment").

use std::collections::BTreeMap;

use app::{Details, OrderKey};
use domain::{
    Action, Order, Tally, Time, Version,
    order::{
        Books, CaptureMode, Closed, Leg, LegResult, MethodKind, Operation, OperationKind, OrderKind, OwnWebhook,
        Payment, Resolution, Standing,
    },
    reference::LegReference,
};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{FormatFault, iso};
use crate::{
    reasons,
    words::{self, words},
};

/// A payment: an order that somebody has begun to pay, with everything that was done to it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Payment"))]
pub struct PaymentView<'a> {
    /// Its identity: that of its order.
    id: Uuid,
    /// When somebody began to pay.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Time"))]
    created_at: String,
    /// How much has been done.
    overview: Overview,
    /// Its client session: the same.
    client_session_id: Uuid,
    /// What stands for its merchant account.
    entity_id: Uuid,
    /// How many steps its order has taken.
    version: u16,
    /// The merchant's reference of the order.
    order_reference: &'a str,
    /// What is to be paid.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Minor"))]
    amount: u64,
    /// In which currency all amounts are.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Currency"))]
    currency: &'static str,
    /// When its money is captured.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["MANUAL", "AUTOMATIC"])))]
    capture_mode: &'static str,
    /// Oldest first.
    captures: Vec<OperationView<'a>>,
    /// Oldest first.
    voids: Vec<OperationView<'a>>,
    /// Oldest first.
    refunds: Vec<OperationView<'a>>,
    /// The parts it was paid in.
    authorization: Authorization<'a>,
    /// What can be done, and what was.
    amounts: Amounts,
    /// What can be asked for now.
    links: Links,
    /// The parts that count.
    split: Vec<Part<'a>>,
    /// Where it is told, if its client session said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<crate::schema::OwnWebhook>"))]
    webhook: Option<&'a OwnWebhook>,
}

/// How much has been done.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentOverview"))]
struct Overview {
    /// Captured or voided.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["NOT", "PARTIALLY", "TOTALLY"])))]
    consumed: &'static str,
    /// Captured, of what was authorised.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["NOT", "PARTIALLY", "TOTALLY"])))]
    captured: &'static str,
    /// Voided, of what was authorised.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["NOT", "PARTIALLY", "TOTALLY"])))]
    voided: &'static str,
    /// Refunded, of what was captured.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["NOT", "PARTIALLY", "TOTALLY"])))]
    refunded: &'static str,
}

/// A capture, a void or a refund.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentOperation"))]
struct OperationView<'a> {
    /// Its identity.
    id: Uuid,
    /// How much it is about.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Minor"))]
    amount: u64,
    /// When it was asked for.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Time"))]
    created_at: String,
    /// When it last became another.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Time"))]
    updated_at: String,
    /// Who asked for it.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["MERCHANT", "SYSTEM"])))]
    triggered_by: &'static str,
    /// The merchant's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_reference: Option<&'a str>,
    /// How it stands.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = STANDINGS)))]
    status: &'static str,
    /// Its parts.
    partner_transactions: Vec<Transaction<'a>>,
    /// The shipments that it came with, as they came.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<crate::schema::Anything>"))]
    order: Option<&'a RawValue>,
}

/// What was done at one partner.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PartnerTransaction"))]
struct Transaction<'a> {
    /// Its identity.
    id: Uuid,
    /// When it was begun.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Time"))]
    created_at: String,
    /// When it last became another.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Time"))]
    updated_at: String,
    /// How much it is about.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Minor"))]
    amount: u64,
    /// Who stands behind the money.
    partner: &'a str,
    /// `creditcard`, `giftcard`, `ideal` or `credit`.
    method: &'static str,
    /// What its partner knows it by.
    partner_reference: String,
    /// The engine's word for what the partner said.
    partner_status: &'static str,
    /// The same in a sentence.
    partner_status_description: &'static str,
    /// The partner's own name for it.
    partner_token: &'a str,
    /// How it stands.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = transaction_statuses())))]
    status: &'static str,
    /// Of a card alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<Card<'a>>,
    /// What can still be done with it: capture an authorisation, refund a capture.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Minor"))]
    remaining_amount: u64,
}

/// As much as is kept of a card.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Card"))]
struct Card<'a> {
    /// The last four digits of its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_four_digits: Option<&'a str>,
    /// Its network.
    #[serde(skip_serializing_if = "Option::is_none")]
    selected_network: Option<String>,
}

/// How a payment was authorised.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentAuthorization"))]
struct Authorization<'a> {
    /// When it last became another.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Time"))]
    updated_at: String,
    /// How it stands.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = AUTHORISATION_STATUSES)))]
    status: &'static str,
    /// Its parts.
    partner_transactions: Vec<Transaction<'a>>,
}

/// Amounts of a payment.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentAmounts"))]
struct Amounts {
    /// What may still be authorised.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Minor"))]
    authorize_pending: u64,
    /// What was authorised.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Minor"))]
    total_authorized: u64,
    /// What was voided.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Minor"))]
    total_voided: u64,
    /// What can be voided.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Minor"))]
    available_to_void: u64,
    /// What was captured.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Minor"))]
    total_captured: u64,
    /// What can be captured.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Minor"))]
    available_to_capture: u64,
    /// What was refunded.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Minor"))]
    total_refunded: u64,
    /// What can be refunded.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Minor"))]
    available_to_refund: u64,
}

/// What can be asked of a payment now.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentLinks"))]
struct Links {
    /// The payment.
    #[serde(rename = "self")]
    this: Link,
    /// There if something can be captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<Link>,
    /// There if something can be refunded.
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<Link>,
    /// There if something can be voided.
    #[serde(skip_serializing_if = "Option::is_none")]
    void: Option<Link>,
}

/// A request that can be made.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Link"))]
struct Link {
    /// The path.
    href: String,
    /// The HTTP method.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["GET", "POST"])))]
    method: &'static str,
}

/// A part of a payment.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentPart"))]
struct Part<'a> {
    /// Who stands behind the money.
    partner: &'a str,
    /// `creditcard`, `giftcard`, `ideal` or `credit`.
    method: &'static str,
    /// How much.
    #[cfg_attr(feature = "openapi", schemars(with = "crate::schema::Minor"))]
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
        let told = details.get(&operation.version).map(|text| shipments(text));
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
            order: told.transpose()?.flatten(),
        });
    }
    Ok(views)
}

/// As much of what is told of an operation as tells whether it is shipments.
#[derive(Deserialize)]
struct Shipped {
    shipments: Option<IgnoredAny>,
}

/// What an operation came with, as it came, if that is shipments: other families tell other things.
fn shipments(told: &str) -> Result<Option<&RawValue>, serde_json::Error> {
    let is_shipped = serde_json::from_str::<Shipped>(told)?.shipments.is_some();
    is_shipped.then(|| serde_json::from_str(told)).transpose()
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
        OperationKind::Reversal | OperationKind::AmountUpdate | OperationKind::Exchange | OperationKind::Release => {
            None
        }
    }
}

words! {
    /// The family's word for how an operation stands.
    pub fn standing(standing: Standing) of STANDINGS {
        Standing::Success => "SUCCESS",
        Standing::Pending => "PENDING",
        Standing::Failure => "FAILURE",
        Standing::Conflict => "CONFLICT",
        Standing::Uncertain => "UNCERTAIN",
    }
}

words! {
    fn leg_status(result: Option<&LegResult>) of TRANSACTION_STATUSES {
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

words! {
    fn authorisation(resolution: Option<&Resolution>) of AUTHORISATION_STATUSES {
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
        // An order that goes on after it is paid is not closed by that.
        (None, None) if order.kind == OrderKind::Running && order.remaining == 0 => "AUTHORIZED",
        (None, None) if order.payments.iter().any(Payment::is_live) => "PENDING",
        (None, None) => authorisation(last(order)),
    }
}

fn last(order: &Order) -> Option<&Resolution> {
    order.payments.last()?.resolution.as_ref()
}

/// Every word for how a transaction stands: one of an authorisation has words of its own.
#[cfg(feature = "openapi")]
fn transaction_statuses() -> Vec<&'static str> {
    let own = AUTHORISATION_STATUSES.iter().filter(|word| !TRANSACTION_STATUSES.contains(word));
    TRANSACTION_STATUSES.iter().chain(own).copied().collect()
}
