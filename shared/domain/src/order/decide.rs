//! The rules: which command is refused, and which events the others make.

use super::cart::LINE_BYTES;
use super::lines::{check_tax, check_total};
use super::operation::{stored_bytes, weight};
use super::{
    Allocate, Append, Books, CancelReason, Cancellation, CaptureMode, CloseReason, Entry, KeyPrint, Leg, LegResult,
    LineAction, Method, NewCart, Objection, Operate, Operation, OperationKind, Order, OrderEvent, OrderKind, PartnerId,
    Payment, Resolution, Revise, Session, Standing, Target,
    line::{Fault, LineFault},
};
use crate::{
    Action, Aggregate, Currency, Money, Time, Version,
    limits::{
        CAPTURE_DELAY_MAX, DESCRIPTION_CHARS_MAX, DETAILS_PER_ORDER_BYTES_MAX, FAILURES_IN_A_ROW_MAX,
        FOREIGN_PAYMENT_CHARS_MAX, KEYS_PER_ORDER_MAX, OPERATION_DETAILS_BYTES_MAX, OPERATIONS_BYTES_MAX,
        OPERATIONS_PER_ORDER_MAX, ORDER_LIFETIME_DEFAULT, ORDER_LIFETIME_MAX, PAYMENTS_PER_ORDER_MAX,
        REFERENCE_CHARS_MAX,
    },
};

/// Opens an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The merchant's name for the order.
    pub reference: String,
    /// What is to be paid in all.
    pub amount: Money,
    /// From when on it takes no payment; 24 hours from now if not given.
    pub expires_at: Option<Time>,
    /// Which key is to seal its tokens.
    pub token_key: u32,
    /// What a client session adds to it.
    pub session: Option<Session>,
    /// Its lines, if it has any, or its tax.
    pub cart: Option<NewCart>,
    /// What else the merchant tells about it, as JSON.
    pub details: Option<String>,
    /// The idempotency key of the request.
    pub key: Option<KeyPrint>,
}

/// Sets a part of an order aside for a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserve {
    /// The version of the token the shopper came with.
    pub seen: Version,
    /// The part to be paid.
    pub amount: Money,
    /// The merchant's name for the payment.
    pub reference: String,
    /// How it is paid.
    pub method: Method,
    /// Who is to hold the money.
    pub partner: PartnerId,
    /// What the partner calls the instrument.
    pub token: String,
    /// Until when a shopper who has to act may do so; [`SHOPPER_TIME_DEFAULT`](crate::limits) if not given,
    /// and at most the order's expiry.
    pub act_by: Option<Time>,
    /// The idempotency key of the request.
    pub key: Option<KeyPrint>,
}

/// Ends an order unpaid and releases its payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel {
    /// Who asks.
    pub reason: CancelReason,
    /// The idempotency key of the request.
    pub key: Option<KeyPrint>,
}

/// Something a partner said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// On an authorisation.
    Payment {
        /// The payment.
        payment: Version,
        /// What was said.
        resolution: Resolution,
    },
    /// On one leg of an operation.
    Leg {
        /// The operation.
        operation: Version,
        /// The leg's place in it.
        index: u16,
        /// What was said.
        result: LegResult,
    },
}

/// What can be asked of an order that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Set a part aside for a payment.
    Reserve(Reserve),
    /// Ask for an operation on what was paid.
    Operate(Operate),
    /// Replace amount, tax and lines.
    Revise(Revise),
    /// Add lines.
    Append(Append),
    /// Do something on lines.
    Allocate(Allocate),
    /// End an order that goes on until it is closed.
    Close {
        /// The idempotency key of the request.
        key: Option<KeyPrint>,
    },
    /// Go on with an order that was closed.
    Reopen {
        /// The idempotency key of the request.
        key: Option<KeyPrint>,
    },
    /// End it unpaid.
    Cancel(Cancel),
    /// Do what the passing of time asks for: release payments whose shopper did not act in time, end an order that
    /// expired before it was paid, and capture one that is captured by itself.
    Lapse,
    /// Record what partners said, and pin the answer of the request that asked them, if it had a key.
    Record {
        /// What was said.
        findings: Vec<Finding>,
        /// The idempotency key of the request that asked.
        key: Option<KeyPrint>,
    },
}

/// What a command comes to, if it is not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// These events are to be committed.
    Commit(Vec<OrderEvent>),
    /// It was done before, by the commit of this version: answer as then.
    Already(Version),
}

/// Why a command is refused. One variant for each reason a program could act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Zero.
    #[error("the amount must be more than 0 minor units")]
    AmountZero,
    /// The amount is in another currency than the order.
    #[error("the order is in {expected}, the amount in {actual}")]
    CurrencyMismatch {
        /// The order's currency.
        expected: Currency,
        /// The amount's.
        actual: Currency,
    },
    /// A merchant's reference that is empty or too long.
    #[error("a reference has 1 to {REFERENCE_CHARS_MAX} characters, this one {actual}")]
    ReferenceLength {
        /// Its length in characters.
        actual: usize,
    },
    /// The order would expire before it began.
    #[error("the expiry is not in the future")]
    ExpiryPast,
    /// The order would live too long.
    #[error("the expiry is more than {} days ahead", ORDER_LIFETIME_MAX.as_secs() / 86_400)]
    ExpiryTooFar,
    /// The order has expired.
    #[error("the order has expired")]
    Expired,
    /// The order was cancelled.
    #[error("the order was cancelled")]
    Cancelled,
    /// The order has ended.
    #[error("the order is closed")]
    Closed,
    /// The shopper's position has changed since the token was made.
    #[error("the order has changed since this token was made: version {seen} then, {now} now")]
    Stale {
        /// The token's version.
        seen: Version,
        /// The version that overtook it.
        now: Version,
    },
    /// More than what is left to pay.
    #[error("{asked} is more than what remains to be paid, {remaining}")]
    ExceedsRemaining {
        /// What was asked for.
        asked: Money,
        /// What remains.
        remaining: Money,
    },
    /// The order has had all its attempts.
    #[error("an order takes at most {PAYMENTS_PER_ORDER_MAX} attempts to pay")]
    TooManyPayments,
    /// The order has had all its operations, keys or commits.
    #[error("the order has reached its limit of operations")]
    TooManyOperations,
    /// No payment of that reference.
    #[error("the order has no such payment")]
    UnknownPayment,
    /// More than can still be captured, voided or refunded.
    #[error("{asked} is more than what is available, {available}")]
    NotAvailable {
        /// What was asked for.
        asked: Money,
        /// What can still be done.
        available: Money,
    },
    /// Less than all that is available, where it has to be all.
    #[error("it has to be all that is available, {available}, got {asked}")]
    NotWhole {
        /// What was asked for.
        asked: Money,
        /// What can still be done.
        available: Money,
    },
    /// No more than is authorised, where it has to grow.
    #[error("it has to be more than is authorised, {held}, got {asked}")]
    NotMore {
        /// What was asked for.
        asked: Money,
        /// What is authorised.
        held: Money,
    },
    /// There is no such capture, or it took nothing.
    #[error("nothing was captured by it")]
    NotCaptured,
    /// More than the largest amount there is.
    #[error("the amount would be more than there can be")]
    AmountTooLarge,
    /// More than can be done with the payments that the priorities admit.
    #[error("{asked} is more than what is available on the payments that the priorities admit, {admitted}")]
    NotAdmitted {
        /// What was asked for.
        asked: Money,
        /// What can be done with those.
        admitted: Money,
    },
    /// There is nothing (left) to do it with.
    #[error("nothing is available for it")]
    NothingAvailable,
    /// All there would be to do it with is in flight.
    #[error("another operation is under way")]
    InFlight,
    /// The payment was not authorised.
    #[error("the payment was not authorised")]
    NotAuthorised,
    /// The amount is what it is already.
    #[error("the amount is what it is already")]
    Unchanged,
    /// The parcels are worth something else than the operation.
    #[error("the shipments come to {actual}, the operation to {expected}")]
    ShipmentsMismatch {
        /// The operation's amount.
        expected: Money,
        /// The sum of the shipments.
        actual: Money,
    },
    /// The merchant tells more about it than there is room for.
    #[error("what is told about it takes {actual} bytes, more than {OPERATION_DETAILS_BYTES_MAX}")]
    DetailsTooLong {
        /// What it takes, in bytes.
        actual: u32,
    },
    /// The merchant has told as much about the order's operations as there is room for.
    #[error("what is told about the operations of an order takes at most {DETAILS_PER_ORDER_BYTES_MAX} bytes in all")]
    DetailsFull,
    /// Lines, or what is asked of them, are not as they have to be.
    #[error("{0}")]
    Lines(#[from] LineFault),
    /// The lines were read before others changed them: read them and decide again. Never shown to a caller.
    #[error("the order's lines have changed")]
    LinesChanged,
    /// There is an order of this name.
    #[error("there is an order of this name already")]
    Taken,
    /// The order has no lines.
    #[error("the order has no lines")]
    NoLines,
    /// The tax is negative, or more than the amount.
    #[error("expected a tax between 0 and {}, got {tax}", amount.minor())]
    TaxInvalid {
        /// The amount.
        amount: Money,
        /// The tax, in minor units.
        tax: i64,
    },
    /// Something was done that depends on what was to be changed.
    #[error("it was attempted to pay the order ({attempts} times), or something was done on its lines")]
    Attempted {
        /// Attempts to pay.
        attempts: u8,
    },
    /// Less than what is paid, or may yet be.
    #[error("{asked} is less than what is paid or being paid, {paid}")]
    BelowPaid {
        /// What was asked for.
        asked: Money,
        /// What live payments cover.
        paid: Money,
    },
    /// The order ends by itself once it is paid; it is not closed by the merchant.
    #[error("the order ends by itself once it is paid")]
    EndsByItself,
    /// Too many operations in a row have failed.
    #[error("the last {FAILURES_IN_A_ROW_MAX} operations failed, so the order takes no more")]
    Locked,
    /// A description that is too long.
    #[error("a description has at most {DESCRIPTION_CHARS_MAX} characters, this one {actual}")]
    DescriptionLength {
        /// Its length in characters.
        actual: usize,
    },
    /// The name of somebody else's payment that is empty or too long.
    #[error("the name of a payment has 1 to {FOREIGN_PAYMENT_CHARS_MAX} characters, this one {actual}")]
    ForeignPaymentLength {
        /// Its length in characters.
        actual: usize,
    },
    /// What was captured has to be refunded before the order can be cancelled.
    #[error("{captured} was captured and not refunded")]
    Captured {
        /// How much.
        captured: Money,
    },
    /// The order would be captured too late.
    #[error("the capture delay is more than {} days", CAPTURE_DELAY_MAX.as_secs() / 86_400)]
    CaptureDelayTooLong,
    /// The idempotency key came with another request before.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The first request with the idempotency key has no answer yet.
    #[error("a request with the same idempotency key is in progress")]
    InProgress,
    /// A token alone does not decide this: read the order and decide again. Never shown to a caller.
    #[error("the order's history is needed")]
    NeedsHistory,
}

impl Order {
    /// Opens an order, and if `payment` is given, one around that payment, reserved in the same commit.
    ///
    /// # Errors
    /// A [`Refusal`] of the amount, the reference or the expiry.
    pub fn open(open: &Open, payment: Option<&Reserve>, now: Time) -> Result<Vec<OrderEvent>, Refusal> {
        check_amount(open.amount)?;
        check_reference(&open.reference)?;
        if let Some(payment) = payment {
            check_amount(payment.amount)?;
            check_reference(&payment.reference)?;
            check_currency(open.amount, payment.amount)?;
            check_covers(open.amount, payment.amount)?;
        }
        let expires_at = open.expires_at.unwrap_or_else(|| now.plus(ORDER_LIFETIME_DEFAULT));
        if expires_at <= now {
            return Err(Refusal::ExpiryPast);
        }
        if expires_at > now.plus(ORDER_LIFETIME_MAX) {
            return Err(Refusal::ExpiryTooFar);
        }
        if let Some(Session { capture: CaptureMode::Automatic { delay_s }, .. }) = &open.session
            && *delay_s > CAPTURE_DELAY_MAX.as_secs()
        {
            return Err(Refusal::CaptureDelayTooLong);
        }
        check_details(open.details.as_deref())?;
        if let Some(NewCart { terms, lines, .. }) = &open.cart {
            check_tax(open.amount, terms.tax)?;
            check_described(terms.description.as_deref())?;
            if terms.sheet.is_some() {
                check_total(lines, open.amount, terms.tax)?;
            }
        }
        let is_running = open.cart.as_ref().is_some_and(|cart| cart.is_running);
        let opened = OrderEvent::Opened {
            reference: open.reference.clone(),
            amount: open.amount,
            expires_at,
            kind: match payment {
                Some(_) => OrderKind::Single,
                None if is_running => OrderKind::Running,
                None => OrderKind::Parts,
            },
            token_key: open.token_key,
            session: open.session.clone().map(Box::new),
            cart: open.cart.as_ref().map(|cart| Box::new(cart.terms.clone())),
            details: open.details.clone(),
            key: open.key,
        };
        Ok(std::iter::once(opened).chain(payment.map(reserved)).collect())
    }

    /// Decides a command on an order that exists.
    ///
    /// # Errors
    /// The [`Refusal`] that applies first: repetition, then the order's standing, then the amounts.
    pub fn decide(&self, command: &Command, now: Time) -> Result<Decision, Refusal> {
        match command {
            Command::Reserve(reserve) => self.reserve(reserve, now),
            Command::Operate(operate) => self.with_history()?.operate(operate, now),
            Command::Revise(revise) => self.with_history()?.revise(revise, now),
            Command::Append(append) => self.with_history()?.append(append, now),
            Command::Allocate(allocate) => self.with_history()?.allocate(allocate, now),
            Command::Close { key } => self.with_history()?.close(*key, now),
            Command::Reopen { key } => self.with_history()?.reopen(*key, now),
            Command::Cancel(cancel) => self.with_history()?.cancel(cancel, now),
            Command::Lapse => Ok(self.with_history()?.lapse(now)),
            Command::Record { findings, key } => self.record(findings, *key, now),
        }
    }

    /// What an idempotency key was used for, if it was used.
    ///
    /// # Errors
    /// [`Refusal::KeyReused`] if it came with another request; [`Refusal::NeedsHistory`] if only the
    /// order's log can tell.
    pub fn key_use(&self, key: Option<KeyPrint>) -> Result<Option<Version>, Refusal> {
        let Some(key) = key else { return Ok(None) };
        let Some(used) = self.keys.iter().find(|used| used.print.key == key.key) else {
            return Ok(None);
        };
        self.with_history()?;
        if used.print.request == key.request { Ok(Some(used.version)) } else { Err(Refusal::KeyReused) }
    }

    fn with_history(&self) -> Result<&Self, Refusal> {
        if self.is_partial { Err(Refusal::NeedsHistory) } else { Ok(self) }
    }

    fn reserve(&self, reserve: &Reserve, now: Time) -> Result<Decision, Refusal> {
        if let Some(version) = self.key_use(reserve.key)? {
            let answered = self.payment(version).is_some_and(|payment| payment.answered.is_some());
            return if answered { Ok(Decision::Already(version)) } else { Err(Refusal::InProgress) };
        }
        self.check_open()?;
        if self.is_expired(now) {
            return Err(Refusal::Expired);
        }
        if self.position > reserve.seen {
            return Err(Refusal::Stale { seen: reserve.seen, now: self.position });
        }
        check_amount(reserve.amount)?;
        check_reference(&reserve.reference)?;
        check_currency(self.amount, reserve.amount)?;
        // An order that was made for its payment takes no other, not even while that one is given back.
        let remaining = if self.kind == OrderKind::Single { 0 } else { self.remaining };
        check_covers(self.amount.with_minor(remaining), reserve.amount)?;
        if usize::from(self.attempts) >= PAYMENTS_PER_ORDER_MAX {
            return Err(Refusal::TooManyPayments);
        }
        self.check_room(reserve.key)?;
        if self.own_webhook().is_none() {
            return Ok(Decision::Commit(vec![reserved(reserve)]));
        }
        let mut draft = Draft::of(self, now);
        draft.push(reserved(reserve));
        Ok(Decision::Commit(draft.finish()))
    }

    fn operate(&self, operate: &Operate, now: Time) -> Result<Decision, Refusal> {
        if let Some(version) = self.key_use(operate.key)? {
            return Ok(Decision::Already(version));
        }
        if self.is_locked() {
            return Err(Refusal::Locked);
        }
        let planned = match self.plan(operate, now) {
            Ok(legs) => self.lines_of(operate, &legs).map(|lines| (lines, legs)),
            // Where there is nothing left of the lines that are meant, that is the reason to be told.
            Err(refusal @ (Refusal::NothingAvailable | Refusal::NotAvailable { .. })) => {
                Err(self.entries_of(operate).err().unwrap_or(refusal))
            }
            Err(refusal) => Err(refusal),
        };
        self.check_room(operate.key)?;
        self.check_operations(operate, planned.as_ref().ok().map(|(lines, legs)| (legs.as_slice(), lines.len())))?;
        self.check_details_in_all(operate.details.as_deref())?;
        let Operate { kind, target, reference, details, is_deferred, is_recorded, key, .. } = operate;
        let amount = operate.amount.map(Money::minor);
        // Whoever takes back a whole order that is still being paid ends it, whether or not there is something to
        // give back: else it could go on being paid.
        let is_end = *kind == OperationKind::Reversal && *target == Target::Order && self.is_open();
        let mut draft = Draft::of(self, now);
        if is_end {
            draft.push(OrderEvent::CancellationRequested { reason: CancelReason::Merchant, key: None });
        }
        let (lines, legs) = match planned {
            Ok(planned) => planned,
            Err(refusal) => {
                let explanation = is_recorded.then(|| refusal.to_string());
                // What cannot be asked for now has not failed: only what asks for too much counts as an attempt.
                let counts = |objection: &Objection| *is_recorded && *objection == Objection::ExceedsAvailable;
                let objection = refusal.objection().filter(|what| *is_deferred || counts(what)).ok_or(refusal)?;
                let refused = OrderEvent::OperationRefused {
                    kind: *kind,
                    target: target.payment(),
                    reference: reference.clone(),
                    amount,
                    objection,
                    explanation,
                    key: *key,
                };
                draft.push(refused);
                return Ok(Decision::Commit(draft.finish()));
            }
        };
        draft.push(OrderEvent::OperationRequested {
            legs,
            is_release: false,
            kind: Some(*kind),
            target: target.payment(),
            reference: reference.clone(),
            amount,
            details: details.clone(),
            is_deferred: *is_deferred,
            is_automatic: false,
            of: operate.only.of,
            lines,
            key: *key,
        });
        Ok(Decision::Commit(draft.finish()))
    }

    fn cancel(&self, cancel: &Cancel, now: Time) -> Result<Decision, Refusal> {
        if let Some(version) = self.key_use(cancel.key)? {
            return Ok(Decision::Already(version));
        }
        if let Some(cancellation) = &self.cancellation {
            return Ok(Decision::Already(cancellation.version));
        }
        if self.closed.is_some() {
            return Err(Refusal::Closed);
        }
        // An order that goes on after it is paid is not undone by its cancellation: what was captured is refunded
        // first, line by line.
        let captured = self.captured_in_all();
        if self.kind == OrderKind::Running && captured > 0 {
            return Err(Refusal::Captured { captured: self.amount.with_minor(captured) });
        }
        let mut draft = Draft::of(self, now);
        draft.push(OrderEvent::CancellationRequested { reason: cancel.reason, key: cancel.key });
        Ok(Decision::Commit(draft.finish()))
    }

    fn lapse(&self, now: Time) -> Decision {
        let mut draft = Draft::of(self, now);
        for payment in self.payments.iter().filter(|payment| payment.has_lapsed(now)) {
            draft.push(OrderEvent::ShopperTimedOut { payment: payment.version });
        }
        if self.is_to_expire(now) {
            draft.push(OrderEvent::CancellationRequested { reason: CancelReason::Expired, key: None });
        }
        draft.capture();
        let events = draft.finish();
        if events.is_empty() { Decision::Already(self.version) } else { Decision::Commit(events) }
    }

    /// Whether it is an order in parts that expired before it was paid. One that nothing remains of is left
    /// to its payments' outcomes (Adyen: "a remaining amount greater than 0").
    pub(super) fn is_to_expire(&self, now: Time) -> bool {
        self.kind == OrderKind::Parts && self.is_open() && self.is_expired(now) && self.remaining > 0
    }

    fn record(&self, findings: &[Finding], key: Option<KeyPrint>, now: Time) -> Result<Decision, Refusal> {
        let mut draft = Draft::of(self, now);
        for finding in findings {
            if let Some(event) = draft.order.as_ref().map(|order| order.learn(finding)).transpose()?.flatten() {
                draft.push(event);
            }
        }
        let mut events = draft.finish();
        // What a partner said is recorded even if the key that came with it belongs to another request.
        let is_new = match self.key_use(key) {
            Ok(used) => used.is_none(),
            Err(Refusal::KeyReused) => false,
            Err(refusal) => return Err(refusal),
        };
        events.extend(
            key.filter(|_| is_new && self.keys.len() < KEYS_PER_ORDER_MAX).map(|key| OrderEvent::Answered { key }),
        );
        Ok(if events.is_empty() { Decision::Already(self.version) } else { Decision::Commit(events) })
    }

    /// The event a finding makes, or none if it tells nothing new. A final word is never taken back.
    fn learn(&self, finding: &Finding) -> Result<Option<OrderEvent>, Refusal> {
        match finding {
            Finding::Payment { payment, resolution } => {
                let Some(known) = self.payment(*payment) else {
                    return self.with_history().map(|_| None);
                };
                let is_news = match &known.resolution {
                    None => true,
                    Some(known) if known.is_final() => false,
                    Some(Resolution::Uncertain) => *resolution != Resolution::Uncertain,
                    // The shopper has acted: from then on it is the partner that is waited for.
                    Some(Resolution::AwaitingShopper { .. }) if *resolution == Resolution::Pending => true,
                    Some(_) => resolution.is_final(),
                };
                Ok(is_news.then(|| OrderEvent::PaymentResolved { payment: *payment, resolution: resolution.clone() }))
            }
            Finding::Leg { operation, index, result } => {
                let leg = self
                    .with_history()?
                    .operations
                    .iter()
                    .find(|candidate| candidate.version == *operation)
                    .and_then(|operation| operation.legs.get(usize::from(*index)));
                let is_news = match leg.map(|leg| &leg.result) {
                    None => false,
                    Some(None) => true,
                    Some(Some(known)) if known.is_final() => false,
                    Some(Some(known)) => result.is_final() || (*known == LegResult::Uncertain && known != result),
                };
                Ok(is_news.then(|| OrderEvent::LegResolved {
                    operation: *operation,
                    leg: *index,
                    result: result.clone(),
                }))
            }
        }
    }

    pub(super) fn check_open(&self) -> Result<(), Refusal> {
        match (&self.closed, &self.cancellation) {
            (_, Some(_)) => Err(Refusal::Cancelled),
            (Some(_), None) => Err(Refusal::Closed),
            (None, None) => Ok(()),
        }
    }

    /// Room for one more intent, as far as a token can tell. Outcomes need none: they have a reserve of
    /// their own.
    pub(super) fn check_room(&self, key: Option<KeyPrint>) -> Result<(), Refusal> {
        let is_full = self.version.is_near_end() || (key.is_some() && self.keys.len() >= KEYS_PER_ORDER_MAX);
        if is_full { Err(Refusal::TooManyOperations) } else { Ok(()) }
    }

    /// Room for one more operation with these legs; none, if it is only put on record that it was refused. What
    /// gives back has room when nothing else has any more.
    fn check_operations(&self, operate: &Operate, planned: Option<(&[Leg], usize)>) -> Result<(), Refusal> {
        let (legs, lines) = planned.unwrap_or_default();
        self.check_operation(operate.reference.as_deref(), legs, lines)
    }

    /// The same, of an operation with a reference, legs and lines.
    pub(super) fn check_operation(&self, reference: Option<&str>, legs: &[Leg], lines: usize) -> Result<(), Refusal> {
        let gives_back = !legs.is_empty() && legs.iter().all(|leg| !leg.action.takes());
        let of = |most: usize| if gives_back { most } else { most / 4 * 3 };
        let this = weight(reference, legs.len(), lines);
        let cart = self.cart.as_ref().map_or(0, |cart| cart.weight()).saturating_add(lines.saturating_mul(LINE_BYTES));
        let taken = self.operations.iter().map(Operation::weight);
        let taken = taken.fold(this.saturating_add(cart), usize::saturating_add);
        let is_full = self.operations.len() >= of(OPERATIONS_PER_ORDER_MAX) || taken > of(OPERATIONS_BYTES_MAX);
        if is_full { Err(Refusal::TooManyOperations) } else { Ok(()) }
    }

    /// Room for what is told about one more operation, beside what was told about the others.
    pub(super) fn check_details_in_all(&self, details: Option<&str>) -> Result<(), Refusal> {
        let known = self.operations.iter().map(|operation| operation.details_bytes);
        let actual = known.fold(details.map_or(0, stored_bytes), u32::saturating_add);
        let is_full = details.is_some() && actual > DETAILS_PER_ORDER_BYTES_MAX;
        if is_full { Err(Refusal::DetailsFull) } else { Ok(()) }
    }

    /// What is still to be asked for: the release of a part whose shopper did not act in time, or of what came back
    /// to one that was reversed, and on a cancelled order of every part that is held or may come to be. A payment
    /// whose partner has not answered at all is left until it has: voiding what may be under way could cross with it.
    fn releases(&self) -> Vec<Leg> {
        let is_ending = self.cancellation.is_some();
        // What a reversal could not void before it was authorised waits until it is.
        let is_taken_back = |payment: &Payment| payment.reversed.is_some() && payment.is_authorised();
        let to_release = |payment: &&Payment| {
            !payment.release_asked && (is_ending || payment.is_timed_out || is_taken_back(payment))
        };
        self.payments.iter().filter(to_release).flat_map(release_of).collect()
    }

    /// The lines that an operation of a whole order is about, if the merchant says.
    fn lines_of(&self, operate: &Operate, legs: &[Leg]) -> Result<Vec<Entry>, Refusal> {
        let Some(entries) = self.entries_of(operate)? else { return Ok(Vec::new()) };
        let total = legs.iter().map(|leg| leg.amount).fold(0, u64::saturating_add);
        let actual = entries.iter().map(|entry| entry.amount).fold(0, i64::saturating_add);
        let expected = i64::try_from(total).unwrap_or(i64::MAX);
        if actual == expected { Ok(entries) } else { Err(Fault::Sum { expected, actual }.of_all().into()) }
    }

    fn entries_of(&self, operate: &Operate) -> Result<Option<Vec<Entry>>, Refusal> {
        let Some(items) = &operate.items else { return Ok(None) };
        let cart = self.cart_of(&items.lines)?;
        // Nobody says which lines a release is about: what is not captured is released whole.
        let action = LineAction::of_operation(operate.kind);
        let action = action.filter(|action| matches!(action, LineAction::Capture | LineAction::Refund));
        let Some(action) = action else { return Ok(None) };
        Ok(Some(cart.entries_by_reference(action, items, &self.flight())?))
    }

    /// Whether it takes no more operations, because the last ones failed one after another (Swedbank: a purchase is
    /// locked after five).
    #[must_use]
    pub fn is_locked(&self) -> bool {
        if !self.is_purchase() {
            return false;
        }
        let asked = self.operations.iter().rev().filter(|operation| operation.is_asked_of_money());
        let ended = asked.map(Operation::standing).filter(|standing| *standing != Standing::Pending);
        ended.take_while(|standing| *standing == Standing::Failure).count() >= FAILURES_IN_A_ROW_MAX
    }

    /// What was captured and not refunded, of payments here and elsewhere, in minor units.
    #[must_use]
    pub fn captured_in_all(&self) -> u64 {
        let ours = self.payments.iter().map(|payment| &payment.tally);
        let ours = ours.map(|tally| tally.captured.saturating_sub(tally.refunded).saturating_add(tally.capturing));
        let payers = self.cart.iter().flat_map(|cart| &cart.payers);
        let foreign = payers.filter(|books| matches!(books.payer, super::Payer::Foreign(_)));
        let foreign = foreign.map(|books| u64::try_from(books.net()).unwrap_or_default());
        ours.chain(foreign).fold(0, u64::saturating_add)
    }

    /// How the order has ended, if it has.
    fn ending(&self) -> Option<CloseReason> {
        if self.closed.is_some() || self.unresolved > 0 {
            return None;
        }
        let at_rest = !self.operations.iter().flat_map(|operation| &operation.legs).any(Leg::is_in_flight);
        match &self.cancellation {
            Some(Cancellation { reason: CancelReason::Merchant, .. }) => at_rest.then_some(CloseReason::Cancelled),
            Some(Cancellation { reason: CancelReason::Expired, .. }) => at_rest.then_some(CloseReason::Expired),
            None if self.kind == OrderKind::Running => None,
            None if self.remaining == 0 => Some(CloseReason::Paid),
            // It died, or it was authorised when its time was up, and given back.
            None if self.kind == OrderKind::Single && self.payments.iter().all(|payment| payment.covers() == 0) => {
                Some(CloseReason::PaymentFailed)
            }
            None => None,
        }
    }
}

fn release_of(payment: &Payment) -> Vec<Leg> {
    match &payment.resolution {
        Some(Resolution::Authorised) => [Action::Void, Action::Refund]
            .into_iter()
            .map(|action| (action, payment.tally.available(action)))
            .filter(|(_, amount)| *amount > 0)
            .map(|(action, amount)| Leg::new(payment.version, action, amount))
            .collect(),
        Some(Resolution::Pending | Resolution::AwaitingShopper { .. }) => {
            vec![Leg::new(payment.version, Action::Void, payment.amount)]
        }
        None
        | Some(
            Resolution::Uncertain | Resolution::Refused { .. } | Resolution::Cancelled { .. } | Resolution::Failed,
        ) => Vec::new(),
    }
}

/// Events in the making, with the state they lead to, so that consequences land in the same commit.
pub(super) struct Draft {
    order: Option<Order>,
    events: Vec<OrderEvent>,
    before: Books,
    version: Version,
    now: Time,
}

impl Draft {
    pub(super) fn of(order: &Order, now: Time) -> Self {
        let version = order.version.next().unwrap_or(order.version);
        Self { order: Some(order.clone()), events: Vec::new(), before: order.books(), version, now }
    }

    pub(super) fn push(&mut self, event: OrderEvent) {
        self.order = Order::evolve(self.order.take(), &event, self.version, self.now);
        self.events.push(event);
    }

    /// Captures what is captured by itself, if it is time.
    fn capture(&mut self) {
        let Some(order) = self.order.as_ref().filter(|order| order.captures_at().is_some_and(|at| self.now >= at))
        else {
            return;
        };
        let legs = order.capturable_by_itself();
        let legs = legs.map(|(payment, amount)| Leg::new(payment, Action::Capture, amount)).collect::<Vec<_>>();
        self.push(OrderEvent::OperationRequested {
            legs,
            is_release: false,
            kind: Some(OperationKind::Capture),
            target: None,
            reference: None,
            amount: None,
            details: None,
            is_deferred: true,
            is_automatic: true,
            of: None,
            lines: Vec::new(),
            key: None,
        });
    }

    /// Adds what follows: releases, the order's end, the capture of one that is captured by itself, and that its
    /// own webhook is to be told.
    pub(super) fn finish(mut self) -> Vec<OrderEvent> {
        if self.events.is_empty() {
            return self.events;
        }
        let releases = self.order.iter().flat_map(Order::releases).collect::<Vec<_>>();
        if !releases.is_empty() {
            self.push(OrderEvent::OperationRequested {
                legs: releases,
                is_release: true,
                kind: None,
                target: None,
                reference: None,
                amount: None,
                details: None,
                is_deferred: false,
                is_automatic: false,
                of: None,
                lines: Vec::new(),
                key: None,
            });
        }
        if let Some(reason) = self.order.as_ref().and_then(Order::ending) {
            let capture_at = self.order.as_ref().filter(|_| reason == CloseReason::Paid);
            let capture_at = capture_at.and_then(|order| order.capture_from(self.now));
            self.push(OrderEvent::Closed { reason, capture_at, key: None });
            self.capture();
        }
        let is_told = |order: &Order| order.own_webhook().is_some() && order.books() != self.before;
        if self.order.as_ref().is_some_and(is_told) {
            self.push(OrderEvent::AmountsChanged);
        }
        self.events
    }
}

fn reserved(reserve: &Reserve) -> OrderEvent {
    OrderEvent::PaymentReserved {
        amount: reserve.amount.minor(),
        reference: reserve.reference.clone(),
        method: reserve.method.clone(),
        partner: reserve.partner,
        token: reserve.token.clone(),
        act_by: reserve.act_by,
        key: reserve.key,
    }
}

pub(super) fn check_amount(amount: Money) -> Result<(), Refusal> {
    if amount.minor() == 0 { Err(Refusal::AmountZero) } else { Ok(()) }
}

pub(super) fn check_currency(order: Money, amount: Money) -> Result<(), Refusal> {
    if amount.currency() == order.currency() {
        Ok(())
    } else {
        Err(Refusal::CurrencyMismatch { expected: order.currency(), actual: amount.currency() })
    }
}

fn check_covers(remaining: Money, asked: Money) -> Result<(), Refusal> {
    if asked.minor() > remaining.minor() { Err(Refusal::ExceedsRemaining { asked, remaining }) } else { Ok(()) }
}

pub(super) fn check_reference(reference: &str) -> Result<(), Refusal> {
    match reference.chars().count() {
        1..=REFERENCE_CHARS_MAX => Ok(()),
        actual => Err(Refusal::ReferenceLength { actual }),
    }
}

pub(super) fn check_described(description: Option<&str>) -> Result<(), Refusal> {
    match description.map(|description| description.chars().count()) {
        Some(actual) if actual > DESCRIPTION_CHARS_MAX => Err(Refusal::DescriptionLength { actual }),
        Some(_) | None => Ok(()),
    }
}

pub(super) fn check_details(details: Option<&str>) -> Result<(), Refusal> {
    match details.map(stored_bytes) {
        Some(actual) if actual > OPERATION_DETAILS_BYTES_MAX => Err(Refusal::DetailsTooLong { actual }),
        Some(_) | None => Ok(()),
    }
}
