//! The fold. It never refuses: what was committed has happened.

use super::{
    Cancellation, CancelledBy, Closed, KeyPrint, KeyUse, Leg, LegResult, Operation, Order, OrderEvent, Payment,
    Resolution,
};
use crate::{Action, Aggregate, Tally, Time, Version, limits::SHOPPER_TIME_DEFAULT};

impl Aggregate for Order {
    type Event = OrderEvent;

    fn evolve(state: Option<Self>, event: &OrderEvent, version: Version, at: Time) -> Option<Self> {
        match (state, event) {
            (None, OrderEvent::Opened { reference, amount, expires_at, kind, token_key, key }) => {
                let mut order = Self {
                    reference: reference.clone(),
                    amount: *amount,
                    remaining: amount.minor(),
                    expires_at: *expires_at,
                    opened_at: at,
                    kind: *kind,
                    version,
                    position: version,
                    attempts: 0,
                    unresolved: 0,
                    token_key: *token_key,
                    payments: Vec::new(),
                    operations: Vec::new(),
                    cancellation: None,
                    closed: None,
                    changes: 0,
                    topics: 0,
                    keys: Vec::new(),
                    is_partial: false,
                };
                order.remember(*key, version);
                order.count(event, order.topic(event));
                Some(order)
            }
            (None, _) => None,
            (Some(mut order), event) => {
                let topic = order.topic(event);
                order.version = version;
                order.apply(event, version, at);
                order.count(event, topic);
                Some(order)
            }
        }
    }
}

impl Order {
    fn apply(&mut self, event: &OrderEvent, version: Version, at: Time) {
        match event {
            // A stream is opened once; `decide` never opens it again.
            OrderEvent::Opened { .. } => {}
            OrderEvent::PaymentReserved { amount, reference, method, partner, token, act_by, key } => {
                self.remember(*key, version);
                self.position = version;
                self.attempts = self.attempts.saturating_add(1);
                self.unresolved = self.unresolved.saturating_add(1);
                self.remaining = self.remaining.saturating_sub(*amount);
                self.payments.push(Payment {
                    version,
                    amount: *amount,
                    reference: reference.clone(),
                    method: method.clone(),
                    partner: *partner,
                    token: token.clone(),
                    reserved_at: at,
                    act_by: act_by.unwrap_or_else(|| at.plus(SHOPPER_TIME_DEFAULT)).min(self.expires_at),
                    is_timed_out: false,
                    resolution: None,
                    resolved_at: Time::default(),
                    answered: None,
                    resolved: None,
                    tally: Tally::default(),
                    release_asked: false,
                });
            }
            OrderEvent::PaymentResolved { payment, resolution } => {
                self.resolve_payment(*payment, resolution, version, at);
            }
            OrderEvent::ShopperTimedOut { payment } => {
                if let Some(payment) = self.payments.iter_mut().find(|candidate| candidate.version == *payment) {
                    payment.is_timed_out = true;
                }
            }
            OrderEvent::OperationRequested { legs, is_release, key } => {
                self.remember(*key, version);
                self.request(legs, *is_release, version, at);
            }
            OrderEvent::LegResolved { operation, leg, result } => {
                self.resolve_leg(*operation, *leg, result, version, at);
            }
            OrderEvent::CancellationRequested { reason, key } => {
                self.remember(*key, version);
                self.position = version;
                self.cancellation = Some(Cancellation { version, reason: *reason });
                self.forget_releases();
            }
            OrderEvent::Answered { key } => self.remember(Some(*key), version),
            OrderEvent::Closed { reason } => {
                self.position = version;
                self.closed = Some(Closed { version, at, reason: *reason });
            }
        }
    }

    fn remember(&mut self, key: Option<KeyPrint>, version: Version) {
        self.keys.extend(key.map(|print| KeyUse { print, version }));
    }

    /// A cancellation asks once more for what could not be released when its shopper was out of time, but not
    /// for what is being released.
    fn forget_releases(&mut self) {
        let legs = self.operations.iter().flat_map(|operation| &operation.legs);
        let in_flight = legs.filter(|leg| leg.is_in_flight()).map(|leg| leg.payment).collect::<Vec<_>>();
        for payment in &mut self.payments {
            // Of an authorised one, the books tell what is in flight.
            payment.release_asked &= !payment.is_authorised() && in_flight.contains(&payment.version);
        }
    }

    fn resolve_payment(&mut self, payment: Version, resolution: &Resolution, version: Version, at: Time) {
        let voiding = self
            .operations
            .iter()
            .flat_map(|operation| &operation.legs)
            .filter(|leg| leg.payment == payment && leg.action == Action::Void && leg.is_in_flight())
            .map(|leg| leg.amount)
            .fold(0, u64::saturating_add);
        let Some(payment) = self.payments.iter_mut().find(|candidate| candidate.version == payment) else {
            return;
        };
        if resolution.is_final() {
            self.unresolved = self.unresolved.saturating_sub(1);
        }
        if resolution.is_dead() {
            self.remaining = self.remaining.saturating_add(payment.amount);
        }
        if *resolution == Resolution::Authorised {
            payment.tally = Tally::authorised(payment.amount);
            // A cancellation may have asked to void it before it was authorised.
            payment.tally.begin(Action::Void, voiding);
        }
        payment.resolution = Some(resolution.clone());
        payment.resolved_at = at;
        payment.answered = payment.answered.or(Some(version));
        payment.resolved = Some(version);
        payment.release_asked = voiding > 0;
    }

    fn request(&mut self, legs: &[Leg], is_release: bool, version: Version, at: Time) {
        for leg in legs {
            if let Some(payment) = self.payments.iter_mut().find(|payment| payment.version == leg.payment) {
                if payment.is_authorised() {
                    payment.tally.begin(leg.action, leg.amount);
                }
                payment.release_asked |= is_release;
            }
            // Until it is known whether the part comes back, the order cannot be said to be paid.
            self.unresolved = self.unresolved.saturating_add(u16::from(leg.action != Action::Capture));
        }
        self.operations.push(Operation { version, requested_at: at, legs: legs.to_vec() });
    }

    fn resolve_leg(&mut self, operation: Version, leg: u16, result: &LegResult, version: Version, at: Time) {
        let Some(leg) = self
            .operations
            .iter_mut()
            .find(|candidate| candidate.version == operation)
            .and_then(|operation| operation.legs.get_mut(usize::from(leg)))
        else {
            return;
        };
        leg.result = Some(result.clone());
        leg.resolved_at = at;
        if !result.is_final() {
            return;
        }
        let (action, amount, done) = (leg.action, leg.amount, *result == LegResult::Done);
        self.unresolved = self.unresolved.saturating_sub(u16::from(action != Action::Capture));
        let Some(payment) = self.payments.iter_mut().find(|payment| payment.version == leg.payment) else {
            return;
        };
        if payment.is_authorised() {
            payment.tally.conclude(action, amount, done);
            // A cancellation under way has to refund what is captured after all, and to release what could
            // not be released for the merchant, or before it was authorised; so has a payment that is out of
            // time. What it could not release itself counts as asked for. On an order that goes on, that is
            // the merchant's to capture.
            let asked_for_good = self.cancellation.as_ref().is_none_or(|asked| asked.version <= operation);
            let asked_when_held = payment.resolved.is_some_and(|authorised| authorised <= operation);
            payment.release_asked &= match action {
                Action::Capture => self.cancellation.is_none(),
                Action::Void | Action::Refund => done || (asked_for_good && asked_when_held),
            };
            if done && action != Action::Capture && !self.closed.as_ref().is_some_and(Closed::is_success) {
                self.remaining = self.remaining.saturating_add(amount);
            }
        } else if done && payment.is_live() {
            // Voided before it was authorised: nothing will be held under its reference.
            let by = if payment.is_timed_out { CancelledBy::Timeout } else { CancelledBy::Order };
            payment.resolution = Some(Resolution::Cancelled { by });
            payment.resolved_at = at;
            payment.answered = payment.answered.or(Some(version));
            payment.resolved = Some(version);
            self.unresolved = self.unresolved.saturating_sub(1);
            self.remaining = self.remaining.saturating_add(payment.amount);
        }
    }
}
