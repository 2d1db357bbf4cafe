//! `POST /psp/paymentorders/{id}/cancellations`: releases what is held and not captured.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::access::Role;

use super::operation::{CancellationBody, of_all};

/// Releases everything that is held and not captured.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CancelPaymentOrder;

impl Endpoint for CancelPaymentOrder {
    const ROUTE: Route = Route {
        name: "cancel-payment-order",
        method: "POST",
        paths: &["/psp/paymentorders/{id}/cancellations"],
        family: Family::PaymentOrders,
        access: Access::Role(Role::Payments),
    };
    type Body = CancellationBody;

    async fn handle(engine: &Engine, call: Call<CancellationBody>) -> Result<Reply, Problem> {
        of_all(engine, call).await
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CancelPaymentOrder {
    fn describe() -> api::openapi::Description {
        super::operation::described()
    }
}
