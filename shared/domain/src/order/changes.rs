//! What is told about an order: its changes, numbered.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{LegResult, Order, OrderEvent, OrderKind, Resolution};
use crate::{Action, Aggregate, OrderId, Reference, Time, Version, reference::ReferenceError};

/// Where a change stands in its order's log: the commit, and the event's place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Position {
    /// The commit.
    pub version: Version,
    /// The event's place in it.
    pub index: u16,
}

impl Position {
    /// The place after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self { version: self.version, index: self.index.saturating_add(1) }
    }
}

/// The name of a change, told with it and the same on every try: `evt_7Q2M0V5D8RKTA004_0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChangeId {
    /// The order.
    pub order: OrderId,
    /// Where in its log.
    pub position: Position,
}

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "evt_{}_{}", self.order.at(self.position.version), self.position.index)
    }
}

impl FromStr for ChangeId {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (reference, index) = text.strip_prefix("evt_").and_then(|id| id.split_once('_')).ok_or(ReferenceError)?;
        let reference = reference.parse::<Reference>()?;
        // Rust's own reading takes a plus sign.
        let index = Some(index).filter(|index| !index.starts_with('+')).and_then(|index| index.parse().ok());
        let index = index.ok_or(ReferenceError)?;
        Ok(Self { order: reference.order(), position: Position { version: reference.version(), index } })
    }
}

/// What a change is about, for those who are told only what a shop acts on: each is an event code of Adyen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// An order in parts began.
    OrderOpened,
    /// A payment was authorised, or will not be.
    Authorisation,
    /// A capture succeeded or failed.
    Capture,
    /// A void succeeded or failed.
    Cancellation,
    /// A refund succeeded or failed.
    Refund,
    /// The shopper had to act and did not in time; the payment's part is free again.
    OfferClosed,
    /// An order in parts ended.
    OrderClosed,
}

impl Topic {
    /// Every topic.
    pub const ALL: &[Self] = &[
        Self::OrderOpened,
        Self::Authorisation,
        Self::Capture,
        Self::Cancellation,
        Self::Refund,
        Self::OfferClosed,
        Self::OrderClosed,
    ];

    /// Adyen's event code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::OrderOpened => "ORDER_OPENED",
            Self::Authorisation => "AUTHORISATION",
            Self::Capture => "CAPTURE",
            Self::Cancellation => "CANCELLATION",
            Self::Refund => "REFUND",
            Self::OfferClosed => "OFFER_CLOSED",
            Self::OrderClosed => "ORDER_CLOSED",
        }
    }
}

/// In which words changes are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Adyen's notifications: only what has a [`Topic`].
    Checkout,
    /// Our own: every change.
    Tender,
}

/// Names of changes in our own format.
pub const CHANGE_NAMES: &[&str] = &[
    "order.opened",
    "order.cancellation_requested",
    "order.closed",
    "payment.reserved",
    "payment.authorised",
    "payment.refused",
    "payment.cancelled",
    "payment.failed",
    "payment.pending",
    "payment.awaiting_shopper",
    "payment.uncertain",
    "payment.timed_out",
    "operation.requested",
    "capture.done",
    "capture.declined",
    "capture.pending",
    "capture.uncertain",
    "void.done",
    "void.declined",
    "void.pending",
    "void.uncertain",
    "refund.done",
    "refund.declined",
    "refund.pending",
    "refund.uncertain",
];

/// One change of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where it stands in the order's log.
    pub position: Position,
    /// When it was committed.
    pub at: Time,
    /// What happened.
    pub event: OrderEvent,
    /// What it is about, if a shop acts on it.
    pub topic: Option<Topic>,
    /// The order right after it. Its counts of changes and topics number this one.
    pub order: Order,
}

impl Change {
    /// Whether it is told in a format.
    #[must_use]
    pub fn is_told(&self, format: Format) -> bool {
        match format {
            Format::Checkout => self.topic.is_some(),
            Format::Tender => self.event.is_change(),
        }
    }

    /// Its name in a format; empty if it is not told in it.
    #[must_use]
    pub fn name(&self, format: Format) -> &'static str {
        match format {
            Format::Checkout => self.topic.map_or("", Topic::code),
            Format::Tender => self.order.name(&self.event),
        }
    }

    /// Its number among the changes of the order that are told in a format, from 1 without gaps.
    #[must_use]
    pub fn sequence(&self, format: Format) -> u32 {
        match format {
            Format::Checkout => self.order.topics,
            Format::Tender => self.order.changes,
        }
    }
}

/// The changes that one commit made: `before` is the order before it, none for its first.
#[must_use]
pub fn changes(before: Option<Order>, events: &[OrderEvent], version: Version, at: Time) -> Vec<Change> {
    let mut state = before;
    let mut changes = Vec::with_capacity(events.len());
    for (event, index) in events.iter().zip(0_u16..) {
        let before = state.clone();
        state = Order::evolve(state, event, version, at);
        let Some(order) = state.clone() else { break };
        let topic = before.as_ref().unwrap_or(&order).topic(event);
        changes.push(Change { position: Position { version, index }, at, event: event.clone(), topic, order });
    }
    changes
}

impl OrderEvent {
    /// Whether the order is another after it; an answer that was only pinned changes nothing.
    #[must_use]
    pub fn is_change(&self) -> bool {
        !matches!(self, Self::Answered { .. })
    }

    /// Whether a shop may have to act on it: to say it for sure takes the order.
    #[must_use]
    pub fn may_have_topic(&self) -> bool {
        match self {
            Self::Opened { kind, .. } => *kind == OrderKind::Parts,
            Self::PaymentResolved { resolution, .. } => resolution.is_final(),
            Self::LegResolved { result, .. } => result.is_final(),
            Self::Closed { .. } => true,
            Self::PaymentReserved { .. }
            | Self::ShopperTimedOut { .. }
            | Self::OperationRequested { .. }
            | Self::CancellationRequested { .. }
            | Self::Answered { .. } => false,
        }
    }
}

impl Order {
    /// What `event` is about, on this order: the one before the event, or for `Opened` the one after.
    pub(super) fn topic(&self, event: &OrderEvent) -> Option<Topic> {
        match event {
            OrderEvent::Opened { .. } => (self.kind == OrderKind::Parts).then_some(Topic::OrderOpened),
            OrderEvent::Closed { .. } => (self.kind == OrderKind::Parts).then_some(Topic::OrderClosed),
            OrderEvent::PaymentResolved { payment, resolution } => {
                let is_out_of_time = self.payment(*payment).is_some_and(|payment| payment.is_timed_out);
                match resolution {
                    resolution if !resolution.is_final() => None,
                    resolution if resolution.is_dead() && is_out_of_time => Some(Topic::OfferClosed),
                    _ => Some(Topic::Authorisation),
                }
            }
            OrderEvent::LegResolved { operation, leg, result } => {
                let leg = self.leg(*operation, *leg).filter(|_| result.is_final())?;
                let payment = self.payment(leg.payment)?;
                match leg.action {
                    Action::Capture => Some(Topic::Capture),
                    Action::Refund => Some(Topic::Refund),
                    Action::Void if payment.is_authorised() => Some(Topic::Cancellation),
                    // Nothing was authorised: of a payment that is known to have failed, that has been told;
                    // of one that is still open, its end will be.
                    Action::Void if !payment.is_live() || *result != LegResult::Done => None,
                    Action::Void if payment.is_timed_out => Some(Topic::OfferClosed),
                    Action::Void => Some(Topic::Cancellation),
                }
            }
            OrderEvent::PaymentReserved { .. }
            | OrderEvent::ShopperTimedOut { .. }
            | OrderEvent::OperationRequested { .. }
            | OrderEvent::CancellationRequested { .. }
            | OrderEvent::Answered { .. } => None,
        }
    }

    pub(super) fn count(&mut self, event: &OrderEvent, topic: Option<Topic>) {
        self.changes = self.changes.saturating_add(u32::from(event.is_change()));
        self.topics = self.topics.saturating_add(u32::from(topic.is_some()));
    }

    /// One leg of an operation.
    #[must_use]
    pub fn leg(&self, operation: Version, index: u16) -> Option<&super::Leg> {
        self.operations.iter().find(|known| known.version == operation)?.legs.get(usize::from(index))
    }

    fn name(&self, event: &OrderEvent) -> &'static str {
        match event {
            OrderEvent::Opened { .. } => "order.opened",
            OrderEvent::PaymentReserved { .. } => "payment.reserved",
            OrderEvent::PaymentResolved { resolution, .. } => match resolution {
                Resolution::Authorised => "payment.authorised",
                Resolution::Refused { .. } => "payment.refused",
                Resolution::Cancelled { .. } => "payment.cancelled",
                Resolution::Failed => "payment.failed",
                Resolution::Pending => "payment.pending",
                Resolution::AwaitingShopper { .. } => "payment.awaiting_shopper",
                Resolution::Uncertain => "payment.uncertain",
            },
            OrderEvent::ShopperTimedOut { .. } => "payment.timed_out",
            OrderEvent::OperationRequested { .. } => "operation.requested",
            OrderEvent::LegResolved { operation, leg, result } => {
                match (self.leg(*operation, *leg).map(|leg| leg.action), result) {
                    (Some(Action::Capture), LegResult::Done) => "capture.done",
                    (Some(Action::Capture), LegResult::Declined { .. }) => "capture.declined",
                    (Some(Action::Capture), LegResult::Pending) => "capture.pending",
                    (Some(Action::Capture), LegResult::Uncertain) => "capture.uncertain",
                    (Some(Action::Void), LegResult::Done) => "void.done",
                    (Some(Action::Void), LegResult::Declined { .. }) => "void.declined",
                    (Some(Action::Void), LegResult::Pending) => "void.pending",
                    (Some(Action::Void), LegResult::Uncertain) => "void.uncertain",
                    (Some(Action::Refund), LegResult::Done) => "refund.done",
                    (Some(Action::Refund), LegResult::Declined { .. }) => "refund.declined",
                    (Some(Action::Refund), LegResult::Pending) => "refund.pending",
                    (Some(Action::Refund), LegResult::Uncertain) => "refund.uncertain",
                    (None, _) => "",
                }
            }
            OrderEvent::CancellationRequested { .. } => "order.cancellation_requested",
            OrderEvent::Answered { .. } => "",
            OrderEvent::Closed { .. } => "order.closed",
        }
    }
}
