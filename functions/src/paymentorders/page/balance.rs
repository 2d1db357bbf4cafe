//! `POST /psp/checkout/{token}/balance`: what is left on a shopper's gift card.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{Order, order::Refusal};
use http::StatusCode;
use partners::accounts::BalanceError;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use webhooks::reasons;

use super::{pay::gift_card, problem, subject};
use crate::paymentorders::offers::check_open;

/// What is left on a gift card, and how much of the order it can pay. A card that is not known, or whose code is wrong,
/// is answered with a reason; after some wrong codes it is locked for a while. Told only while the order can be paid.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GetCheckoutBalance;

/// The request.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "GetCheckoutBalanceRequest"))]
pub struct Body {
    /// The gift card's brand.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = domain::limits::BRAND_CHARS_MAX)))]
    brand: Option<String>,
    /// Its number.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    number: Option<SecretString>,
    /// Its security code.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    code: Option<SecretString>,
}

/// What is left on a gift card, in minor units of the order's currency.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CheckoutBalance"))]
struct Balance {
    /// What is left on it; none if that is not told, or is in another currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    balance: Option<u64>,
    /// How much of the order it can pay.
    payable: u64,
    /// Why it can pay nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl Endpoint for GetCheckoutBalance {
    const ROUTE: Route = Route {
        name: "get-checkout-balance",
        method: "POST",
        paths: &["/psp/checkout/{token}/balance"],
        family: Family::PaymentOrders,
        access: Access::Public,
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let key = subject(engine, &call)?;
        let Body { brand, number, code } = call.body;
        let (brand, number, code) = gift_card("", brand, number, code)?;
        let order = engine.app.find(&key).await.map_err(problem)?;
        check_payable(engine, &order)?;
        let declined = |reason| Balance { balance: None, payable: 0, reason: Some(reason) };
        let body = match engine.accounts.balance(&key.merchant, &brand, &number, Some(&code)).await {
            Ok(balance) if balance.currency() != order.amount.currency() => declined("Another currency"),
            Ok(balance) => {
                let reason = (balance.minor() == 0).then_some("Nothing is left on it");
                Balance { balance: Some(balance.minor()), payable: balance.minor().min(order.remaining), reason }
            }
            Err(BalanceError::Declined(reason)) => declined(reasons::declined(reason).text),
            Err(BalanceError::Store(error)) => return Err(error.into()),
        };
        Reply::json(StatusCode::OK, None, &body)
    }
}

/// Whether an order can still be paid: whoever kept the address of its page learns nothing about cards from it after
/// that.
fn check_payable(engine: &Engine, order: &Order) -> Result<(), Problem> {
    check_open(order)?;
    if order.is_expired(engine.app.streams.now()) { Err(Refusal::Expired.into()) } else { Ok(()) }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GetCheckoutBalance {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .path("token", "The page's token.")
            .answer::<Balance>(StatusCode::OK, "What is left on it, or why that is not told.")
    }
}
