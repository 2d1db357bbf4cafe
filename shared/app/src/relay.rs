//! What follows a commit. No use case writes to two places: it commits, and everything else is a pure
//! function of the commit, carried out here, at least once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{
    MerchantAccount, Time, Version,
    attention::AttentionEvent,
    feed::FeedEvent,
    limits::{ASK_AGAIN_AFTER, AUTHORISE_DEADLINE},
    order::{Format, LegResult, OrderEvent, OrderKind, Resolution},
    webhook::{Endpoint, OWN_ENDPOINT},
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{
    OrderKey, StoreError, StreamId, Webhooks, attention,
    driver::PARTNER_CALL_MAX,
    feeds::FeedName,
    ports::{Bus, BusEvent, Commit, Deliver, Job, Queue, Scheduled, Timers, Work},
};

/// Timers of one batch that are set or cleared at the same time.
pub const TIMERS_AT_ONCE: usize = 64;

/// When what is to be done at once is due, whatever the clocks say.
const AT_ONCE: Time = Time::from_unix_ms(0);

/// What follows a commit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Consequences {
    /// The order's work is to be looked at then.
    pub wake: Option<Wake>,
    /// Payments whose result came as hoped, so that nobody has to look after them.
    pub settled: Vec<Version>,
    /// What becomes of the order's timer.
    pub timer: Option<Timer>,
    /// In which formats there is something to tell the merchant's endpoints.
    pub told: Vec<Format>,
    /// A delivery that was asked for.
    pub deliver: Option<Deliver>,
    /// For the bus.
    pub bus: Vec<BusEvent>,
}

/// When to look at an order's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wake {
    /// When.
    pub at: Time,
    /// Unless this payment's result has come by then.
    pub unless_settled: Option<Version>,
}

/// What becomes of an order's timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// It is set.
    Set(Time),
    /// It is not needed any more.
    Clear,
}

/// A commit that cannot be read: it is set aside, so that those after it are not kept waiting.
#[derive(Debug, thiserror::Error)]
#[error("commit {version} of {stream} cannot be read: {source}")]
pub struct Unreadable {
    /// The stream.
    pub stream: StreamId,
    /// The version.
    pub version: Version,
    /// Why.
    pub source: serde_json::Error,
}

/// What follows a commit: a pure function.
///
/// # Errors
/// [`Unreadable`].
pub fn consequences(commit: &Commit) -> Result<Consequences, Unreadable> {
    let unreadable = |source| Unreadable { stream: commit.stream.clone(), version: commit.version, source };
    if let Some(key) = commit.stream.as_order() {
        let events = serde_json::from_str::<Vec<OrderEvent>>(&commit.events).map_err(unreadable)?;
        return Ok(of_order(&key, commit, &events));
    }
    if let Some(name) = FeedName::of(&commit.stream) {
        let events = serde_json::from_str::<Vec<FeedEvent>>(&commit.events).map_err(unreadable)?;
        let is_asked = events.iter().any(|event| match event {
            FeedEvent::AskedAgain { .. } | FeedEvent::TestAsked | FeedEvent::Woken => true,
            // Whoever made the attempt sees to the next.
            FeedEvent::Attempted { .. } => false,
        });
        return Ok(Consequences { deliver: is_asked.then(|| name.job()), ..Consequences::default() });
    }
    if attention::order_of(&commit.stream).is_some() {
        let events = serde_json::from_str::<Vec<AttentionEvent>>(&commit.events).map_err(unreadable)?;
        let is_asked = events.contains(&AttentionEvent::RetryAsked);
        let wake = is_asked.then_some(Wake { at: AT_ONCE, unless_settled: None });
        return Ok(Consequences { wake, ..Consequences::default() });
    }
    Ok(Consequences::default())
}

/// Whether something follows a commit, or would if it could be read: whether the relay needs to see it.
#[must_use]
pub fn is_followed(commit: &Commit) -> bool {
    consequences(commit).map_or(true, |consequences| consequences != Consequences::default())
}

fn of_order(key: &OrderKey, commit: &Commit, events: &[OrderEvent]) -> Consequences {
    let mut all = Consequences::default();
    for event in events {
        all.wake = earlier(all.wake, wake(event, commit.version, commit.at));
        match event {
            OrderEvent::Opened { expires_at, kind: OrderKind::Parts, .. } => all.timer = Some(Timer::Set(*expires_at)),
            OrderEvent::Closed { .. } => all.timer = Some(Timer::Clear),
            OrderEvent::PaymentResolved { payment, resolution: Resolution::Authorised } => all.settled.push(*payment),
            OrderEvent::Opened { .. }
            | OrderEvent::PaymentReserved { .. }
            | OrderEvent::PaymentResolved { .. }
            | OrderEvent::ShopperTimedOut { .. }
            | OrderEvent::OperationRequested { .. }
            | OrderEvent::OperationRefused { .. }
            | OrderEvent::LegResolved { .. }
            | OrderEvent::Revised { .. }
            | OrderEvent::Appended { .. }
            | OrderEvent::LinesRecorded { .. }
            | OrderEvent::Reopened { .. }
            | OrderEvent::CancellationRequested { .. }
            | OrderEvent::Answered { .. }
            | OrderEvent::AmountsChanged => {}
        }
    }
    let told = [
        (Format::Checkout, events.iter().any(OrderEvent::may_have_topic)),
        (Format::Tender, events.iter().any(OrderEvent::is_change)),
        (Format::Payments, events.contains(&OrderEvent::AmountsChanged)),
    ];
    all.told = told.into_iter().filter(|(_, is_told)| *is_told).map(|(format, _)| format).collect();
    all.bus = events.iter().zip(0_u16..).filter_map(|(event, index)| on_bus(key, commit, event, index)).collect();
    all
}

/// When the work that an event leaves is to be looked at, if it leaves any.
fn wake(event: &OrderEvent, version: Version, at: Time) -> Option<Wake> {
    let wake = |at, unless_settled| Some(Wake { at, unless_settled });
    match event {
        OrderEvent::Opened { .. }
        | OrderEvent::Answered { .. }
        | OrderEvent::OperationRefused { .. }
        | OrderEvent::Revised { .. }
        | OrderEvent::Appended { .. }
        | OrderEvent::LinesRecorded { .. }
        | OrderEvent::Reopened { .. }
        | OrderEvent::AmountsChanged => None,
        OrderEvent::Closed { capture_at, .. } => capture_at.and_then(|at| wake(at, None)),
        // Whoever reserved it calls the partner; this is for the case that it dies.
        OrderEvent::PaymentReserved { .. } => wake(at.plus(AUTHORISE_DEADLINE), Some(version)),
        OrderEvent::PaymentResolved { resolution, .. } => match resolution {
            Resolution::Pending | Resolution::AwaitingShopper { .. } | Resolution::Uncertain => {
                wake(at.plus(ASK_AGAIN_AFTER), None)
            }
            Resolution::Authorised | Resolution::Refused { .. } | Resolution::Cancelled { .. } | Resolution::Failed => {
                None
            }
        },
        OrderEvent::LegResolved { result, .. } => match result {
            LegResult::Pending | LegResult::Uncertain => wake(at.plus(ASK_AGAIN_AFTER), None),
            LegResult::Done | LegResult::Declined { .. } => None,
        },
        // Whoever asked may be calling the partner.
        OrderEvent::OperationRequested { is_release: false, is_deferred: false, .. } => {
            wake(at.plus(PARTNER_CALL_MAX), None)
        }
        OrderEvent::OperationRequested { .. }
        | OrderEvent::CancellationRequested { .. }
        | OrderEvent::ShopperTimedOut { .. } => wake(AT_ONCE, None),
    }
}

fn earlier(one: Option<Wake>, other: Option<Wake>) -> Option<Wake> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other.at < one.at { other } else { one }),
        (one, other) => one.or(other),
    }
}

/// An event for the bus: what is stored of it, without the fingerprints of keys, the partner's token, what only the
/// merchant and its own webhook are to know, and the lines, which may be more than the bus takes.
fn on_bus(key: &OrderKey, commit: &Commit, event: &OrderEvent, index: u16) -> Option<BusEvent> {
    let mut event = serde_json::to_value(event).ok().filter(|_| event.is_change())?;
    let fields = event.as_object_mut()?;
    for private in ["key", "token", "token_key", "session", "cart", "sheet", "details", "explanation"] {
        fields.remove(private);
    }
    let kind = fields.remove("type").as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    let detail = json!({
        "merchantAccount": key.merchant,
        "order": key.id.reference(),
        "version": commit.version,
        "index": index,
        "event": event,
    });
    Some(BusEvent { kind, detail: detail.to_string(), at: commit.at })
}

/// Carries out what follows commits.
#[derive(Clone)]
pub struct Relay {
    webhooks: Webhooks,
    queue: Arc<dyn Queue>,
    timers: Arc<dyn Timers>,
    bus: Arc<dyn Bus>,
}

/// What follows a batch of commits, together.
#[derive(Debug, Default)]
struct Batch {
    wakes: BTreeMap<String, (OrderKey, Vec<Wake>)>,
    settled: BTreeSet<(String, Version)>,
    timers: BTreeMap<String, (OrderKey, Timer)>,
    told: BTreeMap<(MerchantAccount, String), (OrderKey, BTreeSet<&'static str>)>,
    delivers: Vec<Deliver>,
    bus: Vec<BusEvent>,
}

impl Relay {
    /// A relay to these.
    #[must_use]
    pub fn new(webhooks: Webhooks, queue: Arc<dyn Queue>, timers: Arc<dyn Timers>, bus: Arc<dyn Bus>) -> Self {
        Self { webhooks, queue, timers, bus }
    }

    /// Carries out what follows some commits, given in the order they were made. What cancels out among them
    /// is left out: an order that was opened and closed needs no timer.
    ///
    /// # Errors
    /// A port's. Then the same commits are to be given again.
    pub async fn carry_out(&self, commits: &[(Commit, Consequences)]) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for (commit, consequences) in commits {
            batch.add(commit, consequences);
        }
        // One that fails does not keep the others from being done; then all of it comes again.
        let (timers, jobs, bus) = (self.set(&batch).await, self.send(&batch).await, self.put(&batch).await);
        timers.and(jobs).and(bus)
    }

    async fn set(&self, batch: &Batch) -> Result<(), StoreError> {
        let timers = batch.timers.values().map(|(order, timer)| match timer {
            Timer::Set(at) => self.timers.set(order, *at),
            Timer::Clear => self.timers.clear(order),
        });
        let done = stream::iter(timers.collect::<Vec<_>>()).buffer_unordered(TIMERS_AT_ONCE).collect::<Vec<_>>().await;
        done.into_iter().collect()
    }

    async fn send(&self, batch: &Batch) -> Result<(), StoreError> {
        let jobs = self.jobs(batch).await?;
        if jobs.is_empty() { Ok(()) } else { self.queue.send(&jobs).await }
    }

    async fn put(&self, batch: &Batch) -> Result<(), StoreError> {
        if batch.bus.is_empty() { Ok(()) } else { self.bus.put(&batch.bus).await }
    }

    async fn jobs(&self, batch: &Batch) -> Result<Vec<Scheduled>, StoreError> {
        let mut jobs = batch.wakes();
        let mut endpoints = BTreeMap::<&MerchantAccount, Vec<Endpoint>>::new();
        for ((merchant, _), (key, formats)) in &batch.told {
            if !endpoints.contains_key(merchant) {
                let known = match self.webhooks.endpoints(merchant).await {
                    // What one merchant's stream holds must not keep all others waiting.
                    Err(StoreError::Corrupt(fault)) => {
                        tracing::error!(%merchant, fault, "a merchant account's endpoints cannot be read");
                        Vec::new()
                    }
                    known => known?,
                };
                endpoints.insert(merchant, known);
            }
            if formats.contains(name(Format::Payments)) {
                let order = Some(key.id.reference());
                let own = Deliver { merchant: merchant.clone(), endpoint: OWN_ENDPOINT.to_owned(), order };
                jobs.push(Scheduled { job: Job::Deliver(own), due: AT_ONCE });
            }
            let told = endpoints.get(merchant).into_iter().flatten();
            jobs.extend(told.filter(|endpoint| formats.contains(name(endpoint.format))).map(|endpoint| {
                let deliver = Deliver {
                    merchant: merchant.clone(),
                    endpoint: endpoint.id.clone(),
                    order: Some(key.id.reference()),
                };
                Scheduled { job: Job::Deliver(deliver), due: AT_ONCE }
            }));
        }
        let delivers = batch.delivers.iter();
        jobs.extend(delivers.map(|deliver| Scheduled { job: Job::Deliver(deliver.clone()), due: AT_ONCE }));
        Ok(jobs)
    }
}

fn name(format: Format) -> &'static str {
    match format {
        Format::Checkout => "checkout",
        Format::Tender => "tender",
        Format::Payments => "payments",
    }
}

impl Batch {
    fn add(&mut self, commit: &Commit, consequences: &Consequences) {
        let Consequences { wake, settled, timer, told, deliver, bus } = consequences;
        self.delivers.extend(deliver.clone());
        self.bus.extend(bus.iter().cloned());
        let Some(key) = commit.stream.as_order().or_else(|| attention::order_of(&commit.stream)) else { return };
        let order = key.stream().as_str().to_owned();
        if let Some(wake) = wake {
            self.wakes.entry(order.clone()).or_insert_with(|| (key.clone(), Vec::new())).1.push(*wake);
        }
        self.settled.extend(settled.iter().map(|payment| (order.clone(), *payment)));
        match (timer, self.timers.get(&order)) {
            (Some(Timer::Clear), Some((_, Timer::Set(_)))) => {
                self.timers.remove(&order);
            }
            (Some(timer), _) => {
                self.timers.insert(order.clone(), (key.clone(), *timer));
            }
            (None, _) => {}
        }
        if !told.is_empty() {
            let entry = (key.clone(), BTreeSet::new());
            let (_, formats) = self.told.entry((key.merchant, order)).or_insert(entry);
            formats.extend(told.iter().map(|format| name(*format)));
        }
    }

    fn wakes(&self) -> Vec<Scheduled> {
        let is_needed = |order: &String, wake: &&Wake| {
            wake.unless_settled.is_none_or(|payment| !self.settled.contains(&(order.clone(), payment)))
        };
        let first = |(order, (key, wakes)): (&String, &(OrderKey, Vec<Wake>))| {
            let due = wakes.iter().filter(|wake| is_needed(order, wake)).map(|wake| wake.at).min()?;
            let work = Work { merchant: key.merchant.clone(), order: key.id.reference(), tries: 0 };
            Some(Scheduled { job: Job::Work(work), due })
        };
        self.wakes.iter().filter_map(first).collect()
    }
}
