//! `POST /admin/v1/webhooks/{id}/redeliver`: has a webhook endpoint told of things again.

use api::{Access, Call, Code, Endpoint, Engine, Family, Problem, Reply, Route, clock, field_invalid};
use app::webhooks::Again;
use domain::access::Role;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::deliveries::{cursor, left_off};

/// Has a webhook endpoint told of one event again, or of everything that it was tried to be told since then. It is
/// done in the background.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Redeliver;

/// The request: one event, or everything since a time, from where the last answer left off.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(
    rename = "RedeliverRequest",
    extend("oneOf" = [{ "required": ["eventId"] }, { "required": ["since"] }]),
))]
pub struct Body {
    /// One event.
    event_id: Option<String>,
    /// Everything since then.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Time>"))]
    since: Option<String>,
    /// Where the last answer left off.
    cursor: Option<String>,
}

/// What is sent again.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "RedeliverResponse"))]
struct Asked {
    /// How many events are sent again.
    events: usize,
    /// There if there are more: where to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Endpoint for Redeliver {
    const ROUTE: Route = Route {
        name: "redeliver",
        method: "POST",
        paths: &["/admin/v1/webhooks/{id}/redeliver"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let merchant = call.merchant_in_query()?;
        let asked = engine.webhooks.send_again(&merchant, call.path("id"), again(&call.body)?).await?;
        let body = Asked { events: asked.events, cursor: asked.left_off.as_ref().map(cursor).transpose()? };
        Reply::json(StatusCode::ACCEPTED, None, &body)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for Redeliver {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .path("id", "The endpoint's identity; `payments` stands for the webhooks of orders' own.")
            .merchant_in_query()
            .answer::<Asked>(StatusCode::ACCEPTED, "They will be sent.")
    }
}

fn again(body: &Body) -> Result<Again, Problem> {
    match (&body.event_id, &body.since) {
        (Some(event), None) => {
            let event = event.parse().map_err(|_| {
                field_invalid(
                    "eventId",
                    "the 'eventId' of an order's event, as in 'evt_7Q2M0V5D8RKTA004_0'",
                    "another text",
                )
            })?;
            Ok(Again::Event(event))
        }
        (None, Some(since)) => {
            let since = clock::parse(since).ok_or_else(|| {
                field_invalid("since", "a time in ISO 8601, as in '2026-01-31T14:21:00Z'", "another text")
            })?;
            Ok(Again::Since { since, after: body.cursor.as_deref().map(left_off).transpose()? })
        }
        (Some(_), Some(_)) => Err(field_invalid("since", "either this or 'eventId'", "both")),
        (None, None) => {
            Err(Problem::new(Code::FieldMissing, "Required field 'eventId' is not provided, nor is 'since'."))
        }
    }
}
