//! `POST payments/{pspReference}/cancels`: voids what was not captured of a payment.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{access::Role, order::OperationKind};
use serde::Deserialize;

use super::{Modification, original, reference};

/// Voids what was not captured of a payment; of one that is not authorised yet, all of it.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CancelPayment;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CancelPaymentRequest"))]
pub struct Body {
    /// The merchant account.
    #[cfg_attr(feature = "openapi", schemars(required))]
    merchant_account: Option<String>,
    /// The merchant's reference of it.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = domain::limits::REFERENCE_CHARS_MAX)))]
    reference: Option<String>,
}

impl Endpoint for CancelPayment {
    const ROUTE: Route = Route {
        name: "cancel-payment",
        method: "POST",
        paths: &["/{version}/payments/{pspReference}/cancels", "/checkout/{version}/payments/{pspReference}/cancels"],
        family: Family::Checkout,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let merchant = call.merchant(call.body.merchant_account.as_deref())?;
        let key = call.key_print(engine, &merchant);
        let of = original(&call)?;
        let reference = reference(call.body.reference)?;
        let asked = Modification::new(OperationKind::Void, &merchant, of, key);
        Modification { reference: reference.as_deref(), ..asked }.take(engine).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CancelPayment {
    fn describe() -> api::openapi::Description {
        super::received().path("pspReference", "The reference of the payment.")
    }
}
