//! `POST /v1/accounts/{account}/shopping/orders/{order_id}/close` and `…/open`: ends an order, and goes on with it.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;

use super::answer;
use crate::shopping::find;

/// Closes an order, or opens it again, as the path says. A closed order takes no items, authorizations or captures; refunds and cancellations it does.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CloseOrder;

impl Endpoint for CloseOrder {
    const ROUTE: Route = Route {
        name: "close-order",
        method: "POST",
        paths: &[
            "/v1/accounts/{account}/shopping/orders/{order_id}/close",
            "/v1/accounts/{account}/shopping/orders/{order_id}/open",
        ],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let (key, _) = find(engine, &call).await?;
        let print = call.key_print(engine, &key.merchant);
        let order = if call.at.ends_with("/close") {
            engine.app.close(&key, print).await?
        } else {
            engine.app.reopen(&key, print).await?
        };
        answer(engine, &key, &order).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CloseOrder {
    fn describe() -> api::openapi::Description {
        crate::shopping::described_by_order()
            .body_may_be_left_out()
            .keyed()
            .answer::<super::OrderView>(http::StatusCode::OK, "The order.")
    }
}
