//! `POST /sandbox/cards`: a card's number goes in, a token comes out.

use api::{Access, Call, Code, Endpoint, Engine, Family, Problem, Reply, Route, clock, field_invalid, field_missing};
use http::StatusCode;
use partners::sandbox::{CARD_TOKEN_FOR, brand};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::checkout::wire::is_card_number;

/// Digits of a card's security code.
const CODE_DIGITS: std::ops::RangeInclusive<usize> = 3..=4;

/// Makes a token of a card, for one payment soon. The number is sealed in the token and kept nowhere: whoever takes the
/// payment gets the token alone.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct TokeniseCard;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "TokeniseCardRequest"))]
pub struct Body {
    /// The card's number, perhaps with spaces.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    number: Option<SecretString>,
    /// The month in which it expires, `01` to `12`. The sandbox takes any.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 2)))]
    expiry_month: Option<String>,
    /// The year in which it expires, of two or four digits. The sandbox takes any.
    #[cfg_attr(feature = "openapi", schemars(length(min = 2, max = 4)))]
    expiry_year: Option<String>,
    /// Its security code. The sandbox takes any.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>", length(min = *CODE_DIGITS.start(), max = *CODE_DIGITS.end())))]
    cvc: Option<SecretString>,
}

/// A card's token.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CardToken"))]
struct CardToken<'a> {
    /// The token: it is of use to the engine alone.
    token: String,
    /// The card's brand.
    brand: &'a str,
    /// The last four digits of its number.
    last_four: &'a str,
    /// From when on the token is not taken any more.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    expires_at: String,
}

impl Endpoint for TokeniseCard {
    const ROUTE: Route = Route {
        name: "tokenise-card",
        method: "POST",
        paths: &["/sandbox/cards"],
        family: Family::Sandbox,
        access: Access::Public,
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let Body { number, expiry_month, expiry_year, cvc } = call.body;
        let number =
            SecretString::from(number.ok_or_else(|| field_missing("number"))?.expose_secret().replace(' ', ""));
        if !is_card_number(number.expose_secret()) {
            let message = "Field 'number' is not valid: it is no card's number.";
            return Err(Problem::new(Code::CardNumberInvalid, message).of_field("number"));
        }
        let is_month = |month: &String| is_digits(month, 1..=2) && (1..=12).contains(&month.parse().unwrap_or(0_u8));
        let is_year = |year: &String| is_digits(year, 2..=2) || is_digits(year, 4..=4);
        if !expiry_month.as_ref().is_none_or(is_month) {
            return Err(field_invalid("expiryMonth", "01 to 12", "another text"));
        }
        if !expiry_year.as_ref().is_none_or(is_year) {
            return Err(field_invalid("expiryYear", "a year of two or four digits", "another text"));
        }
        if !cvc.is_none_or(|code| is_digits(code.expose_secret(), CODE_DIGITS)) {
            return Err(field_invalid("cvc", "three or four digits", "another text"));
        }
        let expires_at = engine.app.streams.now().plus(CARD_TOKEN_FOR);
        let token = engine.tokens.seal_card(&number, expires_at, engine.app.streams.entropy());
        let number = number.expose_secret();
        let last_four = number.len().checked_sub(4).and_then(|from| number.get(from..)).unwrap_or_default();
        let expires_at = clock::render(expires_at);
        let body = CardToken { token, brand: brand(number), last_four, expires_at };
        Reply::json(StatusCode::CREATED, None, &body)
    }
}

fn is_digits(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Opens the token of a card in a field of that name: the last thing before the number is handed to the sandbox.
pub(crate) fn card_number(engine: &Engine, field: &str, token: &str) -> Result<SecretString, Problem> {
    engine.tokens.open_card(token, engine.app.streams.now()).map_err(|error| {
        let message = format!("Field '{field}' is not valid: {error}.");
        Problem::new(Code::PaymentMethodInvalid, message).of_field(field)
    })
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for TokeniseCard {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new().answer::<CardToken<'_>>(StatusCode::CREATED, "Its token.")
    }
}
