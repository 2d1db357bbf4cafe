//! `GET /admin/v1/webhooks/{id}/deliveries`: the attempts made to tell a webhook endpoint something.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route, clock, field_invalid};
use app::webhooks::{DELIVERIES_PER_PAGE_MAX, LeftOff, Listed};
use data_encoding::BASE64URL_NOPAD;
use domain::{OrderId, Reference, access::Role, feed::Outcome};
use http::StatusCode;
use serde::Serialize;

/// The attempts made to tell a webhook endpoint something, newest first, page by page. With `outcome`, only
/// those of each page that ended so.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ListDeliveries;

/// Attempts on a page, if the request does not say.
const DELIVERIES_PER_PAGE_DEFAULT: u16 = 20;

/// What an attempt can have ended with.
const OUTCOMES: &[&str] = &["acknowledged", "failed", "givenUp", "withheld"];

/// Attempts to tell a webhook endpoint something.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ListDeliveriesResponse"))]
struct Deliveries<'a> {
    /// Newest first.
    deliveries: Vec<DeliveryView<'a>>,
    /// Where the next page goes on; none on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// An attempt to tell a webhook endpoint something.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Delivery"))]
struct DeliveryView<'a> {
    /// The event.
    event_id: &'a str,
    /// The order it is of; none of a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Reference>"))]
    order_psp_reference: Option<Reference>,
    /// Its name.
    event: &'a str,
    /// Its number among the order's events.
    sequence: u32,
    /// The how manieth try it was; 0 of what was not tried.
    attempt: u16,
    /// Whether it was asked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    redelivery: bool,
    /// When it ended.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    at: String,
    /// What came of it.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = OUTCOMES)))]
    outcome: &'static str,
    /// The HTTP status that came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// How long it took, in milliseconds.
    duration_ms: u64,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// When it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Time>"))]
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

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ListDeliveries {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new().path("id", "The endpoint's identity; `payments` stands for the webhooks of orders' own.").merchant_in_query().query("limit", "The most attempts on a page.", schemars::json_schema!({ "type": "integer", "minimum": 1, "maximum": DELIVERIES_PER_PAGE_MAX, "default": DELIVERIES_PER_PAGE_DEFAULT })).query("cursor", "The `cursor` of the page before.", schemars::json_schema!({ "type": "string" })).query("outcome", "Only attempts that ended so.", schemars::json_schema!({ "type": "string", "enum": OUTCOMES })).answer::<Deliveries<'_>>(StatusCode::OK, "The page.")
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
