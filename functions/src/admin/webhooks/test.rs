//! `POST /admin/v1/webhooks/{id}/test`: sends a webhook endpoint a test.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
use http::StatusCode;
use serde::Serialize;

/// Sends a webhook endpoint a test, in the background: what came of it is found among its deliveries.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct TestWebhook;

/// The test that is sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "TestWebhookResponse"))]
struct Asked {
    /// The event to look for among the deliveries.
    event_id: String,
}

impl Endpoint for TestWebhook {
    const ROUTE: Route = Route {
        name: "test-webhook",
        method: "POST",
        paths: &["/admin/v1/webhooks/{id}/test"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let event_id = engine.webhooks.test(&call.merchant_in_query()?, call.path("id")).await?;
        Reply::json(StatusCode::ACCEPTED, None, &Asked { event_id })
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for TestWebhook {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .path("id", "The endpoint's identity.")
            .merchant_in_query()
            .answer::<Asked>(StatusCode::ACCEPTED, "It will be sent.")
    }
}
