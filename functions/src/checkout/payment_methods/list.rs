//! `POST paymentMethods`: what a shopper can pay with.

use api::{Access, Call, Endpoint, Engine, Family, Object, Problem, Reply, Route};
use domain::{Currency, access::Role};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::checkout::wire::{Amount, EncryptedOrderData, GIFT_CARD_BRANDS, IDEAL_CURRENCY};

/// What a shopper can pay with; with `order`, what can pay the rest of it. The order's token is taken at
/// its word: nothing is read, and an overtaken token lists what it would have listed when it was made.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ListPaymentMethods;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ListPaymentMethodsRequest"))]
pub struct Body {
    /// The merchant account.
    #[cfg_attr(feature = "openapi", schemars(required))]
    merchant_account: Option<String>,
    /// What is to be paid. Its currency decides what is offered.
    amount: Option<Object<Amount>>,
    /// The order, of which the rest is to be paid.
    order: Option<Object<EncryptedOrderData>>,
    /// Types or brands: nothing else is offered.
    allowed_payment_methods: Option<Vec<String>>,
    /// Types or brands that are not offered.
    blocked_payment_methods: Option<Vec<String>>,
}

/// What is offered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ListPaymentMethodsResponse"))]
struct Methods {
    /// What a shopper can pay with.
    payment_methods: Vec<Method>,
}

/// A payment method that is offered.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OfferedMethod"))]
struct Method {
    /// Adyen's type.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ::webhooks::words::METHOD_KINDS)))]
    kind: &'static str,
    /// What shoppers call it.
    name: &'static str,
    /// A gift card's brand.
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<&'static str>,
    /// A card's brands.
    #[serde(skip_serializing_if = "Option::is_none")]
    brands: Option<&'static [&'static str]>,
}

impl Endpoint for ListPaymentMethods {
    const ROUTE: Route = Route {
        name: "list-payment-methods",
        method: "POST",
        paths: &["/{version}/paymentMethods", "/checkout/{version}/paymentMethods"],
        family: Family::Checkout,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let merchant = call.merchant(call.body.merchant_account.as_deref())?;
        let reference = call.reference(engine);
        let amount = call.body.amount.map(|amount| Amount::read(Some(amount))).transpose()?;
        let view =
            call.body.order.map(|Object(order)| order.read(engine, &merchant)).transpose()?.map(|(_, view)| view);
        let now = engine.app.streams.now();
        let is_payable = view.as_ref().is_none_or(|view| view.is_open && view.remaining > 0 && now < view.expires_at);
        let currency = view.map(|view| view.amount).or(amount).map(|amount| amount.currency());
        let mut methods = if is_payable { offered(currency) } else { Vec::new() };
        let allowed = call.body.allowed_payment_methods.unwrap_or_default();
        let blocked = call.body.blocked_payment_methods.unwrap_or_default();
        methods.retain(|method| allowed.is_empty() || method.is_among(&allowed));
        methods.retain(|method| !method.is_among(&blocked));
        Reply::json(StatusCode::OK, Some(reference.to_string()), &Methods { payment_methods: methods })
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ListPaymentMethods {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new().answer::<Methods>(StatusCode::OK, "What is offered.")
    }
}

impl Method {
    fn is_among(&self, names: &[String]) -> bool {
        names.iter().any(|name| name == self.kind || Some(name.as_str()) == self.brand)
    }
}

/// Cards and gift cards take every currency, iDEAL takes euro.
fn offered(currency: Option<Currency>) -> Vec<Method> {
    let card = Method { kind: "scheme", name: "Cards", brand: None, brands: Some(&["visa", "mc"]) };
    let ideal = Method { kind: "ideal", name: "iDEAL", brand: None, brands: None };
    let gift_cards = GIFT_CARD_BRANDS.iter().map(|(brand, name)| Method {
        kind: "giftcard",
        name,
        brand: Some(brand),
        brands: None,
    });
    let takes_ideal = currency.is_none_or(|currency| currency.code() == IDEAL_CURRENCY);
    std::iter::once(card).chain(takes_ideal.then_some(ideal)).chain(gift_cards).collect()
}
