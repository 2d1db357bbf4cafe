//! Changing what an order is made of: before it is paid, and after.

use serde::{Deserialize, Serialize};

use super::{
    CloseReason, Decision, KeyPrint, Order, OrderEvent, OrderKind, Refusal,
    cart::Allocate,
    decide::{Draft, check_amount, check_currency, check_described, check_details},
    line::{Fault, Line, LineFault, Lines, Sheet, check, sum_of, tax_of},
};
use crate::{Money, Time};

/// What an order is opened with beside its amount, where it has lines.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CartTerms {
    /// The tax in the amount, in minor units.
    #[serde(default)]
    pub tax: i64,
    /// What the merchant calls the purchase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name that the merchant finds it by, of an order that has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<Sheet>,
}

/// The lines that an order is opened with, and where they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCart {
    /// What is kept.
    pub terms: CartTerms,
    /// The lines; empty if the order has none.
    pub lines: Vec<Line>,
    /// Whether it goes on until the merchant closes it.
    pub is_running: bool,
}

/// Replaces amount, tax and lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revise {
    /// What is to be paid from now on.
    pub amount: Money,
    /// The tax in it, in minor units.
    pub tax: i64,
    /// What the merchant calls the purchase, if that changes.
    pub description: Option<String>,
    /// The lines, and where they are kept; none for an order that has none.
    pub lines: Option<(Vec<Line>, Sheet)>,
    /// What else the merchant tells about it, as JSON, if that changes.
    pub details: Option<String>,
    /// The idempotency key of the request.
    pub key: Option<KeyPrint>,
}

/// Adds lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The lines that the order has.
    pub known: Lines,
    /// The new ones.
    pub lines: Vec<Line>,
    /// Where they are kept.
    pub sheet: Sheet,
    /// What else the merchant tells about it, as JSON, if that changes.
    pub details: Option<String>,
    /// The idempotency key of the request.
    pub key: Option<KeyPrint>,
}

/// Whether lines are what an amount and its tax say.
pub(super) fn check_total(lines: &[Line], amount: Money, tax: i64) -> Result<(), LineFault> {
    check(lines, &[], &|_| 0)?;
    let expected = i64::try_from(amount.minor()).unwrap_or(i64::MAX);
    let actual = sum_of(lines)?;
    if actual != expected {
        return Err(Fault::Sum { expected, actual }.of_all());
    }
    let actual = tax_of(lines)?;
    if actual != tax { Err(Fault::TaxSum { expected: tax, actual }.of_all()) } else { Ok(()) }
}

/// Whether the tax is within the amount.
pub(super) fn check_tax(amount: Money, tax: i64) -> Result<(), Refusal> {
    if u64::try_from(tax).is_ok_and(|tax| tax <= amount.minor()) {
        return Ok(());
    }
    Err(Refusal::TaxInvalid { amount, tax })
}

impl Order {
    pub(super) fn revise(&self, revise: &Revise, now: Time) -> Result<Decision, Refusal> {
        if let Some(version) = self.key_use(revise.key)? {
            return Ok(Decision::Already(version));
        }
        self.check_open()?;
        if self.is_expired(now) {
            return Err(Refusal::Expired);
        }
        check_amount(revise.amount)?;
        check_currency(self.amount, revise.amount)?;
        check_tax(revise.amount, revise.tax)?;
        check_described(revise.description.as_deref())?;
        check_details(revise.details.as_deref())?;
        self.check_revisable(revise.amount)?;
        match &revise.lines {
            Some((lines, _)) => check_total(lines, revise.amount, revise.tax)?,
            None if self.has_lines() => return Err(Fault::Missing.of_all().into()),
            None => {}
        }
        self.check_room(revise.key)?;
        let mut draft = Draft::of(self, now);
        draft.push(OrderEvent::Revised {
            amount: revise.amount,
            tax: revise.tax,
            description: revise.description.clone(),
            sheet: revise.lines.as_ref().map(|(_, sheet)| sheet.clone()),
            details: revise.details.clone(),
            key: revise.key,
        });
        Ok(Decision::Commit(draft.finish()))
    }

    /// Whether amount and lines may still be replaced, as far as is known before the new ones are looked at.
    ///
    /// # Errors
    /// Why not.
    pub fn check_replaceable(&self) -> Result<(), Refusal> {
        let is_touched = self.cart.as_ref().is_some_and(|cart| !cart.is_untouched());
        match self.kind {
            // It is what its payment is.
            OrderKind::Single => Err(Refusal::Attempted { attempts: self.attempts }),
            _ if is_touched || self.has_moved_money() => Err(Refusal::Attempted { attempts: self.attempts }),
            // The seed of the paymentorders family: not once a payment was attempted, failed, or is being processed.
            OrderKind::Parts if self.is_purchase() && self.attempts > 0 => {
                Err(Refusal::Attempted { attempts: self.attempts })
            }
            OrderKind::Running if self.attempts > 0 => Err(Refusal::Attempted { attempts: self.attempts }),
            // Elsewhere a cart may change after its first part was paid.
            OrderKind::Parts | OrderKind::Running if self.unresolved > 0 => Err(Refusal::InFlight),
            OrderKind::Parts | OrderKind::Running => Ok(()),
        }
    }

    /// Whether anything was asked for of money that was authorised. What gave up an attempt moved none.
    fn has_moved_money(&self) -> bool {
        let is_held = |leg: &super::Leg| self.payment(leg.payment).is_some_and(super::Payment::is_authorised);
        self.operations.iter().any(|operation| operation.legs.is_empty() || operation.legs.iter().any(is_held))
    }

    fn check_revisable(&self, amount: Money) -> Result<(), Refusal> {
        self.check_replaceable()?;
        self.check_covers_paid(amount)
    }

    /// No order asks for less than what is paid of it.
    fn check_covers_paid(&self, amount: Money) -> Result<(), Refusal> {
        let paid = self.amount.with_minor(self.covered());
        if amount.minor() < paid.minor() { Err(Refusal::BelowPaid { asked: amount, paid }) } else { Ok(()) }
    }

    pub(super) fn append(&self, append: &Append, now: Time) -> Result<Decision, Refusal> {
        if let Some(version) = self.key_use(append.key)? {
            return Ok(Decision::Already(version));
        }
        let reopens = match (&self.cancellation, &self.closed) {
            (Some(_), _) => return Err(Refusal::Cancelled),
            // What was paid goes on when it changes; what the merchant closed is opened by the merchant.
            (None, Some(closed)) if closed.reason == CloseReason::Paid && self.kind == OrderKind::Parts => true,
            (None, Some(_)) => return Err(Refusal::Closed),
            (None, None) => false,
        };
        if reopens && self.captures_at().is_some() {
            return Err(Refusal::InFlight);
        }
        if self.kind != OrderKind::Running && !reopens && self.is_expired(now) {
            return Err(Refusal::Expired);
        }
        let cart = self.cart_of(&append.known)?;
        cart.check_room()?;
        check(&append.lines, &append.known.lines, &|line| cart.line(line).refunded)?;
        check_details(append.details.as_deref())?;
        let (amount, tax) = self.appended(&append.lines, cart.tax)?;
        if self.kind != OrderKind::Running && !reopens {
            check_amount(amount)?;
            self.check_covers_paid(amount)?;
        }
        self.check_room(append.key)?;
        let mut draft = Draft::of(self, now);
        if reopens {
            draft.push(OrderEvent::Reopened { key: None });
        }
        draft.push(OrderEvent::Appended {
            amount,
            tax,
            sheet: append.sheet.clone(),
            details: append.details.clone(),
            key: append.key,
        });
        Ok(Decision::Commit(draft.finish()))
    }

    /// What the order comes to with more lines, and the tax in that.
    fn appended(&self, lines: &[Line], tax: i64) -> Result<(Money, i64), Refusal> {
        let too_large = || Refusal::from(Fault::TooLarge.of_all());
        let amount = i64::try_from(self.amount.minor()).ok().and_then(|amount| amount.checked_add(sum_of(lines).ok()?));
        let amount = amount.ok_or_else(too_large)?;
        let tax = tax.checked_add(tax_of(lines)?).ok_or_else(too_large)?;
        let minor = u64::try_from(amount).map_err(|_| Refusal::from(Fault::Negative { actual: amount }.of_all()))?;
        let amount = Money::try_new(self.amount.currency(), minor).map_err(|_| too_large())?;
        check_tax(amount, tax)?;
        Ok((amount, tax))
    }

    pub(super) fn allocate(&self, allocate: &Allocate, now: Time) -> Result<Decision, Refusal> {
        if let Some(version) = self.key_use(allocate.key)? {
            return Ok(Decision::Already(version));
        }
        if self.is_locked() {
            return Err(Refusal::Locked);
        }
        check_details(allocate.details.as_deref())?;
        let planned = self.plan_allocation(allocate)?;
        self.check_room(allocate.key)?;
        let mut draft = Draft::of(self, now);
        // Also what only stays on record has to fit.
        self.check_operation(None, &planned.legs, planned.entries.len())?;
        self.check_details_in_all(allocate.details.as_deref())?;
        if planned.legs.is_empty() {
            draft.push(OrderEvent::LinesRecorded {
                action: allocate.action,
                payer: allocate.payer.clone(),
                entries: planned.entries,
                is_success: allocate.is_success,
                details: allocate.details.clone(),
                key: allocate.key,
            });
            return Ok(Decision::Commit(draft.finish()));
        }
        draft.push(OrderEvent::OperationRequested {
            target: planned.legs.first().map(|leg| leg.payment),
            legs: planned.legs,
            is_release: false,
            kind: Some(planned.kind),
            reference: None,
            amount: None,
            details: allocate.details.clone(),
            is_deferred: false,
            is_automatic: false,
            of: None,
            lines: planned.entries,
            key: allocate.key,
        });
        Ok(Decision::Commit(draft.finish()))
    }

    pub(super) fn close(&self, key: Option<KeyPrint>, now: Time) -> Result<Decision, Refusal> {
        if let Some(version) = self.key_use(key)? {
            return Ok(Decision::Already(version));
        }
        if self.cancellation.is_some() {
            return Err(Refusal::Cancelled);
        }
        if let Some(closed) = &self.closed {
            return Ok(Decision::Already(closed.version));
        }
        if self.kind != OrderKind::Running {
            return Err(Refusal::EndsByItself);
        }
        let mut legs = self.operations.iter().flat_map(|operation| &operation.legs);
        if self.unresolved > 0 || legs.any(super::Leg::is_in_flight) {
            return Err(Refusal::InFlight);
        }
        self.check_room(key)?;
        let mut draft = Draft::of(self, now);
        draft.push(OrderEvent::Closed { reason: CloseReason::Concluded, capture_at: None, key });
        Ok(Decision::Commit(draft.finish()))
    }

    pub(super) fn reopen(&self, key: Option<KeyPrint>, now: Time) -> Result<Decision, Refusal> {
        if let Some(version) = self.key_use(key)? {
            return Ok(Decision::Already(version));
        }
        let Some(closed) = &self.closed else {
            return if self.cancellation.is_some() {
                Err(Refusal::Cancelled)
            } else {
                Ok(Decision::Already(self.position))
            };
        };
        match closed.reason {
            CloseReason::Concluded => {}
            CloseReason::Paid if self.kind == OrderKind::Parts => {}
            CloseReason::Cancelled => return Err(Refusal::Cancelled),
            CloseReason::Paid | CloseReason::Expired | CloseReason::PaymentFailed => return Err(Refusal::Closed),
        }
        if self.captures_at().is_some() {
            return Err(Refusal::InFlight);
        }
        self.check_room(key)?;
        let mut draft = Draft::of(self, now);
        draft.push(OrderEvent::Reopened { key });
        Ok(Decision::Commit(draft.finish()))
    }
}
