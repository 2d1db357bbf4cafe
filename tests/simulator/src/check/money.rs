//! The books: of payments, of orders, and of partners.

use std::collections::{BTreeMap, BTreeSet};

use app::{StreamId, ports::Commit};
use domain::{
    Account, Action, Aggregate, OrderId, Reference, Tally, Time, Version,
    account::AccountEvent,
    order::{
        Books, Change, CloseReason, Closed, Entry, Leg, LegResult, LineAction, OperationKind, Order, OrderEvent,
        OrderKind, PartnerId, Payer, Payment, Resolution,
    },
};
use partners::sandbox::{Book, BookEvent};

use super::{Findings, Stories, Story, fold};
use crate::{workload::EXEMPT_IN_A_ROW, world::World};

/// What a partner's books say of a payment, or ours: held, captured and not refunded, refunded.
type Money = (u64, u64, u64);

fn money(tally: &Tally) -> Money {
    (tally.capturable(), tally.captured.saturating_sub(tally.refunded), tally.refunded)
}

/// What an order's events come to, added up here once more.
#[derive(Default)]
struct Ledger {
    reserved: BTreeMap<Version, u64>,
    authorised: BTreeSet<Version>,
    dead: BTreeSet<Version>,
    legs: BTreeMap<(Version, u16), Leg>,
    /// What the order comes to.
    amount: u64,
    is_running: bool,
    is_paid: bool,
    /// What is still to be paid; below 0, what is to be given back.
    balance: i128,
    /// What was told of payments of others.
    foreign: BTreeMap<String, Foreign>,
    /// Of what operations refund, what was not asked for when they were asked.
    unasked: BTreeMap<Version, u64>,
}

/// A payment of others, as it would be if it were one of ours.
#[derive(Default)]
struct Foreign {
    allocated: i128,
    authorised: i128,
    returned: i128,
    refunded: i128,
}

impl Foreign {
    fn kept(&self) -> i128 {
        self.authorised - self.returned - self.refunded
    }

    /// How much more it covers.
    fn learn(&mut self, action: LineAction, total: i128, excess: i128) -> i128 {
        match action {
            LineAction::Authorise => {
                self.allocated += total;
                let more = (self.allocated - (self.authorised - self.returned)).max(0);
                self.authorised += more;
                more
            }
            LineAction::Cancel => {
                self.allocated -= total;
                self.authorised -= total;
                -total
            }
            LineAction::Capture => {
                let back = (-total).max(0).min(excess).min(self.kept());
                self.returned += back;
                -back
            }
            LineAction::Refund => {
                self.refunded += total;
                0
            }
        }
    }
}

impl Ledger {
    fn learn(&mut self, change: &Change) {
        let version = change.position.version;
        self.balance += self.owed(&change.event);
        if let OrderEvent::Revised { .. } | OrderEvent::Appended { .. } = &change.event {
            // No more is to be given back than there is.
            let kept = i128::from(change.order.covered()) + self.foreign.values().map(Foreign::kept).sum::<i128>();
            self.balance = self.balance.max(-kept);
        }
        match &change.event {
            OrderEvent::PaymentReserved { amount, .. } => {
                self.reserved.insert(version, *amount);
            }
            OrderEvent::PaymentResolved { payment, resolution: Resolution::Authorised } => {
                self.authorised.insert(*payment);
            }
            OrderEvent::PaymentResolved { payment, resolution } if resolution.is_dead() => {
                self.dead.insert(*payment);
            }
            OrderEvent::Revised { amount, .. } | OrderEvent::Appended { amount, .. } => self.amount = amount.minor(),
            OrderEvent::Reopened { .. } => (self.is_running, self.is_paid) = (true, false),
            OrderEvent::Closed { reason, .. } => self.is_paid = *reason == CloseReason::Paid,
            OrderEvent::OperationRequested { legs, kind, lines, .. } => {
                let refunds = legs.iter().filter(|leg| leg.action == Action::Refund).map(|leg| leg.amount).sum::<u64>();
                let unasked = match kind {
                    Some(OperationKind::Exchange) => refunds,
                    Some(OperationKind::Refund) if !lines.is_empty() => 0,
                    _ => refunds.min(self.excess().saturating_sub(self.on_its_way())),
                };
                self.unasked.insert(version, unasked);
                self.legs.extend(legs.iter().zip(0..).map(|(leg, index)| ((version, index), leg.clone())));
            }
            OrderEvent::LegResolved { operation, leg, result } => {
                let voided = self.legs.get_mut(&(*operation, *leg)).and_then(|leg| {
                    leg.result = Some(result.clone());
                    let is_void = leg.action == Action::Void && *result == LegResult::Done;
                    is_void.then_some(leg.payment)
                });
                // Voided before it was authorised: it never will be.
                self.dead.extend(voided.filter(|payment| !self.authorised.contains(payment)));
            }
            OrderEvent::Opened { amount, kind, .. } => {
                (self.amount, self.is_running) = (amount.minor(), *kind == OrderKind::Running);
            }
            OrderEvent::PaymentResolved { .. }
            | OrderEvent::ShopperTimedOut { .. }
            | OrderEvent::OperationRefused { .. }
            | OrderEvent::LinesRecorded { .. }
            | OrderEvent::CancellationRequested { .. }
            | OrderEvent::Answered { .. }
            | OrderEvent::AmountsChanged => {}
        }
    }

    /// What an event adds to what is still to be paid of an order in parts.
    fn owed(&mut self, event: &OrderEvent) -> i128 {
        let excess = self.excess();
        let reserved = |payment: &Version| i128::from(self.reserved.get(payment).copied().unwrap_or_default());
        let sum = |entries: &[Entry]| entries.iter().map(|entry| i128::from(entry.amount)).sum::<i128>();
        match event {
            OrderEvent::Opened { amount, .. } => i128::from(amount.minor()),
            OrderEvent::PaymentReserved { amount, .. } => -i128::from(*amount),
            OrderEvent::PaymentResolved { payment, resolution } if resolution.is_dead() => reserved(payment),
            OrderEvent::Revised { amount, .. } | OrderEvent::Appended { amount, .. } => {
                i128::from(amount.minor()) - i128::from(self.amount)
            }
            OrderEvent::LinesRecorded { action, payer: Payer::Foreign(id), entries, is_success: true, .. } => {
                let total = sum(entries);
                -self.foreign.entry(id.clone()).or_default().learn(*action, total, i128::from(excess))
            }
            OrderEvent::OperationRequested { legs, .. } => {
                let increases = legs.iter().filter(|leg| leg.action == Action::Increase);
                -increases.map(|leg| i128::from(leg.amount)).sum::<i128>()
            }
            OrderEvent::LegResolved { operation, leg, result } => {
                let Some(leg) = self.legs.get(&(*operation, *leg)) else { return 0 };
                match (leg.action, result) {
                    (Action::Increase, LegResult::Declined { .. }) => i128::from(leg.amount),
                    (Action::Void | Action::Refund, LegResult::Done) if self.dead.contains(&leg.payment) => 0,
                    (Action::Void, LegResult::Done) if !self.authorised.contains(&leg.payment) => {
                        reserved(&leg.payment)
                    }
                    // What was asked for is let off.
                    (Action::Refund, LegResult::Done) if self.is_running => {
                        let unasked = self.unasked.entry(*operation).or_default();
                        let back = leg.amount.min(*unasked);
                        *unasked -= back;
                        i128::from(back)
                    }
                    (Action::Void | Action::Refund, LegResult::Done) if !self.is_paid => i128::from(leg.amount),
                    (Action::Capture | Action::Increase | Action::Void | Action::Refund, _) => 0,
                }
            }
            OrderEvent::PaymentResolved { .. }
            | OrderEvent::ShopperTimedOut { .. }
            | OrderEvent::OperationRefused { .. }
            | OrderEvent::LinesRecorded { .. }
            | OrderEvent::Reopened { .. }
            | OrderEvent::CancellationRequested { .. }
            | OrderEvent::Answered { .. }
            | OrderEvent::Closed { .. }
            | OrderEvent::AmountsChanged => 0,
        }
    }

    /// What is covered beyond what is asked for.
    fn excess(&self) -> u64 {
        u64::try_from((-self.balance).max(0)).unwrap_or(u64::MAX)
    }

    /// What is on its way back of that.
    fn on_its_way(&self) -> u64 {
        let in_flight = |operation: Version, wanted: Action| {
            let legs = self.legs.range((operation, 0)..=(operation, u16::MAX)).map(|(_, leg)| leg);
            let open = legs.filter(|leg| leg.action == wanted && leg.is_in_flight());
            open.map(|leg| leg.amount).sum::<u64>()
        };
        let of = |(operation, unasked): (&Version, &u64)| {
            in_flight(*operation, Action::Void) + in_flight(*operation, Action::Refund).min(*unasked)
        };
        self.unasked.iter().map(of).sum()
    }

    /// Of one payment: nothing, as long as it is not authorised.
    fn tally(&self, payment: Version) -> Tally {
        let mut tally = Tally::default();
        if !self.authorised.contains(&payment) {
            return tally;
        }
        tally.authorised = self.reserved.get(&payment).copied().unwrap_or_default();
        for leg in self.legs.values().filter(|leg| leg.payment == payment) {
            let (in_flight, done) = match leg.action {
                Action::Capture => (&mut tally.capturing, &mut tally.captured),
                Action::Void => (&mut tally.voiding, &mut tally.voided),
                Action::Refund => (&mut tally.refunding, &mut tally.refunded),
                Action::Increase => (&mut tally.increasing, &mut tally.authorised),
            };
            match leg.result {
                Some(LegResult::Done) => *done += leg.amount,
                Some(LegResult::Declined { .. }) => {}
                Some(LegResult::Pending | LegResult::Uncertain) | None => *in_flight += leg.amount,
            }
        }
        tally
    }
}

/// At every commit: the books are what the events come to, they add up, and no more is covered than is to be paid.
pub(super) fn conserved(stories: &Stories, findings: &mut Findings) {
    for Story { stream, commits, .. } in stories.values() {
        let mut ledger = Ledger::default();
        for commit in commits {
            for change in commit {
                ledger.learn(change);
            }
            let Some(order) = commit.last().map(|change| &change.order) else { continue };
            let mut broken = |what: String| {
                findings.violations.push(format!("{stream} at {}: {what}", order.version));
            };
            for Payment { version, tally, .. } in &order.payments {
                let counted = ledger.tally(*version);
                if *tally != counted {
                    broken(format!("{tally:?} is not what the events of payment {version} come to, {counted:?}"));
                }
                if !adds_up(tally) {
                    broken(format!("{tally:?} does not add up"));
                }
            }
            let balance = i128::from(order.remaining) - i128::from(order.excess);
            if order.kind != OrderKind::Single && balance != ledger.balance {
                broken(format!("{balance} is to be paid, and the events come to {}", ledger.balance));
            }
            books_of(order, &mut broken);
        }
    }
}

/// The money identity of one payment.
fn adds_up(tally: &Tally) -> bool {
    let of_authorised = tally.captured + tally.voided + tally.capturing + tally.voiding + tally.capturable();
    let of_captured = tally.refunded + tally.refunding + tally.refundable();
    tally.is_conserved() && tally.authorised == of_authorised && tally.captured == of_captured
}

/// The money identity of an order, and that it is never paid more than it is to be paid.
fn books_of(order: &Order, broken: &mut dyn FnMut(String)) {
    let books = order.books();
    let sum = |of: &dyn Fn(&Payment) -> u64| order.payments.iter().map(of).sum::<u64>();
    let open = |payment: &Payment| if payment.is_final() { payment.tally.increasing } else { payment.amount };
    let counted = Books {
        authorising: sum(&open),
        authorised: sum(&|payment| payment.tally.authorised),
        captured: sum(&|payment| payment.tally.captured),
        voided: sum(&|payment| payment.tally.voided),
        refunded: sum(&|payment| payment.tally.refunded),
        capturable: sum(&|payment| payment.tally.capturable()),
        refundable: sum(&|payment| payment.tally.refundable()),
    };
    if books != counted {
        broken(format!("{books:?} is not what its payments come to, {counted:?}"));
    }
    let in_flight = sum(&|payment| payment.tally.capturing + payment.tally.voiding);
    let refunding = sum(&|payment| payment.tally.refunding);
    let is_whole = books.authorised == books.captured + books.voided + in_flight + books.capturable
        && books.captured == books.refunded + refunding + books.refundable;
    if !is_whole {
        broken(format!("{books:?} does not add up"));
    }
    // What an order that goes on was let off, or others paid, is counted from its events alone.
    let (covered, amount) = (order.covered(), order.amount.minor() + order.excess);
    if order.kind == OrderKind::Running {
        if covered > amount || (order.remaining > 0 && order.excess > 0) {
            broken(format!("{covered} taken of {amount}, {} remains, {} beyond", order.remaining, order.excess));
        }
        return;
    }
    if covered > amount {
        broken(format!("{covered} taken of {amount}"));
    }
    // What is given back after an order was paid is not to be paid again.
    let remaining =
        if order.closed.as_ref().is_some_and(Closed::is_success) { 0 } else { amount - covered.min(amount) };
    if order.remaining != remaining {
        broken(format!("{} remains of {amount}, {covered} is covered", order.remaining));
    }
}

/// At every moment: what the partners hold of an order, or took and did not give back, is not more than its amount.
pub(super) fn never_too_much(world: &World, stories: &Stories, findings: &mut Findings) {
    let by_stream = stories.iter().map(|(id, story)| (story.stream.as_str(), *id)).collect::<BTreeMap<_, _>>();
    let mut amounts = BTreeMap::new();
    let mut kept = Kept::default();
    let mut found = BTreeSet::new();
    for commit in &world.commits {
        let touched = match by_stream.get(commit.stream.as_str()) {
            Some(id) => {
                let order = stories.get(id).and_then(|story| story.after(commit.version));
                amounts.extend(order.map(|order| (*id, order.amount.minor() + order.excess)));
                vec![*id]
            }
            None => kept.learn(commit),
        };
        for id in touched {
            let (held, amount) = (kept.of(id), amounts.get(&id).copied().unwrap_or_default());
            if held > amount && found.insert(id) {
                let stream = stories.get(&id).map_or("no order", |story| &story.stream);
                findings.violations.push(format!("{stream}: its partners hold {held} of {amount}"));
            }
        }
    }
}

/// What the partners hold, or took and did not give back.
#[derive(Default)]
struct Kept {
    payments: BTreeMap<Reference, u64>,
    sandbox: BTreeMap<Reference, Book>,
}

impl Kept {
    fn of(&self, order: OrderId) -> u64 {
        self.payments.iter().filter(|(payment, _)| payment.order() == order).map(|(_, kept)| kept).sum()
    }

    /// Learns a commit of a partner; whose payments it is about.
    fn learn(&mut self, commit: &Commit) -> Vec<OrderId> {
        if ["giftcard", "credit"].iter().any(|kind| commit.stream.as_owned(kind).is_some()) {
            let events = serde_json::from_str::<Vec<AccountEvent>>(&commit.events).unwrap_or_default();
            return events.iter().filter_map(|event| self.of_card(event)).map(Reference::order).collect();
        }
        let reference =
            commit.stream.as_owned("sandbox").and_then(|(_, reference)| reference.parse::<Reference>().ok());
        let Some(reference) = reference else { return Vec::new() };
        let events = serde_json::from_str::<Vec<BookEvent>>(&commit.events).unwrap_or_default();
        let book = Book::evolve_all(self.sandbox.remove(&reference), &events, commit.version, commit.at);
        // What is pending counts as it will end.
        let late = Time::from_unix_ms(u64::MAX);
        self.payments.insert(reference, book.as_ref().map_or(0, |book| book.tally(late).kept()));
        self.sandbox.extend(book.map(|book| (reference, book)));
        vec![reference.order()]
    }

    fn of_card(&mut self, event: &AccountEvent) -> Option<Reference> {
        match event {
            AccountEvent::Held { payment, amount, .. } => {
                self.payments.insert(*payment, *amount);
                Some(*payment)
            }
            AccountEvent::Moved { payment, action, amount, .. } => {
                let kept = self.payments.entry(*payment).or_default();
                match action {
                    Action::Capture => {}
                    Action::Void | Action::Refund => *kept = kept.saturating_sub(*amount),
                    Action::Increase => *kept += amount,
                }
                Some(*payment)
            }
            AccountEvent::Issued { .. }
            | AccountEvent::Barred { .. }
            | AccountEvent::Declined { .. }
            | AccountEvent::CreditOpened { .. }
            | AccountEvent::LimitSet { .. }
            | AccountEvent::CodeGiven { .. }
            | AccountEvent::Forgotten { .. }
            | AccountEvent::CodeFailed
            | AccountEvent::CodeAccepted => None,
        }
    }
}

/// At every commit: the limit of a line of credit is what is available, held and outstanding, whoever authenticated
/// once spent once with it, and no more spends in a row were exempt than may be. Of all accounts: no more is used than there is.
pub(super) fn credit(world: &World, findings: &mut Findings) {
    let mut accounts = BTreeMap::<StreamId, Account>::new();
    let mut used = BTreeMap::<(StreamId, Reference), Reference>::new();
    let mut exempt = BTreeMap::<StreamId, u8>::new();
    for commit in &world.commits {
        if ["giftcard", "credit"].iter().all(|kind| commit.stream.as_owned(kind).is_none()) {
            continue;
        }
        let events = serde_json::from_str::<Vec<AccountEvent>>(&commit.events).unwrap_or_default();
        for event in &events {
            if let AccountEvent::Held { payment, proved: Some(proved), .. } = event
                && let Some(challenge) = proved.challenge
                && let Some(other) = used.insert((commit.stream.clone(), challenge), *payment)
            {
                let what = format!("{}: {other} and {payment} were spent with one authentication", commit.stream);
                findings.violations.push(what);
            }
        }
        for event in &events {
            let AccountEvent::Held { proved: Some(proved), .. } = event else { continue };
            let in_a_row = exempt.entry(commit.stream.clone()).or_default();
            *in_a_row = if proved.is_exempt { *in_a_row + 1 } else { 0 };
            if *in_a_row > EXEMPT_IN_A_ROW {
                findings.violations.push(format!("{}: {in_a_row} exempt spends in a row", commit.stream));
            }
        }
        let known = accounts.remove(&commit.stream);
        let Some(account) = Account::evolve_all(known, &events, commit.version, commit.at) else { continue };
        if !account.is_balanced() {
            let (limit, available) = (account.issued.minor(), account.available());
            let what = format!("{} at {}: {limit} is not {available} and what is used", commit.stream, commit.version);
            findings.violations.push(what);
        }
        accounts.insert(commit.stream.clone(), account);
    }
}

/// What our books say: by payment.
fn ours(stories: &Stories, partner: PartnerId) -> BTreeMap<Reference, Money> {
    let payments = stories.iter().flat_map(|(id, story)| story.order.payments.iter().map(|payment| (*id, payment)));
    let payments = payments.filter(|(_, payment)| payment.partner == partner);
    payments.map(|(id, payment)| (id.at(payment.version), money(&payment.tally))).collect()
}

/// In the end: the partners' books say what ours say.
pub(super) fn books(world: &World, stories: &Stories, findings: &mut Findings) {
    let mut accounts = BTreeMap::new();
    let mut sandbox = BTreeMap::new();
    let mut credit = BTreeMap::new();
    for stream in world.streams.keys() {
        let name = StreamId::from_stored(stream.clone());
        let is_credit = name.as_owned("credit").is_some();
        if is_credit || name.as_owned("giftcard").is_some() {
            let Some(account) = fold::<Account>(world, stream, findings) else { continue };
            let books = if is_credit { &mut credit } else { &mut accounts };
            books.extend(account.holds.iter().map(|hold| (hold.payment, money(&hold.tally))));
            let held = account.holds.iter().map(|hold| hold.tally.kept()).sum::<u64>();
            if account.available() + held != account.issued.minor() {
                findings.violations.push(format!("{stream}: {} available, {held} held or taken", account.available()));
            }
        } else if let Some((_, reference)) = name.as_owned("sandbox") {
            let Some(book) = fold::<Book>(world, stream, findings) else { continue };
            if let Ok(reference) = reference.parse::<Reference>() {
                sandbox.insert(reference, money(&book.tally(world.now)));
            }
        }
    }
    let partners = [(PartnerId::Accounts, accounts), (PartnerId::Sandbox, sandbox), (PartnerId::Credit, credit)];
    for (partner, theirs) in partners {
        let ours = ours(stories, partner);
        for payment in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
            let (ours, theirs) = (ours.get(payment).copied(), theirs.get(payment).copied());
            if ours.unwrap_or_default() != theirs.unwrap_or_default() {
                let order = stories.get(&payment.order()).map(|story| &story.order);
                findings.violations.push(format!(
                    "{payment} at {partner:?}: (held, captured, refunded) is {ours:?} here and {theirs:?} there: {order:?}"
                ));
            }
        }
    }
}
