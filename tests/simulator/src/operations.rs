//! What merchants ask for after the sale: captures, voids, refunds, reversals, other amounts, and cancels by a
//! reference of their own; and again, when they got no answer.

use std::sync::{Mutex, PoisonError};

use app::{Error, OrderKey};
use domain::{
    Action, MerchantAccount, Money, Order, Reference, Version,
    order::{ANY, KeyPrint, Only, Operate, Operation, OperationKind, Payment, Priority, Refusal, Standing, Target},
};

use crate::{
    Bug, Simulation,
    random::Rng,
    workload::{Planned, euros, money},
};

/// What is asked for, and how often.
const KINDS: [(OperationKind, u64); 6] = [
    (OperationKind::Capture, 30),
    (OperationKind::Refund, 25),
    (OperationKind::AmountUpdate, 17),
    (OperationKind::Void, 10),
    (OperationKind::Reversal, 10),
    (OperationKind::TechnicalCancel, 8),
];

/// An operation that a merchant asks for, from its side.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The merchant's name for it, which no other operation has.
    pub(crate) reference: String,
    pub(crate) kind: OperationKind,
    /// The idempotency key of the request, if it has one.
    pub(crate) key: Option<KeyPrint>,
    /// Whether it is asked of the whole order.
    pub(crate) is_of_all: bool,
    is_deferred: bool,
    /// The merchant's reference of the payment that a technical cancel is about.
    payment_reference: String,
    /// What was asked, once it was: what is asked again is the same, word for word.
    request: Option<Operate>,
    /// How often it was asked for.
    pub(crate) tries: usize,
    /// The answers, in the order they came. Some tries get none.
    pub(crate) answers: Vec<Answer>,
}

/// What a merchant was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It was taken: under that name, and so it stood.
    Taken { operation: Reference, standing: Standing },
    /// It was refused.
    Refused(String),
    /// Something failed, and nobody knows what became of it.
    Unknown,
}

impl Asked {
    /// Something that is asked of an order that is paid by payments of those references.
    pub(crate) fn some(rng: &mut Rng, number: u64, payment_references: &[String]) -> Self {
        let kind = rng.weighted(&KINDS);
        let is_of_all = match kind {
            OperationKind::AmountUpdate | OperationKind::TechnicalCancel => false,
            OperationKind::Capture
            | OperationKind::Void
            | OperationKind::Refund
            | OperationKind::Reversal
            | OperationKind::Exchange
            | OperationKind::Release => rng.chance(500),
        };
        let key = 1_000_000 + number;
        let key = rng.chance(700).then(|| KeyPrint { key: key.to_be_bytes(), request: key.to_be_bytes() });
        Self {
            reference: format!("operation-{number}"),
            kind,
            key,
            is_of_all,
            is_deferred: kind == OperationKind::TechnicalCancel || rng.chance(if is_of_all { 300 } else { 700 }),
            payment_reference: payment_references[rng.index(payment_references.len())].clone(),
            request: None,
            tries: 0,
            answers: Vec::new(),
        }
    }

    /// Another request under the same idempotency key: a mistake of the merchant's.
    pub(crate) fn mistaken(&self) -> Option<Self> {
        let key = self.key.filter(|_| self.kind != OperationKind::TechnicalCancel)?;
        let key = KeyPrint { request: key.request.map(|byte| !byte), ..key };
        Some(Self { reference: format!("{}-other", self.reference), key: Some(key), ..self.clone() })
    }

    /// Puts it in words, as a merchant would who looks at the order.
    fn words(&self, order: &Order, rng: &mut Rng) -> Operate {
        let payment = self.some_payment(order, rng);
        let target = match payment {
            _ if self.is_of_all => Target::Order,
            Some(payment) => Target::Payment(payment.version),
            // There is none yet: no payment has the version of the order.
            None => Target::Payment(Version::FIRST),
        };
        let amount = match self.kind {
            OperationKind::AmountUpdate => Some(other_amount(order, payment, rng)),
            OperationKind::Reversal
            | OperationKind::TechnicalCancel
            | OperationKind::Exchange
            | OperationKind::Release => None,
            OperationKind::Capture | OperationKind::Void | OperationKind::Refund => self.amount(order, target, rng),
        };
        let only = self.only(order, payment, rng);
        let has_details = !self.is_deferred && rng.chance(300);
        let shipped = amount.filter(|_| has_details);
        let shipped = shipped.map(|amount| if rng.chance(900) { amount } else { euros(amount.minor() + 1) });
        Operate {
            priorities: (self.is_of_all && rng.chance(400)).then(|| some_priorities(rng)),
            reference: Some(self.reference.clone()),
            shipped,
            details: has_details.then(|| format!("{{\"shipments\":\"{}\"}}", self.reference)),
            is_deferred: self.is_deferred,
            only,
            key: self.key,
            ..Operate::new(self.kind, target, amount)
        }
    }

    /// What else a lender's merchant asks for, of one payment and at once: all that is left, no less than is held, or
    /// what one capture took.
    fn only(&self, order: &Order, payment: Option<&Payment>, rng: &mut Rng) -> Only {
        if self.is_of_all || self.is_deferred || !rng.chance(400) {
            return Only::default();
        }
        let took = |operation: &&Operation| {
            let mut payments = operation.legs.iter().map(|leg| leg.payment);
            operation.kind == OperationKind::Capture
                && payments.any(|taken| Some(taken) == payment.map(|one| one.version))
        };
        let captures = order.operations.iter().filter(took).map(|operation| operation.version).collect::<Vec<_>>();
        match self.kind {
            OperationKind::Refund if !captures.is_empty() => {
                Only { of: Some(captures[rng.index(captures.len())]), whole: rng.chance(300), upward: false }
            }
            OperationKind::Capture | OperationKind::Void | OperationKind::Refund => {
                Only { whole: true, ..Only::default() }
            }
            OperationKind::AmountUpdate => Only { upward: true, ..Only::default() },
            OperationKind::Reversal
            | OperationKind::TechnicalCancel
            | OperationKind::Exchange
            | OperationKind::Release => Only::default(),
        }
    }

    /// Mostly a payment that it can be done with.
    fn some_payment<'o>(&self, order: &'o Order, rng: &mut Rng) -> Option<&'o Payment> {
        let is_useful = |payment: &&Payment| match action_of(self.kind) {
            Some(action) => payment.tally.available(action) > 0,
            None if self.kind == OperationKind::AmountUpdate => payment.is_authorised() && payment.covers() > 0,
            None => payment.is_live(),
        };
        let useful = order.payments.iter().filter(is_useful).collect::<Vec<_>>();
        if !useful.is_empty() && rng.chance(850) {
            return Some(useful[rng.index(useful.len())]);
        }
        (!order.payments.is_empty()).then(|| &order.payments[rng.index(order.payments.len())])
    }

    /// All, a part, and now and then what cannot be done.
    fn amount(&self, order: &Order, target: Target, rng: &mut Rng) -> Option<Money> {
        let action = action_of(self.kind)?;
        let is_meant = |payment: &&Payment| target.payment().is_none_or(|version| version == payment.version);
        let available = order.payments.iter().filter(is_meant).map(|payment| payment.tally.available(action)).sum();
        match rng.below(1_000) {
            0..300 => None,
            300..500 => Some(euros(available)),
            500..900 => Some(euros(1 + rng.below(available))),
            900..970 => Some(euros(available + 1 + rng.below(500))),
            970..985 => Some(euros(0)),
            _ => Some(money("USD", available.max(1))),
        }
    }
}

/// The action that an operation shares out, if it does no more than that.
fn action_of(kind: OperationKind) -> Option<Action> {
    match kind {
        OperationKind::Capture => Some(Action::Capture),
        OperationKind::Void | OperationKind::TechnicalCancel => Some(Action::Void),
        OperationKind::Refund => Some(Action::Refund),
        OperationKind::Reversal | OperationKind::AmountUpdate | OperationKind::Exchange | OperationKind::Release => {
            None
        }
    }
}

/// What a payment's authorisation is to be: more, less, or what it is.
fn other_amount(order: &Order, payment: Option<&Payment>, rng: &mut Rng) -> Money {
    let tally = payment.map(|payment| payment.tally).unwrap_or_default();
    let held = tally.authorised.saturating_sub(tally.voided).saturating_sub(tally.voiding) + tally.increasing;
    euros(match rng.below(1_000) {
        0..450 => held + 1 + rng.below(order.remaining.max(500)),
        450..550 => held + order.remaining + 1,
        550..900 => held.saturating_sub(1 + rng.below(tally.capturable())).max(1),
        _ => held.max(1),
    })
}

fn some_priorities(rng: &mut Rng) -> Vec<Priority> {
    let mut some = || {
        let partner = [ANY, "sandbox", "givex"][rng.index(3)];
        let method = [ANY, "creditcard", "giftcard", "ideal"][rng.index(4)];
        Priority { partner: partner.to_owned(), method: method.to_owned() }
    };
    let (first, second) = (some(), some());
    let mut priorities = vec![first, second];
    priorities.truncate(1 + rng.index(2));
    if rng.chance(700) {
        priorities.push(Priority { partner: ANY.to_owned(), method: ANY.to_owned() });
    }
    priorities
}

/// Asks for an operation once.
pub(crate) async fn ask(simulation: &Simulation, orders: &Mutex<Vec<Planned>>, order: usize, index: usize) {
    let plan = |change: &dyn Fn(&mut Planned)| {
        let mut orders = orders.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut orders[order]);
        orders[order].clone()
    };
    let planned = plan(&|_| {});
    let Some(key) = planned.key.clone() else { return };
    if planned.asked[index].kind != OperationKind::TechnicalCancel && planned.asked[index].request.is_none() {
        let Ok(known) = simulation.app.find(&key).await else { return };
        let words = planned.asked[index].words(&known, &mut simulation.shared.world().rng);
        plan(&|plan| {
            plan.asked[index].request.get_or_insert_with(|| words.clone());
        });
    }
    let planned = plan(&|plan| plan.asked[index].tries += 1);
    let answer = send(simulation, &planned.merchant, key, &planned.asked[index]).await;
    plan(&|plan| plan.asked[index].answers.push(answer.clone()));
}

async fn send(simulation: &Simulation, merchant: &MerchantAccount, key: OrderKey, asked: &Asked) -> Answer {
    let bug = simulation.shared.world().bug;
    let sent = match &asked.request {
        Some(request) => {
            let mut request = request.clone();
            if asked.tries > 1 && bug == Some(Bug::KeyNotPassedOn) {
                request.key = None;
            }
            if asked.kind == OperationKind::Reversal && asked.is_of_all && bug == Some(Bug::ReversalOfOne) {
                let known = simulation.app.find(&key).await.ok();
                let first = known.and_then(|order| order.payments.first().map(|payment| payment.version));
                request.target = Target::Payment(first.unwrap_or(Version::FIRST));
            }
            operate(simulation, key, request).await
        }
        None => technical_cancel(simulation, merchant, asked).await,
    };
    match sent {
        Ok((operation, standing)) => Answer::Taken { operation, standing },
        Err(Error::Refused(refusal)) => Answer::Refused(refusal.to_string()),
        Err(Error::NotFound | Error::Contended | Error::Begun { .. } | Error::Store(_)) => Answer::Unknown,
    }
}

async fn operate(simulation: &Simulation, key: OrderKey, request: Operate) -> Result<(Reference, Standing), Error> {
    // One family reads the order before it asks, the other does not.
    let start = if request.is_deferred { None } else { Some(simulation.app.find(&key).await?) };
    let operated = simulation.app.operate(&key, start, request).await?;
    let operation = operated.order.operation(operated.operation).ok_or(Error::NotFound)?;
    Ok((key.id.at(operation.version), operation.standing()))
}

/// A void of a payment of which the merchant knows nothing but its own reference.
async fn technical_cancel(
    simulation: &Simulation,
    merchant: &MerchantAccount,
    asked: &Asked,
) -> Result<(Reference, Standing), Error> {
    let found = simulation.app.find_payment(merchant, &asked.payment_reference, asked.key).await?;
    let (key, payment) = found.ok_or(Error::Refused(Refusal::UnknownPayment))?;
    let request = Operate {
        reference: Some(asked.reference.clone()),
        is_deferred: true,
        key: asked.key,
        ..Operate::new(OperationKind::TechnicalCancel, Target::Payment(payment), None)
    };
    operate(simulation, key, request).await
}
