//! What must hold when the dust has settled.
//!
//! 1. Nothing acknowledged is lost: every commit whose writer was told so is in the log, under its version.
//! 2. Money is conserved (`money.rs`): at every commit of every order, the books of each payment and of the order
//!    are what its events come to, and add up; what live payments cover is never more than the order's amount,
//!    nor is what its partners hold or took, at any moment.
//! 3. Nothing is left undone (`rest.rs`): every order has ended, nothing is in flight or outstanding; an order that
//!    ended unpaid, and what was taken back, keeps nothing that a partner did not decline to give back; what is
//!    captured by itself was captured.
//! 4. Every partner's books say the same as ours: for each payment the same held, captured and refunded, and
//!    nothing held that no order knows of.
//! 5. Every change reached every endpoint at least once (`told.rs`), first arrivals in their order, without a gap,
//!    the same on every try, and none was tried before those before it were acknowledged. An order's own webhook
//!    was told whenever amounts changed, and the outcome of an operation was told once.
//! 6. What was answered stays true: a payment that was said to be authorised was, a repeated request was
//!    answered alike, and an order whose cancellation was accepted was cancelled. An operation (`operations.rs`)
//!    that was taken is there as it was asked for, and once; one that was refused moved nothing.
//! 7. Lines (`carts.rs`) come to their order's amount and tax at every commit, nothing was done beyond a line or a
//!    payment, and what was asked of them with one key was done once. What an order that goes on is covered beyond its
//!    amount is counted once more (`money.rs`).

mod carts;
mod money;
mod operations;
mod rest;
mod told;

use std::{collections::BTreeMap, sync::PoisonError};

use app::{OrderKey, StreamId, ports::Commit};
use domain::{
    Aggregate, Order, OrderId, Version,
    order::{Change, Operation, OrderEvent, Resolution, changes},
};

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
    pub(crate) operations: BTreeMap<String, u64>,
    pub(crate) endings: BTreeMap<String, u64>,
    pub(crate) violations: Vec<String>,
}

/// What became of one order: what each commit changed, and the order in the end.
struct Story {
    key: OrderKey,
    stream: String,
    commits: Vec<Vec<Change>>,
    order: Order,
}

impl Story {
    fn changes(&self) -> impl Iterator<Item = &Change> {
        self.commits.iter().flatten()
    }

    /// The order after the commit of that version.
    fn after(&self, version: Version) -> Option<&Order> {
        self.commits.get(usize::from(version.get()))?.last().map(|change| &change.order)
    }
}

type Stories = BTreeMap<OrderId, Story>;

pub(crate) fn check(simulation: &Simulation, workload: &Workload) -> Findings {
    let mut findings = Findings::default();
    let world = simulation.shared.world();
    let planned = workload.orders.lock().unwrap_or_else(PoisonError::into_inner);
    acknowledged_is_there(&world, &mut findings);
    let stories = stories(&world, &mut findings);
    money::conserved(&stories, &mut findings);
    money::never_too_much(&world, &stories, &mut findings);
    money::books(&world, &stories, &mut findings);
    money::credit(&world, &mut findings);
    carts::check(&world, &planned, &stories, &mut findings);
    rest::check(&world, &planned, &stories, &mut findings);
    told::check(simulation, workload, &stories, &mut findings);
    answers(&planned, &stories, &mut findings);
    operations::check(&planned, &stories, &mut findings);
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

fn stories(world: &World, findings: &mut Findings) -> Stories {
    let mut stories = Stories::new();
    for stream in world.streams.keys() {
        let Some(key) = StreamId::from_stored(stream.clone()).as_order() else { continue };
        let (mut made, mut state) = (Vec::new(), None);
        for (commit, expected) in commits(world, stream).into_iter().zip(0_u16..) {
            if commit.version.get() != expected {
                findings.violations.push(format!("{stream}: version {expected} is missing"));
            }
            let Ok(events) = serde_json::from_str::<Vec<OrderEvent>>(&commit.events) else {
                findings.violations.push(format!("{stream}: version {expected} cannot be read"));
                continue;
            };
            let changes = changes(state, &events, commit.version, commit.at);
            state = changes.last().map(|change| change.order.clone());
            made.push(changes);
        }
        findings.orders += 1;
        if let Some(order) = state {
            findings.payments += u64::try_from(order.payments.len()).unwrap_or(0);
            for operation in &order.operations {
                *findings.operations.entry(ending(operation)).or_default() += 1;
            }
            stories.insert(key.id, Story { key, stream: stream.clone(), commits: made, order });
        }
    }
    stories
}

fn ending(operation: &Operation) -> String {
    match operation.refused {
        Some(_) => format!("{:?} refused", operation.kind),
        None => format!("{:?} {:?}", operation.kind, operation.standing()),
    }
}

fn answers(planned: &[Planned], stories: &Stories, findings: &mut Findings) {
    for plan in planned {
        let story = plan.key.as_ref().and_then(|key| stories.get(&key.id));
        let Some(Story { stream, order, .. }) = story else {
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
