//! `POST /v1/accounts/{account}/shopping/orders/{order_id}/captures`: captures items.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{access::Role, order::LineAction};

use super::{Body, record};

/// Captures items with a payment. Negative amounts are of items that come back: what the order does not ask for any more is given back on that payment.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CreateLineCapture;

impl Endpoint for CreateLineCapture {
    const ROUTE: Route = Route {
        name: "create-line-capture",
        method: "POST",
        paths: &["/v1/accounts/{account}/shopping/orders/{order_id}/captures"],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        record(engine, call, LineAction::Capture).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CreateLineCapture {
    fn describe() -> api::openapi::Description {
        super::described_as_created()
    }
}
