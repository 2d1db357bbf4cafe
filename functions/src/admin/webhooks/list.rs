//! `GET /admin/v1/webhooks`: the webhook endpoints of a merchant account.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
use http::StatusCode;
use serde::Serialize;

use super::EndpointView;
use crate::admin::existing;

/// The webhook endpoints of a merchant account; never their keys.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ListWebhooks;

/// Webhook endpoints.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ListWebhooksResponse"))]
struct Webhooks<'a> {
    /// In the order they were created.
    webhooks: Vec<EndpointView<'a>>,
}

impl Endpoint for ListWebhooks {
    const ROUTE: Route = Route {
        name: "list-webhooks",
        method: "GET",
        paths: &["/admin/v1/webhooks"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let merchant = existing(engine, &call.caller, call.merchant_in_query()?).await?;
        let endpoints = engine.webhooks.endpoints(&merchant).await?;
        let webhooks = endpoints.iter().map(|endpoint| EndpointView::of(&merchant, endpoint)).collect();
        Reply::json(StatusCode::OK, None, &Webhooks { webhooks })
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ListWebhooks {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new().merchant_in_query().answer::<Webhooks<'_>>(StatusCode::OK, "The endpoints.")
    }
}
