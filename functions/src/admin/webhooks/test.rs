//! `POST /admin/v1/webhooks/{id}/test`: sends a webhook endpoint a test.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
use http::StatusCode;
use serde::Serialize;

/// Sends a webhook endpoint a test, in the background: what came of it is found among its deliveries.
pub struct TestWebhook;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
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
