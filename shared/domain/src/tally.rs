//! What has become of one authorised amount.

use serde::{Deserialize, Serialize};

use crate::limits::AMOUNT_MINOR_MAX;

/// What can be done with authorised money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Take authorised money.
    Capture,
    /// Release authorised money that was not captured.
    Void,
    /// Give captured money back.
    Refund,
    /// Hold more under an authorisation than it was made for.
    Increase,
}

impl Action {
    /// Whether it takes money from a shopper, or holds it: what may not happen to an order that was cancelled.
    #[must_use]
    pub fn takes(self) -> bool {
        match self {
            Self::Capture | Self::Increase => true,
            Self::Void | Self::Refund => false,
        }
    }
}

/// The books of one authorisation, in minor units of its currency.
///
/// At every moment: authorised = captured + voided + in flight (being captured or voided) + capturable,
/// and refunded + being refunded <= captured. Amounts in flight are subtracted from what can still be
/// done at once, so that two requests never share a cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// What the partner holds, or held.
    #[serde(skip_serializing_if = "is_zero")]
    pub authorised: u64,
    /// What was taken.
    #[serde(skip_serializing_if = "is_zero")]
    pub captured: u64,
    /// What was released.
    #[serde(skip_serializing_if = "is_zero")]
    pub voided: u64,
    /// What was taken and given back.
    #[serde(skip_serializing_if = "is_zero")]
    pub refunded: u64,
    /// Being captured: asked for, without an outcome yet.
    #[serde(skip_serializing_if = "is_zero")]
    pub capturing: u64,
    /// Being voided.
    #[serde(skip_serializing_if = "is_zero")]
    pub voiding: u64,
    /// Being refunded.
    #[serde(skip_serializing_if = "is_zero")]
    pub refunding: u64,
    /// Being added to what is authorised; none of it is, yet.
    #[serde(skip_serializing_if = "is_zero")]
    pub increasing: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(amount: &u64) -> bool {
    *amount == 0
}

impl Tally {
    /// The books of a fresh authorisation.
    #[must_use]
    pub fn authorised(amount: u64) -> Self {
        Self { authorised: amount, ..Self::default() }
    }

    /// What can still be captured or voided.
    #[must_use]
    pub fn capturable(&self) -> u64 {
        self.authorised
            .saturating_sub(self.captured)
            .saturating_sub(self.voided)
            .saturating_sub(self.capturing)
            .saturating_sub(self.voiding)
    }

    /// What can still be refunded.
    #[must_use]
    pub fn refundable(&self) -> u64 {
        self.captured.saturating_sub(self.refunded).saturating_sub(self.refunding)
    }

    /// What `action` can still be asked for.
    #[must_use]
    pub fn available(&self, action: Action) -> u64 {
        match action {
            Action::Capture | Action::Void => self.capturable(),
            Action::Refund => self.refundable(),
            // The order, and who holds the money, say how far it may grow; the books only have to hold it.
            Action::Increase => AMOUNT_MINOR_MAX.saturating_sub(self.authorised).saturating_sub(self.increasing),
        }
    }

    /// What has been neither released nor given back.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.authorised.saturating_sub(self.voided).saturating_sub(self.refunded)
    }

    /// Whether nothing is in flight.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.capturing == 0 && self.voiding == 0 && self.refunding == 0 && self.increasing == 0
    }

    /// Puts `amount` in flight. The caller has compared it with [`Tally::available`].
    pub fn begin(&mut self, action: Action, amount: u64) {
        let flight = self.in_flight(action);
        *flight = flight.saturating_add(amount);
    }

    /// Takes `amount` out of flight, into the books if it was done.
    pub fn conclude(&mut self, action: Action, amount: u64, done: bool) {
        let flight = self.in_flight(action);
        *flight = flight.saturating_sub(amount);
        if done {
            let booked = match action {
                Action::Capture => &mut self.captured,
                Action::Void => &mut self.voided,
                Action::Refund => &mut self.refunded,
                Action::Increase => &mut self.authorised,
            };
            *booked = booked.saturating_add(amount);
        }
    }

    /// Whether the books add up: the first promise of the engine, checked by its property tests.
    #[must_use]
    pub fn is_conserved(&self) -> bool {
        let used =
            [self.captured, self.voided, self.capturing, self.voiding].into_iter().try_fold(0_u64, u64::checked_add);
        let returned = self.refunded.checked_add(self.refunding);
        used.is_some_and(|used| used <= self.authorised) && returned.is_some_and(|returned| returned <= self.captured)
    }

    fn in_flight(&mut self, action: Action) -> &mut u64 {
        match action {
            Action::Capture => &mut self.capturing,
            Action::Void => &mut self.voiding,
            Action::Refund => &mut self.refunding,
            Action::Increase => &mut self.increasing,
        }
    }
}
