//! `GET orders/{pspReference}`: an order with all its payments. Not in Adyen's API.

use api::{Access, Call, Code, Endpoint, Engine, Family, NoBody, Problem, Reply, Route, clock};
use app::OrderKey;
use domain::{
    Money, Order, Reference,
    access::Role,
    order::{Leg, Operation, Payment},
    reference::LegReference,
};
use http::StatusCode;
use serde::Serialize;
use webhooks::{reasons, words};

use crate::checkout::wire::{OrderView, PaymentMethodView, order_id, order_not_found};

/// An order with all its payments, after what was due on it has been done. The reference may also be
/// given as its UUID.
pub struct GetOrder;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FullOrder<'a> {
    id: String,
    merchant_account: &'a str,
    #[serde(flatten)]
    order: OrderView<'a>,
    created_at: String,
    version: u16,
    status: &'static str,
    expired: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancellation: Option<CancellationView>,
    payments: Vec<PaymentView<'a>>,
    operations: Vec<OperationView<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CancellationView {
    psp_reference: Reference,
    reason: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PaymentView<'a> {
    psp_reference: Reference,
    id: String,
    reference: &'a str,
    amount: Money,
    payment_method: PaymentMethodView<'a>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal_reason_code: Option<&'static str>,
    authorised_amount: Money,
    captured_amount: Money,
    cancelled_amount: Money,
    refunded_amount: Money,
    created_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OperationView<'a> {
    psp_reference: Reference,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_psp_reference: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    amount: Money,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    created_at: String,
    legs: Vec<LegView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LegView {
    reference: LegReference,
    payment_psp_reference: Reference,
    action: &'static str,
    amount: Money,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal_reason: Option<&'static str>,
}

impl Endpoint for GetOrder {
    const ROUTE: Route = Route {
        name: "get-order",
        method: "GET",
        paths: &["/{version}/orders/{pspReference}", "/checkout/{version}/orders/{pspReference}"],
        family: Family::Checkout,
        access: Access::Role(Role::Payments),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let merchant = call.merchant_in_query()?;
        let id = order_id(call.path("pspReference")).ok_or_else(not_found)?;
        let key = OrderKey { merchant, id };
        let order = engine.app.inspect(&key).await.map_err(|error| match Problem::from(error) {
            problem if problem.code == Code::OrderNotFound => not_found(),
            problem => problem,
        })?;
        Reply::json(StatusCode::OK, Some(id.reference().to_string()), &full(engine, &key, &order))
    }
}

fn not_found() -> Problem {
    Problem { code: Code::NotFound, ..order_not_found() }
}

fn full<'a>(engine: &Engine, key: &'a OrderKey, order: &'a Order) -> FullOrder<'a> {
    let closed = order.closed.as_ref();
    FullOrder {
        id: key.id.reference().to_uuid().to_string(),
        merchant_account: key.merchant.as_str(),
        order: OrderView::of(engine, key, order),
        created_at: clock::render(order.opened_at),
        version: order.version.get(),
        status: if closed.is_some() { "closed" } else { "open" },
        expired: order.is_expired(engine.app.streams.now()),
        success: closed.map(domain::order::Closed::is_success),
        reason: closed.map(|closed| words::close_reason(closed.reason)),
        closed_at: closed.map(|closed| clock::render(closed.at)),
        cancellation: order.cancellation.as_ref().map(|cancellation| CancellationView {
            psp_reference: key.id.at(cancellation.version),
            reason: words::cancel_reason(cancellation.reason),
        }),
        payments: order.payments.iter().map(|payment| payment_view(key, order, payment)).collect(),
        operations: order.operations.iter().map(|operation| operation_view(key, order, operation)).collect(),
    }
}

fn payment_view<'a>(key: &OrderKey, order: &Order, payment: &'a Payment) -> PaymentView<'a> {
    let reason = payment.resolution.as_ref().and_then(reasons::of_payment);
    let reference = key.id.at(payment.version);
    let amount = |minor| order.amount.with_minor(minor);
    PaymentView {
        psp_reference: reference,
        id: reference.to_uuid().to_string(),
        reference: &payment.reference,
        amount: amount(payment.amount),
        payment_method: PaymentMethodView::of(&payment.method),
        status: words::payment_status(payment.resolution.as_ref()),
        refusal_reason: reason.map(|reason| reason.text),
        refusal_reason_code: reason.map(|reason| reason.code),
        authorised_amount: amount(payment.tally.authorised),
        captured_amount: amount(payment.tally.captured),
        cancelled_amount: amount(payment.tally.voided),
        refunded_amount: amount(payment.tally.refunded),
        created_at: clock::render(payment.reserved_at),
    }
}

fn operation_view<'a>(key: &OrderKey, order: &Order, operation: &'a Operation) -> OperationView<'a> {
    let reference = key.id.at(operation.version);
    let leg_view = |(leg, index): (&Leg, u16)| LegView {
        reference: LegReference { operation: reference, index },
        payment_psp_reference: key.id.at(leg.payment),
        action: words::action(leg.action),
        amount: order.amount.with_minor(leg.amount),
        status: words::leg_status(leg.result.as_ref()),
        refusal_reason: leg.result.as_ref().and_then(reasons::of_leg).map(|reason| reason.text),
    };
    OperationView {
        psp_reference: reference,
        kind: words::operation_kind(operation.kind),
        payment_psp_reference: operation.target.map(|payment| key.id.at(payment)),
        reference: operation.reference.as_deref(),
        amount: order.amount.with_minor(operation.total()),
        status: words::standing(operation.standing()),
        reason: operation.refused.map(words::objection),
        created_at: clock::render(operation.requested_at),
        legs: operation.legs.iter().zip(0_u16..).map(leg_view).collect(),
    }
}
