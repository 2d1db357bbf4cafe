//! `POST /admin/v1/giftCards`: issues a gift card.

use api::{Access, Call, Code, Endpoint, Engine, Family, Problem, Reply, Route, field_invalid, field_missing};
use domain::{Money, access::Role};
use http::StatusCode;
use partners::accounts::NewGiftCard;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// Issues a gift card. Number and code are drawn at random if not given; with a number given, issuing
/// again is answered with a conflict, so the request is safe to repeat.
pub struct IssueGiftCard;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Body {
    merchant_account: Option<String>,
    brand: Option<String>,
    balance: Option<Balance>,
    number: Option<SecretString>,
    cvc: Option<SecretString>,
}

#[derive(Debug, Deserialize)]
struct Balance {
    currency: Option<String>,
    value: Option<i64>,
}

#[derive(Serialize)]
struct Issued<'a> {
    number: &'a str,
    cvc: &'a str,
    brand: &'a str,
    balance: Money,
}

/// The longest brand, in characters.
const BRAND_CHARS_MAX: usize = 40;
/// Characters of a number that is given.
const NUMBER_CHARS: std::ops::RangeInclusive<usize> = 4..=32;
/// Characters of a code that is given.
const CODE_CHARS: std::ops::RangeInclusive<usize> = 1..=12;

impl Endpoint for IssueGiftCard {
    const ROUTE: Route = Route {
        name: "issue-gift-card",
        method: "POST",
        paths: &["/admin/v1/giftCards"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let merchant = call.merchant(call.body.merchant_account.as_deref())?;
        let card = new_card(call.body)?;
        let (brand, balance) = (card.brand.clone(), card.balance);
        let issued = engine.accounts.issue(&merchant, card).await?;
        let (number, cvc) = (issued.number.expose_secret(), issued.code.expose_secret());
        Reply::json(StatusCode::CREATED, None, &Issued { number, cvc, brand: &brand, balance })
    }
}

fn new_card(body: Body) -> Result<NewGiftCard, Problem> {
    let brand = body.brand.ok_or_else(|| field_missing("brand"))?;
    let length = brand.chars().count();
    if !(1..=BRAND_CHARS_MAX).contains(&length) {
        return Err(field_invalid("brand", &format!("1 to {BRAND_CHARS_MAX} characters"), length));
    }
    let balance = body.balance.ok_or_else(|| field_missing("balance"))?;
    let currency = balance.currency.ok_or_else(|| field_missing("balance.currency"))?;
    let currency = currency.parse().map_err(|error| {
        Problem::new(Code::CurrencyUnknown, format!("Field 'balance.currency' is not valid: {error}."))
    })?;
    let value = balance.value.ok_or_else(|| field_missing("balance.value"))?;
    let balance =
        u64::try_from(value).ok().and_then(|minor| Money::try_new(currency, minor).ok()).ok_or_else(|| {
            Problem::new(Code::AmountInvalid, format!("Field 'balance.value' is not valid: got {value}."))
        })?;
    let number = printable(body.number, "number", NUMBER_CHARS)?;
    let code = printable(body.cvc, "cvc", CODE_CHARS)?;
    Ok(NewGiftCard { brand, balance, number, code })
}

/// A given number or code: letters and digits, so that it can be a segment of a path.
fn printable(
    text: Option<SecretString>,
    field: &str,
    chars: std::ops::RangeInclusive<usize>,
) -> Result<Option<SecretString>, Problem> {
    let Some(given) = &text else { return Ok(None) };
    let given = given.expose_secret();
    if chars.contains(&given.len()) && given.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(text);
    }
    let expected = format!("{} to {} letters and digits", chars.start(), chars.end());
    Err(field_invalid(field, &expected, format_args!("{} bytes", given.len())))
}
