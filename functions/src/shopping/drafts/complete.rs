//! `PUT /v1/accounts/{account}/shopping/draft_orders/{id}/complete`: gives a draft to its order.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
use http::StatusCode;
use serde::Serialize;

use super::key_of;
use crate::shopping::{IN_DRAFT, draft_problem, orders::OrderView};

/// Completes a draft: opens an order, adds to one, or replaces its items. Asked for again, it goes on where it was left, and the order has the draft once.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CompleteDraft;

/// What a draft became.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CompletedDraft"))]
struct Completed {
    /// One order.
    orders: Vec<OrderView>,
}

impl Endpoint for CompleteDraft {
    const ROUTE: Route = Route {
        name: "complete-draft",
        method: "PUT",
        paths: &["/v1/accounts/{account}/shopping/draft_orders/{id}/complete"],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let key = key_of(&call)?;
        let completed = engine.app.complete_draft(&key, engine.tokens.current()).await;
        let (order_key, order) = completed.map_err(|error| draft_problem(error, &IN_DRAFT))?;
        let orders = Completed { orders: vec![OrderView::whole(engine, &order_key, &order).await?] };
        Reply::json(StatusCode::OK, None, &orders)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CompleteDraft {
    fn describe() -> api::openapi::Description {
        super::described()
            .body_may_be_left_out()
            .keyed()
            .answer::<Completed>(StatusCode::OK, "The order that has the draft now.")
    }
}
