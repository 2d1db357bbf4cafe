//! What can happen to an order. The JSON of these is a contract: events are added, fields are added,
//! nothing is renamed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CartTerms, Entry, Leg, LineAction, Objection, OperationKind, Payer, Session, line::Sheet};
use crate::{Money, Time, Version};

/// What happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OrderEvent {
    /// The order began.
    Opened {
        /// The merchant's name for it.
        reference: String,
        /// What is to be paid in all.
        amount: Money,
        /// From when on it takes no payment.
        expires_at: Time,
        /// Whether it is to be paid in parts.
        kind: OrderKind,
        /// Which key seals its tokens.
        token_key: u32,
        /// What a client session adds to it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<Box<Session>>,
        /// Its lines, and what is told with them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cart: Option<Box<CartTerms>>,
        /// What else the merchant tells about it, as JSON: not kept in the state.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        details: Option<String>,
        /// The idempotency key it was opened with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyPrint>,
    },
    /// A part was set aside for a payment; the partner may be called from now on.
    PaymentReserved {
        /// The part, in minor units.
        amount: u64,
        /// The merchant's name for the payment.
        reference: String,
        /// How it is paid.
        method: Method,
        /// Who is to hold the money.
        partner: PartnerId,
        /// What the partner calls the instrument.
        token: String,
        /// Until when a shopper who has to act may do so, if the request said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        act_by: Option<Time>,
        /// The idempotency key of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyPrint>,
    },
    /// The partner's word on a payment.
    PaymentResolved {
        /// The payment.
        payment: Version,
        /// The word.
        resolution: Resolution,
    },
    /// The shopper had to act and did not in time: the payment's part is to be released.
    ShopperTimedOut {
        /// The payment.
        payment: Version,
    },
    /// Captures, voids or refunds were asked for; the partners may be called from now on.
    OperationRequested {
        /// What is to be done.
        legs: Vec<Leg>,
        /// Whether nobody asked for it: the order ends, or a shopper is out of time.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_release: bool,
        /// What was asked for; if it is not told, what the first leg does, or a release.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<OperationKind>,
        /// The payment it was asked of; none if it was the whole order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<Version>,
        /// The merchant's name for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
        /// The amount it was asked with, if with one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount: Option<u64>,
        /// What the merchant told about it, as JSON: not kept in the state.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        details: Option<String>,
        /// Whether the worker is to execute it, since whoever asked does not wait for it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_deferred: bool,
        /// Whether the order's own terms ask for it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_automatic: bool,
        /// Which lines it is about, if the merchant says.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lines: Vec<Entry>,
        /// Of a refund, the capture that it is of, if the merchant says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<Version>,
        /// The idempotency key of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyPrint>,
    },
    /// An operation was taken that cannot be done. Nothing moved.
    OperationRefused {
        /// What was asked for.
        kind: OperationKind,
        /// The payment it was asked of; none if it was the whole order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<Version>,
        /// The merchant's name for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
        /// The amount it was asked with, if with one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount: Option<u64>,
        /// Why.
        objection: Objection,
        /// Why, in words, where that was the answer: not kept in the state.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        explanation: Option<String>,
        /// The idempotency key of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyPrint>,
    },
    /// The partner's word on one leg of an operation.
    LegResolved {
        /// The operation.
        operation: Version,
        /// The leg's place in it.
        leg: u16,
        /// The word.
        result: LegResult,
    },
    /// Amount, tax and lines were replaced, before anything was done that depends on them.
    Revised {
        /// What is to be paid from now on.
        amount: Money,
        /// The tax in it, in minor units.
        tax: i64,
        /// What the merchant calls the purchase, if that changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// The lines; none for an order that has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sheet: Option<Sheet>,
        /// What else the merchant tells about it, as JSON, if that changed: not kept in the state.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        details: Option<String>,
        /// The idempotency key of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyPrint>,
    },
    /// Lines were added, some of which may take back others.
    Appended {
        /// What is to be paid from now on.
        amount: Money,
        /// The tax in it, in minor units.
        tax: i64,
        /// The new lines.
        sheet: Sheet,
        /// What else the merchant tells about it, as JSON, if that changed: not kept in the state.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        details: Option<String>,
        /// The idempotency key of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyPrint>,
    },
    /// Something was done on lines that moves no money here: a payment was set aside for them, lines took over what
    /// others had, or a payment that somebody else made did something.
    LinesRecorded {
        /// What.
        action: LineAction,
        /// With which payment.
        payer: Payer,
        /// On which lines.
        entries: Vec<Entry>,
        /// Whether it succeeded; if not, it is only on record.
        is_success: bool,
        /// What the merchant told about it, as JSON: not kept in the state.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        details: Option<String>,
        /// The idempotency key of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyPrint>,
    },
    /// An order that had ended goes on, and from now on until the merchant closes it.
    Reopened {
        /// The idempotency key of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyPrint>,
    },
    /// The order is to end unpaid.
    CancellationRequested {
        /// Who asked.
        reason: CancelReason,
        /// The idempotency key of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyPrint>,
    },
    /// A request with an idempotency key changed nothing, and its answer is pinned to this version.
    Answered {
        /// The key.
        key: KeyPrint,
    },
    /// The order ended.
    Closed {
        /// Why.
        reason: CloseReason,
        /// When all its money is to be captured, if that is to happen by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        capture_at: Option<Time>,
        /// The idempotency key of the request, if the merchant closed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyPrint>,
    },
    /// The commit changed the books of an order that has a webhook of its own, which is to be told.
    AmountsChanged,
}

/// Whether an order was opened to be paid in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// Opened by a merchant, to be paid by one or more payments.
    Parts,
    /// Opened by the engine around one payment: it ends when that payment fails.
    Single,
    /// Opened by a merchant, to be paid in parts, and changed after that: it ends when the merchant closes it.
    Running,
}

/// Keyed fingerprints of an idempotency key and of the request it came with. Eight bytes each: the key's
/// travel in the order's token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyPrint {
    /// Of the caller's key.
    pub key: [u8; 8],
    /// Of what was asked, without the order's token.
    pub request: [u8; 8],
}

/// Where it is stored, 22 characters count: base64 of the sixteen bytes.
#[derive(Serialize, Deserialize)]
struct StoredPrint {
    print: String,
}

impl Serialize for KeyPrint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let print = data_encoding::BASE64URL_NOPAD.encode(&[self.key, self.request].concat());
        StoredPrint { print }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for KeyPrint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = StoredPrint::deserialize(deserializer)?;
        data_encoding::BASE64URL_NOPAD
            .decode(stored.print.as_bytes())
            .ok()
            .and_then(|bytes| {
                let (key, request) = bytes.split_at_checked(8)?;
                Some(Self { key: key.try_into().ok()?, request: request.try_into().ok()? })
            })
            .ok_or_else(|| serde::de::Error::custom("a key print is 16 bytes of base64"))
    }
}

impl fmt::Debug for KeyPrint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.key))
    }
}

/// How a payment is paid, as far as it may be told: never a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Method {
    /// The kind.
    pub kind: MethodKind,
    /// The brand: `visa`, `mc`, `givex`, `ideal`.
    pub brand: String,
    /// The last four digits of a card's or gift card's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last4: Option<String>,
}

/// Kinds of payment methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MethodKind {
    /// A payment card.
    Card,
    /// A gift card: an account of ours.
    GiftCard,
    /// iDEAL: the shopper pays at a bank's page.
    Ideal,
    /// Credit: an account of ours with a limit.
    Credit,
}

/// The payment partners an order can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartnerId {
    /// Gift cards: our own accounts.
    Accounts,
    /// The acquirer for tests and demonstrations.
    Sandbox,
    /// Credit: our own accounts too.
    Credit,
}

/// A partner's word on an authorisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Resolution {
    /// The money is held. Final.
    Authorised,
    /// The partner said no. Final.
    Refused {
        /// Why.
        reason: Decline,
    },
    /// It ended before it was authorised. Final.
    Cancelled {
        /// By whom.
        by: CancelledBy,
    },
    /// Nothing happened at the partner, and nothing will under this reference. Final.
    Failed,
    /// The partner will know later.
    Pending,
    /// The shopper has to act first.
    AwaitingShopper {
        /// Where.
        redirect: Redirect,
    },
    /// The partner did not answer in time; whether the money is held is not known.
    Uncertain,
}

impl Resolution {
    /// Whether nothing else can follow.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Authorised | Self::Refused { .. } | Self::Cancelled { .. } | Self::Failed => true,
            Self::Pending | Self::AwaitingShopper { .. } | Self::Uncertain => false,
        }
    }

    /// Whether the payment covers nothing, now and for ever.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Cancelled { .. } | Self::Failed => true,
            Self::Authorised | Self::Pending | Self::AwaitingShopper { .. } | Self::Uncertain => false,
        }
    }
}

/// Who ended a payment before it was authorised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelledBy {
    /// The shopper, at the partner's page.
    Shopper,
    /// The order's cancellation.
    Order,
    /// Nobody: the shopper had to act and did not in time.
    Timeout,
}

/// Where a shopper has to go: a page to be opened with GET.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// The page.
    pub url: String,
}

/// Why a partner said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decline {
    /// No reason given.
    Refused,
    /// The instrument has less than was asked for, or another currency.
    NotEnoughBalance,
    /// The card is past its date.
    ExpiredCard,
    /// No such number, or one the partner does not know.
    InvalidCardNumber,
    /// The security code does not match.
    InvalidCode,
    /// The security code was wrong too often.
    CodeTriesExceeded,
    /// The shopper failed or refused authentication.
    NotAuthenticated,
    /// The partner's books do not allow it: more than is left, or an unknown authorisation.
    NotPermitted,
}

/// A partner's word on a capture, void or refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum LegResult {
    /// Done. Final.
    Done,
    /// The partner said no, and the money is where it was. Final.
    Declined {
        /// Why.
        reason: Decline,
    },
    /// The partner will know later.
    Pending,
    /// The partner did not answer in time.
    Uncertain,
}

impl LegResult {
    /// Whether nothing else can follow.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Done | Self::Declined { .. } => true,
            Self::Pending | Self::Uncertain => false,
        }
    }
}

/// Who asked for a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// The merchant.
    Merchant,
    /// Time: the order expired before it was paid.
    Expired,
}

/// Why an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// Every part is paid: success.
    Paid,
    /// The merchant cancelled it.
    Cancelled,
    /// It expired before it was paid.
    Expired,
    /// It was opened for one payment, and that payment failed.
    PaymentFailed,
    /// The merchant closed it, paid or not.
    Concluded,
}
