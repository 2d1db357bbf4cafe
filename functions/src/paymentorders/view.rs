//! A payment order, as each version shows it.

use api::{ApiVersion, Engine, Problem, Reply};
use app::OrderKey;
use domain::{
    Order, Time,
    order::{CancelReason, CloseReason, MethodKind, OrderKind},
};
use http::StatusCode;
use serde::Serialize;

use super::{
    offers::{OperationView, is_in_flight, operations},
    parts::{Part, PartsView, Sources},
    path, precise,
    records::TransactionView,
    told::Told,
};
use crate::checkout::wire::IDEAL_CURRENCY;

/// The answer: a payment order, and what may be done with it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentOrderAnswer"))]
pub(super) struct Answer {
    /// The payment order.
    #[serde(skip_serializing_if = "Option::is_none")]
    paymentorder: Option<PaymentOrderView>,
    /// The same, in the answer of version 3.1 to what is done after the purchase.
    #[serde(rename = "paymentOrder", skip_serializing_if = "Option::is_none")]
    payment_order: Option<PaymentOrderView>,
    /// What may be done now. Other requests are refused.
    operations: Vec<OperationView>,
}

/// A payment order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentOrder"))]
pub(super) struct PaymentOrderView {
    /// Where it is found: to be used as it is.
    id: String,
    /// When it was opened.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    created: String,
    /// When it changed last.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    updated: String,
    /// What it is for.
    #[cfg_attr(feature = "openapi", schemars(extend("const" = "Purchase")))]
    operation: &'static str,
    /// How it stands, in version 2.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["Ready", "Pending", "Failed", "Aborted"])))]
    state: Option<&'static str>,
    /// How it stands, from version 3.0 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = STATUSES)))]
    status: Option<&'static str>,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Currency"))]
    currency: &'static str,
    /// What is to be paid.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Minor"))]
    amount: u64,
    /// The tax in that.
    vat_amount: i64,
    /// What can be captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining_capture_amount: Option<u64>,
    /// What can be cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining_cancellation_amount: Option<u64>,
    /// What can be reversed.
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining_reversal_amount: Option<u64>,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// What opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    initiating_system_user_agent: Option<String>,
    /// The payer's browser; in version 2.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    /// In which language the payer is spoken to.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    /// What it can be paid with, from version 3.0 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    available_instruments: Option<Vec<&'static str>>,
    /// What it is used for.
    #[serde(skip_serializing_if = "Option::is_none")]
    implementation: Option<&'static str>,
    /// How it is shown to the payer, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    integration: Option<&'static str>,
    /// Whether it is paid with one instrument only.
    #[serde(skip_serializing_if = "Option::is_none")]
    instrument_mode: Option<bool>,
    /// Whether nothing is known of the payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    guest_mode: Option<bool>,
    #[serde(flatten)]
    parts: PartsView,
}

#[cfg(feature = "openapi")]
const STATUSES: [&str; 6] = ["Initialized", "Paid", "Failed", "Aborted", "Cancelled", "Reversed"];

/// How an order stands, from version 3.0 on.
pub(super) fn status(order: &Order) -> &'static str {
    let ended = order.closed.as_ref().map(|closed| closed.reason);
    let cancelled = order.cancellation.as_ref().map(|cancellation| cancellation.reason);
    match (ended, cancelled) {
        (Some(CloseReason::Cancelled), _) | (_, Some(CancelReason::Merchant)) => "Aborted",
        (Some(CloseReason::Expired | CloseReason::PaymentFailed), _) | (_, Some(CancelReason::Expired)) => "Failed",
        (Some(CloseReason::Paid), None) => settled(order),
        // Orders that go on are paid as long as nothing remains of them.
        (Some(CloseReason::Concluded), None) if order.remaining > 0 => "Aborted",
        (Some(CloseReason::Concluded), None) => settled(order),
        (None, None) => {
            let is_covered = order.kind == OrderKind::Running && order.remaining == 0 && order.amount.minor() > 0;
            if is_covered && order.unresolved == 0 { settled(order) } else { "Initialized" }
        }
    }
}

/// What has become of what was paid: it stays paid until all of it was cancelled, or all that was captured was
/// reversed and nothing is left to be captured.
fn settled(order: &Order) -> &'static str {
    let books = order.books();
    if books.authorised > 0 && books.voided == books.authorised {
        "Cancelled"
    } else if books.captured > 0 && books.refunded == books.captured && books.capturable == 0 && !is_in_flight(order) {
        "Reversed"
    } else {
        "Paid"
    }
}

/// How an order stands, in version 2.0.
fn state(order: &Order) -> &'static str {
    match status(order) {
        status @ ("Failed" | "Aborted") => status,
        _ if is_in_flight(order) => "Pending",
        _ => "Ready",
    }
}

/// What can be captured, cancelled and reversed, where a version tells it.
fn remaining(order: &Order, version: ApiVersion) -> Option<[u64; 3]> {
    let books = order.books();
    match (status(order), version) {
        // The sample of version 2.0 shows what could be, once it is paid.
        ("Initialized", ApiVersion::V2) => Some([order.amount.minor(), order.amount.minor(), 0]),
        ("Initialized" | "Failed" | "Aborted", ApiVersion::V3 | ApiVersion::V31) => None,
        ("Failed" | "Aborted", ApiVersion::V2) => Some([0, 0, 0]),
        _ => Some([books.capturable, books.capturable, books.refundable]),
    }
}

/// What an order may be paid with on its page.
fn instruments(order: &Order) -> Vec<&'static str> {
    let takes = |kind: &MethodKind| *kind != MethodKind::Ideal || order.amount.currency().code() == IDEAL_CURRENCY;
    let kinds = [MethodKind::Card, MethodKind::GiftCard, MethodKind::Ideal].into_iter();
    kinds.filter(takes).map(MethodKind::instrument).collect()
}

/// What an answer is made for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) version: ApiVersion,
    /// What is to be told at once.
    pub(super) expanded: Vec<Part>,
    /// When it is asked.
    pub(super) now: Time,
}

impl PaymentOrderView {
    fn new(order: &Order, key: &OrderKey, told: Option<&Told>, wanted: &Wanted, parts: PartsView) -> Self {
        let version = wanted.version;
        let is_2 = version == ApiVersion::V2;
        let remaining = remaining(order, version);
        let of_3 = told.filter(|_| !is_2);
        Self {
            id: path(key),
            created: precise(order.opened_at),
            updated: precise(order.updated_at()),
            operation: "Purchase",
            state: is_2.then(|| state(order)),
            status: (!is_2).then(|| status(order)),
            currency: order.amount.currency().code(),
            amount: order.amount.minor(),
            vat_amount: order.cart.as_ref().map_or(0, |cart| cart.tax),
            remaining_capture_amount: remaining.map(|[capture, _, _]| capture),
            remaining_cancellation_amount: remaining.map(|[_, cancellation, _]| cancellation),
            remaining_reversal_amount: remaining.map(|[_, _, reversal]| reversal),
            description: order.cart.as_ref().and_then(|cart| cart.description.clone()),
            initiating_system_user_agent: told.and_then(|told| told.system.clone()),
            user_agent: told.filter(|_| is_2).map(|told| told.user_agent.clone()),
            language: told.map(|told| told.language.clone()),
            available_instruments: of_3.map(|_| instruments(order)),
            implementation: of_3.map(|_| "PaymentsOnly"),
            integration: of_3.map(|_| ""),
            instrument_mode: of_3.map(|_| false),
            guest_mode: of_3.map(|told| told.payer.is_none()),
            parts,
        }
    }
}

impl Answer {
    /// An order as it stands.
    pub(super) async fn of(engine: &Engine, key: &OrderKey, order: &Order, wanted: &Wanted) -> Result<Self, Problem> {
        let told = Told::of(engine, key, order).await?;
        let links = Part::links(wanted.version).iter().copied();
        let links = links.filter(|part| part.is_of(order, told.as_ref())).collect::<Vec<_>>();
        let full = links.iter().copied().filter(|part| wanted.expanded.contains(part)).collect::<Vec<_>>();
        let sources = Sources::read(engine, key, order, told.as_ref(), &full).await?;
        let mut parts = PartsView::default();
        for part in links {
            parts.put(part, &sources, wanted.version, full.contains(&part));
        }
        let view = PaymentOrderView::new(order, key, told.as_ref(), wanted, parts);
        let operations = operations(engine, key, order, wanted.version, wanted.now);
        Ok(Self { paymentorder: Some(view), payment_order: None, operations })
    }

    /// The same, as version 3.1 answers what is done after the purchase.
    fn after_purchase(self) -> Self {
        Self { paymentorder: None, payment_order: self.paymentorder, ..self }
    }
}

/// Answers with an order as it stands.
pub(super) async fn answer(engine: &Engine, key: &OrderKey, order: &Order, wanted: &Wanted) -> Result<Reply, Problem> {
    Reply::json(StatusCode::OK, None, &Answer::of(engine, key, order, wanted).await?)
}

/// The answer to what is done after the purchase: of version 3.1 the payment order, of the others what was done.
#[derive(Debug, Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OperationAnswer"))]
pub(super) enum OperationAnswer {
    /// In version 3.1.
    Order(Box<Answer>),
    /// In versions 2.0 and 3.0.
    Transaction(Box<TransactionAnswer>),
}

/// What was done, in versions 2.0 and 3.0.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "TransactionAnswer"))]
pub(super) struct TransactionAnswer {
    /// What it was done with.
    pub(super) payment: String,
    /// The capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) capture: Option<DoneView>,
    /// The cancellation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cancellation: Option<DoneView>,
    /// The reversal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reversal: Option<DoneView>,
}

/// Something that was done.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "DoneTransaction"))]
pub(super) struct DoneView {
    /// What it is found by in lists.
    pub(super) id: String,
    /// The transaction.
    pub(super) transaction: TransactionView,
}

impl OperationAnswer {
    pub(super) fn of_order(answer: Answer) -> Self {
        Self::Order(Box::new(answer.after_purchase()))
    }
}
