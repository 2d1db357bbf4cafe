//! The fold. It never refuses: what was committed has happened.

use super::operation::stored_bytes;
use super::{
    Cancellation, CancelledBy, Cart, CartTerms, Closed, Entry, KeyPrint, KeyUse, Leg, LegResult, LineAction, Operation,
    OperationKind, Order, OrderEvent, OrderKind, Payer, Payment, Resolution, line::Sheet,
};
use crate::{
    Action, Aggregate, Money, Tally, Time, Version,
    limits::{ORDER_LIFETIME_MAX, SHOPPER_TIME_DEFAULT},
};

impl Aggregate for Order {
    type Event = OrderEvent;

    fn evolve(state: Option<Self>, event: &OrderEvent, version: Version, at: Time) -> Option<Self> {
        match (state, event) {
            (
                None,
                OrderEvent::Opened { reference, amount, expires_at, kind, token_key, session, cart, key, details: _ },
            ) => {
                let mut order = Self {
                    reference: reference.clone(),
                    amount: *amount,
                    remaining: amount.minor(),
                    excess: 0,
                    expires_at: *expires_at,
                    opened_at: at,
                    kind: *kind,
                    version,
                    position: version,
                    attempts: 0,
                    unresolved: 0,
                    token_key: *token_key,
                    session: session.clone(),
                    cart: cart.as_deref().map(|terms| Box::new(Cart::opened(terms))),
                    payments: Vec::new(),
                    operations: Vec::new(),
                    cancellation: None,
                    closed: None,
                    changes: 0,
                    topics: 0,
                    amount_changes: 0,
                    keys: Vec::new(),
                    is_partial: false,
                };
                order.remember(*key, version);
                order.count(event, order.topic(event));
                Some(order)
            }
            (None, _) => None,
            (Some(mut order), event) => {
                let topic = order.topic(event);
                order.version = version;
                order.apply(event, version, at);
                order.count(event, topic);
                Some(order)
            }
        }
    }
}

impl Order {
    fn apply(&mut self, event: &OrderEvent, version: Version, at: Time) {
        match event {
            // A stream is opened once; `decide` never opens it again.
            OrderEvent::Opened { .. } => {}
            OrderEvent::PaymentReserved { amount, reference, method, partner, token, act_by, key } => {
                self.remember(*key, version);
                self.position = version;
                self.attempts = self.attempts.saturating_add(1);
                self.unresolved = self.unresolved.saturating_add(1);
                self.owe(-i128::from(*amount));
                self.payments.push(Payment {
                    version,
                    amount: *amount,
                    reference: reference.clone(),
                    method: method.clone(),
                    partner: *partner,
                    token: token.clone(),
                    reserved_at: at,
                    act_by: act_by.unwrap_or_else(|| at.plus(SHOPPER_TIME_DEFAULT)).min(self.expires_at),
                    is_timed_out: false,
                    resolution: None,
                    resolved_at: Time::default(),
                    answered: None,
                    resolved: None,
                    tally: Tally::default(),
                    reversed: None,
                    release_asked: false,
                });
            }
            OrderEvent::PaymentResolved { payment, resolution } => {
                self.resolve_payment(*payment, resolution, version, at);
            }
            OrderEvent::ShopperTimedOut { payment } => {
                if let Some(payment) = self.payments.iter_mut().find(|candidate| candidate.version == *payment) {
                    payment.is_timed_out = true;
                }
            }
            OrderEvent::OperationRequested {
                legs,
                is_release,
                kind,
                target,
                reference,
                amount,
                details,
                is_deferred: _,
                is_automatic,
                lines,
                of,
                key,
            } => {
                self.remember(*key, version);
                let kind = kind.unwrap_or_else(|| kind_of(legs, *is_release));
                let excess = self.excess_of(legs, kind, lines);
                self.begin(legs, kind, *target, version);
                self.begin_lines(legs, kind, *target, lines);
                self.operations.push(Operation {
                    version,
                    requested_at: at,
                    kind,
                    target: *target,
                    reference: reference.clone(),
                    amount: *amount,
                    is_automatic: *is_automatic,
                    details_bytes: details.as_deref().map_or(0, stored_bytes),
                    of: *of,
                    excess,
                    lines: lines.clone(),
                    legs: legs.clone(),
                    refused: None,
                });
            }
            OrderEvent::OperationRefused { kind, target, reference, amount, objection, explanation: _, key } => {
                self.remember(*key, version);
                self.operations.push(Operation {
                    version,
                    requested_at: at,
                    kind: *kind,
                    target: *target,
                    reference: reference.clone(),
                    amount: *amount,
                    is_automatic: false,
                    details_bytes: 0,
                    of: None,
                    excess: 0,
                    lines: Vec::new(),
                    legs: Vec::new(),
                    refused: Some(*objection),
                });
            }
            OrderEvent::LegResolved { operation, leg, result } => {
                self.resolve_leg(*operation, *leg, result, version, at);
            }
            OrderEvent::CancellationRequested { reason, key } => {
                self.remember(*key, version);
                self.position = version;
                self.cancellation = Some(Cancellation { version, reason: *reason });
                self.forget_releases();
            }
            OrderEvent::Revised { amount, tax, description, sheet, details, key } => {
                self.remember(*key, version);
                self.revise_to(*amount, *tax, version);
                let cart = self.cart.get_or_insert_default();
                cart.revised_at = at;
                cart.description = description.clone().or(cart.description.take());
                cart.sheets = sheet.iter().map(|sheet| (version, sheet.clone())).collect();
                if details.is_some() {
                    cart.told = version;
                }
            }
            OrderEvent::Appended { amount, tax, sheet, details, key } => {
                self.remember(*key, version);
                self.revise_to(*amount, *tax, version);
                let cart = self.cart.get_or_insert_default();
                cart.revised_at = at;
                cart.sheets.push((version, sheet.clone()));
                if details.is_some() {
                    cart.told = version;
                }
            }
            OrderEvent::LinesRecorded { action, payer, entries, is_success, details: _, key } => {
                self.remember(*key, version);
                if *is_success {
                    self.record_lines(*action, payer, entries);
                }
            }
            OrderEvent::Reopened { key } => {
                self.remember(*key, version);
                self.position = version;
                self.kind = OrderKind::Running;
                self.closed = None;
                self.expires_at = self.expires_at.max(at.plus(ORDER_LIFETIME_MAX));
            }
            OrderEvent::Answered { key } => self.remember(Some(*key), version),
            OrderEvent::Closed { reason, capture_at, key } => {
                self.remember(*key, version);
                self.position = version;
                self.closed = Some(Closed { version, at, reason: *reason, capture_at: *capture_at });
            }
            OrderEvent::AmountsChanged => self.amount_changes = self.amount_changes.saturating_add(1),
        }
    }

    /// Changes what is still to be paid, by so much more or less.
    fn owe(&mut self, more: i128) {
        let balance = i128::from(self.remaining).saturating_sub(i128::from(self.excess)).saturating_add(more);
        self.remaining = u64::try_from(balance.max(0)).unwrap_or(u64::MAX);
        // Only an order that goes on after it is paid can be covered beyond its amount.
        let is_running = self.kind == OrderKind::Running;
        self.excess = if is_running { u64::try_from(balance.saturating_neg().max(0)).unwrap_or(u64::MAX) } else { 0 };
    }

    fn revise_to(&mut self, amount: Money, tax: i64, version: Version) {
        self.position = version;
        let change = i128::from(amount.minor()).saturating_sub(i128::from(self.amount.minor()));
        self.amount = amount;
        self.owe(change);
        // No more is to be given back than there is: what was let off before may have been of what is taken back now.
        let kept = self.covered().saturating_add(self.cart.as_ref().map_or(0, |cart| cart.kept_elsewhere()));
        self.excess = self.excess.min(kept);
        self.cart.get_or_insert_default().tax = tax;
    }

    fn record_lines(&mut self, action: LineAction, payer: &Payer, entries: &[Entry]) {
        let total = entries.iter().map(|entry| entry.amount).fold(0, i64::saturating_add);
        let cart = self.cart.get_or_insert_default();
        cart.book_lines(action, entries, false);
        cart.book_payer(action, payer, total);
        // What our own payments cover is known from themselves.
        if let Payer::Foreign(_) = payer {
            let covered = self.record_foreign(action, payer, total);
            if covered != 0 {
                self.position = self.version;
                self.owe(-i128::from(covered));
            }
        }
    }

    /// What somebody else's payment covers more, or less, for what is told of it. As one of ours, it stays what it is
    /// while lines leave it to others, and gives back what the order does not ask for any more.
    fn record_foreign(&mut self, action: LineAction, payer: &Payer, total: i64) -> i64 {
        let excess = signed(self.excess);
        let Some(books) = self.cart.as_mut().and_then(|cart| cart.payer_mut(payer)) else { return 0 };
        match action {
            LineAction::Authorise => {
                let more = books.allocated().saturating_sub(books.room()).max(0);
                books.held = books.held.saturating_add(more);
                more
            }
            LineAction::Cancel => total.saturating_neg(),
            LineAction::Capture => {
                let back = total.saturating_neg().max(0).min(excess).min(books.kept().max(0));
                books.returned = books.returned.saturating_add(back);
                back.saturating_neg()
            }
            // What is refunded of a line that stays is let off, and not to be paid again.
            LineAction::Refund => 0,
        }
    }

    /// Of what is asked to be refunded, what the order does not ask for, and nobody else gives back. What is refunded of a
    /// line that stays is let off, and not to be paid again; what goes back for a line that is taken back never was
    /// to stay. Without a word of lines, what is covered beyond the amount goes first.
    fn excess_of(&self, legs: &[Leg], kind: OperationKind, lines: &[Entry]) -> u64 {
        let refunds = legs.iter().filter(|leg| leg.action == Action::Refund);
        let amount = refunds.map(|leg| leg.amount).fold(0, u64::saturating_add);
        match kind {
            OperationKind::Exchange => amount,
            OperationKind::Refund if !lines.is_empty() => 0,
            OperationKind::Refund
            | OperationKind::Capture
            | OperationKind::Void
            | OperationKind::Reversal
            | OperationKind::AmountUpdate
            | OperationKind::TechnicalCancel
            | OperationKind::Release => amount.min(self.excess.saturating_sub(self.returning())),
        }
    }

    /// What of a refund that was done the order had not asked for.
    fn give_excess(&mut self, operation: Version, amount: u64) -> u64 {
        let Some(operation) = self.operations.iter_mut().find(|known| known.version == operation) else { return 0 };
        let back = amount.min(operation.excess);
        operation.excess = operation.excess.saturating_sub(back);
        back
    }

    /// Books lines with the operation that moves their money, as if it were done: nobody else may count on them.
    fn begin_lines(&mut self, legs: &[Leg], kind: OperationKind, target: Option<Version>, lines: &[Entry]) {
        let Some(action) = LineAction::of_operation(kind).filter(|_| !lines.is_empty()) else { return };
        let Some(cart) = self.cart.as_mut() else { return };
        cart.book_lines(action, lines, target.is_none());
        match target {
            Some(payment) => {
                let total = lines.iter().map(|entry| entry.amount).fold(0, i64::saturating_add);
                cart.book_payer(action, &Payer::Own(payment), total);
            }
            None => {
                for leg in legs {
                    cart.book_payer(action, &Payer::Own(leg.payment), signed(leg.amount));
                }
            }
        }
    }

    /// Takes back what was booked for a leg that was declined, and once all is known, what its lines did not get.
    fn end_lines(&mut self, operation: Version, leg: u16) {
        let Some(operation) = self.operations.iter_mut().find(|known| known.version == operation) else { return };
        let Some(action) = LineAction::of_operation(operation.kind).filter(|_| !operation.lines.is_empty()) else {
            return;
        };
        let Some(cart) = self.cart.as_mut() else { return };
        let total = operation.lines.iter().map(|entry| entry.amount).fold(0, i64::saturating_add);
        let is_declined = |leg: &Leg| matches!(leg.result, Some(LegResult::Declined { .. }));
        // Of a whole order, each payment has what its own legs move; of one payment, what the lines come to.
        let is_whole = operation.target.is_none();
        if let Some(leg) = operation.legs.get(usize::from(leg)).filter(|leg| is_whole && is_declined(leg)) {
            let amount = signed(leg.amount).saturating_mul(total.signum());
            cart.book_payer(action, &Payer::Own(leg.payment), amount.saturating_neg());
        }
        if operation.legs.iter().any(Leg::is_in_flight) {
            return;
        }
        let lines = std::mem::take(&mut operation.lines);
        let declined = operation.legs.iter().filter(|leg| is_declined(leg)).map(|leg| leg.amount);
        let declined = declined.fold(0, u64::saturating_add);
        let done = operation.legs.iter().map(|leg| leg.amount).fold(0, u64::saturating_add) > declined;
        let undone = undone(&lines, total.signum(), declined, done);
        cart.book_lines(action, &undone, false);
        if let Some(payment) = operation.target {
            let total = undone.iter().map(|entry| entry.amount).fold(0, i64::saturating_add);
            cart.book_payer(action, &Payer::Own(payment), total);
        }
    }

    fn remember(&mut self, key: Option<KeyPrint>, version: Version) {
        self.keys.extend(key.map(|print| KeyUse { print, version }));
    }

    /// A cancellation asks once more for what could not be released when its shopper was out of time, but not
    /// for what is being released.
    fn forget_releases(&mut self) {
        let legs = self.operations.iter().flat_map(|operation| &operation.legs);
        let in_flight = legs.filter(|leg| leg.is_in_flight()).map(|leg| leg.payment).collect::<Vec<_>>();
        for payment in &mut self.payments {
            // Of an authorised one, the books tell what is in flight.
            payment.release_asked &= !payment.is_authorised() && in_flight.contains(&payment.version);
        }
    }

    fn resolve_payment(&mut self, payment: Version, resolution: &Resolution, version: Version, at: Time) {
        let voiding = self
            .operations
            .iter()
            .flat_map(|operation| &operation.legs)
            .filter(|leg| leg.payment == payment && leg.action == Action::Void && leg.is_in_flight())
            .map(|leg| leg.amount)
            .fold(0, u64::saturating_add);
        let Some(payment) = self.payments.iter_mut().find(|candidate| candidate.version == payment) else {
            return;
        };
        if resolution.is_final() {
            self.unresolved = self.unresolved.saturating_sub(1);
        }
        let freed = if resolution.is_dead() { payment.amount } else { 0 };
        if *resolution == Resolution::Authorised {
            payment.tally = Tally::authorised(payment.amount);
            // A cancellation may have asked to void it before it was authorised.
            payment.tally.begin(Action::Void, voiding);
        }
        payment.resolution = Some(resolution.clone());
        payment.resolved_at = at;
        payment.answered = payment.answered.or(Some(version));
        payment.resolved = Some(version);
        payment.release_asked = voiding > 0;
        self.owe(i128::from(freed));
    }

    fn begin(&mut self, legs: &[Leg], kind: OperationKind, target: Option<Version>, version: Version) {
        let gives_all_back = matches!(kind, OperationKind::Release | OperationKind::Reversal);
        for leg in legs {
            if let Some(payment) = self.payments.iter_mut().find(|payment| payment.version == leg.payment) {
                if payment.is_authorised() {
                    payment.tally.begin(leg.action, leg.amount);
                }
                // What is voided before it is authorised is being released, whoever asked for it.
                payment.release_asked |= gives_all_back || !payment.is_authorised();
                // What is captured after a reversal is meant to be.
                payment.reversed = payment.reversed.filter(|_| !leg.action.takes());
            }
            if leg.action == Action::Increase {
                self.reserve_more(leg.amount);
            }
            // Until it is known whether the part comes back, the order cannot be said to be paid.
            self.unresolved = self.unresolved.saturating_add(u16::from(leg.action != Action::Capture));
        }
        if kind == OperationKind::Reversal {
            // Also a payment without a leg, because all of it is in flight: what comes of that is given back.
            let is_meant = |payment: &&mut Payment| target.is_none_or(|target| target == payment.version);
            for payment in self.payments.iter_mut().filter(is_meant).filter(|payment| payment.covers() > 0) {
                payment.reversed = Some(version);
            }
        }
    }

    /// Sets more aside for a payment: of what remains, or, if the order was made for that payment, beyond it.
    fn reserve_more(&mut self, amount: u64) {
        match self.kind {
            OrderKind::Single => self.amount = self.amount.with_minor(self.amount.minor().saturating_add(amount)),
            OrderKind::Parts | OrderKind::Running => {
                self.owe(-i128::from(amount));
                self.position = self.version;
            }
        }
    }

    fn return_more(&mut self, amount: u64) {
        match self.kind {
            OrderKind::Single => self.amount = self.amount.with_minor(self.amount.minor().saturating_sub(amount)),
            OrderKind::Parts | OrderKind::Running => self.owe(i128::from(amount)),
        }
    }

    fn resolve_leg(&mut self, operation: Version, index: u16, result: &LegResult, version: Version, at: Time) {
        let Some((kind, leg)) = self
            .operations
            .iter_mut()
            .find(|candidate| candidate.version == operation)
            .and_then(|operation| Some((operation.kind, operation.legs.get_mut(usize::from(index))?)))
        else {
            return;
        };
        leg.result = Some(result.clone());
        leg.resolved_at = at;
        if !result.is_final() {
            return;
        }
        let (action, amount, done, payment) = (leg.action, leg.amount, *result == LegResult::Done, leg.payment);
        self.end_lines(operation, index);
        self.unresolved = self.unresolved.saturating_sub(u16::from(action != Action::Capture));
        if action == Action::Increase && !done {
            self.return_more(amount);
        }
        let Some(payment) = self.payments.iter_mut().find(|known| known.version == payment) else {
            return;
        };
        if payment.is_authorised() {
            payment.tally.conclude(action, amount, done);
            // A cancellation under way has to refund what is captured after all, and to release what could
            // not be released for the merchant, or before it was authorised; so has a payment that is out of
            // time, or that was reversed. What it could not release itself counts as asked for. On an order that
            // goes on, that is the merchant's to capture.
            let cancelled = self.cancellation.as_ref().map(|asked| asked.version);
            let asked_for_good = cancelled.max(payment.reversed).is_none_or(|asked| asked <= operation);
            if action == Action::Increase && done {
                payment.amount = payment.amount.saturating_add(amount);
            }
            let asked_when_held = payment.resolved.is_some_and(|authorised| authorised <= operation);
            payment.release_asked &= match action {
                Action::Capture | Action::Increase => cancelled.is_none() && payment.reversed.is_none(),
                Action::Void | Action::Refund => done || (asked_for_good && asked_when_held),
            };
            match (self.kind, action) {
                _ if !done || action.takes() => {}
                (OrderKind::Running, Action::Refund) => {
                    let back = self.give_excess(operation, amount);
                    self.owe(i128::from(back));
                }
                _ if self.closed.as_ref().is_some_and(Closed::is_success) => {}
                _ => self.owe(i128::from(amount)),
            }
        } else if done && payment.is_live() {
            // Voided before it was authorised: nothing will be held under its reference.
            let by = if payment.is_timed_out { CancelledBy::Timeout } else { CancelledBy::Order };
            payment.resolution = Some(Resolution::Cancelled { by });
            payment.resolved_at = at;
            payment.answered = payment.answered.or(Some(version));
            payment.resolved = Some(version);
            self.unresolved = self.unresolved.saturating_sub(1);
            let freed = payment.amount;
            self.owe(i128::from(freed));
        } else if kind != OperationKind::Release {
            // There was nothing to void for the merchant yet. The payment goes on as if nobody had asked: its shopper
            // may be out of time yet, and a cancellation that came meanwhile asks for itself.
            payment.release_asked &= match &self.cancellation {
                Some(asked) => asked.version <= operation,
                None => payment.is_timed_out,
            };
        }
    }
}

impl Cart {
    fn opened(terms: &CartTerms) -> Self {
        let CartTerms { tax, description, alias, sheet } = terms.clone();
        let sheets = sheet.into_iter().map(|sheet: Sheet| (Version::FIRST, sheet)).collect();
        Self { tax, description, alias, sheets, ..Self::default() }
    }
}

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

/// Entries that undo what was booked and not done: all, if nothing was; else from the last line on, of those that
/// go the way of the whole.
fn undone(lines: &[Entry], sign: i64, declined: u64, is_done: bool) -> Vec<Entry> {
    let against = |entry: &Entry, amount: i64, tax: i64| Entry { line: entry.line, amount: -amount, tax: -tax };
    if declined == 0 {
        return Vec::new();
    }
    if !is_done {
        return lines.iter().map(|entry| against(entry, entry.amount, entry.tax)).collect();
    }
    let mut open = i128::from(declined);
    let mut undone = Vec::new();
    for entry in lines.iter().rev().filter(|entry| entry.amount.signum() == sign) {
        let amount = i64::try_from(open.min(i128::from(entry.amount.unsigned_abs()))).unwrap_or(i64::MAX) * sign;
        if amount == 0 {
            break;
        }
        open -= i128::from(amount.unsigned_abs());
        let tax = i128::from(entry.tax) * i128::from(amount) / i128::from(entry.amount);
        undone.push(against(entry, amount, i64::try_from(tax).unwrap_or_default()));
    }
    undone
}

/// What was asked for, where an event from before there were kinds does not say.
fn kind_of(legs: &[Leg], is_release: bool) -> OperationKind {
    match legs.first().map(|leg| leg.action) {
        _ if is_release => OperationKind::Release,
        Some(Action::Capture) => OperationKind::Capture,
        Some(Action::Refund) => OperationKind::Refund,
        Some(Action::Increase) => OperationKind::AmountUpdate,
        Some(Action::Void) | None => OperationKind::Void,
    }
}
