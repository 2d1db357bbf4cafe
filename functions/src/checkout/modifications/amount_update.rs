//! `POST payments/{pspReference}/amountUpdates`: authorises another amount.

use api::{Access, Call, Endpoint, Engine, Family, Object, Problem, Reply, Route, field_invalid};
use domain::{access::Role, order::OperationKind};
use serde::Deserialize;

use super::{Modification, original, reference};
use crate::checkout::wire::Amount;

/// Adyen's words for what an amount is changed for.
const USAGES: &[&str] = &["delayedCharge", "installment", "noShow"];

/// Has a payment hold another amount: less by a void, more by an increase. In an order, a payment can grow by what
/// remains to be paid; on its own, as far as its partner lets it.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct UpdatePaymentAmount;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "UpdatePaymentAmountRequest"))]
pub struct Body {
    /// The merchant account.
    #[cfg_attr(feature = "openapi", schemars(required))]
    merchant_account: Option<String>,
    /// What is to be held in the end.
    #[cfg_attr(feature = "openapi", schemars(with = "Amount"))]
    amount: Option<Object<Amount>>,
    /// The merchant's reference of it.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = domain::limits::REFERENCE_CHARS_MAX)))]
    reference: Option<String>,
    /// What for. It is told back.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = USAGES)))]
    industry_usage: Option<String>,
}

impl Endpoint for UpdatePaymentAmount {
    const ROUTE: Route = Route {
        name: "update-payment-amount",
        method: "POST",
        paths: &[
            "/{version}/payments/{pspReference}/amountUpdates",
            "/checkout/{version}/payments/{pspReference}/amountUpdates",
        ],
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
        if let Some(usage) = call.body.industry_usage.as_deref().filter(|usage| !USAGES.contains(usage)) {
            let expected = format!("one of {}", USAGES.join(", "));
            return Err(field_invalid("industryUsage", &expected, format_args!("{} characters", usage.len())));
        }
        let asked = Modification {
            amount: Some(amount),
            reference: reference.as_deref(),
            industry_usage: call.body.industry_usage.as_deref(),
            ..Modification::new(OperationKind::AmountUpdate, &merchant, of, key)
        };
        asked.take(engine).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for UpdatePaymentAmount {
    fn describe() -> api::openapi::Description {
        super::received().path("pspReference", "The reference of the payment.")
    }
}
