//! `POST /psp/paymentorders/{id}/captures`: captures a payment order, or a part of it.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::access::Role;

use super::operation::{Body, Deed, of_amount};

/// Captures a payment order, or a part of it: of its parts first the gift cards.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CapturePaymentOrder;

impl Endpoint for CapturePaymentOrder {
    const ROUTE: Route = Route {
        name: "capture-payment-order",
        method: "POST",
        paths: &["/psp/paymentorders/{id}/captures"],
        family: Family::PaymentOrders,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        of_amount(engine, call, Deed::Capture).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CapturePaymentOrder {
    fn describe() -> api::openapi::Description {
        super::operation::described()
    }
}
