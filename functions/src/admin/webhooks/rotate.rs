//! `POST /admin/v1/webhooks/{id}/rotate`: gives a webhook endpoint new keys. They are shown this once.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
use http::StatusCode;

use super::KeyedView;

/// Gives a webhook endpoint new keys, which are shown this once. The ones before go on signing beside them for
/// [`domain::limits::KEY_OVERLAP`]. With an idempotency key the request can be repeated and rotates once.
pub struct RotateWebhookKeys;

impl Endpoint for RotateWebhookKeys {
    const ROUTE: Route = Route {
        name: "rotate-webhook-keys",
        method: "POST",
        paths: &["/admin/v1/webhooks/{id}/rotate"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let merchant = call.merchant_in_query()?;
        let key = call.key_print(engine, &merchant);
        let (endpoint, keys) = engine.webhooks.rotate(&merchant, call.path("id"), key).await?;
        Reply::json(StatusCode::OK, None, &KeyedView::of(&merchant, &endpoint, &keys))
    }
}
