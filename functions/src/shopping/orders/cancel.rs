//! `POST /v1/accounts/{account}/shopping/orders/{order_id}/cancel`: ends an order unpaid.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::{access::Role, order::Refusal};

use super::answer;
use crate::shopping::find;

/// Cancels an order of which nothing is captured: what payments hold is released.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CancelShoppingOrder;

impl Endpoint for CancelShoppingOrder {
    const ROUTE: Route = Route {
        name: "cancel-shopping-order",
        method: "POST",
        paths: &["/v1/accounts/{account}/shopping/orders/{order_id}/cancel"],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let (key, order) = find(engine, &call).await?;
        let print = call.key_print(engine, &key.merchant);
        // Other families give back what was captured; here it is refunded first, by its items.
        let captured = order.captured_in_all();
        if order.is_open() && captured > 0 {
            return Err(Refusal::Captured { captured: order.amount.with_minor(captured) }.into());
        }
        let (order, _) = engine.app.cancel(&key, print).await?;
        answer(engine, &key, &order).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CancelShoppingOrder {
    fn describe() -> api::openapi::Description {
        crate::shopping::described_by_order()
            .body_may_be_left_out()
            .keyed()
            .answer::<super::OrderView>(http::StatusCode::OK, "The order.")
    }
}
