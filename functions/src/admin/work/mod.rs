//! Orders whose outstanding work fails for long.

pub mod list;
pub mod retry;
