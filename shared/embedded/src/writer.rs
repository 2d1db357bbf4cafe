//! The one thread that writes: whatever has arrived while it wrote the last transaction becomes the next.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use app::{StoreError, ports::Commit};
use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior, params};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::jobs::{self, Row, Taken};

/// The most commits, or other changes, that one transaction writes.
pub const GROUP_COMMITS_MAX: usize = 256;

/// The most of them that wait to be written; whoever comes then waits for a place.
pub const QUEUED_COMMITS_MAX: usize = 1_024;

/// Something to write, and whom to answer.
pub(crate) struct Request {
    pub(crate) change: Change,
    pub(crate) answer: oneshot::Sender<Result<(), StoreError>>,
}

/// Something to write.
pub(crate) enum Change {
    /// A commit.
    Append(Commit),
    /// Jobs that are to be done.
    Send(Vec<Row>),
    /// A job is to be done at its time and no other.
    Set(Row),
    /// A job is not to be done any more.
    Clear {
        /// Its queue.
        queue: &'static str,
        /// Its name.
        name: String,
    },
    /// A job was done, and perhaps leaves another.
    Finish {
        /// The job.
        taken: Taken,
        /// What is left.
        again: Option<Row>,
    },
    /// The relay has seen all commits up to this one.
    Move {
        /// Its `seq`.
        seq: i64,
    },
}

/// Who wants to know when something was written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// Commits.
    pub(crate) commits: Notify,
    /// Jobs.
    pub(crate) jobs: Notify,
}

impl Change {
    fn is_commit(&self) -> bool {
        match self {
            Self::Append(_) => true,
            Self::Send(_) | Self::Set(_) | Self::Clear { .. } | Self::Finish { .. } | Self::Move { .. } => false,
        }
    }

    fn is_job(&self) -> bool {
        match self {
            Self::Send(_) | Self::Set(_) | Self::Finish { again: Some(_), .. } => true,
            Self::Append(_) | Self::Clear { .. } | Self::Finish { again: None, .. } | Self::Move { .. } => false,
        }
    }
}

/// Writes until all senders are gone and everything they sent is written. Whoever waits for `written` is told
/// after every transaction.
pub(crate) fn run(
    mut connection: Connection,
    mut requests: mpsc::Receiver<Request>,
    transactions: &Arc<AtomicU64>,
    written: &Arc<Written>,
) {
    let mut group = Vec::with_capacity(GROUP_COMMITS_MAX);
    while requests.blocking_recv_many(&mut group, GROUP_COMMITS_MAX) > 0 {
        transactions.fetch_add(1, Ordering::Relaxed);
        let outcomes = write(&mut connection, &group).unwrap_or_else(|error| {
            tracing::error!(%error, changes = group.len(), "a transaction failed");
            let hits_all = is_everyones(&error);
            let failed = || Err(StoreError::Unavailable(error.to_string()));
            // One that cannot be written must not keep the others from it.
            let alone = |request| if hits_all { failed() } else { write_alone(&mut connection, request) };
            group.iter().map(alone).collect()
        });
        let (has_commits, has_jobs) = group.iter().fold((false, false), |(commits, jobs), request| {
            (commits || request.change.is_commit(), jobs || request.change.is_job())
        });
        for (request, outcome) in group.drain(..).zip(outcomes) {
            // Whoever does not wait for the answer any more will find the commit in the log.
            let _ = request.answer.send(outcome);
        }
        if has_commits {
            written.commits.notify_waiters();
        }
        if has_jobs {
            written.jobs.notify_waiters();
        }
    }
}

/// One transaction. Its outcomes are true once this returns them: a conflict, too, may be with a commit of
/// the same transaction.
fn write(connection: &mut Connection, group: &[Request]) -> rusqlite::Result<Vec<Result<(), StoreError>>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let outcomes = group.iter().map(|request| apply(&transaction, &request.change)).collect::<Result<_, _>>()?;
    transaction.commit()?;
    Ok(outcomes)
}

/// Whether an error would be the same for any change.
fn is_everyones(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::DatabaseCorrupt
        )
    )
}

fn write_alone(connection: &mut Connection, request: &Request) -> Result<(), StoreError> {
    let outcomes = write(connection, std::slice::from_ref(request));
    outcomes.map_err(|error| StoreError::Unavailable(error.to_string()))?.pop().unwrap_or(Ok(()))
}

fn apply(connection: &Connection, change: &Change) -> rusqlite::Result<Result<(), StoreError>> {
    match change {
        Change::Append(commit) => return insert(connection, commit),
        Change::Send(rows) => rows.iter().try_for_each(|row| jobs::send(connection, row))?,
        Change::Set(row) => jobs::set(connection, row)?,
        Change::Clear { queue, name } => jobs::clear(connection, queue, name)?,
        Change::Finish { taken, again } => jobs::finish(connection, taken, again.as_ref())?,
        Change::Move { seq } => jobs::move_cursor(connection, *seq)?,
    }
    Ok(Ok(()))
}

fn insert(connection: &Connection, commit: &Commit) -> rusqlite::Result<Result<(), StoreError>> {
    let stream = commit.stream.as_str();
    let version = commit.version.get();
    let inserted = connection
        .prepare_cached(
            // A version without the one before it would be a stream that cannot be read: a token may be newer
            // than a file that was restored from a copy.
            "INSERT INTO commits(stream, version, id, at, events, snapshot, list) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
             WHERE ?2 = 0 OR EXISTS (SELECT 1 FROM commits WHERE stream = ?1 AND version = ?2 - 1)
             ON CONFLICT(stream, version) DO NOTHING",
        )?
        .execute(params![
            stream,
            version,
            commit.id,
            commit.at.unix_ms().cast_signed(),
            commit.events,
            commit.snapshot,
            commit.list
        ])?;
    if inserted == 1 {
        return Ok(Ok(()));
    }
    let id: Option<Vec<u8>> = connection
        .prepare_cached("SELECT id FROM commits WHERE stream = ?1 AND version = ?2")?
        .query_row(params![stream, version], |row| row.get(0))
        .optional()?;
    Ok(match id {
        Some(id) if id == commit.id => Ok(()),
        Some(_) => Err(StoreError::Conflict),
        None => Err(StoreError::Corrupt(format!("stream {stream}: there is no version before {version}"))),
    })
}
