//! `POST /psp/paymentorders/{id}/reversals`: gives back what was captured, or a part of it.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::access::Role;

use super::operation::{Body, Deed, of_amount};

/// Gives back what was captured, or a part of it: to the cards first.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ReversePaymentOrder;

impl Endpoint for ReversePaymentOrder {
    const ROUTE: Route = Route {
        name: "reverse-payment-order",
        method: "POST",
        paths: &["/psp/paymentorders/{id}/reversals"],
        family: Family::PaymentOrders,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        of_amount(engine, call, Deed::Reversal).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ReversePaymentOrder {
    fn describe() -> api::openapi::Description {
        super::operation::described()
    }
}
