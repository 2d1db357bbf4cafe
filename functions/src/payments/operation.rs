//! What captures, voids and refunds have in common: the request, and how it is done.

use api::{Call, Code, Engine, Object, Problem, Reply, field_invalid, field_missing};
use app::{Error, OrderKey};
use domain::{
    Currency, Money, Order, Version,
    limits::{PRIORITIES_MAX, PRIORITY_NAME_CHARS_MAX},
    order::{ANY, Operate, OperationKind, Priority, Refusal, Target},
};
use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::{answer, find, submitted};

/// The request. All of it may be left out: then it is about everything that is available.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OperationRequest"))]
pub struct Body {
    /// How much; all that is available, if it is not given.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Minor>"))]
    amount: Option<i64>,
    /// The payment's currency.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Currency>"))]
    currency: Option<String>,
    /// The merchant's reference of it.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = domain::limits::REFERENCE_CHARS_MAX)))]
    merchant_reference: Option<String>,
    /// Which parts to take first.
    #[cfg_attr(feature = "openapi", schemars(length(max = domain::limits::PRIORITIES_MAX)))]
    priorities: Option<Vec<Object<PriorityEntry>>>,
    /// What is shipped, or comes back.
    order: Option<Object<Shipped>>,
}

/// Which parts of a payment.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PriorityEntry"))]
struct PriorityEntry {
    /// Who stands behind the money, or `*`.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = domain::limits::PRIORITY_NAME_CHARS_MAX)))]
    partner: Option<String>,
    /// `creditcard`, `giftcard`, `ideal`, `credit`, or `*`.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = domain::limits::PRIORITY_NAME_CHARS_MAX)))]
    method: Option<String>,
}

/// What is shipped with a capture, or comes back with a refund.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Shipped"))]
struct Shipped {
    /// The parcels.
    shipments: Option<Vec<Object<Shipment>>>,
}

/// A parcel.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Shipment"))]
struct Shipment {
    /// What it comes to.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Minor"))]
    net_amount: Option<i64>,
    /// What is in it.
    item_lines: Option<Vec<Object<ItemLine>>>,
}

/// A line of a parcel. It is told back as it came, and nothing is computed from it.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ItemLine"))]
struct ItemLine {
    /// What kind of thing it is.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    sku_reference: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Its brand.
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<String>,
    /// What one costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit_gross_price: Option<i64>,
    /// What they come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    net_amount: Option<i64>,
    /// What was taken off.
    #[serde(skip_serializing_if = "Option::is_none")]
    discount_amount: Option<i64>,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<f64>"))]
    quantity: Option<Number>,
    /// The tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_amount: Option<i64>,
    /// The rate of the tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<f64>"))]
    tax_rate: Option<Number>,
    /// The seller's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    seller_reference: Option<String>,
    /// The seller's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    seller_name: Option<String>,
    /// Whether somebody else sells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_marketplace_seller: Option<bool>,
}

/// The `order` of an operation as it is kept and told.
#[derive(Serialize)]
struct ShippedView {
    shipments: Vec<ShipmentView>,
}

#[derive(Serialize)]
struct ShipmentView {
    net_amount: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_lines: Option<Vec<ItemLine>>,
}

/// Does an operation on a payment, as far as it can be done now.
pub(super) async fn operate(engine: &Engine, call: Call<Body>, kind: OperationKind) -> Result<Reply, Problem> {
    let (key, order) = find(engine, &call).await?;
    let order = submitted(order)?;
    let print = call.key_print(engine, &key.merchant);
    // A key that comes again is a conflict whatever it comes with, also with what could not be read.
    if let Some(made) = order.key_use(print)? {
        return Err(repeated(&key, made));
    }
    let operate = Operate { key: print, ..read(call.body, &order, kind)? };
    let operated = engine.app.operate(&key, Some(order), operate).await.map_err(problem)?;
    if operated.is_repeated {
        return Err(repeated(&key, operated.operation));
    }
    // It was taken: what goes wrong from here on must not look as if it could be asked for again.
    answer(engine, &key, &operated.order).await.map_err(|problem| Problem {
        resource: Some(key.id.at(operated.operation).to_uuid().to_string()),
        message: format!("{} The operation was taken, and resource_id names it: look at the payment.", problem.message),
        is_begun: true,
        ..problem
    })
}

fn repeated(key: &OrderKey, made: Version) -> Problem {
    let resource = key.id.at(made).to_uuid().to_string();
    let message = "A request with this x-idempotency-key was taken before, and made what resource_id names.";
    Problem { resource: Some(resource), ..Problem::new(Code::WriteConflict, message) }
}

/// The rules speak of `amount.value` and `reference` where this family says `amount` and `merchant_reference`.
fn problem(error: Error) -> Problem {
    match error {
        Error::Refused(Refusal::AmountZero) => {
            Problem::new(Code::AmountInvalid, "Field 'amount' is not valid: expected more than 0 minor units, got 0.")
        }
        Error::Refused(refusal @ Refusal::ReferenceLength { .. }) => {
            Problem::new(Code::FieldInvalid, format!("Field 'merchant_reference' is not valid: {refusal}."))
        }
        Error::Refused(Refusal::CurrencyMismatch { expected, actual }) => currency_mismatch(expected, actual),
        Error::Refused(_) | Error::NotFound | Error::Contended | Error::Begun { .. } | Error::Store(_) => error.into(),
    }
}

fn currency_mismatch(expected: Currency, actual: Currency) -> Problem {
    let message = format!("Field 'currency' is not valid: the payment is in {expected}, got {actual}.");
    Problem::new(Code::CurrencyMismatch, message)
}

fn read(body: Body, order: &Order, kind: OperationKind) -> Result<Operate, Problem> {
    let currency = match body.currency {
        None => order.amount.currency(),
        Some(code) => code.parse::<Currency>().map_err(|error| {
            Problem::new(Code::CurrencyUnknown, format!("Field 'currency' is not valid: it is {error}."))
        })?,
    };
    if currency != order.amount.currency() {
        return Err(currency_mismatch(order.amount.currency(), currency));
    }
    let amount = body.amount.map(|amount| money("amount", currency, amount)).transpose()?;
    let priorities = body.priorities.map(priorities).transpose()?;
    let (shipped, details) = match body.order.and_then(|Object(order)| order.shipments) {
        None => (None, None),
        Some(shipments) => {
            let (sum, view) = shipments_of(shipments, currency)?;
            let details = serde_json::to_string(&view).map_err(|error| {
                tracing::error!(%error, "shipments could not be rendered");
                Problem::new(Code::Internal, "Something went wrong here. It was logged.")
            })?;
            (Some(sum), Some(details))
        }
    };
    let reference = match body.merchant_reference {
        Some(text) if text.chars().any(char::is_control) => {
            return Err(field_invalid("merchant_reference", "text without control characters", "some"));
        }
        reference => reference,
    };
    Ok(Operate { priorities, reference, shipped, details, ..Operate::new(kind, Target::Order, amount) })
}

/// An amount in minor units; zero is left to the rules.
fn money(field: &str, currency: Currency, minor: i64) -> Result<Money, Problem> {
    u64::try_from(minor).ok().and_then(|minor| Money::try_new(currency, minor).ok()).ok_or_else(|| {
        let expected = format!("expected a whole number of minor units, and nothing negative, got {minor}");
        Problem::new(Code::AmountInvalid, format!("Field '{field}' is not valid: {expected}."))
    })
}

fn priorities(entries: Vec<Object<PriorityEntry>>) -> Result<Vec<Priority>, Problem> {
    if entries.len() > PRIORITIES_MAX {
        return Err(field_invalid("priorities", &format!("at most {PRIORITIES_MAX} entries"), entries.len()));
    }
    let entries = entries.into_iter().enumerate().map(|(index, Object(entry))| {
        let name = |field: &str, name: Option<String>| {
            let field = format!("priorities[{index}].{field}");
            let name = name.ok_or_else(|| field_missing(&field))?;
            match name.chars().count() {
                1..=PRIORITY_NAME_CHARS_MAX => Ok(name),
                actual => {
                    let expected = format!("1 to {PRIORITY_NAME_CHARS_MAX} characters, or '{ANY}'");
                    Err(field_invalid(&field, &expected, actual))
                }
            }
        };
        Ok(Priority { partner: name("partner", entry.partner)?, method: name("method", entry.method)? })
    });
    entries.collect()
}

/// The shipments, and what they come to.
fn shipments_of(shipments: Vec<Object<Shipment>>, currency: Currency) -> Result<(Money, ShippedView), Problem> {
    let mut sum = money("order.shipments", currency, 0)?;
    let mut views = Vec::with_capacity(shipments.len());
    for (index, Object(shipment)) in shipments.into_iter().enumerate() {
        let field = format!("order.shipments[{index}].net_amount");
        let net = money(&field, currency, shipment.net_amount.ok_or_else(|| field_missing(&field))?)?;
        sum = sum.checked_add(net).map_err(|error| {
            Problem::new(Code::AmountInvalid, format!("Field 'order.shipments' is not valid: {error}."))
        })?;
        let item_lines = shipment.item_lines.map(|lines| lines.into_iter().map(|Object(line)| line).collect());
        views.push(ShipmentView { net_amount: net.minor(), item_lines });
    }
    Ok((sum, ShippedView { shipments: views }))
}
