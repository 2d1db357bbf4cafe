//! What is left to do, as a pure function of the state.

use super::{Leg, Order, Payment, Resolution};
use crate::{
    Time, Version,
    limits::{ASK_AGAIN_AFTER, AUTHORISE_DEADLINE, SHOPPER_TIME_DEFAULT},
    retry,
};

/// Something that is due: a partner call, or a step that time asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Time has passed: a shopper did not act, the order expired, or it is to be captured. See [`Command::Lapse`](super::Command).
    Lapse,
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
    /// What is to be done at `now`: first what time asks for, then every intent without an outcome whose
    /// partner is to be called.
    #[must_use]
    pub fn outstanding(&self, now: Time) -> Vec<Due> {
        let legs = self.operations.iter().flat_map(|operation| {
            operation
                .legs
                .iter()
                .zip(0_u16..)
                .filter(|(leg, _)| leg_is_due(leg, now) && self.can_be_asked(leg))
                .map(|(leg, index)| Due::Perform { operation: operation.version, index, leg: leg.clone() })
        });
        let lookups = self
            .payments
            .iter()
            .filter(|payment| lookup_is_due(payment, now))
            .map(|payment| Due::Lookup { payment: payment.version });
        self.has_lapsed(now).then_some(Due::Lapse).into_iter().chain(legs).chain(lookups).collect()
    }

    /// Whether the partner can be asked for a leg: while it has not said anything of the payment itself, what is
    /// asked could cross with that.
    fn can_be_asked(&self, leg: &Leg) -> bool {
        let payment = self.payment(leg.payment);
        !matches!(payment.map(|payment| &payment.resolution), Some(None | Some(Resolution::Uncertain)))
    }

    /// Whether time asks for something: see [`Due::Lapse`].
    #[must_use]
    pub fn has_lapsed(&self, now: Time) -> bool {
        self.is_to_expire(now)
            || self.captures_at().is_some_and(|at| now >= at)
            || self.payments.iter().any(|payment| payment.has_lapsed(now))
    }

    /// When to look at it again, after everything due at `now` was tried for the `tries`th time in a row;
    /// `None` if nothing is left but to wait for a request, for its expiry, or for [`Order::captures_at`].
    #[must_use]
    pub fn next_look(&self, now: Time, tries: u16) -> Option<Time> {
        let later = now.plus(retry::work_delay(tries));
        let legs = self.operations.iter().flat_map(|operation| &operation.legs);
        let legs = legs.filter(|leg| leg.is_in_flight()).map(|_| later);
        let payments =
            self.payments.iter().filter(|payment| !payment.is_final()).map(|payment| match payment.lapses_at() {
                _ if payment.resolution.is_none() => later.max(payment.reserved_at.plus(AUTHORISE_DEADLINE)),
                Some(lapses_at) if lapses_at > now => later.min(lapses_at),
                Some(_) | None => later,
            });
        let lapsed = self.has_lapsed(now).then_some(later);
        legs.chain(payments).chain(lapsed).min()
    }

    /// Whether what is left waits for a shopper alone, who may take as long as the payment allows.
    #[must_use]
    pub fn waits_for_shopper(&self) -> bool {
        let mut open = self.payments.iter().filter(|payment| !payment.is_final()).peekable();
        let legs = self.operations.iter().flat_map(|operation| &operation.legs);
        open.peek().is_some()
            && open.all(|payment| payment.lapses_at().is_some())
            && !legs.into_iter().any(Leg::is_in_flight)
    }
}

impl Payment {
    /// Whether its shopper had to act and did not in time, and nothing was done about it yet.
    pub(super) fn has_lapsed(&self, now: Time) -> bool {
        self.lapses_at().is_some_and(|lapses_at| now >= lapses_at)
    }

    /// Until when its shopper may act; none if there is nothing to do, or if it is being released anyway.
    fn lapses_at(&self) -> Option<Time> {
        let is_waiting = matches!(self.resolution, Some(Resolution::AwaitingShopper { .. }));
        let is_on = is_waiting && !self.is_timed_out && !self.release_asked;
        // Snapshots from before shoppers had a time to act by tell none.
        let is_told = self.act_by > Time::default();
        is_on.then(|| if is_told { self.act_by } else { self.reserved_at.plus(SHOPPER_TIME_DEFAULT) })
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
