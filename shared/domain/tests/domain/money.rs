//! Money is whole minor units: nothing is rounded, nothing overflows, nothing is mixed.

use std::sync::LazyLock;

use domain::{
    Currency, Money, MoneyError,
    limits::AMOUNT_MINOR_MAX,
    money::MoneyError::{CurrencyMismatch, Negative, NotDecimal, TooLarge, TooPrecise, UnknownCurrency},
};
use proptest::prelude::*;

use crate::support::money;

/// Every currency there is: every three letters that are taken for one.
static CURRENCIES: LazyLock<Vec<Currency>> = LazyLock::new(|| {
    let letters = || 'A'..='Z';
    letters()
        .flat_map(|first| letters().map(move |second| (first, second)))
        .flat_map(|(first, second)| letters().map(move |third| format!("{first}{second}{third}")))
        .filter_map(|code| code.parse().ok())
        .collect()
});

fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

#[test]
fn a_decimal_is_read_exactly_or_refused() {
    let cases: &[(&str, &str, Result<u64, MoneyError>)] = &[
        ("EUR", "10", Ok(1_000)),
        ("EUR", "10.5", Ok(1_050)),
        ("EUR", "10.50", Ok(1_050)),
        ("EUR", "0.01", Ok(1)),
        ("EUR", "0", Ok(0)),
        ("EUR", "007", Ok(700)),
        ("JPY", "10", Ok(10)),
        ("KWD", "1", Ok(1_000)),
        ("KWD", "1.234", Ok(1_234)),
        // More decimals than the currency has, even if they say nothing.
        ("EUR", "10.505", Err(TooPrecise)),
        ("EUR", "10.500", Err(TooPrecise)),
        ("JPY", "10.0", Err(TooPrecise)),
        ("KWD", "1.2345", Err(TooPrecise)),
        // Not decimals.
        ("EUR", "", Err(NotDecimal)),
        ("EUR", ".", Err(NotDecimal)),
        ("EUR", "1.", Err(NotDecimal)),
        ("JPY", "1.", Err(NotDecimal)),
        ("EUR", ".5", Err(NotDecimal)),
        ("EUR", "1.2.3", Err(NotDecimal)),
        ("EUR", "1,50", Err(NotDecimal)),
        ("EUR", "1'000", Err(NotDecimal)),
        ("EUR", "-1", Err(NotDecimal)),
        ("EUR", "+1", Err(NotDecimal)),
        ("EUR", "1.-5", Err(NotDecimal)),
        ("EUR", "1e3", Err(NotDecimal)),
        ("EUR", "0x10", Err(NotDecimal)),
        ("EUR", " 1", Err(NotDecimal)),
        ("EUR", "1 ", Err(NotDecimal)),
        ("EUR", "1 000", Err(NotDecimal)),
        ("EUR", "１", Err(NotDecimal)),
        ("EUR", "NaN", Err(NotDecimal)),
        // Fifteen digits of minor units, and not one more.
        ("EUR", "9999999999999.99", Ok(AMOUNT_MINOR_MAX)),
        ("EUR", "10000000000000.00", Err(TooLarge)),
        ("EUR", "10000000000000", Err(TooLarge)),
        ("JPY", "999999999999999", Ok(AMOUNT_MINOR_MAX)),
        ("JPY", "1000000000000000", Err(TooLarge)),
        ("KWD", "999999999999.999", Ok(AMOUNT_MINOR_MAX)),
        ("KWD", "1000000000000", Err(TooLarge)),
        // Past what the machine's integers hold, before and after scaling.
        ("EUR", "18446744073709551615", Err(TooLarge)),
        ("EUR", "99999999999999999999999999999999", Err(TooLarge)),
    ];
    for (code, decimal, expected) in cases {
        let read = Money::parse_major(currency(code), decimal).map(Money::minor);
        assert_eq!(read, *expected, "{code} {decimal:?}");
    }
}

#[test]
fn money_is_written_with_the_decimals_of_its_currency() {
    let cases = [
        ("EUR", 1_000, "EUR 10.00"),
        ("EUR", 5, "EUR 0.05"),
        ("EUR", 0, "EUR 0.00"),
        ("EUR", AMOUNT_MINOR_MAX, "EUR 9999999999999.99"),
        ("JPY", 10, "JPY 10"),
        ("KWD", 1_000, "KWD 1.000"),
        ("KWD", 1, "KWD 0.001"),
    ];
    for (code, minor, expected) in cases {
        assert_eq!(money(code, minor).to_string(), expected);
    }
}

#[test]
fn a_sum_is_of_one_currency_and_within_the_limit() {
    let cases = [
        (money("EUR", 60), money("EUR", 40), Ok(money("EUR", 100))),
        (money("EUR", AMOUNT_MINOR_MAX - 1), money("EUR", 1), Ok(money("EUR", AMOUNT_MINOR_MAX))),
        (money("EUR", AMOUNT_MINOR_MAX), money("EUR", 1), Err(TooLarge)),
        (money("EUR", AMOUNT_MINOR_MAX), money("EUR", AMOUNT_MINOR_MAX), Err(TooLarge)),
        (money("EUR", 60), money("USD", 40), Err(CurrencyMismatch)),
        (money("EUR", AMOUNT_MINOR_MAX), money("USD", 1), Err(CurrencyMismatch)),
    ];
    for (left, right, expected) in cases {
        assert_eq!(left.checked_add(right), expected, "{left} + {right}");
    }
}

#[test]
fn a_difference_is_of_one_currency_and_never_below_zero() {
    let cases = [
        (money("EUR", 60), money("EUR", 40), Ok(money("EUR", 20))),
        (money("EUR", 60), money("EUR", 60), Ok(money("EUR", 0))),
        (money("EUR", 60), money("EUR", 61), Err(Negative)),
        (money("EUR", 60), money("USD", 40), Err(CurrencyMismatch)),
        (money("EUR", 60), money("USD", 61), Err(CurrencyMismatch)),
    ];
    for (left, right, expected) in cases {
        assert_eq!(left.checked_sub(right), expected, "{left} - {right}");
    }
}

#[test]
fn an_amount_has_at_most_fifteen_digits() {
    let euro = currency("EUR");
    assert_eq!(Money::try_new(euro, 999_999_999_999_999).map(Money::minor), Ok(999_999_999_999_999));
    assert_eq!(Money::try_new(euro, 1_000_000_000_000_000), Err(TooLarge));
    assert_eq!(money("EUR", 1).with_minor(u64::MAX), money("EUR", AMOUNT_MINOR_MAX));
}

#[test]
fn what_has_no_minor_unit_is_no_currency() {
    for code in ["XXX", "XAU", "XAG", "XTS", "XDR", "ZZZ", "eur", "Eur", " EUR", "EURO", "EU", ""] {
        assert_eq!(code.parse::<Currency>(), Err(UnknownCurrency), "{code:?}");
    }
    assert!(serde_json::from_str::<Currency>(r#""XAU""#).is_err());
}

#[test]
fn money_is_stored_as_a_currency_and_minor_units() {
    let stored = r#"{"currency":"KWD","value":1500}"#;
    assert_eq!(serde_json::to_string(&money("KWD", 1_500)).unwrap(), stored);
    assert_eq!(serde_json::from_str::<Money>(stored).unwrap(), money("KWD", 1_500));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        currency in prop::sample::select(CURRENCIES.as_slice()),
        minor in prop_oneof![0..=100_000_u64, 0..=AMOUNT_MINOR_MAX],
    ) {
        let amount = Money::try_new(currency, minor).unwrap();
        prop_assert_eq!(Money::parse_major(currency, &amount.to_major()), Ok(amount));
        prop_assert_eq!(currency.code().parse(), Ok(currency));
    }

    #[test]
    fn no_text_makes_reading_panic(currency in prop::sample::select(CURRENCIES.as_slice()), text in ".{0,40}|[0-9.]{0,40}") {
        if let Ok(amount) = Money::parse_major(currency, &text) {
            prop_assert!(amount.minor() <= AMOUNT_MINOR_MAX);
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
        }
    }

    #[test]
    fn what_is_added_can_be_taken_away(left in 0..=AMOUNT_MINOR_MAX, right in 0..=AMOUNT_MINOR_MAX) {
        let (left, right) = (money("EUR", left), money("EUR", right));
        match left.checked_add(right) {
            Ok(sum) => prop_assert_eq!(sum.checked_sub(right), Ok(left)),
            Err(error) => prop_assert_eq!(error, TooLarge),
        }
    }
}

#[test]
fn there_are_currencies_of_none_two_and_three_decimals() {
    for exponent in [0, 2, 3] {
        assert!(CURRENCIES.iter().any(|currency| currency.exponent() == exponent), "{exponent} decimals");
    }
}
