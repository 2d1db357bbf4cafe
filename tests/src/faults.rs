//! Stores that fail when they are told to.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicI64, AtomicUsize, Ordering},
};

use app::{
    CommitLog, Fut, StoreError, StreamId,
    ports::{Commit, Page},
};
use domain::Version;

/// A log whose appends fail as planned, without landing.
pub struct Flaky {
    inner: Arc<dyn CommitLog>,
    /// Appends that still succeed; below zero, failures are counted.
    until_failure: AtomicI64,
    failures: AtomicI64,
    /// A part of the names of the streams that cannot be written.
    broken: Mutex<Option<&'static str>>,
}

impl Flaky {
    /// A log that does not fail yet.
    #[must_use]
    pub fn new(inner: Arc<dyn CommitLog>) -> Arc<Self> {
        let (until_failure, failures) = (AtomicI64::new(i64::MAX), AtomicI64::new(0));
        Arc::new(Self { inner, until_failure, failures, broken: Mutex::new(None) })
    }

    /// Lets `after` appends succeed and the next `count` fail.
    pub fn fail(&self, after: i64, count: i64) {
        self.failures.store(count, Ordering::SeqCst);
        self.until_failure.store(after, Ordering::SeqCst);
    }

    /// Lets every append to streams with that in their name fail, or none any more.
    pub fn break_streams(&self, named: Option<&'static str>) {
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = named;
    }

    fn is_broken(&self, stream: &StreamId) -> bool {
        let broken = *self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        broken.is_some_and(|named| stream.as_str().contains(named))
    }
}

impl CommitLog for Flaky {
    fn load<'a>(&'a self, stream: &'a StreamId, up_to: Option<Version>) -> Fut<'a, Result<Vec<Commit>, StoreError>> {
        self.inner.load(stream, up_to)
    }

    fn append<'a>(&'a self, commit: &'a Commit) -> Fut<'a, Result<(), StoreError>> {
        let fails =
            self.until_failure.fetch_sub(1, Ordering::SeqCst) <= 0 && self.failures.fetch_sub(1, Ordering::SeqCst) > 0;
        if fails || self.is_broken(&commit.stream) {
            return Box::pin(async { Err(StoreError::Unavailable("planned by a test".to_owned())) });
        }
        self.inner.append(commit)
    }

    fn list<'a>(&'a self, list: &'a str, page: &'a Page) -> Fut<'a, Result<Vec<Commit>, StoreError>> {
        self.inner.list(list, page)
    }
}

/// A log whose first append lands, and is answered as if it had not.
pub struct LandsButTimesOut {
    inner: Arc<dyn CommitLog>,
    appends: AtomicUsize,
}

impl LandsButTimesOut {
    /// A log that loses its first answer.
    #[must_use]
    pub fn new(inner: Arc<dyn CommitLog>) -> Self {
        Self { inner, appends: AtomicUsize::new(0) }
    }

    /// How often it was asked to append.
    #[must_use]
    pub fn appends(&self) -> usize {
        self.appends.load(Ordering::SeqCst)
    }
}

impl CommitLog for LandsButTimesOut {
    fn load<'a>(&'a self, stream: &'a StreamId, up_to: Option<Version>) -> Fut<'a, Result<Vec<Commit>, StoreError>> {
        self.inner.load(stream, up_to)
    }

    fn append<'a>(&'a self, commit: &'a Commit) -> Fut<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.inner.append(commit).await?;
            match self.appends.fetch_add(1, Ordering::SeqCst) {
                0 => Err(StoreError::Unavailable("the answer was lost".to_owned())),
                _ => Ok(()),
            }
        })
    }

    fn list<'a>(&'a self, list: &'a str, page: &'a Page) -> Fut<'a, Result<Vec<Commit>, StoreError>> {
        self.inner.list(list, page)
    }
}
