//! The ports of [`app`] kept by AWS: what Tender runs on when it scales out.
//!
//! *Architecture invariant*: this is the only crate that calls AWS. What it is told comes in as environment
//! variables, which Lambda sets and the SDK reads; nothing is asked over the network at the start.
//!
//! *Architecture invariant*: commits are written here, by [`DynamoLog`], and nowhere else.

mod client;
mod commits;

pub use client::{ATTEMPT_TIMEOUT, ATTEMPTS_MAX, OPERATION_TIMEOUT, dynamo_client};
pub use commits::DynamoLog;
