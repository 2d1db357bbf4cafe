//! The paymentorders family: wire-compatible with Swedbank Pay's payment orders, versions 2.0, 3.0 and 3.1. A payment
//! order is an order of the engine, and its identity is the order's, as a UUID. What a field means is said by
//! Swedbank's documents; where they are silent, `docs/PAYMENTORDERS.md` has what was decided.

pub mod cancel;
pub mod capture;
pub mod create;
mod fields;
pub mod get;
mod items;
mod offers;
mod operation;
pub mod page;
pub mod part;
mod parts;
mod records;
pub mod reverse;
mod told;
pub mod update;
mod view;

use api::{Call, Code, Engine, LineNames, Problem, line_problem};
use app::{Error, OrderKey, access::Caller};
use domain::{MerchantAccount, Order, OrderId, Reference, Time, Version, order::Refusal};
use jiff::Timestamp;

/// What this family calls the lines of an order.
const ORDER_NAMES: LineNames = LineNames {
    list: "orderItems",
    line: "reference",
    amount: "amount",
    tax: "vatAmount",
    reverses: "reference",
    total: "amount",
    total_tax: "vatAmount",
};

/// What it calls those of a capture or a reversal.
const TRANSACTION_NAMES: LineNames = LineNames {
    list: "transaction.orderItems",
    total: "transaction.amount",
    total_tax: "transaction.vatAmount",
    ..ORDER_NAMES
};

/// A time as ISO 8601 with seven decimals of a second, as all of this family's times are: `2018-09-14T13:21:29.3180000Z`.
fn precise(time: Time) -> String {
    let timestamp = i64::try_from(time.unix_ms()).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    timestamp.map(|timestamp| timestamp.strftime("%Y-%m-%dT%H:%M:%S.%3f0000Z").to_string()).unwrap_or_default()
}

fn not_found() -> Problem {
    Problem::new(Code::NotFound, "There is no such payment order.")
}

/// The merchant account that `payeeInfo.payeeId` names, by its UUID or its name, if the caller may use it; whether
/// there is one is not told.
fn merchant(caller: &Caller, payee_id: &str) -> Result<MerchantAccount, Problem> {
    let known = match caller {
        Caller::Operator => &[],
        Caller::Key { merchants, .. } => merchants.as_slice(),
    };
    let id = uuid::Uuid::try_parse(payee_id).ok();
    let is_meant = |merchant: &&MerchantAccount| Some(merchant.entity_id()) == id || merchant.as_str() == payee_id;
    let found = known.iter().find(is_meant).cloned().ok_or_else(|| {
        let message = "Field 'payeeInfo.payeeId' is not valid: expected a merchant account that this key may use, by \
                       its UUID or its name, got another.";
        Problem::new(Code::MerchantForbidden, message).of_field("payeeInfo.payeeId")
    })?;
    tracing::Span::current().record("merchant", found.as_str());
    Ok(found)
}

/// The order that the path names, whoever opened it, after what was due on it has been done.
async fn find<B>(engine: &Engine, call: &Call<B>) -> Result<(OrderKey, Order), Problem> {
    let id = order_id(call.path("id")).ok_or_else(not_found)?;
    let merchants = match &call.caller {
        Caller::Key { merchants, .. } => merchants.as_slice(),
        Caller::Operator => &[],
    };
    for merchant in merchants {
        let key = OrderKey { merchant: merchant.clone(), id };
        match engine.app.find(&key).await {
            Ok(order) => {
                let order = engine.app.advance(&key, order).await?;
                return Ok((key, order));
            }
            Err(Error::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(not_found())
}

/// The order of that UUID. The 16 characters that other families use do as well.
fn order_id(id: &str) -> Option<OrderId> {
    let reference = id.parse::<Reference>().ok()?;
    (reference.version() == Version::FIRST).then(|| reference.order())
}

/// Where an order is found: what clients take as its `id`.
fn path(key: &OrderKey) -> String {
    format!("/psp/paymentorders/{}", key.id.reference().to_uuid())
}

/// The fields that the rules' refusals are about, by this family's names.
#[derive(Debug, Clone, Copy)]
struct Names {
    lines: LineNames,
    amount: &'static str,
    tax: &'static str,
    /// The reference that a request is told apart from others by.
    reference: &'static str,
    description: &'static str,
    /// Where most of what is told stands.
    details: &'static str,
}

/// Those of a payment order.
const ORDER: Names = Names {
    lines: ORDER_NAMES,
    amount: "amount",
    tax: "vatAmount",
    reference: "payeeInfo.payeeReference",
    description: "description",
    details: "metadata",
};

/// Those of a capture, a cancellation or a reversal.
const TRANSACTION: Names = Names {
    lines: TRANSACTION_NAMES,
    amount: "transaction.amount",
    tax: "transaction.vatAmount",
    reference: "transaction.payeeReference",
    description: "transaction.description",
    details: "transaction.orderItems",
};

/// What the amount of an operation is called where it is more than there is.
const TRANSACTION_AMOUNT: &str = "Transaction.Amount";

/// What the rules refuse, in this family's words.
fn problem(error: Error, names: &Names) -> Problem {
    let refusal = match error {
        Error::Refused(refusal) => refusal,
        Error::NotFound => return not_found(),
        Error::Contended | Error::Begun { .. } | Error::Store(_) => return error.into(),
    };
    let field = match &refusal {
        Refusal::Lines(fault) => return line_problem(fault, &names.lines),
        Refusal::AmountZero | Refusal::AmountTooLarge | Refusal::BelowPaid { .. } => names.amount,
        Refusal::NotAvailable { .. }
        | Refusal::NotAdmitted { .. }
        | Refusal::NotWhole { .. }
        | Refusal::NotMore { .. } => TRANSACTION_AMOUNT,
        Refusal::TaxInvalid { .. } => names.tax,
        Refusal::KeyReused | Refusal::InProgress | Refusal::ReferenceLength { .. } => names.reference,
        Refusal::DescriptionLength { .. } => names.description,
        Refusal::DetailsTooLong { .. } | Refusal::DetailsFull => names.details,
        Refusal::NoLines => names.lines.list,
        Refusal::CurrencyMismatch { .. }
        | Refusal::ExpiryPast
        | Refusal::ExpiryTooFar
        | Refusal::Expired
        | Refusal::Cancelled
        | Refusal::Closed
        | Refusal::Stale { .. }
        | Refusal::ExceedsRemaining { .. }
        | Refusal::TooManyPayments
        | Refusal::TooManyOperations
        | Refusal::UnknownPayment
        | Refusal::NotCaptured
        | Refusal::NothingAvailable
        | Refusal::InFlight
        | Refusal::NotAuthorised
        | Refusal::Unchanged
        | Refusal::ShipmentsMismatch { .. }
        | Refusal::LinesChanged
        | Refusal::Taken
        | Refusal::Attempted { .. }
        | Refusal::EndsByItself
        | Refusal::Locked
        | Refusal::ForeignPaymentLength { .. }
        | Refusal::Captured { .. }
        | Refusal::CaptureDelayTooLong
        | Refusal::NeedsHistory => return refusal.into(),
    };
    let said = if let Refusal::BelowPaid { asked, paid } = &refusal {
        let (asked, paid) = (asked.minor(), paid.minor());
        format!("expected at least {paid}, which is paid or being paid, got {asked}")
    } else if refusal == Refusal::KeyReused {
        "expected a reference that is new, got one of another request".to_owned()
    } else if refusal == Refusal::AmountZero {
        "expected more than 0 minor units, got 0".to_owned()
    } else {
        refusal.to_string()
    };
    let message = format!("Field '{field}' is not valid: {said}.");
    Problem { message, ..Problem::from(refusal) }.of_field(field)
}

/// What describes the payment order that the path names.
#[cfg(feature = "openapi")]
fn named_by_path() -> api::openapi::Description {
    api::openapi::Description::new().path("id", "The identity of the payment order: its UUID, or its reference.")
}

/// The same, with the parameter that has parts of it told at once.
#[cfg(feature = "openapi")]
fn expandable(description: api::openapi::Description) -> api::openapi::Description {
    let text = "What of it is to be told at once, by the names of its links, with commas between them.";
    description.query("$expand", text, schemars::json_schema!({ "type": "string", "examples": ["orderItems,history"] }))
}
