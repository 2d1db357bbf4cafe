//! The file: how it is recognised, made and opened.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, Error, ErrorCode, OpenFlags, TransactionBehavior};

/// "Tndr": what the SQLite header of a Tender file says that it is.
const APPLICATION_ID: i32 = 0x546e_6472;

/// The version of a file on which all of [`SCHEMA`] was run.
const SCHEMA_VERSION: i32 = 2;

/// The length of the header that every SQLite file begins with.
const SQLITE_HEADER_BYTES: u64 = 100;

/// How long to wait for another process that uses the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements that each connection keeps prepared.
const STATEMENTS_KEPT: usize = 16;

/// What makes a file of each version from one of the version before: of version 0, an empty one.
const SCHEMA: [&str; 2] = [COMMITS, BACKGROUND];

/// `seq` is the order of all commits of all streams.
const COMMITS: &str = "
    CREATE TABLE commits(
        seq      INTEGER PRIMARY KEY AUTOINCREMENT,
        stream   TEXT    NOT NULL,
        version  INTEGER NOT NULL,
        id       BLOB    NOT NULL,
        at       INTEGER NOT NULL,
        events   TEXT    NOT NULL,
        snapshot TEXT,
        UNIQUE(stream, version)
    ) STRICT;
";

/// Lists of commits, jobs, and how far the relay is. `generation` counts how often a job was sent while it
/// was there, so that whoever has done it knows whether it was sent again meanwhile.
const BACKGROUND: &str = "
    ALTER TABLE commits ADD COLUMN list TEXT;
    CREATE INDEX commits_by_list ON commits(list, at, stream, version) WHERE list IS NOT NULL;
    CREATE TABLE jobs(
        queue      TEXT    NOT NULL,
        name       TEXT    NOT NULL,
        lane       TEXT    NOT NULL,
        due        INTEGER NOT NULL,
        generation INTEGER NOT NULL,
        job        TEXT    NOT NULL,
        PRIMARY KEY(queue, name)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX jobs_by_lane ON jobs(queue, lane, due);
    CREATE INDEX jobs_by_due ON jobs(due);
    CREATE TABLE cursors(
        name TEXT    PRIMARY KEY,
        seq  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be created, read or written.
    #[error("cannot open {}: {reason}", path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It is damaged, or it is something else.
    #[error("{} is not a Tender file, or it is damaged", path.display())]
    NotATenderFile {
        /// The file.
        path: PathBuf,
    },
    /// It was written by a newer Tender.
    #[error("{} was written by a newer Tender (file version {version}; this one reads up to {SCHEMA_VERSION})", path.display())]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: i32,
    },
}

/// Opens the file for writing, and makes it if there is none.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    let fails = |error| explain(path, &error);
    // SQLite takes a file that is shorter than its header for an empty one, and would write over it.
    if path.metadata().is_ok_and(|file| file.is_file() && (1..SQLITE_HEADER_BYTES).contains(&file.len())) {
        return Err(not_a_tender_file(path));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut writer = Connection::open_with_flags(path, flags).map_err(fails)?;
    set_up(&writer).map_err(fails)?;
    // Nothing is changed before it is known to be ours.
    let is_old = version_of(path, &writer)? < SCHEMA_VERSION;
    if writer.is_readonly("main").map_err(fails)? {
        return Err(cannot_open(path, "it must be writable".to_owned()));
    }
    let mode: String = writer.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0)).map_err(fails)?;
    if mode != "wal" {
        return Err(cannot_open(path, "a write-ahead log cannot be kept there".to_owned()));
    }
    writer.pragma_update(None, "synchronous", "FULL").map_err(fails)?;
    if is_old {
        let making = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fails)?;
        // Another process may have been faster.
        let version = usize::try_from(version_of(path, &making)?).unwrap_or_default();
        for step in SCHEMA.iter().skip(version) {
            making.execute_batch(step).map_err(fails)?;
        }
        making.pragma_update(None, "application_id", APPLICATION_ID).map_err(fails)?;
        making.pragma_update(None, "user_version", SCHEMA_VERSION).map_err(fails)?;
        making.commit().map_err(fails)?;
    }
    check_newest(&writer).map_err(fails)?;
    Ok(writer)
}

/// Opens the file, which is there, for reading.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    let fails = |error| explain(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let reader = Connection::open_with_flags(path, flags).map_err(fails)?;
    set_up(&reader).map_err(fails)?;
    Ok(reader)
}

/// Whether something is stored that the engine did not store so.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.busy_timeout(BUSY_TIMEOUT)
}

/// The version of a file; 0 of one with nothing in it.
fn version_of(path: &Path, connection: &Connection) -> Result<i32, OpenError> {
    let number = |sql| connection.query_row(sql, (), |row| row.get::<_, i32>(0)).map_err(|error| explain(path, &error));
    let (application, version) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    let is_empty = number("SELECT count(*) FROM sqlite_schema")? == 0;
    match (application, version) {
        (APPLICATION_ID, 1..=SCHEMA_VERSION) => Ok(version),
        (APPLICATION_ID, version) if version > SCHEMA_VERSION => {
            Err(OpenError::NewerVersion { path: path.to_owned(), version })
        }
        (0, 0) if is_empty => Ok(0),
        (_, _) => Err(not_a_tender_file(path)),
    }
}

/// Touches the table, the index and both their ends: enough to notice a file that was cut off, at a cost
/// that does not grow with it.
fn check_newest(connection: &Connection) -> rusqlite::Result<()> {
    let newest = "SELECT stream, version FROM commits WHERE seq = (SELECT max(seq) FROM commits)";
    let mut newest = connection.prepare(newest)?;
    let mut rows = newest.query(())?;
    if let Some(row) = rows.next()? {
        let key = (row.get::<_, String>(0)?, row.get::<_, i64>(1)?);
        connection.query_row("SELECT seq FROM commits WHERE stream = ?1 AND version = ?2", key, |_| Ok(()))?;
    }
    Ok(())
}

fn explain(path: &Path, error: &rusqlite::Error) -> OpenError {
    let is_foreign = match error.sqlite_error_code() {
        // A missing table or column among them.
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt | ErrorCode::Unknown) => true,
        Some(_) => false,
        // A row is missing that an index has, or a column is of another type.
        None => matches!(error, Error::QueryReturnedNoRows | Error::InvalidColumnType(..)),
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        _ if is_foreign => not_a_tender_file(path),
        _ if path.is_dir() => cannot_open(path, "it is a folder".to_owned()),
        Some(folder) if !folder.is_dir() => cannot_open(path, format!("there is no folder {}", folder.display())),
        _ if matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)) => {
            cannot_open(path, "it and its folder must be readable and writable".to_owned())
        }
        _ => cannot_open(path, error.to_string()),
    }
}

fn cannot_open(path: &Path, reason: String) -> OpenError {
    OpenError::CannotOpen { path: path.to_owned(), reason }
}

fn not_a_tender_file(path: &Path) -> OpenError {
    OpenError::NotATenderFile { path: path.to_owned() }
}
