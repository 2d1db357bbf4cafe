//! The ports of [`app`] kept by AWS: what Tender runs on when it scales out.
//!
//! *Architecture invariant*: this is the only crate that calls AWS. What it is told comes in as environment
//! variables, which Lambda sets and the SDK reads; nothing is asked over the network at the start.
//!
//! *Architecture invariant*: commits are written here, by [`DynamoLog`], and nowhere else.

mod bus;
mod client;
mod commits;
mod meter;
mod queue;
mod roots;
mod schedules;
mod timers;
mod trace;

pub use bus::{EVENT_BYTES_MAX, EVENTS_PER_REQUEST_MAX, EventBridgeBus, PUT_TRIES_MAX, SOURCE};
pub use client::{ATTEMPT_TIMEOUT, ATTEMPTS_MAX, ClientError, Clients, OPERATION_TIMEOUT};
pub use commits::{DynamoLog, FOLLOWED, LIST_INDEX, commit_of_image};
pub use meter::LogMeter;
pub use queue::{DELAY_MAX, JOBS_PER_REQUEST_MAX, SEND_TRIES_MAX, SqsQueue, SqsQueues};
pub use roots::amazon_roots;
pub use schedules::Schedules;
pub use timers::SchedulerTimers;
pub use trace::Tracer;
