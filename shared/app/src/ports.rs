//! What the engine needs of the world.

use std::{borrow::Cow, fmt, future::Future, pin::Pin};

use domain::{
    Action, MerchantAccount, Money, Reference, Time, Version,
    credit::Proof,
    feed::Report,
    order::{Change, LegResult, Method, MethodKind, Resolution},
    reference::LegReference,
    webhook::{Endpoint, OWN_ENDPOINT},
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Details, OrderKey, streams::StreamId};

/// A boxed future: what a port's method returns.
pub type Fut<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A commit: one step of one stream, written whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The stream.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// Which try to write it this is one of: a write found in the log under the same identity is our own.
    pub id: [u8; 16],
    /// When it was decided.
    pub at: Time,
    /// Its events: a JSON array.
    pub events: String,
    /// The state after it, as JSON, in every commit whose version is a multiple of [`SNAPSHOT_EVERY`].
    pub snapshot: Option<String>,
    /// The list it is found in by time, if any.
    pub list: Option<String>,
}

/// A part of a list of commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Only commits from this time on.
    pub since: Time,
    /// Whether the newest comes first.
    pub newest_first: bool,
    /// Only commits behind this one.
    pub after: Option<Place>,
    /// How many at most.
    pub limit: u16,
}

/// Where a commit stands in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its time.
    pub at: Time,
    /// Its stream.
    pub stream: StreamId,
    /// Its version.
    pub version: Version,
}

impl Place {
    /// Where that commit stands.
    #[must_use]
    pub fn of(commit: &Commit) -> Self {
        Self { at: commit.at, stream: commit.stream.clone(), version: commit.version }
    }
}

/// Every commit with a version that is a multiple of this carries a snapshot, except the first one, so
/// that the last this many commits always suffice to know the state.
pub const SNAPSHOT_EVERY: u16 = 32;

/// The streams of commits.
///
/// What every implementation keeps: a version is written once; a commit is there whole or not at all; who
/// wrote, reads what was written; of several writers of one version exactly one succeeds.
pub trait CommitLog: Send + Sync {
    /// The newest commits of a stream, newest first: at most [`SNAPSHOT_EVERY`], ending early at one with
    /// a snapshot. With `up_to`, the newest that are not newer than that. Consistent, and one request.
    fn load<'a>(&'a self, stream: &'a StreamId, up_to: Option<Version>) -> Fut<'a, Result<Vec<Commit>, StoreError>>;

    /// Writes a commit if its version does not exist yet, and also succeeds if it exists and is this very
    /// commit (same `id`): an earlier try, thought lost, that did land.
    ///
    /// Fails with [`StoreError::Conflict`] if another commit has the version; with
    /// [`StoreError::Unavailable`] if it is not known whether the write landed.
    fn append<'a>(&'a self, commit: &'a Commit) -> Fut<'a, Result<(), StoreError>>;

    /// The commits of a list, by time. What was written a moment ago may be missing.
    fn list<'a>(&'a self, list: &'a str, page: &'a Page) -> Fut<'a, Result<Vec<Commit>, StoreError>>;
}

/// Something to be done in the background.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum Job {
    /// Do what is outstanding on an order.
    Work(Work),
    /// Tell an endpoint what it is to be told.
    Deliver(Deliver),
}

/// Work on an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Whose it is.
    pub merchant: MerchantAccount,
    /// The order.
    pub order: Reference,
    /// Looks at it in a row that left something open.
    #[serde(default)]
    pub tries: u16,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliver {
    /// Whose endpoint it is.
    pub merchant: MerchantAccount,
    /// The endpoint.
    pub endpoint: String,
    /// The order; none for a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Reference>,
}

impl Job {
    /// What it is about: two jobs with the same name do the same, so one of them will do.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Work(Work { merchant, order, .. }) => format!("{merchant}/{order}"),
            Self::Deliver(Deliver { merchant, endpoint, order: Some(order) }) => {
                format!("{merchant}/{endpoint}/{order}")
            }
            Self::Deliver(Deliver { merchant, endpoint, order: None }) => format!("{merchant}/{endpoint}"),
        }
    }

    /// Whom it must not keep others waiting for: the endpoint, or the merchant.
    #[must_use]
    pub fn lane(&self) -> Cow<'_, str> {
        match self {
            Self::Work(work) => work.merchant.as_str().into(),
            // The webhooks of all merchants' orders have one name.
            Self::Deliver(Deliver { merchant, endpoint, .. }) if endpoint == OWN_ENDPOINT => {
                format!("{merchant}/{endpoint}").into()
            }
            Self::Deliver(deliver) => deliver.endpoint.as_str().into(),
        }
    }
}

/// A job and when it is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// The job.
    pub job: Job,
    /// Not before.
    pub due: Time,
}

/// The queues of jobs. A job that was taken is done at least once, sooner or later, in any order.
pub trait Queue: Send + Sync {
    /// Takes jobs: all of them, or it fails and may have taken some.
    fn send<'a>(&'a self, jobs: &'a [Scheduled]) -> Fut<'a, Result<(), StoreError>>;
}

/// One timer an order, for the moment it expires. It may go off late, or more than once.
pub trait Timers: Send + Sync {
    /// Sets an order's timer, anew if it was set.
    fn set<'a>(&'a self, order: &'a OrderKey, at: Time) -> Fut<'a, Result<(), StoreError>>;

    /// Clears an order's timer, if there is one.
    fn clear<'a>(&'a self, order: &'a OrderKey) -> Fut<'a, Result<(), StoreError>>;
}

/// A change as whoever listens to the bus gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusEvent {
    /// What happened: the event's `type`.
    pub kind: String,
    /// The rest: a JSON object.
    pub detail: String,
    /// When.
    pub at: Time,
}

/// The bus, for whatever else a platform wants to hang on what happens.
pub trait Bus: Send + Sync {
    /// Puts events on the bus: all of them, or it fails and may have put some.
    fn put<'a>(&'a self, events: &'a [BusEvent]) -> Fut<'a, Result<(), StoreError>>;
}

/// No bus: what one machine has.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoBus;

impl Bus for NoBus {
    fn put<'a>(&'a self, _: &'a [BusEvent]) -> Fut<'a, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The keys that an endpoint's deliveries are signed with: derived, and stored nowhere.
#[derive(Clone)]
pub struct SigningKeys {
    /// For Standard Webhooks.
    pub secret: [u8; 32],
    /// For Adyen's HMAC.
    pub hmac: [u8; 32],
}

/// What is sent to an endpoint.
pub enum Content<'a> {
    /// A change of an order.
    Change {
        /// The order.
        key: &'a OrderKey,
        /// The change.
        change: &'a Change,
        /// What the merchant told about the order's operations, if the endpoint is told that.
        details: &'a Details,
    },
    /// A test.
    Test,
}

/// One try to tell an endpoint something.
pub struct Parcel<'a> {
    /// Whose endpoint it is.
    pub merchant: &'a MerchantAccount,
    /// The endpoint.
    pub endpoint: &'a Endpoint,
    /// What the content is called, on every try.
    pub id: &'a str,
    /// The content.
    pub content: Content<'a>,
    /// The endpoint's keys.
    pub keys: SigningKeys,
    /// The keys before, as long as they sign too.
    pub previous_keys: Option<SigningKeys>,
    /// Which try it is, from 1.
    pub tries: u16,
    /// Now.
    pub at: Time,
}

/// Whoever carries notifications to endpoints.
pub trait Courier: Send + Sync {
    /// Tells an endpoint, once. Whatever goes wrong is in the report.
    fn deliver<'a>(&'a self, parcel: Parcel<'a>) -> Fut<'a, Report>;
}

/// What a store can answer instead.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The version exists already.
    #[error("another commit has this version")]
    Conflict,
    /// No answer, or a failure that may pass.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// Something is stored that this engine did not store so.
    #[error("the store holds something unreadable: {0}")]
    Corrupt(String),
}

/// The time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Time;
}

/// Randomness fit for secrets.
pub trait Random: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// What a shopper pays with, as it came in. It is handed to a partner and then forgotten: nothing of it
/// but what [`Partner::describe`] returns may be stored.
pub enum Instrument {
    /// A payment card.
    Card {
        /// Its number.
        number: SecretString,
    },
    /// A gift card.
    GiftCard {
        /// Its brand.
        brand: String,
        /// Its number.
        number: SecretString,
        /// Its security code.
        code: Option<SecretString>,
    },
    /// iDEAL.
    Ideal,
    /// Credit.
    Credit {
        /// The merchant's name for the customer.
        customer: String,
        /// On which of the customer's spend options; revolving without one.
        option: Option<Uuid>,
        /// The proof that it is the customer who spends, if one came.
        proof: Option<Proof>,
    },
}

impl fmt::Debug for Instrument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Card { .. } => "Card",
            Self::GiftCard { .. } => "GiftCard",
            Self::Ideal => "Ideal",
            Self::Credit { .. } => "Credit",
        })
    }
}

/// What of an instrument may be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// What it is, as far as it may be told.
    pub method: Method,
    /// What the partner calls it.
    pub token: String,
}

impl Described {
    /// An instrument that a partner does not take: told by its kind alone.
    #[must_use]
    pub fn by_kind(instrument: &Instrument) -> Self {
        let (kind, brand) = match instrument {
            Instrument::Card { .. } => (MethodKind::Card, "card"),
            Instrument::GiftCard { brand, .. } => (MethodKind::GiftCard, brand.as_str()),
            Instrument::Ideal => (MethodKind::Ideal, "ideal"),
            Instrument::Credit { .. } => (MethodKind::Credit, "credit"),
        };
        Self { method: Method { kind, brand: brand.to_owned(), last4: None }, token: String::new() }
    }
}

/// Asks to hold money.
#[derive(Debug)]
pub struct Authorise<'a> {
    /// Whose payment it is.
    pub merchant: &'a MerchantAccount,
    /// The payment: the partner's idempotency key.
    pub payment: Reference,
    /// How much.
    pub amount: Money,
    /// With what.
    pub instrument: &'a Instrument,
    /// What the partner calls that.
    pub token: &'a str,
    /// Where a shopper who has to leave the shop comes back to.
    pub return_url: &'a str,
}

/// Asks for one leg of an operation.
#[derive(Debug)]
pub struct Perform<'a> {
    /// Whose payment it is.
    pub merchant: &'a MerchantAccount,
    /// The payment.
    pub payment: Reference,
    /// What the partner calls the instrument.
    pub token: &'a str,
    /// The leg: the partner's idempotency key.
    pub leg: LegReference,
    /// What to do.
    pub action: Action,
    /// With how much.
    pub amount: Money,
}

/// Asks what became of an authorisation.
#[derive(Debug)]
pub struct Lookup<'a> {
    /// Whose payment it is.
    pub merchant: &'a MerchantAccount,
    /// The payment.
    pub payment: Reference,
    /// What the partner calls the instrument.
    pub token: &'a str,
}

/// A partner's answer to an authorisation, if the amount it answers for is the one it was asked for. What is
/// said of another amount is not believed: the payment is looked up.
#[must_use]
pub fn echoed(asked: Money, echoed: Option<Money>, resolution: Resolution) -> Resolution {
    if resolution != Resolution::Authorised || echoed == Some(asked) {
        return resolution;
    }
    tracing::error!(%asked, ?echoed, "a partner answered for another amount than it was asked for");
    Resolution::Uncertain
}

/// Whoever holds the shopper's money.
///
/// Every call is idempotent by reference. None fails: what cannot be known is
/// [`Resolution::Uncertain`] or [`LegResult::Uncertain`].
pub trait Partner: Send + Sync {
    /// What of an instrument may be stored. Asks nobody.
    fn describe(&self, merchant: &MerchantAccount, instrument: &Instrument) -> Described;

    /// Holds money.
    fn authorise<'a>(&'a self, request: Authorise<'a>) -> Fut<'a, Resolution>;

    /// Captures, voids or refunds. A void of an authorisation that is not complete ends it; a void of one
    /// the partner has never seen keeps it from being seen.
    fn perform<'a>(&'a self, request: Perform<'a>) -> Fut<'a, LegResult>;

    /// What became of an authorisation. [`Resolution::Failed`] is said of one the partner has never seen,
    /// and from then on the partner refuses it: a call that was under way must not land afterwards.
    fn lookup<'a>(&'a self, request: Lookup<'a>) -> Fut<'a, Resolution>;
}
