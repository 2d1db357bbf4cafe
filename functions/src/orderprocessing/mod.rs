//! The orderprocessing family: credit, wire-compatible with NewDay's order processing. An authorisation made here is an
//! order with one payment, and its identity is the payment's, as a UUID; a transaction's is that of the capture.

pub mod adjust;
pub mod authorise;
pub(crate) mod credit;
pub mod customer_options;
pub mod initiate;
mod money;
mod operation;
pub(crate) mod options;
pub mod product_options;
pub mod refund;
pub mod reverse;
pub mod sca;
pub mod settle;

use api::{Call, Code, Engine, Problem, field_invalid, field_missing};
use app::{Error, OrderKey};
use domain::{
    MerchantAccount, Order, Reference, Version,
    order::{PartnerId, Payment},
};

/// The longest text that tells more of a request, in characters.
const TEXT_CHARS_MAX: usize = domain::limits::DESCRIPTION_CHARS_MAX;

/// The merchant account that a request is about: that of its header, or the only one that its caller may use.
fn merchant<B>(call: &Call<B>) -> Result<MerchantAccount, Problem> {
    const FIELD: &str = "context-merchantId";
    let merchant = match (&call.lending.merchant, call.caller.only_merchant()) {
        (Some(id), _) => crate::payments::merchant(&call.caller, FIELD, id)?,
        (None, Some(only)) => only.clone(),
        (None, None) => return Err(field_missing(FIELD)),
    };
    tracing::Span::current().record("merchant", merchant.as_str());
    Ok(merchant)
}

/// The customer that the path names.
fn customer<B>(call: &Call<B>) -> Result<String, Problem> {
    let customer = call.path("customerRef");
    credit::check_customer("customerRef", customer)?;
    Ok(customer.to_owned())
}

/// Refuses a request that moves money and could not be told from its repetition.
fn check_keyed<B>(call: &mut Call<B>) -> Result<(), Problem> {
    const FIELD: &str = "idempotency-key";
    let key = call.idempotency_key.as_deref().ok_or_else(|| field_missing(FIELD))?;
    let key = uuid::Uuid::try_parse(key).map_err(|_| field_invalid(FIELD, "a UUID", "another text"))?;
    // However it is written, it is the same key.
    call.idempotency_key = Some(key.to_string());
    Ok(())
}

fn no_authorisation() -> Problem {
    Problem::new(Code::NotFound, "The customer has no such authorisation.")
}

fn no_transaction() -> Problem {
    Problem::new(Code::NotFound, "The customer has no such transaction.")
}

/// A credit payment of a customer.
struct Found {
    key: OrderKey,
    order: Order,
    payment: Payment,
}

/// The payment of a reference, or the first of those of the capture of a reference, that is the customer's.
async fn find(
    engine: &Engine,
    merchant: MerchantAccount,
    customer: &str,
    id: &str,
    payments_of: impl Fn(&Order, Version) -> Vec<Version>,
    none: fn() -> Problem,
) -> Result<(Found, Version), Problem> {
    let reference = id.parse::<Reference>().map_err(|_| none())?;
    let (key, version) = (OrderKey { merchant, id: reference.order() }, reference.version());
    let order = engine.app.find(&key).await.map_err(|error| match error {
        Error::NotFound => none(),
        Error::Refused(_) | Error::Contended | Error::Begun { .. } | Error::Store(_) => error.into(),
    })?;
    let is_theirs = |payment: &&Payment| {
        payment.partner == PartnerId::Credit && engine.credits.is_of(&key.merchant, customer, &payment.token)
    };
    let payments = payments_of(&order, version);
    let payment = payments.iter().filter_map(|payment| order.payment(*payment)).find(is_theirs).cloned();
    let payment = payment.ok_or_else(none)?;
    Ok((Found { key, order, payment }, version))
}

/// Reads a text that tells more of a request.
fn text(field: &str, text: Option<String>, most: usize) -> Result<Option<String>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let chars = text.chars().count();
    if !(1..=most).contains(&chars) {
        return Err(field_invalid(field, &format!("1 to {most} characters"), chars));
    }
    if text.chars().any(char::is_control) {
        return Err(field_invalid(field, "text without control characters", "some"));
    }
    Ok(Some(text))
}

/// What describes the customer that the path names.
#[cfg(feature = "openapi")]
fn of_customer() -> api::openapi::Description {
    api::openapi::Description::new().path("customerRef", "The merchant's name for the customer.").of_merchant()
}

/// What describes the authorisation that the path names, and what is asked of it.
#[cfg(feature = "openapi")]
fn of_authorisation() -> api::openapi::Description {
    of_customer().path("authorisationId", "What the authorisation answered.").keyed_by_uuid()
}
