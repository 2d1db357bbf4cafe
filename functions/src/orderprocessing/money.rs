//! Amounts of this family: decimals in major units, read and written exactly.

use api::{Code, Object, Problem, field_missing};
use domain::{Currency, Money, money::MoneyError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::number::{Number, number};

/// An amount as it comes in.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreditAmount"))]
pub(super) struct Amount {
    /// How much, in major units, with no more decimals than the currency has: `50` is 50 pounds.
    #[cfg_attr(feature = "openapi", schemars(required, with = "Option<f64>", extend("exclusiveMinimum" = 0)))]
    value: Option<Number>,
    /// ISO 4217.
    #[cfg_attr(feature = "openapi", schemars(required, with = "Option<::webhooks::schema::Currency>"))]
    currency_code: Option<String>,
}

/// An amount as it goes out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreditAmountShown"))]
pub(super) struct AmountView {
    /// How much, in major units.
    #[cfg_attr(feature = "openapi", schemars(with = "f64"))]
    value: Box<RawValue>,
    /// ISO 4217.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Currency"))]
    currency_code: Currency,
}

impl AmountView {
    pub(super) fn of(money: Money) -> Result<Self, Problem> {
        Ok(Self { value: number(money.to_major())?, currency_code: money.currency() })
    }
}

impl Amount {
    /// Reads the field `amount`; zero is refused.
    pub(super) fn read(amount: Option<Object<Self>>) -> Result<Money, Problem> {
        let missing =
            || Problem::new(Code::ObjectMissing, "Required object 'amount' is not provided.").of_field("amount");
        let Object(amount) = amount.ok_or_else(missing)?;
        let code = amount.currency_code.ok_or_else(|| field_missing("amount.currencyCode"))?;
        let currency = code.parse::<Currency>().map_err(|error| {
            let message = format!("Field 'amount.currencyCode' is not valid: it is {error}.");
            Problem::new(Code::CurrencyUnknown, message).of_field("amount.currencyCode")
        })?;
        let value = amount.value.ok_or_else(|| field_missing("amount.value"))?;
        major("amount.value", currency, value.as_str())
    }
}

/// Reads a decimal in major units that is more than nothing.
pub(super) fn major(field: &str, currency: Currency, text: &str) -> Result<Money, Problem> {
    let wrong = |what: String| {
        Problem::new(Code::AmountInvalid, format!("Field '{field}' is not valid: {what}.")).of_field(field)
    };
    let shown = text.chars().take(40).collect::<String>();
    let exponent = currency.exponent();
    // What is negative is a number all the same, and zeros at the end of the decimals say nothing.
    if text.starts_with('-') {
        return Err(wrong(format!("expected more than 0, got {shown}")));
    }
    let plain = text.contains('.').then(|| text.trim_end_matches('0').trim_end_matches('.'));
    let money = Money::parse_major(currency, plain.unwrap_or(text)).map_err(|error| match error {
        MoneyError::TooPrecise => {
            wrong(format!("expected at most {exponent} decimals, as {currency} has, got {shown}"))
        }
        error @ (MoneyError::UnknownCurrency
        | MoneyError::TooLarge
        | MoneyError::Negative
        | MoneyError::CurrencyMismatch
        | MoneyError::NotDecimal) => {
            wrong(format!("expected a number of major units without an exponent, got {shown}: it is {error}"))
        }
    })?;
    if money.minor() == 0 {
        return Err(wrong(format!("expected more than 0, got {shown}")));
    }
    Ok(money)
}
