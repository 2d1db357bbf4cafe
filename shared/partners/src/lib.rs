//! Whoever holds the shopper's money: our own gift cards ([`accounts`]) and [`credit`], and the [`sandbox`] acquirer.
//!
//! *Architecture invariant*: a partner keeps its own books, in streams of its own, and knows nothing of
//! orders. What it says is what its books say, so it can be asked again after any crash.

pub mod accounts;
mod books;
pub mod credit;
pub mod sandbox;

pub use accounts::Accounts;
pub use credit::{CreditError, Credits, Wanted};
pub use sandbox::Sandbox;

/// The last four characters of a number: all of it that may be kept.
fn last4(number: &str) -> String {
    number.chars().skip(number.chars().count().saturating_sub(4)).collect()
}
