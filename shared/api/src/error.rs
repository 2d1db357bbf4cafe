//! The seam between the engine's errors and its answers.

use app::{Error, StoreError, access::AccessError, webhooks::WebhookError};
use domain::{
    account::LimitFault,
    credit::{ProductFault, ProofFault, SettingsFault},
    limits::ENDPOINTS_PER_MERCHANT_MAX,
    order::{
        Refusal,
        line::{Fault, LineFault},
    },
};
use partners::{CreditError, accounts::IssueError};

use crate::{Code, Problem, TokenError, field_invalid};

/// What a family calls its lines and their fields.
#[derive(Debug, Clone, Copy)]
pub struct LineNames {
    /// The list of lines, or of what is asked of them.
    pub list: &'static str,
    /// The number or reference of a line.
    pub line: &'static str,
    /// Its amount.
    pub amount: &'static str,
    /// Its tax.
    pub tax: &'static str,
    /// What it takes back.
    pub reverses: &'static str,
    /// The amount of all together.
    pub total: &'static str,
    /// The tax of all together.
    pub total_tax: &'static str,
}

impl LineNames {
    /// The names that are used where a family has none of its own.
    pub const PLAIN: Self = Self {
        list: "lines",
        line: "id",
        amount: "amount",
        tax: "tax",
        reverses: "reverses",
        total: "amount",
        total_tax: "tax",
    };
}

/// A fault of lines in the words of a family: which field, what was expected, and what came.
#[must_use]
pub fn line_problem(fault: &LineFault, names: &LineNames) -> Problem {
    let (code, field) = match &fault.what {
        Fault::Sum { .. } => (Code::LinesSumMismatch, names.amount),
        Fault::TaxSum { .. } => (Code::LinesSumMismatch, names.tax),
        Fault::Tax { .. } => (Code::TaxInvalid, names.tax),
        Fault::Negative { .. } | Fault::TooLarge | Fault::Zero | Fault::Sign { .. } | Fault::MixedSigns => {
            (Code::LineInvalid, names.amount)
        }
        Fault::Duplicate { .. } => (Code::LineDuplicate, names.line),
        Fault::Unknown { .. } => (Code::LineUnknown, names.line),
        Fault::Missing => (Code::LinesMissing, ""),
        Fault::TooMany { .. } | Fault::TooLong { .. } => (Code::LinesTooMany, ""),
        Fault::OfReversal { .. } => (Code::ReversalInvalid, names.reverses),
        Fault::ReversalDiffers { what: "reference", .. } => (Code::ReversalInvalid, names.line),
        Fault::ReversalDiffers { .. } => (Code::ReversalInvalid, names.tax),
        Fault::ReversalExceeds { .. } => (Code::ReversalInvalid, names.amount),
        Fault::Exceeds { .. } => (Code::LineExceeded, names.amount),
        Fault::PaymentExceeds { .. } => (Code::PaymentExceeded, names.amount),
        Fault::NotPositive { .. } => (Code::LineInvalid, names.line),
    };
    let field = match (fault.at, &fault.what) {
        (Some(index), _) => format!("{}[{index}].{field}", names.list),
        (None, _) => names.list.to_owned(),
    };
    Problem::new(code, format!("Field '{field}' is not valid: {}.", fault.what)).of_field(&field)
}

impl From<Refusal> for Problem {
    /// Exhaustive on purpose: a new refusal does not compile until it has a code.
    fn from(refusal: Refusal) -> Self {
        if let Refusal::Lines(fault) = &refusal {
            return line_problem(fault, &LineNames::PLAIN);
        }
        let code = match &refusal {
            Refusal::Lines(_) => Code::LineInvalid,
            Refusal::TaxInvalid { .. } => Code::TaxInvalid,
            Refusal::NoLines => Code::LinesMissing,
            Refusal::Taken => Code::Exists,
            Refusal::Attempted { .. } => Code::OrderAttempted,
            Refusal::BelowPaid { .. } => Code::AmountBelowPaid,
            Refusal::EndsByItself => Code::OrderEndsByItself,
            Refusal::Locked => Code::OrderLocked,
            Refusal::Captured { .. } => Code::OrderCaptured,
            Refusal::DescriptionLength { .. } | Refusal::ForeignPaymentLength { .. } => Code::FieldInvalid,
            // Never shown: the lines are read again.
            Refusal::LinesChanged => Code::Contended,
            Refusal::AmountZero => Code::AmountInvalid,
            Refusal::CurrencyMismatch { .. } => Code::CurrencyMismatch,
            Refusal::ReferenceLength { .. } => Code::FieldInvalid,
            Refusal::ExpiryPast | Refusal::ExpiryTooFar => Code::ExpiryInvalid,
            Refusal::Expired => Code::OrderExpired,
            Refusal::Cancelled => Code::OrderCancelled,
            Refusal::Closed => Code::OrderClosed,
            Refusal::Stale { .. } => Code::OrderDataStale,
            Refusal::ExceedsRemaining { .. } => Code::AmountExceedsRemaining,
            Refusal::TooManyPayments => Code::TooManyPayments,
            Refusal::TooManyOperations => Code::TooManyOperations,
            Refusal::UnknownPayment => Code::PaymentUnknown,
            Refusal::NotAvailable { .. } => Code::AmountNotAvailable,
            Refusal::NotWhole { .. } => Code::PartNotAllowed,
            Refusal::NotMore { .. } => Code::AmountNotMore,
            Refusal::NotCaptured => Code::NotFound,
            Refusal::NotAdmitted { .. } => Code::PrioritiesTooNarrow,
            Refusal::NothingAvailable => Code::NothingAvailable,
            Refusal::NotAuthorised => Code::PaymentNotAuthorised,
            Refusal::Unchanged => Code::AmountUnchanged,
            Refusal::ShipmentsMismatch { .. } => Code::ShipmentsMismatch,
            Refusal::DetailsTooLong { .. } | Refusal::DetailsFull => Code::DetailsTooLong,
            Refusal::InFlight => Code::OperationInFlight,
            Refusal::CaptureDelayTooLong => Code::CaptureDelayInvalid,
            Refusal::AmountTooLarge => Code::AmountInvalid,
            Refusal::KeyReused => Code::KeyReused,
            Refusal::InProgress => Code::InProgress,
            Refusal::NeedsHistory => Code::Internal,
        };
        let message = match &refusal {
            Refusal::AmountZero => {
                "Field 'amount.value' is not valid: expected more than 0 minor units, got 0.".to_owned()
            }
            Refusal::CurrencyMismatch { expected, actual } => {
                format!("Field 'amount.currency' is not valid: the order is in {expected}, got {actual}.")
            }
            Refusal::ReferenceLength { .. } => format!("Field 'reference' is not valid: {refusal}."),
            Refusal::TaxInvalid { .. } => format!("Field 'tax' is not valid: {refusal}."),
            Refusal::DescriptionLength { .. } => format!("Field 'description' is not valid: {refusal}."),
            Refusal::ForeignPaymentLength { .. } => format!("Field 'payment_id' is not valid: {refusal}."),
            Refusal::BelowPaid { .. } => format!("Field 'amount' is not valid: {refusal}."),
            Refusal::ExpiryPast | Refusal::ExpiryTooFar => format!("Field 'expiresAt' is not valid: {refusal}."),
            Refusal::Stale { .. } => {
                format!("Field 'order.orderData' is stale: {refusal}. Use the orderData of the most recent response.")
            }
            Refusal::ExceedsRemaining { .. } => format!("Field 'amount.value' is not valid: {refusal}."),
            Refusal::CaptureDelayTooLong => format!("Field 'capture_delay' is not valid: {refusal}."),
            Refusal::ShipmentsMismatch { .. } => {
                format!("Field 'order.shipments' is not valid: {refusal}.")
            }
            Refusal::DetailsTooLong { .. } | Refusal::DetailsFull => {
                format!("Field 'order' is not valid: {refusal}.")
            }
            Refusal::NotAdmitted { .. } => format!("Field 'priorities' is not valid: {refusal}."),
            Refusal::Lines(_)
            | Refusal::LinesChanged
            | Refusal::NoLines
            | Refusal::Taken
            | Refusal::Attempted { .. }
            | Refusal::EndsByItself
            | Refusal::Locked
            | Refusal::Captured { .. }
            | Refusal::AmountTooLarge
            | Refusal::NothingAvailable
            | Refusal::InFlight
            | Refusal::NotAuthorised
            | Refusal::Unchanged
            | Refusal::Expired
            | Refusal::Cancelled
            | Refusal::Closed
            | Refusal::TooManyPayments
            | Refusal::TooManyOperations
            | Refusal::UnknownPayment
            | Refusal::NotAvailable { .. }
            | Refusal::NotWhole { .. }
            | Refusal::NotMore { .. }
            | Refusal::NotCaptured
            | Refusal::KeyReused
            | Refusal::InProgress
            | Refusal::NeedsHistory => {
                let mut sentence = refusal.to_string();
                if let Some(first) = sentence.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                sentence + "."
            }
        };
        Self::new(code, message)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => refusal.into(),
            Error::NotFound => Self::new(Code::OrderNotFound, "There is no such order."),
            Error::Contended => {
                Self::new(Code::Contended, "The order is being changed by others. Nothing was done; try again.")
            }
            Error::Begun { payment, source } => {
                let problem = Self::from(*source);
                let advice = "its outcome is not recorded yet and will be looked up. Look at its order, or repeat the \
                              request with the same Idempotency-Key; without one it would be another payment.";
                let message = format!("The payment {payment} was begun; {advice}");
                Self { message, is_begun: true, ..problem }.about(payment)
            }
            Error::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => {
                Self::new(Code::Contended, "This is being changed by others. Nothing was done; try again.")
            }
            StoreError::Unavailable(_) => {
                tracing::error!(%error, "the store did not answer");
                Self::new(Code::Unavailable, "A required resource is temporarily unavailable. Try again.")
            }
            StoreError::Corrupt(_) => {
                tracing::error!(%error, "the store holds something unreadable");
                Self::new(Code::Internal, "Something went wrong here. It was logged.")
            }
        }
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NotFound => Self::new(Code::NotFound, "There is no such merchant account or key."),
            AccessError::Exists => Self::new(Code::Exists, "There is a merchant account of this name already."),
            AccessError::Full => Self::new(Code::ListFull, "The list has reached its limit."),
            AccessError::Store(error) => error.into(),
        }
    }
}

impl From<IssueError> for Problem {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::KeyReused => Refusal::KeyReused.into(),
            IssueError::Exists => Self::new(Code::Exists, "There is a gift card of this number already."),
            IssueError::Store(error) => error.into(),
        }
    }
}

impl From<CreditError> for Problem {
    fn from(error: CreditError) -> Self {
        let sentence = |text: String| {
            let mut chars = text.chars();
            let first = chars.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(chars).chain(['.']).collect::<String>()
        };
        let text = sentence(error.to_string());
        match error {
            CreditError::UnknownProduct | CreditError::UnknownCustomer => Self::new(Code::NotFound, text),
            CreditError::UnknownOption => {
                let message = "Field 'spendOptionId' is not valid: the customer has no such spend option.";
                Self::new(Code::SpendOptionUnknown, message).of_field("spendOptionId")
            }
            CreditError::Unavailable { .. } => {
                let message = format!("Field 'spendOptionId' is not valid: {error}.");
                Self::new(Code::SpendOptionUnavailable, message).of_field("spendOptionId")
            }
            CreditError::OtherCurrency { .. } => {
                Self::new(Code::CurrencyMismatch, format!("Field 'amount' is not valid: {error}.")).of_field("amount")
            }
            CreditError::OtherProduct { .. } => {
                let message = format!("Field 'productCode' is not valid: {error}.");
                Self::new(Code::FieldInvalid, message).of_field("productCode")
            }
            CreditError::Proof(ProofFault::TooMany) => Self::new(Code::ListFull, text),
            CreditError::Proof(ProofFault::Missing) => Self::new(Code::AuthenticationRequired, text),
            CreditError::Proof(fault) => {
                Self::new(Code::AuthenticationInvalid, format!("The scaToken is not valid: {fault}."))
            }
            CreditError::Product(fault) => match fault {
                ProductFault::Invalid { field, expected, actual } => field_invalid(field, &expected, actual),
                ProductFault::OtherCurrency { .. } => {
                    Self::new(Code::CurrencyMismatch, format!("Field 'currency' is not valid: {fault}."))
                        .of_field("currency")
                }
                ProductFault::TooManyOffers | ProductFault::Full => Self::new(Code::ListFull, text),
            },
            CreditError::Limit(LimitFault::Full) => Self::new(Code::ListFull, text),
            CreditError::Limit(_) => {
                Self::new(Code::AmountInvalid, format!("Field 'limit' is not valid: {error}.")).of_field("limit")
            }
            CreditError::Settings(SettingsFault::Full) => Self::new(Code::ListFull, text),
            CreditError::Settings(fault) => {
                Self::new(Code::FieldInvalid, format!("Field 'exemptions' is not valid: {fault}."))
                    .of_field("exemptions")
            }
            CreditError::Store(error) => error.into(),
        }
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::NotFound => Self::new(Code::NotFound, "There is no such webhook endpoint or event."),
            WebhookError::Disabled => {
                let message = "The webhook endpoint is disabled. Enable it first: POST /admin/v1/webhooks/{id}/enable.";
                Self::new(Code::EndpointDisabled, message)
            }
            WebhookError::KeyReused => Refusal::KeyReused.into(),
            WebhookError::Full => {
                let most = ENDPOINTS_PER_MERCHANT_MAX;
                let message = format!("The merchant account has as many webhook endpoints as it may: {most}.");
                Self::new(Code::ListFull, message)
            }
            WebhookError::NoRoom => {
                let message = "As much waits to be sent to the webhook endpoint as may, or was sent to it.";
                Self::new(Code::ListFull, message)
            }
            WebhookError::Store(error) => error.into(),
        }
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        let code = match error {
            TokenError::Malformed => Code::OrderDataMalformed,
            TokenError::UnknownKey => Code::OrderDataKeyUnknown,
            TokenError::Forged => Code::OrderDataForged,
            TokenError::OtherOrder => Code::OrderDataOtherOrder,
            TokenError::OtherMerchant => Code::OrderDataOtherMerchant,
        };
        Self::new(code, format!("Field 'order.orderData' is not valid: {error}."))
    }
}
