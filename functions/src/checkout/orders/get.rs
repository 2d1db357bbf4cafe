//! `GET orders/{pspReference}`: an order with all its payments. Not in Adyen's API.

use api::{Access, Call, Code, Endpoint, Engine, Family, NoBody, Problem, Reply, Route, clock};
use app::OrderKey;
use domain::{
    Money, Order, Reference,
    access::Role,
    order::{Leg, Operation, Payment, line::Lines},
    reference::LegReference,
};
use http::StatusCode;
use serde::Serialize;
use webhooks::{reasons, words};

use super::lines::{self, LineView};
use crate::checkout::wire::{OrderView, PaymentMethodView, order_id, order_not_found};

/// An order with all its payments, after what was due on it has been done. The reference may also be
/// given as its UUID.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GetOrder;

/// An order with all its payments.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "FullOrder"))]
struct FullOrder<'a> {
    /// Its reference as a UUID.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uuid")))]
    id: String,
    /// Whose it is.
    merchant_account: &'a str,
    #[serde(flatten)]
    order: OrderView<'a>,
    /// When it was opened.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    created_at: String,
    /// How many steps it has taken.
    version: u16,
    /// Whether it has ended.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["open", "closed"])))]
    status: &'static str,
    /// Whether its time is over.
    expired: bool,
    /// Whether it was paid, once it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
    /// Why it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ::webhooks::words::CLOSE_REASONS)))]
    reason: Option<&'static str>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Time>"))]
    closed_at: Option<String>,
    /// There if it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancellation: Option<CancellationView>,
    /// All attempts to pay, oldest first.
    payments: Vec<PaymentView<'a>>,
    /// All that was asked for after that, oldest first.
    operations: Vec<OperationView<'a>>,
    /// The tax in its amount, where somebody said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_amount: Option<i64>,
    /// What is covered beyond its amount, since lines were taken back: it is to be given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Money>"))]
    excess_amount: Option<Money>,
    /// Its lines, if it has any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<LineView<'a>>,
}

/// The cancellation of an order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CancellationShown"))]
struct CancellationView {
    /// Its reference.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Reference"))]
    psp_reference: Reference,
    /// Who asked for it.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ::webhooks::words::CANCEL_REASONS)))]
    reason: &'static str,
}

/// A payment of an order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentShown"))]
struct PaymentView<'a> {
    /// Its reference.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Reference"))]
    psp_reference: Reference,
    /// The same as a UUID.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uuid")))]
    id: String,
    /// The merchant's reference.
    reference: &'a str,
    /// What it is to pay.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    amount: Money,
    /// What it is paid with.
    payment_method: PaymentMethodView<'a>,
    /// What has become of it.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ::webhooks::words::PAYMENT_STATUSES)))]
    status: &'static str,
    /// Why nothing came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal_reason: Option<&'static str>,
    /// Adyen's code for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal_reason_code: Option<&'static str>,
    /// What was authorised.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    authorised_amount: Money,
    /// What was captured.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    captured_amount: Money,
    /// What was voided.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    cancelled_amount: Money,
    /// What was refunded.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    refunded_amount: Money,
    /// When it was begun.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    created_at: String,
}

/// What was asked for after the sale.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "OperationShown"))]
struct OperationView<'a> {
    /// Its reference.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Reference"))]
    psp_reference: Reference,
    /// What was asked for.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ::webhooks::words::OPERATION_KINDS)))]
    kind: &'static str,
    /// The payment it was asked of; none if it was the whole order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Reference>"))]
    payment_psp_reference: Option<Reference>,
    /// The merchant's reference of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    /// What its legs come to; of one that was refused, what was asked for.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    amount: Money,
    /// How it stands.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ::webhooks::words::STANDINGS)))]
    status: &'static str,
    /// Why it could not be begun, if it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ::webhooks::words::OBJECTIONS)))]
    reason: Option<&'static str>,
    /// When it was asked for.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    created_at: String,
    /// What it does to each payment.
    legs: Vec<LegView>,
}

/// What an operation does to one payment.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "LegShown"))]
struct LegView {
    /// Its reference.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::LegReference"))]
    reference: LegReference,
    /// The payment it is about.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Reference"))]
    payment_psp_reference: Reference,
    /// What is done to it.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ::webhooks::words::ACTIONS)))]
    action: &'static str,
    /// How much.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    amount: Money,
    /// What has become of it.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ::webhooks::words::LEG_STATUSES)))]
    status: &'static str,
    /// Why the partner declined it.
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
        let lines = engine.app.lines(&key, &order).await?;
        Reply::json(StatusCode::OK, Some(id.reference().to_string()), &full(engine, &key, &order, &lines))
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GetOrder {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .path("pspReference", "The order's reference, or its UUID.")
            .merchant_in_query()
            .answer::<FullOrder<'_>>(StatusCode::OK, "The order.")
    }
}

fn not_found() -> Problem {
    Problem { code: Code::NotFound, ..order_not_found() }
}

fn full<'a>(engine: &Engine, key: &'a OrderKey, order: &'a Order, lines: &'a Lines) -> FullOrder<'a> {
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
        tax_amount: order.cart.as_ref().map(|cart| cart.tax),
        excess_amount: (order.excess > 0).then(|| order.amount.with_minor(order.excess)),
        lines: lines::views(order, lines),
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
