//! `POST /v2/payments/{id}/refunds`: refunds a payment, or a part of it.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{access::Role, order::OperationKind};

use super::operation::{Body, operate};

/// Refunds what was captured of a payment, or a part of it: of its parts first the cards, unless the request gives
/// priorities.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CreateRefund;

impl Endpoint for CreateRefund {
    const ROUTE: Route = Route {
        name: "create-refund",
        method: "POST",
        paths: &["/v2/payments/{id}/refunds"],
        family: Family::Payments,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        operate(engine, call, OperationKind::Refund).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CreateRefund {
    fn describe() -> api::openapi::Description {
        super::payment_named_by_path().body_may_be_left_out()
    }
}
