//! The order: what a shopper owes, and the payments that cover it.
//!
//! - [`Order::open`] and [`Order::decide`] refuse a command or return events.
//! - [`Aggregate::evolve`](crate::Aggregate::evolve) folds them.
//! - [`Order::outstanding`] lists the partner calls that are due: recovery is this list, taken again.
//! - [`ShopperView`] is the part of the state that decides a payment, small enough to travel in a token.

mod allocation;
mod cart;
mod changes;
mod decide;
mod event;
mod evolve;
pub mod line;
mod lines;
mod operation;
mod outstanding;
mod session;
mod view;

use serde::{Deserialize, Serialize};

pub use allocation::{ANY, Priority, default_priorities, in_order, share_out};
pub use cart::{Allocate, Cart, Entry, Items, LineAction, LineBooks, Payer, PayerBooks};
pub use changes::{CHANGE_NAMES, Change, ChangeId, Format, Position, Topic, changes};
pub use decide::{Cancel, Command, Decision, Finding, Open, Refusal, Reserve};
pub use event::{
    CancelReason, CancelledBy, CloseReason, Decline, KeyPrint, LegResult, Method, MethodKind, OrderEvent, OrderKind,
    PartnerId, Redirect, Resolution,
};
pub use lines::{Append, CartTerms, NewCart, Revise};
pub(crate) use operation::stored_bytes;
pub use operation::{Books, Leg, Objection, Only, Operate, Operation, OperationKind, Standing, Target};
pub use outstanding::Due;
pub use session::{CaptureMode, HeaderText, OwnFormat, OwnHeader, OwnWebhook, Session};
pub use view::ShopperView;

use crate::{Money, Tally, Time, Version};

/// The state of an order: the fold of its events.
///
/// The fields are public to be read; only `evolve` writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The merchant's name for the order.
    pub reference: String,
    /// What is to be paid in all.
    pub amount: Money,
    /// What no live payment covers, in minor units; 0 once closed with success.
    pub remaining: u64,
    /// What is covered beyond the amount, in minor units, since lines were taken back: it is to be given back.
    #[serde(default, skip_serializing_if = "is_none_left")]
    pub excess: u64,
    /// From when on it takes no payment.
    pub expires_at: Time,
    /// When it was opened.
    pub opened_at: Time,
    /// Whether it was opened to be paid in parts.
    pub kind: OrderKind,
    /// The last commit folded in.
    pub version: Version,
    /// The last commit that changed the shopper's position: reserved a payment, changed, cancelled or
    /// closed the order. A token older than this is stale; one overtaken only by results is not.
    pub position: Version,
    /// Attempts to pay, refused ones included.
    pub attempts: u8,
    /// What keeps the order from being paid although nothing remains: live payments whose outcome is not
    /// final, and voids and refunds in flight.
    pub unresolved: u16,
    /// Which key seals the order's tokens, so that each version's token keeps its bytes when keys rotate.
    pub token_key: u32,
    /// What a client session adds to it, if it was opened as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Box<Session>>,
    /// What is known of its lines, if it has any, or of its tax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cart: Option<Box<Cart>>,
    /// Attempts to pay, in the order they were reserved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<Payment>,
    /// Captures, voids, refunds and the releases of a cancellation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<Operation>,
    /// Set once cancellation was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancellation: Option<Cancellation>,
    /// Set once nothing more can happen by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
    /// Changes so far: what the newest one is numbered.
    #[serde(default)]
    pub changes: u32,
    /// Those of the changes that have a [`Topic`].
    #[serde(default)]
    pub topics: u32,
    /// How often its own webhook was to be told that amounts changed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub amount_changes: u32,
    /// The idempotency keys used on the order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyUse>,
    /// Whether this is only what a token told: without history, good for reserving a payment and for
    /// recording that payment's outcome.
    #[serde(skip)]
    pub is_partial: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_none_left(amount: &u64) -> bool {
    *amount == 0
}

/// Whether a count or an amount says nothing.
fn is_zero<N: Default + PartialEq>(number: &N) -> bool {
    *number == N::default()
}

/// An attempt to pay a part of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The commit that reserved it; with the order's identity, its reference.
    pub version: Version,
    /// The part it is to cover, in minor units; more once its authorisation was increased.
    pub amount: u64,
    /// The merchant's name for the payment.
    pub reference: String,
    /// How it is paid.
    pub method: Method,
    /// Who holds the money.
    pub partner: PartnerId,
    /// What the partner calls the instrument: never a card's number.
    pub token: String,
    /// When it was reserved.
    pub reserved_at: Time,
    /// Until when a shopper who has to act may do so; at most the order's expiry.
    #[serde(default)]
    pub act_by: Time,
    /// Whether a shopper who had to act did not do so in time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_timed_out: bool,
    /// What the partner said last; `None` while nobody has said anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// When the partner said so.
    #[serde(default)]
    pub resolved_at: Time,
    /// The commit of the first outcome: the version the payment's first answer was rendered from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Version>,
    /// The commit of the latest outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Version>,
    /// What has become of the authorised money.
    #[serde(default)]
    pub tally: Tally,
    /// The reversal by which the merchant took it back: what was in flight then is given back when it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reversed: Option<Version>,
    /// Whether its release was asked for since its state last changed, by the order's cancellation or
    /// because its shopper did not act in time, so that a release a partner declined is not asked for without end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub release_asked: bool,
}

impl Payment {
    /// Whether its part of the order is covered, or may yet be.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !self.resolution.as_ref().is_some_and(Resolution::is_dead)
    }

    /// Whether the partner's word is final.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.resolution.as_ref().is_some_and(Resolution::is_final)
    }

    /// Whether the money was authorised (and perhaps captured, voided or refunded since).
    #[must_use]
    pub fn is_authorised(&self) -> bool {
        matches!(self.resolution, Some(Resolution::Authorised))
    }

    /// What it covers of the order, in minor units.
    #[must_use]
    pub fn covers(&self) -> u64 {
        match (self.is_live(), self.is_authorised()) {
            (false, _) => 0,
            (true, true) => self.tally.kept().saturating_add(self.tally.increasing),
            (true, false) => self.amount,
        }
    }
}

/// That an order was told to end, and its payments to be released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancellation {
    /// The commit that asked for it; with the order's identity, the cancellation's reference.
    pub version: Version,
    /// Who asked.
    pub reason: CancelReason,
}

/// How an order ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The commit that closed it.
    pub version: Version,
    /// When.
    pub at: Time,
    /// Why; success exactly if it was paid.
    pub reason: CloseReason,
    /// When all its money is to be captured, if that is to happen by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_at: Option<Time>,
}

impl Closed {
    /// Whether the order was paid in full.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.reason == CloseReason::Paid
    }
}

/// One use of an idempotency key, as keyed fingerprints of the key and of the request it came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// The fingerprints.
    #[serde(flatten)]
    pub print: KeyPrint,
    /// The commit that the request made.
    pub version: Version,
}

impl Order {
    /// The payment reserved by commit `version`.
    #[must_use]
    pub fn payment(&self, version: Version) -> Option<&Payment> {
        self.payments.iter().find(|payment| payment.version == version)
    }

    /// Whether it takes no payment any more at `now`, by time alone.
    #[must_use]
    pub fn is_expired(&self, now: Time) -> bool {
        now >= self.expires_at
    }

    /// Whether it was neither cancelled nor closed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.cancellation.is_none() && self.closed.is_none()
    }

    /// When it changed last, as far as its state tells.
    #[must_use]
    pub fn updated_at(&self) -> Time {
        let payments = self.payments.iter().map(|payment| payment.resolved_at.max(payment.reserved_at));
        let operations = self.operations.iter().map(Operation::updated_at);
        let closed = self.closed.iter().map(|closed| closed.at);
        let revised = self.cart.iter().map(|cart| cart.revised_at);
        payments.chain(operations).chain(closed).chain(revised).fold(self.opened_at, Time::max)
    }

    /// What is covered by live payments, in minor units.
    #[must_use]
    pub fn covered(&self) -> u64 {
        self.payments.iter().map(Payment::covers).fold(0, u64::saturating_add)
    }
}
