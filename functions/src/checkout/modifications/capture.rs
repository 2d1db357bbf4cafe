//! `POST payments/{pspReference}/captures`: captures a payment, or a part of it.

use api::{Access, Call, Endpoint, Engine, Family, Object, Problem, Reply, Route};
use domain::{access::Role, order::OperationKind};
use serde::Deserialize;

use super::{Modification, original, reference};
use crate::checkout::wire::Amount;

/// Captures a payment, or a part of it. What is not captured stays on hold: there may be several captures.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CapturePayment;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CapturePaymentRequest"))]
pub struct Body {
    /// The merchant account.
    #[cfg_attr(feature = "openapi", schemars(required))]
    merchant_account: Option<String>,
    /// How much.
    #[cfg_attr(feature = "openapi", schemars(with = "Amount"))]
    amount: Option<Object<Amount>>,
    /// The merchant's reference of it.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = domain::limits::REFERENCE_CHARS_MAX)))]
    reference: Option<String>,
}

impl Endpoint for CapturePayment {
    const ROUTE: Route = Route {
        name: "capture-payment",
        method: "POST",
        paths: &["/{version}/payments/{pspReference}/captures", "/checkout/{version}/payments/{pspReference}/captures"],
        family: Family::Checkout,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let merchant = call.merchant(call.body.merchant_account.as_deref())?;
        let key = call.key_print(engine, &merchant);
        let of = original(&call)?;
        let amount = Amount::read(call.body.amount)?;
        let reference = reference(call.body.reference)?;
        let asked = Modification::new(OperationKind::Capture, &merchant, of, key);
        Modification { amount: Some(amount), reference: reference.as_deref(), ..asked }.take(engine).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CapturePayment {
    fn describe() -> api::openapi::Description {
        super::received().path("pspReference", "The reference of the payment.")
    }
}
