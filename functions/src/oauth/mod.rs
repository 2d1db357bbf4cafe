//! Access tokens, for the families that are called with Bearer authentication.

pub mod token;
