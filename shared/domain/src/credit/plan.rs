//! The instalment plan: what credit costs that is paid back in equal monthly parts.
//!
//! The part is that of an annuity, `amount × i × (1 + i)^n / ((1 + i)^n − 1)`, with `i` a twelfth of the annual rate and
//! `n` the months. It is worked out as a fraction of whole numbers, so nothing is rounded on the way:
//!
//! - an instalment is that fraction, rounded up to the next minor unit;
//! - what is repaid in all is `n` times that fraction, rounded to the nearest;
//! - the last instalment is what the others leave of that.
//!
//! So the instalments come to what is repaid, `n` of them never come to less than that by more than the rounding of one,
//! and none but the last differs from another.

use num_bigint::BigUint;

use crate::{
    Decimal,
    limits::{AMOUNT_MINOR_MAX, PLAN_MONTHS_MAX},
};

/// What the annual rate, in ten-thousandths of a percent, is divided by to be a month's share of one.
const RATE_UNITS: u32 = 12 * 100 * 10_000;

/// What an amount costs that is paid back in instalments. All amounts are in minor units of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// What is paid back, without what it costs.
    pub amount: u64,
    /// How many instalments there are, one a month.
    pub months: u16,
    /// Each of them but the last.
    pub monthly: u64,
    /// The last.
    pub last: u64,
    /// All of them.
    pub total: u64,
}

impl Plan {
    /// The plan for an amount, at an annual rate in percent, over so many months: 1 to [`PLAN_MONTHS_MAX`]. None for
    /// nothing, for an amount so small that the last instalment would be nothing, and for what comes to more than an
    /// amount may be.
    #[must_use]
    pub fn try_new(amount: u64, rate: Decimal, months: u16) -> Option<Self> {
        if amount == 0 || !(1..=PLAN_MONTHS_MAX).contains(&months) {
            return None;
        }
        let (n, p) = (BigUint::from(months), BigUint::from(amount));
        // The exact instalment, as a fraction.
        let (over, under) = match rate.ten_thousandths() {
            0 => (p, n.clone()),
            rate => {
                let one = BigUint::from(RATE_UNITS);
                let grown = (&one + rate).pow(u32::from(months));
                let gain = &grown - one.pow(u32::from(months));
                (p * rate * grown, one * gain)
            }
        };
        let total = (&n * &over * 2_u8 + &under) / (&under * 2_u8);
        let total = u64::try_from(total).ok().filter(|total| *total <= AMOUNT_MINOR_MAX)?;
        let up = u64::try_from((&over + &under - 1_u8) / &under).ok()?;
        let monthly = if months == 1 { total } else { up };
        let others = monthly.checked_mul(u64::from(months.saturating_sub(1)))?;
        let last = total.checked_sub(others).filter(|last| *last > 0)?;
        Some(Self { amount, months, monthly, last, total })
    }

    /// What it costs: what is repaid beyond the amount.
    #[must_use]
    pub fn interest(&self) -> u64 {
        self.total.saturating_sub(self.amount)
    }

    /// Every instalment, in their order.
    pub fn instalments(&self) -> impl Iterator<Item = u64> + use<> {
        let others = usize::from(self.months.saturating_sub(1));
        std::iter::repeat_n(self.monthly, others).chain(std::iter::once(self.last))
    }
}
