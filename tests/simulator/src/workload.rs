//! What merchants and shoppers do: open, pay in parts at the same time, walk away, cancel, capture, refund,
//! and repeat what they got no answer to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use app::{
    Error, Instrument, NewPayment, Opened, OrderKey, OrderTerms,
    ports::Clock,
    webhooks::{Again, NewEndpoint},
};
use domain::{
    Action, MerchantAccount, Money, Order, Time, Version,
    order::{Format, KeyPrint, Operate, OperationKind, Resolution, ShopperView, Target},
    webhook::Endpoint,
};
use partners::{accounts::NewGiftCard, sandbox::Choice};

use crate::{
    Simulation,
    ports::TrueClock,
    random::Rng,
    world::{BEGINNING, Process, Processes},
};

/// Cards of the sandbox, and how often each is used.
const CARDS: [(&str, u64); 10] = [
    ("4111111111111111", 8),
    ("4000000000000002", 2),
    ("4000000000003220", 2),
    ("4000000000000077", 1),
    ("4000000000000093", 1),
    ("4000000000000119", 1),
    ("4000000000000127", 1),
    ("4000000000000341", 1),
    ("4000000000000259", 1),
    ("4000000000005126", 1),
];

/// A gift card's number and code; each merchant has three.
const GIFT_CARDS: [&str; 3] = ["6036280000000000001", "6036280000000000002", "6036280000000000003"];
const CODE: &str = "123";
const GIFT_CARD_BALANCE: u64 = 6_000;

/// What somebody does, and when.
enum Act {
    Open {
        order: usize,
    },
    Pay {
        order: usize,
        payment: usize,
    },
    Choose {
        order: usize,
        choice: Choice,
    },
    Cancel {
        order: usize,
    },
    Operate {
        order: usize,
        action: Action,
    },
    Look {
        order: usize,
    },
    /// A payment on its own, perhaps with the same idempotency key as another.
    PayAlone {
        key: u64,
        amount: u64,
        paid: Paid,
    },
    /// Everything is told again to one endpoint.
    TellAgain {
        endpoint: usize,
    },
    /// A test is sent to one endpoint.
    Test {
        endpoint: usize,
    },
    /// One endpoint gets new keys.
    Rotate {
        endpoint: usize,
    },
}

/// One order, from its merchant's side.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) merchant: MerchantAccount,
    pub(crate) amount: u64,
    lifetime: Duration,
    /// Known once it was opened.
    pub(crate) key: Option<OrderKey>,
    /// What a shopper's last answer said.
    view: Option<ShopperView>,
    payments: Vec<PlannedPayment>,
    /// Payments as they were answered: by idempotency key, which payment, and what was said.
    pub(crate) answers: BTreeMap<usize, (Version, Option<Resolution>)>,
    /// Answers to repetitions that were not those to the first.
    pub(crate) differing: Vec<String>,
    /// Whether somebody was told that it will be cancelled.
    pub(crate) is_cancelled: bool,
}

#[derive(Debug, Clone)]
struct PlannedPayment {
    amount: u64,
    instrument: Paid,
}

#[derive(Debug, Clone, Copy)]
enum Paid {
    Card(&'static str),
    GiftCard(&'static str),
    Ideal,
}

/// Everything that is going to be done.
pub(crate) struct Workload {
    acts: BTreeMap<(Time, usize), Act>,
    pub(crate) orders: Arc<Mutex<Vec<Planned>>>,
    pub(crate) endpoints: Arc<Vec<(MerchantAccount, Endpoint)>>,
}

/// Merchants, gift cards and endpoints, made before anything goes wrong; and a plan for the rest.
pub(crate) fn prepare(simulation: &Simulation, processes: &mut Processes) -> Workload {
    simulation.shared.world().has_faults = false;
    let merchants = ["Alpha", "Beta"].iter().filter_map(|name| MerchantAccount::try_new(*name).ok());
    let merchants = merchants.collect::<Vec<_>>();
    let endpoints = Arc::new(Mutex::new(Vec::new()));
    let (here, made, to_make) = (simulation.clone(), Arc::clone(&endpoints), merchants.clone());
    simulation.shared.start(Box::pin(async move {
        for merchant in to_make {
            for number in GIFT_CARDS {
                let card = NewGiftCard {
                    brand: "givex".to_owned(),
                    balance: euros(GIFT_CARD_BALANCE),
                    number: Some(number.into()),
                    code: Some(CODE.into()),
                    key: None,
                };
                let _ = here.accounts.issue(&merchant, card).await;
            }
            for format in [Format::Checkout, Format::Tender] {
                let new =
                    NewEndpoint { url: "https://shop.example/".to_owned(), format, events: Vec::new(), key: None };
                if let Ok((endpoint, _)) = here.webhooks.create(&merchant, new).await {
                    made.lock().unwrap_or_else(PoisonError::into_inner).push((merchant.clone(), endpoint));
                }
            }
        }
    }));
    while !processes.is_idle() || !simulation.shared.world().starting.is_empty() {
        processes.step(&simulation.shared);
    }
    let endpoints = endpoints.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (acts, orders) = plan(simulation, &merchants, endpoints.len());
    take_down(simulation, &endpoints);
    Workload { acts, orders: Arc::new(Mutex::new(orders)), endpoints: Arc::new(endpoints) }
}

/// One endpoint in four does not answer for an hour.
fn take_down(simulation: &Simulation, endpoints: &[(MerchantAccount, Endpoint)]) {
    for (_, endpoint) in endpoints {
        let mut world = simulation.shared.world();
        if world.rng.chance(250) {
            let from = world.now.plus(Duration::from_secs(world.rng.clone().below(600)));
            simulation.receivers.take_down(&endpoint.id, from, from.plus(Duration::from_secs(3_600)));
        }
    }
}

fn plan(
    simulation: &Simulation,
    merchants: &[MerchantAccount],
    endpoints: usize,
) -> (BTreeMap<(Time, usize), Act>, Vec<Planned>) {
    let mut world = simulation.shared.world();
    let begin = world.now;
    let rng = &mut world.rng;
    let mut acts = BTreeMap::new();
    let mut add = |after_ms: u64, act| {
        let count = acts.len();
        acts.insert((begin.plus(Duration::from_millis(after_ms)), count), act);
    };
    for _ in 0..rng.index(3) {
        let paid = if rng.chance(300) { Paid::GiftCard(GIFT_CARDS[0]) } else { Paid::Card(some_card(rng)) };
        let act = |key, amount| Act::PayAlone { key, amount, paid };
        let (key, amount) = (10_000 + rng.below(3), 1 + rng.below(3_000));
        add(rng.below(60_000), act(key, amount));
        if rng.chance(500) {
            add(rng.below(120_000), act(key, amount));
        }
    }
    if rng.chance(300) {
        add(rng.below(600_000), Act::TellAgain { endpoint: rng.index(endpoints) });
        add(rng.below(600_000), Act::Test { endpoint: rng.index(endpoints) });
        add(rng.below(600_000), Act::Rotate { endpoint: rng.index(endpoints) });
    }
    let mut orders = Vec::new();
    for order in 0..3 + rng.index(3) {
        let amount = 1_000 + rng.below(9_000);
        let lifetime_s = if rng.chance(300) { 20 + rng.below(60) } else { 120 + rng.below(5_000) };
        let opened_ms = rng.below(30_000);
        add(opened_ms, Act::Open { order });
        let count = 1 + rng.index(5);
        let mut payments = Vec::new();
        let within_ms = lifetime_s * 1_000 + 5_000;
        for payment in 0..count {
            let instrument = match rng.below(10) {
                0..4 => Paid::GiftCard(GIFT_CARDS[rng.index(GIFT_CARDS.len())]),
                4 => Paid::Ideal,
                _ => Paid::Card(some_card(rng)),
            };
            // Often what is left, which the shopper's page would ask for.
            let amount = if rng.chance(500) { amount } else { 1 + rng.below(amount) };
            payments.push(PlannedPayment { amount, instrument });
            let at = opened_ms + if rng.chance(700) { rng.below(20_000) } else { rng.below(within_ms) };
            add(at, Act::Pay { order, payment });
            if rng.chance(300) {
                add(at + rng.below(10_000), Act::Pay { order, payment });
            }
            if rng.chance(600) {
                let choice = if rng.chance(700) { Choice::Approve } else { Choice::Refuse };
                add(at + rng.below(60_000), Act::Choose { order, choice });
            }
        }
        if rng.chance(300) {
            add(opened_ms + rng.below(60_000), Act::Cancel { order });
        }
        for _ in 0..rng.index(4) {
            let action = if rng.chance(450) {
                Action::Capture
            } else if rng.chance(750) {
                Action::Refund
            } else {
                Action::Void
            };
            add(opened_ms + 5_000 + rng.below(120_000), Act::Operate { order, action });
        }
        add(opened_ms + rng.below(100_000), Act::Look { order });
        orders.push(Planned {
            merchant: merchants[rng.index(merchants.len())].clone(),
            amount,
            lifetime: Duration::from_secs(lifetime_s),
            key: None,
            view: None,
            payments,
            answers: BTreeMap::new(),
            differing: Vec::new(),
            is_cancelled: false,
        });
    }
    (acts, orders)
}

fn some_card(rng: &mut Rng) -> &'static str {
    let mut point = rng.below(CARDS.iter().map(|(_, weight)| weight).sum());
    for (number, weight) in CARDS {
        if point < weight {
            return number;
        }
        point -= weight;
    }
    CARDS[0].0
}

/// Whole cents of the one currency there is here.
fn euros(minor: u64) -> Money {
    let one = "EUR".parse().and_then(|currency| Money::try_new(currency, 1));
    // The currency is known and the amounts are small.
    one.map_or_else(|_| unreachable_money(), |one| one.with_minor(minor))
}

#[expect(clippy::panic, reason = "the euro is a currency")]
fn unreachable_money() -> Money {
    panic!("the euro is no currency")
}

impl Workload {
    /// Something that somebody wants to do now.
    pub(crate) fn next(&mut self, simulation: &Simulation) -> Option<Process> {
        let now = TrueClock(simulation.shared.clone()).now();
        let (at, _) = *self.acts.first_key_value()?.0;
        if at > now {
            return None;
        }
        let (_, act) = self.acts.pop_first()?;
        let (simulation, orders, endpoints) =
            (simulation.clone(), Arc::clone(&self.orders), Arc::clone(&self.endpoints));
        Some(Box::pin(async move { carry_out(&simulation, &orders, &endpoints, act).await }))
    }

    /// The next moment at which somebody wants to do something.
    pub(crate) fn next_moment(&self) -> Option<Time> {
        self.acts.first_key_value().map(|((at, _), _)| *at)
    }
}

async fn carry_out(
    simulation: &Simulation,
    orders: &Mutex<Vec<Planned>>,
    endpoints: &[(MerchantAccount, Endpoint)],
    act: Act,
) {
    let planned = |order: usize| orders.lock().unwrap_or_else(PoisonError::into_inner)[order].clone();
    let change = |order: usize, change: &dyn Fn(&mut Planned)| {
        change(&mut orders.lock().unwrap_or_else(PoisonError::into_inner)[order]);
    };
    match act {
        Act::Open { order } => {
            let plan = planned(order);
            let terms = OrderTerms {
                expires_at: Some(simulation.app.streams.now().plus(plan.lifetime)),
                ..OrderTerms::new(plan.merchant.clone(), format!("order-{order}"), euros(plan.amount), 1)
            };
            if let Ok(Opened { key, order: opened, .. }) = simulation.app.open(terms).await {
                change(order, &|plan| {
                    plan.key = Some(key.clone());
                    plan.view = Some(opened.view());
                });
            }
        }
        Act::Pay { order, payment } => {
            let plan = planned(order);
            if let Some(answer) = pay(simulation, &plan, order, payment).await {
                let (version, resolution, view) = answer;
                change(order, &|plan| {
                    plan.view = Some(view.clone());
                    match plan.answers.get(&payment) {
                        Some(known) if *known != (version, resolution.clone()) => {
                            plan.differing.push(format!("{known:?}, then {:?}", (version, &resolution)));
                        }
                        Some(_) => {}
                        None => {
                            plan.answers.insert(payment, (version, resolution.clone()));
                        }
                    }
                });
            }
        }
        Act::Choose { order, choice } => {
            let Some(key) = planned(order).key else { return };
            let Ok(known) = simulation.app.find(&key).await else { return };
            let waiting = |payment: &&domain::order::Payment| {
                matches!(payment.resolution, Some(Resolution::AwaitingShopper { .. }))
            };
            if let Some(payment) = known.payments.iter().find(waiting) {
                let _ = simulation.sandbox.choose(&key.merchant, key.id.at(payment.version), choice).await;
                let _ = simulation.app.conclude(key, payment.version, None).await;
            }
        }
        Act::Cancel { order } => {
            let Some(key) = planned(order).key else { return };
            if simulation.app.cancel(&key, None).await.is_ok() {
                change(order, &|plan| plan.is_cancelled = true);
            }
        }
        Act::Operate { order, action } => {
            let Some(key) = planned(order).key else { return };
            operate(simulation, &key, action).await;
        }
        Act::Look { order } => {
            let Some(key) = planned(order).key else { return };
            if let Ok(known) = simulation.app.inspect(&key).await {
                change(order, &|plan| plan.view = Some(known.view()));
            }
        }
        Act::PayAlone { key, amount, paid } => {
            let merchant = endpoints[0].0.clone();
            let print = KeyPrint { key: key.to_be_bytes(), request: amount.to_be_bytes() };
            let terms =
                OrderTerms { key: Some(print), ..OrderTerms::new(merchant, "alone".to_owned(), euros(amount), 1) };
            let _ = simulation.app.pay_single(terms, new_payment(paid, amount, "alone", print, None)).await;
        }
        Act::TellAgain { endpoint } => {
            let (merchant, endpoint) = &endpoints[endpoint];
            let again = Again::Since { since: Time::default(), after: None };
            let _ = simulation.webhooks.send_again(merchant, &endpoint.id, again).await;
        }
        Act::Test { endpoint } => {
            let (merchant, endpoint) = &endpoints[endpoint];
            let _ = simulation.webhooks.test(merchant, &endpoint.id).await;
        }
        Act::Rotate { endpoint } => {
            let (merchant, endpoint) = &endpoints[endpoint];
            let _ = simulation.webhooks.rotate(merchant, &endpoint.id, None).await;
        }
    }
}

fn new_payment(paid: Paid, amount: u64, reference: &str, key: KeyPrint, act_by: Option<Time>) -> NewPayment {
    NewPayment {
        amount: euros(amount),
        reference: reference.to_owned(),
        instrument: match paid {
            Paid::Card(number) => Instrument::Card { number: number.into() },
            Paid::GiftCard(number) => {
                Instrument::GiftCard { brand: "givex".to_owned(), number: number.into(), code: Some(CODE.into()) }
            }
            Paid::Ideal => Instrument::Ideal,
        },
        return_url: "https://shop.example/".to_owned(),
        act_by,
        key: Some(key),
    }
}

async fn pay(
    simulation: &Simulation,
    plan: &Planned,
    order: usize,
    payment: usize,
) -> Option<(Version, Option<Resolution>, ShopperView)> {
    let (key, view) = (plan.key.clone()?, plan.view.clone()?);
    let planned = &plan.payments[payment];
    let amount = if planned.amount == plan.amount { view.remaining.max(1) } else { planned.amount };
    // What was asked once is asked again word for word.
    let number = u64::try_from(order * 100 + payment).unwrap_or(0);
    let print = KeyPrint { key: number.to_be_bytes(), request: number.to_be_bytes() };
    // Some requests say how long the shopper may take; the same ones each time.
    let act_by = (number % 3 == 0).then(|| BEGINNING.plus(Duration::from_secs(60 + number)));
    let new = |amount| new_payment(planned.instrument, amount, &format!("payment-{payment}"), print, act_by);
    let answered = match simulation.app.pay(key.clone(), view, new(amount)).await {
        Err(Error::Refused(domain::order::Refusal::Stale { .. } | domain::order::Refusal::ExceedsRemaining { .. })) => {
            // A shop's page would look again.
            let known: Order = simulation.app.find(&key).await.ok()?;
            let amount = amount.min(known.remaining.max(1));
            simulation.app.pay(key, known.view(), new(amount)).await
        }
        answered => answered,
    };
    let answered = answered.ok()?;
    Some((answered.payment.version, answered.payment.resolution.clone(), answered.order.view()))
}

async fn operate(simulation: &Simulation, key: &OrderKey, action: Action) {
    let Ok(known) = simulation.app.find(key).await else { return };
    let possible = known.payments.iter().filter(|payment| payment.tally.available(action) > 0);
    let possible = possible.map(|payment| (payment.version, payment.tally.available(action))).collect::<Vec<_>>();
    if possible.is_empty() {
        return;
    }
    let (payment, amount) = {
        let mut world = simulation.shared.world();
        let (payment, available) = possible[world.rng.index(possible.len())];
        let amount = if world.rng.chance(400) { available } else { 1 + world.rng.below(available) };
        (payment, amount)
    };
    let kind = match action {
        Action::Capture => OperationKind::Capture,
        Action::Void => OperationKind::Void,
        Action::Refund => OperationKind::Refund,
        Action::Increase => OperationKind::AmountUpdate,
    };
    let operate = Operate::new(kind, Target::Payment(payment), Some(known.amount.with_minor(amount)));
    let _ = simulation.app.operate(key, None, operate).await;
}
