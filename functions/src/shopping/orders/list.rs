//! `GET /v1/accounts/{account}/shopping/orders`: the orders of a merchant account.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use app::{StreamId, ports::Place};
use domain::{Time, Version, access::Role};
use http::StatusCode;
use serde::Serialize;

use super::OrderView;
use crate::shopping::{left_off, limit, page_token};

/// The orders of this family, newest first, page by page, without their items. One that was opened a moment ago may be missing.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ListOrders;

/// Orders.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OrderList"))]
struct Orders {
    /// Newest first.
    orders: Vec<OrderView>,
    /// Where the next page goes on; none on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

impl Endpoint for ListOrders {
    const ROUTE: Route = Route {
        name: "list-orders",
        method: "GET",
        paths: &["/v1/accounts/{account}/shopping/orders"],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let merchant = call.merchant(Some(call.path("account")))?;
        let (limit, after) = (limit(&call)?, left_off::<_, (u64, String, Version)>(&call)?);
        let after = after.map(|(at, stream, version)| Place {
            at: Time::from_unix_ms(at),
            stream: StreamId::from_stored(stream),
            version,
        });
        let found = engine.app.running_orders(&merchant, after, limit).await?;
        let is_last = found.len() < usize::from(limit);
        let next = found
            .last()
            .filter(|_| !is_last)
            .map(|(_, _, place)| page_token(&(place.at.unix_ms(), place.stream.as_str(), place.version)));
        let orders = found.iter().map(|(key, order, _)| OrderView::brief(key, order)).collect();
        Reply::json(StatusCode::OK, None, &Orders { orders, next_page_token: next.transpose()? })
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ListOrders {
    fn describe() -> api::openapi::Description {
        crate::shopping::paged(crate::shopping::described()).answer::<Orders>(StatusCode::OK, "The page.")
    }
}
