//! What is told about an order: its changes, numbered.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{LegResult, OperationKind, Order, OrderEvent, OrderKind, Resolution};
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
    /// A reversal succeeded or failed, taken as a whole.
    CancelOrRefund,
    /// An authorisation was made to hold another amount, or was not.
    AuthorisationAdjustment,
    /// A void asked for by the merchant's own reference succeeded or failed.
    TechnicalCancel,
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
        Self::CancelOrRefund,
        Self::AuthorisationAdjustment,
        Self::TechnicalCancel,
        Self::OfferClosed,
        Self::OrderClosed,
    ];

    /// What the outcome of an operation is about.
    #[must_use]
    pub fn of_operation(kind: OperationKind) -> Self {
        match kind {
            OperationKind::Capture => Self::Capture,
            OperationKind::Void | OperationKind::Release => Self::Cancellation,
            OperationKind::Refund | OperationKind::Exchange => Self::Refund,
            OperationKind::Reversal => Self::CancelOrRefund,
            OperationKind::AmountUpdate => Self::AuthorisationAdjustment,
            OperationKind::TechnicalCancel => Self::TechnicalCancel,
        }
    }

    /// Adyen's event code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::OrderOpened => "ORDER_OPENED",
            Self::Authorisation => "AUTHORISATION",
            Self::Capture => "CAPTURE",
            Self::Cancellation => "CANCELLATION",
            Self::Refund => "REFUND",
            Self::CancelOrRefund => "CANCEL_OR_REFUND",
            Self::AuthorisationAdjustment => "AUTHORISATION_ADJUSTMENT",
            Self::TechnicalCancel => "TECHNICAL_CANCEL",
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
    /// Those of the payments family: the payment itself, whenever its amounts have changed. Only an order's own
    /// webhook is told in it.
    Payments,
}

/// Names of changes in our own format.
pub const CHANGE_NAMES: &[&str] = &[
    "order.opened",
    "order.revised",
    "order.lines_added",
    "order.reopened",
    "lines.recorded",
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
    "operation.refused",
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
    "increase.done",
    "increase.declined",
    "increase.pending",
    "increase.uncertain",
];

/// What an order's own webhook is told.
const AMOUNTS_CHANGED: &str = "payment.amounts_changed";

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
            Format::Payments => self.event == OrderEvent::AmountsChanged,
        }
    }

    /// Its name in a format; empty if it is not told in it.
    #[must_use]
    pub fn name(&self, format: Format) -> &'static str {
        match format {
            Format::Checkout => self.topic.map_or("", Topic::code),
            Format::Tender => self.order.name(&self.event),
            Format::Payments if self.event == OrderEvent::AmountsChanged => AMOUNTS_CHANGED,
            Format::Payments => "",
        }
    }

    /// Its number among the changes of the order that are told in a format, from 1 without gaps.
    #[must_use]
    pub fn sequence(&self, format: Format) -> u32 {
        match format {
            Format::Checkout => self.order.topics,
            Format::Tender => self.order.changes,
            Format::Payments => self.order.amount_changes,
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
    /// Whether the order is another after it; an answer that was only pinned changes nothing, nor does a mark that
    /// something has changed.
    #[must_use]
    pub fn is_change(&self) -> bool {
        !matches!(self, Self::Answered { .. } | Self::AmountsChanged)
    }

    /// Whether a shop may have to act on it: to say it for sure takes the order.
    #[must_use]
    pub fn may_have_topic(&self) -> bool {
        match self {
            Self::Opened { kind, .. } => *kind == OrderKind::Parts,
            Self::PaymentResolved { resolution, .. } => resolution.is_final(),
            Self::LegResolved { result, .. } => result.is_final(),
            Self::Closed { .. } | Self::OperationRefused { .. } => true,
            Self::PaymentReserved { .. }
            | Self::ShopperTimedOut { .. }
            | Self::OperationRequested { .. }
            | Self::Revised { .. }
            | Self::Appended { .. }
            | Self::LinesRecorded { .. }
            | Self::Reopened { .. }
            | Self::CancellationRequested { .. }
            | Self::Answered { .. }
            | Self::AmountsChanged => false,
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
            OrderEvent::LegResolved { operation, leg, result } if result.is_final() => {
                self.leg_topic(*operation, *leg, result)
            }
            OrderEvent::OperationRefused { kind, .. } => Some(Topic::of_operation(*kind)),
            OrderEvent::PaymentReserved { .. }
            | OrderEvent::ShopperTimedOut { .. }
            | OrderEvent::OperationRequested { .. }
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

    /// What the final word on one leg is about, on the order before it.
    fn leg_topic(&self, operation: Version, index: u16, result: &LegResult) -> Option<Topic> {
        let operation = self.operation(operation)?;
        let leg = operation.legs.get(usize::from(index))?;
        let payment = self.payment(leg.payment)?;
        match operation.kind {
            // Told leg by leg: each is on a payment of its own.
            OperationKind::Capture | OperationKind::Void | OperationKind::Refund | OperationKind::AmountUpdate => {
                Some(Topic::of_operation(operation.kind))
            }
            // Told as a whole, by its last leg.
            OperationKind::Reversal | OperationKind::TechnicalCancel => {
                let mut others = operation.legs.iter().zip(0_u16..).filter(|(_, other)| *other != index);
                others.all(|(leg, _)| !leg.is_in_flight()).then(|| Topic::of_operation(operation.kind))
            }
            // What lines that are taken back give back: of what was captured or held, each leg as what it is.
            OperationKind::Exchange => match leg.action {
                Action::Capture => Some(Topic::Capture),
                Action::Increase => Some(Topic::AuthorisationAdjustment),
                Action::Refund => Some(Topic::Refund),
                Action::Void => Some(Topic::Cancellation),
            },
            OperationKind::Release => match leg.action {
                Action::Capture => Some(Topic::Capture),
                Action::Increase => Some(Topic::AuthorisationAdjustment),
                Action::Refund => Some(Topic::Refund),
                Action::Void if payment.is_authorised() => Some(Topic::Cancellation),
                // Nothing was authorised: of a payment that is known to have failed, that has been told;
                // of one that is still open, its end will be.
                Action::Void if !payment.is_live() || *result != LegResult::Done => None,
                Action::Void if payment.is_timed_out => Some(Topic::OfferClosed),
                Action::Void => Some(Topic::Cancellation),
            },
        }
    }

    pub(super) fn count(&mut self, event: &OrderEvent, topic: Option<Topic>) {
        self.changes = self.changes.saturating_add(u32::from(event.is_change()));
        self.topics = self.topics.saturating_add(u32::from(topic.is_some()));
    }

    /// One leg of an operation.
    #[must_use]
    pub fn leg(&self, operation: Version, index: u16) -> Option<&super::Leg> {
        self.operation(operation)?.legs.get(usize::from(index))
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
            OrderEvent::OperationRefused { .. } => "operation.refused",
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
                    (Some(Action::Increase), LegResult::Done) => "increase.done",
                    (Some(Action::Increase), LegResult::Declined { .. }) => "increase.declined",
                    (Some(Action::Increase), LegResult::Pending) => "increase.pending",
                    (Some(Action::Increase), LegResult::Uncertain) => "increase.uncertain",
                    (None, _) => "",
                }
            }
            OrderEvent::Revised { .. } => "order.revised",
            OrderEvent::Appended { .. } => "order.lines_added",
            OrderEvent::LinesRecorded { .. } => "lines.recorded",
            OrderEvent::Reopened { .. } => "order.reopened",
            OrderEvent::CancellationRequested { .. } => "order.cancellation_requested",
            OrderEvent::Answered { .. } | OrderEvent::AmountsChanged => "",
            OrderEvent::Closed { .. } => "order.closed",
        }
    }
}
