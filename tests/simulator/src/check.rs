//! What must hold when the dust has settled.
//!
//! 1. Nothing acknowledged is lost: every commit whose writer was told so is in the log, under its version.
//! 2. Money is conserved: at every commit of every order, for every payment, authorised = captured + voided +
//!    in flight + available, refunded <= captured, and what live payments cover is never more than the
//!    order's amount.
//! 3. Nothing is left undone: every order has ended, nothing is in flight; an
//!    order that ended unpaid keeps nothing that a partner did not decline to give back.
//! 4. Every partner's books say the same as ours: for each payment the same held, captured and refunded, and
//!    nothing held that no order knows of.
//! 5. Every change reached every endpoint at least once, first arrivals in their order, without a gap, the
//!    same on every try, and none was tried before those before it were acknowledged.
//! 6. What was answered stays true: a payment that was said to be authorised was, a repeated request was
//!    answered alike, and an order whose cancellation was accepted was cancelled.

use std::collections::{BTreeMap, BTreeSet};

use app::{StreamId, ports::Commit};
use domain::{
    Account, Action, Aggregate, Order, OrderId, Reference, Tally,
    order::{LegResult, OrderEvent, PartnerId, Payment, Resolution, changes},
};
use partners::sandbox::Book;

use crate::{
    Simulation,
    workload::{Planned, Workload},
    world::World,
};

#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) orders: u64,
    pub(crate) payments: u64,
    pub(crate) notifications: u64,
    pub(crate) endings: BTreeMap<String, u64>,
    pub(crate) violations: Vec<String>,
    pub(crate) seeds: u64,
}

/// What a partner's books say of a payment, or ours: held, captured and not refunded, refunded.
type Money = (u64, u64, u64);

fn money(tally: &Tally) -> Money {
    (tally.capturable(), tally.captured.saturating_sub(tally.refunded), tally.refunded)
}

pub(crate) fn check(simulation: &Simulation, workload: &Workload) -> Findings {
    let mut findings = Findings::default();
    let world = simulation.shared.world();
    acknowledged_is_there(&world, &mut findings);
    let orders = fold_orders(&world, &mut findings);
    ended(&orders, &mut findings);
    books(&world, &orders, &mut findings);
    told(&world, simulation, workload, &mut findings);
    let planned = workload.orders.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    answers(&planned, &orders, &mut findings);
    findings
}

fn commits<'a>(world: &'a World, stream: &str) -> Vec<&'a Commit> {
    let places = world.streams.get(stream).into_iter().flat_map(BTreeMap::values);
    places.map(|place| &world.commits[*place]).collect()
}

fn fold<A: Aggregate>(world: &World, stream: &str, findings: &mut Findings) -> Option<A> {
    let mut state = None;
    for commit in commits(world, stream) {
        match serde_json::from_str::<Vec<A::Event>>(&commit.events) {
            Ok(events) => state = A::evolve_all(state, &events, commit.version, commit.at),
            Err(error) => findings.violations.push(format!("{stream}: {error}")),
        }
    }
    state
}

fn acknowledged_is_there(world: &World, findings: &mut Findings) {
    for (stream, version, id) in &world.acknowledged {
        let place = world.streams.get(stream).and_then(|versions| versions.get(version));
        if place.is_none_or(|place| world.commits[*place].id != *id) {
            findings.violations.push(format!("{stream}: version {version} was acknowledged and is not there"));
        }
    }
}

fn fold_orders(world: &World, findings: &mut Findings) -> BTreeMap<OrderId, (String, Order)> {
    let mut orders = BTreeMap::new();
    for stream in world.streams.keys() {
        let Some(key) = StreamId::from_stored(stream.clone()).as_order() else { continue };
        let mut state = None;
        for (commit, expected) in commits(world, stream).into_iter().zip(0_u16..) {
            if commit.version.get() != expected {
                findings.violations.push(format!("{stream}: version {expected} is missing"));
            }
            let Ok(events) = serde_json::from_str::<Vec<OrderEvent>>(&commit.events) else {
                findings.violations.push(format!("{stream}: version {expected} cannot be read"));
                continue;
            };
            state = Order::evolve_all(state, &events, commit.version, commit.at);
            if let Some(order) = &state {
                conserved(stream, order, findings);
            }
        }
        findings.orders += 1;
        if let Some(order) = state {
            findings.payments += u64::try_from(order.payments.len()).unwrap_or(0);
            orders.insert(key.id, (stream.clone(), order));
        }
    }
    orders
}

fn conserved(stream: &str, order: &Order, findings: &mut Findings) {
    let version = order.version;
    for payment in &order.payments {
        if !payment.tally.is_conserved() {
            findings.violations.push(format!("{stream} at {version}: {:?} does not add up", payment.tally));
        }
    }
    if order.covered() > order.amount.minor() {
        findings.violations.push(format!("{stream} at {version}: {} taken of {}", order.covered(), order.amount));
    }
}

fn ended(orders: &BTreeMap<OrderId, (String, Order)>, findings: &mut Findings) {
    for (stream, order) in orders.values() {
        let Some(closed) = &order.closed else {
            findings.violations.push(format!("{stream}: it has not ended: {order:?}"));
            continue;
        };
        *findings.endings.entry(format!("{:?}", closed.reason)).or_default() += 1;
        let legs = order.operations.iter().flat_map(|operation| &operation.legs);
        if legs.clone().any(domain::order::Leg::is_in_flight)
            || order.payments.iter().any(|payment| !payment.is_final())
        {
            findings.violations.push(format!("{stream}: something is left undone: {order:?}"));
        }
        let is_declined = |payment: &Payment| {
            let is_release =
                |leg: &&domain::order::Leg| leg.payment == payment.version && leg.action != Action::Capture;
            legs.clone().filter(is_release).any(|leg| matches!(leg.result, Some(LegResult::Declined { .. })))
        };
        if !closed.is_success() {
            for payment in order.payments.iter().filter(|payment| payment.covers() > 0 && !is_declined(payment)) {
                findings.violations.push(format!("{stream}: it ended unpaid and keeps {payment:?}"));
            }
        }
    }
}

/// What our books say: by payment.
fn ours(orders: &BTreeMap<OrderId, (String, Order)>, partner: PartnerId) -> BTreeMap<Reference, Money> {
    let payments = orders.iter().flat_map(|(id, (_, order))| order.payments.iter().map(|payment| (*id, payment)));
    let payments = payments.filter(|(_, payment)| payment.partner == partner);
    payments.map(|(id, payment)| (id.at(payment.version), money(&payment.tally))).collect()
}

fn books(world: &World, orders: &BTreeMap<OrderId, (String, Order)>, findings: &mut Findings) {
    let mut accounts = BTreeMap::new();
    let mut sandbox = BTreeMap::new();
    for stream in world.streams.keys() {
        let name = StreamId::from_stored(stream.clone());
        if name.as_owned("giftcard").is_some() {
            let Some(account) = fold::<Account>(world, stream, findings) else { continue };
            accounts.extend(account.holds.iter().map(|hold| (hold.payment, money(&hold.tally))));
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
    for (partner, theirs) in [(PartnerId::Accounts, accounts), (PartnerId::Sandbox, sandbox)] {
        let ours = ours(orders, partner);
        for payment in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
            let (ours, theirs) = (ours.get(payment).copied(), theirs.get(payment).copied());
            if ours.unwrap_or_default() != theirs.unwrap_or_default() {
                let order = orders.get(&payment.order()).map(|(_, order)| order);
                findings.violations.push(format!(
                    "{payment} at {partner:?}: (held, captured, refunded) is {ours:?} here and {theirs:?} there: {order:?}"
                ));
            }
        }
    }
}

fn told(world: &World, simulation: &Simulation, workload: &Workload, findings: &mut Findings) {
    for stream in world.streams.keys() {
        let Some(key) = StreamId::from_stored(stream.clone()).as_order() else { continue };
        let mut all = Vec::new();
        let mut state = None;
        for commit in commits(world, stream) {
            let Ok(events) = serde_json::from_str::<Vec<OrderEvent>>(&commit.events) else { continue };
            let made = changes(state.take(), &events, commit.version, commit.at);
            state = made.last().map(|change| change.order.clone());
            all.extend(made);
        }
        for (_, endpoint) in workload.endpoints.iter().filter(|(merchant, _)| *merchant == key.merchant) {
            let told = simulation.receivers.told(&endpoint.id, key.id);
            let expected = all.iter().filter(|change| change.is_told(endpoint.format));
            let expected = expected.map(|change| change.sequence(endpoint.format)).collect::<Vec<_>>();
            findings.notifications += told.times.values().map(|times| u64::from(*times)).sum::<u64>();
            let is_gapless = expected.iter().zip(1_u32..).all(|(number, counted)| *number == counted);
            if !is_gapless || told.first_arrivals != expected {
                findings.violations.push(format!(
                    "{stream} to {:?}: {expected:?} were to be told, {:?} arrived: {:?}",
                    endpoint.format, told.first_arrivals, told.names
                ));
            }
        }
    }
    for event in simulation.receivers.too_early() {
        findings.violations.push(format!("{event} was tried before those before it were acknowledged"));
    }
    for event in simulation.receivers.conflicting() {
        findings.violations.push(format!("{event} said different things on different tries"));
    }
}

fn answers(planned: &[Planned], orders: &BTreeMap<OrderId, (String, Order)>, findings: &mut Findings) {
    for plan in planned {
        let Some((stream, order)) = plan.key.as_ref().and_then(|key| orders.get(&key.id)) else {
            if plan.key.is_some() {
                findings.violations.push("an order that was opened is not there".to_owned());
            }
            continue;
        };
        for differing in &plan.differing {
            findings.violations.push(format!("{stream}: a repeated request was answered differently: {differing}"));
        }
        for (version, resolution) in plan.answers.values() {
            let was = order.payment(*version).and_then(|payment| payment.resolution.as_ref());
            let is_true = match resolution {
                Some(Resolution::Authorised) => was == Some(&Resolution::Authorised),
                Some(other) if other.is_final() => was == Some(other),
                _ => was.is_some(),
            };
            if !is_true {
                findings
                    .violations
                    .push(format!("{stream}: payment {version} was answered {resolution:?}, is {was:?}"));
            }
        }
        if plan.is_cancelled && order.cancellation.is_none() {
            findings.violations.push(format!("{stream}: its cancellation was accepted and is not there"));
        }
    }
}
