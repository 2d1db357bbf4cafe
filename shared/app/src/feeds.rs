//! Telling endpoints of changes: what deliver-webhook does.
//!
//! A job only says where something may have to be told. What is told is read from the order's log, from the
//! place on that the feed remembers: so a job may come twice, late, or after a crash, and an order's changes
//! still reach an endpoint in their order, none left out.

use std::{sync::Arc, time::Duration};

use domain::{
    MerchantAccount, Order, OrderId, Time, Version,
    feed::{Feed, FeedEvent, Report, Tried},
    order::{Change, ChangeId, Format, Position, changes},
    webhook::{Disabled, DisabledReason, Endpoint, OWN_ENDPOINT},
};

use crate::{
    Details, OrderKey, StoreError, StreamId, Streams,
    lookups::details,
    metrics::{Measure, Meter, no_meter, note},
    ports::{Content, Courier, Deliver, Parcel},
    streams::{History, Loaded},
    webhooks::{WebhookError, Webhooks},
};

/// Deliveries that one job makes before it leaves the rest to the next: a bound on how long it runs.
pub const DELIVERIES_PER_JOB_MAX: u8 = 4;

/// How much later than due a job looks at a feed that another job works on: longer than an attempt may take.
pub const STAND_BACK: Duration = Duration::from_secs(15);

/// Stretches of an order's log that one job reads to find what is told next.
const STRETCHES_PER_JOB_MAX: u16 = 1_100;

const KIND: &str = "feed";
const TEST: &str = "test";

/// Which feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeedName {
    pub(crate) merchant: MerchantAccount,
    pub(crate) endpoint: String,
    /// None for the endpoint's tests.
    pub(crate) order: Option<OrderId>,
}

impl FeedName {
    pub(crate) fn stream(&self) -> StreamId {
        let order = self.order.map_or_else(|| TEST.to_owned(), |order| order.to_string());
        StreamId::owned(&self.merchant, KIND, &format!("{}-{order}", self.endpoint))
    }

    /// The feed that a stream is, if it is one.
    pub(crate) fn of(stream: &StreamId) -> Option<Self> {
        let (merchant, name) = stream.as_owned(KIND)?;
        let (endpoint, order) = name.split_once('-')?;
        let order = match order {
            TEST => None,
            order => Some(StreamId::from_stored(format!("{merchant}/{order}")).as_order()?.id),
        };
        Some(Self { merchant, endpoint: endpoint.to_owned(), order })
    }

    /// What the event at a place is called.
    pub(crate) fn event(&self, position: Position) -> String {
        match self.order {
            Some(order) => ChangeId { order, position }.to_string(),
            None => test_id(&self.endpoint, position.version),
        }
    }

    pub(crate) fn job(&self) -> Deliver {
        Deliver {
            merchant: self.merchant.clone(),
            endpoint: self.endpoint.clone(),
            order: self.order.map(OrderId::reference),
        }
    }
}

/// What a test is called.
#[must_use]
pub fn test_id(endpoint: &str, version: Version) -> String {
    format!("evt_test_{endpoint}_{version}")
}

/// What a test is named as, in a format.
fn test_name(format: Format) -> &'static str {
    match format {
        Format::Checkout => "TEST",
        Format::Tender | Format::Payments => "test",
    }
}

/// The list of all attempts to tell an endpoint something.
pub(crate) fn list(merchant: &MerchantAccount, endpoint: &str) -> String {
    format!("{merchant}/{KIND}-{endpoint}")
}

/// Tells endpoints.
#[derive(Clone)]
pub struct Deliveries {
    streams: Streams,
    webhooks: Webhooks,
    courier: Arc<dyn Courier>,
    stand_back: Duration,
    meter: Arc<dyn Meter>,
}

/// What is to be told next.
enum Next {
    /// This, now.
    Tell(Option<Box<Change>>, Position),
    /// Nothing before then.
    Wait(Time),
    /// Nothing.
    Nothing,
}

impl Deliveries {
    /// Deliveries by a courier.
    #[must_use]
    pub fn new(streams: Streams, webhooks: Webhooks, courier: Arc<dyn Courier>) -> Self {
        Self { streams, webhooks, courier, stand_back: Duration::ZERO, meter: no_meter() }
    }

    /// The same, counted by `meter`.
    #[must_use]
    pub fn with_meter(self, meter: Arc<dyn Meter>) -> Self {
        Self { meter, ..self }
    }

    /// The same, where there may be several jobs for one feed: one that finds that another has made the last
    /// attempt looks again only when that one has had the time to make the next. So a dead endpoint is not
    /// tried once for each change that waits for it.
    #[must_use]
    pub fn beside_others(self) -> Self {
        Self { stand_back: STAND_BACK, ..self }
    }

    /// Does a job of deliver-webhook: tells an endpoint what it has not been told of an order. Returns when to
    /// do the job again, if something is left.
    ///
    /// # Errors
    /// Failures that may pass: the job is to be done again.
    pub async fn deliver(&self, job: &Deliver) -> Result<Option<Time>, WebhookError> {
        let order = job.order.map(domain::Reference::order);
        if let Some(id) = order {
            note(&OrderKey { merchant: job.merchant.clone(), id });
        }
        let name = FeedName { merchant: job.merchant.clone(), endpoint: job.endpoint.clone(), order };
        let mut is_own = false;
        for _ in 0..DELIVERIES_PER_JOB_MAX {
            let base: Option<Loaded<Feed>> = self.streams.load(&name.stream(), None).await?;
            let feed = base.as_ref().map(|base| base.state.clone()).unwrap_or_default();
            let endpoint = match self.endpoint(&name, &feed).await {
                Ok(endpoint) => endpoint,
                Err(WebhookError::NotFound) => return Ok(None),
                Err(error) => return Err(error),
            };
            let (change, position) = match self.next(&name, &endpoint, &feed).await? {
                Next::Tell(change, position) => (change, position),
                Next::Wait(until) if is_own => return Ok(Some(until)),
                // Somebody else made the last attempt, and will make the next.
                Next::Wait(until) => return Ok(Some(until.plus(self.stand_back))),
                Next::Nothing => return Ok(None),
            };
            let id = name.event(position);
            let tried = match &change {
                Some(change) => Tried {
                    position,
                    name: change.name(endpoint.format),
                    sequence: change.sequence(endpoint.format),
                    id: &id,
                },
                None => Tried { position, name: test_name(endpoint.format), sequence: 0, id: &id },
            };
            is_own |= if endpoint.disabled.is_some() {
                // What is next may wait for its time beside what is withheld; that must not be forgotten.
                let Some(withheld) = feed.withheld(tried) else {
                    return Ok(feed.waits_until(self.streams.now()).filter(|_| name.order.is_some()));
                };
                self.record(&name, base, tried.position, &|_| withheld.clone()).await?
            } else {
                let details = self.details(&name, &endpoint, change.as_deref()).await?;
                let content = match (&change, &details) {
                    (Some(change), Some((key, details))) => Content::Change { key, change, details },
                    (None, _) | (_, None) => Content::Test,
                };
                let report = self.send(&name, &endpoint, &feed, tried, content).await;
                let outcome = if report.is_acknowledged() { "delivered" } else { "failed" };
                self.meter.count(&[Measure::WebhookAttempt { outcome }]);
                // An order's own webhook has no list it could be disabled in: that it is gone, its feed remembers.
                if report.is_gone() && name.endpoint != OWN_ENDPOINT {
                    self.webhooks.disable(&name.merchant, &name.endpoint, DisabledReason::Gone).await?;
                }
                let now = self.streams.now();
                self.record(&name, base, tried.position, &|feed| feed.attempted(tried, &report, now)).await?
            };
            // What was withheld is looked at once more: the endpoint may have been enabled in the meantime.
        }
        Ok(Some(self.streams.now()))
    }

    /// The endpoint of a feed: one of the merchant's, or what the order itself says.
    async fn endpoint(&self, name: &FeedName, feed: &Feed) -> Result<Endpoint, WebhookError> {
        let endpoint = self.webhooks.endpoint(&name.merchant, &name.endpoint).await?;
        let Some(id) = name.order.filter(|_| name.endpoint == OWN_ENDPOINT) else { return Ok(endpoint) };
        let key = OrderKey { merchant: name.merchant.clone(), id };
        let order = self.streams.load::<Order>(&key.stream(), None).await?;
        let order = order.ok_or(WebhookError::NotFound)?.state;
        let own = order.own_webhook().ok_or(WebhookError::NotFound)?;
        let gone = Disabled { at: order.opened_at, reason: DisabledReason::Gone };
        Ok(Endpoint { url: own.url.clone(), disabled: feed.is_withheld().then_some(gone), ..endpoint })
    }

    /// The order that a change is of, and what its merchant told about its operations, if that is told.
    async fn details(
        &self,
        name: &FeedName,
        endpoint: &Endpoint,
        change: Option<&Change>,
    ) -> Result<Option<(OrderKey, Details)>, StoreError> {
        let (Some(id), Some(change)) = (name.order, change) else { return Ok(None) };
        let key = OrderKey { merchant: name.merchant.clone(), id };
        let details = match endpoint.format {
            Format::Payments => details(&self.streams, &key, &change.order).await?,
            Format::Checkout | Format::Tender => Details::new(),
        };
        Ok(Some((key, details)))
    }

    /// Puts on record what came of an attempt, unless somebody else has made the same one meanwhile. What else
    /// was asked of the feed in the meantime does not matter. Returns whether it is on record.
    async fn record(
        &self,
        name: &FeedName,
        mut base: Option<Loaded<Feed>>,
        position: Position,
        event: &(dyn Fn(&Feed) -> FeedEvent + Send + Sync),
    ) -> Result<bool, WebhookError> {
        let stream = name.stream();
        let before = base.as_ref().map(|base| base.state.clone()).unwrap_or_default();
        for _ in 0..crate::DECIDE_ATTEMPTS_MAX {
            let feed = base.as_ref().map(|base| base.state.clone()).unwrap_or_default();
            if !feed.stands_as(&before, position) {
                return Ok(false);
            }
            let list = Some(list(&name.merchant, &name.endpoint));
            match self.streams.append_listed(&stream, base, &[event(&feed)], list).await {
                Ok(_) => return Ok(true),
                Err(StoreError::Conflict) => base = self.streams.load(&stream, None).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    async fn send(
        &self,
        name: &FeedName,
        endpoint: &Endpoint,
        feed: &Feed,
        tried: Tried<'_>,
        content: Content<'_>,
    ) -> Report {
        let at = self.streams.now();
        let (generation, previous) = endpoint.generations(at);
        let keys = |generation| self.webhooks.keys(&name.merchant, endpoint, generation);
        let parcel = Parcel {
            merchant: &name.merchant,
            endpoint,
            id: tried.id,
            content,
            keys: keys(generation),
            previous_keys: previous.map(keys),
            tries: feed.progress(tried.position).tries.saturating_add(1),
            at,
        };
        self.courier.deliver(parcel).await
    }

    /// What is next: what has not been told, in its order; and beside that, what is to be told again.
    async fn next(&self, name: &FeedName, endpoint: &Endpoint, feed: &Feed) -> Result<Next, WebhookError> {
        let now = self.streams.now();
        let mut wait = None;
        if let Some(order) = name.order {
            let key = OrderKey { merchant: name.merchant.clone(), id: order };
            let progress = &feed.progress;
            if progress.tries > 0 && now < progress.due {
                wait = Some(progress.due);
            } else if let Some(change) = self.next_change(&key, endpoint, feed.next).await? {
                let position = change.position;
                return Ok(Next::Tell(Some(Box::new(change)), position));
            }
        }
        let Some(again) = feed.next_again() else { return Ok(wait.map_or(Next::Nothing, Next::Wait)) };
        if now < again.progress.due {
            return Ok(Next::Wait(wait.unwrap_or(again.progress.due).min(again.progress.due)));
        }
        let change = match name.order {
            Some(id) => {
                let key = OrderKey { merchant: name.merchant.clone(), id };
                change_at(&self.streams, &key, again.position).await?.map(Box::new)
            }
            None => None,
        };
        Ok(Next::Tell(change, again.position))
    }

    /// The first change from `from` on that the endpoint is told of.
    async fn next_change(
        &self,
        key: &OrderKey,
        endpoint: &Endpoint,
        from: Position,
    ) -> Result<Option<Change>, StoreError> {
        let mut version = from.version;
        for _ in 0..STRETCHES_PER_JOB_MAX {
            let History { steps, has_more } = self.streams.history::<Order>(&key.stream(), version).await?;
            let Some(last) = steps.last().map(|step| step.version) else { return Ok(None) };
            let found = steps
                .into_iter()
                .flat_map(|step| changes(step.before, &step.events, step.version, step.at))
                .find(|change| change.position >= from && is_told(endpoint, change));
            match (found, last.next()) {
                (None, Some(next)) if has_more => version = next,
                (found, _) => return Ok(found),
            }
        }
        Ok(None)
    }
}

/// Whether an endpoint is told of a change. An order that changes after the endpoint was created is told from
/// its beginning: half an order could not be put together, and clocks do not tell what came first.
pub(crate) fn is_told(endpoint: &Endpoint, change: &Change) -> bool {
    change.is_told(endpoint.format) && endpoint.wants(change.name(endpoint.format))
}

/// The change at a place in an order's log, if there is one.
pub(crate) async fn change_at(
    streams: &Streams,
    key: &OrderKey,
    position: Position,
) -> Result<Option<Change>, StoreError> {
    let History { steps, .. } = streams.history::<Order>(&key.stream(), position.version).await?;
    let step = steps.into_iter().find(|step| step.version == position.version);
    Ok(step.and_then(|step| {
        let changes = changes(step.before, &step.events, step.version, step.at);
        changes.into_iter().find(|change| change.position == position)
    }))
}
