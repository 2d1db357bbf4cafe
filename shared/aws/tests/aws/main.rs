//! What the ports say to AWS, and what they make of its answers: against a stand-in that answers as it is told.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bus;
mod images;
mod meter;
mod queue;
mod roots;
mod stub;
mod timers;
mod trace;
