//! `GET /admin/v1/work`: the orders of a merchant account whose outstanding work fails for long.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route, clock};
use app::NeedsAttention;
use domain::{Reference, access::Role};
use http::StatusCode;
use serde::Serialize;

use crate::admin::existing;

/// The orders of a merchant account whose outstanding work fails for long, newest first: at most
/// [`app::ATTENTION_LISTED_MAX`].
pub struct ListWork;

#[derive(Serialize)]
struct AllWork<'a> {
    work: Vec<WorkView<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkView<'a> {
    order_psp_reference: Reference,
    since: String,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retried_at: Option<String>,
}

impl Endpoint for ListWork {
    const ROUTE: Route = Route {
        name: "list-work",
        method: "GET",
        paths: &["/admin/v1/work"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let merchant = existing(engine, &call.caller, call.merchant_in_query()?).await?;
        let needing = engine.app.needing_attention(&merchant).await?;
        Reply::json(StatusCode::OK, None, &AllWork { work: needing.iter().map(view).collect() })
    }
}

fn view(needs: &NeedsAttention) -> WorkView<'_> {
    WorkView {
        order_psp_reference: needs.order.reference(),
        since: clock::render(needs.raised.at),
        reason: &needs.raised.reason,
        retried_at: needs.raised.retried_at.map(clock::render),
    }
}
