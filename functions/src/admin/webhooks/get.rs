//! `GET /admin/v1/webhooks/{id}`: a webhook endpoint.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
use http::StatusCode;

use super::EndpointView;

/// A webhook endpoint; never its keys.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GetWebhook;

impl Endpoint for GetWebhook {
    const ROUTE: Route = Route {
        name: "get-webhook",
        method: "GET",
        paths: &["/admin/v1/webhooks/{id}"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let merchant = call.merchant_in_query()?;
        let endpoint = engine.webhooks.endpoint(&merchant, call.path("id")).await?;
        Reply::json(StatusCode::OK, None, &EndpointView::of(&merchant, &endpoint))
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GetWebhook {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .path("id", "The endpoint's identity.")
            .merchant_in_query()
            .answer::<EndpointView<'_>>(StatusCode::OK, "The endpoint.")
    }
}
