//! `GET /v1/accounts/{account}/shopping/orders/{order_id}/events`: what happened to an order.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route, clock};
use app::{Logged, OrderKey};
use domain::{
    Reference, Version,
    access::Role,
    order::{OrderEvent, Payer},
};
use http::StatusCode;
use serde::Serialize;
use webhooks::words;

use super::DraftTold;
use crate::shopping::{
    find, left_off, limit,
    operations::{EntryView, done_by},
    page_token,
};

/// What happened to an order, oldest first, page by page.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ListEvents;

/// What happened to an order.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "EventList"))]
struct Events {
    /// Oldest first.
    events: Vec<EventView>,
    /// Where the next page goes on; none on the last, or if the last is full.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// A step of an order.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OrderEvent"))]
struct EventView {
    /// Its identity: also that of the payment or the operation that it began.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Reference"))]
    id: Reference,
    /// When it was taken.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    created_at: String,
    /// The how manieth step it was, from 0.
    version: u16,
    /// The draft that it came by.
    #[serde(skip_serializing_if = "Option::is_none")]
    draft_id: Option<String>,
    /// What happened in it, in order.
    changes: Vec<ChangeView>,
}

/// Something that happened.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OrderEventChange"))]
struct ChangeView {
    /// What.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = TYPES)))]
    kind: &'static str,
    /// What was done on items.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = words::LINE_ACTIONS)))]
    action: Option<&'static str>,
    /// With how much, in minor units; of what changed what the order asks for, what it asks for from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
    /// With which payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<String>,
    /// On which items.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<Vec<EntryView>>"))]
    items: Vec<EntryView>,
    /// Whether what was told had succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
}

/// What can happen.
#[cfg(feature = "openapi")]
const TYPES: &[&str] = &[
    "opened",
    "payment_begun",
    "payment_resolved",
    "shopper_timed_out",
    "operation_begun",
    "operation_refused",
    "operation_resolved",
    "items_replaced",
    "items_added",
    "operation_recorded",
    "reopened",
    "cancelled",
    "answered",
    "closed",
    "amounts_changed",
];

impl Endpoint for ListEvents {
    const ROUTE: Route = Route {
        name: "list-events",
        method: "GET",
        paths: &["/v1/accounts/{account}/shopping/orders/{order_id}/events"],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let (key, _) = find(engine, &call).await?;
        let (limit, from) = (usize::from(limit(&call)?), left_off::<_, Version>(&call)?);
        let log = engine.app.log_from(&key, from.unwrap_or(Version::FIRST), limit, |_| true).await?;
        let next = log.last().filter(|_| log.len() == limit).and_then(|last| last.version.next());
        let body = Events {
            events: log.iter().map(|logged| view(&key, logged)).collect(),
            next_page_token: next.map(|next| page_token(&next)).transpose()?,
        };
        Reply::json(StatusCode::OK, None, &body)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ListEvents {
    fn describe() -> api::openapi::Description {
        crate::shopping::paged(crate::shopping::described_by_order()).answer::<Events>(StatusCode::OK, "The page.")
    }
}

fn view(key: &OrderKey, logged: &Logged) -> EventView {
    let draft = logged.events.iter().find_map(|event| match event {
        OrderEvent::Opened { details, .. }
        | OrderEvent::Revised { details, .. }
        | OrderEvent::Appended { details, .. } => serde_json::from_str::<DraftTold>(details.as_deref()?).ok()?.draft_id,
        OrderEvent::PaymentReserved { .. }
        | OrderEvent::PaymentResolved { .. }
        | OrderEvent::ShopperTimedOut { .. }
        | OrderEvent::OperationRequested { .. }
        | OrderEvent::OperationRefused { .. }
        | OrderEvent::LegResolved { .. }
        | OrderEvent::LinesRecorded { .. }
        | OrderEvent::Reopened { .. }
        | OrderEvent::CancellationRequested { .. }
        | OrderEvent::Answered { .. }
        | OrderEvent::Closed { .. }
        | OrderEvent::AmountsChanged => None,
    });
    EventView {
        id: key.id.at(logged.version),
        created_at: clock::render(logged.at),
        version: logged.version.get(),
        draft_id: draft,
        changes: logged.events.iter().map(|event| change(key, logged.version, event)).collect(),
    }
}

fn change(key: &OrderKey, version: Version, event: &OrderEvent) -> ChangeView {
    let plain =
        |kind| ChangeView { kind, action: None, amount: None, payment_id: None, items: Vec::new(), success: None };
    let reference = |version: Version| Some(key.id.at(version).to_string());
    let amount = |minor: u64| i64::try_from(minor).ok();
    match event {
        OrderEvent::Opened { amount: asked, .. } => ChangeView { amount: amount(asked.minor()), ..plain("opened") },
        OrderEvent::PaymentReserved { amount: part, .. } => {
            ChangeView { amount: amount(*part), payment_id: reference(version), ..plain("payment_begun") }
        }
        OrderEvent::PaymentResolved { payment, .. } => {
            ChangeView { payment_id: reference(*payment), ..plain("payment_resolved") }
        }
        OrderEvent::ShopperTimedOut { payment } => {
            ChangeView { payment_id: reference(*payment), ..plain("shopper_timed_out") }
        }
        OrderEvent::OperationRequested { target, legs, .. } => {
            let done = done_by(std::slice::from_ref(event));
            let moved = legs.iter().map(|leg| leg.amount).fold(0, u64::saturating_add);
            ChangeView {
                action: done.as_ref().map(|done| words::line_action(done.action)),
                amount: done.as_ref().map_or_else(|| amount(moved), |done| Some(done.amount())),
                payment_id: target.and_then(reference),
                items: done.map(|done| done.items()).unwrap_or_default(),
                ..plain("operation_begun")
            }
        }
        OrderEvent::OperationRefused { target, amount: asked, .. } => ChangeView {
            amount: asked.and_then(amount),
            payment_id: target.and_then(reference),
            ..plain("operation_refused")
        },
        OrderEvent::LegResolved { .. } => plain("operation_resolved"),
        OrderEvent::Revised { amount: asked, .. } => {
            ChangeView { amount: amount(asked.minor()), ..plain("items_replaced") }
        }
        OrderEvent::Appended { amount: asked, .. } => {
            ChangeView { amount: amount(asked.minor()), ..plain("items_added") }
        }
        OrderEvent::LinesRecorded { payer, is_success, .. } => {
            let done = done_by(std::slice::from_ref(event));
            ChangeView {
                action: done.as_ref().map(|done| words::line_action(done.action)),
                amount: done.as_ref().map(|done| done.amount()),
                payment_id: match payer {
                    Payer::Own(payment) => reference(*payment),
                    Payer::Foreign(id) => Some(id.clone()),
                },
                items: done.map(|done| done.items()).unwrap_or_default(),
                success: Some(*is_success),
                ..plain("operation_recorded")
            }
        }
        OrderEvent::Reopened { .. } => plain("reopened"),
        OrderEvent::CancellationRequested { .. } => plain("cancelled"),
        OrderEvent::Answered { .. } => plain("answered"),
        OrderEvent::Closed { .. } => plain("closed"),
        OrderEvent::AmountsChanged => plain("amounts_changed"),
    }
}
