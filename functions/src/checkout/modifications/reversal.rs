//! `POST payments/{pspReference}/reversals`: gives a payment, or a whole order, back.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{access::Role, order::OperationKind};
use serde::Deserialize;

use super::{Modification, original, reference};

/// Gives everything back, by voids and refunds as the state asks for: of the payment whose reference is given, or,
/// given an order's, of all its payments. An order that is still being paid ends with it.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ReversePayment;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ReversePaymentRequest"))]
pub struct Body {
    /// The merchant account.
    #[cfg_attr(feature = "openapi", schemars(required))]
    merchant_account: Option<String>,
    /// The merchant's reference of it.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = domain::limits::REFERENCE_CHARS_MAX)))]
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

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ReversePayment {
    fn describe() -> api::openapi::Description {
        super::received().path("pspReference", "The reference of the payment, or of the order.")
    }
}
