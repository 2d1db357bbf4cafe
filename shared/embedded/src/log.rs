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
    Fut, OrderKey, StoreError, StreamId,
    ports::{Commit, CommitLog, Page, Queue, SNAPSHOT_EVERY, Scheduled, Timers},
};
use domain::{Time, Version};
use rusqlite::{Connection, Row, params};
use tokio::sync::{mpsc, oneshot};

use crate::{
    file::{self, OpenError},
    jobs::{self, Due, Line, Row as Job, Taken},
    writer::{self, Change, QUEUED_COMMITS_MAX, Request, Written},
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
    written: Arc<Written>,
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
        let written = Arc::new(Written::default());
        let (counter, told) = (Arc::clone(&transactions), Arc::clone(&written));
        let writer = std::thread::Builder::new()
            .name("tender-writer".to_owned())
            .spawn(move || writer::run(connection, queue, &counter, &told))
            .map_err(|error| OpenError::CannotOpen { path: path.to_owned(), reason: error.to_string() })?;
        Ok(Self { requests: Some(requests), writer: Some(writer), transactions, written, readers })
    }

    /// Done when a commit is written after the call.
    pub fn commits_written(&self) -> impl Future<Output = ()> + '_ {
        self.written.commits.notified()
    }

    /// Done when a job is written after the call.
    pub fn jobs_written(&self) -> impl Future<Output = ()> + '_ {
        self.written.jobs.notified()
    }

    /// The commits behind the relay's cursor, in the order they were made, each with its `seq`.
    ///
    /// # Errors
    /// The store's.
    pub fn unrelayed(&self, limit: u16) -> Result<Vec<(i64, Commit)>, StoreError> {
        self.read(|connection| unrelayed(connection, limit).map_err(|error| jobs::failure(&error)))
    }

    /// Remembers that the relay has carried out what follows all commits up to `seq`.
    ///
    /// # Errors
    /// The store's.
    pub async fn move_cursor(&self, seq: i64) -> Result<(), StoreError> {
        self.write(Change::Move { seq }).await
    }

    /// Jobs that are due, lane by lane behind the lane `after` and around to it, the longest due first in each; at most so many of
    /// each lane as `room` says, and none that `is_taken` says is being done.
    ///
    /// # Errors
    /// The store's.
    pub fn due(
        &self,
        line: Line,
        now: Time,
        after: &str,
        room: &dyn Fn(&str) -> usize,
        is_taken: &dyn Fn(&str) -> bool,
    ) -> Result<Due, StoreError> {
        self.read(|connection| {
            jobs::due(connection, line, now, after, room, is_taken).map_err(|error| jobs::failure(&error))
        })
    }

    /// When the next job is due that is not due at `now`.
    ///
    /// # Errors
    /// The store's.
    pub fn next_due(&self, now: Time) -> Result<Option<Time>, StoreError> {
        self.read(|connection| jobs::next_due(connection, now).map_err(|error| jobs::failure(&error)))
    }

    /// Takes a job that was done off its line, or puts what it left in its place. If it was sent again
    /// meanwhile, it stays as it was sent.
    ///
    /// # Errors
    /// The store's.
    pub async fn finish(&self, taken: Taken, again: Option<&Scheduled>) -> Result<(), StoreError> {
        let again = again.map(|again| Job::of(taken.line, again)).transpose()?;
        self.write(Change::Finish { taken, again }).await
    }

    /// How many transactions were begun to write commits since it was opened.
    #[must_use]
    pub fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }

    async fn write(&self, change: Change) -> Result<(), StoreError> {
        let stopped = || StoreError::Unavailable("the writer has stopped".to_owned());
        let (answer, answered) = oneshot::channel();
        let requests = self.requests.as_ref().ok_or_else(stopped)?;
        requests.send(Request { change, answer }).await.map_err(|_| stopped())?;
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
        Box::pin(self.write(Change::Append(commit.clone())))
    }

    fn list<'a>(&'a self, list: &'a str, page: &'a Page) -> Fut<'a, Result<Vec<Commit>, StoreError>> {
        Box::pin(async move { self.read(|connection| listed(connection, list, page)) })
    }
}

impl Queue for SqliteLog {
    fn send<'a>(&'a self, jobs: &'a [Scheduled]) -> Fut<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let rows = jobs.iter().map(|scheduled| Job::of(Line::of(&scheduled.job), scheduled));
            self.write(Change::Send(rows.collect::<Result<_, _>>()?)).await
        })
    }
}

impl Timers for SqliteLog {
    fn set<'a>(&'a self, order: &'a OrderKey, at: Time) -> Fut<'a, Result<(), StoreError>> {
        Box::pin(async move { self.write(Change::Set(Job::timer(order, at)?)).await })
    }

    fn clear<'a>(&'a self, order: &'a OrderKey) -> Fut<'a, Result<(), StoreError>> {
        let name = jobs::timer_name(order);
        Box::pin(self.write(Change::Clear { queue: Line::Expire.name(), name }))
    }
}

/// The columns that [`parse`] reads.
const COLUMNS: &str = "stream, version, id, at, events, snapshot, list";

fn listed(connection: &Connection, list: &str, page: &Page) -> Result<Vec<Commit>, StoreError> {
    let fails = |error| jobs::failure(&error);
    let (order, than) = if page.newest_first { ("DESC", "<") } else { ("ASC", ">") };
    let sql = format!(
        "SELECT {COLUMNS} FROM commits WHERE list = ?1 AND at >= ?2
         AND (?3 IS NULL OR (at, stream, version) {than} (?3, ?4, ?5))
         ORDER BY at {order}, stream {order}, version {order} LIMIT ?6"
    );
    let after = page.after.as_ref();
    let mut query = connection.prepare_cached(&sql).map_err(fails)?;
    let rows = query
        .query_map(
            params![
                list,
                page.since.unix_ms().cast_signed(),
                after.map(|place| place.at.unix_ms().cast_signed()),
                after.map(|place| place.stream.as_str()),
                after.map(|place| place.version.get()),
                page.limit
            ],
            parse,
        )
        .map_err(fails)?;
    rows.collect::<Result<_, _>>().map_err(fails)
}

fn unrelayed(connection: &Connection, limit: u16) -> rusqlite::Result<Vec<(i64, Commit)>> {
    let sql = format!(
        "SELECT {COLUMNS}, seq FROM commits
         WHERE seq > ifnull((SELECT seq FROM cursors WHERE name = 'relay'), 0) ORDER BY seq LIMIT ?1"
    );
    let mut query = connection.prepare_cached(&sql)?;
    let mut rows = query.query([limit])?;
    let mut commits = Vec::new();
    while let Some(row) = rows.next()? {
        let seq = row.get(7)?;
        match parse(row) {
            Ok(commit) => commits.push((seq, commit)),
            // It must not keep those behind it waiting.
            Err(error) => tracing::error!(%error, seq, "a row is no commit, and nothing follows from it"),
        }
    }
    Ok(commits)
}

fn load(connection: &Connection, stream: &StreamId, up_to: Option<Version>) -> Result<Vec<Commit>, StoreError> {
    let fails = |error| failure(stream, &error);
    let up_to = up_to.map_or(u16::MAX, Version::get);
    let mut query = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM commits WHERE stream = ?1 AND version <= ?2 ORDER BY version DESC LIMIT ?3"
        ))
        .map_err(fails)?;
    let mut rows = query.query(params![stream.as_str(), up_to, SNAPSHOT_EVERY]).map_err(fails)?;
    let mut commits = Vec::new();
    while let Some(row) = rows.next().map_err(fails)? {
        let commit = parse(row).map_err(fails)?;
        let is_enough = commit.snapshot.is_some();
        commits.push(commit);
        if is_enough {
            break;
        }
    }
    Ok(commits)
}

fn parse(row: &Row<'_>) -> rusqlite::Result<Commit> {
    let version = row.get(1)?;
    Ok(Commit {
        stream: StreamId::from_stored(row.get(0)?),
        version: Version::try_new(version).ok_or(rusqlite::Error::IntegralValueOutOfRange(1, i64::from(version)))?,
        id: row.get(2)?,
        at: Time::from_unix_ms(row.get::<_, i64>(3)?.cast_unsigned()),
        events: row.get(4)?,
        snapshot: row.get(5)?,
        list: row.get(6)?,
    })
}

fn failure(stream: &StreamId, error: &rusqlite::Error) -> StoreError {
    // What SQLite itself did not object to was read, and could not be understood.
    let is_unreadable = file::is_damage(error) || error.sqlite_error_code().is_none();
    let text = format!("stream {stream}: {error}");
    if is_unreadable { StoreError::Corrupt(text) } else { StoreError::Unavailable(text) }
}
