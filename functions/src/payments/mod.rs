//! The payments family: wire-compatible with the Purse Payment API, version 2. A payment is an order that somebody
//! has begun to pay, and its identity is the order's, as a UUID.

pub mod capture;
pub mod client_sessions;
pub mod get;
mod operation;
pub mod refund;
pub mod void;

use api::{Call, Code, Engine, Problem, Reply, field_invalid};
use app::{Error, OrderKey, access::Caller};
use domain::{MerchantAccount, Order, OrderId, Reference, Version};
use http::StatusCode;
use webhooks::format::{FormatFault, payments::payment};

fn not_found() -> Problem {
    Problem::new(Code::NotFound, "There is no such payment.")
}

/// The merchant account of an `entity_id`, if the caller may use it; whether there is one is not told.
pub(crate) fn merchant(caller: &Caller, field: &str, entity_id: &str) -> Result<MerchantAccount, Problem> {
    let known = match caller {
        Caller::Operator => &[],
        Caller::Key { merchants, .. } => merchants.as_slice(),
    };
    let id = uuid::Uuid::try_parse(entity_id).map_err(|_| field_invalid(field, "a UUID", "another text"))?;
    let found = known.iter().find(|merchant| merchant.entity_id() == id).cloned();
    let forbidden = || {
        let message = format!("Field '{field}' is not valid: it is no merchant account that this key may use.");
        Problem::new(Code::MerchantForbidden, message)
    };
    found.ok_or_else(forbidden)
}

/// The order that the path names, as it stands. A caller of several merchant accounts may say by `entity_id` whose
/// it is; if it does not, each is looked at.
async fn find<B>(engine: &Engine, call: &Call<B>) -> Result<(OrderKey, Order), Problem> {
    let id = order_id(call.path("id")).ok_or_else(not_found)?;
    let merchants = match (call.query("entity_id"), &call.caller) {
        (Some(entity_id), caller) => vec![merchant(caller, "entity_id", entity_id)?],
        (None, Caller::Key { merchants, .. }) => merchants.clone(),
        (None, Caller::Operator) => Vec::new(),
    };
    for merchant in merchants {
        let key = OrderKey { merchant, id };
        match engine.app.find(&key).await {
            Ok(order) => return Ok((key, order)),
            Err(Error::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(not_found())
}

/// What describes the payment that the path names.
#[cfg(feature = "openapi")]
fn named_by_path() -> api::openapi::Description {
    let text = "Whose it is, for a key that may use several merchant accounts. Without it, each is looked at.";
    api::openapi::Description::new().path("id", "The identity of the order: its UUID, or its reference.").query(
        "entity_id",
        text,
        schemars::json_schema!({ "type": "string", "format": "uuid" }),
    )
}

/// What the endpoints of a payment answer.
#[cfg(feature = "openapi")]
fn payment_named_by_path() -> api::openapi::Description {
    named_by_path().answer::<webhooks::format::payments::PaymentView<'_>>(StatusCode::OK, "The payment as it stands.")
}

/// The order of that UUID. The 16 characters that other families use do as well.
fn order_id(id: &str) -> Option<OrderId> {
    let reference = id.parse::<Reference>().ok()?;
    (reference.version() == Version::FIRST).then(|| reference.order())
}

/// The same order, if somebody has begun to pay it: before that there is no payment (Purse: it "is created when the
/// client-session is SUBMITTED").
fn submitted(order: Order) -> Result<Order, Problem> {
    if order.payments.is_empty() {
        let message = "There is no such payment yet: nobody has begun to pay this order.";
        return Err(Problem::new(Code::NotFound, message));
    }
    Ok(order)
}

/// The payment, as it stands.
async fn answer(engine: &Engine, key: &OrderKey, order: &Order) -> Result<Reply, Problem> {
    let details = engine.app.details(key, order).await?;
    Reply::json(StatusCode::OK, None, &payment(key, order, &details).map_err(|fault| unwritable(&fault))?)
}

fn unwritable(fault: &FormatFault) -> Problem {
    tracing::error!(%fault, "a payment could not be rendered");
    Problem::new(Code::Internal, "Something went wrong here. It was logged.")
}
