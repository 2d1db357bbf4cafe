//! The words in which the state of things is told: the same in answers and in notifications.

use domain::{
    Action,
    order::{CancelReason, CloseReason, LegResult, MethodKind, Resolution},
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

/// What has become of a capture, void or refund.
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

/// What was asked of a payment. Adyen calls a void a cancel.
#[must_use]
pub fn action(action: Action) -> &'static str {
    match action {
        Action::Capture => "capture",
        Action::Void => "cancel",
        Action::Refund => "refund",
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
