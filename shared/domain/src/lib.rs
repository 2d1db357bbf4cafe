//! The rules of Tender: what an order may do, what a gift card may do, and what is left to be done.
//!
//! *Architecture invariant*: nothing here is asynchronous, reads a clock, draws a random number, or
//! knows of HTTP or AWS. Times, identifiers and fingerprints come in as values, so every rule can be
//! run again, on the same input, with the same result.
//!
//! Each aggregate is a pair of functions: `decide`, which refuses or returns events, and `evolve`, which
//! folds an event into the state and never fails.

pub mod access;
pub mod account;
pub mod attention;
pub mod credit;
pub mod decimal;
pub mod draft;
pub mod feed;
pub mod limits;
pub mod money;
pub mod names;
pub mod order;
pub mod reference;
pub mod retry;
pub mod tally;
pub mod time;
pub mod webhook;

use serde::{Serialize, de::DeserializeOwned};

pub use account::Account;
pub use decimal::{Decimal, DecimalError};
pub use money::{Currency, Money, MoneyError};
pub use names::{InvalidName, MerchantAccount};
pub use order::Order;
pub use reference::{OrderId, Reference, ReferenceError, Version};
pub use tally::{Action, Tally};
pub use time::Time;

/// A state that is the fold of a stream of events, and can be stored as one.
///
/// `Serialize` and `DeserializeOwned` on the state are for snapshots: the fold of all events must equal
/// any snapshot plus the fold of the events after it.
pub trait Aggregate: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What can happen to it.
    type Event: Clone + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The state after `event`, which was committed as `version` at time `at`.
    ///
    /// Never fails: what was committed has happened. `None` comes out only when `None` goes in with an
    /// event that does not begin a stream, which no writer produces.
    fn evolve(state: Option<Self>, event: &Self::Event, version: Version, at: Time) -> Option<Self>;

    /// The state after all the events of one commit.
    fn evolve_all(state: Option<Self>, events: &[Self::Event], version: Version, at: Time) -> Option<Self> {
        events.iter().fold(state, |state, event| Self::evolve(state, event, version, at))
    }
}
