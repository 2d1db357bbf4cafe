//! What a merchant tells of a payment order beside its amount and its items: told back, and kept with the commit.

use std::collections::BTreeMap;

use api::{Code, Engine, Problem};
use app::OrderKey;
use domain::Order;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What is told of a payment order.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    /// What asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system: Option<String>,
    pub(super) user_agent: String,
    pub(super) language: String,
    pub(super) urls: Urls,
    pub(super) payee: Payee,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payer: Option<BTreeMap<String, Box<RawValue>>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) metadata: BTreeMap<String, Box<RawValue>>,
}

/// Where a payer, or the engine, goes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentOrderUrls"))]
pub(super) struct Urls {
    /// Where the shop shows the payment in its own page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) host_urls: Vec<String>,
    /// Where the shop shows it again, when a payer comes back from elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payment_url: Option<String>,
    /// Where a payer goes who is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) complete_url: Option<String>,
    /// Where a payer goes who gave up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cancel_url: Option<String>,
    /// Where changes are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) callback_url: Option<String>,
    /// The shop's logo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logo_url: Option<String>,
    /// The shop's terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) terms_of_service_url: Option<String>,
}

/// Who is paid.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentOrderPayee"))]
pub(super) struct Payee {
    /// The merchant account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payee_id: Option<String>,
    /// The merchant's reference of the payment order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payee_reference: Option<String>,
    /// The merchant's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payee_name: Option<String>,
    /// What is sold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) product_category: Option<String>,
    /// The merchant's reference of the order that it pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) order_reference: Option<String>,
    /// Which of the merchant's sites sells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subsite: Option<String>,
}

/// How it is kept: under a name of its own, so that what other families tell is not taken for it.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(default)]
    paymentorder: Option<Told>,
}

fn unreadable(error: &serde_json::Error) -> Problem {
    tracing::error!(%error, "what a payment order was told cannot be read or written");
    Problem::new(Code::Internal, "Something went wrong here. It was logged.")
}

impl Told {
    /// As it is kept.
    pub(super) fn write(self) -> Result<String, Problem> {
        serde_json::to_string(&Kept { paymentorder: Some(self) }).map_err(|error| unreadable(&error))
    }

    /// What was told of an order; none if it was opened elsewhere. It is told once, with the order's first commit:
    /// whatever is told of it later, by other families too, leaves it as it is.
    pub(super) async fn of(engine: &Engine, key: &OrderKey, order: &Order) -> Result<Option<Self>, Problem> {
        if !order.is_purchase() {
            return Ok(None);
        }
        let Some(told) = engine.app.told_at_opening(key).await? else { return Ok(None) };
        serde_json::from_str::<Kept>(&told).map(|kept| kept.paymentorder).map_err(|error| unreadable(&error))
    }
}

/// What is told of a capture, a cancellation or a reversal.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToldOperation {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vat_amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) receipt_reference: Option<String>,
    /// Reference, quantity, amount and tax of each item. The rest is known of the order's items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) items: Vec<(String, domain::Decimal, i64, i64)>,
}

impl ToldOperation {
    pub(super) fn write(&self) -> Result<String, Problem> {
        serde_json::to_string(self).map_err(|error| unreadable(&error))
    }

    /// What an operation tells; nothing, if another family's tells something else.
    pub(super) fn read(details: Option<&String>) -> Self {
        details.and_then(|details| serde_json::from_str(details).ok()).unwrap_or_default()
    }
}
