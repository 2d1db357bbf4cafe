//! Orders that are paid in parts.

pub mod cancel;
pub mod create;
pub mod get;
mod lines;
