//! The words in which the state of things is told: the same in answers and in notifications.

use domain::{
    Action,
    order::{
        CancelReason, CloseReason, LegResult, LineAction, MethodKind, Objection, OperationKind, Resolution, Standing,
    },
};

/// Declares the words for the states of a thing: a function, and the list of them all.
macro_rules! words {
    ($(#[$doc:meta])* $visibility:vis fn $name:ident($of:ident: $kind:ty) of $all:ident {
        $($state:pat => $word:literal,)*
    }) => {
        $(#[$doc])*
        #[must_use]
        $visibility fn $name($of: $kind) -> &'static str {
            match $of { $($state => $word,)* }
        }

        #[doc = concat!("Every word of [`", stringify!($name), "`].")]
        #[cfg(feature = "openapi")]
        $visibility const $all: &[&str] = &[$($word,)*];
    };
}
pub(crate) use words;

words! {
    /// What has become of a payment.
    pub fn payment_status(resolution: Option<&Resolution>) of PAYMENT_STATUSES {
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

words! {
    /// What has become of one leg of an operation.
    pub fn leg_status(result: Option<&LegResult>) of LEG_STATUSES {
        None => "requested",
        Some(LegResult::Done) => "done",
        Some(LegResult::Declined { .. }) => "declined",
        Some(LegResult::Pending) => "pending",
        Some(LegResult::Uncertain) => "uncertain",
    }
}

words! {
    /// What is done to a payment. Adyen calls a void a cancel.
    pub fn action(action: Action) of ACTIONS {
        Action::Capture => "capture",
        Action::Void => "cancel",
        Action::Refund => "refund",
        Action::Increase => "increase",
    }
}

words! {
    /// What was asked for, by the names of Adyen's endpoints; a release nobody asked for.
    pub fn operation_kind(kind: OperationKind) of OPERATION_KINDS {
        OperationKind::Capture => "capture",
        OperationKind::Void => "cancel",
        OperationKind::Refund => "refund",
        OperationKind::Reversal => "reversal",
        OperationKind::AmountUpdate => "amountUpdate",
        OperationKind::TechnicalCancel => "technicalCancel",
        OperationKind::Release => "release",
        OperationKind::Exchange => "exchange",
    }
}

words! {
    /// What is done on lines.
    pub fn line_action(action: LineAction) of LINE_ACTIONS {
        LineAction::Authorise => "authorise",
        LineAction::Capture => "capture",
        LineAction::Refund => "refund",
        LineAction::Cancel => "cancel",
    }
}

words! {
    /// Why an operation that was taken could not be begun.
    pub fn objection(objection: Objection) of OBJECTIONS {
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

words! {
    /// How an operation stands, its legs taken together.
    pub fn standing(standing: Standing) of STANDINGS {
        Standing::Success => "success",
        Standing::Pending => "pending",
        Standing::Failure => "failure",
        Standing::Conflict => "conflict",
        Standing::Uncertain => "uncertain",
    }
}

words! {
    /// Why an order ended.
    pub fn close_reason(reason: CloseReason) of CLOSE_REASONS {
        CloseReason::Paid => "paid",
        CloseReason::Cancelled => "cancelled",
        CloseReason::Expired => "expired",
        CloseReason::PaymentFailed => "paymentFailed",
        CloseReason::Concluded => "concluded",
    }
}

words! {
    /// Who asked for a cancellation.
    pub fn cancel_reason(reason: CancelReason) of CANCEL_REASONS {
        CancelReason::Merchant => "merchant",
        CancelReason::Expired => "expired",
    }
}

words! {
    /// Adyen's word for a kind of payment method.
    pub fn method_kind(kind: MethodKind) of METHOD_KINDS {
        MethodKind::Card => "scheme",
        MethodKind::GiftCard => "giftcard",
        MethodKind::Ideal => "ideal",
        MethodKind::Credit => "credit",
    }
}
