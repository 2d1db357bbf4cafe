//! What the tests stand on: stand-ins for the outside world, and wrappers that make it fail.
//!
//! *Architecture invariant*: nothing here waits for a time to pass, and nothing leaves this machine.
#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

pub mod conformance;
pub mod dynamo;
pub mod faults;
pub mod hook;
pub mod lender;
pub mod page;
pub mod payments;
pub mod receiver;
pub mod requests;
pub mod shop;
pub mod stream;
pub mod widget;

use std::path::{Path, PathBuf};

/// The repository that is tested.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}
