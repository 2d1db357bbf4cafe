//! A log that remembers what was appended, in order: a table's stream, without the table.

use std::sync::{Arc, Mutex, PoisonError};

use app::{
    CommitLog, Fut, StoreError, StreamId,
    ports::{Commit, Page},
};
use domain::Version;
use local::background::Source;

/// A log and its stream.
pub struct Streamed {
    inner: Arc<dyn CommitLog>,
    stream: Mutex<Stream>,
}

#[derive(Default)]
struct Stream {
    commits: Vec<Commit>,
    cursor: usize,
}

impl Streamed {
    /// The same log, with a stream.
    #[must_use]
    pub fn new(inner: Arc<dyn CommitLog>) -> Arc<Self> {
        Arc::new(Self { inner, stream: Mutex::default() })
    }

    fn stream(&self) -> std::sync::MutexGuard<'_, Stream> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CommitLog for Streamed {
    fn load<'a>(&'a self, stream: &'a StreamId, up_to: Option<Version>) -> Fut<'a, Result<Vec<Commit>, StoreError>> {
        self.inner.load(stream, up_to)
    }

    fn append<'a>(&'a self, commit: &'a Commit) -> Fut<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.inner.append(commit).await?;
            self.stream().commits.push(commit.clone());
            Ok(())
        })
    }

    fn list<'a>(&'a self, list: &'a str, page: &'a Page) -> Fut<'a, Result<Vec<Commit>, StoreError>> {
        self.inner.list(list, page)
    }
}

impl Source for Streamed {
    fn unrelayed(&self, limit: u16) -> Fut<'_, Result<Vec<(i64, Commit)>, StoreError>> {
        let stream = self.stream();
        let commits = stream.commits.iter().cloned().zip(1_i64..).map(|(commit, seq)| (seq, commit));
        let next = commits.skip(stream.cursor).take(usize::from(limit)).collect();
        Box::pin(std::future::ready(Ok(next)))
    }

    fn move_cursor(&self, seq: i64) -> Fut<'_, Result<(), StoreError>> {
        self.stream().cursor = usize::try_from(seq).unwrap_or(0);
        Box::pin(std::future::ready(Ok(())))
    }
}
