//! `POST /admin/v1/webhooks`: creates a webhook endpoint. Its keys are shown this once.

use api::{Access, Call, Code, Endpoint, Engine, Family, Problem, Reply, Route, field_invalid, field_missing};
use app::webhooks::NewEndpoint;
use domain::{
    MerchantAccount,
    access::Role,
    order::{CHANGE_NAMES, Format, KeyPrint, Topic},
};
use http::StatusCode;
use serde::Deserialize;

use super::KeyedView;
use crate::admin::existing;

/// Creates a webhook endpoint. Its keys are shown this once; with an idempotency key the request can be
/// repeated and is answered alike.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CreateWebhook;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreateWebhookRequest"))]
pub struct Body {
    /// The merchant account.
    #[cfg_attr(feature = "openapi", schemars(required))]
    merchant_account: Option<String>,
    /// Where it is told: HTTPS, and a public address.
    #[cfg_attr(feature = "openapi", schemars(required, length(max = domain::limits::ENDPOINT_URL_CHARS_MAX)))]
    url: Option<String>,
    /// In which words it is told.
    #[cfg_attr(feature = "openapi", schemars(required, extend("enum" = ["checkout", "tender"])))]
    format: Option<String>,
    /// The names of what it is told; everything, if there are none.
    events: Option<Vec<String>>,
}

/// The longest event name that is told back, in characters.
const NAME_CHARS_MAX: usize = 40;

impl Endpoint for CreateWebhook {
    const ROUTE: Route = Route {
        name: "create-webhook",
        method: "POST",
        paths: &["/admin/v1/webhooks"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let merchant = call.merchant(call.body.merchant_account.as_deref())?;
        let key = call.key_print(engine, &merchant);
        let merchant = existing(engine, &call.caller, merchant).await?;
        let new = new_endpoint(engine, &merchant, call.body, key)?;
        let (endpoint, keys) = engine.webhooks.create(&merchant, new).await?;
        Reply::json(StatusCode::CREATED, None, &KeyedView::of(&merchant, &endpoint, &keys))
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CreateWebhook {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new().keyed().answer::<KeyedView<'_>>(StatusCode::CREATED, "It was created.")
    }
}

fn new_endpoint(
    engine: &Engine,
    merchant: &MerchantAccount,
    body: Body,
    key: Option<KeyPrint>,
) -> Result<NewEndpoint, Problem> {
    let url = body.url.ok_or_else(|| field_missing("url"))?;
    let is_test = engine.test_merchants.contains(merchant);
    let url = ::webhooks::address::check_url(&url, is_test)
        .map_err(|fault| Problem::new(Code::FieldInvalid, format!("Field 'url' is not valid: {fault}.")))?;
    let format = format(body.format)?;
    let events = body.events.unwrap_or_default();
    check_events(format, &events)?;
    Ok(NewEndpoint { url: url.into(), format, events, key })
}

fn format(format: Option<String>) -> Result<Format, Problem> {
    match format.ok_or_else(|| field_missing("format"))?.as_str() {
        "checkout" => Ok(Format::Checkout),
        "tender" => Ok(Format::Tender),
        other => Err(field_invalid("format", "'checkout' or 'tender'", told_back(other))),
    }
}

fn check_events(format: Format, events: &[String]) -> Result<(), Problem> {
    let known = match format {
        Format::Checkout => Topic::ALL.iter().map(|topic| topic.code()).collect::<Vec<_>>(),
        Format::Tender => CHANGE_NAMES.to_vec(),
        // No endpoint of a merchant's is told in it.
        Format::Payments => Vec::new(),
    };
    if events.len() > known.len() {
        return Err(field_invalid("events", &format!("at most {} names", known.len()), events.len()));
    }
    for (index, name) in events.iter().enumerate() {
        let field = format!("events[{index}]");
        if !known.contains(&name.as_str()) {
            return Err(field_invalid(&field, &format!("one of {}", known.join(", ")), told_back(name)));
        }
        if events.iter().take(index).any(|earlier| earlier == name) {
            return Err(field_invalid(&field, "each name once", format_args!("'{name}' again")));
        }
    }
    Ok(())
}

/// A name that is none, unless it may be something else altogether.
fn told_back(name: &str) -> String {
    let is_like_a_name = name.bytes().all(|byte| byte.is_ascii_alphabetic() || b"._-".contains(&byte));
    if is_like_a_name && name.len() <= NAME_CHARS_MAX { format!("'{name}'") } else { "another text".to_owned() }
}
