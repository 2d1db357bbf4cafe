//! What is counted while the engine runs: pure functions of what was committed, and of what is left to do.
//!
//! A measure is taken once, by whoever made the commit, right after it. One that dies in between leaves a commit that
//! was not counted: figures are for whoever watches, and never for books.

use std::{sync::Arc, time::Duration};

use domain::{
    Order, Time,
    order::{CloseReason, OrderEvent, PartnerId, Resolution},
};
use tracing::Span;

use crate::OrderKey;

/// Something to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// An order was opened.
    OrderOpened,
    /// An order ended.
    OrderClosed {
        /// Why: `paid`, `cancelled`, `expired` or `payment_failed`.
        outcome: &'static str,
    },
    /// A payment's authorisation ended.
    PaymentEnded {
        /// At which partner: `accounts` or `sandbox`.
        partner: &'static str,
        /// How: `authorised`, `refused`, `cancelled` or `failed`.
        outcome: &'static str,
    },
    /// A webhook endpoint was told something, once.
    WebhookAttempt {
        /// What came of it: `delivered` or `failed`.
        outcome: &'static str,
    },
    /// The worker has left a payment or an operation of an order without a final outcome.
    Uncertain {
        /// For how long the oldest of them has been under way.
        age: Duration,
    },
}

/// Whoever counts.
pub trait Meter: Send + Sync {
    /// Counts these.
    fn count(&self, measures: &[Measure]);
}

/// Nobody counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMeter;

impl Meter for NoMeter {
    fn count(&self, _: &[Measure]) {}
}

/// What nobody counts until it is told who does.
pub(crate) fn no_meter() -> Arc<dyn Meter> {
    Arc::new(NoMeter)
}

/// What a commit is counted as, given the order after it.
#[must_use]
pub fn of_commit(order: &Order, events: &[OrderEvent]) -> Vec<Measure> {
    events.iter().filter_map(|event| of_event(order, event)).collect()
}

fn of_event(order: &Order, event: &OrderEvent) -> Option<Measure> {
    match event {
        OrderEvent::Opened { .. } => Some(Measure::OrderOpened),
        OrderEvent::Closed { reason, .. } => Some(Measure::OrderClosed {
            outcome: match reason {
                CloseReason::Paid => "paid",
                CloseReason::Cancelled => "cancelled",
                CloseReason::Expired => "expired",
                CloseReason::PaymentFailed => "payment_failed",
                CloseReason::Concluded => "concluded",
            },
        }),
        OrderEvent::PaymentResolved { payment, resolution } => {
            let outcome = match resolution {
                Resolution::Authorised => "authorised",
                Resolution::Refused { .. } => "refused",
                Resolution::Cancelled { .. } => "cancelled",
                Resolution::Failed => "failed",
                Resolution::Pending | Resolution::AwaitingShopper { .. } | Resolution::Uncertain => return None,
            };
            let partner = match order.payment(*payment)?.partner {
                PartnerId::Accounts => "accounts",
                PartnerId::Sandbox => "sandbox",
                PartnerId::Credit => "credit",
            };
            Some(Measure::PaymentEnded { partner, outcome })
        }
        OrderEvent::PaymentReserved { .. }
        | OrderEvent::ShopperTimedOut { .. }
        | OrderEvent::OperationRequested { .. }
        | OrderEvent::OperationRefused { .. }
        | OrderEvent::LegResolved { .. }
        | OrderEvent::Revised { .. }
        | OrderEvent::Appended { .. }
        | OrderEvent::LinesRecorded { .. }
        | OrderEvent::Reopened { .. }
        | OrderEvent::CancellationRequested { .. }
        | OrderEvent::Answered { .. }
        | OrderEvent::AmountsChanged => None,
    }
}

/// For how long the oldest payment or leg of an order that only a partner can end has been under way. What waits for
/// a shopper does not count: that may take as long as the payment allows.
#[must_use]
pub fn uncertain(order: &Order, now: Time) -> Option<Measure> {
    let waits = |resolution: &Option<Resolution>| matches!(resolution, Some(Resolution::AwaitingShopper { .. }));
    let payments = order.payments.iter().filter(|payment| !payment.is_final() && !waits(&payment.resolution));
    let legs = order.operations.iter().filter(|operation| operation.legs.iter().any(|leg| leg.is_in_flight()));
    let begun = payments.map(|payment| payment.reserved_at).chain(legs.map(|operation| operation.requested_at));
    begun.min().map(|begun| Measure::Uncertain { age: now.since(begun) })
}

/// Lets whatever is logged from here on say which order it is about.
pub(crate) fn note(key: &OrderKey) {
    let reference = key.id.reference();
    Span::current().record("merchant", key.merchant.as_str()).record("order", tracing::field::display(reference));
}
