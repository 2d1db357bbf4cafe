//! `POST /v1/accounts/{account}/shopping/orders/{order_id}/cancellations`: gives up what was authorised for items.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{access::Role, order::LineAction};

use super::{Body, record};

/// Gives up what was authorised for items and not captured, with the payment that it was authorised with.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CreateCancellation;

impl Endpoint for CreateCancellation {
    const ROUTE: Route = Route {
        name: "create-cancellation",
        method: "POST",
        paths: &["/v1/accounts/{account}/shopping/orders/{order_id}/cancellations"],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        record(engine, call, LineAction::Cancel).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CreateCancellation {
    fn describe() -> api::openapi::Description {
        super::described_as_created()
    }
}
