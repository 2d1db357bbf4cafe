//! Jobs: what is to be done in the background, and when.
//!
//! A job has a name, and there is one of a name: sent again, it is done once, at the earlier time. Whoever
//! does jobs is the one process that has the file, so which of them are being done is kept in its memory; a
//! job leaves the file when it is done.

use app::{
    OrderKey, StoreError,
    ports::{Job, Scheduled, Work},
};
use domain::Time;
use rusqlite::{Connection, OptionalExtension, params};

/// Lanes that are looked into at a time, so that the time it takes does not grow with their number.
pub const LANES_AT_ONCE_MAX: u16 = 1_000;

/// The lines that jobs wait in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Line {
    /// For the worker.
    Work,
    /// For deliver-webhook.
    Deliver,
    /// For expire-order: one timer an order.
    Expire,
}

impl Line {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Expire, Self::Work, Self::Deliver];

    pub(crate) fn of(job: &Job) -> Self {
        match job {
            Job::Work(_) => Self::Work,
            Job::Deliver(_) => Self::Deliver,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Deliver => "deliver",
            Self::Expire => "expire",
        }
    }
}

/// A job that is due, to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its line.
    pub line: Line,
    /// Its name.
    pub name: String,
    /// Whom it must not keep others waiting for.
    pub lane: String,
    /// The job.
    pub job: Job,
    /// How often it had been sent.
    pub(crate) generation: i64,
}

/// Jobs that are due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// They.
    pub jobs: Vec<Taken>,
    /// The last lane that was looked into, if there may be more.
    pub left_off: Option<String>,
}

/// A job as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    queue: &'static str,
    name: String,
    lane: String,
    due: i64,
    job: String,
}

impl Row {
    pub(crate) fn of(line: Line, scheduled: &Scheduled) -> Result<Self, StoreError> {
        let job = serde_json::to_string(&scheduled.job).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        Ok(Self {
            queue: line.name(),
            name: scheduled.job.name(),
            lane: scheduled.job.lane().into_owned(),
            due: scheduled.due.unix_ms().cast_signed(),
            job,
        })
    }

    pub(crate) fn timer(order: &OrderKey, at: Time) -> Result<Self, StoreError> {
        let job = timer(order);
        Self::of(Line::Expire, &Scheduled { job, due: at })
    }
}

fn timer(order: &OrderKey) -> Job {
    Job::Work(Work { merchant: order.merchant.clone(), order: order.id.reference(), tries: 0 })
}

pub(crate) fn timer_name(order: &OrderKey) -> String {
    timer(order).name()
}

pub(crate) fn send(connection: &Connection, row: &Row) -> rusqlite::Result<()> {
    let sql = "INSERT INTO jobs(queue, name, lane, due, generation, job) VALUES (?1, ?2, ?3, ?4, 0, ?5)
               ON CONFLICT(queue, name) DO UPDATE
               SET due = min(due, excluded.due), job = excluded.job, generation = generation + 1";
    write(connection, sql, row)
}

pub(crate) fn set(connection: &Connection, row: &Row) -> rusqlite::Result<()> {
    let sql = "INSERT INTO jobs(queue, name, lane, due, generation, job) VALUES (?1, ?2, ?3, ?4, 0, ?5)
               ON CONFLICT(queue, name) DO UPDATE
               SET due = excluded.due, job = excluded.job, generation = generation + 1";
    write(connection, sql, row)
}

fn write(connection: &Connection, sql: &str, row: &Row) -> rusqlite::Result<()> {
    let Row { queue, name, lane, due, job } = row;
    connection.prepare_cached(sql)?.execute(params![queue, name, lane, due, job]).map(|_| ())
}

pub(crate) fn clear(connection: &Connection, queue: &str, name: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM jobs WHERE queue = ?1 AND name = ?2")?.execute([queue, name]).map(|_| ())
}

pub(crate) fn finish(connection: &Connection, taken: &Taken, again: Option<&Row>) -> rusqlite::Result<()> {
    let key = params![taken.line.name(), taken.name, taken.generation];
    match again {
        None => connection
            .prepare_cached("DELETE FROM jobs WHERE queue = ?1 AND name = ?2 AND generation = ?3")?
            .execute(key)
            .map(|_| ()),
        Some(Row { due, job, .. }) => connection
            .prepare_cached("UPDATE jobs SET due = ?4, job = ?5 WHERE queue = ?1 AND name = ?2 AND generation = ?3")?
            .execute(params![taken.line.name(), taken.name, taken.generation, due, job])
            .map(|_| ()),
    }
}

pub(crate) fn move_cursor(connection: &Connection, seq: i64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO cursors(name, seq) VALUES ('relay', ?1)
               ON CONFLICT(name) DO UPDATE SET seq = max(seq, excluded.seq)";
    connection.prepare_cached(sql)?.execute([seq]).map(|_| ())
}

/// Goes from lane to lane, beginning behind `after` and around to it, so that however much waits in one, the
/// others' jobs are found at once. Looks into [`LANES_AT_ONCE_MAX`] at most.
pub(crate) fn due(
    connection: &Connection,
    line: Line,
    now: Time,
    after: &str,
    room: &dyn Fn(&str) -> usize,
    is_taken: &dyn Fn(&str) -> bool,
) -> rusqlite::Result<Due> {
    let queue = line.name();
    let now = now.unix_ms().cast_signed();
    let mut lanes =
        connection.prepare_cached("SELECT lane FROM jobs WHERE queue = ?1 AND lane > ?2 ORDER BY lane LIMIT 1")?;
    let mut in_lane = connection.prepare_cached(
        "SELECT name, job, generation FROM jobs WHERE queue = ?1 AND lane = ?2 AND due <= ?3 ORDER BY due",
    )?;
    let mut behind = |lane: &str| lanes.query_row(params![queue, lane], |row| row.get::<_, String>(0)).optional();
    let mut jobs = Vec::new();
    let mut lane = after.to_owned();
    let mut is_around = after.is_empty();
    for _ in 0..LANES_AT_ONCE_MAX {
        let next = match behind(&lane)? {
            None if !is_around => {
                is_around = true;
                behind("")?
            }
            next => next,
        };
        // Every lane once: behind `after`, then from the first up to it.
        let Some(next) = next.filter(|next| !(is_around && !after.is_empty() && next.as_str() > after)) else {
            return Ok(Due { jobs, left_off: None });
        };
        lane = next;
        let mut left = room(&lane);
        if left == 0 {
            continue;
        }
        let mut rows = in_lane.query(params![queue, lane, now])?;
        while left > 0 {
            let Some(row) = rows.next()? else { break };
            let name = row.get::<_, String>(0)?;
            if is_taken(&name) {
                continue;
            }
            let job = match serde_json::from_str(&row.get::<_, String>(1)?) {
                Ok(job) => job,
                // Left for whoever can read it; the others are done all the same.
                Err(error) => {
                    tracing::error!(%error, queue, name, "a job cannot be read");
                    continue;
                }
            };
            jobs.push(Taken { line, name, lane: lane.clone(), job, generation: row.get(2)? });
            left -= 1;
        }
    }
    Ok(Due { jobs, left_off: Some(lane) })
}

pub(crate) fn next_due(connection: &Connection, now: Time) -> rusqlite::Result<Option<Time>> {
    let sql = "SELECT min(due) FROM jobs WHERE due > ?1";
    let due: Option<i64> =
        connection.prepare_cached(sql)?.query_row([now.unix_ms().cast_signed()], |row| row.get(0))?;
    Ok(due.map(|due| Time::from_unix_ms(due.cast_unsigned())))
}

pub(crate) fn failure(error: &rusqlite::Error) -> StoreError {
    // What SQLite itself did not object to was read, and could not be understood.
    let is_unreadable = crate::file::is_damage(error) || error.sqlite_error_code().is_none();
    if is_unreadable { StoreError::Corrupt(error.to_string()) } else { StoreError::Unavailable(error.to_string()) }
}
