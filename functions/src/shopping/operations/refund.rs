//! `POST /v1/accounts/{account}/shopping/orders/{order_id}/refunds`: refunds items.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{access::Role, order::LineAction};

use super::{Body, record};

/// Refunds what was captured of items, with the payment that it was captured with.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CreateLineRefund;

impl Endpoint for CreateLineRefund {
    const ROUTE: Route = Route {
        name: "create-line-refund",
        method: "POST",
        paths: &["/v1/accounts/{account}/shopping/orders/{order_id}/refunds"],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        record(engine, call, LineAction::Refund).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CreateLineRefund {
    fn describe() -> api::openapi::Description {
        super::described_as_created()
    }
}
