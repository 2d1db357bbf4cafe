//! What merchants and shoppers do: open, pay in parts at the same time, walk away, cancel, ask for operations (see
//! `operations.rs`), and repeat what they got no answer to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use app::{
    Error, Instrument, NewLines, NewPayment, OWN_ENDPOINT, Opened, OrderKey, OrderTerms,
    ports::Clock,
    webhooks::{Again, NewEndpoint},
};
use domain::{
    Decimal, MerchantAccount, Money, Order, OrderId, Time, Version,
    credit::{Exemption, Offer, OfferSource, OfferStatus, Proof, Settings, SpendType},
    limits::ORDER_LIFETIME_MAX,
    order::{
        CaptureMode, Format, HeaderText, KeyPrint, OperationKind, OwnFormat, OwnHeader, OwnWebhook, Resolution,
        Session, ShopperView,
    },
    webhook::Endpoint,
};
use partners::{CreditError, Credits, accounts::NewGiftCard, sandbox::Choice};

use crate::{
    Simulation,
    carts::{self, Change, EXCHANGE, some_lines},
    operations::{self, Asked},
    ports::TrueClock,
    random::Rng,
    world::{BEGINNING, Process, Processes},
};

/// Cards of the sandbox, and how often each is used.
const CARDS: [(&str, u64); 11] = [
    ("4111111111111111", 8),
    ("4000000000000002", 2),
    ("4000000000003220", 2),
    ("4000000000000077", 1),
    ("4000000000000093", 1),
    ("4000000000000119", 1),
    ("4000000000000127", 1),
    ("4000000000000341", 1),
    ("4000000000000259", 1),
    ("4000000000000143", 1),
    ("4000000000005126", 1),
];

/// A gift card's number and code; each merchant has three.
const GIFT_CARDS: [&str; 3] = ["6036280000000000001", "6036280000000000002", "6036280000000000003"];
const CODE: &str = "123";
const GIFT_CARD_BALANCE: u64 = 6_000;

/// Customers with credit; each merchant has both.
const CUSTOMERS: [&str; 2] = ["ann", "ben"];
const LIMIT: u64 = 7_000;
const PRODUCT: &str = "flex";
const OFFER: &str = "twelve";
/// Small spends in a row that need no authentication.
pub(crate) const EXEMPT_IN_A_ROW: u8 = 3;
/// Of so many customers who authenticate, one gives a wrong code first.
const WRONG_CODES: u64 = 13;

/// After how long nobody who was asked for something can still be at it, in milliseconds.
const PATIENCE_MS: u64 = 60_000;

/// The merchant's name for each payment on its own.
const ALONE: &str = "alone";

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
    /// Something is done with lines, perhaps once more.
    Change {
        order: usize,
        change: usize,
    },
    /// An operation, perhaps once more.
    Ask {
        order: usize,
        asked: usize,
    },
    Look {
        order: usize,
    },
    /// Everything is told again to one endpoint, or to the orders' own webhooks.
    TellAgain {
        endpoint: Option<usize>,
    },
    /// A test is sent to one endpoint.
    Test {
        endpoint: usize,
    },
    /// One endpoint gets new keys, or the orders' own webhooks do.
    Rotate {
        endpoint: Option<usize>,
    },
    /// A customer's credit is more from now on, or less.
    SetLimit {
        merchant: MerchantAccount,
        customer: &'static str,
        limit: u64,
    },
}

/// One order, from its merchant's side.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) merchant: MerchantAccount,
    pub(crate) amount: u64,
    opening: Opening,
    /// The idempotency key it is opened with, if it is with one.
    opening_key: Option<KeyPrint>,
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
    /// Operations that are asked for.
    pub(crate) asked: Vec<Asked>,
    /// What is done with lines.
    pub(crate) changes: Vec<Change>,
}

/// How an order begins.
#[derive(Debug, Clone)]
enum Opening {
    /// It is opened to be paid in parts, perhaps as a client session.
    Parts { lifetime: Duration, session: Option<Session>, lines: Option<NewLines> },
    /// With a payment on its own.
    Alone(Paid),
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
    Credit(Credit),
}

/// Credit that a customer spends.
#[derive(Debug, Clone, Copy)]
struct Credit {
    customer: &'static str,
    is_in_instalments: bool,
    proved: Proved,
}

/// How a customer proves to be the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proved {
    /// Not at all: small spends are exempt.
    Not,
    /// By a one-time code, for this payment.
    ByCode,
    /// By the code of another payment, perhaps at the same time.
    ByCodeOfAnother,
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
            let _ = prepare_credit(&here.credits, &merchant).await;
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

/// What credit is spent on in instalments.
fn offer() -> Offer {
    Offer {
        code: OFFER.to_owned(),
        name: "Twelve months".to_owned(),
        description: String::new(),
        status: OfferStatus::Active,
        source: OfferSource::Product,
        spend_type: SpendType::Instalment,
        interest_rate: Decimal::whole(12),
        months: 12,
        ends_at: None,
        least: 1_000,
        most: None,
        settlement_percentage: Decimal::default(),
        refund_percentage: Decimal::default(),
        chargeback_percentage: Decimal::default(),
    }
}

/// A product with an offer, two customers, and what is agreed on: small spends are exempt, some in a row.
async fn prepare_credit(credits: &Credits, merchant: &MerchantAccount) -> Result<(), CreditError> {
    let euro = euros(1).currency();
    credits.set_product(merchant, PRODUCT, "Flex", "", euro).await?;
    credits.set_offer(merchant, PRODUCT, &offer()).await?;
    let exemptions = vec![Exemption { below: euros(3_000), in_a_row: EXEMPT_IN_A_ROW }];
    credits.set_settings(merchant, &Settings { exemptions, ..Settings::default() }).await?;
    for customer in CUSTOMERS {
        credits.set_limit(merchant, customer, PRODUCT, euros(LIMIT)).await?;
    }
    Ok(())
}

/// One endpoint in four does not answer for an hour; the orders' own are one.
fn take_down(simulation: &Simulation, endpoints: &[(MerchantAccount, Endpoint)]) {
    for endpoint in endpoints.iter().map(|(_, endpoint)| endpoint.id.as_str()).chain([OWN_ENDPOINT]) {
        let mut world = simulation.shared.world();
        if world.rng.chance(250) {
            let from = world.now.plus(Duration::from_secs(world.rng.clone().below(600)));
            simulation.receivers.take_down(endpoint, from, from.plus(Duration::from_secs(3_600)));
        }
    }
}

/// What is done, in the order it is due.
struct Agenda {
    begin: Time,
    acts: BTreeMap<(Time, usize), Act>,
}

impl Agenda {
    fn add(&mut self, after_ms: u64, act: Act) {
        self.acts.insert((self.begin.plus(Duration::from_millis(after_ms)), self.acts.len()), act);
    }
}

fn plan(
    simulation: &Simulation,
    merchants: &[MerchantAccount],
    endpoints: usize,
) -> (BTreeMap<(Time, usize), Act>, Vec<Planned>) {
    let mut world = simulation.shared.world();
    let mut agenda = Agenda { begin: world.now, acts: BTreeMap::new() };
    let rng = &mut world.rng;
    let mut orders = Vec::new();
    for _ in 0..rng.index(3) {
        let planned = plan_alone(rng, &mut agenda, orders.len(), &merchants[0]);
        orders.push(planned);
    }
    if rng.chance(300) {
        let some = |rng: &mut Rng| rng.chance(700).then(|| rng.index(endpoints));
        agenda.add(rng.below(600_000), Act::TellAgain { endpoint: some(rng) });
        agenda.add(rng.below(600_000), Act::Test { endpoint: rng.index(endpoints) });
        agenda.add(rng.below(600_000), Act::Rotate { endpoint: some(rng) });
    }
    for _ in 0..rng.index(3) {
        let (merchant, customer) = (merchants[rng.index(merchants.len())].clone(), CUSTOMERS[rng.index(2)]);
        agenda.add(rng.below(300_000), Act::SetLimit { merchant, customer, limit: 1_000 + rng.below(12_000) });
    }
    for _ in 0..3 + rng.index(3) {
        let merchant = &merchants[rng.index(merchants.len())];
        let planned = plan_order(rng, &mut agenda, orders.len(), merchant);
        orders.push(planned);
    }
    (agenda.acts, orders)
}

/// A payment on its own, perhaps with the same idempotency key as another, and perhaps for another amount than that.
fn plan_alone(rng: &mut Rng, agenda: &mut Agenda, order: usize, merchant: &MerchantAccount) -> Planned {
    let paid = match rng.below(10) {
        0..3 => Paid::GiftCard(GIFT_CARDS[0]),
        3..6 => Paid::Credit(some_credit(rng)),
        _ => Paid::Card(rng.weighted(&CARDS)),
    };
    let (key, amount) = (10_000 + rng.below(3), 1 + rng.below(3_000));
    let opened_ms = rng.below(60_000);
    agenda.add(opened_ms, Act::Open { order });
    if rng.chance(500) {
        agenda.add(rng.below(120_000), Act::Open { order });
    }
    Planned {
        opening_key: Some(KeyPrint { key: key.to_be_bytes(), request: amount.to_be_bytes() }),
        asked: plan_operations(rng, agenda, order, opened_ms, &[ALONE.to_owned()]),
        ..Planned::new(merchant, amount, Opening::Alone(paid))
    }
}

fn plan_order(rng: &mut Rng, agenda: &mut Agenda, order: usize, merchant: &MerchantAccount) -> Planned {
    let amount = 1_000 + rng.below(9_000);
    let lifetime_s = if rng.chance(300) { 20 + rng.below(60) } else { 120 + rng.below(5_000) };
    let has_lines = rng.chance(500);
    let lines = has_lines.then(|| {
        let is_running = rng.chance(700);
        some_lines(rng, amount, is_running)
    });
    let is_purchase = lines.as_ref().is_some_and(|lines| !lines.is_running) && rng.chance(300);
    let session = match &lines {
        Some(_) if is_purchase => Some(Session { is_purchase, ..some_session(rng, order) }),
        Some(_) => None,
        None => rng.chance(450).then(|| some_session(rng, order)),
    };
    let number = 500_000 + u64::try_from(order).unwrap_or(0);
    let opening_key = rng.chance(400).then(|| KeyPrint { key: number.to_be_bytes(), request: number.to_be_bytes() });
    let opened_ms = rng.below(30_000);
    agenda.add(opened_ms, Act::Open { order });
    if opening_key.is_some() && rng.chance(600) {
        agenda.add(opened_ms + rng.below(10_000), Act::Open { order });
    }
    let count = 1 + rng.index(5);
    let mut payments = Vec::new();
    let within_ms = lifetime_s * 1_000 + 5_000;
    for payment in 0..count {
        let instrument = match rng.below(10) {
            0..3 => Paid::GiftCard(GIFT_CARDS[rng.index(GIFT_CARDS.len())]),
            3 => Paid::Ideal,
            4..6 => Paid::Credit(some_credit(rng)),
            _ => Paid::Card(rng.weighted(&CARDS)),
        };
        // Often what is left, which the shopper's page would ask for.
        let amount = if rng.chance(500) { amount } else { 1 + rng.below(amount) };
        payments.push(PlannedPayment { amount, instrument });
        let at = opened_ms + if rng.chance(700) { rng.below(20_000) } else { rng.below(within_ms) };
        agenda.add(at, Act::Pay { order, payment });
        if rng.chance(300) {
            agenda.add(at + rng.below(10_000), Act::Pay { order, payment });
        }
        if rng.chance(600) {
            let choice = if rng.chance(700) { Choice::Approve } else { Choice::Refuse };
            agenda.add(at + rng.below(60_000), Act::Choose { order, choice });
        }
    }
    if rng.chance(250) {
        agenda.add(opened_ms + rng.below(60_000), Act::Cancel { order });
    }
    agenda.add(opened_ms + rng.below(100_000), Act::Look { order });
    let references = (0..count).map(payment_reference).collect::<Vec<_>>();
    let changes = if has_lines { plan_changes(rng, &mut *agenda, order, opened_ms) } else { Vec::new() };
    Planned {
        opening_key,
        payments,
        changes,
        asked: plan_operations(rng, agenda, order, opened_ms, &references),
        ..Planned::new(merchant, amount, Opening::Parts { lifetime: Duration::from_secs(lifetime_s), session, lines })
    }
}

fn some_credit(rng: &mut Rng) -> Credit {
    let proved = match rng.below(4) {
        0 => Proved::Not,
        1 => Proved::ByCodeOfAnother,
        _ => Proved::ByCode,
    };
    Credit { customer: CUSTOMERS[rng.index(CUSTOMERS.len())], is_in_instalments: rng.chance(500), proved }
}

/// A client session: mostly with a webhook of its own, and mostly captured by itself.
fn some_session(rng: &mut Rng, order: usize) -> Session {
    let capture = match rng.below(3) {
        0 => CaptureMode::Manual,
        1 => CaptureMode::Automatic { delay_s: 0 },
        _ => CaptureMode::Automatic { delay_s: 1 + rng.below(600) },
    };
    let number = HeaderText::Number(i64::try_from(order).unwrap_or(0));
    let header = OwnHeader { name: "x-session".to_owned(), values: vec![number] };
    let webhook =
        OwnWebhook { url: "https://shop.example/own".to_owned(), headers: vec![header], format: OwnFormat::Payments };
    Session { capture, webhook: rng.chance(850).then_some(webhook), is_purchase: false }
}

/// What is done with the lines of an order, each asked for once, or again.
fn plan_changes(rng: &mut Rng, agenda: &mut Agenda, order: usize, opened_ms: u64) -> Vec<Change> {
    let mut all = Vec::new();
    if rng.chance(600) {
        let mut at = opened_ms + 20_000;
        for kind in EXCHANGE {
            at += 1_000 + rng.below(10_000);
            agenda.add(at, Act::Change { order, change: all.len() });
            all.push(Change::of(kind, u64::try_from(order * 100 + all.len()).unwrap_or(0)));
        }
    }
    for _ in 0..4 + rng.index(10) {
        let change = Change::some(rng, u64::try_from(order * 100 + all.len()).unwrap_or(0));
        let within_ms = if rng.chance(600) { 60_000 } else { 600_000 };
        let mut at = opened_ms + 1_000 + rng.below(within_ms);
        agenda.add(at, Act::Change { order, change: all.len() });
        while rng.chance(300) {
            at += rng.below(15_000);
            agenda.add(at, Act::Change { order, change: all.len() });
        }
        all.push(change);
    }
    all
}

/// Operations, each asked for once, or again; and now and then another under the key of one before.
fn plan_operations(
    rng: &mut Rng,
    agenda: &mut Agenda,
    order: usize,
    opened_ms: u64,
    references: &[String],
) -> Vec<Asked> {
    let mut all = Vec::new();
    for _ in 0..rng.index(7) {
        let number = u64::try_from(order * 100 + all.len()).unwrap_or(0);
        let asked = Asked::some(rng, number, references);
        let within_ms = if rng.chance(800) { 120_000 } else { 900_000 };
        let mut at = opened_ms + 3_000 + rng.below(within_ms);
        agenda.add(at, Act::Ask { order, asked: all.len() });
        let again = if asked.key.is_some() { 400 } else { 100 };
        // Two at once that go by the merchant's own reference may mean two payments, if it has two: so whoever waits
        // for an answer waits until there can be none.
        let wait_ms = if asked.kind == OperationKind::TechnicalCancel { PATIENCE_MS } else { 0 };
        while rng.chance(again) {
            at += wait_ms + rng.below(15_000);
            agenda.add(at, Act::Ask { order, asked: all.len() });
        }
        let mistaken = asked.mistaken().filter(|_| rng.chance(70));
        all.push(asked);
        if let Some(mistaken) = mistaken {
            agenda.add(at + rng.below(5_000), Act::Ask { order, asked: all.len() });
            all.push(mistaken);
        }
    }
    all
}

/// The merchant's name for a payment of an order in parts: the same for the first payment of each, so that whoever
/// cancels by it may mean several.
fn payment_reference(payment: usize) -> String {
    format!("payment-{payment}")
}

/// Whole cents of the one currency there is here.
pub(crate) fn euros(minor: u64) -> Money {
    money("EUR", minor)
}

pub(crate) fn money(currency: &str, minor: u64) -> Money {
    let one = currency.parse().and_then(|currency| Money::try_new(currency, 1));
    // The currency is known and the amounts are small.
    one.map_or_else(|_| unreachable_money(currency), |one| one.with_minor(minor))
}

#[expect(clippy::panic, reason = "only currencies are named here")]
fn unreachable_money(currency: &str) -> Money {
    panic!("{currency} is no currency")
}

impl Planned {
    fn new(merchant: &MerchantAccount, amount: u64, opening: Opening) -> Self {
        Self {
            merchant: merchant.clone(),
            amount,
            opening,
            opening_key: None,
            key: None,
            view: None,
            payments: Vec::new(),
            answers: BTreeMap::new(),
            differing: Vec::new(),
            is_cancelled: false,
            asked: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// What was opened: the same on every try.
    fn opened(&mut self, key: OrderKey, view: ShopperView) {
        if self.key.as_ref().is_some_and(|known| *known != key) {
            self.differing.push(format!("opened as {:?}, then as {key:?}", self.key));
        }
        self.key = Some(key);
        self.view = Some(view);
    }
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
            if let Some((key, view)) = open(simulation, &planned(order), order).await {
                change(order, &|plan| plan.opened(key.clone(), view.clone()));
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
        Act::Change { order, change } => carts::ask(simulation, orders, order, change).await,
        Act::Ask { order, asked } => operations::ask(simulation, orders, order, asked).await,
        Act::Look { order } => {
            let Some(key) = planned(order).key else { return };
            if let Ok(known) = simulation.app.inspect(&key).await {
                change(order, &|plan| plan.view = Some(known.view()));
            }
        }
        Act::TellAgain { endpoint } => {
            let (merchant, endpoint) = named(endpoints, endpoint);
            let again = Again::Since { since: Time::default(), after: None };
            let _ = simulation.webhooks.send_again(merchant, endpoint, again).await;
        }
        Act::Test { endpoint } => {
            let (merchant, endpoint) = &endpoints[endpoint];
            let _ = simulation.webhooks.test(merchant, &endpoint.id).await;
        }
        Act::SetLimit { merchant, customer, limit } => {
            let _ = simulation.credits.set_limit(&merchant, customer, PRODUCT, euros(limit)).await;
        }
        Act::Rotate { endpoint } => {
            let (merchant, endpoint) = named(endpoints, endpoint);
            let _ = simulation.webhooks.rotate(merchant, endpoint, None).await;
        }
    }
}

/// An endpoint by its place, or what stands for the orders' own webhooks.
fn named(endpoints: &[(MerchantAccount, Endpoint)], index: Option<usize>) -> (&MerchantAccount, &str) {
    match index {
        Some(index) => (&endpoints[index].0, &endpoints[index].1.id),
        None => (&endpoints[0].0, OWN_ENDPOINT),
    }
}

/// Opens an order, or makes a payment on its own.
async fn open(simulation: &Simulation, plan: &Planned, order: usize) -> Option<(OrderKey, ShopperView)> {
    let reference = format!("order-{order}");
    let terms = OrderTerms {
        key: plan.opening_key,
        ..OrderTerms::new(plan.merchant.clone(), reference, euros(plan.amount), 1)
    };
    match &plan.opening {
        Opening::Parts { lifetime, session, lines } => {
            let is_running = lines.as_ref().is_some_and(|lines| lines.is_running);
            let lifetime = if is_running { ORDER_LIFETIME_MAX } else { *lifetime };
            let expires_at = Some(simulation.app.streams.now().plus(lifetime));
            let details = session.as_ref().map(|_| "{}".to_owned());
            let terms = OrderTerms { expires_at, session: session.clone(), lines: lines.clone(), details, ..terms };
            let Opened { key, order, .. } = simulation.app.open(terms).await.ok()?;
            Some((key, order.view()))
        }
        Opening::Alone(paid) => {
            let number = 1_000_000 + u64::try_from(order).unwrap_or(0);
            let instrument = instrument(simulation, &plan.merchant, *paid, plan.amount, number).await;
            let payment = new_payment(instrument, plan.amount, ALONE, plan.opening_key?, None);
            let answered = simulation.app.pay_single(terms, payment).await.ok()?;
            Some((answered.key, answered.order.view()))
        }
    }
}

/// What is paid with. Who spends credit authenticates first; `number` tells the payment from all others.
async fn instrument(
    simulation: &Simulation,
    merchant: &MerchantAccount,
    paid: Paid,
    amount: u64,
    number: u64,
) -> Instrument {
    let Credit { customer, is_in_instalments, proved } = match paid {
        Paid::Card(number) => return Instrument::Card { number: number.into() },
        Paid::GiftCard(number) => {
            return Instrument::GiftCard { brand: "givex".to_owned(), number: number.into(), code: Some(CODE.into()) };
        }
        Paid::Ideal => return Instrument::Ideal,
        Paid::Credit(credit) => credit,
    };
    let credits = &simulation.credits;
    let option = is_in_instalments.then(|| credits.option_id(merchant, customer, PRODUCT, &offer()));
    let number = match proved {
        Proved::Not => return Instrument::Credit { customer: customer.to_owned(), option, proof: None },
        Proved::ByCode => number,
        // One for each amount of a thousand or so: some meet.
        Proved::ByCodeOfAnother => 2_000_000 + amount / 1_000,
    };
    let amount = euros(amount);
    let challenge = OrderId::from_entropy(u128::from(number).to_be_bytes()).reference();
    let expires_at = BEGINNING.plus(Duration::from_secs(900));
    let proof = Proof { challenge, amount, is_exempt: false, expires_at };
    let code = credits.one_time_code(merchant, customer, challenge);
    if number % WRONG_CODES == 0 {
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let _ = credits.give_code(merchant, customer, &proof, wrong).await;
    }
    let _ = credits.give_code(merchant, customer, &proof, &code).await;
    Instrument::Credit { customer: customer.to_owned(), option, proof: Some(proof) }
}

fn new_payment(
    instrument: Instrument,
    amount: u64,
    reference: &str,
    key: KeyPrint,
    act_by: Option<Time>,
) -> NewPayment {
    NewPayment {
        amount: euros(amount),
        reference: reference.to_owned(),
        instrument,
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
    let new = async |amount| {
        let instrument = instrument(simulation, &key.merchant, planned.instrument, amount, number).await;
        new_payment(instrument, amount, &payment_reference(payment), print, act_by)
    };
    let answered = match simulation.app.pay(key.clone(), view, new(amount).await).await {
        Err(Error::Refused(domain::order::Refusal::Stale { .. } | domain::order::Refusal::ExceedsRemaining { .. })) => {
            // A shop's page would look again.
            let known: Order = simulation.app.find(&key).await.ok()?;
            let amount = amount.min(known.remaining.max(1));
            let payment = new(amount).await;
            simulation.app.pay(key.clone(), known.view(), payment).await
        }
        answered => answered,
    };
    let answered = answered.ok()?;
    Some((answered.payment.version, answered.payment.resolution.clone(), answered.order.view()))
}
