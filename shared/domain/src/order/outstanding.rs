//! What is left to do, as a pure function of the state.

use super::{Leg, Order, Payment, Resolution};
use crate::{
    Time, Version,
    limits::{ASK_AGAIN_AFTER, AUTHORISE_DEADLINE},
};

/// A partner call that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Ask the partner what became of an authorisation.
    Lookup {
        /// The payment.
        payment: Version,
    },
    /// Capture, void or refund (again, if the last try's outcome is not known: the leg's own reference
    /// keeps the partner from doing it twice).
    Perform {
        /// The operation.
        operation: Version,
        /// The leg's place in it.
        index: u16,
        /// The leg.
        leg: Leg,
    },
}

impl Order {
    /// Every intent without an outcome whose partner is to be called at `now`.
    #[must_use]
    pub fn outstanding(&self, now: Time) -> Vec<Due> {
        let legs = self.operations.iter().flat_map(|operation| {
            operation
                .legs
                .iter()
                .zip(0_u16..)
                .filter(|(leg, _)| leg_is_due(leg, now))
                .map(|(leg, index)| Due::Perform { operation: operation.version, index, leg: leg.clone() })
        });
        let lookups = self
            .payments
            .iter()
            .filter(|payment| lookup_is_due(payment, now))
            .map(|payment| Due::Lookup { payment: payment.version });
        legs.chain(lookups).collect()
    }
}

fn leg_is_due(leg: &Leg, now: Time) -> bool {
    leg.is_in_flight() && (leg.result.is_none() || now >= leg.resolved_at.plus(ASK_AGAIN_AFTER))
}

fn lookup_is_due(payment: &Payment, now: Time) -> bool {
    match &payment.resolution {
        // Whoever reserved it may still be calling the partner.
        None => now >= payment.reserved_at.plus(AUTHORISE_DEADLINE),
        Some(Resolution::Pending | Resolution::AwaitingShopper { .. } | Resolution::Uncertain) => {
            now >= payment.resolved_at.plus(ASK_AGAIN_AFTER)
        }
        Some(
            Resolution::Authorised | Resolution::Refused { .. } | Resolution::Cancelled { .. } | Resolution::Failed,
        ) => false,
    }
}
