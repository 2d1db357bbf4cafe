//! Credit: its products with the offers on which they can be spent, who has how much of it, and what the merchant account
//! has agreed on with its lender.
//!
//! All of these name the merchant account in the query, whether they have a body or not: what is set can so be read,
//! changed and set again as it is.

pub mod customers;
pub mod offers;
pub mod products;
pub mod settings;

use api::{Call, Code, Engine, Problem, field_invalid};
use domain::{MerchantAccount, limits::AMOUNT_MINOR_MAX};

use crate::admin::existing;

/// The merchant account that a request is about.
async fn merchant<B: Sync>(engine: &Engine, call: &Call<B>) -> Result<MerchantAccount, Problem> {
    existing(engine, &call.caller, call.merchant_in_query()?).await
}

/// Reads one of some words. `word` tells what each of them is called.
fn word<T: Copy>(field: &str, given: &str, all: &[T], word: fn(T) -> &'static str) -> Result<T, Problem> {
    all.iter().copied().find(|one| word(*one) == given).ok_or_else(|| {
        let words = all.iter().map(|one| format!("'{}'", word(*one))).collect::<Vec<_>>().join(", ");
        field_invalid(field, &format!("one of {words}"), "another text")
    })
}

/// Reads an amount in minor units of a currency that is known.
fn minor(field: &str, value: i64) -> Result<u64, Problem> {
    u64::try_from(value).ok().filter(|minor| *minor <= AMOUNT_MINOR_MAX).ok_or_else(|| {
        let expected = format!("expected at most {AMOUNT_MINOR_MAX} minor units and nothing negative, got {value}");
        Problem::new(Code::AmountInvalid, format!("Field '{field}' is not valid: {expected}.")).of_field(field)
    })
}
