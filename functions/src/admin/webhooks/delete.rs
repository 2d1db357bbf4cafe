//! `DELETE /admin/v1/webhooks/{id}`: deletes a webhook endpoint.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
#[cfg(feature = "openapi")]
use http::StatusCode;

/// Deletes a webhook endpoint: it is told nothing more, except what is on its way. Deleting it again changes
/// nothing.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct DeleteWebhook;

impl Endpoint for DeleteWebhook {
    const ROUTE: Route = Route {
        name: "delete-webhook",
        method: "DELETE",
        paths: &["/admin/v1/webhooks/{id}"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        engine.webhooks.delete(&call.merchant_in_query()?, call.path("id")).await?;
        Ok(Reply::NoContent)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for DeleteWebhook {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .path("id", "The endpoint's identity.")
            .merchant_in_query()
            .nothing(StatusCode::NO_CONTENT, "It is not there any more.")
    }
}
