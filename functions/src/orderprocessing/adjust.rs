//! `POST .../authorisation/{authorisationId}/upward-adjustment`: holds more.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{
    access::Role,
    order::{OperationKind, Standing},
};
use http::StatusCode;

use super::{
    authorise::{Answer, declined},
    operation::{Body, Needs, of_authorisation},
};

/// Raises an authorisation: `amount` is what is to be authorised in the end, on the terms that it was authorised on. A
/// decline is an answer, and leaves the authorisation as it was.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct AdjustAuthorisation;

impl Endpoint for AdjustAuthorisation {
    const ROUTE: Route = Route {
        name: "adjust-authorisation",
        method: "POST",
        paths: &[
            "/cl/merchant-gateway-service/merchant/{customerRef}/authorisation/{authorisationId}/upward-adjustment",
        ],
        family: Family::OrderProcessing,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let (asked, payment) = of_authorisation(engine, call, OperationKind::AmountUpdate, Needs::More).await?;
        let authorisation_id = asked.id_of(payment);
        let (status, result, decline_reason) = match asked.operation.standing() {
            Standing::Success | Standing::Conflict => (StatusCode::OK, "Authorised", None),
            Standing::Pending | Standing::Uncertain => (StatusCode::ACCEPTED, "Pending", None),
            Standing::Failure => {
                let reason = asked.operation.decline().map_or("Error", declined);
                (StatusCode::OK, "Declined", Some(reason))
            }
        };
        Reply::json(status, None, &Answer { authorisation_id, result, decline_reason })
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for AdjustAuthorisation {
    fn describe() -> api::openapi::Description {
        super::of_authorisation()
            .answer::<Answer>(StatusCode::OK, "Whether the amount is held.")
            .answer::<Answer>(StatusCode::ACCEPTED, "It was taken, and is not done yet.")
    }
}
