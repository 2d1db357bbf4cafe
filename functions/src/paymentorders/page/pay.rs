//! `POST /psp/checkout/{token}/payments`: pays an order, or a part of it, from its page.

use api::{Access, Call, Code, Endpoint, Engine, Family, Object, Problem, Reply, Route, field_invalid, field_missing};
use app::{Instrument, NewPayment};
use domain::{Money, limits::AMOUNT_MINOR_MAX};
use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{
    Links, problem, subject,
    view::{OrderView, PaymentView, Told},
};
use crate::{
    checkout::wire::{GIFT_CARD_CHARS, check_brand, check_offered},
    sandbox::tokenise::card_number,
};

/// Pays the order of a payment page, or a part of it. What was paid, refused or left to the shopper is answered alike,
/// with the order as it stands then.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct PayOnCheckout;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PayOnCheckoutRequest"))]
pub struct Body {
    /// The `orderData` of the order as the shopper was shown it: if it has changed since, nothing is paid.
    #[cfg_attr(feature = "openapi", schemars(required, length(max = api::limits::ORDER_DATA_CHARS_MAX)))]
    order_data: Option<String>,
    /// How much to pay, in minor units: all that remains, or a part.
    #[cfg_attr(feature = "openapi", schemars(required, range(min = 1, max = domain::limits::AMOUNT_MINOR_MAX)))]
    amount: Option<i64>,
    /// What is paid with.
    #[cfg_attr(feature = "openapi", schemars(with = "Method"))]
    method: Option<Object<Method>>,
    /// Whether the page is embedded: a shopper who has to leave it comes back to the page that embeds it.
    embedded: Option<bool>,
}

/// What a shopper pays with.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CheckoutMethod"))]
pub(super) struct Method {
    /// `giftcard`, `card` or `ideal`.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(required, extend("enum" = ["giftcard", "card", "ideal"])))]
    kind: Option<String>,
    /// A gift card's brand.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = domain::limits::BRAND_CHARS_MAX)))]
    brand: Option<String>,
    /// A gift card's number.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>"))]
    number: Option<SecretString>,
    /// A gift card's security code.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>"))]
    code: Option<SecretString>,
    /// A card's token, of `POST /sandbox/cards`. No endpoint of a page takes a card's number.
    token: Option<String>,
}

/// What has become of a payment.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PayOnCheckoutResponse"))]
struct Paid<'a> {
    /// The order after it.
    order: OrderView<'a>,
    /// The payment.
    payment: PaymentView<'a>,
    /// Where the shopper has to go to.
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect: Option<&'a str>,
}

impl Endpoint for PayOnCheckout {
    const ROUTE: Route = Route {
        name: "pay-on-checkout",
        method: "POST",
        paths: &["/psp/checkout/{token}/payments"],
        family: Family::PaymentOrders,
        access: Access::Public,
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let key = subject(engine, &call)?;
        let print = call.key_print(engine, &key.merchant);
        let Body { order_data, amount, method, embedded } = call.body;
        let order_data = order_data.ok_or_else(|| field_missing("orderData"))?;
        let view = engine.tokens.open(&key.merchant, key.id, &order_data).map_err(problem)?;
        let amount = read_amount(view.amount, amount)?;
        let instrument = Method::read(engine, method)?;
        check_offered(&instrument, amount)?;
        let embedding = match embedded {
            Some(true) => {
                let order = engine.app.find(&key).await.map_err(problem)?;
                Told::of(engine, &key, &order).await?.payment_url
            }
            Some(false) | None => None,
        };
        let return_url = embedding.unwrap_or_else(|| Links::of(engine, &key, view.token_key).redirect);
        let reference = view.reference.clone();
        let payment = NewPayment { amount, reference, instrument, return_url, act_by: None, key: print };
        let answered = engine.app.pay(key, view, payment).await.map_err(problem)?;
        // What was paid with a token alone knows of no other payment; the page shows them all.
        let order = engine.app.find(&answered.key).await.map_err(problem)?;
        let told = Told::of(engine, &answered.key, &order).await?;
        let payment = PaymentView::of(&answered.key, &answered.payment);
        let order = OrderView::of(engine, &answered.key, &order, &told);
        Reply::json(StatusCode::OK, None, &Paid { redirect: payment.redirect, order, payment })
    }
}

/// Reads how much to pay; zero is left to the rules.
fn read_amount(of: Money, amount: Option<i64>) -> Result<Money, Problem> {
    let amount = amount.ok_or_else(|| field_missing("amount"))?;
    let minor = u64::try_from(amount).ok();
    minor.and_then(|minor| Money::try_new(of.currency(), minor).ok()).ok_or_else(|| {
        let expected = format!("at most {AMOUNT_MINOR_MAX} minor units and nothing negative");
        let message = format!("Field 'amount' is not valid: expected {expected}, got {amount}.");
        Problem::new(Code::AmountInvalid, message).of_field("amount")
    })
}

impl Method {
    fn read(engine: &Engine, method: Option<Object<Self>>) -> Result<Instrument, Problem> {
        let Object(method) = method.ok_or_else(|| field_missing("method"))?;
        match method.kind.as_deref().ok_or_else(|| field_missing("method.type"))? {
            "giftcard" => {
                let (brand, number, code) = gift_card("method.", method.brand, method.number, method.code)?;
                Ok(Instrument::GiftCard { brand, number, code: Some(code) })
            }
            "card" => {
                let token = method.token.ok_or_else(|| field_missing("method.token"))?;
                Ok(Instrument::Card { number: card_number(engine, "method.token", &token)? })
            }
            "ideal" => Ok(Instrument::Ideal),
            _ => {
                let message = "Field 'method.type' is not valid: expected giftcard, card or ideal, got another text.";
                Err(Problem::new(Code::PaymentMethodInvalid, message).of_field("method.type"))
            }
        }
    }
}

/// Reads a gift card, of fields whose names begin so.
pub(super) fn gift_card(
    prefix: &str,
    brand: Option<String>,
    number: Option<SecretString>,
    code: Option<SecretString>,
) -> Result<(String, SecretString, SecretString), Problem> {
    let brand = brand.ok_or_else(|| field_missing(&format!("{prefix}brand")))?;
    check_brand(&format!("{prefix}brand"), &brand)?;
    let number = number.ok_or_else(|| field_missing(&format!("{prefix}number")))?;
    let number = SecretString::from(number.expose_secret().replace(' ', ""));
    let length = number.expose_secret().chars().count();
    if !GIFT_CARD_CHARS.contains(&length) {
        let expected = format!("{} to {} characters", GIFT_CARD_CHARS.start(), GIFT_CARD_CHARS.end());
        return Err(field_invalid(&format!("{prefix}number"), &expected, length));
    }
    let code = code.ok_or_else(|| field_missing(&format!("{prefix}code")))?;
    Ok((brand, number, code))
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for PayOnCheckout {
    fn describe() -> api::openapi::Description {
        let text = "What has become of the payment: it may also have been refused.";
        api::openapi::Description::new()
            .path("token", "The page's token.")
            .keyed()
            .answer::<Paid<'_>>(StatusCode::OK, text)
    }
}
