//! Money: whole minor units of an ISO 4217 currency. No floating-point number takes part anywhere.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::limits::AMOUNT_MINOR_MAX;

/// An ISO 4217 currency that has a minor unit (or none, as the yen), so not gold or "no currency".
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The three-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimals its amounts have: 2 for EUR, 0 for JPY, 3 for KWD.
    #[must_use]
    pub fn exponent(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, MoneyError> {
        iso_currency::Currency::from_code(code)
            .filter(|currency| currency.exponent().is_some())
            .map(Self)
            .ok_or(MoneyError::UnknownCurrency)
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(code: String) -> Result<Self, MoneyError> {
        code.parse()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        code.parse().map_err(serde::de::Error::custom)
    }
}

/// An amount of money: `value` minor units (cents) of `currency`, at most fifteen digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    currency: Currency,
    #[serde(rename = "value")]
    minor: u64,
}

/// What can be wrong with an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not an ISO 4217 code, or one without a minor unit.
    #[error("not the code of an ISO 4217 currency that has amounts")]
    UnknownCurrency,
    /// More than fifteen digits, or a sum that would be.
    #[error("more than {AMOUNT_MINOR_MAX} minor units")]
    TooLarge,
    /// A difference below zero.
    #[error("less than nothing")]
    Negative,
    /// Two currencies in one sum.
    #[error("amounts of different currencies")]
    CurrencyMismatch,
    /// Not digits with at most one point.
    #[error("not a decimal number")]
    NotDecimal,
    /// More decimals than the currency has.
    #[error("more decimals than the currency has")]
    TooPrecise,
}

impl Money {
    /// `minor` minor units of `currency`.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`] above [`AMOUNT_MINOR_MAX`].
    pub fn try_new(currency: Currency, minor: u64) -> Result<Self, MoneyError> {
        if minor > AMOUNT_MINOR_MAX { Err(MoneyError::TooLarge) } else { Ok(Self { currency, minor }) }
    }

    /// An amount of the same currency, for a part that is known not to exceed a [`Money`] that exists.
    #[must_use]
    pub fn with_minor(self, minor: u64) -> Self {
        Self { currency: self.currency, minor: minor.min(AMOUNT_MINOR_MAX) }
    }

    /// The currency.
    #[must_use]
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The amount in minor units.
    #[must_use]
    pub fn minor(self) -> u64 {
        self.minor
    }

    /// The sum.
    ///
    /// # Errors
    /// Another currency, or a sum over the limit.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::TooLarge)?;
        Self::try_new(self.currency, minor)
    }

    /// The difference.
    ///
    /// # Errors
    /// Another currency, or a difference below zero.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_sub(other.minor).ok_or(MoneyError::Negative)?;
        Self::try_new(self.currency, minor)
    }

    /// Reads a decimal in major units, such as `10`, `10.5` or `10.50`.
    ///
    /// # Errors
    /// Anything but digits with at most one point between them; more decimals than the currency has; too much.
    pub fn parse_major(currency: Currency, decimal: &str) -> Result<Self, MoneyError> {
        let (whole, fraction) = match decimal.split_once('.') {
            Some((_, "")) => return Err(MoneyError::NotDecimal),
            Some(parts) => parts,
            None => (decimal, ""),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) {
            return Err(MoneyError::NotDecimal);
        }
        let exponent = currency.exponent();
        let decimals = u32::try_from(fraction.len()).unwrap_or(u32::MAX);
        let missing = exponent.checked_sub(decimals).ok_or(MoneyError::TooPrecise)?;
        let minor = format!("{whole}{fraction}")
            .parse::<u64>()
            .ok()
            .zip(10_u64.checked_pow(missing))
            .and_then(|(digits, scale)| digits.checked_mul(scale))
            .ok_or(MoneyError::TooLarge)?;
        Self::try_new(currency, minor)
    }

    /// The amount in major units with the currency's decimals: `10.00`.
    #[must_use]
    pub fn to_major(self) -> String {
        match self.currency.exponent() {
            0 => self.minor.to_string(),
            exponent => {
                let scale = 10_u64.pow(exponent);
                let decimals = usize::try_from(exponent).unwrap_or_default();
                format!("{}.{:0decimals$}", self.minor / scale, self.minor % scale)
            }
        }
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency { Ok(()) } else { Err(MoneyError::CurrencyMismatch) }
    }
}

/// `EUR 10.00`, as webhooks write it.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency, self.to_major())
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
