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
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ClientSession"))]
struct SessionView<'a> {
    /// Its identity: that of its order.
    id: Uuid,
    /// When it was opened.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    created_at: String,
    /// How it stands.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["CREATED", "SUBMITTED", "EXPIRED", "CANCELLED"])))]
    status: &'static str,
    /// What stands for its merchant account.
    entity_id: Uuid,
    /// What is to be paid.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Minor"))]
    amount: u64,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Currency"))]
    currency: &'static str,
    /// When its money is captured.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["MANUAL", "AUTOMATIC"])))]
    capture_mode: &'static str,
    /// How long after it was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "duration")))]
    capture_delay: Option<String>,
    /// How shoppers are shown it.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["EMBEDDED", "HOSTED_PAGE"])))]
    integration_mode: &'a str,
    /// Where shoppers come back to.
    shopper_redirection_url: &'a str,
    /// The merchant's reference of the order.
    order_reference: &'a str,
    /// The order as it came.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Anything"))]
    order: &'a RawValue,
    /// From when on it takes no payment.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    expires_at: String,
    /// The payment, once somebody has begun to pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<Uuid>,
    /// Where its changes are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::OwnWebhook>"))]
    webhook: Option<&'a OwnWebhook>,
    /// The keys that its webhook is signed with: told to whoever creates a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_keys: Option<KeysView>,
    /// What a widget would be given.
    widget: Widget<'a>,
    /// What the checkout family is paid with: not part of Purse's API.
    checkout: Checkout<'a>,
    /// What can be looked at.
    links: Links,
}

/// The keys that notifications are signed with.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "SessionWebhookKeys"))]
struct KeysView {
    /// Of Standard Webhooks.
    secret: String,
    /// Of Adyen's signatures, in hexadecimal digits.
    hmac_key: String,
}

/// What a widget would be given.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "SessionWidget"))]
struct Widget<'a> {
    /// The `orderData` again.
    data: &'a str,
}

/// What the checkout family is paid with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "SessionCheckout"))]
struct Checkout<'a> {
    /// The merchant account.
    merchant_account: &'a str,
    /// The order's reference.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Reference"))]
    psp_reference: Reference,
    /// What the next request on the order has to bring.
    order_data: &'a str,
    /// What is not covered by a payment.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Minor"))]
    remaining_amount: u64,
}

/// What can be looked at.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "SessionLinks"))]
struct Links {
    /// The session.
    #[serde(rename = "self")]
    this: Link,
    /// The payment, once somebody has begun to pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<Link>,
}

/// A request that can be made.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "SessionLink"))]
struct Link {
    /// The path.
    href: String,
    /// The HTTP method.
    #[cfg_attr(feature = "openapi", schemars(extend("const" = "GET")))]
    method: &'static str,
}

/// How a session stands.
fn status(order: &Order, now: Time) -> &'static str {
    match order.closed.as_ref().map(|closed| closed.reason) {
        Some(CloseReason::Paid | CloseReason::Concluded) => "SUBMITTED",
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
