//! `POST .../transaction/{transactionId}/refund`: gives back what was settled.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{
    Action, Order, Version,
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
        let (found, capture) = find(engine, merchant, &customer, id, captured, no_transaction).await?;
        let settings = engine.credits.settings(&found.key.merchant).await?;
        let operate = Operate {
            details,
            only: Only { whole: !settings.is_refunded_in_part, of: Some(capture), ..Only::default() },
            key: print,
            ..Operate::new(OperationKind::Refund, Target::Payment(found.payment.version), Some(amount))
        };
        let asked = ask(engine, found.key, found.order, operate).await?;
        Reply::json(asked.status()?, None, &Answer { refund_transaction_id: asked.id })
    }
}

/// The payments that a capture took from: its own, or those of the whole order, first of which something is left.
fn captured(order: &Order, capture: Version) -> Vec<Version> {
    let capture = order.operation(capture).filter(|known| known.kind == OperationKind::Capture);
    let mut payments = capture.map_or(Vec::new(), |capture| capture.legs.iter().map(|leg| leg.payment).collect());
    let is_spent =
        |payment: &Version| order.payment(*payment).is_none_or(|payment| payment.tally.available(Action::Refund) == 0);
    payments.sort_by_key(is_spent);
    payments
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
