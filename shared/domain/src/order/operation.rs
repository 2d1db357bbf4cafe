//! What is asked of payments that were taken: captures, voids, refunds, reversals and changes of the amount,
//! of one payment or of the whole order.

use serde::{Deserialize, Serialize};

use super::{
    Decline, Entry, Items, KeyPrint, LegResult, Order, OrderKind, Payment, Refusal,
    allocation::{Priority, default_priorities, in_order, share_out},
    decide::{check_amount, check_currency, check_details, check_reference},
    line::Fault,
};
use crate::{Action, Money, Time, Version};

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// To take authorised money.
    Capture,
    /// To release authorised money that was not captured.
    Void,
    /// To give captured money back.
    Refund,
    /// To give back everything, by voids and refunds as each payment's state asks for.
    Reversal,
    /// To authorise another amount: more by an increase, less by a void.
    AmountUpdate,
    /// To void a payment of which only the merchant's own reference is known.
    TechnicalCancel,
    /// To give back what an order does not ask for any more, since lines of it were taken back: by refunds and voids.
    Exchange,
    /// To release a part because its order ends, or because its shopper is out of time.
    #[default]
    Release,
}

/// On what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// One payment.
    Payment(Version),
    /// All payments of the order.
    Order,
}

impl Target {
    /// The payment, if it is one.
    #[must_use]
    pub fn payment(self) -> Option<Version> {
        match self {
            Self::Payment(payment) => Some(payment),
            Self::Order => None,
        }
    }
}

/// Asks for an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operate {
    /// What is asked for; no [`OperationKind::Release`], which nobody asks for, and no
    /// [`OperationKind::Exchange`], which is asked for by lines.
    pub kind: OperationKind,
    /// On what.
    pub target: Target,
    /// With how much: all that is available if it is not given. Of an [`OperationKind::AmountUpdate`], what is to
    /// be authorised in the end. Reversals and technical cancels have none.
    pub amount: Option<Money>,
    /// Which payments come first, if the merchant says.
    pub priorities: Option<Vec<Priority>>,
    /// The merchant's name for the operation.
    pub reference: Option<String>,
    /// What the parcels that come with it are worth, if it says so: the amount has to be that.
    pub shipped: Option<Money>,
    /// What the merchant tells about it, as JSON: kept with the commit, and not in the state.
    pub details: Option<String>,
    /// Whether it is only taken: the worker executes it, and what cannot be done is put on record as refused
    /// and told, instead of being refused at once.
    pub is_deferred: bool,
    /// Whether it is put on record also if it asks for more than there is, and then counts as an operation that failed.
    pub is_recorded: bool,
    /// Whether a payment is meant only as long as nobody knows what becomes of it: what was authorised meanwhile stays.
    pub is_of_attempt: bool,
    /// Which lines it is about, if the merchant says.
    pub items: Option<Items>,
    /// What else has to hold of it.
    pub only: Only,
    /// The idempotency key of the request.
    pub key: Option<KeyPrint>,
}

/// What else has to hold of an operation on one payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Only {
    /// Whether it has to be with all that is available.
    pub whole: bool,
    /// Whether an amount may only grow.
    pub upward: bool,
    /// The capture that a refund is of: no more than that took is refunded of it.
    pub of: Option<Version>,
}

impl Operate {
    /// An operation that is asked for without more ado.
    #[must_use]
    pub fn new(kind: OperationKind, target: Target, amount: Option<Money>) -> Self {
        Self {
            kind,
            target,
            amount,
            priorities: None,
            reference: None,
            shipped: None,
            details: None,
            is_deferred: false,
            is_recorded: false,
            is_of_attempt: false,
            items: None,
            only: Only::default(),
            key: None,
        }
    }
}

/// Why an operation that was taken cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objection {
    /// The payment was not authorised.
    NotAuthorised,
    /// There is nothing (left) to do it with.
    NothingAvailable,
    /// It is more than can still be done.
    ExceedsAvailable,
    /// It is more than what remains to be paid of the order.
    ExceedsRemaining,
    /// The order was cancelled.
    OrderCancelled,
    /// The order is closed.
    OrderClosed,
    /// The order has expired.
    OrderExpired,
    /// All there would be to do it with is in flight.
    InFlight,
    /// The amount is what it is already.
    Unchanged,
}

/// How an operation stands, its legs taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Every leg was done.
    Success,
    /// The outcome of some leg is still to come.
    Pending,
    /// No leg was done.
    Failure,
    /// Some legs were done and others not.
    Conflict,
    /// Of some leg it is not known whether it was done.
    Uncertain,
}

/// Something asked of payments that were taken: one action or several, each on one payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The commit that asked for it; with the order's identity, its reference.
    pub version: Version,
    /// When it was asked for.
    pub requested_at: Time,
    /// What was asked for.
    #[serde(default)]
    pub kind: OperationKind,
    /// The payment it was asked of; none if it was the whole order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Version>,
    /// The merchant's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The amount it was asked with; none if it was all that is available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<u64>,
    /// Whether nobody asked for it, but the order's own terms.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_automatic: bool,
    /// What its commit holds that the merchant told about it, in bytes.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub details_bytes: u32,
    /// Of a refund, the capture that it is of, if the merchant says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Version>,
    /// Of what it refunds, what the order did not ask for when it was asked: that is not to be paid again.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub excess: u64,
    /// Which lines it is about, as long as it is not known what becomes of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Entry>,
    /// Its parts.
    pub legs: Vec<Leg>,
    /// Why it was not done, if it could not be begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Objection>,
}

impl Operation {
    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let is_in_flight = self.legs.iter().any(Leg::is_in_flight);
        let is_unknown = self.legs.iter().any(|leg| leg.result == Some(LegResult::Uncertain));
        let done = self.legs.iter().filter(|leg| leg.result == Some(LegResult::Done)).count();
        match done {
            _ if is_unknown => Standing::Uncertain,
            _ if is_in_flight => Standing::Pending,
            0 => Standing::Failure,
            done if done == self.legs.len() => Standing::Success,
            _ => Standing::Conflict,
        }
    }

    /// What its legs come to, in minor units; of one that was refused, what was asked for.
    #[must_use]
    pub fn total(&self) -> u64 {
        match self.refused {
            Some(_) => self.amount.unwrap_or_default(),
            None => self.legs.iter().map(|leg| leg.amount).fold(0, u64::saturating_add),
        }
    }

    /// Why the first leg that was declined was declined.
    #[must_use]
    pub fn decline(&self) -> Option<Decline> {
        self.legs.iter().find_map(|leg| match leg.result {
            Some(LegResult::Declined { reason }) => Some(reason),
            Some(LegResult::Done | LegResult::Pending | LegResult::Uncertain) | None => None,
        })
    }

    /// What it takes of a snapshot at most, in bytes of JSON.
    #[must_use]
    pub fn weight(&self) -> usize {
        weight(self.reference.as_deref(), self.legs.len(), self.lines.len())
    }

    /// Whether the merchant asked for money to be moved that was authorised: what counts when operations fail one
    /// after another.
    #[must_use]
    pub fn is_asked_of_money(&self) -> bool {
        match self.kind {
            OperationKind::Capture | OperationKind::Refund | OperationKind::Reversal | OperationKind::Exchange => {
                !self.is_automatic
            }
            // One payment alone is voided when its attempt is given up.
            OperationKind::Void => self.target.is_none(),
            OperationKind::AmountUpdate | OperationKind::TechnicalCancel | OperationKind::Release => false,
        }
    }

    /// When something was last learnt about it.
    #[must_use]
    pub fn updated_at(&self) -> Time {
        self.legs.iter().map(|leg| leg.resolved_at).fold(self.requested_at, Time::max)
    }
}

/// What a text takes in a commit, where it is a text in JSON, in bytes.
pub(crate) fn stored_bytes(text: &str) -> u32 {
    // JSON escapes its control characters itself, so there are only these to be escaped once more.
    let escaped = text.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
    u32::try_from(text.len().saturating_add(escaped)).unwrap_or(u32::MAX)
}

/// What an operation with such a reference and so many legs and lines takes of a snapshot at most.
pub(super) fn weight(reference: Option<&str>, legs: usize, lines: usize) -> usize {
    // A character that JSON escapes takes up to six bytes; control characters, which do, are refused.
    let reference = reference.map_or(0, |reference| reference.len().saturating_mul(2));
    let parts = legs.saturating_mul(LEG_BYTES).saturating_add(lines.saturating_mul(ENTRY_BYTES));
    OPERATION_BYTES.saturating_add(reference).saturating_add(parts)
}

/// An operation without its reference and legs: its field names and the longest numbers and words.
const OPERATION_BYTES: usize = 265;

/// A leg: its field names and the longest numbers and words.
const LEG_BYTES: usize = 155;

/// A line of an operation under way: its field names and the longest numbers.
const ENTRY_BYTES: usize = 64;

/// One action on one payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// The payment acted on.
    pub payment: Version,
    /// What is done.
    pub action: Action,
    /// With how much, in minor units.
    pub amount: u64,
    /// What the partner said last; `None` while it has said nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<LegResult>,
    /// When the partner said so.
    #[serde(default)]
    pub resolved_at: Time,
}

impl Leg {
    /// An action that is to be taken.
    #[must_use]
    pub fn new(payment: Version, action: Action, amount: u64) -> Self {
        Self { payment, action, amount, result: None, resolved_at: Time::default() }
    }

    /// Whether an outcome is still to come.
    #[must_use]
    pub fn is_in_flight(&self) -> bool {
        !self.result.as_ref().is_some_and(LegResult::is_final)
    }
}

/// The books of a whole order, in minor units: those of its payments, added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Books {
    /// Of payments whose outcome is still to come.
    pub authorising: u64,
    /// What was authorised.
    pub authorised: u64,
    /// What was captured of it.
    pub captured: u64,
    /// What was voided of it.
    pub voided: u64,
    /// What was refunded of what was captured.
    pub refunded: u64,
    /// What can still be captured or voided.
    pub capturable: u64,
    /// What can still be refunded.
    pub refundable: u64,
}

impl Order {
    /// The books of all its payments together.
    #[must_use]
    pub fn books(&self) -> Books {
        self.payments.iter().fold(Books::default(), |books, payment| {
            let tally = &payment.tally;
            let authorising = if payment.is_live() && !payment.is_final() { payment.amount } else { 0 };
            Books {
                authorising: books.authorising.saturating_add(authorising).saturating_add(tally.increasing),
                authorised: books.authorised.saturating_add(tally.authorised),
                captured: books.captured.saturating_add(tally.captured),
                voided: books.voided.saturating_add(tally.voided),
                refunded: books.refunded.saturating_add(tally.refunded),
                capturable: books.capturable.saturating_add(tally.capturable()),
                refundable: books.refundable.saturating_add(tally.refundable()),
            }
        })
    }

    /// The operation asked for by commit `version`.
    #[must_use]
    pub fn operation(&self, version: Version) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.version == version)
    }

    /// The legs that an operation comes to, none of which may be empty.
    ///
    /// # Errors
    /// The [`Refusal`] that applies first. Nothing moves then.
    pub(super) fn plan(&self, operate: &Operate, now: Time) -> Result<Vec<Leg>, Refusal> {
        if let Some(amount) = operate.amount {
            check_amount(amount)?;
            check_currency(self.amount, amount)?;
        }
        if let Some(reference) = &operate.reference {
            check_reference(reference)?;
        }
        check_details(operate.details.as_deref())?;
        let targets = self.targets(operate.target)?;
        if operate.is_of_attempt && targets.iter().any(|payment| payment.is_final()) {
            return Err(Refusal::NothingAvailable);
        }
        let legs = match operate.kind {
            OperationKind::Capture => self.capture(operate, &targets)?,
            OperationKind::Void | OperationKind::TechnicalCancel => match targets.as_slice() {
                [payment] if operate.target != Target::Order && !payment.is_final() && operate.amount.is_none() => {
                    self.reversal_of(payment)
                }
                _ => self.shares(Action::Void, operate, &targets)?,
            },
            OperationKind::Refund => self.shares(Action::Refund, operate, &targets)?,
            OperationKind::Reversal | OperationKind::Release | OperationKind::Exchange => {
                let legs = targets.iter().flat_map(|payment| self.reversal_of(payment)).collect::<Vec<_>>();
                if legs.is_empty()
                    && let [payment] = targets.as_slice()
                {
                    check_authorised(payment)?;
                }
                legs
            }
            OperationKind::AmountUpdate => self.update(operate, &targets, now)?,
        };
        if legs.is_empty() {
            let is_at_rest = targets.iter().all(|payment| payment.tally.is_at_rest());
            return Err(if is_at_rest { Refusal::NothingAvailable } else { Refusal::InFlight });
        }
        let total = legs.iter().map(|leg| leg.amount).fold(0, u64::saturating_add);
        if let Some(shipped) = operate.shipped {
            check_currency(self.amount, shipped)?;
            if shipped.minor() != total {
                return Err(Refusal::ShipmentsMismatch { expected: self.amount.with_minor(total), actual: shipped });
            }
        }
        Ok(legs)
    }

    fn targets(&self, target: Target) -> Result<Vec<&Payment>, Refusal> {
        match target {
            Target::Payment(version) => Ok(vec![self.payment(version).ok_or(Refusal::UnknownPayment)?]),
            Target::Order => Ok(self.payments.iter().collect()),
        }
    }

    fn capture(&self, operate: &Operate, targets: &[&Payment]) -> Result<Vec<Leg>, Refusal> {
        if self.cancellation.is_some() {
            return Err(Refusal::Cancelled);
        }
        self.shares(Action::Capture, operate, targets)
    }

    /// Shares out what is asked for among the payments, or refuses it as a whole.
    fn shares(&self, action: Action, operate: &Operate, targets: &[&Payment]) -> Result<Vec<Leg>, Refusal> {
        if let ([payment], Target::Payment(_)) = (targets, operate.target) {
            check_authorised(payment)?;
        }
        let available_of = |payment: &Payment| self.available_of(payment, action, operate.items.is_some());
        let available = targets.iter().map(|payment| available_of(payment)).fold(0, u64::saturating_add);
        let available = match operate.only.of {
            Some(capture) => available.min(self.left_of_capture(capture, targets)?),
            None => available,
        };
        let asked = operate.amount.map_or(available, Money::minor);
        if available == 0 {
            return Err(Refusal::NothingAvailable);
        }
        let money = |minor| self.amount.with_minor(minor);
        if asked > available {
            return Err(Refusal::NotAvailable { asked: money(asked), available: money(available) });
        }
        if operate.only.whole && asked < available {
            return Err(Refusal::NotWhole { asked: money(asked), available: money(available) });
        }
        let priorities = operate.priorities.clone().unwrap_or_else(|| default_priorities(action));
        let (shares, left) = share_out(asked, available_of, in_order(&priorities, targets));
        if left > 0 {
            let admitted = money(asked.saturating_sub(left));
            return Err(Refusal::NotAdmitted { asked: money(asked), admitted });
        }
        Ok(shares.into_iter().map(|(payment, share)| Leg::new(payment.version, action, share)).collect())
    }

    /// What can still be refunded of a payment, of what one capture took of it, in minor units.
    #[must_use]
    pub fn refundable_of(&self, capture: Version, payment: &Payment) -> u64 {
        self.left_of_capture(capture, &[payment]).unwrap_or(0).min(payment.tally.refundable())
    }

    /// What a capture took of these payments that no refund of it gave back, or may give back.
    fn left_of_capture(&self, capture: Version, targets: &[&Payment]) -> Result<u64, Refusal> {
        let is_of_them = |leg: &&Leg| targets.iter().any(|payment| payment.version == leg.payment);
        let known = self.operation(capture).filter(|known| known.kind == OperationKind::Capture);
        let done = |leg: &&Leg| leg.result == Some(LegResult::Done);
        let sum = |amounts: &mut dyn Iterator<Item = &Leg>| amounts.map(|leg| leg.amount).fold(0, u64::saturating_add);
        let taken = sum(&mut known.ok_or(Refusal::NotCaptured)?.legs.iter().filter(is_of_them).filter(done));
        if taken == 0 {
            return Err(Refusal::NotCaptured);
        }
        let refunds = self.operations.iter().filter(|operation| operation.of == Some(capture));
        let given = |leg: &&Leg| leg.is_in_flight() || done(leg);
        let legs = refunds.flat_map(|operation| &operation.legs).filter(is_of_them);
        Ok(taken.saturating_sub(sum(&mut legs.filter(given))))
    }

    /// What is available of a payment: where lines are refunded, what was captured for lines with it.
    fn available_of(&self, payment: &Payment, action: Action, is_of_lines: bool) -> u64 {
        let available = payment.tally.available(action);
        match action {
            Action::Refund if is_of_lines => available.min(self.taken_for_lines(payment.version)),
            Action::Capture | Action::Void | Action::Refund | Action::Increase => available,
        }
    }

    /// What gives all of a payment back, as its state asks for: voids what is held, refunds what was captured.
    /// What is not authorised yet is voided whole, once its partner can be asked to.
    fn reversal_of(&self, payment: &Payment) -> Vec<Leg> {
        if payment.is_authorised() {
            let actions = [Action::Void, Action::Refund].into_iter();
            let legs = actions.map(|action| Leg::new(payment.version, action, payment.tally.available(action)));
            return legs.filter(|leg| leg.amount > 0).collect();
        }
        let is_void = !payment.is_live() || self.is_being_voided(payment.version);
        (!is_void).then(|| Leg::new(payment.version, Action::Void, payment.amount)).into_iter().collect()
    }

    fn is_being_voided(&self, payment: Version) -> bool {
        let mut legs = self.operations.iter().flat_map(|operation| &operation.legs);
        legs.any(|leg| leg.payment == payment && leg.action == Action::Void && leg.is_in_flight())
    }

    /// The leg that makes a payment's authorisation what it is to be.
    fn update(&self, operate: &Operate, targets: &[&Payment], now: Time) -> Result<Vec<Leg>, Refusal> {
        let ([payment], Some(amount)) = (targets, operate.amount) else { return Err(Refusal::UnknownPayment) };
        check_authorised(payment)?;
        let Payment { tally, version, .. } = payment;
        let held = tally.authorised.saturating_sub(tally.voided).saturating_sub(tally.voiding);
        let held = held.saturating_add(tally.increasing);
        let asked = amount.minor();
        // What is settled and reversed is closed: more of it is another purchase.
        let is_closed = tally.capturable() == 0 && tally.increasing == 0 && tally.capturing == 0 && tally.voiding == 0;
        if operate.only.upward && is_closed {
            return Err(Refusal::NothingAvailable);
        }
        if operate.only.upward && asked <= held {
            return Err(Refusal::NotMore { asked: amount, held: amount.with_minor(held) });
        }
        if asked == held {
            return Err(Refusal::Unchanged);
        }
        if let Some(less) = held.checked_sub(asked) {
            let capturable = tally.capturable();
            if less > capturable {
                let available = self.amount.with_minor(capturable);
                return Err(Refusal::NotAvailable { asked: self.amount.with_minor(less), available });
            }
            return Ok(vec![Leg::new(*version, Action::Void, less)]);
        }
        let more = asked.saturating_sub(held);
        if self.cancellation.is_some() {
            return Err(Refusal::Cancelled);
        }
        // What was given back whole is not begun anew: that would be another payment, of an order that may have
        // ended for want of it.
        if held == 0 {
            return Err(Refusal::NothingAvailable);
        }
        match self.kind {
            // The order was made for this payment, and grows with it.
            OrderKind::Single => {
                let asked = self.amount.minor().checked_add(more);
                asked
                    .and_then(|asked| Money::try_new(self.amount.currency(), asked).ok())
                    .ok_or(Refusal::AmountTooLarge)?;
            }
            OrderKind::Parts | OrderKind::Running if self.closed.is_some() => return Err(Refusal::Closed),
            OrderKind::Parts | OrderKind::Running if self.is_expired(now) => return Err(Refusal::Expired),
            OrderKind::Parts | OrderKind::Running if more > self.remaining => {
                let money = |minor| self.amount.with_minor(minor);
                return Err(Refusal::ExceedsRemaining { asked: money(more), remaining: money(self.remaining) });
            }
            OrderKind::Parts | OrderKind::Running => {}
        }
        Ok(vec![Leg::new(*version, Action::Increase, more)])
    }
}

impl Refusal {
    /// What it comes to as a fact about an operation that was taken; none for a request that is at fault itself.
    #[must_use]
    pub fn objection(&self) -> Option<Objection> {
        match self {
            Self::NotAuthorised => Some(Objection::NotAuthorised),
            Self::NothingAvailable => Some(Objection::NothingAvailable),
            Self::NotAvailable { .. } | Self::NotAdmitted { .. } => Some(Objection::ExceedsAvailable),
            Self::ExceedsRemaining { .. } => Some(Objection::ExceedsRemaining),
            Self::Cancelled => Some(Objection::OrderCancelled),
            Self::Closed => Some(Objection::OrderClosed),
            Self::Unchanged => Some(Objection::Unchanged),
            Self::Expired => Some(Objection::OrderExpired),
            Self::InFlight => Some(Objection::InFlight),
            Self::Lines(fault) => match fault.what {
                Fault::Exceeds { .. } | Fault::PaymentExceeds { .. } => Some(Objection::ExceedsAvailable),
                Fault::Sum { .. }
                | Fault::TaxSum { .. }
                | Fault::Tax { .. }
                | Fault::Negative { .. }
                | Fault::TooLarge
                | Fault::Duplicate { .. }
                | Fault::Unknown { .. }
                | Fault::Missing
                | Fault::TooMany { .. }
                | Fault::TooLong { .. }
                | Fault::OfReversal { .. }
                | Fault::ReversalDiffers { .. }
                | Fault::ReversalExceeds { .. }
                | Fault::Zero
                | Fault::Sign { .. }
                | Fault::MixedSigns
                | Fault::NotPositive { .. } => None,
            },
            Self::AmountZero
            | Self::AmountTooLarge
            | Self::CurrencyMismatch { .. }
            | Self::ReferenceLength { .. }
            | Self::DetailsTooLong { .. }
            | Self::ShipmentsMismatch { .. }
            | Self::CaptureDelayTooLong
            | Self::NotWhole { .. }
            | Self::NotMore { .. }
            | Self::NotCaptured
            | Self::ExpiryPast
            | Self::ExpiryTooFar
            | Self::DetailsFull
            | Self::Stale { .. }
            | Self::TooManyPayments
            | Self::TooManyOperations
            | Self::UnknownPayment
            | Self::KeyReused
            | Self::InProgress
            | Self::LinesChanged
            | Self::NoLines
            | Self::Taken
            | Self::TaxInvalid { .. }
            | Self::Attempted { .. }
            | Self::BelowPaid { .. }
            | Self::EndsByItself
            | Self::Locked
            | Self::DescriptionLength { .. }
            | Self::ForeignPaymentLength { .. }
            | Self::Captured { .. }
            | Self::NeedsHistory => None,
        }
    }
}

fn check_authorised(payment: &Payment) -> Result<(), Refusal> {
    if payment.is_authorised() { Ok(()) } else { Err(Refusal::NotAuthorised) }
}
