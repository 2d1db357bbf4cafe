//! `POST /admin/v1/webhooks/{id}/enable`: has a disabled webhook endpoint told things again.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
use http::StatusCode;

use super::EndpointView;

/// Has a disabled webhook endpoint told things again. Enabling it again changes nothing.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct EnableWebhook;

impl Endpoint for EnableWebhook {
    const ROUTE: Route = Route {
        name: "enable-webhook",
        method: "POST",
        paths: &["/admin/v1/webhooks/{id}/enable"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let merchant = call.merchant_in_query()?;
        let endpoint = engine.webhooks.enable(&merchant, call.path("id")).await?;
        Reply::json(StatusCode::OK, None, &EndpointView::of(&merchant, &endpoint))
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for EnableWebhook {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .path("id", "The endpoint's identity.")
            .merchant_in_query()
            .answer::<EndpointView<'_>>(StatusCode::OK, "It is told things.")
    }
}
