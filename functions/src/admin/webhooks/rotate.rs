//! `POST /admin/v1/webhooks/{id}/rotate`: gives a webhook endpoint new keys. They are shown this once.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
use http::StatusCode;

use super::KeyedView;

/// Gives a webhook endpoint new keys, which are shown this once. The ones before go on signing beside them for
/// 24 hours. With an idempotency key the request can be repeated and rotates once.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
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

#[cfg(feature = "openapi")]
impl api::openapi::Describe for RotateWebhookKeys {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .path("id", "The endpoint's identity; `payments` stands for the webhooks of orders' own.")
            .merchant_in_query()
            .keyed()
            .answer::<KeyedView<'_>>(StatusCode::OK, "The new keys.")
    }
}
