//! What a shopper can pay with.

pub mod balance;
pub mod list;
