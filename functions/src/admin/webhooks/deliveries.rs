//! `GET /admin/v1/webhooks/{id}/deliveries`: the attempts made to tell a webhook endpoint something.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route, clock, field_invalid};
use app::webhooks::{DELIVERIES_PER_PAGE_MAX, LeftOff, Listed};
use data_encoding::BASE64URL_NOPAD;
use domain::{OrderId, Reference, access::Role, feed::Outcome};
use http::StatusCode;
use serde::Serialize;

/// The attempts made to tell a webhook endpoint something, newest first, page by page. With `outcome`, only
/// those of each page that ended so.
pub struct ListDeliveries;

/// Attempts on a page, if the request does not say.
const DELIVERIES_PER_PAGE_DEFAULT: u16 = 20;

/// What an attempt can have ended with.
const OUTCOMES: &[&str] = &["acknowledged", "failed", "givenUp", "withheld"];

#[derive(Serialize)]
struct Deliveries<'a> {
    deliveries: Vec<DeliveryView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeliveryView<'a> {
    event_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_psp_reference: Option<Reference>,
    event: &'a str,
    sequence: u32,
    attempt: u16,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    redelivery: bool,
    at: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<String>,
}

impl Endpoint for ListDeliveries {
    const ROUTE: Route = Route {
        name: "list-deliveries",
        method: "GET",
        paths: &["/admin/v1/webhooks/{id}/deliveries"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let merchant = call.merchant_in_query()?;
        let limit = call.query("limit").map_or(Ok(DELIVERIES_PER_PAGE_DEFAULT), limit)?;
        let after = call.query("cursor").map(left_off).transpose()?;
        let outcome = call.query("outcome").map(outcome).transpose()?;
        let (listed, next) = engine.webhooks.deliveries(&merchant, call.path("id"), after, limit).await?;
        let deliveries = listed.iter().map(view).filter(|view| outcome.is_none_or(|outcome| view.outcome == outcome));
        let body = Deliveries { deliveries: deliveries.collect(), cursor: next.as_ref().map(cursor).transpose()? };
        Reply::json(StatusCode::OK, None, &body)
    }
}

fn view(listed: &Listed) -> DeliveryView<'_> {
    let attempt = &listed.attempt;
    let (outcome, next) = match attempt.outcome {
        Outcome::Acknowledged => ("acknowledged", None),
        Outcome::Failed { next } => ("failed", Some(next)),
        Outcome::GivenUp => ("givenUp", None),
        Outcome::Withheld => ("withheld", None),
    };
    DeliveryView {
        event_id: &listed.event,
        order_psp_reference: listed.order.map(OrderId::reference),
        event: &attempt.name,
        sequence: attempt.sequence,
        attempt: attempt.tries,
        redelivery: attempt.is_again,
        at: clock::render(listed.at),
        outcome,
        status: attempt.status,
        duration_ms: attempt.duration_ms,
        error: attempt.error.as_deref(),
        next_attempt_at: next.map(clock::render),
    }
}

fn limit(text: &str) -> Result<u16, Problem> {
    let limit = text.parse().ok().filter(|limit| (1..=DELIVERIES_PER_PAGE_MAX).contains(limit));
    let expected = format!("a number from 1 to {DELIVERIES_PER_PAGE_MAX}");
    limit.ok_or_else(|| field_invalid("limit", &expected, "another text"))
}

fn outcome(text: &str) -> Result<&'static str, Problem> {
    let known = OUTCOMES.iter().find(|known| **known == text).copied();
    known.ok_or_else(|| field_invalid("outcome", &format!("one of {}", OUTCOMES.join(", ")), "another text"))
}

/// Where a page was left off, in a text that says nothing to clients.
pub(super) fn cursor(next: &LeftOff) -> Result<String, Problem> {
    let json = serde_json::to_vec(next).map_err(|error| {
        tracing::error!(%error, "a cursor could not be rendered");
        Problem::new(api::Code::Internal, "Something went wrong here. It was logged.")
    })?;
    Ok(BASE64URL_NOPAD.encode(&json))
}

pub(super) fn left_off(cursor: &str) -> Result<LeftOff, Problem> {
    let json = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok();
    json.and_then(|json| serde_json::from_slice(&json).ok())
        .ok_or_else(|| field_invalid("cursor", "the 'cursor' of another page", "another text"))
}
