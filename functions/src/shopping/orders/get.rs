//! `GET /v1/accounts/{account}/shopping/orders/{order_id}`: an order.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;

use super::answer;
use crate::shopping::find;

/// An order with its items and payments, of whichever family, as it stands.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GetShoppingOrder;

impl Endpoint for GetShoppingOrder {
    const ROUTE: Route = Route {
        name: "get-shopping-order",
        method: "GET",
        paths: &["/v1/accounts/{account}/shopping/orders/{order_id}"],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let (key, order) = find(engine, &call).await?;
        answer(engine, &key, &order).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GetShoppingOrder {
    fn describe() -> api::openapi::Description {
        crate::shopping::described_by_order().answer::<super::OrderView>(http::StatusCode::OK, "The order.")
    }
}
