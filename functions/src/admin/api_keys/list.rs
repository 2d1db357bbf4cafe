//! `GET /admin/v1/apiKeys`: the API keys of a merchant account, revoked ones included.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
use http::StatusCode;
use serde::Serialize;

use super::KeyView;

/// The API keys of a merchant account, revoked ones included; never their texts.
pub struct ListApiKeys;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Keys<'a> {
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
