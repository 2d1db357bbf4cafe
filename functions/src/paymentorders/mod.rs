//! The payment orders family: wire-compatible with Swedbank Pay's `paymentorders`.

pub mod page;
