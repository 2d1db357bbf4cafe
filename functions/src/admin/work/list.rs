//! `GET /admin/v1/work`: the orders of a merchant account whose outstanding work fails for long.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route, clock};
use app::NeedsAttention;
use domain::{Reference, access::Role};
use http::StatusCode;
use serde::Serialize;

use crate::admin::existing;

/// The orders of a merchant account whose outstanding work fails for long, newest first: at most
/// 100.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ListWork;

/// Orders whose work needs attention.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ListWorkResponse"))]
struct AllWork<'a> {
    /// Newest first.
    #[cfg_attr(feature = "openapi", schemars(length(max = app::ATTENTION_LISTED_MAX)))]
    work: Vec<WorkView<'a>>,
}

/// An order whose work needs attention.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Work"))]
struct WorkView<'a> {
    /// The order's reference.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Reference"))]
    order_psp_reference: Reference,
    /// Since when.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    since: String,
    /// What went wrong.
    reason: &'a str,
    /// When it was last tried on request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Time>"))]
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

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ListWork {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new().merchant_in_query().answer::<AllWork<'_>>(StatusCode::OK, "The orders.")
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
