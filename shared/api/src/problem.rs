//! What went wrong, before it is put into the words of a family.

use serde::Serialize;

/// Whose fault it is (Adyen's `errorType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub enum ErrorType {
    /// The request's.
    Validation,
    /// The caller may not do this.
    Security,
    /// Ours.
    Internal,
}

/// Declares the codes with all that is known of each, in one table.
macro_rules! codes {
    ($($(#[doc = $meaning:literal])* $name:ident = $text:literal, $status:literal, $kind:ident, $checkout:literal;)*) => {
        /// The stable codes of everything that can go wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[doc = $meaning])* $name,)* }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code as most families print it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What it means, in a sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($meaning),*).trim_ascii(),)* }
            }

            /// The HTTP status it comes with.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// Whose fault it is.
            #[must_use]
            pub fn error_type(self) -> ErrorType {
                match self { $(Self::$name => ErrorType::$kind,)* }
            }

            /// The `errorCode` of the checkout family: Adyen's own where one is published, else ours.
            #[must_use]
            pub fn checkout(self) -> &'static str {
                match self { $(Self::$name => $checkout,)* }
            }
        }
    };
}

codes! {
    /// No key, or one that is not known.
    Unauthorised = "unauthorised", 401, Security, "000";
    /// The key lacks the role.
    RoleMissing = "role_missing", 403, Security, "010";
    /// The merchant account is not one the key may use, or none at all.
    MerchantForbidden = "merchant_forbidden", 403, Security, "901";
    /// The body is not JSON, or a field has the wrong type.
    BodyInvalid = "body_invalid", 400, Validation, "702";
    /// The body is too large.
    BodyTooLarge = "body_too_large", 413, Validation, "702";
    /// A required object is missing.
    ObjectMissing = "object_missing", 422, Validation, "100";
    /// A required field is missing.
    FieldMissing = "field_missing", 422, Validation, "130";
    /// A field's value is out of range.
    FieldInvalid = "field_invalid", 422, Validation, "702";
    /// An amount is zero, negative or too large.
    AmountInvalid = "amount_invalid", 422, Validation, "137";
    /// Not the code of a currency.
    CurrencyUnknown = "currency_unknown", 422, Validation, "138";
    /// A card number fails its check digit.
    CardNumberInvalid = "card_number_invalid", 422, Validation, "101";
    /// A payment method that is not offered, or is incomplete.
    PaymentMethodInvalid = "payment_method_invalid", 422, Validation, "14_007";
    /// A payment that may need a redirect has no return URL.
    ReturnUrlMissing = "return_url_missing", 422, Validation, "14_030";
    /// The expiry is past, too far ahead, or no time.
    ExpiryInvalid = "expiry_invalid", 422, Validation, "order_expiry_invalid";
    /// There is no such order that this merchant account may see.
    OrderNotFound = "order_not_found", 422, Validation, "order_not_found";
    /// There is no such thing.
    NotFound = "not_found", 404, Validation, "not_found";
    /// No endpoint of this path.
    RouteNotFound = "route_not_found", 404, Validation, "route_not_found";
    /// The endpoint has no such method.
    MethodNotAllowed = "method_not_allowed", 405, Validation, "method_not_allowed";
    /// The token is cut short, or is no token.
    OrderDataMalformed = "order_data_malformed", 422, Validation, "order_data_malformed";
    /// The token was not made by this engine, or was altered.
    OrderDataForged = "order_data_forged", 422, Security, "order_data_forged";
    /// The token was sealed with a key that this engine does not have (any more).
    OrderDataKeyUnknown = "order_data_key_unknown", 422, Validation, "order_data_key_unknown";
    /// The token is of another order.
    OrderDataOtherOrder = "order_data_other_order", 422, Validation, "order_data_other_order";
    /// The token is of an order of another merchant account.
    OrderDataOtherMerchant = "order_data_other_merchant", 422, Security, "order_data_other_merchant";
    /// The order has changed since the token was made.
    OrderDataStale = "order_data_stale", 422, Validation, "order_data_stale";
    /// The order has expired.
    OrderExpired = "order_expired", 422, Validation, "order_expired";
    /// The order was cancelled.
    OrderCancelled = "order_cancelled", 422, Validation, "order_cancelled";
    /// Lines do not come to the amount, or their tax not to the tax.
    LinesSumMismatch = "lines_sum_mismatch", 422, Validation, "lines_sum_mismatch";
    /// A tax is negative, or more than what it is part of.
    TaxInvalid = "tax_invalid", 422, Validation, "tax_invalid";
    /// A line has an amount, a number or a kind that it may not have.
    LineInvalid = "line_invalid", 422, Validation, "line_invalid";
    /// The order has a line of this number already.
    LineDuplicate = "line_duplicate", 422, Validation, "line_duplicate";
    /// The order has no such line.
    LineUnknown = "line_unknown", 422, Validation, "line_unknown";
    /// Lines are needed, and there are none.
    LinesMissing = "lines_missing", 422, Validation, "lines_missing";
    /// There would be too many lines, or too much is told of them.
    LinesTooMany = "lines_too_many", 422, Validation, "lines_too_many";
    /// A line takes back another that it cannot take back, or not so.
    ReversalInvalid = "reversal_invalid", 422, Validation, "reversal_invalid";
    /// More than is left of a line.
    LineExceeded = "line_exceeded", 422, Validation, "line_exceeded";
    /// More on lines than their payment has.
    PaymentExceeded = "payment_exceeded", 422, Validation, "payment_exceeded";
    /// The order cannot be changed any more, because it was attempted to pay it.
    OrderAttempted = "order_attempted", 422, Validation, "order_attempted";
    /// The new amount is less than what is paid.
    AmountBelowPaid = "amount_below_paid", 422, Validation, "order_amount_below_paid";
    /// The order is not closed or opened by its merchant.
    OrderEndsByItself = "order_ends_by_itself", 422, Validation, "order_ends_by_itself";
    /// Too many operations in a row have failed.
    OrderLocked = "order_locked", 422, Validation, "order_locked";
    /// What was captured has to be refunded first.
    OrderCaptured = "order_captured", 422, Validation, "order_captured";
    /// The draft is completed, or is being completed.
    DraftFrozen = "draft_frozen", 422, Validation, "draft_frozen";
    /// Not a version of the API that there is.
    VersionUnsupported = "version_unsupported", 400, Validation, "version_unsupported";
    /// What may not be done now, though it may have been before.
    NotOffered = "not_offered", 403, Validation, "not_offered";
    /// Whoever holds the money declined it, and nothing moved.
    OperationDeclined = "operation_declined", 422, Validation, "payment_operation_declined";
    /// The order is closed.
    OrderClosed = "order_closed", 422, Validation, "order_closed";
    /// The amount is in another currency than the order.
    CurrencyMismatch = "currency_mismatch", 422, Validation, "order_currency_mismatch";
    /// The amount is more than what remains to be paid.
    AmountExceedsRemaining = "amount_exceeds_remaining", 422, Validation, "order_amount_exceeds_remaining";
    /// The order takes no further attempt to pay.
    TooManyPayments = "too_many_payments", 422, Validation, "order_too_many_payments";
    /// The order takes no further operation.
    TooManyOperations = "too_many_operations", 422, Validation, "order_too_many_operations";
    /// No payment of this reference.
    PaymentUnknown = "payment_unknown", 422, Validation, "167";
    /// More than can still be captured, voided or refunded.
    AmountNotAvailable = "amount_not_available", 422, Validation, "payment_amount_not_available";
    /// Less than all that can be done, where the merchant has not agreed on parts.
    PartNotAllowed = "part_not_allowed", 422, Validation, "payment_part_not_allowed";
    /// No more than is authorised already, where it has to be more.
    AmountNotMore = "amount_not_more", 422, Validation, "payment_amount_not_more";
    /// The customer has no such spend option.
    SpendOptionUnknown = "spend_option_unknown", 422, Validation, "spend_option_unknown";
    /// The spend option cannot be taken now, or not for that amount.
    SpendOptionUnavailable = "spend_option_unavailable", 422, Validation, "spend_option_unavailable";
    /// The customer has to authenticate before credit is spent, and no scaToken came.
    AuthenticationRequired = "authentication_required", 403, Security, "authentication_required";
    /// The scaToken does not prove that this customer spends this amount.
    AuthenticationInvalid = "authentication_invalid", 403, Security, "authentication_invalid";
    /// More than what can be done with the payments that the priorities admit.
    PrioritiesTooNarrow = "priorities_too_narrow", 422, Validation, "payment_priorities_too_narrow";
    /// There is nothing (left) to capture, void or refund.
    NothingAvailable = "nothing_available", 422, Validation, "payment_nothing_available";
    /// All there would be to do it with is in flight.
    OperationInFlight = "operation_in_flight", 422, Validation, "payment_operation_in_flight";
    /// The payment was not authorised.
    PaymentNotAuthorised = "payment_not_authorised", 422, Validation, "payment_not_authorised";
    /// The amount is what it is already.
    AmountUnchanged = "amount_unchanged", 422, Validation, "payment_amount_unchanged";
    /// The sum of the shipments is not the operation's amount.
    ShipmentsMismatch = "shipments_mismatch", 422, Validation, "shipments_mismatch";
    /// More is told about an operation, or an order, than there is room for.
    DetailsTooLong = "details_too_long", 422, Validation, "details_too_long";
    /// The order would be captured too late.
    CaptureDelayInvalid = "capture_delay_invalid", 422, Validation, "capture_delay_invalid";
    /// Not what the redirect returned with.
    RedirectResultInvalid = "redirect_result_invalid", 422, Validation, "redirect_result_invalid";
    /// The idempotency key came with another request before.
    KeyReused = "idempotency_key_reused", 422, Validation, "idempotency_key_reused";
    /// A request with the idempotency key was taken before, in a family that does not answer it again.
    WriteConflict = "write_conflict", 409, Validation, "704";
    /// Access tokens are not given for that.
    GrantTypeUnsupported = "unsupported_grant_type", 400, Validation, "unsupported_grant_type";
    /// The first request with the idempotency key has no answer yet.
    InProgress = "in_progress", 409, Validation, "704";
    /// Too many others changed the same order at the same time.
    Contended = "contended", 409, Validation, "704";
    /// There is one of that name already.
    Exists = "exists", 409, Validation, "exists";
    /// The webhook endpoint is disabled.
    EndpointDisabled = "endpoint_disabled", 422, Validation, "endpoint_disabled";
    /// A list has reached its limit.
    ListFull = "list_full", 422, Validation, "list_full";
    /// The store does not answer.
    Unavailable = "unavailable", 503, Internal, "703";
    /// A fault of ours.
    Internal = "internal", 500, Internal, "internal";
}

impl Code {
    /// Whether the same request, sent again with the same idempotency key, may succeed.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(self, Self::InProgress | Self::Contended | Self::Unavailable)
    }
}

/// An answer that is an error. The message is for the caller; what only the operator may know goes to
/// the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What went wrong.
    pub code: Code,
    /// In words: which field, what was expected, what came.
    pub message: String,
    /// The order or payment it is about.
    pub reference: Option<String>,
    /// What the request with the same idempotency key made, of a [`Code::WriteConflict`].
    pub resource: Option<String>,
    /// Whether something was begun that a repetition without the same idempotency key would do again.
    pub is_begun: bool,
    /// The field it is about, if it is about one.
    pub field: Option<String>,
}

impl Problem {
    /// A problem with its message.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), reference: None, resource: None, is_begun: false, field: None }
    }

    /// The same, about a field of the request.
    #[must_use]
    pub fn of_field(self, field: &str) -> Self {
        Self { field: Some(field.to_owned()), ..self }
    }

    /// The same, about an order or a payment, if it is not about something already.
    #[must_use]
    pub fn about(self, reference: impl ToString) -> Self {
        Self { reference: self.reference.or_else(|| Some(reference.to_string())), ..self }
    }
}

/// A required field is missing.
#[must_use]
pub fn field_missing(field: &str) -> Problem {
    Problem::new(Code::FieldMissing, format!("Required field '{field}' is not provided.")).of_field(field)
}

/// A field's value is not one it can have.
#[must_use]
pub fn field_invalid(field: &str, expected: &str, actual: impl std::fmt::Display) -> Problem {
    let message = format!("Field '{field}' is not valid: expected {expected}, got {actual}.");
    Problem::new(Code::FieldInvalid, message).of_field(field)
}
