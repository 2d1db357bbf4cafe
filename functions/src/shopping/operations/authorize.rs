//! `POST /v1/accounts/{account}/shopping/orders/{order_id}/authorizations`: sets a payment aside for items.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{access::Role, order::LineAction};

use super::{Body, record};

/// Sets a payment aside for items.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CreateAuthorization;

impl Endpoint for CreateAuthorization {
    const ROUTE: Route = Route {
        name: "create-authorization",
        method: "POST",
        paths: &["/v1/accounts/{account}/shopping/orders/{order_id}/authorizations"],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        record(engine, call, LineAction::Authorise).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CreateAuthorization {
    fn describe() -> api::openapi::Description {
        super::described_as_created()
    }
}
