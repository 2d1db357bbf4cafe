//! The ports of [`app`] kept by one SQLite file: what Tender runs on when it runs on one machine.
//!
//! *Architecture invariant*: what was acknowledged is on the disk. Every write is answered after the
//! `COMMIT` of its transaction, and the file is in WAL mode with `synchronous=FULL`, so that neither
//! `kill -9` nor a power failure takes back an answer.
//!
//! *Architecture invariant*: one thread writes. The order of `commits.seq` is therefore the order in which
//! commits became visible, and a reader that remembers the last `seq` it saw misses none.

mod file;
mod jobs;
mod log;
mod writer;

pub use file::OpenError;
pub use jobs::{Due, LANES_AT_ONCE_MAX, Line, Taken};
pub use log::{READERS, SqliteLog};
pub use writer::{GROUP_COMMITS_MAX, QUEUED_COMMITS_MAX};
