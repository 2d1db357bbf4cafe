//! `GET /v1/accounts/{account}/shopping/orders/{order_id}/authorizations/{id}`, and so on: one of them.

use api::{Access, Call, Code, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::{Reference, access::Role};
use http::StatusCode;

use super::{OperationView, done_by, kind_of};
use crate::shopping::find;

/// One thing that was done on the items of an order.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GetOperation;

impl Endpoint for GetOperation {
    const ROUTE: Route = Route {
        name: "get-operation",
        method: "GET",
        paths: &[
            "/v1/accounts/{account}/shopping/orders/{order_id}/authorizations/{id}",
            "/v1/accounts/{account}/shopping/orders/{order_id}/captures/{id}",
            "/v1/accounts/{account}/shopping/orders/{order_id}/refunds/{id}",
            "/v1/accounts/{account}/shopping/orders/{order_id}/cancellations/{id}",
        ],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let (key, order) = find(engine, &call).await?;
        let kind = kind_of(&call)?;
        let none = || Problem::new(Code::NotFound, "There is no such operation of this kind on the order.");
        let id = call.path("id").parse::<Reference>().ok().filter(|id| id.order() == key.id).ok_or_else(none)?;
        let log = engine.app.log_from(&key, id.version(), 1, |_| true).await?;
        let is_it = |events: &[_]| done_by(events).is_some_and(|done| done.action == kind);
        let logged = log.first().filter(|logged| logged.version == id.version() && is_it(&logged.events));
        let shown = OperationView::of(&key, &order, logged.ok_or_else(none)?)?.ok_or_else(none)?;
        Reply::json(StatusCode::OK, None, &shown)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GetOperation {
    fn describe() -> api::openapi::Description {
        crate::shopping::described_by_order()
            .path("id", "The operation's identity.")
            .answer::<OperationView>(StatusCode::OK, "The operation.")
    }
}
