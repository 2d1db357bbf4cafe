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
pub struct GetBalance;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Body {
    merchant_account: Option<String>,
    amount: Option<Object<Amount>>,
    payment_method: Option<Object<PaymentMethod>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Balance {
    psp_reference: Reference,
    result_code: &'static str,
    balance: Money,
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
        let Instrument::GiftCard { brand, number, code } = PaymentMethod::read(call.body.payment_method)? else {
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
