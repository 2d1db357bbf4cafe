//! `POST cancels`: voids a payment by the reference its merchant gave it.

use api::{Access, Call, Code, Endpoint, Engine, Family, Problem, Reply, Route, field_invalid, field_missing};
use domain::{access::Role, order::OperationKind};
use serde::Deserialize;

use super::{Modification, reference};

/// Voids a payment by the reference its merchant gave it: for shops that got no answer to a payment, and so have no
/// `pspReference`. Of several payments of one reference it is the newest that holds or may hold money.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CancelByReference;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CancelByReferenceRequest"))]
pub struct Body {
    /// The merchant account.
    #[cfg_attr(feature = "openapi", schemars(required))]
    merchant_account: Option<String>,
    /// The reference that its merchant gave the payment.
    #[cfg_attr(feature = "openapi", schemars(required))]
    payment_reference: Option<String>,
    /// The merchant's reference of it.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = domain::limits::REFERENCE_CHARS_MAX)))]
    reference: Option<String>,
}

impl Endpoint for CancelByReference {
    const ROUTE: Route = Route {
        name: "cancel-by-reference",
        method: "POST",
        paths: &["/{version}/cancels", "/checkout/{version}/cancels"],
        family: Family::Checkout,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let merchant = call.merchant(call.body.merchant_account.as_deref())?;
        let key = call.key_print(engine, &merchant);
        let payment_reference = call.body.payment_reference.ok_or_else(|| field_missing("paymentReference"))?;
        if payment_reference.chars().any(char::is_control) {
            return Err(field_invalid("paymentReference", "text without control characters", "some"));
        }
        let reference = reference(call.body.reference)?;
        let found = engine.app.find_payment(&merchant, &payment_reference, key).await?;
        let (order, payment) = found.ok_or_else(not_found)?;
        let asked = Modification {
            reference: reference.as_deref(),
            found_by: Some(&payment_reference),
            ..Modification::new(OperationKind::TechnicalCancel, &merchant, order.id.at(payment), key)
        };
        asked.take(engine).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CancelByReference {
    fn describe() -> api::openapi::Description {
        super::received()
    }
}

fn not_found() -> Problem {
    let message = "There is no payment of this paymentReference, or none yet: it is found a moment after it was made.";
    Problem::new(Code::PaymentUnknown, message)
}
