//! Reading and writing aggregates as streams of commits.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use domain::{Aggregate, MerchantAccount, OrderId, Reference, Time, Version};

use tokio::sync::{Mutex, MutexGuard};

use crate::{
    OrderKey,
    ports::{Clock, Commit, CommitLog, Page, Random, SNAPSHOT_EVERY, StoreError},
};

/// Tries to write one commit, when it is not known whether the last try landed.
pub const APPEND_TRIES_MAX: u8 = 3;

/// Tries to change an aggregate other than an order, when others change it too.
pub const CHANGE_ATTEMPTS_MAX: u8 = 64;

/// Locks that the changes of one process share: those of one stream wait for one another here, instead of
/// racing at the store. Other processes still race, which is what the conditional write is for.
const STRIPES: usize = 1_024;

/// Characters of an order's identity.
const ORDER_CHARS: usize = 13;

/// The name of a stream: its owner and what it is, `{merchantAccount}/{aggregate id}`. Owners that are no
/// merchant begin with `@`, which no merchant account does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(String);

impl StreamId {
    /// An order's.
    #[must_use]
    pub fn order(merchant: &MerchantAccount, order: OrderId) -> Self {
        Self(format!("{merchant}/{order}"))
    }

    /// One of another kind that belongs to a merchant. `kind` keeps it apart from orders.
    #[must_use]
    pub fn owned(merchant: &MerchantAccount, kind: &str, id: &str) -> Self {
        Self(format!("{merchant}/{kind}-{id}"))
    }

    /// One that belongs to the installation.
    #[must_use]
    pub fn shared(kind: &str, id: &str) -> Self {
        Self(format!("@{kind}/{id}"))
    }

    /// A stream of an order, if it is one.
    #[must_use]
    pub fn as_order(&self) -> Option<OrderKey> {
        let (merchant, id) = self.parts()?;
        let id = format!("{id}000").parse::<Reference>().ok().filter(|_| id.len() == ORDER_CHARS)?.order();
        Some(OrderKey { merchant, id })
    }

    /// Its owner and its identity, of a stream of that kind.
    #[must_use]
    pub fn as_owned(&self, kind: &str) -> Option<(MerchantAccount, &str)> {
        let (merchant, id) = self.parts()?;
        Some((merchant, id.strip_prefix(kind)?.strip_prefix('-')?))
    }

    fn parts(&self) -> Option<(MerchantAccount, &str)> {
        let (merchant, id) = self.0.split_once('/')?;
        Some((MerchantAccount::try_new(merchant).ok()?, id))
    }

    /// A name as it was stored.
    #[must_use]
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// The name as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A state and the commit it is the state after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded<A> {
    /// The state.
    pub state: A,
    /// The last commit folded in.
    pub version: Version,
}

/// One commit of a stream, with the state before it.
pub struct Step<A: Aggregate> {
    /// Its version.
    pub version: Version,
    /// When it was decided.
    pub at: Time,
    /// Its events.
    pub events: Vec<A::Event>,
    /// The state before it; none before the first.
    pub before: Option<A>,
}

/// A stretch of a stream.
pub struct History<A: Aggregate> {
    /// Its commits, oldest first.
    pub steps: Vec<Step<A>>,
    /// Whether there are newer ones.
    pub has_more: bool,
}

/// Why [`Streams::change`] did not change anything.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError<E> {
    /// The decision was no.
    #[error("refused")]
    Refused(E),
    /// The store failed, or the race was lost too often.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The commit log with the clock and the randomness that commits need.
#[derive(Clone)]
pub struct Streams {
    log: Arc<dyn CommitLog>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    stripes: Arc<Vec<Mutex<()>>>,
}

impl Streams {
    /// Streams on a commit log.
    #[must_use]
    pub fn new(log: Arc<dyn CommitLog>, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let stripes = (0..STRIPES).map(|_| Mutex::new(())).collect::<Vec<_>>();
        Self { log, clock, random, stripes: Arc::new(stripes) }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// Random bytes.
    #[must_use]
    pub fn entropy<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }

    /// The newest state of a stream, or with `up_to` the state as of that version.
    ///
    /// # Errors
    /// The store's; also if what it holds is no whole stream.
    pub async fn load<A: Aggregate>(
        &self,
        stream: &StreamId,
        up_to: Option<Version>,
    ) -> Result<Option<Loaded<A>>, StoreError> {
        let commits = self.log.load(stream, up_to).await?;
        fold(stream, &commits)
    }

    /// Writes `events` as the commit after `base` and returns the state after them. `base` is the state
    /// before, or none to begin the stream.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if somebody else has written that commit, and the store's own.
    pub async fn append<A: Aggregate>(
        &self,
        stream: &StreamId,
        base: Option<Loaded<A>>,
        events: &[A::Event],
    ) -> Result<Loaded<A>, StoreError> {
        self.append_listed(stream, base, events, None).await
    }

    /// The same, and lists the commit.
    ///
    /// # Errors
    /// As [`Streams::append`].
    pub async fn append_listed<A: Aggregate>(
        &self,
        stream: &StreamId,
        base: Option<Loaded<A>>,
        events: &[A::Event],
        list: Option<String>,
    ) -> Result<Loaded<A>, StoreError> {
        let version = match &base {
            None => Version::FIRST,
            Some(base) => base.version.next().ok_or_else(|| corrupt(stream, "it has no version left"))?,
        };
        let at = self.now();
        let state = A::evolve_all(base.map(|base| base.state), events, version, at)
            .ok_or_else(|| corrupt(stream, "its first event does not begin it"))?;
        let snapshot = carries_snapshot(version).then(|| encode(stream, &state)).transpose()?;
        let commit = Commit {
            stream: stream.clone(),
            version,
            id: self.entropy(),
            at,
            events: encode(stream, &events)?,
            snapshot,
            list,
        };
        self.write(&commit).await?;
        Ok(Loaded { state, version })
    }

    /// The commits of a list.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, list: &str, page: &Page) -> Result<Vec<Commit>, StoreError> {
        self.log.list(list, page).await
    }

    /// A stretch of a stream from `from` on. The newest commits if `from` is among them, else a stretch that begins
    /// with `from`; empty if there is no such version yet.
    ///
    /// # Errors
    /// The store's; also if what it holds is no whole stream.
    pub async fn history<A: Aggregate>(&self, stream: &StreamId, from: Version) -> Result<History<A>, StoreError> {
        let mut commits = self.log.load(stream, None).await?;
        let has_more = !reaches(&commits, from);
        if has_more {
            // Up to the next snapshot; what carries one itself is read with what came before it.
            let block = from.get() - from.get() % SNAPSHOT_EVERY;
            let end = if carries_snapshot(from) { block } else { block.saturating_add(SNAPSHOT_EVERY - 1) };
            commits = self.log.load(stream, Version::try_new(end)).await?;
            if !reaches(&commits, from) {
                let before = from.get().checked_sub(1).and_then(Version::try_new);
                commits.extend(self.log.load(stream, before).await?);
            }
        }
        let mut state = None;
        let mut steps = Vec::new();
        for commit in commits.iter().rev() {
            let events = decode::<Vec<A::Event>>(stream, &commit.events)?;
            let before = state.clone();
            state = match &commit.snapshot {
                Some(snapshot) => Some(decode::<A>(stream, snapshot)?),
                None => A::evolve_all(state, &events, commit.version, commit.at),
            };
            if state.is_none() {
                return Err(corrupt(stream, "its first event does not begin it"));
            }
            if commit.version >= from {
                steps.push(Step { version: commit.version, at: commit.at, events, before });
            }
        }
        Ok(History { steps, has_more })
    }

    /// Decides on the newest state and writes what was decided, again if somebody else was faster.
    /// Returns the state after, which is the state before if nothing was decided.
    ///
    /// # Errors
    /// What `decide` refuses; the store's; [`StoreError::Conflict`] after [`CHANGE_ATTEMPTS_MAX`] lost
    /// races.
    pub async fn change<A: Aggregate, E>(
        &self,
        stream: &StreamId,
        decide: impl Fn(Option<&A>) -> Result<Vec<A::Event>, E> + Send + Sync,
    ) -> Result<Option<A>, ChangeError<E>> {
        let _turn = self.turn(stream).await;
        for _ in 0..CHANGE_ATTEMPTS_MAX {
            let base = self.load::<A>(stream, None).await?;
            let events = decide(base.as_ref().map(|base| &base.state)).map_err(ChangeError::Refused)?;
            if events.is_empty() {
                return Ok(base.map(|base| base.state));
            }
            match self.append(stream, base, &events).await {
                Ok(after) => return Ok(Some(after.state)),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Waits until nobody else of this process changes the stream, nor others that share its lock.
    pub(crate) async fn turn(&self, stream: &StreamId) -> MutexGuard<'_, ()> {
        self.stripe(stream).lock().await
    }

    fn stripe(&self, stream: &StreamId) -> &Mutex<()> {
        let mut hasher = DefaultHasher::new();
        stream.hash(&mut hasher);
        let [high, low, ..] = hasher.finish().to_be_bytes();
        &self.stripes[usize::from(u16::from_be_bytes([high, low])) % STRIPES]
    }

    /// A try without an answer may have landed; the commit's identity makes repeating it safe.
    async fn write(&self, commit: &Commit) -> Result<(), StoreError> {
        let mut last = self.log.append(commit).await;
        for _ in 1..APPEND_TRIES_MAX {
            match &last {
                Err(StoreError::Unavailable(_)) => last = self.log.append(commit).await,
                Ok(()) | Err(StoreError::Conflict | StoreError::Corrupt(_)) => break,
            }
        }
        last
    }
}

/// Whether the state before `from` can be told from these commits, newest first.
fn reaches(newest_first: &[Commit], from: Version) -> bool {
    newest_first.first().is_none_or(|newest| newest.version < from)
        || newest_first.last().is_some_and(|oldest| {
            oldest.version == Version::FIRST || (oldest.snapshot.is_some() && oldest.version < from)
        })
}

/// Whether the commit of this version carries a snapshot.
#[must_use]
pub fn carries_snapshot(version: Version) -> bool {
    version > Version::FIRST && version.get().is_multiple_of(SNAPSHOT_EVERY)
}

fn fold<A: Aggregate>(stream: &StreamId, newest_first: &[Commit]) -> Result<Option<Loaded<A>>, StoreError> {
    let Some(newest) = newest_first.first() else { return Ok(None) };
    let mut state = None;
    let mut expected = None;
    for commit in newest_first.iter().rev() {
        let follows = match expected {
            None => commit.version == Version::FIRST || commit.snapshot.is_some(),
            Some(expected) => commit.version == expected,
        };
        if !follows {
            return Err(corrupt(stream, &format!("version {} does not follow", commit.version)));
        }
        state = match &commit.snapshot {
            Some(snapshot) if expected.is_none() => Some(decode::<A>(stream, snapshot)?),
            Some(_) | None => {
                let events = decode::<Vec<A::Event>>(stream, &commit.events)?;
                A::evolve_all(state, &events, commit.version, commit.at)
            }
        };
        expected = commit.version.next();
    }
    let state = state.ok_or_else(|| corrupt(stream, "its first event does not begin it"))?;
    Ok(Some(Loaded { state, version: newest.version }))
}

fn encode<T: serde::Serialize>(stream: &StreamId, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| corrupt(stream, &error.to_string()))
}

fn decode<T: serde::de::DeserializeOwned>(stream: &StreamId, json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|error| corrupt(stream, &error.to_string()))
}

fn corrupt(stream: &StreamId, what: &str) -> StoreError {
    StoreError::Corrupt(format!("stream {stream}: {what}"))
}
