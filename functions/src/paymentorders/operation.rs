//! What captures, cancellations and reversals have in common: the request, how it is done, and its answer.

use api::{ApiVersion, Call, Code, Engine, Object, Problem, Reply, field_invalid};
use app::{Error, Operated, OrderKey};
use domain::{
    Money, Order,
    order::{
        Operate, Operation, OperationKind, Refusal, Standing, Target,
        line::{Fault, Line, LineFault},
    },
};
use http::StatusCode;
use serde::Deserialize;
use webhooks::reasons;

use super::{
    TRANSACTION, TRANSACTION_AMOUNT, fields, find,
    items::{self, ItemBody},
    offers::Rel,
    parts::expanded,
    path, problem,
    records::{TransactionView, id_of},
    told::ToldOperation,
    view::{Answer, DoneView, OperationAnswer, TransactionAnswer, Wanted},
};

/// Characters of a transaction's `payeeReference` (Swedbank: 30).
pub(super) const PAYEE_REFERENCE_CHARS_MAX: usize = 30;

/// Characters of a transaction's `receiptReference` (Swedbank: 30).
pub(super) const RECEIPT_REFERENCE_CHARS_MAX: usize = 30;

/// The request of a capture or a reversal.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "TransactionRequest"))]
pub struct Body {
    /// What is to be done.
    #[cfg_attr(feature = "openapi", schemars(with = "TransactionBody"))]
    transaction: Option<Object<TransactionBody>>,
}

/// What is to be captured or reversed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "TransactionBody"))]
struct TransactionBody {
    /// What it is called.
    #[cfg_attr(
        feature = "openapi",
        schemars(required, length(min = 1, max = domain::limits::DESCRIPTION_CHARS_MAX))
    )]
    description: Option<String>,
    /// How much, in minor units.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Minor"))]
    amount: Option<i64>,
    /// The tax in that.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Minor"))]
    vat_amount: Option<i64>,
    /// The merchant's reference of it: the same request with the same reference is done once, and answered again.
    #[cfg_attr(
        feature = "openapi",
        schemars(required, length(min = 1, max = PAYEE_REFERENCE_CHARS_MAX), regex(pattern = "^[A-Za-z0-9-]*$"))
    )]
    payee_reference: Option<String>,
    /// The number of its receipt.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = RECEIPT_REFERENCE_CHARS_MAX)))]
    receipt_reference: Option<String>,
    /// Which items of the payment order it is about: they have to come to its amount and its tax.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = domain::limits::LINES_PER_ORDER_MAX)))]
    order_items: Option<Vec<Object<ItemBody>>>,
}

/// The request of a cancellation: everything is cancelled that is held and not captured.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CancellationRequest"))]
pub struct CancellationBody {
    /// What is to be done.
    #[cfg_attr(feature = "openapi", schemars(with = "CancellationTransaction"))]
    transaction: Option<Object<CancellationTransaction>>,
}

/// What is to be cancelled.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CancellationTransaction"))]
struct CancellationTransaction {
    /// Why.
    #[cfg_attr(
        feature = "openapi",
        schemars(required, length(min = 1, max = domain::limits::DESCRIPTION_CHARS_MAX))
    )]
    description: Option<String>,
    /// The merchant's reference of it: the same request with the same reference is done once, and answered again.
    #[cfg_attr(
        feature = "openapi",
        schemars(required, length(min = 1, max = PAYEE_REFERENCE_CHARS_MAX), regex(pattern = "^[A-Za-z0-9-]*$"))
    )]
    payee_reference: Option<String>,
    /// There is no need to say how much: if it is said, it has to be all that is left to cancel.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Minor>"))]
    amount: Option<i64>,
}

/// What is done after the purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Capture,
    Cancellation,
    Reversal,
}

impl Deed {
    fn rel(self) -> Rel {
        match self {
            Self::Capture => Rel::Capture,
            Self::Cancellation => Rel::Cancel,
            Self::Reversal => Rel::Reverse,
        }
    }

    fn kind(self) -> OperationKind {
        match self {
            Self::Capture => OperationKind::Capture,
            Self::Cancellation => OperationKind::Void,
            Self::Reversal => OperationKind::Refund,
        }
    }

    /// What its references are told apart from others' by. No reference has a line break.
    fn scope(self) -> &'static str {
        match self {
            Self::Capture => "captures\n",
            Self::Cancellation => "cancellations\n",
            Self::Reversal => "reversals\n",
        }
    }
}

/// A request whose payment order is known, and which was not answered before.
struct Admitted {
    key: OrderKey,
    order: Order,
    wanted: Wanted,
    operate: Operate,
}

/// What a request comes to before its fields are looked at.
enum Entry {
    New(Box<Admitted>),
    Repeated(Reply),
}

/// Finds the payment order, and what the reference was used for. The reference is looked at before anything else: what
/// was done is told again, also when it could not be done any more.
async fn admit<B>(engine: &Engine, call: &Call<B>, deed: Deed, reference: Option<String>) -> Result<Entry, Problem> {
    let (key, order) = find(engine, call).await?;
    let wanted = Wanted { version: call.version, expanded: expanded(call)?, now: engine.app.streams.now() };
    let reference = fields::reference(TRANSACTION.reference, reference, PAYEE_REFERENCE_CHARS_MAX)?;
    let print = call.print_under(engine, &key.merchant, &format!("{}{reference}", deed.scope()));
    let used = order.key_use(Some(print)).map_err(|refusal| problem(Error::Refused(refusal), &TRANSACTION))?;
    if let Some(operation) = used {
        let operated = Operated { order, operation, is_repeated: true };
        return Ok(Entry::Repeated(answer(engine, &key, operated, deed, &wanted).await?));
    }
    deed.rel().check(&order, call.version, wanted.now)?;
    let operate = Operate {
        reference: Some(reference),
        is_recorded: true,
        key: Some(print),
        ..Operate::new(deed.kind(), Target::Order, None)
    };
    Ok(Entry::New(Box::new(Admitted { key, order, wanted, operate })))
}

/// Captures or reverses an amount, perhaps of some items.
pub(super) async fn of_amount(engine: &Engine, mut call: Call<Body>, deed: Deed) -> Result<Reply, Problem> {
    let Object(mut transaction) = fields::required("transaction", call.body.transaction.take())?;
    let admitted = match admit(engine, &call, deed, transaction.payee_reference.take()).await? {
        Entry::New(admitted) => *admitted,
        Entry::Repeated(reply) => return Ok(reply),
    };
    let Admitted { key, order, wanted, operate } = admitted;
    let (amount, lines, told) = read(transaction, &order)?;
    let operate = Operate { amount: Some(amount), details: Some(told.write()?), ..operate };
    let items = match lines {
        Some(_) if !order.has_lines() => return Err(problem(Refusal::NoLines.into(), &TRANSACTION)),
        Some(lines) => Some(named_items(engine, &key, &order, lines).await?),
        None if deed == Deed::Capture => all_items(engine, &key, &order, amount).await?.map(Items::of_all),
        None => None,
    };
    let (operated, places) = match items {
        Some(Items { wanted, places }) => (engine.app.operate_on_lines(&key, operate, wanted).await, places),
        None => (engine.app.operate(&key, Some(order), operate).await, Vec::new()),
    };
    let operated = operated.map_err(|error| problem(in_request(error, &places), &TRANSACTION))?;
    answer(engine, &key, operated, deed, &wanted).await
}

/// Items that are asked for.
struct Items {
    /// How much, by the merchant's references.
    wanted: Vec<(String, i64)>,
    /// Where each stands in the request.
    places: Vec<usize>,
}

impl Items {
    /// Those of an operation whose request names none.
    fn of_all(wanted: Vec<(String, i64)>) -> Self {
        Self { wanted, places: Vec::new() }
    }
}

/// What of the items that a request names is asked for: of what cost nothing, nothing can be captured or reversed. It
/// has to be an item of the order all the same.
async fn named_items(engine: &Engine, key: &OrderKey, order: &Order, named: Vec<Line>) -> Result<Items, Problem> {
    if named.iter().any(|line| line.amount == 0) {
        let known = engine.app.lines(key, order).await?;
        let is_unknown = |line: &Line| known.lines.iter().all(|known| known.reference != line.reference);
        let mut unknown = named.iter().enumerate().filter(|(_, line)| line.amount == 0 && is_unknown(line));
        if let Some((index, line)) = unknown.next() {
            let line = format!("'{}'", line.reference);
            return Err(problem(Refusal::from(Fault::Unknown { line }.at(index)).into(), &TRANSACTION));
        }
    }
    let asked = named.into_iter().enumerate().filter(|(_, line)| line.amount != 0);
    let (places, wanted) = asked.map(|(index, line)| (index, (line.reference, line.amount))).unzip();
    Ok(Items { wanted, places })
}

/// A refusal about the item that it is about in the request.
fn in_request(error: Error, places: &[usize]) -> Error {
    match error {
        Error::Refused(Refusal::Lines(LineFault { at: Some(index), what })) => {
            let at = Some(places.get(index).copied().unwrap_or(index));
            Refusal::from(LineFault { at, what }).into()
        }
        Error::Refused(_) | Error::NotFound | Error::Contended | Error::Begun { .. } | Error::Store(_) => error,
    }
}

/// Cancels what is held and not captured.
pub(super) async fn of_all(engine: &Engine, mut call: Call<CancellationBody>) -> Result<Reply, Problem> {
    let Object(mut transaction) = fields::required("transaction", call.body.transaction.take())?;
    let admitted = match admit(engine, &call, Deed::Cancellation, transaction.payee_reference.take()).await? {
        Entry::New(admitted) => *admitted,
        Entry::Repeated(reply) => return Ok(reply),
    };
    let Admitted { key, order, wanted, operate } = admitted;
    let description = description(transaction.description)?;
    let left = order.books().capturable;
    if let Some(amount) = transaction.amount.filter(|amount| u64::try_from(*amount) != Ok(left)) {
        let expected = format!("all that is left to cancel, {left}, or nothing");
        return Err(field_invalid(TRANSACTION.amount, &expected, amount));
    }
    let told = ToldOperation { description: Some(description), ..ToldOperation::default() };
    let operate = Operate { details: Some(told.write()?), ..operate };
    let operated = engine.app.operate(&key, Some(order), operate).await;
    let operated = operated.map_err(|error| problem(error, &TRANSACTION))?;
    answer(engine, &key, operated, Deed::Cancellation, &wanted).await
}

fn description(text: Option<String>) -> Result<String, Problem> {
    fields::required_text(TRANSACTION.description, text, domain::limits::DESCRIPTION_CHARS_MAX)
}

/// What a request asks for: how much, of which items, and what is told about it.
fn read(body: TransactionBody, order: &Order) -> Result<(Money, Option<Vec<Line>>, ToldOperation), Problem> {
    let description = description(body.description)?;
    let amount = fields::amount(TRANSACTION.amount, order.amount.currency(), body.amount)?;
    let tax = fields::tax(TRANSACTION.tax, amount, body.vat_amount)?;
    let receipt = fields::text("transaction.receiptReference", body.receipt_reference, RECEIPT_REFERENCE_CHARS_MAX)?;
    let lines = body.order_items.map(|items| items::read(&TRANSACTION, items, amount, tax)).transpose()?;
    let items = lines.iter().flatten().map(|line| (line.reference.clone(), line.quantity, line.amount, line.tax));
    let told = ToldOperation {
        description: Some(description),
        vat_amount: Some(tax),
        receipt_reference: receipt,
        items: items.collect(),
    };
    Ok((amount, lines, told))
}

/// The items that a capture without items is about: of one that takes all that is left, all that is left of each.
/// So a reversal may name items of an order that was captured as a whole.
async fn all_items(
    engine: &Engine,
    key: &OrderKey,
    order: &Order,
    amount: Money,
) -> Result<Option<Vec<(String, i64)>>, Problem> {
    let Some(cart) = order.cart.as_deref().filter(|_| order.has_lines()) else { return Ok(None) };
    if order.books().capturable != amount.minor() {
        return Ok(None);
    }
    let lines = engine.app.lines(key, order).await?;
    let left = |line: &Line| line.amount.saturating_sub(cart.line(line.id).captured);
    let items = lines.lines.iter().map(|line| (line.reference.clone(), left(line)));
    let items = items.filter(|(_, left)| *left != 0).collect::<Vec<_>>();
    let sum = items.iter().map(|(_, left)| *left).fold(0, i64::saturating_add);
    Ok((u64::try_from(sum) == Ok(amount.minor())).then_some(items))
}

/// Answers with what became of it: the same, whenever it is asked once that is known.
async fn answer(
    engine: &Engine,
    key: &OrderKey,
    operated: Operated,
    deed: Deed,
    wanted: &Wanted,
) -> Result<Reply, Problem> {
    let Operated { order, operation: version, is_repeated } = operated;
    let order = if is_repeated { engine.app.concluded(key, order, version).await? } else { order };
    let operation = order.operation(version).ok_or_else(|| {
        tracing::error!(%version, "a reference leads to no operation");
        Problem::new(Code::Internal, "Something went wrong here. It was logged.")
    })?;
    if operation.refused.is_some() {
        return Err(exceeded(engine, key, &order, operation).await?);
    }
    let status = match operation.standing() {
        Standing::Failure => return Err(declined(operation)),
        Standing::Pending | Standing::Uncertain => StatusCode::ACCEPTED,
        Standing::Success | Standing::Conflict => StatusCode::OK,
    };
    let shown = match wanted.version {
        ApiVersion::V31 => OperationAnswer::of_order(Answer::of(engine, key, &order, wanted).await?),
        ApiVersion::V3 | ApiVersion::V2 => {
            let details = engine.app.details(key, &order).await?;
            let told = ToldOperation::read(details.get(&version));
            OperationAnswer::Transaction(Box::new(transaction(key, &order, operation, told, deed)))
        }
    };
    Reply::json(status, None, &shown)
}

fn transaction(
    key: &OrderKey,
    order: &Order,
    operation: &Operation,
    told: ToldOperation,
    deed: Deed,
) -> TransactionAnswer {
    let transaction = TransactionView::of_operation(key, order, operation, told);
    let done = Some(DoneView { id: id_of(key, operation.version), transaction });
    let answer = TransactionAnswer { payment: format!("{}/currentpayment", path(key)), ..TransactionAnswer::default() };
    match deed {
        Deed::Capture => TransactionAnswer { capture: done, ..answer },
        Deed::Cancellation => TransactionAnswer { cancellation: done, ..answer },
        Deed::Reversal => TransactionAnswer { reversal: done, ..answer },
    }
}

/// What is answered to more than there is, of the order as it was then.
async fn exceeded(engine: &Engine, key: &OrderKey, order: &Order, operation: &Operation) -> Result<Problem, Problem> {
    let books = order.books();
    let left = if operation.kind == OperationKind::Refund { books.refundable } else { books.capturable };
    let asked = operation.total();
    let words = if asked > left {
        format!("expected at most what is left, {left} minor units, got {asked}")
    } else {
        // More than what is left of an item.
        engine.app.explanation(key, operation.version).await?.unwrap_or_default()
    };
    let message = format!("Field '{TRANSACTION_AMOUNT}' is not valid: {words}.");
    Ok(Problem::new(Code::AmountNotAvailable, message).of_field(TRANSACTION_AMOUNT))
}

fn declined(operation: &Operation) -> Problem {
    let reason = operation.decline().map_or("Refused", |reason| reasons::declined(reason).text);
    Problem::new(Code::OperationDeclined, format!("Declined by whoever holds the money: {reason}."))
        .of_field("ExternalResponse")
}

/// What describes one of these endpoints.
#[cfg(feature = "openapi")]
pub(super) fn described() -> api::openapi::Description {
    super::expandable(super::named_by_path())
        .answer::<OperationAnswer>(StatusCode::OK, "What was done.")
        .answer::<OperationAnswer>(StatusCode::ACCEPTED, "What was taken: how it ends is not known yet.")
}
