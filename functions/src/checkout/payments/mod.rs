//! Payments, of an order or on their own.

mod answer;
pub mod create;
pub mod details;
