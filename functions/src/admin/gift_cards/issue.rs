//! `POST /admin/v1/giftCards`: issues a gift card.

use api::{Access, Call, Code, Endpoint, Engine, Family, Object, Problem, Reply, Route, field_invalid, field_missing};
use app::access::Caller;
use domain::{Money, access::Role, order::KeyPrint};
use http::StatusCode;
use partners::accounts::NewGiftCard;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::checkout::wire::{Amount, GIFT_CARD_CHARS, check_brand};

/// Issues a gift card. Number and code are drawn at random if not given. With an idempotency key the request
/// can be repeated and is answered alike; without one, a number that is taken is a conflict.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct IssueGiftCard;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "IssueGiftCardRequest"))]
pub struct Body {
    /// The merchant account.
    #[cfg_attr(feature = "openapi", schemars(required))]
    merchant_account: Option<String>,
    /// Its brand.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = domain::limits::BRAND_CHARS_MAX)))]
    brand: Option<String>,
    /// What is on it.
    #[cfg_attr(feature = "openapi", schemars(with = "Amount"))]
    balance: Option<Object<Amount>>,
    /// Its number: letters and digits. Drawn if it is not given.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>", length(min = *GIFT_CARD_CHARS.start(), max = *GIFT_CARD_CHARS.end())))]
    number: Option<SecretString>,
    /// Its security code: letters and digits. Drawn if it is not given.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>", length(min = *CODE_CHARS.start(), max = *CODE_CHARS.end())))]
    cvc: Option<SecretString>,
}

/// The gift card that was issued.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "IssueGiftCardResponse"))]
struct Issued<'a> {
    /// Its number.
    number: &'a str,
    /// Its security code.
    cvc: &'a str,
    /// Its brand.
    brand: &'a str,
    /// What is on it.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    balance: Money,
}

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
        let key = call.key_print(engine, &merchant);
        if call.caller == Caller::Operator && !engine.access.has_merchant(&merchant).await? {
            return Err(Problem::new(Code::NotFound, "There is no such merchant account."));
        }
        let card = new_card(call.body, key)?;
        let (brand, balance) = (card.brand.clone(), card.balance);
        let issued = engine.accounts.issue(&merchant, card).await?;
        let (number, cvc) = (issued.number.expose_secret(), issued.code.expose_secret());
        Reply::json(StatusCode::CREATED, None, &Issued { number, cvc, brand: &brand, balance })
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for IssueGiftCard {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new().keyed().answer::<Issued<'_>>(StatusCode::CREATED, "It was issued.")
    }
}

fn new_card(body: Body, key: Option<KeyPrint>) -> Result<NewGiftCard, Problem> {
    let brand = body.brand.ok_or_else(|| field_missing("brand"))?;
    check_brand("brand", &brand)?;
    let balance = Amount::read_as("balance", body.balance)?;
    let number = printable(body.number, "number", GIFT_CARD_CHARS)?;
    let code = printable(body.cvc, "cvc", CODE_CHARS)?;
    Ok(NewGiftCard { brand, balance, number, code, key })
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
