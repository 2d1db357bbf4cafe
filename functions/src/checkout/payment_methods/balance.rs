//! `POST paymentMethods/balance`: what is left on a gift card.

use api::{Access, Call, Code, Endpoint, Engine, Family, Object, Problem, Reply, Route};
use app::Instrument;
use domain::{Money, Reference, access::Role};
use http::StatusCode;
use partners::accounts::BalanceError;
use serde::{Deserialize, Serialize};
use webhooks::reasons;

use crate::checkout::wire::{Amount, PaymentMethod};

/// What is left on a gift card, and whether it covers an amount. A card that is not known, or whose code
/// is wrong, is answered with `Failed` and a reason.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GetBalance;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "GetBalanceRequest"))]
pub struct Body {
    /// The merchant account.
    #[cfg_attr(feature = "openapi", schemars(required))]
    merchant_account: Option<String>,
    /// What is to be paid with it.
    #[cfg_attr(feature = "openapi", schemars(with = "Amount"))]
    amount: Option<Object<Amount>>,
    /// The gift card.
    #[cfg_attr(feature = "openapi", schemars(with = "PaymentMethod"))]
    payment_method: Option<Object<PaymentMethod>>,
}

/// What is left on a gift card.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "GetBalanceResponse"))]
struct Balance {
    /// A reference of this answer.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Reference"))]
    psp_reference: Reference,
    /// Whether it covers the amount.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["Success", "NotEnoughBalance", "Failed"])))]
    result_code: &'static str,
    /// What is left on it.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    balance: Money,
    /// Why nothing is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal_reason: Option<&'static str>,
}

impl Endpoint for GetBalance {
    const ROUTE: Route = Route {
        name: "get-balance",
        method: "POST",
        paths: &["/{version}/paymentMethods/balance", "/checkout/{version}/paymentMethods/balance"],
        family: Family::Checkout,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let merchant = call.merchant(call.body.merchant_account.as_deref())?;
        let reference = call.reference(engine);
        let amount = Amount::read(call.body.amount)?;
        let Instrument::GiftCard { brand, number, code } =
            PaymentMethod::read(engine, &merchant, call.body.payment_method)?
        else {
            let message = "Field 'paymentMethod.type' is not valid: expected a gift card; others have no balance.";
            return Err(Problem::new(Code::PaymentMethodInvalid, message));
        };
        let (result_code, balance, reason) =
            match engine.accounts.balance(&merchant, &brand, &number, code.as_ref()).await {
                Ok(balance) if balance.currency() == amount.currency() && balance.minor() >= amount.minor() => {
                    ("Success", balance, None)
                }
                Ok(balance) => ("NotEnoughBalance", balance, None),
                Err(BalanceError::Declined(reason)) => {
                    ("Failed", amount.with_minor(0), Some(reasons::declined(reason).text))
                }
                Err(BalanceError::Store(error)) => return Err(error.into()),
            };
        let body = Balance { psp_reference: reference, result_code, balance, refusal_reason: reason };
        Reply::json(StatusCode::OK, Some(reference.to_string()), &body)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GetBalance {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .answer::<Balance>(StatusCode::OK, "What is left on it, if it is known and its code is right.")
    }
}
