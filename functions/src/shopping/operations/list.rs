//! `GET /v1/accounts/{account}/shopping/orders/{order_id}/authorizations`, and so on: what was done on items.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::{Version, access::Role};
use http::StatusCode;
use serde::Serialize;

use super::{OperationView, done_by, kind_of};
use crate::shopping::{find, left_off, limit, page_token};

/// What was done on the items of an order, of the kind that the path says, oldest first, page by page.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ListOperations;

/// What was done on items.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OperationList"))]
struct Operations {
    /// Oldest first.
    operations: Vec<OperationView>,
    /// Where the next page goes on; none on the last, or if the last is full.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

impl Endpoint for ListOperations {
    const ROUTE: Route = Route {
        name: "list-operations",
        method: "GET",
        paths: &[
            "/v1/accounts/{account}/shopping/orders/{order_id}/authorizations",
            "/v1/accounts/{account}/shopping/orders/{order_id}/captures",
            "/v1/accounts/{account}/shopping/orders/{order_id}/refunds",
            "/v1/accounts/{account}/shopping/orders/{order_id}/cancellations",
        ],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let (key, order) = find(engine, &call).await?;
        let kind = kind_of(&call)?;
        let (limit, from) = (usize::from(limit(&call)?), left_off::<_, Version>(&call)?);
        let wanted = move |events: &[_]| done_by(events).is_some_and(|done| done.action == kind);
        let log = engine.app.log_from(&key, from.unwrap_or(Version::FIRST), limit, wanted).await?;
        let next = log.last().filter(|_| log.len() == limit).and_then(|last| last.version.next());
        let operations = log.iter().filter_map(|logged| OperationView::of(&key, &order, logged).transpose());
        let body = Operations {
            operations: operations.collect::<Result<_, _>>()?,
            next_page_token: next.map(|next| page_token(&next)).transpose()?,
        };
        Reply::json(StatusCode::OK, None, &body)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ListOperations {
    fn describe() -> api::openapi::Description {
        let described = crate::shopping::described_by_order();
        crate::shopping::paged(described).answer::<Operations>(StatusCode::OK, "The page.")
    }
}
