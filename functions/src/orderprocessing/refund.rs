//! `POST .../transaction/{transactionId}/refund`: gives back what was settled.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{
    Money, Order, Version,
    access::Role,
    order::{Only, Operate, OperationKind, Target},
};
use serde::Serialize;

use super::{
    check_keyed, customer, find, merchant, no_transaction,
    operation::{Body, ask, read},
};

/// Refunds a transaction: no more of it than it took. A part of what is left of it only if the merchant has agreed on
/// that.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct RefundTransaction;

/// A refund.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "RefundTransactionResponse"))]
struct Answer {
    /// What identifies the refund.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uuid")))]
    refund_transaction_id: String,
}

impl Endpoint for RefundTransaction {
    const ROUTE: Route = Route {
        name: "refund-transaction",
        method: "POST",
        paths: &["/cl/merchant-gateway-service/merchant/{customerRef}/transaction/{transactionId}/refund"],
        family: Family::OrderProcessing,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, mut call: Call<Body>) -> Result<Reply, Problem> {
        let (merchant, customer) = (merchant(&call)?, customer(&call)?);
        check_keyed(&mut call)?;
        let print = call.key_print(engine, &merchant);
        let (amount, details) = read(&mut call)?;
        let id = call.path("transactionId");
        let is_whole = !engine.credits.settings(&merchant).await?.is_refunded_in_part;
        let payments = |order: &Order, capture: Version| captured(order, capture, amount, is_whole);
        let (found, capture) = find(engine, merchant, &customer, id, payments, no_transaction).await?;
        let operate = Operate {
            details,
            only: Only { whole: is_whole, of: Some(capture), ..Only::default() },
            key: print,
            ..Operate::new(OperationKind::Refund, Target::Payment(found.payment.version), Some(amount))
        };
        let asked = ask(engine, found.key, found.order, operate).await?;
        Reply::json(asked.status()?, None, &Answer { refund_transaction_id: asked.id })
    }
}

/// The payments that a capture took from: its own, or those of the whole order. First those that the amount can be
/// refunded of, then those of which something is left.
fn captured(order: &Order, capture: Version, amount: Money, is_whole: bool) -> Vec<Version> {
    let known = order.operation(capture).filter(|known| known.kind == OperationKind::Capture);
    let legs = known.into_iter().flat_map(|known| &known.legs);
    let payments = legs.filter_map(|leg| order.payment(leg.payment));
    let mut payments =
        payments.map(|payment| (order.refundable_of(capture, payment), payment.version)).collect::<Vec<_>>();
    let asked = amount.minor();
    payments.sort_by_key(|(left, _)| (if is_whole { *left != asked } else { *left < asked }, *left == 0));
    payments.into_iter().map(|(_, version)| version).collect()
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for RefundTransaction {
    fn describe() -> api::openapi::Description {
        super::of_customer()
            .path("transactionId", "What the settlement answered.")
            .keyed_by_uuid()
            .answer::<Answer>(http::StatusCode::OK, "The refund.")
            .answer::<Answer>(http::StatusCode::ACCEPTED, "It was taken, and is not done yet.")
    }
}
