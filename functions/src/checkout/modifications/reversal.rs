//! `POST payments/{pspReference}/reversals`: gives a payment, or a whole order, back.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{access::Role, order::OperationKind};
use serde::Deserialize;

use super::{Modification, original, reference};

/// Gives everything back, by voids and refunds as the state asks for: of the payment whose reference is given, or,
/// given an order's, of all its payments. An order that is still being paid ends with it.
pub struct ReversePayment;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Body {
    merchant_account: Option<String>,
    reference: Option<String>,
}

impl Endpoint for ReversePayment {
    const ROUTE: Route = Route {
        name: "reverse-payment",
        method: "POST",
        paths: &[
            "/{version}/payments/{pspReference}/reversals",
            "/checkout/{version}/payments/{pspReference}/reversals",
        ],
        family: Family::Checkout,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let merchant = call.merchant(call.body.merchant_account.as_deref())?;
        let key = call.key_print(engine, &merchant);
        let of = original(&call)?;
        let reference = reference(call.body.reference)?;
        let asked = Modification::new(OperationKind::Reversal, &merchant, of, key);
        Modification { reference: reference.as_deref(), ..asked }.take(engine).await
    }
}
