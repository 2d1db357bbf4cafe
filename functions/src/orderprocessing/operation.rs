//! What is done with an authorisation: read, asked for, and what came of it.

use api::{Call, Code, Engine, Object, Problem};
use app::{Error, Operated, OrderKey};
use domain::{
    Action, Money, Order, Version,
    credit::Settings,
    order::{Only, Operate, Operation, OperationKind, Refusal, Standing, Target},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{TEXT_CHARS_MAX, check_keyed, customer, find, merchant, money::Amount, no_authorisation, text};

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreditOperationRequest"))]
pub struct Body {
    /// How much.
    #[cfg_attr(feature = "openapi", schemars(with = "Amount"))]
    amount: Option<Object<Amount>>,
    /// What the merchant says of it.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = TEXT_CHARS_MAX)))]
    description: Option<String>,
}

/// What is told about an operation.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_session_id: Option<&'a str>,
}

/// What else has to hold of what is asked of an authorisation.
pub(super) enum Needs {
    /// It is with all that is left, unless the merchant has agreed on parts.
    Whole(fn(&Settings) -> bool),
    /// The amount is more than what is authorised.
    More,
}

/// Asks for something of the authorisation that the path names; with the payment that it is.
pub(super) async fn of_authorisation(
    engine: &Engine,
    mut call: Call<Body>,
    kind: OperationKind,
    needs: Needs,
) -> Result<(Asked, Version), Problem> {
    let (merchant, customer) = (merchant(&call)?, customer(&call)?);
    check_keyed(&mut call)?;
    let key = call.key_print(engine, &merchant);
    let (amount, details) = read(&mut call)?;
    let id = call.path("authorisationId");
    let itself = |_: &Order, version: Version| vec![version];
    let (found, payment) = find(engine, merchant, &customer, id, itself, no_authorisation).await?;
    let only = match needs {
        Needs::Whole(unless) => {
            let settings = engine.credits.settings(&found.key.merchant).await?;
            Only { whole: !unless(&settings), ..Only::default() }
        }
        Needs::More => Only { upward: true, ..Only::default() },
    };
    let operate = Operate { details, only, key, ..Operate::new(kind, Target::Payment(payment), Some(amount)) };
    Ok((ask(engine, found.key, found.order, operate).await?, payment))
}

/// Reads what is asked for: how much, and what is told of it.
pub(super) fn read(call: &mut Call<Body>) -> Result<(Money, Option<String>), Problem> {
    let amount = Amount::read(call.body.amount.take())?;
    let description = text("description", call.body.description.take(), TEXT_CHARS_MAX)?;
    let told = Told { description: description.as_deref(), client_session_id: call.lending.client_session.as_deref() };
    if told.description.is_none() && told.client_session_id.is_none() {
        return Ok((amount, None));
    }
    let told = serde_json::to_string(&told).map_err(|error| {
        tracing::error!(%error, "what is told of an operation could not be rendered");
        Problem::new(Code::Internal, "Something went wrong here. It was logged.")
    })?;
    Ok((amount, Some(told)))
}

/// An operation that was asked for, and what has become of it.
pub(super) struct Asked {
    /// What it is named by.
    pub(super) id: String,
    /// The operation.
    pub(super) operation: Operation,
    /// Which order it is of.
    key: OrderKey,
}

/// Asks for an operation, or finds the one that the same request asked for before.
pub(super) async fn ask(engine: &Engine, key: OrderKey, order: Order, operate: Operate) -> Result<Asked, Problem> {
    let operated = engine.app.operate(&key, Some(order), operate).await.map_err(problem)?;
    let Operated { order, operation: version, is_repeated } = operated;
    let order = if is_repeated { engine.app.concluded(&key, order, version).await? } else { order };
    let operation = order.operation(version).cloned().ok_or_else(|| {
        tracing::error!(%version, "an operation that was asked for is not there");
        Problem::new(Code::Internal, "Something went wrong here. It was logged.")
    })?;
    let id = key.id.at(version).to_uuid().to_string();
    Ok(Asked { id, operation, key })
}

impl Asked {
    /// What identifies a payment of its order.
    pub(super) fn id_of(&self, payment: Version) -> String {
        self.key.id.at(payment).to_uuid().to_string()
    }

    /// The status to answer with, unless it was declined.
    pub(super) fn status(&self) -> Result<StatusCode, Problem> {
        match self.operation.standing() {
            Standing::Success | Standing::Conflict => Ok(StatusCode::OK),
            Standing::Pending | Standing::Uncertain => Ok(StatusCode::ACCEPTED),
            Standing::Failure => {
                let reason = self.operation.decline().map_or("Error", super::authorise::declined);
                Err(Problem::new(Code::OperationDeclined, format!("It was declined, and nothing moved: {reason}.")))
            }
        }
    }

    /// What of a payment was neither settled nor reversed, right after this was asked for: so a repetition is answered
    /// as it was, whatever happened since.
    pub(super) async fn float(&self, engine: &Engine, payment: Version) -> Result<Money, Problem> {
        let order = engine.app.order_at(&self.key, self.operation.version).await?;
        let left = order.payment(payment).map_or(0, |payment| payment.tally.available(Action::Void));
        Ok(order.amount.with_minor(left))
    }
}

/// The rules speak of `amount.currency` where this family says `amount.currencyCode`.
fn problem(error: Error) -> Problem {
    let Error::Refused(refusal) = error else { return error.into() };
    let (field, said) = match &refusal {
        Refusal::CurrencyMismatch { expected, actual } => {
            ("amount.currencyCode", format!("the authorisation is in {expected}, got {actual}"))
        }
        Refusal::NotAvailable { asked, available } => {
            ("amount.value", format!("expected at most {available}, which is left, got {asked}"))
        }
        Refusal::NotWhole { asked, available } => {
            ("amount.value", format!("expected all that is left, {available}, got {asked}"))
        }
        Refusal::NotMore { asked, held } => {
            ("amount.value", format!("expected more than {held}, which is authorised, got {asked}"))
        }
        Refusal::AmountTooLarge | Refusal::ExceedsRemaining { .. } => ("amount.value", refusal.to_string()),
        Refusal::AmountZero
        | Refusal::ReferenceLength { .. }
        | Refusal::ExpiryPast
        | Refusal::ExpiryTooFar
        | Refusal::Expired
        | Refusal::Cancelled
        | Refusal::Closed
        | Refusal::Stale { .. }
        | Refusal::TooManyPayments
        | Refusal::TooManyOperations
        | Refusal::UnknownPayment
        | Refusal::NotCaptured
        | Refusal::NotAdmitted { .. }
        | Refusal::NothingAvailable
        | Refusal::InFlight
        | Refusal::NotAuthorised
        | Refusal::Unchanged
        | Refusal::ShipmentsMismatch { .. }
        | Refusal::DetailsTooLong { .. }
        | Refusal::DetailsFull
        | Refusal::Lines(_)
        | Refusal::LinesChanged
        | Refusal::Taken
        | Refusal::NoLines
        | Refusal::TaxInvalid { .. }
        | Refusal::Attempted { .. }
        | Refusal::BelowPaid { .. }
        | Refusal::EndsByItself
        | Refusal::Locked
        | Refusal::DescriptionLength { .. }
        | Refusal::ForeignPaymentLength { .. }
        | Refusal::Captured { .. }
        | Refusal::CaptureDelayTooLong
        | Refusal::KeyReused
        | Refusal::InProgress
        | Refusal::NeedsHistory => return refusal.into(),
    };
    let message = format!("Field '{field}' is not valid: {said}.");
    Problem { message, ..Problem::from(refusal) }.of_field(field)
}
