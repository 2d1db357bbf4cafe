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
    webhook::{DisabledReason, Endpoint, OWN_ENDPOINT},
};
use serde::Serialize;

/// A webhook endpoint as it is told: never its keys.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "WebhookEndpoint"))]
struct EndpointView<'a> {
    /// Its identity.
    id: &'a str,
    /// Whose it is.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    merchant_account: &'a MerchantAccount,
    /// Where it is told.
    url: &'a str,
    /// In which words it is told; `payments` of the webhooks of orders' own.
    #[cfg_attr(feature = "openapi", schemars(with = "String", extend("enum" = ["checkout", "tender", "payments"])))]
    format: Format,
    /// The names of what it is told; everything, if there are none.
    events: &'a [String],
    /// Whether it is told.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["active", "disabled"])))]
    status: &'static str,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["gone"])))]
    disabled_reason: Option<&'static str>,
    /// Since when it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Time>"))]
    disabled_at: Option<String>,
    /// When it was created. The endpoint `payments`, which stands for the webhooks of all orders' own, never was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Time>"))]
    created_at: Option<String>,
    /// Until when the keys before its last rotation sign beside the new ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Time>"))]
    previous_key_valid_until: Option<String>,
}

/// A webhook endpoint with its newest keys, as it is told once to whoever had them made.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "WebhookEndpointWithKeys"))]
struct KeyedView<'a> {
    #[serde(flatten)]
    endpoint: EndpointView<'a>,
    /// The key of Standard Webhooks.
    secret: String,
    /// The key of Adyen's signatures, in hexadecimal digits.
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
            created_at: (endpoint.id != OWN_ENDPOINT).then(|| clock::render(endpoint.created_at)),
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
