//! Gift cards.

pub mod get;
pub mod issue;
