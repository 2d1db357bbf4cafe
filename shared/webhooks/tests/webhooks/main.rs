//! What an endpoint gets, and what comes back.
//!
//! - `checkout`, `operations` (what `checkout` tells of them), `tender` and `payments` are the bodies, word for word.
//! - `sample` compares the last with the payments family's published sample, field by field.
//! - `sign` has others check our signatures: Adyen's published vectors and the library of Standard Webhooks.
//! - `address` and `url` say where nothing is sent.
//! - `courier` sends to a server on loopback. No test leaves the machine.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that cannot help fails its test")]

mod address;
mod checkout;
mod courier;
mod operations;
mod own_headers;
mod payments;
mod sample;
mod server;
mod sign;
mod support;
mod tender;
mod url;
