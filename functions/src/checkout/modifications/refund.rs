//! `POST payments/{pspReference}/refunds`: refunds what was captured of a payment, or a part of it.

use api::{Access, Call, Endpoint, Engine, Family, Object, Problem, Reply, Route, field_invalid};
use domain::{access::Role, order::OperationKind};
use serde::Deserialize;

use super::{Modification, original, reference};
use crate::checkout::wire::Amount;

/// Adyen's reasons for a refund.
const REASONS: &[&str] = &["FRAUD", "CUSTOMER REQUEST", "RETURN", "DUPLICATE", "OTHER"];

/// Refunds what was captured of a payment, or a part of it.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct RefundPayment;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "RefundPaymentRequest"))]
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
    /// Why. It is told back.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = REASONS)))]
    merchant_refund_reason: Option<String>,
}

impl Endpoint for RefundPayment {
    const ROUTE: Route = Route {
        name: "refund-payment",
        method: "POST",
        paths: &["/{version}/payments/{pspReference}/refunds", "/checkout/{version}/payments/{pspReference}/refunds"],
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
        if let Some(reason) = call.body.merchant_refund_reason.as_deref().filter(|reason| !REASONS.contains(reason)) {
            let expected = format!("one of {}", REASONS.join(", "));
            return Err(field_invalid("merchantRefundReason", &expected, format_args!("{} characters", reason.len())));
        }
        let asked = Modification {
            amount: Some(amount),
            reference: reference.as_deref(),
            refund_reason: call.body.merchant_refund_reason.as_deref(),
            ..Modification::new(OperationKind::Refund, &merchant, of, key)
        };
        asked.take(engine).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for RefundPayment {
    fn describe() -> api::openapi::Description {
        super::received().path("pspReference", "The reference of the payment.")
    }
}
