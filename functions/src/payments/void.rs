//! `POST /v2/payments/{id}/voids`: voids a payment, or a part of it.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{access::Role, order::OperationKind};

use super::operation::{Body, operate};

/// Voids what was not captured of a payment, or a part of it: of its parts first the cards, unless the request gives
/// priorities.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CreateVoid;

impl Endpoint for CreateVoid {
    const ROUTE: Route = Route {
        name: "create-void",
        method: "POST",
        paths: &["/v2/payments/{id}/voids"],
        family: Family::Payments,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        operate(engine, call, OperationKind::Void).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CreateVoid {
    fn describe() -> api::openapi::Description {
        super::payment_named_by_path().body_may_be_left_out()
    }
}
