//! The terms of an order that was opened as a client session of the payments family.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Order;
use crate::{Time, Version};

/// When an order's money is captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum CaptureMode {
    /// When the merchant asks for it.
    Manual,
    /// By itself, once the order is paid.
    Automatic {
        /// How long after that, in seconds.
        delay_s: u64,
    },
}

/// Where an order's own notifications go: to whoever opened it, beside the merchant's endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnWebhook {
    /// The URL.
    pub url: String,
    /// Headers that each notification carries, as they were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<OwnHeader>,
    /// In which words.
    #[serde(default, skip_serializing_if = "OwnFormat::is_payments")]
    pub format: OwnFormat,
}

/// In which words an order's own notifications are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnFormat {
    /// The payment of the payments family as it stands.
    #[default]
    Payments,
    /// That something has changed, and where to read what: a callback of the paymentorders family.
    Callback,
}

impl OwnFormat {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
    fn is_payments(&self) -> bool {
        *self == Self::Payments
    }
}

/// A header of an order's own notifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnHeader {
    /// Its name.
    pub name: String,
    /// Its values: one line each.
    pub values: Vec<HeaderText>,
}

/// A header's value, as it was given: shops write numbers without quotes. It may be a secret, so it is not printed
/// with what it belongs to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HeaderText {
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
}

impl std::fmt::Debug for HeaderText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HeaderText")
    }
}

impl std::fmt::Display for HeaderText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// What a client session adds to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// When its money is captured.
    pub capture: CaptureMode,
    /// Where its own notifications go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<OwnWebhook>,
    /// Whether it is a purchase of the paymentorders family, which may be changed only while nobody has tried to
    /// pay, and which takes no more operations after too many that failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_purchase: bool,
}

impl Order {
    /// Whether it is a purchase of the paymentorders family.
    #[must_use]
    pub fn is_purchase(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.is_purchase)
    }

    /// Where the order's own notifications go, if anywhere.
    #[must_use]
    pub fn own_webhook(&self) -> Option<&OwnWebhook> {
        self.session.as_ref()?.webhook.as_ref()
    }

    /// When all its money is to be captured, if it is paid at `now` and is captured by itself.
    pub(super) fn capture_from(&self, now: Time) -> Option<Time> {
        match self.session.as_ref()?.capture {
            CaptureMode::Manual => None,
            CaptureMode::Automatic { delay_s } => Some(now.plus(Duration::from_secs(delay_s))),
        }
    }

    /// When it is to be captured by itself, if it is paid, was not yet, and there is something to capture.
    #[must_use]
    pub fn captures_at(&self) -> Option<Time> {
        let capture_at = self.closed.as_ref()?.capture_at?;
        let is_done = self.operations.iter().any(|operation| operation.is_automatic);
        (!is_done && self.capturable_by_itself().next().is_some()).then_some(capture_at)
    }

    /// What is captured when the order is captured by itself, in minor units: what is held, but not what the merchant
    /// has taken back and the partner would not release.
    pub(super) fn capturable_by_itself(&self) -> impl Iterator<Item = (Version, u64)> {
        let meant = self.payments.iter().filter(|payment| payment.reversed.is_none());
        meant.map(|payment| (payment.version, payment.tally.capturable())).filter(|(_, amount)| *amount > 0)
    }
}
