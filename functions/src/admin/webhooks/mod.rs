//! Webhook endpoints.

pub mod create;
pub mod delete;
pub mod deliveries;
pub mod enable;
pub mod get;
pub mod list;
pub mod redeliver;
pub mod rotate;
pub mod test;

use api::clock;
use app::ports::SigningKeys;
use domain::{
    MerchantAccount,
    limits::KEY_OVERLAP,
    order::Format,
    webhook::{DisabledReason, Endpoint},
};
use serde::Serialize;

/// A webhook endpoint as it is told: never its keys.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EndpointView<'a> {
    id: &'a str,
    merchant_account: &'a MerchantAccount,
    url: &'a str,
    format: Format,
    events: &'a [String],
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_at: Option<String>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_key_valid_until: Option<String>,
}

/// A webhook endpoint with its newest keys, as it is told once to whoever had them made.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyedView<'a> {
    #[serde(flatten)]
    endpoint: EndpointView<'a>,
    secret: String,
    hmac_key: String,
}

impl<'a> EndpointView<'a> {
    fn of(merchant_account: &'a MerchantAccount, endpoint: &'a Endpoint) -> Self {
        Self {
            id: &endpoint.id,
            merchant_account,
            url: &endpoint.url,
            format: endpoint.format,
            events: &endpoint.events,
            status: if endpoint.disabled.is_some() { "disabled" } else { "active" },
            disabled_reason: endpoint.disabled.map(|disabled| match disabled.reason {
                DisabledReason::Gone => "gone",
            }),
            disabled_at: endpoint.disabled.map(|disabled| clock::render(disabled.at)),
            created_at: clock::render(endpoint.created_at),
            previous_key_valid_until: endpoint.rotated_at.map(|at| clock::render(at.plus(KEY_OVERLAP))),
        }
    }
}

impl<'a> KeyedView<'a> {
    fn of(merchant: &'a MerchantAccount, endpoint: &'a Endpoint, keys: &SigningKeys) -> Self {
        Self {
            endpoint: EndpointView::of(merchant, endpoint),
            secret: ::webhooks::sign::secret_text(keys),
            hmac_key: ::webhooks::sign::hmac_text(keys),
        }
    }
}
