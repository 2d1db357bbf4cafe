//! What merchants do with the lines of orders: change them before they are paid, take them back and add others after,
//! and say which are authorised, captured, refunded or given up, with payments of ours and of others.

use std::sync::{Mutex, PoisonError};

use app::{Error, NewAllocation, NewLines, OrderKey, Revision};
use domain::{
    Decimal, Order, Version,
    order::{
        KeyPrint, LineAction, Operate, OperationKind, Payer, Target,
        line::{Line, Lines, TaxPart},
    },
};

use crate::{
    Simulation,
    random::Rng,
    workload::{Planned, euros},
};

/// What is asked for, and how often.
const KINDS: [(Kind, u64); 8] = [
    (Kind::Append, 20),
    (Kind::Revise, 6),
    (Kind::Allocate(LineAction::Authorise), 30),
    (Kind::Allocate(LineAction::Capture), 35),
    (Kind::Allocate(LineAction::Refund), 15),
    (Kind::Allocate(LineAction::Cancel), 6),
    (Kind::Reference(OperationKind::Capture), 10),
    (Kind::Close, 5),
];

/// What a merchant does whose shopper sends something back, in its order: what was bought is authorised and captured,
/// lines are taken back and others added, and each of these is authorised and captured.
pub(crate) const EXCHANGE: [Kind; 8] = [
    Kind::Allocate(LineAction::Authorise),
    Kind::Allocate(LineAction::Capture),
    Kind::Append,
    Kind::Allocate(LineAction::Authorise),
    Kind::Allocate(LineAction::Capture),
    Kind::Allocate(LineAction::Authorise),
    Kind::Allocate(LineAction::Capture),
    Kind::Allocate(LineAction::Refund),
];

/// What kind of thing is asked of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Append,
    Revise,
    Allocate(LineAction),
    Reference(OperationKind),
    Close,
}

/// Something that is asked of lines.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    kind: Kind,
    /// The idempotency key of the request.
    pub(crate) key: KeyPrint,
    /// What was asked, once it was: what is asked again is the same, word for word.
    request: Option<Request>,
    /// What it came to each time it was taken: the commit that did it.
    pub(crate) done: Vec<Version>,
}

/// A request in the words of the engine.
#[derive(Debug, Clone)]
enum Request {
    Append(Vec<Line>),
    Revise(Box<Revision>),
    Allocate(NewAllocation),
    Reference(Box<Operate>, Vec<(String, i64)>),
    Close { is_reopening: bool },
}

impl Change {
    pub(crate) fn some(rng: &mut Rng, number: u64) -> Self {
        Self::of(rng.weighted(&KINDS), number)
    }

    pub(crate) fn of(kind: Kind, number: u64) -> Self {
        let key = 2_000_000 + number;
        let key = KeyPrint { key: key.to_be_bytes(), request: key.to_be_bytes() };
        Self { kind, key, request: None, done: Vec::new() }
    }

    /// Puts it in words, as a merchant would who looks at the order and its lines.
    fn words(&self, order: &Order, lines: &Lines, rng: &mut Rng) -> Option<Request> {
        let first = lines.lines.iter().map(|line| line.id).max().unwrap_or_default() + 1;
        let key = Some(self.key);
        match self.kind {
            Kind::Append => Some(Request::Append(some_change(rng, lines, first))),
            Kind::Revise => {
                let amount = if rng.chance(300) { order.covered().max(1) } else { 1 + rng.below(9_000) };
                let NewLines { lines, tax, .. } = some_lines(rng, amount, false);
                Some(Request::Revise(Box::new(Revision {
                    amount: euros(amount),
                    tax,
                    description: None,
                    lines: Some(lines),
                    details: rng.chance(300).then(|| "{}".to_owned()),
                    key,
                })))
            }
            Kind::Allocate(action) => {
                let own = order.payments.iter().filter(|payment| payment.is_authorised()).collect::<Vec<_>>();
                let payer = match own.len() {
                    0 => Payer::Foreign("PID_1".to_owned()),
                    _ if rng.chance(150) => Payer::Foreign(format!("PID_{}", rng.below(2))),
                    count => Payer::Own(own[rng.index(count)].version),
                };
                let mut entries = Vec::new();
                let left = |line: &&Line| line.amount < 0 && order.left_of_line(action, line, lines) != 0;
                let is_taken_back = rng.chance(if lines.lines.iter().any(|line| left(&line)) { 800 } else { 100 });
                for line in lines.lines.iter().filter(|line| (line.amount < 0) == is_taken_back) {
                    let left = order.left_of_line(action, line, lines);
                    let amount = match rng.below(10) {
                        0 => line.amount,
                        1..4 => left / 2,
                        _ => left,
                    };
                    if amount != 0 && rng.chance(700) {
                        entries.push((line.id, amount));
                    }
                }
                let is_success = rng.chance(950);
                (!entries.is_empty()).then_some(Request::Allocate(NewAllocation {
                    action,
                    payer,
                    entries,
                    is_success,
                    details: rng.chance(300).then(|| "{}".to_owned()),
                    key,
                }))
            }
            Kind::Reference(kind) => {
                let line = lines.lines.get(rng.index(lines.lines.len().max(1)))?;
                let amount = u64::try_from(line.amount).ok()?;
                let operate =
                    Operate { is_recorded: true, key, ..Operate::new(kind, Target::Order, Some(euros(amount))) };
                Some(Request::Reference(Box::new(operate), vec![(line.reference.clone(), line.amount)]))
            }
            Kind::Close => Some(Request::Close { is_reopening: order.closed.is_some() }),
        }
    }
}

/// A line, with some of it as tax.
fn line(rng: &mut Rng, id: u32, amount: i64) -> Line {
    let tax = amount * i64::try_from(rng.below(40)).unwrap_or_default() / 100;
    Line {
        id,
        reference: format!("sku-{}", rng.below(3)),
        name: String::new(),
        kind: domain::order::line::LineKind::Product,
        class: None,
        quantity: Decimal::ONE,
        unit: None,
        unit_price: None,
        discount_price: None,
        amount,
        tax,
        taxes: vec![TaxPart { percentage: Decimal::ONE, amount: tax }],
        reverses: None,
        details: None,
    }
}

/// Lines that come to an amount; now and then so many that they are kept beside their order.
pub(crate) fn some_lines(rng: &mut Rng, amount: u64, is_running: bool) -> NewLines {
    let count = if rng.chance(150) { 40 } else { 1 + rng.below(3) }.min(amount);
    let mut left = amount;
    let mut lines = Vec::new();
    for (id, others) in (1..).zip((0..count).rev()) {
        let most = left - others;
        let part = if others == 0 { left } else { 1 + rng.below(most.max(1)) };
        left -= part;
        lines.push(line(rng, id, i64::try_from(part).unwrap_or_default()));
    }
    let tax = lines.iter().map(|line| line.tax).sum();
    NewLines { lines, tax, description: None, alias: None, is_running }
}

/// A line taken back, whole or in part, and perhaps another for it: at the same price, cheaper or dearer.
fn some_change(rng: &mut Rng, known: &Lines, first: u32) -> Vec<Line> {
    let mut new = Vec::new();
    let is_taken = |line: &&Line| known.lines.iter().any(|other| other.reverses == Some(line.id));
    let whole = known.lines.iter().filter(|line| line.reverses.is_none() && line.amount > 0);
    let whole = whole.filter(|line| !is_taken(line)).collect::<Vec<_>>();
    let mut price = 1 + rng.below(2_000);
    if !whole.is_empty() && rng.chance(800) {
        let of = whole[rng.index(whole.len())];
        price = of.amount.unsigned_abs();
        new.push(Line {
            id: first,
            amount: -of.amount,
            tax: -of.tax,
            taxes: negated(of),
            reverses: Some(of.id),
            ..of.clone()
        });
    }
    if new.is_empty() || rng.chance(750) {
        let price = match rng.below(3) {
            0 => price,
            1 => 1 + rng.below(price),
            _ => price + rng.below(1_000),
        };
        new.push(line(rng, first + 1, i64::try_from(price).unwrap_or_default()));
    }
    new
}

fn negated(line: &Line) -> Vec<TaxPart> {
    line.taxes.iter().map(|part| TaxPart { amount: -part.amount, ..part.clone() }).collect()
}

/// Asks for it once.
pub(crate) async fn ask(simulation: &Simulation, orders: &Mutex<Vec<Planned>>, order: usize, index: usize) {
    let plan = |change: &dyn Fn(&mut Planned)| {
        let mut orders = orders.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut orders[order]);
        orders[order].clone()
    };
    let planned = plan(&|_| {});
    let Some(key) = planned.key.clone() else { return };
    if planned.changes[index].request.is_none() {
        let Ok(known) = simulation.app.find(&key).await else { return };
        let Ok(lines) = simulation.app.lines(&key, &known).await else { return };
        let words = planned.changes[index].words(&known, &lines, &mut simulation.shared.world().rng);
        let Some(words) = words else { return };
        plan(&|plan| {
            plan.changes[index].request.get_or_insert_with(|| words.clone());
        });
    }
    let change = plan(&|_| {}).changes[index].clone();
    if let Some(version) = send(simulation, key, &change).await {
        plan(&|plan| plan.changes[index].done.push(version));
    }
}

/// The commit that did it, if it is known to be done.
async fn send(simulation: &Simulation, key: OrderKey, change: &Change) -> Option<Version> {
    let app = &simulation.app;
    let print = Some(change.key);
    let used = |order: &Order| order.keys.iter().find(|used| used.print == change.key).map(|used| used.version);
    let done: Result<Option<Version>, Error> = match change.request.clone()? {
        Request::Append(lines) => app.add_lines(&key, lines, None, print).await.map(|(_, version)| Some(version)),
        Request::Revise(revision) => app.revise(&key, None, *revision).await.map(|order| used(&order)),
        Request::Allocate(new) => app.allocate(&key, new).await.map(|operated| Some(operated.operation)),
        Request::Reference(operate, wanted) => {
            app.operate_on_lines(&key, *operate, wanted).await.map(|operated| Some(operated.operation))
        }
        Request::Close { is_reopening: false } => app.close(&key, print).await.map(|order| used(&order)),
        Request::Close { is_reopening: true } => app.reopen(&key, print).await.map(|order| used(&order)),
    };
    done.ok().flatten()
}
