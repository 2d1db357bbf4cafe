//! What has happened to a payment order, as its parts tell it: transactions, failures, and the history.

use app::OrderKey;
use domain::{
    Action, Order, Time, Version,
    order::{
        CancelReason, Change, CloseReason, Leg, LegResult, Operation, OperationKind, OrderEvent, Payment, Resolution,
        Standing, changes,
    },
};
use serde::Serialize;
use webhooks::reasons;

use super::{
    items::ItemView,
    parts::{Part, Sources},
    path, precise,
    told::ToldOperation,
    view,
};

/// Why an order is aborted: nobody but its merchant does.
pub(super) const ABORTED: &str = "Payment aborted by the merchant";

/// Where Swedbank's own errors are named.
const ERRORS: &str = "https://api.payex.com/psp/errordetail/paymentorders";

/// Who did something.
const PAYER: &str = "Payer";
const PAYEE: &str = "Payee";
const SYSTEM: &str = "System";

/// An attempt to pay.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Attempt"))]
pub(super) struct AttemptView {
    /// What it is found by in lists.
    id: String,
    /// What it is paid with.
    instrument: &'static str,
    /// Its number within the payment order.
    number: u16,
    /// When it was begun.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    created: String,
    /// When something was last learnt of it.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    updated: String,
    /// How it stands.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["Ready", "Pending", "Failed", "Aborted"])))]
    state: &'static str,
    /// What it is to pay.
    amount: u64,
    /// What can be captured of it.
    remaining_capture_amount: u64,
    /// What can be cancelled of it.
    remaining_cancellation_amount: u64,
    /// What can be reversed of it.
    remaining_reversal_amount: u64,
}

impl AttemptView {
    pub(super) fn of(key: &OrderKey, payment: &Payment) -> Self {
        let tally = &payment.tally;
        Self {
            id: format!("{}/payments/{}", path(key), key.id.at(payment.version).to_uuid()),
            instrument: payment.method.kind.instrument(),
            number: payment.version.get(),
            created: precise(payment.reserved_at),
            updated: precise(payment.resolved_at.max(payment.reserved_at)),
            state: match &payment.resolution {
                Some(Resolution::Authorised) => "Ready",
                Some(Resolution::Refused { .. } | Resolution::Failed) => "Failed",
                Some(Resolution::Cancelled { .. }) => "Aborted",
                None | Some(Resolution::Pending | Resolution::AwaitingShopper { .. } | Resolution::Uncertain) => {
                    "Pending"
                }
            },
            amount: payment.amount,
            remaining_capture_amount: tally.capturable(),
            remaining_cancellation_amount: tally.capturable(),
            remaining_reversal_amount: tally.refundable(),
        }
    }
}

/// What went wrong.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Failure"))]
pub(super) struct ProblemView {
    /// What it is called.
    #[serde(rename = "type")]
    kind: String,
    /// In a few words.
    title: &'static str,
    /// The HTTP status that it was, or would have been, answered with.
    status: u16,
    /// In words.
    detail: String,
    /// What exactly.
    problems: Vec<ProblemPart>,
}

/// One thing that went wrong.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "FailurePart"))]
struct ProblemPart {
    /// Of what.
    name: &'static str,
    /// In words.
    description: String,
}

impl ProblemView {
    /// What whoever holds the money said.
    fn declined(what: &str, reason: &str) -> Self {
        Self {
            kind: format!("{ERRORS}/acquirererror"),
            title: "Operation failed",
            status: 403,
            detail: format!("Unable to complete {what}, look at problem node!"),
            problems: vec![ProblemPart { name: "ExternalResponse", description: reason.to_owned() }],
        }
    }

    /// What was asked for and there is not.
    fn invalid(what: &str, reason: String) -> Self {
        Self {
            kind: format!("{ERRORS}/inputerror"),
            title: "Error in input data",
            status: 400,
            detail: format!("Unable to complete {what}, look at problem node!"),
            problems: vec![ProblemPart { name: super::TRANSACTION_AMOUNT, description: reason }],
        }
    }
}

/// Something that failed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "FailedAttempt"))]
pub(super) struct FailureView {
    /// When.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    created: String,
    /// How it ended.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["Failed", "Aborted"])))]
    status: &'static str,
    /// What it was, after the purchase.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = TYPES)))]
    kind: Option<&'static str>,
    /// What was to pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    instrument: Option<&'static str>,
    /// Its number within the payment order.
    number: u16,
    /// How much it was about.
    amount: u64,
    /// The merchant's reference of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    payee_reference: Option<String>,
    /// Why.
    problem: ProblemView,
}

#[cfg(feature = "openapi")]
const TYPES: [&str; 4] = ["Authorization", "Capture", "Cancellation", "Reversal"];

fn type_of(action: Action) -> &'static str {
    match action {
        Action::Capture => "Capture",
        Action::Void => "Cancellation",
        Action::Refund => "Reversal",
        Action::Increase => "Authorization",
    }
}

/// What an operation does in the main.
fn action_of(operation: &Operation) -> Action {
    let first = operation.legs.first().map(|leg| leg.action);
    first.unwrap_or(match operation.kind {
        OperationKind::Capture => Action::Capture,
        OperationKind::Refund | OperationKind::Reversal | OperationKind::Exchange => Action::Refund,
        OperationKind::AmountUpdate => Action::Increase,
        OperationKind::Void | OperationKind::TechnicalCancel | OperationKind::Release => Action::Void,
    })
}

/// Something that was done with money.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Transaction"))]
pub(super) struct TransactionView {
    /// What it is found by in lists.
    id: String,
    /// When it was asked for.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    created: String,
    /// When something was last learnt of it.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    updated: String,
    /// What was done.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = TYPES)))]
    kind: &'static str,
    /// How it stands, where it is the answer to what was asked for: `Initialized` as long as that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["Initialized", "Completed"])))]
    state: Option<&'static str>,
    /// With what it was paid, of an authorisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    instrument: Option<&'static str>,
    /// Its number within the payment order.
    number: u16,
    /// How much.
    amount: u64,
    /// The tax in that.
    vat_amount: i64,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// The merchant's reference of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    payee_reference: Option<String>,
    /// The number of its receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt_reference: Option<String>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_items: Option<Vec<ItemView>>,
}

impl TransactionView {
    /// What was asked for, as its answer shows it.
    pub(super) fn of_operation(key: &OrderKey, order: &Order, operation: &Operation, told: ToldOperation) -> Self {
        let state = match operation.standing() {
            Standing::Pending | Standing::Uncertain => "Initialized",
            Standing::Success | Standing::Failure | Standing::Conflict => "Completed",
        };
        // Of what was done in part, that part is what was done.
        let amount = match operation.standing() {
            Standing::Conflict => done(operation, action_of(operation)),
            Standing::Success | Standing::Pending | Standing::Uncertain | Standing::Failure => operation.total(),
        };
        Self {
            state: Some(state),
            order_items: None,
            ..Self::new(key, order, operation, action_of(operation), amount, told, &[])
        }
    }

    fn new(
        key: &OrderKey,
        order: &Order,
        operation: &Operation,
        action: Action,
        amount: u64,
        told: ToldOperation,
        lines: &[domain::order::line::Line],
    ) -> Self {
        // Of what was done in part, nobody can say for which items.
        let is_whole = amount >= operation.total();
        let items = told.items.iter().filter(|_| is_whole).map(|part| ItemView::of_part(lines, part));
        let items = items.collect::<Vec<_>>();
        let tax = told.vat_amount.map(|tax| part_of(tax, amount, operation.total()));
        Self {
            id: id_of(key, operation.version),
            created: precise(operation.requested_at),
            updated: precise(operation.updated_at()),
            kind: type_of(action),
            state: None,
            instrument: None,
            number: operation.version.get(),
            amount,
            vat_amount: tax.unwrap_or_else(|| tax_share(order, 0, amount)),
            description: told.description,
            payee_reference: operation.reference.clone(),
            receipt_reference: told.receipt_reference,
            order_items: Some(items).filter(|items| !items.is_empty()),
        }
    }
}

/// Where something that was done stands among what was done.
pub(super) fn id_of(key: &OrderKey, version: Version) -> String {
    format!("{}/financialtransactions/{}", path(key), key.id.at(version).to_uuid())
}

/// The tax in a part of an amount that has so much tax as a whole, rounded half up: never more than that.
fn part_of(tax: i64, part: u64, whole: u64) -> i64 {
    if part >= whole {
        return tax;
    }
    let (tax, part, whole) = (i128::from(tax), i128::from(part), i128::from(whole));
    let rounded = tax.saturating_mul(part).saturating_mul(2).saturating_add(whole);
    rounded.checked_div(whole.saturating_mul(2)).and_then(|share| i64::try_from(share).ok()).unwrap_or_default()
}

/// The tax of an order in a stretch of its amount, so that the stretches of all of it come to all of its tax.
fn tax_share(order: &Order, from: u64, to: u64) -> i64 {
    let (tax, whole) = (order.cart.as_ref().map_or(0, |cart| cart.tax), i128::from(order.amount.minor()));
    let up_to = |amount: u64| {
        let product = i128::from(tax).saturating_mul(i128::from(amount));
        product.checked_div(whole).and_then(|share| i64::try_from(share).ok()).unwrap_or_default()
    };
    up_to(to).saturating_sub(up_to(from))
}

fn done(operation: &Operation, action: Action) -> u64 {
    let legs = operation.legs.iter().filter(|leg| leg.action == action && leg.result == Some(LegResult::Done));
    legs.map(|leg| leg.amount).fold(0, u64::saturating_add)
}

/// Everything that was done with the money of an order, oldest first: each part that was authorised, and each
/// operation.
pub(super) fn transactions(sources: &Sources<'_>) -> Vec<TransactionView> {
    let Sources { key, order, told, details, lines, .. } = sources;
    let named = told.and_then(|told| told.payee.payee_reference.as_deref());
    let mut all = Vec::new();
    let mut authorised = 0_u64;
    for payment in order.payments.iter().filter(|payment| payment.is_authorised()) {
        let after = authorised.saturating_add(payment.amount);
        all.push((
            payment.resolved_at,
            TransactionView {
                id: id_of(key, payment.version),
                created: precise(payment.reserved_at),
                updated: precise(payment.resolved_at),
                kind: type_of(Action::Increase),
                state: None,
                instrument: Some(payment.method.kind.instrument()),
                number: payment.version.get(),
                amount: payment.amount,
                vat_amount: tax_share(order, authorised, after),
                description: order.cart.as_ref().and_then(|cart| cart.description.clone()),
                payee_reference: Some(named.unwrap_or(&payment.reference).to_owned()),
                receipt_reference: None,
                order_items: None,
            },
        ));
        authorised = after;
    }
    for operation in &order.operations {
        let is_held = |leg: &&Leg| order.payment(leg.payment).is_some_and(Payment::is_authorised);
        for action in [Action::Capture, Action::Void, Action::Refund] {
            let amount = operation.legs.iter().filter(|leg| leg.action == action).filter(is_held);
            let amount = amount.filter(|leg| leg.result == Some(LegResult::Done)).map(|leg| leg.amount);
            let amount = amount.fold(0, u64::saturating_add);
            if amount > 0 {
                let told = ToldOperation::read(details.get(&operation.version));
                let view = TransactionView::new(key, order, operation, action, amount, told, lines);
                all.push((operation.updated_at(), view));
            }
        }
    }
    all.sort_by_key(|(at, view)| (*at, view.number));
    all.into_iter().map(|(_, view)| view).collect()
}

/// Attempts to pay that failed, oldest first.
pub(super) fn failed_attempts(order: &Order) -> Vec<FailureView> {
    let dead = order.payments.iter().filter_map(|payment| {
        let resolution = payment.resolution.as_ref().filter(|resolution| resolution.is_dead())?;
        Some((payment, resolution, reasons::of_payment(resolution)?))
    });
    let views = dead.map(|(payment, resolution, reason)| FailureView {
        created: precise(payment.reserved_at),
        status: if matches!(resolution, Resolution::Cancelled { .. }) { "Aborted" } else { "Failed" },
        kind: None,
        instrument: Some(payment.method.kind.instrument()),
        number: payment.version.get(),
        amount: payment.amount,
        payee_reference: None,
        problem: ProblemView::declined("Authorization transaction", reason.text),
    });
    views.collect()
}

/// What was asked for after the purchase and failed, whole or in part, oldest first.
pub(super) fn failed_operations(sources: &Sources<'_>) -> Vec<FailureView> {
    let asked = sources.order.operations.iter().filter(|operation| operation.is_asked_of_money());
    let failed = asked.filter_map(|operation| {
        let action = action_of(operation);
        let what = format!("Create{} operation", type_of(action));
        let (amount, problem) = match operation.refused {
            Some(_) => (operation.total(), ProblemView::invalid(&what, explanation(sources, operation.version))),
            None => {
                let declined =
                    operation.legs.iter().filter(|leg| matches!(leg.result, Some(LegResult::Declined { .. })));
                let amount = declined.map(|leg| leg.amount).fold(0, u64::saturating_add);
                let reason = reasons::declined(operation.decline()?);
                (amount, ProblemView::declined(&what, reason.text))
            }
        };
        Some(FailureView {
            created: precise(operation.requested_at),
            status: "Failed",
            kind: Some(type_of(action)),
            instrument: None,
            number: operation.version.get(),
            amount,
            payee_reference: operation.reference.clone(),
            problem,
        })
    });
    failed.collect()
}

/// In which words an operation was refused.
fn explanation(sources: &Sources<'_>, version: Version) -> String {
    let commit = sources.log.iter().find(|commit| commit.version == version);
    let words = commit.into_iter().flat_map(|commit| &commit.events).find_map(|event| {
        if let OrderEvent::OperationRefused { explanation, .. } = event { explanation.clone() } else { None }
    });
    words.unwrap_or_default()
}

/// Why an order failed, if it did.
pub(super) fn failure(order: &Order) -> Option<ProblemView> {
    if view::status(order) != "Failed" {
        return None;
    }
    let dead = order.payments.iter().rev().find_map(|payment| payment.resolution.as_ref());
    let reason = dead.filter(|_| order.cancellation.is_none()).and_then(reasons::of_payment);
    let reason = reason.map_or("The payment order expired before it was paid.", |reason| reason.text);
    Some(ProblemView::declined("Authorization transaction", reason))
}

/// What is known of how an order was paid, cancelled or reversed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Settled"))]
pub(super) struct SettledView {
    /// Why it was cancelled, in the merchant's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_reason: Option<String>,
    /// Why it was reversed, in the merchant's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reverse_reason: Option<String>,
    /// With what it was paid; of several parts, the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    instrument: Option<&'static str>,
    /// The number of the transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u16>,
    /// The merchant's reference of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    payee_reference: Option<String>,
    /// The merchant's reference of the order.
    order_reference: String,
    /// What it was.
    #[cfg_attr(feature = "openapi", schemars(extend("const" = "Authorization")))]
    transaction_type: &'static str,
    /// How much.
    amount: u64,
    /// What was asked for.
    submitted_amount: u64,
    /// What paying so cost.
    fee_amount: u64,
    /// What paying so took off.
    discount_amount: u64,
    /// The parts that it was paid in.
    parts: Vec<PartView>,
}

/// A part of a payment order that was paid.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaidPart"))]
struct PartView {
    /// With what.
    instrument: &'static str,
    /// The number of the transaction.
    number: u16,
    /// How much.
    amount: u64,
}

impl SettledView {
    pub(super) fn of(part: Part, sources: &Sources<'_>) -> Option<Self> {
        let Sources { order, told, details, .. } = sources;
        let status = view::status(order);
        let books = order.books();
        let (wanted, kind, amount) = match part {
            Part::Cancelled => (["Cancelled"].as_slice(), OperationKind::Void, books.voided),
            Part::Reversed => (["Reversed"].as_slice(), OperationKind::Refund, books.refunded),
            Part::Paid
            | Part::OrderItems
            | Part::Urls
            | Part::PayeeInfo
            | Part::Payer
            | Part::History
            | Part::Failed
            | Part::Aborted
            | Part::FinancialTransactions
            | Part::FailedAttempts
            | Part::PostPurchaseFailedAttempts
            | Part::Metadata
            | Part::Payments
            | Part::CurrentPayment => {
                (["Paid", "Cancelled", "Reversed"].as_slice(), OperationKind::Capture, order.amount.minor())
            }
        };
        if !wanted.contains(&status) {
            return None;
        }
        let reason = |of: OperationKind| {
            let last = order.operations.iter().rev().find(|operation| operation.kind == of && kind == of);
            last.and_then(|operation| ToldOperation::read(details.get(&operation.version)).description)
        };
        let paid = order.payments.iter().filter(|payment| payment.is_authorised());
        let last = paid.clone().next_back();
        Some(Self {
            cancel_reason: reason(OperationKind::Void),
            reverse_reason: reason(OperationKind::Refund),
            instrument: last.map(|payment| payment.method.kind.instrument()),
            number: last.map(|payment| payment.version.get()),
            payee_reference: told.and_then(|told| told.payee.payee_reference.clone()),
            order_reference: order.reference.clone(),
            transaction_type: "Authorization",
            amount,
            submitted_amount: order.amount.minor(),
            fee_amount: 0,
            discount_amount: 0,
            parts: paid
                .map(|payment| PartView {
                    instrument: payment.method.kind.instrument(),
                    number: payment.version.get(),
                    amount: payment.amount,
                })
                .collect(),
        })
    }
}

/// Something that happened.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "HistoryEntry"))]
pub(super) struct RecordView {
    /// When.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    created: String,
    /// What.
    name: &'static str,
    /// What it was paid with.
    #[serde(skip_serializing_if = "Option::is_none")]
    instrument: Option<&'static str>,
    /// The number of the transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u16>,
    /// How much it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<u64>,
    /// Who did it.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = [PAYER, PAYEE, SYSTEM])))]
    initiated_by: &'static str,
}

impl RecordView {
    fn new(at: Time, name: &'static str, initiated_by: &'static str) -> Self {
        Self { created: precise(at), name, instrument: None, number: None, amount: None, initiated_by }
    }

    fn of_payment(self, payment: Option<&Payment>) -> Self {
        Self {
            instrument: payment.map(|payment| payment.method.kind.instrument()),
            number: payment.map(|payment| payment.version.get()),
            amount: payment.map(|payment| payment.amount),
            ..self
        }
    }
}

/// What has happened, oldest first.
pub(super) fn history(sources: &Sources<'_>) -> Vec<RecordView> {
    let commits = sources.log.iter().map(|commit| {
        let told = changes(commit.before.clone(), &commit.events, commit.version, commit.at);
        told.iter().flat_map(records_of).collect::<Vec<_>>()
    });
    commits.flatten().collect()
}

fn records_of(change: &Change) -> Vec<RecordView> {
    let (order, at) = (&change.order, change.at);
    let new = |name, by| RecordView::new(at, name, by);
    match &change.event {
        OrderEvent::Opened { .. } => {
            vec![RecordView { amount: Some(order.amount.minor()), ..new("PaymentCreated", PAYEE) }]
        }
        OrderEvent::Revised { amount, .. } => {
            vec![RecordView { amount: Some(amount.minor()), ..new("PaymentUpdated", PAYEE) }]
        }
        OrderEvent::Appended { amount, .. } => {
            vec![RecordView { amount: Some(amount.minor()), ..new("PaymentUpdated", PAYEE) }]
        }
        OrderEvent::PaymentReserved { .. } => {
            let payment = order.payments.last();
            let instrument = payment.map(|payment| payment.method.kind.instrument());
            vec![
                RecordView { instrument, ..new("PaymentInstrumentSelected", PAYER) },
                new("PaymentAttemptStarted", PAYER).of_payment(payment),
            ]
        }
        OrderEvent::PaymentResolved { payment, resolution } => {
            let name = match resolution {
                // The last part is told by the order's end.
                Resolution::Authorised if order.remaining > 0 || order.unresolved > 0 => "PaymentPartiallyPaid",
                Resolution::Refused { .. } | Resolution::Failed => "PaymentAttemptFailed",
                Resolution::Cancelled { .. } => "PaymentAttemptAborted",
                Resolution::Authorised
                | Resolution::Pending
                | Resolution::AwaitingShopper { .. }
                | Resolution::Uncertain => return Vec::new(),
            };
            vec![new(name, PAYER).of_payment(order.payment(*payment))]
        }
        OrderEvent::CancellationRequested { reason, .. } => {
            let (name, by) = match reason {
                CancelReason::Merchant => ("PaymentAborted", PAYEE),
                CancelReason::Expired => ("PaymentExpired", SYSTEM),
            };
            vec![new(name, by)]
        }
        OrderEvent::Closed { reason, .. } => match reason {
            CloseReason::Paid => {
                let last = order.payments.iter().rfind(|payment| payment.is_authorised());
                let record = new("PaymentPaid", PAYER).of_payment(last);
                vec![RecordView { amount: Some(order.amount.minor()), ..record }]
            }
            CloseReason::PaymentFailed => vec![new("PaymentFailed", SYSTEM)],
            CloseReason::Cancelled | CloseReason::Expired | CloseReason::Concluded => Vec::new(),
        },
        OrderEvent::OperationRefused { .. } => {
            let operation = order.operation(change.position.version);
            operation.map(|operation| record_of(change, operation)).into_iter().collect()
        }
        OrderEvent::LegResolved { operation, leg, result } if result.is_final() => {
            let Some(operation) = order.operation(*operation) else { return Vec::new() };
            let payment = operation.legs.get(usize::from(*leg)).and_then(|leg| order.payment(leg.payment));
            // What is given up before it was authorised never was part of the amounts.
            if let Some(payment) = payment.filter(|payment| !payment.is_authorised()) {
                let is_over = payment.is_final() && *result == LegResult::Done;
                let by = if operation.kind == OperationKind::Release { SYSTEM } else { PAYEE };
                return is_over
                    .then(|| new("PaymentAttemptAborted", by).of_payment(Some(payment)))
                    .into_iter()
                    .collect();
            }
            if operation.legs.iter().any(Leg::is_in_flight) {
                return Vec::new();
            }
            vec![record_of(change, operation)]
        }
        OrderEvent::LegResolved { .. }
        | OrderEvent::ShopperTimedOut { .. }
        | OrderEvent::OperationRequested { .. }
        | OrderEvent::LinesRecorded { .. }
        | OrderEvent::Reopened { .. }
        | OrderEvent::Answered { .. }
        | OrderEvent::AmountsChanged => Vec::new(),
    }
}

/// What became of an operation.
fn record_of(change: &Change, operation: &Operation) -> RecordView {
    let books = change.order.books();
    let action = action_of(operation);
    let is_failure = operation.standing() == Standing::Failure;
    let all = match action {
        Action::Capture | Action::Void => books.authorised,
        Action::Refund => books.captured,
        Action::Increase => 0,
    };
    let amount = if is_failure { operation.total() } else { done(operation, action) };
    let so_far = match action {
        Action::Capture => books.captured,
        Action::Void => books.voided,
        Action::Refund => books.refunded,
        Action::Increase => 0,
    };
    let is_whole = if is_failure { amount >= all } else { so_far >= all };
    let name = match (action, is_whole, is_failure) {
        (Action::Capture, true, false) => "PaymentCaptured",
        (Action::Capture, false, false) => "PaymentPartiallyCaptured",
        (Action::Capture, true, true) => "PaymentCapturedFailed",
        (Action::Capture, false, true) => "PaymentPartiallyCapturedFailed",
        (Action::Void, true, false) => "PaymentCancelled",
        (Action::Void, false, false) => "PaymentPartiallyCancelled",
        (Action::Void, true, true) => "PaymentCancelledFailed",
        (Action::Void, false, true) => "PaymentPartiallyCancelledFailed",
        (Action::Refund, true, false) => "PaymentReversed",
        (Action::Refund, false, false) => "PaymentPartiallyReversed",
        (Action::Refund, true, true) => "PaymentReversedFailed",
        (Action::Refund, false, true) => "PaymentPartiallyReversedFailed",
        (Action::Increase, _, false) => "PaymentIncreased",
        (Action::Increase, _, true) => "PaymentIncreasedFailed",
    };
    let by = match operation.kind {
        OperationKind::Release => SYSTEM,
        OperationKind::Capture
        | OperationKind::Void
        | OperationKind::Refund
        | OperationKind::Reversal
        | OperationKind::AmountUpdate
        | OperationKind::TechnicalCancel
        | OperationKind::Exchange => PAYEE,
    };
    let payment = operation.legs.first().and_then(|leg| change.order.payment(leg.payment));
    RecordView {
        instrument: payment.map(|payment| payment.method.kind.instrument()),
        number: Some(operation.version.get()),
        amount: Some(amount),
        ..RecordView::new(change.at, name, by)
    }
}
