//! Webhook endpoints: what an administrator does with them.

use std::sync::atomic::{AtomicUsize, Ordering};

use data_encoding::BASE32_NOPAD;
use domain::{
    MerchantAccount, Reference, Time, Version,
    feed::{Attempt, Feed, FeedEvent},
    limits::AGAIN_PER_FEED_MAX,
    order::{Change, ChangeId, Format, KeyPrint, Position},
    webhook::{Endpoint, EndpointEvent, Endpoints, OWN_ENDPOINT},
};
use serde::{Deserialize, Serialize};

use crate::{
    OrderKey, Prints, StoreError, StreamId, Streams,
    feeds::{self, FeedName},
    ports::{Commit, Page, Place, SigningKeys},
    streams::{ChangeError, Loaded},
};

/// The most attempts that one answer lists.
pub const DELIVERIES_PER_PAGE_MAX: u16 = 100;

/// The most attempts looked at for one request to send again.
pub const REDELIVERIES_LOOKED_AT_MAX: u16 = 1_000;

/// Use cases on webhook endpoints.
#[derive(Clone)]
pub struct Webhooks {
    streams: Streams,
    prints: Prints,
}

/// What an endpoint is created with.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// Where.
    pub url: String,
    /// In which words.
    pub format: Format,
    /// The names of what is to be told; empty for everything.
    pub events: Vec<String>,
    /// The idempotency key of the request.
    pub key: Option<KeyPrint>,
}

/// An attempt as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// When it ended.
    pub at: Time,
    /// What it told: the name that is the same on every try.
    pub event: String,
    /// The order, if it was no test.
    pub order: Option<domain::OrderId>,
    /// The attempt.
    pub attempt: Attempt,
}

/// Where a list of attempts was left off: a place in it without the names that every place in it shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOff {
    /// When the last attempt ended.
    at: Time,
    /// Of which order it was, if it was no test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<Reference>,
    /// Which commit of its feed it is.
    version: Version,
}

/// What is to be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// One event.
    Event(ChangeId),
    /// Everything that was tried since then, except what was told again already.
    Since {
        /// Since when.
        since: Time,
        /// Where the last answer left off.
        after: Option<LeftOff>,
    },
}

/// What came of asking for things to be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedAgain {
    /// Events that will be sent again, or that were still waiting and are tried now.
    pub events: usize,
    /// Where the list was left off because it is too long: ask again from there.
    pub left_off: Option<LeftOff>,
}

/// Why something was not done to an endpoint.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The merchant has no such endpoint, or it was never told of such an event.
    #[error("not found")]
    NotFound,
    /// The idempotency key came with another request before.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The merchant has as many endpoints as it may.
    #[error("the list is full")]
    Full,
    /// As much waits to be sent to the endpoint on request as may, or as much was sent.
    #[error("there is no room for another request to send something")]
    NoRoom,
    /// The endpoint is disabled.
    #[error("the endpoint is disabled")]
    Disabled,
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ChangeError<WebhookError>> for WebhookError {
    fn from(error: ChangeError<WebhookError>) -> Self {
        match error {
            ChangeError::Refused(error) => error,
            ChangeError::Store(error) => error.into(),
        }
    }
}

fn stream(merchant: &MerchantAccount) -> StreamId {
    StreamId::owned(merchant, "webhooks", "endpoints")
}

impl Webhooks {
    /// Endpoints kept in `streams`, with keys derived from the installation's.
    #[must_use]
    pub fn new(streams: Streams, prints: Prints) -> Self {
        Self { streams, prints }
    }

    /// Creates an endpoint. Its keys are told this once, and can be derived again to sign. With an idempotency
    /// key the same request finds the endpoint it created before, as it was then, for as long as that is there.
    ///
    /// # Errors
    /// [`WebhookError::Full`]; [`WebhookError::KeyReused`]; the store's.
    pub async fn create(
        &self,
        merchant: &MerchantAccount,
        new: NewEndpoint,
    ) -> Result<(Endpoint, SigningKeys), WebhookError> {
        let id = format!("we_{}", BASE32_NOPAD.encode(&self.streams.entropy::<10>()).to_lowercase());
        let NewEndpoint { url, format, events, key } = new;
        let created = EndpointEvent::EndpointCreated { id: id.clone(), url, format, events, key };
        let decide = |all: Option<&Endpoints>| match key.and_then(|key| all?.created_with(key)) {
            Some(known) if known.key == key => Ok(Vec::new()),
            Some(_) => Err(WebhookError::KeyReused),
            None if all.is_some_and(Endpoints::is_full) => Err(WebhookError::Full),
            None => Ok(vec![created.clone()]),
        };
        let all = self.streams.change(&stream(merchant), decide).await?.unwrap_or_default();
        let known = all.get(&id).or_else(|| all.created_with(key?).cloned()).ok_or(WebhookError::NotFound)?;
        let endpoint = Endpoint { generation: 0, rotated_at: None, disabled: None, ..known };
        let keys = self.keys(merchant, &endpoint, endpoint.generation);
        Ok((endpoint, keys))
    }

    /// A merchant's endpoints.
    ///
    /// # Errors
    /// The store's.
    pub async fn endpoints(&self, merchant: &MerchantAccount) -> Result<Vec<Endpoint>, StoreError> {
        Ok(self.all(merchant).await?.endpoints)
    }

    /// One of a merchant's endpoints.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`]; the store's.
    pub async fn endpoint(&self, merchant: &MerchantAccount, id: &str) -> Result<Endpoint, WebhookError> {
        self.all(merchant).await?.get(id).ok_or(WebhookError::NotFound)
    }

    async fn all(&self, merchant: &MerchantAccount) -> Result<Endpoints, StoreError> {
        let all = self.streams.load::<Endpoints>(&stream(merchant), None).await?;
        Ok(all.map(|all| all.state).unwrap_or_default())
    }

    /// Deletes an endpoint: it is told nothing more. Deleting it again changes nothing.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete(&self, merchant: &MerchantAccount, id: &str) -> Result<(), WebhookError> {
        match self.change(merchant, id, |_| Ok(Some(EndpointEvent::EndpointDeleted { id: id.to_owned() }))).await {
            Ok(_) | Err(WebhookError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// One of a merchant's endpoints, if it is told things.
    async fn active(&self, merchant: &MerchantAccount, id: &str) -> Result<Endpoint, WebhookError> {
        let endpoint = self.endpoint(merchant, id).await?;
        if endpoint.disabled.is_some() { Err(WebhookError::Disabled) } else { Ok(endpoint) }
    }

    /// Gives an endpoint new keys. Both sign for [`domain::limits::KEY_OVERLAP`]. The same request under the
    /// same idempotency key rotates once: a second rotation would end the overlap with the keys before.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`]; [`WebhookError::KeyReused`]; the store's.
    pub async fn rotate(
        &self,
        merchant: &MerchantAccount,
        id: &str,
        key: Option<KeyPrint>,
    ) -> Result<(Endpoint, SigningKeys), WebhookError> {
        let rotated = |endpoint: &Endpoint| match (key, endpoint.rotation_key) {
            (Some(key), Some(known)) if key == known => Ok(None),
            (Some(key), Some(known)) if key.key == known.key => Err(WebhookError::KeyReused),
            _ => Ok(Some(EndpointEvent::EndpointRotated { id: id.to_owned(), key })),
        };
        let endpoint = self.change(merchant, id, rotated).await?;
        let keys = self.keys(merchant, &endpoint, endpoint.generation);
        Ok((endpoint, keys))
    }

    /// Has an endpoint that was disabled told things again. What was withheld is sent when it is asked for
    /// with [`Webhooks::send_again`], or when its order changes.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`]; the store's.
    pub async fn enable(&self, merchant: &MerchantAccount, id: &str) -> Result<Endpoint, WebhookError> {
        let enabled = |endpoint: &Endpoint| {
            Ok(endpoint.disabled.is_some().then(|| EndpointEvent::EndpointEnabled { id: id.to_owned() }))
        };
        self.change(merchant, id, enabled).await
    }

    /// Sends an endpoint a test, in the background. Returns what the test is called.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`]; [`WebhookError::Disabled`]; [`WebhookError::NoRoom`]; the store's.
    pub async fn test(&self, merchant: &MerchantAccount, id: &str) -> Result<String, WebhookError> {
        // The webhook of an order's own has no URL but in its order.
        if id == OWN_ENDPOINT {
            return Err(WebhookError::NotFound);
        }
        self.active(merchant, id).await?;
        let name = FeedName { merchant: merchant.clone(), endpoint: id.to_owned(), order: None };
        let ask = |feed: &Feed| {
            let has_room = feed.again.len() < AGAIN_PER_FEED_MAX;
            if has_room { vec![FeedEvent::TestAsked] } else { Vec::new() }
        };
        let version = self.append(&name, ask).await?.ok_or(WebhookError::NoRoom)?;
        Ok(feeds::test_id(id, version))
    }

    /// The attempts made to tell an endpoint something, newest first, and where to go on.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`]; the store's.
    pub async fn deliveries(
        &self,
        merchant: &MerchantAccount,
        id: &str,
        after: Option<LeftOff>,
        limit: u16,
    ) -> Result<(Vec<Listed>, Option<LeftOff>), WebhookError> {
        self.endpoint(merchant, id).await?;
        let after = after.map(|left_off| left_off.place(merchant, id));
        let limit = limit.clamp(1, DELIVERIES_PER_PAGE_MAX);
        let page = Page { since: Time::default(), newest_first: true, after, limit };
        let commits = self.streams.list(&feeds::list(merchant, id), &page).await?;
        let next = left_off(&commits, limit);
        Ok((commits.iter().map(listed).collect::<Result<Vec<_>, _>>()?.concat(), next))
    }

    /// Has an endpoint told of things again.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`] for an unknown endpoint, or an event it was never to be told of;
    /// [`WebhookError::Disabled`]; [`WebhookError::NoRoom`]; the store's.
    pub async fn send_again(
        &self,
        merchant: &MerchantAccount,
        id: &str,
        again: Again,
    ) -> Result<AskedAgain, WebhookError> {
        let endpoint = self.active(merchant, id).await?;
        let is_told = |change: &Change| feeds::is_told(&endpoint, change);
        // An order's own webhook that is gone is disabled by its feed alone, and so it is also enabled again.
        let ask_again = |feed: &Feed, positions: &[Position]| {
            let mut events = feed.ask_again(positions);
            if id == OWN_ENDPOINT && feed.is_withheld() && !events.contains(&FeedEvent::Woken) {
                events.push(FeedEvent::Woken);
            }
            events
        };
        let feed = |order| FeedName { merchant: merchant.clone(), endpoint: id.to_owned(), order: Some(order) };
        match again {
            Again::Event(event) => {
                let key = OrderKey { merchant: merchant.clone(), id: event.order };
                let change = feeds::change_at(&self.streams, &key, event.position).await?;
                if !change.as_ref().is_some_and(is_told) {
                    return Err(WebhookError::NotFound);
                }
                let asked = self.append(&feed(event.order), |feed| ask_again(feed, &[event.position])).await?;
                Ok(AskedAgain { events: usize::from(asked.is_some()), left_off: None })
            }
            Again::Since { since, after } => {
                let after = after.map(|left_off| left_off.place(merchant, id));
                let page = Page { since, newest_first: false, after, limit: REDELIVERIES_LOOKED_AT_MAX };
                let commits = self.streams.list(&feeds::list(merchant, id), &page).await?;
                let left_off = left_off(&commits, REDELIVERIES_LOOKED_AT_MAX);
                let mut orders = std::collections::BTreeMap::<domain::OrderId, Vec<(Position, bool)>>::new();
                for listed in commits.iter().map(listed).collect::<Result<Vec<_>, _>>()?.concat() {
                    if let Some(order) = listed.order {
                        let positions = orders.entry(order).or_default();
                        let place = (listed.attempt.position, listed.attempt.is_again);
                        if !positions.contains(&place) {
                            positions.push(place);
                        }
                    }
                }
                let mut events = 0;
                for (order, positions) in orders {
                    let asked_for = AtomicUsize::new(0);
                    let ask = |feed: &Feed| {
                        let waits = |place: &Position| feed.again.iter().any(|again| again.position == *place);
                        // What was told again is not told once more, or this would never end; if it still
                        // waits, it is tried now.
                        let wanted = positions.iter().filter(|(place, is_again)| !is_again || waits(place));
                        let wanted = wanted.map(|(place, _)| *place).collect::<Vec<_>>();
                        asked_for.store(wanted.len(), Ordering::Relaxed);
                        ask_again(feed, &wanted)
                    };
                    match self.append(&feed(order), ask).await {
                        Ok(asked) => events += asked.map_or(0, |_| asked_for.load(Ordering::Relaxed)),
                        // One order must not keep the others from being told.
                        Err(WebhookError::NoRoom) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(AskedAgain { events, left_off })
            }
        }
    }

    /// The keys that the webhooks of a merchant's orders themselves are signed with.
    ///
    /// # Errors
    /// The store's.
    pub async fn own_keys(&self, merchant: &MerchantAccount) -> Result<SigningKeys, StoreError> {
        let own = self.all(merchant).await?.own();
        Ok(self.keys(merchant, &own, own.generation))
    }

    /// The keys of an endpoint's generation.
    #[must_use]
    pub fn keys(&self, merchant: &MerchantAccount, endpoint: &Endpoint, generation: u32) -> SigningKeys {
        let parts = [merchant.as_str().as_bytes(), endpoint.id.as_bytes(), &generation.to_be_bytes()];
        SigningKeys {
            secret: self.prints.print("webhook-secret", &parts),
            hmac: self.prints.print("webhook-hmac", &parts),
        }
    }

    pub(crate) async fn disable(
        &self,
        merchant: &MerchantAccount,
        id: &str,
        reason: domain::webhook::DisabledReason,
    ) -> Result<(), WebhookError> {
        let disabled = |endpoint: &Endpoint| {
            Ok(endpoint.disabled.is_none().then(|| EndpointEvent::EndpointDisabled { id: id.to_owned(), reason }))
        };
        match self.change(merchant, id, disabled).await {
            Ok(_) | Err(WebhookError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn change(
        &self,
        merchant: &MerchantAccount,
        id: &str,
        decide: impl Fn(&Endpoint) -> Result<Option<EndpointEvent>, WebhookError> + Send + Sync,
    ) -> Result<Endpoint, WebhookError> {
        let known = self.endpoint(merchant, id).await?;
        let decide = |all: Option<&Endpoints>| {
            let endpoint = all.cloned().unwrap_or_default().get(id).ok_or(WebhookError::NotFound)?;
            Ok(decide(&endpoint)?.into_iter().collect())
        };
        let all = self.streams.change(&stream(merchant), decide).await?;
        Ok(all.and_then(|all| all.get(id)).unwrap_or(known))
    }

    /// Appends to a feed what was asked for, as `decide` says; its version, if it said anything. The feed's last
    /// versions are kept for what comes of it.
    async fn append(
        &self,
        name: &FeedName,
        decide: impl Fn(&Feed) -> Vec<FeedEvent>,
    ) -> Result<Option<Version>, WebhookError> {
        let stream = name.stream();
        for _ in 0..crate::DECIDE_ATTEMPTS_MAX {
            let base: Option<Loaded<Feed>> = self.streams.load(&stream, None).await?;
            let events = decide(&base.as_ref().map(|base| base.state.clone()).unwrap_or_default());
            if events.is_empty() {
                return Ok(None);
            }
            if base.as_ref().is_some_and(|base| base.version.is_near_end()) {
                return Err(WebhookError::NoRoom);
            }
            match self.streams.append(&stream, base, &events).await {
                Ok(after) => return Ok(Some(after.version)),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }
}

impl LeftOff {
    fn place(self, merchant: &MerchantAccount, endpoint: &str) -> Place {
        let order = self.order.map(Reference::order);
        let name = FeedName { merchant: merchant.clone(), endpoint: endpoint.to_owned(), order };
        Place { at: self.at, stream: name.stream(), version: self.version }
    }
}

/// Where a page of that many was left off, if there may be more.
fn left_off(page: &[Commit], limit: u16) -> Option<LeftOff> {
    let last = page.last().filter(|_| page.len() == usize::from(limit))?;
    let order = FeedName::of(&last.stream)?.order.map(domain::OrderId::reference);
    Some(LeftOff { at: last.at, order, version: last.version })
}

/// The attempts that a listed commit tells of.
fn listed(commit: &Commit) -> Result<Vec<Listed>, StoreError> {
    let unreadable = |fault: &dyn std::fmt::Display| StoreError::Corrupt(format!("{}: {fault}", commit.stream));
    let name = FeedName::of(&commit.stream).ok_or_else(|| unreadable(&"it is no feed"))?;
    let events = serde_json::from_str::<Vec<FeedEvent>>(&commit.events).map_err(|error| unreadable(&error))?;
    let attempts = events.into_iter().filter_map(|event| match event {
        FeedEvent::Attempted { attempt } => Some(attempt),
        FeedEvent::AskedAgain { .. } | FeedEvent::TestAsked | FeedEvent::Woken => None,
    });
    let listed = attempts.map(|attempt| Listed {
        at: commit.at,
        event: name.event(attempt.position),
        order: name.order,
        attempt,
    });
    Ok(listed.collect())
}
