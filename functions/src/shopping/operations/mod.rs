//! What is done on the items of an order: four kinds of operations, which are asked for and told alike.

pub mod authorize;
pub mod cancel;
pub mod capture;
pub mod get;
pub mod list;
pub mod refund;

use api::{Call, Code, Engine, Object, Problem, Reply, clock, field_missing};
use app::{Error, Logged, NewAllocation, Operated, OrderKey};
use domain::{
    Order, Reference,
    limits::FOREIGN_PAYMENT_CHARS_MAX,
    order::{Entry, LegResult, LineAction, OrderEvent, Payer, Standing},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use webhooks::words;

use super::{
    IN_OPERATION, PAYMENT_ID, find, problem, unwritable,
    wire::{TEXT_CHARS_MAX, Told, check_text, line_id},
};

/// What is done on items, with one payment.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OperationRequest"))]
pub struct Body {
    /// On which items, with how much.
    #[cfg_attr(feature = "openapi", schemars(with = "Vec<EntryBody>", length(min = 1, max = domain::limits::LINES_PER_ORDER_MAX)))]
    items: Option<Vec<Object<EntryBody>>>,
    /// With which payment.
    #[cfg_attr(feature = "openapi", schemars(with = "PaymentDetails"))]
    payment_details: Option<Object<PaymentDetails>>,
    /// Whether it succeeded where it was done; if it is not given, it did. What did not is on record, and moves nothing.
    success: Option<bool>,
    /// When it was done, as it is told back.
    #[cfg_attr(feature = "openapi", schemars(length(max = TEXT_CHARS_MAX)))]
    processed_at: Option<String>,
    /// What else there is to say, told back.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Anything>"))]
    metadata: Option<Told>,
}

/// An item that something is done on.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OperationItemRequest"))]
struct EntryBody {
    /// Its number.
    #[cfg_attr(feature = "openapi", schemars(required, range(min = 1, max = super::wire::LINE_ID_MAX)))]
    line_id: Option<i64>,
    /// How much, in minor units; negative of an item that is.
    #[cfg_attr(feature = "openapi", schemars(required))]
    amount: Option<i64>,
}

/// The payment that something is done with. Of a card, nothing is taken.
#[derive(Debug, Default, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentDetails"))]
struct PaymentDetails {
    /// A payment of this order, by its reference or UUID, whose money then moves; or anybody's, which is kept as a fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = domain::limits::FOREIGN_PAYMENT_CHARS_MAX)))]
    payment_id: Option<String>,
    /// Who processes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    psp: Option<String>,
    /// What it is paid with.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_product: Option<String>,
    /// The same, more exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_product_type: Option<String>,
}

/// The payment that something was done with, as it was told.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OperationPayment"))]
struct PaymentDetailsView {
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<String>,
    /// Who processes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    psp: Option<String>,
    /// What it is paid with.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_product: Option<String>,
    /// The same, more exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_product_type: Option<String>,
}

impl From<PaymentDetails> for PaymentDetailsView {
    fn from(details: PaymentDetails) -> Self {
        let PaymentDetails { payment_id, psp, payment_product, payment_product_type } = details;
        Self { payment_id, psp, payment_product, payment_product_type }
    }
}

/// What is told back of an operation, as it is kept.
#[derive(Debug, Default, Deserialize, Serialize)]
struct OperationTold {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payment_details: Option<PaymentDetails>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    processed_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<Told>,
}

/// Something that was done on items.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Operation"))]
struct OperationView {
    /// Its identity.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Reference"))]
    id: Reference,
    /// On which items.
    items: Vec<EntryView>,
    /// What they come to, in minor units.
    amount: i64,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Currency"))]
    currency: &'static str,
    /// With which payment, as it was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_details: Option<PaymentDetailsView>,
    /// Whether it succeeded, as far as is known.
    success: bool,
    /// `recorded`, where no money moves here; else whether it has moved.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["recorded", "done", "pending", "declined", "partly_done"])))]
    status: &'static str,
    /// What moves for it, of payments that are ours.
    movements: Vec<MovementView>,
    /// When it was done, as it was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    processed_at: Option<String>,
    /// What else was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Anything>"))]
    metadata: Option<Told>,
    /// When it was taken.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    created_at: String,
    /// The merchant account.
    created_by: String,
}

/// An item that something was done on.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OperationItem"))]
pub(super) struct EntryView {
    /// Its number.
    line_id: u32,
    /// How much, in minor units.
    amount: i64,
    /// The tax in that; of captures and refunds.
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_amount: Option<i64>,
}

/// Money that moves.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Movement"))]
struct MovementView {
    /// What is done to the payment.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ::webhooks::words::ACTIONS)))]
    action: &'static str,
    /// How much, in minor units.
    amount: u64,
    /// What has become of it.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ::webhooks::words::LEG_STATUSES)))]
    status: &'static str,
}

/// What a commit of an order did on its items.
pub(super) struct Done<'e> {
    /// What.
    pub(super) action: LineAction,
    /// With which payment, if one was named.
    pub(super) payer: Option<Payer>,
    /// On which.
    pub(super) entries: &'e [Entry],
    /// Whether it succeeded; of what moves money, whether it was begun.
    pub(super) is_success: bool,
    details: Option<&'e str>,
}

impl Done<'_> {
    /// What it was done on, as it is told.
    pub(super) fn items(&self) -> Vec<EntryView> {
        let has_tax = match self.action {
            LineAction::Capture | LineAction::Refund => self.is_success,
            LineAction::Authorise | LineAction::Cancel => false,
        };
        let entries = self.entries.iter().map(|entry| EntryView {
            line_id: entry.line,
            amount: entry.amount,
            tax_amount: has_tax.then_some(entry.tax),
        });
        entries.collect()
    }

    pub(super) fn amount(&self) -> i64 {
        self.entries.iter().map(|entry| entry.amount).fold(0, i64::saturating_add)
    }
}

/// What a commit did on items, if it did something on them.
pub(super) fn done_by(events: &[OrderEvent]) -> Option<Done<'_>> {
    events.iter().find_map(|event| match event {
        OrderEvent::LinesRecorded { action, payer, entries, is_success, details, key: _ } => Some(Done {
            action: *action,
            payer: Some(payer.clone()),
            entries,
            is_success: *is_success,
            details: details.as_deref(),
        }),
        OrderEvent::OperationRequested { kind: Some(kind), lines, target, details, .. } if !lines.is_empty() => {
            Some(Done {
                action: LineAction::of_operation(*kind)?,
                payer: target.map(Payer::Own),
                entries: lines,
                is_success: true,
                details: details.as_deref(),
            })
        }
        OrderEvent::Opened { .. }
        | OrderEvent::PaymentReserved { .. }
        | OrderEvent::PaymentResolved { .. }
        | OrderEvent::ShopperTimedOut { .. }
        | OrderEvent::OperationRequested { .. }
        | OrderEvent::OperationRefused { .. }
        | OrderEvent::LegResolved { .. }
        | OrderEvent::Revised { .. }
        | OrderEvent::Appended { .. }
        | OrderEvent::Reopened { .. }
        | OrderEvent::CancellationRequested { .. }
        | OrderEvent::Answered { .. }
        | OrderEvent::Closed { .. }
        | OrderEvent::AmountsChanged => None,
    })
}

/// What the paths of each kind of operation have in them.
const KINDS: [(&str, LineAction); 4] = [
    ("authorizations", LineAction::Authorise),
    ("captures", LineAction::Capture),
    ("refunds", LineAction::Refund),
    ("cancellations", LineAction::Cancel),
];

/// The kind of operation that a path is about. The name of an order has no slash, so what follows it is the path's own.
fn kind_of<B>(call: &Call<B>) -> Result<LineAction, Problem> {
    let mut segments = call.at.rsplit('/');
    let last = segments.next();
    let word = if call.path("id").is_empty() { last } else { segments.next() };
    let kind = KINDS.iter().find(|(name, _)| Some(*name) == word).map(|(_, kind)| *kind);
    kind.ok_or_else(|| Problem::new(Code::RouteNotFound, "There is no endpoint of this path."))
}

/// Does something on items, and answers with what was done.
async fn record(engine: &Engine, call: Call<Body>, action: LineAction) -> Result<Reply, Problem> {
    let (key, _) = find(engine, &call).await?;
    let print = call.key_print(engine, &key.merchant);
    let new = NewAllocation { key: print, ..read(engine, &key, call.body, action).await? };
    let operated = engine.app.allocate(&key, new).await.map_err(|error| problem(error, &IN_OPERATION))?;
    // It was taken: what goes wrong from here on must not look as if it could be asked for again.
    created(engine, &key, &operated).await.map_err(|problem| Problem {
        message: format!(
            "{} The operation was taken, as {}: look at the order.",
            problem.message,
            key.id.at(operated.operation)
        ),
        is_begun: true,
        ..problem
    })
}

async fn created(engine: &Engine, key: &OrderKey, operated: &Operated) -> Result<Reply, Problem> {
    let log = engine.app.log_from(key, operated.operation, 1, |_| true).await?;
    let shown = log.first().map(|logged| OperationView::of(key, &operated.order, logged)).transpose()?.flatten();
    let shown = shown.ok_or_else(|| Problem::from(Error::NotFound))?;
    Reply::json(StatusCode::CREATED, None, &shown)
}

async fn read(engine: &Engine, key: &OrderKey, body: Body, action: LineAction) -> Result<NewAllocation, Problem> {
    let items = body.items.ok_or_else(|| field_missing("items"))?;
    let entries = items.into_iter().enumerate().map(|(index, Object(item))| {
        let name = |field: &str| format!("items[{index}].{field}");
        let line = item.line_id.ok_or_else(|| field_missing(&name("line_id")))?;
        let amount = item.amount.ok_or_else(|| field_missing(&name("amount")))?;
        Ok::<_, Problem>((line_id(&name("line_id"), line)?, amount))
    });
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    let Object(details) = body.payment_details.ok_or_else(|| field_missing("payment_details"))?;
    let payment_id = details.payment_id.clone().ok_or_else(|| field_missing(PAYMENT_ID))?;
    check_text(PAYMENT_ID, &payment_id, 1, FOREIGN_PAYMENT_CHARS_MAX)?;
    let texts = [
        ("payment_details.psp", &details.psp),
        ("payment_details.payment_product", &details.payment_product),
        ("payment_details.payment_product_type", &details.payment_product_type),
        ("processed_at", &body.processed_at),
    ];
    for (field, text) in texts {
        check_text(field, text.as_deref().unwrap_or_default(), 0, TEXT_CHARS_MAX)?;
    }
    let payer = payer(engine, key, &payment_id).await?;
    let told =
        OperationTold { payment_details: Some(details), processed_at: body.processed_at, metadata: body.metadata };
    let details = serde_json::to_string(&told).map_err(|error| unwritable(&error))?;
    let is_success = body.success.unwrap_or(true);
    Ok(NewAllocation { action, payer, entries, is_success, details: Some(details), key: None })
}

/// Whose payment it is. One of another order is not taken for somebody else's: its money would be counted twice.
async fn payer(engine: &Engine, key: &OrderKey, payment_id: &str) -> Result<Payer, Problem> {
    let foreign = || Payer::Foreign(payment_id.to_owned());
    let Ok(reference) = payment_id.parse::<Reference>() else { return Ok(foreign()) };
    if reference.order() == key.id {
        return Ok(Payer::Own(reference.version()));
    }
    let other = OrderKey { merchant: key.merchant.clone(), id: reference.order() };
    match engine.app.find(&other).await {
        Ok(order) if order.payment(reference.version()).is_some() => {
            let message = format!(
                "Field '{PAYMENT_ID}' is not valid: expected a payment of this order, or one that is not of this engine, got \
                 one of the order {}.",
                other.id.reference()
            );
            Err(Problem::new(Code::PaymentUnknown, message).of_field(PAYMENT_ID))
        }
        Ok(_) | Err(Error::NotFound) => Ok(foreign()),
        Err(error) => Err(error.into()),
    }
}

impl OperationView {
    /// What a commit did on items, as it stands now; none if it did nothing on them.
    fn of(key: &OrderKey, order: &Order, logged: &Logged) -> Result<Option<Self>, Problem> {
        let Some(done) = done_by(&logged.events) else { return Ok(None) };
        let operation = order.operations.iter().find(|operation| operation.version == logged.version);
        let legs = operation.map(|operation| operation.legs.as_slice()).unwrap_or_default();
        let is_ours = matches!(done.payer, Some(Payer::Own(_)) | None);
        let status = match operation.map(|operation| operation.standing()) {
            _ if !done.is_success || !is_ours => "recorded",
            // Nothing had to move for it.
            None => "done",
            Some(_) if legs.is_empty() => "done",
            Some(Standing::Success) => "done",
            Some(Standing::Pending | Standing::Uncertain) => "pending",
            Some(Standing::Failure) => "declined",
            Some(Standing::Conflict) => "partly_done",
        };
        let told = done.details.map(serde_json::from_str::<OperationTold>).transpose();
        // What was told in another family may be something else.
        let OperationTold { payment_details, processed_at, metadata } = told.ok().flatten().unwrap_or_default();
        let movements = legs.iter().map(|leg| MovementView {
            action: words::action(leg.action),
            amount: leg.amount,
            status: words::leg_status(leg.result.as_ref()),
        });
        let is_declined = legs.iter().any(|leg| matches!(leg.result, Some(LegResult::Declined { .. })));
        Ok(Some(Self {
            id: key.id.at(logged.version),
            items: done.items(),
            amount: done.amount(),
            currency: order.amount.currency().code(),
            payment_details: payment_details.map(PaymentDetailsView::from),
            success: done.is_success && !is_declined,
            status,
            movements: movements.collect(),
            processed_at,
            metadata,
            created_at: clock::render(logged.at),
            created_by: key.merchant.to_string(),
        }))
    }
}

/// What describes an operation that is asked for.
#[cfg(feature = "openapi")]
fn described_as_created() -> api::openapi::Description {
    let text = "It was taken. Whether money has moved is said by `status`: also what was declined was taken.";
    super::described_by_order().keyed().answer::<OperationView>(StatusCode::CREATED, text)
}
