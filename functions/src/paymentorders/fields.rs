//! Reading fields of requests: each is checked against its limit, and a problem says its name, what was expected, and
//! what came.

use api::{Code, Problem, field_invalid, field_missing, limits::RETURN_URL_CHARS_MAX};
use domain::{Currency, Money, limits::AMOUNT_MINOR_MAX};
use url::Url;

/// A field that has to be there.
pub(super) fn required<T>(field: &str, value: Option<T>) -> Result<T, Problem> {
    value.ok_or_else(|| field_missing(field))
}

/// A text that may be left out, of at most so many characters.
pub(super) fn text(field: &str, value: Option<String>, most: usize) -> Result<Option<String>, Problem> {
    let Some(text) = value else { return Ok(None) };
    let actual = text.chars().count();
    if !(1..=most).contains(&actual) {
        let expected = format!("1 to {most} characters");
        return Err(field_invalid(field, &expected, actual));
    }
    if text.chars().any(char::is_control) {
        return Err(field_invalid(field, "text without control characters", "some"));
    }
    Ok(Some(text))
}

/// A text that has to be there.
pub(super) fn required_text(field: &str, value: Option<String>, most: usize) -> Result<String, Problem> {
    required(field, text(field, value, most)?)
}

/// A merchant's reference: letters, digits and hyphens (Swedbank: "A-Za-z0-9"; its own samples have hyphens).
pub(super) fn reference(field: &str, value: Option<String>, most: usize) -> Result<String, Problem> {
    let text = required_text(field, value, most)?;
    match text.chars().find(|character| !character.is_ascii_alphanumeric() && *character != '-') {
        None => Ok(text),
        Some(other) => {
            Err(field_invalid(field, "letters, digits and hyphens (A-Z, a-z, 0-9, -)", format_args!("'{other}'")))
        }
    }
}

/// The URL of a web page or a picture.
pub(super) fn url(field: &str, text: String) -> Result<String, Problem> {
    let length = text.chars().count();
    if length > RETURN_URL_CHARS_MAX {
        return Err(field_invalid(field, &format!("at most {RETURN_URL_CHARS_MAX} characters"), length));
    }
    let expected = "an absolute URL with http or https";
    match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(text),
        Ok(url) => Err(field_invalid(field, expected, format_args!("the scheme '{}'", url.scheme()))),
        Err(error) => Err(field_invalid(field, expected, format_args!("'{error}'"))),
    }
}

/// What is to be paid or moved: more than nothing.
pub(super) fn amount(field: &str, currency: Currency, value: Option<i64>) -> Result<Money, Problem> {
    let minor = required(field, value)?;
    let money = u64::try_from(minor).ok().and_then(|minor| Money::try_new(currency, minor).ok());
    money.filter(|money| money.minor() > 0).ok_or_else(|| {
        let expected = format!("1 to {AMOUNT_MINOR_MAX} minor units");
        let message = format!("Field '{field}' is not valid: expected {expected}, got {minor}.");
        Problem::new(Code::AmountInvalid, message).of_field(field)
    })
}

/// The tax in an amount.
pub(super) fn tax(field: &str, amount: Money, value: Option<i64>) -> Result<i64, Problem> {
    let tax = required(field, value)?;
    if u64::try_from(tax).is_ok_and(|tax| tax <= amount.minor()) {
        return Ok(tax);
    }
    let message = format!("Field '{field}' is not valid: expected 0 to the amount, {}, got {tax}.", amount.minor());
    Err(Problem::new(Code::TaxInvalid, message).of_field(field))
}

/// One of some words.
pub(super) fn one_of(field: &str, words: &[&'static str], value: Option<String>) -> Result<&'static str, Problem> {
    let text = required(field, value)?;
    words.iter().find(|word| **word == text).copied().ok_or_else(|| {
        let shown = text.chars().take(WORD_CHARS_SHOWN).collect::<String>();
        field_invalid(field, &words.join(", "), format_args!("'{shown}'"))
    })
}

/// How much of an unknown word an error repeats.
const WORD_CHARS_SHOWN: usize = 40;
