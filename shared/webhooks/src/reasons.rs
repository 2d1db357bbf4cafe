//! Adyen's words for why a payment, or something asked of one, came to nothing.

use domain::order::{CancelledBy, Decline, LegResult, Objection, OperationKind, Resolution};

/// A reason as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// In words: Adyen's `refusalReason`.
    pub text: &'static str,
    /// Adyen's `refusalReasonCode`.
    pub code: &'static str,
}

/// The partner could not be asked.
pub const ACQUIRER_ERROR: Reason = Reason { text: "Acquirer Error", code: "4" };
/// The shopper ended the payment.
pub const SHOPPER_CANCELLED: Reason = Reason { text: "Shopper Cancelled", code: "16" };
/// The shopper had to act and did not in time.
pub const TIMED_OUT: Reason = Reason { text: "Shopper did not act in time", code: "16" };
/// The payment's order was cancelled.
pub const CANCELLED: Reason = Reason { text: "Cancelled", code: "15" };

/// What is said of something that a partner declined.
#[must_use]
pub fn declined(reason: Decline) -> Reason {
    let (text, code) = match reason {
        Decline::Refused => ("Refused", "2"),
        Decline::NotEnoughBalance => ("Not enough balance", "12"),
        Decline::ExpiredCard => ("Expired Card", "6"),
        Decline::InvalidCardNumber => ("Invalid Card Number", "8"),
        Decline::InvalidCode => ("CVC Declined", "24"),
        Decline::CodeTriesExceeded => ("Pin tries exceeded", "18"),
        Decline::NotAuthenticated => ("3D Not Authenticated", "11"),
        Decline::NotPermitted => ("Transaction Not Permitted", "23"),
    };
    Reason { text, code }
}

/// Why a payment will not be authorised; none if it is, or still may be.
#[must_use]
pub fn of_payment(resolution: &Resolution) -> Option<Reason> {
    match resolution {
        Resolution::Refused { reason } => Some(declined(*reason)),
        Resolution::Cancelled { by: CancelledBy::Shopper } => Some(SHOPPER_CANCELLED),
        Resolution::Cancelled { by: CancelledBy::Timeout } => Some(TIMED_OUT),
        Resolution::Cancelled { by: CancelledBy::Order } => Some(CANCELLED),
        Resolution::Failed => Some(ACQUIRER_ERROR),
        Resolution::Authorised | Resolution::Pending | Resolution::AwaitingShopper { .. } | Resolution::Uncertain => {
            None
        }
    }
}

/// Why a leg of an operation came to nothing; none if it was done, or still may be.
#[must_use]
pub fn of_leg(result: &LegResult) -> Option<Reason> {
    match result {
        LegResult::Declined { reason } => Some(declined(*reason)),
        LegResult::Done | LegResult::Pending | LegResult::Uncertain => None,
    }
}

/// Why an operation that was taken could not be begun, in the manner of Adyen's notifications. `is_captured` says
/// whether anything was ever captured of what it was asked of: a refund that finds nothing has two reasons.
#[must_use]
pub fn of_refused(kind: OperationKind, objection: Objection, is_captured: bool) -> String {
    let why = match (objection, kind) {
        (Objection::NotAuthorised, _) => "Transaction hasn't been authorised",
        (Objection::NothingAvailable, OperationKind::Refund) if !is_captured => "Transaction hasn't been captured",
        (Objection::NothingAvailable, _) => "Nothing is left on the transaction",
        // What makes it too much is that it is too little: what was captured cannot be released.
        (Objection::ExceedsAvailable, OperationKind::AmountUpdate) => {
            "Amount is less than what is captured or being processed"
        }
        (Objection::ExceedsAvailable, _) => "Amount exceeds what is left on the transaction",
        (Objection::ExceedsRemaining, _) => "Amount exceeds what remains to be paid of the order",
        (Objection::OrderCancelled, _) => "Order has been cancelled",
        (Objection::OrderClosed, _) => "Order is closed",
        (Objection::OrderExpired, _) => "Order has expired",
        (Objection::InFlight, _) => "Another operation is under way",
        (Objection::Unchanged, _) => "Amount is what is authorised already",
    };
    let what = match kind {
        OperationKind::Capture => "capture",
        OperationKind::Void | OperationKind::Release => "cancel",
        OperationKind::Refund => "refund",
        OperationKind::Reversal => "reversal",
        OperationKind::AmountUpdate => "amount update",
        OperationKind::TechnicalCancel => "technical cancel",
        OperationKind::Exchange => "exchange",
    };
    format!("{why}, {what} not possible")
}
