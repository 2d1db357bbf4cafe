//! What is known of an order's lines, and what has become of each: authorised, captured, refunded.
//!
//! The lines themselves may be kept beside the order ([`Sheet`]), so commands that are about lines bring them along
//! ([`Lines`]), and the rules check that they are still those of the order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Leg, Order, OrderKind, Refusal,
    line::{Fault, Line, LineFault, Lines, Sheet},
    operation::{Operation, OperationKind},
};
use crate::{
    Action, Time, Version,
    limits::{FOREIGN_PAYMENT_CHARS_MAX, FOREIGN_PAYMENTS_MAX, LINES_PER_ORDER_MAX, SHEETS_PER_ORDER_MAX},
};

/// What is kept of an order's lines in its state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cart {
    /// The tax in the order's amount, in minor units.
    #[serde(default)]
    pub tax: i64,
    /// What the merchant calls the purchase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name that the merchant finds it by, of an order that has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The commit with what the merchant told of the order last.
    #[serde(default)]
    pub told: Version,
    /// When amount or lines were changed last, if they were.
    #[serde(default, skip_serializing_if = "is_never")]
    pub revised_at: Time,
    /// The lines, as they were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sheets: Vec<(Version, Sheet)>,
    /// What has become of lines: of those that something has become of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub books: Vec<LineBooks>,
    /// What was done on lines with each payment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payers: Vec<PayerBooks>,
}

/// What has become of one line, in minor units, with the line's sign. What is in flight counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LineBooks {
    /// Which.
    #[serde(rename = "l")]
    pub line: u32,
    /// What was authorised for it.
    #[serde(rename = "a", default, skip_serializing_if = "super::is_zero")]
    pub authorised: i64,
    /// What was given up of that.
    #[serde(rename = "x", default, skip_serializing_if = "super::is_zero")]
    pub cancelled: i64,
    /// What was captured for it.
    #[serde(rename = "c", default, skip_serializing_if = "super::is_zero")]
    pub captured: i64,
    /// The tax in that.
    #[serde(rename = "ct", default, skip_serializing_if = "super::is_zero")]
    pub captured_tax: i64,
    /// What was refunded of it.
    #[serde(rename = "r", default, skip_serializing_if = "super::is_zero")]
    pub refunded: i64,
    /// The tax in that.
    #[serde(rename = "rt", default, skip_serializing_if = "super::is_zero")]
    pub refunded_tax: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_never(time: &Time) -> bool {
    *time == Time::default()
}
/// Who pays a line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payer {
    /// A payment of the order: its money moves.
    Own(Version),
    /// A payment that somebody else made: what is told of it is kept as a fact.
    Foreign(String),
}

/// What was done on lines with one payment, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayerBooks {
    /// Which.
    pub payer: Payer,
    /// What was authorised for lines: those that are taken back count against the others.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub authorised: i64,
    /// What was given up of that.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub cancelled: i64,
    /// What was captured for lines.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub captured: i64,
    /// What was refunded of that.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub refunded: i64,
    /// Of somebody else's payment, the most that was ever authorised for lines at once: what it is taken to hold.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub held: i64,
    /// Of somebody else's payment, what went back for lines that were taken back.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub returned: i64,
}

impl PayerBooks {
    fn new(payer: Payer) -> Self {
        Self { payer, authorised: 0, cancelled: 0, captured: 0, refunded: 0, held: 0, returned: 0 }
    }

    /// Of somebody else's payment, what may be authorised for lines without more of it: lines that were taken back
    /// leave theirs to others.
    pub(super) fn room(&self) -> i64 {
        self.held.saturating_sub(self.cancelled).saturating_sub(self.returned)
    }

    /// Of somebody else's payment, what it covers of the order and did not give back.
    #[must_use]
    pub fn kept(&self) -> i64 {
        self.room().saturating_sub(self.refunded)
    }

    /// What is authorised for lines, and was not given up.
    #[must_use]
    pub fn allocated(&self) -> i64 {
        self.authorised.saturating_sub(self.cancelled)
    }

    /// What was captured for lines and not refunded: never below 0.
    #[must_use]
    pub fn net(&self) -> i64 {
        self.captured.saturating_sub(self.refunded)
    }
}

/// What is done on lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineAction {
    /// A payment is set aside for them.
    Authorise,
    /// They are captured; those that are taken back give back what the order does not ask for any more.
    Capture,
    /// What was captured is given back.
    Refund,
    /// What was authorised is given up.
    Cancel,
}

impl LineAction {
    fn done(self) -> &'static str {
        match self {
            Self::Authorise => "authorised",
            Self::Capture => "captured",
            Self::Refund => "refunded",
            Self::Cancel => "cancelled",
        }
    }

    /// What an operation with lines does on them.
    #[must_use]
    pub fn of_operation(kind: OperationKind) -> Option<Self> {
        match kind {
            OperationKind::Capture | OperationKind::Exchange => Some(Self::Capture),
            OperationKind::Refund => Some(Self::Refund),
            OperationKind::Void => Some(Self::Cancel),
            OperationKind::Reversal
            | OperationKind::AmountUpdate
            | OperationKind::TechnicalCancel
            | OperationKind::Release => None,
        }
    }
}

/// What is done on one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which.
    #[serde(rename = "l")]
    pub line: u32,
    /// With how much, in minor units.
    #[serde(rename = "a")]
    pub amount: i64,
    /// The tax in it.
    #[serde(rename = "t", default, skip_serializing_if = "super::is_zero")]
    pub tax: i64,
}

/// Lines that an operation of a whole order is about, by the merchant's references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Items {
    /// The order's lines.
    pub lines: Lines,
    /// Of which lines how much, in minor units.
    pub wanted: Vec<(String, i64)>,
}

/// Asks for something on lines, with one payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocate {
    /// What.
    pub action: LineAction,
    /// With which payment.
    pub payer: Payer,
    /// On which lines, with how much, in minor units.
    pub entries: Vec<(u32, i64)>,
    /// Whether it succeeded where it was done; if not, it is put on record and moves nothing.
    pub is_success: bool,
    /// The order's lines.
    pub lines: Lines,
    /// What the merchant tells about it, as JSON: kept with the commit, and not in the state.
    pub details: Option<String>,
    /// The idempotency key of the request.
    pub key: Option<super::KeyPrint>,
}

impl Cart {
    /// How many lines there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.sheets.iter().map(|(_, sheet)| usize::from(sheet.count)).sum()
    }

    /// What it takes of a snapshot at most, in bytes of JSON, but for the few lines that are kept in it.
    #[must_use]
    pub fn weight(&self) -> usize {
        let payers = self.payers.iter().map(|books| match &books.payer {
            // A character that JSON escapes takes up to six bytes; control characters, which do, are refused.
            Payer::Foreign(id) => PAYER_BYTES.saturating_add(id.len().saturating_mul(2)),
            Payer::Own(_) => PAYER_BYTES,
        });
        let fixed = self.books.len().saturating_mul(LINE_BYTES);
        let sheets = self.sheets.len().saturating_mul(SHEET_BYTES);
        payers.fold(fixed.saturating_add(sheets), usize::saturating_add)
    }

    /// Whether nothing was done on its lines yet.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.books.is_empty() && self.payers.is_empty()
    }

    /// What has become of a line.
    #[must_use]
    pub fn line(&self, line: u32) -> LineBooks {
        let known = self.books.iter().find(|books| books.line == line);
        known.copied().unwrap_or(LineBooks { line, ..LineBooks::default() })
    }

    /// What was done with a payment.
    #[must_use]
    pub fn payer(&self, payer: &Payer) -> PayerBooks {
        let known = self.payers.iter().find(|books| books.payer == *payer);
        known.cloned().unwrap_or_else(|| PayerBooks::new(payer.clone()))
    }

    /// Whether these lines are still all of it.
    ///
    /// # Errors
    /// [`Refusal::LinesChanged`].
    pub(super) fn check_seen(&self, lines: &Lines) -> Result<(), Refusal> {
        let is_same = self.sheets.len() == lines.sheets.len()
            && self.sheets.iter().zip(&lines.sheets).all(|((version, _), seen)| version == seen);
        if is_same { Ok(()) } else { Err(Refusal::LinesChanged) }
    }

    pub(super) fn check_room(&self) -> Result<(), Refusal> {
        if self.sheets.len() < SHEETS_PER_ORDER_MAX { Ok(()) } else { Err(Refusal::TooManyOperations) }
    }

    fn line_mut(&mut self, line: u32) -> Option<&mut LineBooks> {
        let place = match self.books.binary_search_by_key(&line, |books| books.line) {
            Ok(place) => place,
            Err(place) => {
                self.books.insert(place, LineBooks { line, ..LineBooks::default() });
                place
            }
        };
        self.books.get_mut(place)
    }

    /// What payments of others cover, and did not give back.
    #[must_use]
    pub fn kept_elsewhere(&self) -> u64 {
        let foreign = self.payers.iter().filter(|books| matches!(books.payer, Payer::Foreign(_)));
        foreign.map(|books| u64::try_from(books.kept()).unwrap_or_default()).fold(0, u64::saturating_add)
    }

    pub(super) fn payer_mut(&mut self, payer: &Payer) -> Option<&mut PayerBooks> {
        if !self.payers.iter().any(|books| books.payer == *payer) {
            self.payers.push(PayerBooks::new(payer.clone()));
        }
        self.payers.iter_mut().find(|books| books.payer == *payer)
    }

    /// Books entries on their lines. `is_whole` says that the whole order is paid for, so that nobody said which
    /// lines are authorised.
    pub(super) fn book_lines(&mut self, action: LineAction, entries: &[Entry], is_whole: bool) {
        for Entry { line, amount, tax } in entries {
            let Some(books) = self.line_mut(*line) else { continue };
            match action {
                LineAction::Authorise => books.authorised = books.authorised.saturating_add(*amount),
                LineAction::Cancel => books.cancelled = books.cancelled.saturating_add(*amount),
                LineAction::Capture => {
                    books.captured = books.captured.saturating_add(*amount);
                    books.captured_tax = books.captured_tax.saturating_add(*tax);
                    let needed = books.captured.saturating_add(books.cancelled);
                    if is_whole && needed.unsigned_abs() > books.authorised.unsigned_abs() {
                        books.authorised = needed;
                    }
                }
                LineAction::Refund => {
                    books.refunded = books.refunded.saturating_add(*amount);
                    books.refunded_tax = books.refunded_tax.saturating_add(*tax);
                }
            }
        }
    }

    /// Books an amount on a payment.
    pub(super) fn book_payer(&mut self, action: LineAction, payer: &Payer, amount: i64) {
        let Some(books) = self.payer_mut(payer) else { return };
        let booked = match action {
            LineAction::Authorise => &mut books.authorised,
            LineAction::Cancel => &mut books.cancelled,
            LineAction::Capture => &mut books.captured,
            LineAction::Refund => &mut books.refunded,
        };
        *booked = booked.saturating_add(amount);
    }

    /// The entry of an action on a line, with its tax, if the line has so much left.
    fn entry(&self, action: LineAction, line: &Line, amount: i64, left: i64, flight: &Flight) -> Result<Entry, Fault> {
        if !line.is_along(amount) {
            return Err(Fault::Sign { line: line.id.to_string(), actual: amount });
        }
        if amount.unsigned_abs() > left.unsigned_abs() || left.signum() == -amount.signum() {
            return Err(Fault::Exceeds { line: line.id.to_string(), done: action.done(), left, actual: amount });
        }
        let books = self.line(line.id);
        let tax = match action {
            LineAction::Authorise | LineAction::Cancel => 0,
            LineAction::Capture => {
                line.tax_up_to(books.captured.saturating_add(amount)).saturating_sub(books.captured_tax)
            }
            LineAction::Refund => {
                let refunded = books.refunded.saturating_add(amount);
                // All that was captured is given back with all its tax, and never with more.
                let (capturing, capturing_tax) = flight.of(LineAction::Capture, line.id);
                let all_tax = books.captured_tax.saturating_sub(capturing_tax);
                let part = line.tax_up_to(refunded);
                let is_all = refunded == books.captured.saturating_sub(capturing)
                    || part.unsigned_abs() > all_tax.unsigned_abs();
                let tax = if is_all { all_tax } else { part };
                tax.saturating_sub(books.refunded_tax)
            }
        };
        Ok(Entry { line: line.id, amount, tax })
    }

    /// What is left of a line for an action, with the line's sign. What is in flight is nobody else's: neither what
    /// may yet be captured is there to be refunded, nor what may yet be given up to be authorised anew.
    fn left(&self, action: LineAction, line: &Line, lines: &Lines, flight: &Flight) -> i64 {
        let books = self.line(line.id);
        let allocated = books.authorised.saturating_sub(books.cancelled);
        match action {
            LineAction::Authorise => {
                let (giving_up, _) = flight.of(LineAction::Cancel, line.id);
                line.amount.saturating_sub(allocated).saturating_sub(giving_up)
            }
            LineAction::Capture | LineAction::Cancel => allocated.saturating_sub(books.captured),
            LineAction::Refund => {
                let (capturing, _) = flight.of(LineAction::Capture, line.id);
                let captured = books.captured.saturating_sub(capturing);
                // What was taken back is given back by the line that takes it back.
                let asked = line.amount.saturating_add(lines.taken_back(line.id));
                let whole = if captured.unsigned_abs() < asked.unsigned_abs() { captured } else { asked };
                whole.saturating_sub(books.refunded)
            }
        }
    }

    /// Entries on lines by their numbers.
    fn entries(&self, allocate: &Allocate, flight: &Flight) -> Result<Vec<Entry>, LineFault> {
        let Allocate { action, lines, .. } = allocate;
        let mut cart = self.clone();
        let mut entries = Vec::with_capacity(allocate.entries.len());
        for (index, (id, amount)) in allocate.entries.iter().enumerate() {
            let line = lines.get(*id).ok_or_else(|| Fault::Unknown { line: id.to_string() }.at(index))?;
            let entry = cart.checked_entry(*action, line, *amount, lines, flight).map_err(|fault| fault.at(index))?;
            cart.book_lines(*action, &[entry], false);
            entries.push(entry);
        }
        Ok(entries)
    }

    fn checked_entry(
        &self,
        action: LineAction,
        line: &Line,
        amount: i64,
        lines: &Lines,
        flight: &Flight,
    ) -> Result<Entry, Fault> {
        match action {
            LineAction::Refund | LineAction::Cancel if line.amount < 0 => {
                return Err(Fault::NotPositive { line: line.id.to_string() });
            }
            LineAction::Authorise | LineAction::Capture | LineAction::Refund | LineAction::Cancel => {}
        }
        self.entry(action, line, amount, self.left(action, line, lines, flight), flight)
    }

    /// Entries on lines by the merchant's references: what lines of one reference have left is taken in their order.
    pub(super) fn entries_by_reference(
        &self,
        action: LineAction,
        items: &Items,
        flight: &Flight,
    ) -> Result<Vec<Entry>, LineFault> {
        let mut cart = self.clone();
        let mut entries = Vec::new();
        for (index, (reference, amount)) in items.wanted.iter().enumerate() {
            if *amount == 0 {
                return Err(Fault::Zero.at(index));
            }
            let named = items.lines.lines.iter().filter(|line| line.reference == *reference).collect::<Vec<_>>();
            if named.is_empty() {
                return Err(Fault::Unknown { line: format!("'{reference}'") }.at(index));
            }
            let along = named.into_iter().filter(|line| line.is_along(*amount)).collect::<Vec<_>>();
            if along.is_empty() {
                return Err(Fault::Sign { line: format!("'{reference}'"), actual: *amount }.at(index));
            }
            let mut open = *amount;
            let mut found = 0_i64;
            for line in along {
                let left = match action {
                    // The whole order was authorised, and with it each of its lines.
                    LineAction::Capture => {
                        let (giving_up, _) = flight.of(LineAction::Cancel, line.id);
                        line.amount.saturating_sub(cart.line(line.id).captured).saturating_sub(giving_up)
                    }
                    LineAction::Authorise | LineAction::Cancel | LineAction::Refund => {
                        cart.left(action, line, &items.lines, flight)
                    }
                };
                found = found.saturating_add(left);
                let taken = if open < 0 { open.max(left) } else { open.min(left) };
                if taken == 0 || taken.signum() != open.signum() {
                    continue;
                }
                let entry = cart.entry(action, line, taken, left, flight).map_err(|fault| fault.at(index))?;
                cart.book_lines(action, &[entry], true);
                entries.push(entry);
                open = open.saturating_sub(taken);
            }
            if open != 0 {
                let (line, done) = (format!("'{reference}'"), action.done());
                return Err(Fault::Exceeds { line, done, left: found, actual: *amount }.at(index));
            }
        }
        Ok(entries)
    }
}

/// What has become of a line: its field names and the longest numbers.
pub(super) const LINE_BYTES: usize = 140;

/// What was done with a payment, without its name.
const PAYER_BYTES: usize = 150;

/// Where lines are kept.
const SHEET_BYTES: usize = 110;

/// What is in flight on each line, and the tax in it: by what is done.
#[derive(Debug, Default)]
pub(super) struct Flight(BTreeMap<(LineAction, u32), (i64, i64)>);

impl Flight {
    fn of(&self, action: LineAction, line: u32) -> (i64, i64) {
        self.0.get(&(action, line)).copied().unwrap_or_default()
    }
}

/// What an allocation comes to.
pub(super) struct Allocation {
    pub(super) entries: Vec<Entry>,
    pub(super) kind: OperationKind,
    pub(super) legs: Vec<Leg>,
}

impl Order {
    /// What is left of a line for an action, with the line's sign.
    #[must_use]
    pub fn left_of_line(&self, action: LineAction, line: &Line, lines: &Lines) -> i64 {
        let none = Cart::default();
        self.cart.as_deref().unwrap_or(&none).left(action, line, lines, &self.flight())
    }

    /// Whether the order has lines.
    #[must_use]
    pub fn has_lines(&self) -> bool {
        self.cart.as_ref().is_some_and(|cart| cart.count() > 0)
    }

    /// The order's lines, if these are they.
    pub(super) fn cart_of(&self, lines: &Lines) -> Result<&Cart, Refusal> {
        let cart = self.cart.as_deref().filter(|cart| cart.count() > 0).ok_or(Refusal::NoLines)?;
        cart.check_seen(lines)?;
        Ok(cart)
    }

    /// Checks an allocation, and plans what moves for it.
    pub(super) fn plan_allocation(&self, allocate: &Allocate) -> Result<Allocation, Refusal> {
        let cart = self.cart_of(&allocate.lines)?;
        self.check_payer(cart, &allocate.payer)?;
        check_entries(&allocate.entries)?;
        let recorded = |entries| Allocation { entries, kind: OperationKind::Capture, legs: Vec::new() };
        if !allocate.is_success {
            return Ok(recorded(told(allocate)?));
        }
        let takes = matches!(allocate.action, LineAction::Authorise | LineAction::Capture);
        if takes && self.cancellation.is_some() {
            return Err(Refusal::Cancelled);
        }
        if takes && self.kind == OrderKind::Running && self.closed.is_some() {
            return Err(Refusal::Closed);
        }
        let entries = cart.entries(allocate, &self.flight())?;
        let total = entries.iter().map(|entry| entry.amount).fold(0, i64::saturating_add);
        match &allocate.payer {
            Payer::Foreign(_) => {
                check_foreign(&cart.payer(&allocate.payer), allocate.action, total)?;
                Ok(recorded(entries))
            }
            Payer::Own(payment) => {
                let books = cart.payer(&allocate.payer);
                let (kind, legs) = self.legs_for(allocate.action, *payment, &books, total)?;
                Ok(Allocation { entries, kind, legs })
            }
        }
    }

    fn check_payer(&self, cart: &Cart, payer: &Payer) -> Result<(), Refusal> {
        match payer {
            Payer::Own(payment) => {
                let payment = self.payment(*payment).ok_or(Refusal::UnknownPayment)?;
                if payment.is_authorised() { Ok(()) } else { Err(Refusal::NotAuthorised) }
            }
            // Orders that are paid here alone take no other money: what is told of it would cover them.
            Payer::Foreign(_) if self.kind != OrderKind::Running => Err(Refusal::UnknownPayment),
            Payer::Foreign(id) => {
                let actual = id.chars().count();
                if !(1..=FOREIGN_PAYMENT_CHARS_MAX).contains(&actual) {
                    return Err(Refusal::ForeignPaymentLength { actual });
                }
                let is_known = cart.payers.iter().any(|books| books.payer == *payer);
                let foreign = cart.payers.iter().filter(|books| matches!(books.payer, Payer::Foreign(_))).count();
                if is_known || foreign < FOREIGN_PAYMENTS_MAX { Ok(()) } else { Err(Refusal::TooManyPayments) }
            }
        }
    }

    /// The legs that make the money of a payment follow its lines.
    fn legs_for(
        &self,
        action: LineAction,
        version: Version,
        books: &PayerBooks,
        total: i64,
    ) -> Result<(OperationKind, Vec<Leg>), Refusal> {
        let payment = self.payment(version).ok_or(Refusal::UnknownPayment)?;
        let tally = &payment.tally;
        let amount = total.unsigned_abs();
        let held = signed(tally.authorised.saturating_sub(tally.voided).saturating_sub(tally.voiding));
        let exceeds = |left: i64| -> Refusal {
            Fault::PaymentExceeds { done: action.done(), left, actual: total }.of_all().into()
        };
        let within = |now: i64, after: i64, most: i64| {
            if after < 0 {
                return Err(exceeds(now.saturating_neg()));
            }
            if total > 0 && after > most { Err(exceeds(most.saturating_sub(now).max(0))) } else { Ok(()) }
        };
        let taken_for_lines = signed(self.taken_for_lines(version));
        // What was captured for lines is not theirs to be given up.
        let unused = books.allocated().saturating_sub(books.net()).max(0);
        let one = |action, amount| vec![Leg::new(version, action, amount)];
        match action {
            LineAction::Authorise => {
                within(books.allocated(), books.allocated().saturating_add(total), held)?;
                Ok((OperationKind::Capture, Vec::new()))
            }
            LineAction::Refund if total > taken_for_lines => Err(exceeds(taken_for_lines)),
            LineAction::Refund if amount > tally.refundable() => Err(exceeds(signed(tally.refundable()))),
            LineAction::Refund => Ok((OperationKind::Refund, one(Action::Refund, amount))),
            LineAction::Cancel if total > unused => Err(exceeds(unused)),
            LineAction::Cancel if amount > tally.capturable() => Err(exceeds(signed(tally.capturable()))),
            LineAction::Cancel => Ok((OperationKind::Void, one(Action::Void, amount))),
            LineAction::Capture => {
                if total < 0 {
                    within(taken_for_lines, taken_for_lines.saturating_add(total), held)?;
                    return Ok((OperationKind::Exchange, self.give_back(version, amount)?));
                }
                let after = books.net().saturating_add(total);
                within(books.net(), after, held)?;
                // Money that was captured and that no line has is taken first: a line that was exchanged has left it.
                let taken = signed(tally.captured.saturating_sub(tally.refunded).saturating_sub(tally.refunding));
                let taken = taken.saturating_add(signed(self.capturing_for_lines(version)));
                let need = u64::try_from(after.saturating_sub(taken)).unwrap_or_default().min(amount);
                if need > tally.capturable() {
                    let left = amount.saturating_sub(need).saturating_add(tally.capturable());
                    return Err(exceeds(signed(left)));
                }
                let legs = if need > 0 { one(Action::Capture, need) } else { Vec::new() };
                Ok((OperationKind::Capture, legs))
            }
        }
    }

    /// What of a payment goes back for lines that are taken back: what the order does not ask for any more. What was
    /// captured goes first; what is held may be meant for other lines.
    fn give_back(&self, version: Version, amount: u64) -> Result<Vec<Leg>, Refusal> {
        let payment = self.payment(version).ok_or(Refusal::UnknownPayment)?;
        let back = amount.min(self.excess.saturating_sub(self.returning()));
        let refund = back.min(payment.tally.refundable());
        let void = back.saturating_sub(refund).min(payment.tally.capturable());
        if refund.saturating_add(void) < back && !payment.tally.is_at_rest() {
            return Err(Refusal::InFlight);
        }
        let legs = [(Action::Refund, refund), (Action::Void, void)].into_iter().filter(|(_, amount)| *amount > 0);
        Ok(legs.map(|(action, amount)| Leg::new(version, action, amount)).collect())
    }

    /// What is in flight on lines: what operations under way are about.
    pub(super) fn flight(&self) -> Flight {
        let mut flight = Flight::default();
        for operation in self.operations.iter().filter(|operation| !operation.lines.is_empty()) {
            let Some(action) = LineAction::of_operation(operation.kind) else { continue };
            for entry in &operation.lines {
                let (amount, tax) = flight.0.entry((action, entry.line)).or_default();
                *amount = amount.saturating_add(entry.amount);
                *tax = tax.saturating_add(entry.tax);
            }
        }
        flight
    }

    /// What was captured for lines with a payment and not refunded. What may yet be captured for lines is not there to
    /// be given back: if it is declined, its lines are as they were.
    pub(super) fn taken_for_lines(&self, payment: Version) -> u64 {
        let Some(cart) = &self.cart else { return 0 };
        let capturing = self.operations.iter().filter(|operation| {
            LineAction::of_operation(operation.kind) == Some(LineAction::Capture)
                && operation.legs.iter().any(|leg| leg.payment == payment && leg.is_in_flight())
        });
        let doubtful = capturing.map(|operation| match operation.target {
            Some(_) => operation.lines.iter().map(|entry| entry.amount).fold(0, i64::saturating_add).max(0),
            None => {
                let legs = operation.legs.iter().filter(|leg| leg.payment == payment && leg.is_in_flight());
                signed(legs.map(|leg| leg.amount).fold(0, u64::saturating_add))
            }
        });
        let net = cart.payer(&Payer::Own(payment)).net();
        u64::try_from(net.saturating_sub(doubtful.fold(0, i64::saturating_add))).unwrap_or_default()
    }

    /// What is on its way back of what the order does not ask for, as far as it is known where it comes from.
    pub(super) fn returning(&self) -> u64 {
        let of = |operation: &Operation, action| {
            let legs = operation.legs.iter().filter(|leg| leg.is_in_flight() && leg.action == action);
            legs.map(|leg| leg.amount).fold(0, u64::saturating_add)
        };
        let parts = self.operations.iter().map(|operation| {
            of(operation, Action::Void).saturating_add(of(operation, Action::Refund).min(operation.excess))
        });
        parts.fold(0, u64::saturating_add)
    }

    /// What is being captured of a payment for lines.
    fn capturing_for_lines(&self, payment: Version) -> u64 {
        let operations = self.operations.iter().filter(|operation| !operation.lines.is_empty());
        let legs = operations.flat_map(|operation| &operation.legs);
        let legs = legs.filter(|leg| leg.payment == payment && leg.action == Action::Capture && leg.is_in_flight());
        legs.map(|leg| leg.amount).fold(0, u64::saturating_add)
    }
}

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

/// Entries as they were told, without a look at what is left of their lines.
fn told(allocate: &Allocate) -> Result<Vec<Entry>, LineFault> {
    let entries = allocate.entries.iter().enumerate().map(|(index, (id, amount))| {
        let line = allocate.lines.get(*id).ok_or_else(|| Fault::Unknown { line: id.to_string() }.at(index))?;
        Ok(Entry { line: line.id, amount: *amount, tax: 0 })
    });
    entries.collect()
}

fn check_entries(entries: &[(u32, i64)]) -> Result<(), LineFault> {
    if entries.is_empty() {
        return Err(Fault::Missing.of_all());
    }
    if entries.len() > LINES_PER_ORDER_MAX {
        return Err(Fault::TooMany { actual: entries.len() }.of_all());
    }
    if let Some(index) = entries.iter().position(|(_, amount)| *amount == 0) {
        return Err(Fault::Zero.at(index));
    }
    let is_taken_back = |(_, amount): &(u32, i64)| *amount < 0;
    // A discount comes with what it is given on; what is taken back, by itself.
    let total = entries.iter().map(|(_, amount)| *amount).fold(0, i64::saturating_add);
    if total <= 0 && entries.iter().any(is_taken_back) && !entries.iter().all(is_taken_back) {
        return Err(Fault::MixedSigns.of_all());
    }
    Ok(())
}

/// What is told of a payment that is not ours has to make sense by itself.
fn check_foreign(books: &PayerBooks, action: LineAction, total: i64) -> Result<(), LineFault> {
    let (allocated, net) = (books.allocated(), books.net());
    let exceeds = |left: i64| Fault::PaymentExceeds { done: action.done(), left, actual: total }.of_all();
    match action {
        LineAction::Authorise if allocated.saturating_add(total) < 0 => Err(exceeds(allocated.saturating_neg())),
        LineAction::Capture if net.saturating_add(total) < 0 => Err(exceeds(net.saturating_neg())),
        LineAction::Capture if total > 0 && net.saturating_add(total) > allocated => {
            Err(exceeds(allocated.saturating_sub(net).max(0)))
        }
        LineAction::Refund if total > net => Err(exceeds(net)),
        LineAction::Cancel if total > allocated.saturating_sub(net) => {
            Err(exceeds(allocated.saturating_sub(net).max(0)))
        }
        LineAction::Authorise | LineAction::Capture | LineAction::Refund | LineAction::Cancel => Ok(()),
    }
}
