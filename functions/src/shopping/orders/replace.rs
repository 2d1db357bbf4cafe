//! `PUT /v1/accounts/{account}/shopping/orders/{order_id}`: replaces the items of an order.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use app::{Error, Revision};
use domain::{
    Money,
    access::Role,
    order::{
        Refusal,
        line::{Fault, sum_of, tax_of},
    },
};

use super::answer;
use crate::shopping::{IN_ORDER, fault_problem, find, problem, wire::OrderBody};

/// Replaces the items of an order, and what is told of it. That can be done as long as nobody has tried to pay it, and
/// nothing was done on its items.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ReplaceOrder;

impl Endpoint for ReplaceOrder {
    const ROUTE: Route = Route {
        name: "replace-order",
        method: "PUT",
        paths: &["/v1/accounts/{account}/shopping/orders/{order_id}"],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = OrderBody;

    async fn handle(engine: &Engine, call: Call<OrderBody>) -> Result<Reply, Problem> {
        let (key, order) = find(engine, &call).await?;
        let print = call.key_print(engine, &key.merchant);
        let mut body = call.body;
        let currency = body.currency("currency")?.unwrap_or(order.amount.currency());
        let lines = body.lines(IN_ORDER.list)?;
        let details = body.details("")?;
        let refused = |refusal: Refusal| problem(Error::Refused(refusal), &IN_ORDER);
        let sum = sum_of(&lines).map_err(|fault| fault_problem(&fault, &IN_ORDER))?;
        let negative = |_| refused(Fault::Negative { actual: sum }.of_all().into());
        let minor = u64::try_from(sum).map_err(negative)?;
        let amount = Money::try_new(currency, minor).map_err(|_| refused(Refusal::AmountTooLarge))?;
        let tax = tax_of(&lines).map_err(|fault| fault_problem(&fault, &IN_ORDER))?;
        if lines.is_empty() {
            return Err(refused(Fault::Missing.of_all().into()));
        }
        // What is not told anew is not kept from before: it is replaced.
        let details = Some(details.unwrap_or_else(|| "{}".to_owned()));
        let revision = Revision { amount, tax, description: None, lines: Some(lines), details, key: print };
        let order = engine.app.revise(&key, Some(order), revision).await.map_err(|error| problem(error, &IN_ORDER))?;
        answer(engine, &key, &order).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ReplaceOrder {
    fn describe() -> api::openapi::Description {
        crate::shopping::described_by_order().keyed().answer::<super::OrderView>(http::StatusCode::OK, "The order.")
    }
}
