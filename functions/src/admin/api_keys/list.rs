//! `GET /admin/v1/apiKeys`: the API keys of a merchant account, revoked ones included.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
use http::StatusCode;
use serde::Serialize;

use super::KeyView;

/// The API keys of a merchant account, revoked ones included; never their texts.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ListApiKeys;

/// API keys.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ListApiKeysResponse"))]
struct Keys<'a> {
    /// In the order they were made.
    api_keys: Vec<KeyView<'a>>,
}

impl Endpoint for ListApiKeys {
    const ROUTE: Route = Route {
        name: "list-api-keys",
        method: "GET",
        paths: &["/admin/v1/apiKeys"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let keys = engine.access.keys(&call.merchant_in_query()?).await?;
        Reply::json(StatusCode::OK, None, &Keys { api_keys: keys.iter().map(KeyView::of).collect() })
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ListApiKeys {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new().merchant_in_query().answer::<Keys<'_>>(StatusCode::OK, "The keys.")
    }
}
