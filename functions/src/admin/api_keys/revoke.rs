//! `DELETE /admin/v1/apiKeys/{id}`: revokes an API key.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
#[cfg(feature = "openapi")]
use http::StatusCode;

/// Revokes an API key, for all the merchant accounts it may use. It may go on working for
/// ten seconds in other processes. Revoking it again changes nothing.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct RevokeApiKey;

impl Endpoint for RevokeApiKey {
    const ROUTE: Route = Route {
        name: "revoke-api-key",
        method: "DELETE",
        paths: &["/admin/v1/apiKeys/{id}"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        engine.access.revoke_key(&call.merchant_in_query()?, call.path("id")).await?;
        Ok(Reply::NoContent)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for RevokeApiKey {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .path("id", "The key's identity.")
            .merchant_in_query()
            .nothing(StatusCode::NO_CONTENT, "It was revoked.")
    }
}
