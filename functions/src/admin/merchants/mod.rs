//! Merchant accounts.

pub mod create;
pub mod list;
