//! The words in which the state of things is told: the same in answers and in notifications.

use domain::{
    Action,
    order::{CancelReason, CloseReason, LegResult, MethodKind, Objection, OperationKind, Resolution, Standing},
};

/// What has become of a payment.
#[must_use]
pub fn payment_status(resolution: Option<&Resolution>) -> &'static str {
    match resolution {
        None => "received",
        Some(Resolution::Authorised) => "authorised",
        Some(Resolution::Refused { .. }) => "refused",
        Some(Resolution::Cancelled { .. }) => "cancelled",
        Some(Resolution::Failed) => "error",
        Some(Resolution::Pending) => "pending",
        Some(Resolution::AwaitingShopper { .. }) => "redirectShopper",
        Some(Resolution::Uncertain) => "uncertain",
    }
}

/// What has become of one leg of an operation.
#[must_use]
pub fn leg_status(result: Option<&LegResult>) -> &'static str {
    match result {
        None => "requested",
        Some(LegResult::Done) => "done",
        Some(LegResult::Declined { .. }) => "declined",
        Some(LegResult::Pending) => "pending",
        Some(LegResult::Uncertain) => "uncertain",
    }
}

/// What is done to a payment. Adyen calls a void a cancel.
#[must_use]
pub fn action(action: Action) -> &'static str {
    match action {
        Action::Capture => "capture",
        Action::Void => "cancel",
        Action::Refund => "refund",
        Action::Increase => "increase",
    }
}

/// What was asked for, by the names of Adyen's endpoints; a release nobody asked for.
#[must_use]
pub fn operation_kind(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Capture => "capture",
        OperationKind::Void => "cancel",
        OperationKind::Refund => "refund",
        OperationKind::Reversal => "reversal",
        OperationKind::AmountUpdate => "amountUpdate",
        OperationKind::TechnicalCancel => "technicalCancel",
        OperationKind::Release => "release",
    }
}

/// Why an operation that was taken could not be begun.
#[must_use]
pub fn objection(objection: Objection) -> &'static str {
    match objection {
        Objection::NotAuthorised => "notAuthorised",
        Objection::NothingAvailable => "nothingAvailable",
        Objection::ExceedsAvailable => "exceedsAvailable",
        Objection::ExceedsRemaining => "exceedsRemaining",
        Objection::OrderCancelled => "orderCancelled",
        Objection::OrderClosed => "orderClosed",
        Objection::OrderExpired => "orderExpired",
        Objection::InFlight => "inFlight",
        Objection::Unchanged => "unchanged",
    }
}

/// How an operation stands, its legs taken together.
#[must_use]
pub fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Success => "success",
        Standing::Pending => "pending",
        Standing::Failure => "failure",
        Standing::Conflict => "conflict",
        Standing::Uncertain => "uncertain",
    }
}

/// Why an order ended.
#[must_use]
pub fn close_reason(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Paid => "paid",
        CloseReason::Cancelled => "cancelled",
        CloseReason::Expired => "expired",
        CloseReason::PaymentFailed => "paymentFailed",
    }
}

/// Who asked for a cancellation.
#[must_use]
pub fn cancel_reason(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Merchant => "merchant",
        CancelReason::Expired => "expired",
    }
}

/// Adyen's word for a kind of payment method.
#[must_use]
pub fn method_kind(kind: MethodKind) -> &'static str {
    match kind {
        MethodKind::Card => "scheme",
        MethodKind::GiftCard => "giftcard",
        MethodKind::Ideal => "ideal",
    }
}
