//! Order lines: what the amount of an order is made of.
//!
//! Prices include tax. Neither quantity times unit price nor the rate of the tax has to give the amount: merchants
//! round per line, per unit or per order, and only the sums can be held against them (Swedbank's own samples break
//! both).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Decimal, Version,
    limits::{AMOUNT_MINOR_MAX, LINES_BYTES_MAX, LINES_PER_ORDER_MAX},
};

/// What kind of thing a line is (Swedbank: `orderItems.type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// Goods.
    #[default]
    Product,
    /// A service.
    Service,
    /// What shipping costs.
    ShippingFee,
    /// What paying costs.
    PaymentFee,
    /// A discount: its amount may be negative.
    Discount,
    /// A voucher: its amount may be negative.
    ValueCode,
    /// Anything else.
    Other,
}

impl LineKind {
    /// Whether its amount may be negative.
    #[must_use]
    pub fn may_be_negative(self) -> bool {
        match self {
            Self::Discount | Self::ValueCode => true,
            Self::Product | Self::Service | Self::ShippingFee | Self::PaymentFee | Self::Other => false,
        }
    }
}

/// One tax of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxPart {
    /// Its rate, in percent.
    pub percentage: Decimal,
    /// What it comes to, in minor units; it is part of the line's amount.
    pub amount: i64,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number on the order, unique over the order's whole life.
    pub id: u32,
    /// The merchant's name for what it is: an SKU. Several lines may have the same.
    pub reference: String,
    /// What it is called.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What kind of thing it is.
    #[serde(default)]
    pub kind: LineKind,
    /// The merchant's classification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// How many, or how much.
    pub quantity: Decimal,
    /// Of what: `pcs`, `grams`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What one costs, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<i64>,
    /// What one costs with its discount, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount_price: Option<i64>,
    /// What it comes to with tax, in minor units; negative for what is taken off or comes back.
    pub amount: i64,
    /// The tax in it, in minor units.
    pub tax: i64,
    /// The taxes in it, where they are told one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taxes: Vec<TaxPart>,
    /// The line that this one takes back, whole or in part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverses: Option<u32>,
    /// What else the merchant tells about it, as a JSON object: told back, and nothing is computed from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
}

impl Line {
    /// The tax in the first `amount` of it, in minor units: rounded half away from zero (Dintero's orders leave the
    /// rounding open; this one lets the last part absorb the remainder).
    #[must_use]
    pub fn tax_up_to(&self, amount: i64) -> i64 {
        if self.amount == 0 {
            return 0;
        }
        let (tax, amount, whole) = (i128::from(self.tax), i128::from(amount), i128::from(self.amount));
        let (product, whole) = if whole < 0 { (-(tax * amount), -whole) } else { (tax * amount, whole) };
        let half = if product < 0 { -whole } else { whole };
        i64::try_from((product * 2 + half) / (whole * 2)).unwrap_or_default()
    }

    /// Whether an amount goes the way its own does.
    #[must_use]
    pub fn is_along(&self, amount: i64) -> bool {
        amount.signum() == self.amount.signum()
    }
}

/// All lines of an order, as they were read, and of which sheets: the rules check that these are still all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// The commits that gave them.
    pub sheets: Vec<Version>,
    /// The lines, in the order they were given.
    pub lines: Arc<[Line]>,
}

impl Lines {
    /// No lines.
    #[must_use]
    pub fn none() -> Self {
        Self { sheets: Vec::new(), lines: Arc::from([]) }
    }

    /// What was taken back of a line, with the sign of what takes it back.
    #[must_use]
    pub fn taken_back(&self, id: u32) -> i64 {
        let reversals = self.lines.iter().filter(|line| line.reverses == Some(id));
        reversals.map(|line| line.amount).fold(0, i64::saturating_add)
    }

    /// The line of that number.
    #[must_use]
    pub fn get(&self, id: u32) -> Option<&Line> {
        self.lines.iter().find(|line| line.id == id)
    }
}

/// Lines that were given together, as an order keeps them: in its log if they are few, else beside it, under their
/// fingerprint, so that neither payments nor snapshots grow with the cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// How many.
    pub count: u16,
    /// What they come to.
    pub sum: i64,
    /// The lines, if they are kept here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub here: Option<Vec<Line>>,
    /// Their fingerprint, if they are kept beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<String>,
}

/// What can be wrong with lines, or with what is asked of them. Amounts are in minor units.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct LineFault {
    /// Which of the lines or entries of the request, from 0; none if it is all of them.
    pub at: Option<usize>,
    /// What.
    pub what: Fault,
}

/// One thing that can be wrong with lines, or with what is asked of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The lines do not come to the amount.
    #[error("expected lines that come to {expected}, got {actual}")]
    Sum {
        /// The amount.
        expected: i64,
        /// What they come to.
        actual: i64,
    },
    /// The taxes of the lines do not come to the tax.
    #[error("expected lines whose tax comes to {expected}, got {actual}")]
    TaxSum {
        /// The tax.
        expected: i64,
        /// What theirs comes to.
        actual: i64,
    },
    /// The tax of a line is more than the line, or has another sign.
    #[error("expected a tax between 0 and the line's amount, {amount}, got {tax}")]
    Tax {
        /// The line's amount.
        amount: i64,
        /// Its tax.
        tax: i64,
    },
    /// A negative amount on a line that may not have one.
    #[error("expected 0 or more on a line of this type, got {actual}")]
    Negative {
        /// The amount.
        actual: i64,
    },
    /// An amount, or a sum, beyond all limits.
    #[error("expected at most {AMOUNT_MINOR_MAX} minor units, got more")]
    TooLarge,
    /// A line's number that is taken.
    #[error("expected a line number that the order does not have yet, got {line}")]
    Duplicate {
        /// The number.
        line: u32,
    },
    /// A line's number, or the merchant's reference of a line, that the order does not have.
    #[error("expected a line that is on the order, got {line}")]
    Unknown {
        /// The number or reference.
        line: String,
    },
    /// No lines, where some are needed.
    #[error("expected at least one line, got none")]
    Missing,
    /// More lines than an order may have.
    #[error("expected at most {LINES_PER_ORDER_MAX} lines over the life of an order, got {actual}")]
    TooMany {
        /// How many there would be.
        actual: usize,
    },
    /// More is told of the lines than there is room for.
    #[error("expected lines of at most {LINES_BYTES_MAX} bytes in all, got {actual}")]
    TooLong {
        /// What they take, in bytes.
        actual: usize,
    },
    /// A reversal of a line that is a reversal itself.
    #[error("expected a line that is no reversal itself, got {line}")]
    OfReversal {
        /// That line.
        line: u32,
    },
    /// A reversal that differs from its line where it may not.
    #[error("expected the {what} of the line that it reverses, {expected}, got {actual}")]
    ReversalDiffers {
        /// In what.
        what: &'static str,
        /// The line's.
        expected: String,
        /// The reversal's.
        actual: String,
    },
    /// A reversal of more than is left of its line.
    #[error("expected at most what is left to reverse of line {line}, {left}, got {actual}")]
    ReversalExceeds {
        /// The line.
        line: u32,
        /// What is left: of the sign that the reversal has to have.
        left: i64,
        /// What was given.
        actual: i64,
    },
    /// An amount of zero.
    #[error("expected an amount other than 0, got 0")]
    Zero,
    /// An amount that goes against its line.
    #[error("expected an amount with the sign of line {line}, got {actual}")]
    Sign {
        /// The line.
        line: String,
        /// The amount.
        actual: i64,
    },
    /// Amounts of both signs in one request that come to nothing, or to less.
    #[error("expected amounts of one sign, or such as come to more than 0, got both signs")]
    MixedSigns,
    /// More than is left of a line.
    #[error("expected at most what can be {done} of line {line}, {left}, got {actual}")]
    Exceeds {
        /// The line.
        line: String,
        /// What is asked for, as a participle.
        done: &'static str,
        /// What is left.
        left: i64,
        /// What was asked for.
        actual: i64,
    },
    /// More than a payment has.
    #[error("expected at most what can be {done} with this payment, {left}, got {actual}")]
    PaymentExceeds {
        /// What is asked for, as a participle.
        done: &'static str,
        /// What is left.
        left: i64,
        /// What was asked for.
        actual: i64,
    },
    /// A refund or cancellation of a line with a negative amount, which has nothing to give back.
    #[error("expected a line with a positive amount, got line {line}")]
    NotPositive {
        /// The line.
        line: String,
    },
}

impl Fault {
    /// The fault of one line or entry.
    #[must_use]
    pub fn at(self, index: usize) -> LineFault {
        LineFault { at: Some(index), what: self }
    }

    /// The fault of all together.
    #[must_use]
    pub fn of_all(self) -> LineFault {
        LineFault { at: None, what: self }
    }
}

/// The sum of amounts, if there can be such a one.
fn sum(amounts: impl Iterator<Item = i64>) -> Result<i64, LineFault> {
    let mut amounts = amounts;
    let total = amounts.try_fold(0_i64, i64::checked_add);
    total.filter(|total| total.unsigned_abs() <= AMOUNT_MINOR_MAX).ok_or(Fault::TooLarge.of_all())
}

/// What lines come to, in minor units.
///
/// # Errors
/// [`Fault::TooLarge`].
pub fn sum_of(lines: &[Line]) -> Result<i64, LineFault> {
    sum(lines.iter().map(|line| line.amount))
}

/// The tax that is in lines, in minor units.
///
/// # Errors
/// [`Fault::TooLarge`].
pub fn tax_of(lines: &[Line]) -> Result<i64, LineFault> {
    sum(lines.iter().map(|line| line.tax))
}

/// Checks new lines by themselves and beside the lines that an order has: numbers, signs, taxes, reversals. `refunded`
/// says what of a line was refunded, which is not there to be taken back once more.
///
/// # Errors
/// The first [`LineFault`].
pub fn check(new: &[Line], known: &[Line], refunded: &dyn Fn(u32) -> i64) -> Result<(), LineFault> {
    if new.is_empty() {
        return Err(Fault::Missing.of_all());
    }
    let actual = new.len().saturating_add(known.len());
    if actual > LINES_PER_ORDER_MAX {
        return Err(Fault::TooMany { actual }.of_all());
    }
    for (index, line) in new.iter().enumerate() {
        let before = || known.iter().chain(new.iter().take(index));
        check_one(line).map_err(|fault| fault.at(index))?;
        if before().any(|other| other.id == line.id) {
            return Err(Fault::Duplicate { line: line.id }.at(index));
        }
        if let Some(of) = line.reverses {
            check_reversal(line, of, known, &new[..index], refunded(of)).map_err(|fault| fault.at(index))?;
        }
    }
    Ok(())
}

/// Checks new lines by themselves, as far as it can be said without the order that they are for: numbers, taxes, and
/// that they are not too many.
///
/// # Errors
/// The first [`LineFault`].
pub fn check_alone(new: &[Line]) -> Result<(), LineFault> {
    if new.len() > LINES_PER_ORDER_MAX {
        return Err(Fault::TooMany { actual: new.len() }.of_all());
    }
    for (index, line) in new.iter().enumerate() {
        check_one(line).map_err(|fault| fault.at(index))?;
        if new.iter().take(index).any(|other| other.id == line.id) {
            return Err(Fault::Duplicate { line: line.id }.at(index));
        }
    }
    Ok(())
}

fn check_one(line: &Line) -> Result<(), Fault> {
    let numbers = [Some(line.amount), Some(line.tax), line.unit_price, line.discount_price];
    let taxes = line.taxes.iter().map(|part| part.amount);
    if numbers.into_iter().flatten().chain(taxes).any(|number| number.unsigned_abs() > AMOUNT_MINOR_MAX) {
        return Err(Fault::TooLarge);
    }
    let is_within = |tax: i64| {
        tax.unsigned_abs() <= line.amount.unsigned_abs() && (tax == 0 || tax.signum() == line.amount.signum())
    };
    match line.taxes.iter().map(|part| part.amount).chain([line.tax]).find(|tax| !is_within(*tax)) {
        Some(tax) => Err(Fault::Tax { amount: line.amount, tax }),
        None => Ok(()),
    }
}

/// What may be taken back of a line: the line itself, less what was taken back or refunded of it.
fn check_reversal(line: &Line, of: u32, known: &[Line], earlier: &[Line], refunded: i64) -> Result<(), Fault> {
    // Only what the order has can come back: a line that is new needs no reversal.
    let Some(reversed) = known.iter().find(|known| known.id == of) else {
        return Err(Fault::Unknown { line: of.to_string() });
    };
    if reversed.reverses.is_some() {
        return Err(Fault::OfReversal { line: of });
    }
    if reversed.reference != line.reference {
        let (expected, actual) = (reversed.reference.clone(), line.reference.clone());
        return Err(Fault::ReversalDiffers { what: "reference", expected, actual });
    }
    let percentages = |line: &Line| line.taxes.iter().map(|part| part.percentage.to_string()).collect::<Vec<_>>();
    let (expected, actual) = (percentages(reversed), percentages(line));
    if expected != actual {
        let (expected, actual) = (expected.join(", "), actual.join(", "));
        return Err(Fault::ReversalDiffers { what: "tax percentages", expected, actual });
    }
    let reversals = known.iter().chain(earlier).filter(|other| other.reverses == Some(of)).map(|other| other.amount);
    let whole = reversed.amount.saturating_sub(refunded).saturating_neg();
    let left = reversals.fold(whole, |left, reversal| left.saturating_sub(reversal));
    let fits =
        line.amount != 0 && line.amount.signum() == left.signum() && line.amount.unsigned_abs() <= left.unsigned_abs();
    if !fits {
        return Err(Fault::ReversalExceeds { line: of, left, actual: line.amount });
    }
    let reversed_tax = known.iter().chain(earlier).filter(|other| other.reverses == Some(of)).map(|other| other.tax);
    let left_tax = reversed_tax.fold(reversed.tax.saturating_neg(), |left, tax| left.saturating_sub(tax));
    if line.tax.unsigned_abs() > left_tax.unsigned_abs() {
        let (expected, actual) = (format!("at most {left_tax}"), line.tax.to_string());
        return Err(Fault::ReversalDiffers { what: "tax", expected, actual });
    }
    Ok(())
}
