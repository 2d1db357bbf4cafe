//! What the engine needs of the world.

use std::{fmt, future::Future, pin::Pin};

use domain::{
    Action, MerchantAccount, Money, Reference, Time, Version,
    order::{LegResult, Method, MethodKind, Resolution},
    reference::LegReference,
};
use secrecy::SecretString;

use crate::streams::StreamId;

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
}

impl fmt::Debug for Instrument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Card { .. } => "Card",
            Self::GiftCard { .. } => "GiftCard",
            Self::Ideal => "Ideal",
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
