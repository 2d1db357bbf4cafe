//! `POST /psp/paymentorders`: opens a payment order.

use std::collections::BTreeMap;

use api::{
    Access, ApiVersion, Call, Code, Endpoint, Engine, Family, Object, Problem, Reply, Route, field_invalid,
    field_missing,
};
use app::{NewLines, OrderTerms};
use domain::{
    Currency, MerchantAccount, Money,
    access::Role,
    limits::DESCRIPTION_CHARS_MAX,
    order::{CaptureMode, OwnFormat, OwnWebhook, Session},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use webhooks::check_url;

use super::{
    ORDER, fields,
    items::{self, ItemBody},
    merchant,
    parts::expanded,
    problem,
    told::{Payee, Told, Urls},
    view::{Wanted, answer},
};

/// Characters of `payeeInfo.payeeReference` (Swedbank: 50 where it is paid by a card, which is not known yet).
const PAYEE_REFERENCE_CHARS_MAX: usize = 50;

/// Characters of `payeeInfo.orderReference`, and of the other names in `payeeInfo` (Swedbank: 50).
const PAYEE_CHARS_MAX: usize = 50;

/// Characters of `userAgent`.
const USER_AGENT_CHARS_MAX: usize = 512;

/// How much of an unknown currency an error repeats.
const CURRENCY_CHARS_SHOWN: usize = 16;

/// Entries of `urls.hostUrls`.
const HOST_URLS_MAX: usize = 10;

/// Entries of `payer`.
const PAYER_MAX: usize = 64;

/// Entries of `metadata`.
const METADATA_MAX: usize = 32;

/// Characters of a name in `metadata`.
const METADATA_NAME_CHARS_MAX: usize = 64;

/// Bytes of a value in `metadata`.
const METADATA_VALUE_BYTES_MAX: usize = 1_024;

/// The languages of the payer's page (Swedbank). Any other is taken for the first.
const LANGUAGES: [&str; 13] = [
    "en-US", "da-DK", "de-DE", "et-EE", "es-ES", "fi-FI", "fr-FR", "lt-LT", "lv-LV", "nb-NO", "pl-PL", "ru-RU", "sv-SE",
];

/// Opens a payment order, to be paid in parts or at once: on the page that its answer leads to, or through the checkout
/// family.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CreatePaymentOrder;

/// The request: one of the two.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreatePaymentOrderRequest"))]
pub struct Body {
    /// What is to be paid.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<PurchaseBody>"))]
    paymentorder: Option<Object<PurchaseBody>>,
    /// The same, as it may also be written.
    #[serde(rename = "paymentOrder")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<PurchaseBody>"))]
    payment_order: Option<Object<PurchaseBody>>,
}

/// What is to be paid.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PurchaseBody"))]
struct PurchaseBody {
    /// What it is for: purchases only.
    #[cfg_attr(feature = "openapi", schemars(required, extend("const" = "Purchase")))]
    operation: Option<String>,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Currency"))]
    currency: Option<String>,
    /// What is to be paid, with tax, in minor units.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Minor"))]
    amount: Option<i64>,
    /// The tax in that.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Minor"))]
    vat_amount: Option<i64>,
    /// What it is called.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = DESCRIPTION_CHARS_MAX)))]
    description: Option<String>,
    /// The payer's browser.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = USER_AGENT_CHARS_MAX)))]
    user_agent: Option<String>,
    /// In which language the payer is spoken to: in English, if it is not a known one.
    #[cfg_attr(feature = "openapi", schemars(required))]
    language: Option<String>,
    /// Where the payer, or the engine, goes.
    #[cfg_attr(feature = "openapi", schemars(with = "UrlsBody"))]
    urls: Option<Object<UrlsBody>>,
    /// Who is paid.
    #[cfg_attr(feature = "openapi", schemars(with = "PayeeBody"))]
    payee_info: Option<Object<PayeeBody>>,
    /// Who pays: told back, and nothing is computed from it.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Anything>"))]
    payer: Option<Object<BTreeMap<String, Box<RawValue>>>>,
    /// What is paid for. It may be left out in version 3.1.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = domain::limits::LINES_PER_ORDER_MAX)))]
    order_items: Option<Vec<Object<ItemBody>>>,
    /// What else there is to tell: texts, numbers, and yes or no, under names of the merchant's own.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Anything>"))]
    metadata: Option<Object<BTreeMap<String, Box<RawValue>>>>,
}

/// Where the payer, or the engine, goes: pages with http or https.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "UrlsBody"))]
struct UrlsBody {
    /// Where the shop shows the payment in its own page.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = HOST_URLS_MAX)))]
    host_urls: Option<Vec<String>>,
    /// Where the shop shows it again, when a payer comes back from elsewhere.
    payment_url: Option<String>,
    /// Where a payer goes who is done.
    #[cfg_attr(feature = "openapi", schemars(required, length(max = api::limits::RETURN_URL_CHARS_MAX)))]
    complete_url: Option<String>,
    /// Where a payer goes who gave up.
    cancel_url: Option<String>,
    /// Where changes are told: a public address with https.
    #[cfg_attr(feature = "openapi", schemars(length(max = domain::limits::ENDPOINT_URL_CHARS_MAX)))]
    callback_url: Option<String>,
    /// The shop's logo.
    logo_url: Option<String>,
    /// The shop's terms.
    terms_of_service_url: Option<String>,
}

/// Who is paid.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PayeeBody"))]
struct PayeeBody {
    /// The merchant account: its UUID, or its name.
    #[cfg_attr(feature = "openapi", schemars(required))]
    payee_id: Option<String>,
    /// The merchant's reference of it: the same request with the same reference opens one payment order.
    #[cfg_attr(
        feature = "openapi",
        schemars(required, length(min = 1, max = PAYEE_REFERENCE_CHARS_MAX), regex(pattern = "^[A-Za-z0-9-]*$"))
    )]
    payee_reference: Option<String>,
    /// The merchant's name.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = PAYEE_CHARS_MAX)))]
    payee_name: Option<String>,
    /// What is sold.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = PAYEE_CHARS_MAX)))]
    product_category: Option<String>,
    /// The merchant's reference of the order that it pays; `payeeReference`, if it is not given.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = PAYEE_CHARS_MAX)))]
    order_reference: Option<String>,
    /// Which of the merchant's sites sells it.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = PAYEE_CHARS_MAX)))]
    subsite: Option<String>,
}

impl Endpoint for CreatePaymentOrder {
    const ROUTE: Route = Route {
        name: "create-payment-order",
        method: "POST",
        paths: &["/psp/paymentorders"],
        family: Family::PaymentOrders,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, mut call: Call<Body>) -> Result<Reply, Problem> {
        let body = call.body.paymentorder.take().or(call.body.payment_order.take());
        let Object(mut body) = fields::required("paymentorder", body)?;
        check_operation(body.operation.as_deref())?;
        let Object(payee) = fields::required("payeeInfo", body.payee_info.take())?;
        let payee_id = fields::required("payeeInfo.payeeId", payee.payee_id.as_deref())?;
        let merchant = merchant(&call.caller, payee_id)?;
        let payee = read_payee(payee)?;
        let reference = payee.payee_reference.clone().unwrap_or_default();
        let key = call.print_under(engine, &merchant, &format!("paymentorders\n{reference}"));
        let expanded = expanded(&call)?;
        let terms = read(engine, &call, merchant, body, payee)?;
        let opened = engine.app.open(OrderTerms { key: Some(key), ..terms }).await;
        let opened = opened.map_err(|error| problem(error, &ORDER))?;
        // What could be done then: a request that comes again gets the answer that it had.
        let wanted = Wanted { version: call.version, expanded, now: opened.order.opened_at };
        answer(engine, &opened.key, &opened.order, &wanted).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CreatePaymentOrder {
    fn describe() -> api::openapi::Description {
        super::expandable(api::openapi::Description::new())
            .answer::<super::view::Answer>(http::StatusCode::OK, "The payment order, and what may be done with it.")
    }
}

fn check_operation(operation: Option<&str>) -> Result<(), Problem> {
    match operation.ok_or_else(|| field_missing("operation"))? {
        "Purchase" => Ok(()),
        "Verify" | "UnscheduledPurchase" | "Recur" | "Payout" => {
            Err(field_invalid("operation", "Purchase, which is the only operation offered", "another operation"))
        }
        _ => Err(field_invalid("operation", "Purchase", "an operation that there is not")),
    }
}

fn read(
    engine: &Engine,
    call: &Call<Body>,
    merchant: MerchantAccount,
    body: PurchaseBody,
    payee: Payee,
) -> Result<OrderTerms, Problem> {
    let code = fields::required("currency", body.currency)?;
    let currency = code.parse::<Currency>().map_err(|_| {
        let shown = code.chars().take(CURRENCY_CHARS_SHOWN).collect::<String>();
        let expected = "expected the code of a currency that has amounts (ISO 4217)";
        let message = format!("Field 'currency' is not valid: {expected}, got '{shown}'.");
        Problem::new(Code::CurrencyUnknown, message).of_field("currency")
    })?;
    let amount = fields::amount(ORDER.amount, currency, body.amount)?;
    let tax = fields::tax(ORDER.tax, amount, body.vat_amount)?;
    let description = fields::required_text(ORDER.description, body.description, DESCRIPTION_CHARS_MAX)?;
    let user_agent = fields::required_text("userAgent", body.user_agent, USER_AGENT_CHARS_MAX)?;
    let language = fields::required("language", body.language)?;
    let language = LANGUAGES.iter().find(|known| **known == language).unwrap_or(&LANGUAGES[0]);
    let Object(urls) = fields::required("urls", body.urls)?;
    let (urls, webhook) = read_urls(engine, &merchant, urls)?;
    let lines = match body.order_items {
        Some(items) => items::read(&ORDER, items, amount, tax)?,
        None => whole(call.version, &description, amount, tax)?,
    };
    let payer = body.payer.map(|Object(payer)| read_payer(payer)).transpose()?;
    let reference = payee.order_reference.clone().or_else(|| payee.payee_reference.clone()).unwrap_or_default();
    let told = Told {
        system: call.user_agent.clone(),
        user_agent,
        language: (*language).to_owned(),
        urls,
        payee,
        payer,
        metadata: body.metadata.map(|Object(metadata)| read_metadata(metadata)).transpose()?.unwrap_or_default(),
    };
    let token_key = engine.tokens.current();
    Ok(OrderTerms {
        session: Some(Session { capture: CaptureMode::Manual, webhook, is_purchase: true }),
        lines: Some(NewLines { lines, tax, description: Some(description), alias: None, is_running: false }),
        details: Some(told.write()?),
        ..OrderTerms::new(merchant, reference, amount, token_key)
    })
}

/// The items of an order that came without any.
fn whole(
    version: ApiVersion,
    description: &str,
    amount: Money,
    tax: i64,
) -> Result<Vec<domain::order::line::Line>, Problem> {
    match version {
        ApiVersion::V31 => Ok(vec![items::whole(description, amount, tax)]),
        ApiVersion::V2 | ApiVersion::V3 => Err(field_missing("orderItems")),
    }
}

fn read_payee(body: PayeeBody) -> Result<Payee, Problem> {
    let text = |name: &str, value| fields::text(&format!("payeeInfo.{name}"), value, PAYEE_CHARS_MAX);
    let reference = fields::reference(ORDER.reference, body.payee_reference, PAYEE_REFERENCE_CHARS_MAX)?;
    Ok(Payee {
        payee_id: body.payee_id,
        payee_reference: Some(reference),
        payee_name: text("payeeName", body.payee_name)?,
        product_category: text("productCategory", body.product_category)?,
        order_reference: text("orderReference", body.order_reference)?,
        subsite: text("subsite", body.subsite)?,
    })
}

/// Where the payer goes, and where changes are told.
fn read_urls(
    engine: &Engine,
    merchant: &MerchantAccount,
    body: UrlsBody,
) -> Result<(Urls, Option<OwnWebhook>), Problem> {
    let hosts = fields::required("urls.hostUrls", body.host_urls)?;
    if !(1..=HOST_URLS_MAX).contains(&hosts.len()) {
        return Err(field_invalid("urls.hostUrls", &format!("1 to {HOST_URLS_MAX} URLs"), hosts.len()));
    }
    let hosts = hosts.into_iter().enumerate();
    let host_urls = hosts.map(|(index, text)| fields::url(&format!("urls.hostUrls[{index}]"), text));
    let host_urls = host_urls.collect::<Result<Vec<_>, Problem>>()?;
    let complete = fields::required("urls.completeUrl", body.complete_url)?;
    let url =
        |name: &str, text: Option<String>| text.map(|text| fields::url(&format!("urls.{name}"), text)).transpose();
    let webhook = body.callback_url.as_deref().map(|text| {
        let url = check_url(text, engine.test_merchants.contains(merchant));
        let url = url.map_err(|fault| {
            let message =
                format!("Field 'urls.callbackUrl' is not valid: expected a public URL with https, got {fault}.");
            Problem::new(Code::FieldInvalid, message).of_field("urls.callbackUrl")
        })?;
        Ok::<_, Problem>(OwnWebhook { url: url.into(), headers: Vec::new(), format: OwnFormat::Callback })
    });
    let urls = Urls {
        host_urls,
        payment_url: url("paymentUrl", body.payment_url)?,
        complete_url: url("completeUrl", Some(complete))?,
        cancel_url: url("cancelUrl", body.cancel_url)?,
        callback_url: body.callback_url.clone(),
        logo_url: url("logoUrl", body.logo_url)?,
        terms_of_service_url: url("termsOfServiceUrl", body.terms_of_service_url)?,
    };
    Ok((urls, webhook.transpose()?))
}

/// Who pays, as it came: where it is told back, `id` is where it is found.
fn read_payer(payer: BTreeMap<String, Box<RawValue>>) -> Result<BTreeMap<String, Box<RawValue>>, Problem> {
    if payer.contains_key("id") {
        return Err(field_invalid("payer", "names other than 'id'", "'id'"));
    }
    if payer.len() > PAYER_MAX {
        return Err(field_invalid("payer", &format!("at most {PAYER_MAX} entries"), payer.len()));
    }
    Ok(payer)
}

fn read_metadata(metadata: BTreeMap<String, Box<RawValue>>) -> Result<BTreeMap<String, Box<RawValue>>, Problem> {
    if metadata.len() > METADATA_MAX {
        return Err(field_invalid("metadata", &format!("at most {METADATA_MAX} entries"), metadata.len()));
    }
    for (name, value) in &metadata {
        let length = name.chars().count();
        if !(1..=METADATA_NAME_CHARS_MAX).contains(&length) {
            let expected = format!("names of 1 to {METADATA_NAME_CHARS_MAX} characters");
            return Err(field_invalid("metadata", &expected, length));
        }
        // Where it is told back, that is where it is found.
        if name == "id" {
            return Err(field_invalid("metadata", "names other than 'id'", "'id'"));
        }
        let field = format!("metadata.{name}");
        if value.get().starts_with(['{', '[']) {
            return Err(field_invalid(&field, "a text, a number, or yes or no", "an object or a list"));
        }
        if value.get().len() > METADATA_VALUE_BYTES_MAX {
            let expected = format!("at most {METADATA_VALUE_BYTES_MAX} bytes");
            return Err(field_invalid(&field, &expected, value.get().len()));
        }
    }
    Ok(metadata)
}
