//! What a merchant account has agreed on with its lender.

use serde::{Deserialize, Serialize};

use crate::{Aggregate, Currency, Money, Time, Version, limits::EXEMPTIONS_MAX};

/// What a merchant account has agreed on with its lender. Without a word, nothing goes in part, and every customer
/// authenticates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Whether an authorisation may be settled in part.
    #[serde(default)]
    pub is_settled_in_part: bool,
    /// Whether an authorisation may be reversed in part.
    #[serde(default)]
    pub is_reversed_in_part: bool,
    /// Whether a transaction may be refunded in part.
    #[serde(default)]
    pub is_refunded_in_part: bool,
    /// Whether customers have to authenticate, but for exemptions.
    pub is_authenticated: bool,
    /// Up to where they need not: one for each currency.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exemptions: Vec<Exemption>,
}

/// Spends that need no authentication (PSD2, RTS on strong customer authentication, article 16: low value).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exemption {
    /// They are less than this.
    pub below: Money,
    /// So many in a row, since the customer last authenticated.
    pub in_a_row: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            is_settled_in_part: false,
            is_reversed_in_part: false,
            is_refunded_in_part: false,
            is_authenticated: true,
            exemptions: Vec::new(),
        }
    }
}

/// Why settings are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingsFault {
    /// Too many exemptions.
    #[error("expected at most {EXEMPTIONS_MAX}, got {actual}")]
    TooManyExemptions {
        /// How many came.
        actual: usize,
    },
    /// Two exemptions for one currency.
    #[error("expected one for each currency, got two for {currency}")]
    TwoOfCurrency {
        /// Which.
        currency: Currency,
    },
    /// Commits of one stream are limited.
    #[error("the settings were changed too often")]
    Full,
}

impl Settings {
    /// Whether a customer who has spent so often in a row without authentication may do so once more.
    #[must_use]
    pub fn exempts(&self, amount: Money, in_a_row: u8) -> bool {
        self.exemptions.iter().any(|exemption| {
            exemption.below.currency() == amount.currency()
                && amount.minor() < exemption.below.minor()
                && in_a_row < exemption.in_a_row
        })
    }

    /// Whether an amount is one that customers need not authenticate for, however often they have spent so.
    #[must_use]
    pub fn is_small(&self, amount: Money) -> bool {
        self.exempts(amount, 0)
    }

    /// Whether these may be a merchant account's settings.
    ///
    /// # Errors
    /// [`SettingsFault`].
    pub fn check(&self) -> Result<(), SettingsFault> {
        if self.exemptions.len() > EXEMPTIONS_MAX {
            return Err(SettingsFault::TooManyExemptions { actual: self.exemptions.len() });
        }
        let currency = |exemption: &Exemption| exemption.below.currency();
        let twice = self.exemptions.iter().enumerate().find(|(index, exemption)| {
            self.exemptions.iter().take(*index).any(|other| currency(other) == currency(exemption))
        });
        match twice {
            Some((_, exemption)) => Err(SettingsFault::TwoOfCurrency { currency: currency(exemption) }),
            None => Ok(()),
        }
    }
}

/// What can happen to settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SettingsEvent {
    /// They were set.
    SettingsSet {
        /// What they are now.
        settings: Settings,
    },
}

impl Aggregate for Settings {
    type Event = SettingsEvent;

    fn evolve(_: Option<Self>, event: &SettingsEvent, _: Version, _: Time) -> Option<Self> {
        match event {
            SettingsEvent::SettingsSet { settings } => Some(settings.clone()),
        }
    }
}
