//! What is done behind the requests: what follows commits, orders' work, deliveries and expiries. Each file is one
//! Lambda: a consumer of events as its source hands them over. What it does with them is the use cases' business,
//! and the same on one machine.

pub mod deliver_webhook;
pub mod expire_order;
mod messages;
pub mod relay;
pub mod work;

use api::lambda::Error;
use serde_json::{Value, json};

/// The answer to a batch that was not taken whole: what is to be given again, by its identity at the source. Empty
/// if all of it was taken.
fn failures(identities: impl IntoIterator<Item = String>) -> Value {
    let failures = identities.into_iter().map(|identity| json!({ "itemIdentifier": identity }));
    json!({ "batchItemFailures": failures.collect::<Vec<_>>() })
}

/// An error and what caused it, in one line: a source's own words would be lost on the way to the log.
fn chained(error: &(dyn std::error::Error + 'static)) -> Error {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ").into()
}
