//! `POST /payment/v2/client-sessions`: opens an order to be paid.

use api::{Access, Call, Code, Endpoint, Engine, Family, Object, Problem, Reply, Route, field_invalid, field_missing};
use app::{Error, Opened, OrderTerms};
use domain::{
    Currency, MerchantAccount, Money,
    access::Role,
    limits::{OWN_HEADER_CHARS_MAX, OWN_HEADER_VALUES_MAX, OWN_HEADERS_MAX},
    order::{CaptureMode, HeaderText, OwnFormat, OwnHeader, OwnWebhook, Refusal, Session},
};
use http::StatusCode;
use jiff::{Span, SpanRelativeTo};
use serde::Deserialize;
use serde_json::value::RawValue;
use webhooks::{check_url, is_own_header_allowed};

use super::{Told, view};
use crate::{checkout::wire, payments::merchant};

/// Opens an order to be paid, in parts or at once. Nothing of what is told about the customer is kept.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CreateClientSession;

/// The request.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreateClientSessionRequest"))]
pub struct Body {
    /// What stands for the merchant account.
    #[cfg_attr(feature = "openapi", schemars(required, extend("format" = "uuid")))]
    entity_id: Option<String>,
    /// What is to be paid.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Minor"))]
    amount: Option<i64>,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Currency"))]
    currency: Option<String>,
    /// When its money is captured.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["MANUAL", "AUTOMATIC"])))]
    capture_mode: Option<String>,
    /// How long after it was paid: an ISO 8601 duration of at most 28 days.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "duration")))]
    capture_delay: Option<String>,
    /// How shoppers are shown it.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["EMBEDDED", "HOSTED_PAGE"])))]
    integration_mode: Option<String>,
    /// Where shoppers come back to.
    #[cfg_attr(feature = "openapi", schemars(required, length(max = api::limits::RETURN_URL_CHARS_MAX)))]
    shopper_redirection_url: Option<String>,
    /// The order, told back as it came.
    #[cfg_attr(feature = "openapi", schemars(with = "OrderBody"))]
    order: Option<Box<RawValue>>,
    /// Where its changes are told.
    webhook: Option<Object<WebhookBody>>,
}

/// As much of `order` as the engine reads itself; the rest is told back as it came.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "SessionOrder"))]
struct OrderBody {
    /// The merchant's reference.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = domain::limits::REFERENCE_CHARS_MAX)))]
    reference: Option<String>,
}

/// The order's own webhook.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "SessionWebhook"))]
struct WebhookBody {
    /// Where it is told.
    #[cfg_attr(feature = "openapi", schemars(required, length(max = domain::limits::ENDPOINT_URL_CHARS_MAX)))]
    url: Option<String>,
    /// Headers that each notification is to carry.
    #[cfg_attr(feature = "openapi", schemars(length(max = domain::limits::OWN_HEADERS_MAX)))]
    headers: Option<Vec<Object<HeaderBody>>>,
}

/// A header of its notifications.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "SessionWebhookHeader"))]
struct HeaderBody {
    /// Its name.
    #[cfg_attr(feature = "openapi", schemars(required, length(max = domain::limits::OWN_HEADER_CHARS_MAX)))]
    name: Option<String>,
    /// Its values: texts, or whole numbers.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::HeaderTexts"))]
    values: Option<Vec<HeaderText>>,
}

impl Endpoint for CreateClientSession {
    const ROUTE: Route = Route {
        name: "create-client-session",
        method: "POST",
        paths: &["/payment/v2/client-sessions"],
        family: Family::Payments,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let entity_id = call.body.entity_id.as_deref().ok_or_else(|| field_missing("entity_id"))?;
        let merchant = merchant(&call.caller, "entity_id", entity_id)?;
        let key = call.key_print(engine, &merchant);
        let (terms, told) = read(engine, merchant, call.body)?;
        let opened = engine.app.open(OrderTerms { key, ..terms }).await;
        let Opened { key: order_key, order, is_repeated } = opened.map_err(problem)?;
        if is_repeated {
            let message = "A request with this x-idempotency-key was taken before, and made what resource_id names.";
            let resource = Some(order_key.id.reference().to_uuid().to_string());
            return Err(Problem { resource, ..Problem::new(Code::WriteConflict, message) });
        }
        let keys = match order.own_webhook() {
            Some(_) => Some(engine.webhooks.own_keys(&order_key.merchant).await?),
            None => None,
        };
        let order_data = engine.tokens.seal(&order_key.merchant, order_key.id, &order);
        let view = view(engine, &order_key, &order, &told, &order_data, keys.as_ref());
        Reply::json(StatusCode::OK, None, &view)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CreateClientSession {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new().answer::<super::SessionView<'_>>(StatusCode::OK, "The session.")
    }
}

/// The rules speak of `reference` where this family says `order.reference`.
fn problem(error: Error) -> Problem {
    match error {
        Error::Refused(Refusal::AmountZero) => {
            Problem::new(Code::AmountInvalid, "Field 'amount' is not valid: expected more than 0 minor units, got 0.")
        }
        Error::Refused(refusal @ Refusal::ReferenceLength { .. }) => {
            Problem::new(Code::FieldInvalid, format!("Field 'order.reference' is not valid: {refusal}."))
        }
        Error::Refused(_) | Error::NotFound | Error::Contended | Error::Begun { .. } | Error::Store(_) => error.into(),
    }
}

fn read(engine: &Engine, merchant: MerchantAccount, body: Body) -> Result<(OrderTerms, Told), Problem> {
    let code = body.currency.ok_or_else(|| field_missing("currency"))?;
    let currency = code.parse::<Currency>().map_err(|error| {
        Problem::new(Code::CurrencyUnknown, format!("Field 'currency' is not valid: it is {error}."))
    })?;
    let minor = body.amount.ok_or_else(|| field_missing("amount"))?;
    let amount = u64::try_from(minor).ok().and_then(|minor| Money::try_new(currency, minor).ok());
    let amount = amount.ok_or_else(|| {
        let expected = format!("expected a whole number of minor units, and nothing negative, got {minor}");
        Problem::new(Code::AmountInvalid, format!("Field 'amount' is not valid: {expected}."))
    })?;
    let capture = capture(body.capture_mode.as_deref(), body.capture_delay.as_deref())?;
    let integration_mode = match body.integration_mode.as_deref() {
        None | Some("EMBEDDED") => "EMBEDDED",
        Some("HOSTED_PAGE") => "HOSTED_PAGE",
        Some(_) => return Err(field_invalid("integration_mode", "EMBEDDED or HOSTED_PAGE", "another text")),
    };
    let shopper_redirection_url =
        body.shopper_redirection_url.ok_or_else(|| field_missing("shopper_redirection_url"))?;
    wire::check_return_url("shopper_redirection_url", &shopper_redirection_url)?;
    let order = body.order.ok_or_else(|| field_missing("order"))?;
    let Object(known) = serde_json::from_str::<Object<OrderBody>>(order.get()).map_err(|_| {
        let message = "Unexpected input: field 'order': expected an object whose 'reference' is a text.";
        Problem::new(Code::BodyInvalid, message)
    })?;
    let reference = known.reference.ok_or_else(|| field_missing("order.reference"))?;
    if reference.chars().any(char::is_control) {
        return Err(field_invalid("order.reference", "text without control characters", "some"));
    }
    let webhook = body.webhook.map(|Object(webhook)| own_webhook(engine, &merchant, webhook)).transpose()?;
    let told = Told { order, integration_mode: integration_mode.to_owned(), shopper_redirection_url };
    let details = serde_json::to_string(&told).map_err(|error| {
        tracing::error!(%error, "a client session could not be rendered");
        Problem::new(Code::Internal, "Something went wrong here. It was logged.")
    })?;
    let terms = OrderTerms {
        session: Some(Session { capture, webhook, is_purchase: false }),
        details: Some(details),
        ..OrderTerms::new(merchant, reference, amount, engine.tokens.current())
    };
    Ok((terms, told))
}

fn capture(mode: Option<&str>, delay: Option<&str>) -> Result<CaptureMode, Problem> {
    let invalid = |what: &str| {
        let message = format!("Field 'capture_delay' is not valid: {what}.");
        Problem::new(Code::CaptureDelayInvalid, message)
    };
    match (mode.unwrap_or("MANUAL"), delay) {
        ("MANUAL", None) => Ok(CaptureMode::Manual),
        ("MANUAL", Some(_)) => Err(invalid("there is one only with the capture_mode AUTOMATIC")),
        ("AUTOMATIC", None) => Ok(CaptureMode::Automatic { delay_s: 0 }),
        ("AUTOMATIC", Some(delay)) => {
            let span = delay.parse::<Span>().ok().filter(|span| !span.is_negative());
            let seconds = span.and_then(|span| {
                // A month has no length of its own; a day, which has one but for summer time, is taken as 24 hours.
                let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
                u64::try_from(duration.as_secs()).ok()
            });
            let expected = "expected an ISO 8601 duration of days, hours, minutes and seconds, such as PT24H";
            seconds.map(|delay_s| CaptureMode::Automatic { delay_s }).ok_or_else(|| invalid(expected))
        }
        (_, _) => Err(field_invalid("capture_mode", "MANUAL or AUTOMATIC", "another text")),
    }
}

fn own_webhook(engine: &Engine, merchant: &MerchantAccount, webhook: WebhookBody) -> Result<OwnWebhook, Problem> {
    let url = webhook.url.ok_or_else(|| field_missing("webhook.url"))?;
    let url = check_url(&url, engine.test_merchants.contains(merchant))
        .map_err(|fault| Problem::new(Code::FieldInvalid, format!("Field 'webhook.url' is not valid: {fault}.")))?;
    let headers = webhook.headers.unwrap_or_default();
    if headers.len() > OWN_HEADERS_MAX {
        return Err(field_invalid("webhook.headers", &format!("at most {OWN_HEADERS_MAX}"), headers.len()));
    }
    let headers = headers.into_iter().enumerate().map(|(index, Object(header))| {
        let field = format!("webhook.headers[{index}]");
        let name = header.name.ok_or_else(|| field_missing(&format!("{field}.name")))?;
        let values = header.values.ok_or_else(|| field_missing(&format!("{field}.values")))?;
        if !(1..=OWN_HEADER_VALUES_MAX).contains(&values.len()) {
            let expected = format!("1 to {OWN_HEADER_VALUES_MAX}");
            return Err(field_invalid(&format!("{field}.values"), &expected, values.len()));
        }
        let is_long = |text: &str| text.chars().count() > OWN_HEADER_CHARS_MAX;
        if is_long(&name) || values.iter().any(|value| is_long(&value.to_string())) {
            return Err(field_invalid(&field, &format!("at most {OWN_HEADER_CHARS_MAX} characters"), "more"));
        }
        if !values.iter().all(|value| is_own_header_allowed(&name, &value.to_string())) {
            let expected = "a header's name and values, of none that the engine sets itself";
            return Err(field_invalid(&field, expected, "another"));
        }
        Ok(OwnHeader { name, values })
    });
    Ok(OwnWebhook { url: url.into(), headers: headers.collect::<Result<_, _>>()?, format: OwnFormat::Payments })
}
