//! The shopping family: wire-compatible with Dintero's orders. An order has lines, lives on after it is paid, and is
//! changed by taking lines back and adding others; its payments are ours, whose money moves, or somebody else's.
//!
//! What the family has of its own are drafts, and names for orders that merchants choose; see `docs/SHOPPING.md`.

pub mod drafts;
pub mod items;
pub mod operations;
pub mod orders;
pub mod token;
mod wire;

use api::{Call, Code, Engine, LineNames, Problem, field_invalid, line_problem};
use app::{DraftError, Error, OrderKey};
use data_encoding::BASE64URL_NOPAD;
use domain::{
    Order, Reference, Version,
    draft::DraftRefusal,
    order::{
        Refusal,
        line::{Fault, LineFault},
    },
};
use serde::{Serialize, de::DeserializeOwned};

/// What the lines of an order are called where they stand in `order`, as in a draft.
const IN_DRAFT: LineNames = LineNames {
    list: "order.items",
    line: "line_id",
    amount: "gross_amount",
    tax: "tax_lines",
    reverses: "related_item.line_id",
    total: "order.items",
    total_tax: "order.items",
};

/// What they are called in a request that is the order itself.
const IN_ORDER: LineNames = LineNames { list: "items", total: "items", total_tax: "items", ..IN_DRAFT };

/// What is asked of them.
const IN_OPERATION: LineNames = LineNames { amount: "amount", ..IN_ORDER };

/// Things on a page of a list, if the request does not say.
const PAGE_DEFAULT: u16 = 10;

/// The most things on a page of a list.
const PAGE_MAX: u16 = 100;

/// The longest `page_token`, in characters: that of a list of orders names a stream.
const PAGE_TOKEN_CHARS_MAX: usize = 400;

/// The order that a path names, as it stands: by its reference, by that as a UUID, or by the name it was opened under,
/// which may look like a reference.
async fn find<B>(engine: &Engine, call: &Call<B>) -> Result<(OrderKey, Order), Problem> {
    let merchant = call.merchant(Some(call.path("account")))?;
    let name = call.path("order_id");
    let reference = name.parse::<Reference>().ok().filter(|reference| reference.version() == Version::FIRST);
    if let Some(reference) = reference {
        let key = OrderKey { merchant: merchant.clone(), id: reference.order() };
        match engine.app.find(&key).await {
            Err(Error::NotFound) => {}
            found => return Ok((key, found?)),
        }
    }
    let key = OrderKey { id: engine.app.order_of_alias(&merchant, name), merchant };
    let order = engine.app.find(&key).await?;
    Ok((key, order))
}

/// What an order is called: the name it was opened under, else its reference.
fn name_of(key: &OrderKey, order: &Order) -> String {
    let alias = order.cart.as_ref().and_then(|cart| cart.alias.clone());
    alias.unwrap_or_else(|| key.id.reference().to_string())
}

/// What the rules say, in the words of this family.
fn problem(error: Error, names: &LineNames) -> Problem {
    match error {
        Error::Refused(Refusal::Lines(fault)) => fault_problem(&fault, names),
        Error::Refused(Refusal::AmountZero) => {
            let expected = "items that come to more than 0 minor units";
            Problem { code: Code::AmountInvalid, ..field_invalid(names.list, expected, 0) }
        }
        Error::Refused(refusal @ Refusal::TaxInvalid { .. }) => {
            let message = format!("Field '{}' is not valid: {refusal}.", names.list);
            Problem::new(Code::TaxInvalid, message).of_field(names.list)
        }
        Error::Refused(Refusal::CurrencyMismatch { expected, actual }) => {
            let field = if names.list == IN_DRAFT.list { "order.currency" } else { "currency" };
            let expected = format!("the order's currency, {expected}");
            Problem { code: Code::CurrencyMismatch, ..field_invalid(field, &expected, actual) }
        }
        Error::Refused(refusal @ Refusal::ForeignPaymentLength { .. }) => {
            let field = "payment_details.payment_id";
            Problem::new(Code::FieldInvalid, format!("Field '{field}' is not valid: {refusal}.")).of_field(field)
        }
        Error::Refused(refusal @ (Refusal::UnknownPayment | Refusal::NotAuthorised)) => {
            let expected = "a payment of this order that was authorised, or, of an order of this family, one of others";
            let message = format!("Field '{PAYMENT_ID}' is not valid: expected {expected}, but {refusal}.");
            Problem { message, ..Problem::from(refusal).of_field(PAYMENT_ID) }
        }
        Error::Refused(refusal @ (Refusal::DetailsTooLong { .. } | Refusal::DetailsFull)) => {
            let mut message = refusal.to_string();
            if let Some(first) = message.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            Problem::new(Code::DetailsTooLong, format!("{message}."))
        }
        Error::Refused(_) | Error::NotFound | Error::Contended | Error::Begun { .. } | Error::Store(_) => error.into(),
    }
}

/// Where an operation says which payment it is about.
const PAYMENT_ID: &str = "payment_details.payment_id";

fn fault_problem(fault: &LineFault, names: &LineNames) -> Problem {
    // There the line's number and the merchant's reference of it are two fields.
    if let (Some(index), Fault::ReversalDiffers { what: "reference", .. }) = (fault.at, &fault.what) {
        let field = format!("{}[{index}].id", names.list);
        let message = format!("Field '{field}' is not valid: {}.", fault.what);
        return Problem::new(Code::ReversalInvalid, message).of_field(&field);
    }
    line_problem(fault, names)
}

/// What the rules of drafts say.
fn draft_problem(error: DraftError, names: &LineNames) -> Problem {
    let mut message = error.to_string();
    if let Some(first) = message.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    message.push('.');
    match error {
        DraftError::Order(error) => problem(error, names),
        DraftError::NoCurrency => api::field_missing("order.currency"),
        DraftError::TooLong { .. } => Problem::new(Code::LinesTooMany, message).of_field(names.list),
        DraftError::Overtaken { order } => {
            let advice =
                "has what the draft was before it was changed last: look at it, and make another draft for the rest.";
            Problem::new(Code::DraftFrozen, format!("The order {order} {advice}"))
        }
        DraftError::Refused(refusal) => match refusal {
            DraftRefusal::NotFound | DraftRefusal::LineNotFound => Problem::new(Code::NotFound, message),
            DraftRefusal::Completing | DraftRefusal::Completed => Problem::new(Code::DraftFrozen, message),
            DraftRefusal::TooManyChanges => Problem::new(Code::TooManyOperations, message),
            DraftRefusal::DetailsTooLong { .. } => Problem::new(Code::DetailsTooLong, message),
            DraftRefusal::Lines(fault) => fault_problem(&fault, names),
            DraftRefusal::KeyReused => Refusal::KeyReused.into(),
        },
    }
}

/// How many things are wanted on a page.
fn limit<B>(call: &Call<B>) -> Result<u16, Problem> {
    let Some(text) = call.query("limit") else { return Ok(PAGE_DEFAULT) };
    let limit = text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
    limit.ok_or_else(|| field_invalid("limit", &format!("a number from 1 to {PAGE_MAX}"), "another text"))
}

/// Where a page was left off, in a text that says nothing to clients.
fn page_token(left_off: &impl Serialize) -> Result<String, Problem> {
    let json = serde_json::to_vec(left_off).map_err(|error| unwritable(&error))?;
    Ok(BASE64URL_NOPAD.encode(&json))
}

/// Where the page goes on that is asked for, if it is not the first.
fn left_off<B, T: DeserializeOwned>(call: &Call<B>) -> Result<Option<T>, Problem> {
    let Some(token) = call.query("page_token") else { return Ok(None) };
    let json = Some(token).filter(|token| token.len() <= PAGE_TOKEN_CHARS_MAX);
    let json = json.and_then(|token| BASE64URL_NOPAD.decode(token.as_bytes()).ok());
    let left_off = json.and_then(|json| serde_json::from_slice(&json).ok());
    let invalid = || field_invalid("page_token", "the 'next_page_token' of another page", "another text");
    left_off.map(Some).ok_or_else(invalid)
}

fn unwritable(error: &serde_json::Error) -> Problem {
    tracing::error!(%error, "something could not be rendered");
    Problem::new(Code::Internal, "Something went wrong here. It was logged.")
}

/// What the paths of the family have in common.
#[cfg(feature = "openapi")]
fn described() -> api::openapi::Description {
    api::openapi::Description::new().path("account", "The merchant account.")
}

#[cfg(feature = "openapi")]
fn described_by_order() -> api::openapi::Description {
    described().path("order_id", "The order: the name it was opened under, its reference, or that as a UUID.")
}

#[cfg(feature = "openapi")]
fn paged(described: api::openapi::Description) -> api::openapi::Description {
    let limit =
        schemars::json_schema!({ "type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_DEFAULT });
    described.query("limit", "The most on a page.", limit).query(
        "page_token",
        "The `next_page_token` of the page before.",
        schemars::json_schema!({ "type": "string" }),
    )
}
