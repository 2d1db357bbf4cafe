//! `POST .../authorisation/{authorisationId}/reverse`: releases what is held.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{access::Role, order::OperationKind};
use serde::Serialize;

use super::{
    money::AmountView,
    operation::{Body, Needs, of_authorisation},
};

/// Reverses an authorisation: gives back the amount at once. A part of what is left only if the merchant has agreed on
/// that.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ReverseAuthorisation;

/// A reversal.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ReverseAuthorisationResponse"))]
struct Answer {
    /// What identifies the reversal.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uuid")))]
    authorisation_reversal_id: String,
    /// What is left to be settled or reversed.
    remaining_float: AmountView,
}

impl Endpoint for ReverseAuthorisation {
    const ROUTE: Route = Route {
        name: "reverse-authorisation",
        method: "POST",
        paths: &["/cl/merchant-gateway-service/merchant/{customerRef}/authorisation/{authorisationId}/reverse"],
        family: Family::OrderProcessing,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let needs = Needs::Whole(|settings| settings.is_reversed_in_part);
        let (asked, payment) = of_authorisation(engine, call, OperationKind::Void, needs).await?;
        let status = asked.status()?;
        let remaining_float = AmountView::of(asked.float(engine, payment).await?)?;
        Reply::json(status, None, &Answer { authorisation_reversal_id: asked.id, remaining_float })
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ReverseAuthorisation {
    fn describe() -> api::openapi::Description {
        super::of_authorisation()
            .answer::<Answer>(http::StatusCode::OK, "The reversal, and what is left.")
            .answer::<Answer>(http::StatusCode::ACCEPTED, "It was taken, and is not done yet.")
    }
}
