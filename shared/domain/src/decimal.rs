//! Decimals: quantities, and rates in percent. Money is none: it is whole minor units.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Decimals that a [`Decimal`] has (Swedbank: "the 4 decimal precision quantity").
const DECIMALS: usize = 4;

/// Ten to the power of [`DECIMALS`].
const SCALE: u64 = 10_000;

/// The largest whole part of a [`Decimal`].
const WHOLE_MAX: u64 = 999_999_999;

/// A decimal that is not negative, with at most four decimals, exactly: a quantity, or the percentage of a tax.
/// Stored as a count of ten-thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decimal(u64);

/// What can be wrong with a decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not digits with at most one point, or a negative number.
    #[error("not a decimal number of 0 or more")]
    NotDecimal,
    /// More than four decimals that are not zero.
    #[error("more than {DECIMALS} decimals")]
    TooPrecise,
    /// More than nine digits before the point.
    #[error("more than {WHOLE_MAX}")]
    TooLarge,
}

impl Decimal {
    /// One.
    pub const ONE: Self = Self(SCALE);

    /// A whole number.
    #[must_use]
    pub const fn whole(number: u16) -> Self {
        Self((number as u64).saturating_mul(SCALE))
    }

    /// So many hundredths: `2500` is 25.
    ///
    /// # Errors
    /// [`DecimalError::TooLarge`].
    pub fn from_hundredths(hundredths: u64) -> Result<Self, DecimalError> {
        let scaled = hundredths.checked_mul(SCALE / 100).filter(|scaled| *scaled <= WHOLE_MAX * SCALE);
        scaled.map(Self).ok_or(DecimalError::TooLarge)
    }

    /// In ten-thousandths: what it is stored as.
    #[must_use]
    pub fn ten_thousandths(self) -> u64 {
        self.0
    }

    /// In hundredths, if it is a whole number of those.
    #[must_use]
    pub fn hundredths(self) -> Option<u64> {
        let one = SCALE / 100;
        self.0.is_multiple_of(one).then(|| self.0 / one)
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let (whole, fraction) = match text.split_once('.') {
            Some((_, "")) => return Err(DecimalError::NotDecimal),
            Some(parts) => parts,
            None => (text, ""),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) {
            return Err(DecimalError::NotDecimal);
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > DECIMALS {
            return Err(DecimalError::TooPrecise);
        }
        let whole = whole.parse::<u64>().ok().filter(|whole| *whole <= WHOLE_MAX).ok_or(DecimalError::TooLarge)?;
        let fraction = format!("{fraction:0<DECIMALS$}").parse::<u64>().map_err(|_| DecimalError::NotDecimal)?;
        whole.checked_mul(SCALE).and_then(|scaled| scaled.checked_add(fraction)).map(Self).ok_or(DecimalError::TooLarge)
    }
}

/// With no more decimals than it has: `351.3514`, `2`.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / SCALE, self.0 % SCALE);
        let text = if fraction == 0 { whole.to_string() } else { format!("{whole}.{fraction:0DECIMALS$}") };
        f.pad(if fraction == 0 { &text } else { text.trim_end_matches('0') })
    }
}
