//! The use cases of Tender, and the ports they stand on.
//!
//! *Architecture invariant*: no HTTP, no AWS, no SQLite here. What is outside comes in through the traits of
//! [`ports`], as trait objects with boxed futures, so that each implementation is compiled once and not
//! again in every binary.
//!
//! *Architecture invariant*: orders are written in one file, `orders.rs`: begun by `begin`, and from then on
//! by [`App::carry_out`] alone.

pub mod access;
mod attention;
mod drafts;
mod driver;
mod feeds;
mod lines;
mod lookups;
pub mod metrics;
mod orders;
pub mod ports;
mod prints;
pub mod relay;
pub mod streams;
pub mod system;
pub mod webhooks;

use std::sync::Arc;

use domain::{
    Reference,
    order::{PartnerId, Refusal},
};

pub use attention::{ATTENTION_AGAIN_AFTER, ATTENTION_LISTED_MAX, NeedsAttention};
pub use domain::webhook::OWN_ENDPOINT;
pub use drafts::{DraftError, DraftKey};
pub use driver::{DRIVER_ROUNDS_MAX, EXPIRES_SOON, Expired, PARTNER_CALL_MAX, PARTNER_CALLS_AT_ONCE};
pub use feeds::{DELIVERIES_PER_JOB_MAX, Deliveries, STAND_BACK, test_id};
pub use lines::{LOG_STRETCHES_MAX, Logged};
pub use lookups::{Details, SAME_REFERENCE_MAX};
pub use metrics::{Measure, Meter};
pub use orders::{
    Answered, DECIDE_ATTEMPTS_MAX, Done, NewAllocation, NewLines, NewPayment, Opened, Operated, OrderKey, OrderTerms,
    Revision, Tell,
};
pub use ports::{Clock, CommitLog, Fut, Instrument, Partner, Random, StoreError};
pub use prints::Prints;
pub use relay::Relay;
pub use streams::{StreamId, Streams};
pub use webhooks::Webhooks;

use metrics::no_meter;

/// The engine's use cases over its ports.
#[derive(Clone)]
pub struct App {
    /// The commit log, the clock and the source of randomness.
    pub streams: Streams,
    /// Keyed fingerprints.
    pub prints: Prints,
    partners: Partners,
    meter: Arc<dyn Meter>,
}

/// Whoever holds the shopper's money.
#[derive(Clone)]
pub struct Partners {
    /// Gift cards.
    pub accounts: Arc<dyn Partner>,
    /// The test acquirer.
    pub sandbox: Arc<dyn Partner>,
    /// Credit.
    pub credit: Arc<dyn Partner>,
}

impl App {
    /// The engine over its ports.
    #[must_use]
    pub fn new(streams: Streams, prints: Prints, partners: Partners) -> Self {
        Self { streams, prints, partners, meter: no_meter() }
    }

    /// The same, counted by `meter`.
    #[must_use]
    pub fn with_meter(self, meter: Arc<dyn Meter>) -> Self {
        Self { meter, ..self }
    }

    /// The partner of that name.
    #[must_use]
    pub fn partner(&self, id: PartnerId) -> &dyn Partner {
        match id {
            PartnerId::Accounts => self.partners.accounts.as_ref(),
            PartnerId::Sandbox => self.partners.sandbox.as_ref(),
            PartnerId::Credit => self.partners.credit.as_ref(),
        }
    }

    /// Who takes payments with such an instrument.
    #[must_use]
    pub fn partner_for(&self, instrument: &Instrument) -> PartnerId {
        match instrument {
            Instrument::GiftCard { .. } => PartnerId::Accounts,
            Instrument::Card { .. } | Instrument::Ideal => PartnerId::Sandbox,
            Instrument::Credit { .. } => PartnerId::Credit,
        }
    }
}

/// Why a use case did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule forbids it; nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no such thing, or it belongs to another merchant.
    #[error("not found")]
    NotFound,
    /// Others changed the same thing again and again; nothing was changed.
    #[error("lost {DECIDE_ATTEMPTS_MAX} races in a row")]
    Contended,
    /// The partner was called, and its answer could not be recorded. It will be looked up; until then the
    /// payment is what it was. Asking again without the same idempotency key would be another payment.
    #[error("the payment {payment} was begun, and its outcome is not recorded")]
    Begun {
        /// The payment.
        payment: Reference,
        /// Why.
        source: Box<Error>,
    },
    /// The store did not answer, or not with what it should.
    #[error("the store failed")]
    Store(#[from] StoreError),
}
