//! `POST .../authorisation/{authorisationId}/settle`: takes what is held.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{access::Role, order::OperationKind};
use serde::Serialize;

use super::operation::{Body, Needs, of_authorisation};

/// Settles an authorisation: posts the amount to the customer's account. A part of what is left only if the merchant
/// has agreed on that.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct SettleAuthorisation;

/// A transaction.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "SettleAuthorisationResponse"))]
struct Answer {
    /// What it is refunded by.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uuid")))]
    transaction_id: String,
}

impl Endpoint for SettleAuthorisation {
    const ROUTE: Route = Route {
        name: "settle-authorisation",
        method: "POST",
        paths: &["/cl/merchant-gateway-service/merchant/{customerRef}/authorisation/{authorisationId}/settle"],
        family: Family::OrderProcessing,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let needs = Needs::Whole(|settings| settings.is_settled_in_part);
        let (asked, _) = of_authorisation(engine, call, OperationKind::Capture, needs).await?;
        Reply::json(asked.status()?, None, &Answer { transaction_id: asked.id })
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for SettleAuthorisation {
    fn describe() -> api::openapi::Description {
        super::of_authorisation()
            .answer::<Answer>(http::StatusCode::OK, "The transaction.")
            .answer::<Answer>(http::StatusCode::ACCEPTED, "It was taken, and is not done yet.")
    }
}
