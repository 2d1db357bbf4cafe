//! `GET /v2/payments/{id}`: a payment, with everything that was done to it.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;

use super::{answer, find, submitted};

/// A payment, with everything that was done to it, after what was due on it has been done.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GetPayment;

impl Endpoint for GetPayment {
    const ROUTE: Route = Route {
        name: "get-payment",
        method: "GET",
        paths: &["/v2/payments/{id}"],
        family: Family::Payments,
        access: Access::Role(Role::Payments),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let (key, order) = find(engine, &call).await?;
        let order = engine.app.advance(&key, submitted(order)?).await?;
        answer(engine, &key, &order).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GetPayment {
    fn describe() -> api::openapi::Description {
        super::payment_named_by_path()
    }
}
