//! Client sessions: orders of this family, before and while they are paid.
//!
//! The widget that would pay them is not part of the engine: a session is paid through the checkout family, with
//! the `orderData` that it is told with.

pub mod create;
pub mod get;

use api::{Engine, clock};
use app::{OrderKey, ports::SigningKeys};
use domain::{
    Order, Reference, Time,
    order::{CaptureMode, CloseReason, OwnWebhook},
};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;
use webhooks::{format::payments::capture_mode, sign};

/// What a session is told, and told back, beside what the order itself keeps.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    order: Box<RawValue>,
    integration_mode: String,
    shopper_redirection_url: String,
}

/// A client session.
#[derive(Serialize)]
struct SessionView<'a> {
    id: Uuid,
    created_at: String,
    status: &'static str,
    entity_id: Uuid,
    amount: u64,
    currency: &'static str,
    capture_mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    capture_delay: Option<String>,
    integration_mode: &'a str,
    shopper_redirection_url: &'a str,
    order_reference: &'a str,
    order: &'a RawValue,
    expires_at: String,
    /// The payment, once somebody has begun to pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<&'a OwnWebhook>,
    /// The keys that its webhook is signed with: told to whoever creates a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_keys: Option<KeysView>,
    widget: Widget<'a>,
    /// What the checkout family is paid with: not part of Purse's API.
    checkout: Checkout<'a>,
    links: Links,
}

#[derive(Serialize)]
struct KeysView {
    secret: String,
    hmac_key: String,
}

#[derive(Serialize)]
struct Widget<'a> {
    data: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checkout<'a> {
    merchant_account: &'a str,
    psp_reference: Reference,
    order_data: &'a str,
    remaining_amount: u64,
}

#[derive(Serialize)]
struct Links {
    #[serde(rename = "self")]
    this: Link,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<Link>,
}

#[derive(Serialize)]
struct Link {
    href: String,
    method: &'static str,
}

/// How a session stands.
fn status(order: &Order, now: Time) -> &'static str {
    match order.closed.as_ref().map(|closed| closed.reason) {
        Some(CloseReason::Paid) => "SUBMITTED",
        Some(CloseReason::Expired) => "EXPIRED",
        Some(CloseReason::Cancelled | CloseReason::PaymentFailed) => "CANCELLED",
        None if order.cancellation.is_some() => "CANCELLED",
        None if order.is_expired(now) => "EXPIRED",
        None if order.payments.is_empty() => "CREATED",
        None => "SUBMITTED",
    }
}

fn view<'a>(
    engine: &Engine,
    key: &'a OrderKey,
    order: &'a Order,
    told: &'a Told,
    order_data: &'a str,
    keys: Option<&SigningKeys>,
) -> SessionView<'a> {
    let id = key.id.reference().to_uuid();
    let link = |href: String| Link { href, method: "GET" };
    let delay = order.session.as_ref().and_then(|session| match session.capture {
        CaptureMode::Manual => None,
        CaptureMode::Automatic { delay_s } => i64::try_from(delay_s).ok(),
    });
    let payment_id = (!order.payments.is_empty()).then_some(id);
    SessionView {
        id,
        created_at: clock::render(order.opened_at),
        status: status(order, engine.app.streams.now()),
        entity_id: key.merchant.entity_id(),
        amount: order.amount.minor(),
        currency: order.amount.currency().code(),
        capture_mode: capture_mode(order),
        capture_delay: delay.map(|seconds| SignedDuration::from_secs(seconds).to_string()),
        integration_mode: &told.integration_mode,
        shopper_redirection_url: &told.shopper_redirection_url,
        order_reference: &order.reference,
        order: &told.order,
        expires_at: clock::render(order.expires_at),
        payment_id,
        webhook: order.own_webhook(),
        webhook_keys: keys.map(|keys| KeysView { secret: sign::secret_text(keys), hmac_key: sign::hmac_text(keys) }),
        widget: Widget { data: order_data },
        checkout: Checkout {
            merchant_account: key.merchant.as_str(),
            psp_reference: key.id.reference(),
            order_data,
            remaining_amount: order.remaining,
        },
        links: Links {
            this: link(format!("/payment/v2/client-sessions/{id}")),
            payment: payment_id.map(|id| link(format!("/v2/payments/{id}"))),
        },
    }
}
