//! `GET /psp/paymentorders/{id}`: a payment order as it stands.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;

use super::{
    find,
    parts::expanded,
    view::{Wanted, answer},
};

/// A payment order as it stands, and what may be done with it, after what was due on it has been done. An order of any
/// other family is shown too, without what it lacks.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GetPaymentOrder;

impl Endpoint for GetPaymentOrder {
    const ROUTE: Route = Route {
        name: "get-payment-order",
        method: "GET",
        paths: &["/psp/paymentorders/{id}"],
        family: Family::PaymentOrders,
        access: Access::Role(Role::Payments),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let (key, order) = find(engine, &call).await?;
        let wanted = Wanted { version: call.version, expanded: expanded(&call)?, now: engine.app.streams.now() };
        answer(engine, &key, &order, &wanted).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GetPaymentOrder {
    fn describe() -> api::openapi::Description {
        super::expandable(super::named_by_path())
            .answer::<super::view::Answer>(http::StatusCode::OK, "The payment order.")
    }
}
