//! `PATCH /psp/paymentorders/{id}`: replaces amount and items, aborts the payment order, or aborts an attempt to pay.

use api::{Access, Call, Endpoint, Engine, Family, Object, Problem, Reply, Route, field_invalid};
use app::{OrderKey, Revision};
use domain::{
    Order,
    access::Role,
    limits::DESCRIPTION_CHARS_MAX,
    order::{Operate, OperationKind, Refusal, Target, line::Fault},
};
use serde::Deserialize;

use super::{
    ORDER, fields, find,
    items::{self, ItemBody},
    offers::{Rel, running_attempt},
    parts::expanded,
    problem,
    view::{Wanted, answer},
};

/// Who may be told to have aborted a payment order.
const ABORT_REASONS: [&str; 2] = ["CancelledByConsumer", "CancelledByCustomer"];

/// Who may be told to have aborted an attempt.
const ATTEMPT_REASONS: [&str; 1] = ["AbortedByUI"];

const OPERATIONS: [&str; 3] = ["UpdateOrder", "Abort", "PaymentAttemptAborted"];

/// Replaces amount, tax, description and items, or aborts the payment order or an attempt: whatever its operation
/// says, as long as that is among the operations of the newest answer.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct UpdatePaymentOrder;

/// The request: one of the two.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "UpdatePaymentOrderRequest"))]
pub struct Body {
    /// What is to be changed.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<UpdateBody>"))]
    paymentorder: Option<Object<UpdateBody>>,
    /// The same, as it may also be written.
    #[serde(rename = "paymentOrder")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<UpdateBody>"))]
    payment_order: Option<Object<UpdateBody>>,
}

/// What is to be changed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "UpdateBody"))]
struct UpdateBody {
    /// What is to be done.
    #[cfg_attr(feature = "openapi", schemars(required, extend("enum" = OPERATIONS)))]
    operation: Option<String>,
    /// Why, of what is aborted.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = [ABORT_REASONS[0], ABORT_REASONS[1], ATTEMPT_REASONS[0]])))]
    abort_reason: Option<String>,
    /// What is to be paid from now on.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Minor>"))]
    amount: Option<i64>,
    /// The tax in that.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Minor>"))]
    vat_amount: Option<i64>,
    /// What it is called; what it was, if it is not given.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = DESCRIPTION_CHARS_MAX)))]
    description: Option<String>,
    /// What is paid for, of an order that has items.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = domain::limits::LINES_PER_ORDER_MAX)))]
    order_items: Option<Vec<Object<ItemBody>>>,
}

impl Endpoint for UpdatePaymentOrder {
    const ROUTE: Route = Route {
        name: "update-payment-order",
        method: "PATCH",
        paths: &["/psp/paymentorders/{id}"],
        family: Family::PaymentOrders,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, mut call: Call<Body>) -> Result<Reply, Problem> {
        let (key, order) = find(engine, &call).await?;
        let now = engine.app.streams.now();
        let wanted = Wanted { version: call.version, expanded: expanded(&call)?, now };
        let body = call.body.paymentorder.take().or(call.body.payment_order.take());
        let Object(body) = fields::required("paymentorder", body)?;
        let order = match fields::one_of("operation", &OPERATIONS, body.operation.clone())? {
            "Abort" => {
                Rel::Abort.check(&order, call.version, now)?;
                fields::one_of("abortReason", &ABORT_REASONS, body.abort_reason)?;
                abort(engine, &key).await?
            }
            "PaymentAttemptAborted" => {
                Rel::AbortAttempt.check(&order, call.version, now)?;
                fields::one_of("abortReason", &ATTEMPT_REASONS, body.abort_reason)?;
                abort_attempt(engine, &key, order).await?
            }
            _ => {
                Rel::Update.check(&order, call.version, now)?;
                let revision = revision(engine, &key, &order, body).await?;
                let revised = engine.app.revise(&key, Some(order), revision).await;
                revised.map_err(|error| problem(error, &ORDER))?
            }
        };
        answer(engine, &key, &order, &wanted).await
    }
}

/// Ends an order that is not paid, and gives back what was paid of it.
async fn abort(engine: &Engine, key: &OrderKey) -> Result<Order, Problem> {
    let (order, _) = engine.app.cancel(key, None).await?;
    // It is aborted for good: what cannot be given back just now, the worker gives back.
    Ok(engine.app.advance(key, order.clone()).await.unwrap_or(order))
}

/// Gives up an attempt to pay. If it succeeds meanwhile, it stays.
async fn abort_attempt(engine: &Engine, key: &OrderKey, order: Order) -> Result<Order, Problem> {
    let target = Target::Payment(running_attempt(&order)?);
    let operate = Operate { is_of_attempt: true, ..Operate::new(OperationKind::Void, target, None) };
    let operated = engine.app.operate(key, Some(order), operate).await;
    operated.map(|operated| operated.order).map_err(|error| problem(error, &ORDER))
}

async fn revision(engine: &Engine, key: &OrderKey, order: &Order, body: UpdateBody) -> Result<Revision, Problem> {
    let amount = fields::amount(ORDER.amount, order.amount.currency(), body.amount)?;
    let tax = fields::tax(ORDER.tax, amount, body.vat_amount)?;
    let description = fields::text(ORDER.description, body.description, DESCRIPTION_CHARS_MAX)?;
    if body.abort_reason.is_some() {
        return Err(field_invalid("abortReason", "no reason, since nothing is aborted", "one"));
    }
    let lines = match body.order_items {
        Some(items) => Some(items::read(&ORDER, items, amount, tax)?),
        None if !order.has_lines() => None,
        // Whose merchant gave no items needs not give any now.
        None if items::is_whole(&engine.app.lines(key, order).await?.lines) => {
            let known = order.cart.as_ref().and_then(|cart| cart.description.as_deref());
            let name = description.as_deref().or(known).unwrap_or_default();
            Some(vec![items::whole(name, amount, tax)])
        }
        None => return Err(problem(Refusal::from(Fault::Missing.of_all()).into(), &ORDER)),
    };
    Ok(Revision { amount, tax, description, lines, details: None, key: None })
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for UpdatePaymentOrder {
    fn describe() -> api::openapi::Description {
        super::expandable(super::named_by_path())
            .answer::<super::view::Answer>(http::StatusCode::OK, "The payment order, as it is read now.")
    }
}
