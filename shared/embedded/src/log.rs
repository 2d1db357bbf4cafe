//! The commit log.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, TryLockError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

use app::{
    Fut, StoreError, StreamId,
    ports::{Commit, CommitLog, SNAPSHOT_EVERY},
};
use domain::{Time, Version};
use rusqlite::{Connection, Row, params};
use tokio::sync::{mpsc, oneshot};

use crate::{
    file::{self, OpenError},
    writer::{self, QUEUED_COMMITS_MAX, Request},
};

/// Connections that read. A read is short and never waits for a writer, so that there need not be more
/// than threads that can run at once.
pub const READERS: usize = 4;

/// The commit log in a SQLite file.
///
/// Writing is done by a thread of its own, which writes whatever waits in one transaction: commits that
/// arrive together share one `fsync`. Reading is done by the caller's thread: a read takes tens of
/// microseconds, of which handing it to another thread and back would take as much again.
///
/// Dropping it waits until everything that was handed to it is written.
#[derive(Debug)]
pub struct SqliteLog {
    /// None only while it is dropped.
    requests: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
    transactions: Arc<AtomicU64>,
    readers: Vec<Mutex<Connection>>,
}

impl SqliteLog {
    /// Opens the file, and makes it if there is none; its folder must be there.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let connection = file::open_writer(path)?;
        let readers = (0..READERS).map(|_| file::open_reader(path).map(Mutex::new)).collect::<Result<_, _>>()?;
        let (requests, queue) = mpsc::channel(QUEUED_COMMITS_MAX);
        let transactions = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&transactions);
        let writer = std::thread::Builder::new()
            .name("tender-writer".to_owned())
            .spawn(move || writer::run(connection, queue, &counter))
            .map_err(|error| OpenError::CannotOpen { path: path.to_owned(), reason: error.to_string() })?;
        Ok(Self { requests: Some(requests), writer: Some(writer), transactions, readers })
    }

    /// How many transactions were begun to write commits since it was opened.
    #[must_use]
    pub fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }

    async fn write(&self, commit: Commit) -> Result<(), StoreError> {
        let stopped = || StoreError::Unavailable("the writer has stopped".to_owned());
        let (answer, answered) = oneshot::channel();
        let requests = self.requests.as_ref().ok_or_else(stopped)?;
        requests.send(Request { commit, answer }).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    /// Reads on a connection that is free, or else waits for one.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let free = self.readers.iter().find_map(|reader| match reader.try_lock() {
            Ok(connection) => Some(connection),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        match (free, self.readers.first()) {
            (Some(connection), _) => read(&connection),
            (None, Some(first)) => read(&first.lock().unwrap_or_else(PoisonError::into_inner)),
            (None, None) => Err(StoreError::Unavailable("there is no connection".to_owned())),
        }
    }
}

impl Drop for SqliteLog {
    fn drop(&mut self) {
        // Readers first: the last connection to close copies the write-ahead log into the file, which a
        // reader may not.
        self.readers.clear();
        self.requests = None;
        if self.writer.take().is_some_and(|writer| writer.join().is_err()) {
            tracing::error!("the writer has panicked");
        }
    }
}

impl CommitLog for SqliteLog {
    fn load<'a>(&'a self, stream: &'a StreamId, up_to: Option<Version>) -> Fut<'a, Result<Vec<Commit>, StoreError>> {
        Box::pin(async move { self.read(|connection| load(connection, stream, up_to)) })
    }

    fn append<'a>(&'a self, commit: &'a Commit) -> Fut<'a, Result<(), StoreError>> {
        Box::pin(self.write(commit.clone()))
    }
}

fn load(connection: &Connection, stream: &StreamId, up_to: Option<Version>) -> Result<Vec<Commit>, StoreError> {
    let fails = |error| failure(stream, &error);
    let up_to = up_to.map_or(u16::MAX, Version::get);
    let mut query = connection
        .prepare_cached(
            "SELECT version, id, at, events, snapshot FROM commits
             WHERE stream = ?1 AND version <= ?2 ORDER BY version DESC LIMIT ?3",
        )
        .map_err(fails)?;
    let mut rows = query.query(params![stream.as_str(), up_to, SNAPSHOT_EVERY]).map_err(fails)?;
    let mut commits = Vec::new();
    while let Some(row) = rows.next().map_err(fails)? {
        let commit = parse(stream, row).map_err(fails)?;
        let is_enough = commit.snapshot.is_some();
        commits.push(commit);
        if is_enough {
            break;
        }
    }
    Ok(commits)
}

fn parse(stream: &StreamId, row: &Row<'_>) -> rusqlite::Result<Commit> {
    let version = row.get(0)?;
    Ok(Commit {
        stream: stream.clone(),
        version: Version::try_new(version).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, i64::from(version)))?,
        id: row.get(1)?,
        at: Time::from_unix_ms(row.get::<_, i64>(2)?.cast_unsigned()),
        events: row.get(3)?,
        snapshot: row.get(4)?,
    })
}

fn failure(stream: &StreamId, error: &rusqlite::Error) -> StoreError {
    // What SQLite itself did not object to was read, and could not be understood.
    let is_unreadable = file::is_damage(error) || error.sqlite_error_code().is_none();
    let text = format!("stream {stream}: {error}");
    if is_unreadable { StoreError::Corrupt(text) } else { StoreError::Unavailable(text) }
}
