//! `POST .../authorisation/{authorisationId}/reverse`: releases what is held.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{
    access::Role,
    order::{Only, Operate, OperationKind, Target},
};
use serde::Serialize;

use super::{
    check_keyed, customer, find, merchant,
    money::AmountView,
    no_authorisation,
    operation::{Body, ask, read},
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

    async fn handle(engine: &Engine, mut call: Call<Body>) -> Result<Reply, Problem> {
        let (merchant, customer) = (merchant(&call)?, customer(&call)?);
        check_keyed(&mut call)?;
        let print = call.key_print(engine, &merchant);
        let (amount, details) = read(&mut call)?;
        let id = call.path("authorisationId");
        let (found, version) =
            find(engine, merchant, &customer, id, |_, version| vec![version], no_authorisation).await?;
        let settings = engine.credits.settings(&found.key.merchant).await?;
        let operate = Operate {
            details,
            only: Only { whole: !settings.is_reversed_in_part, ..Only::default() },
            key: print,
            ..Operate::new(OperationKind::Void, Target::Payment(version), Some(amount))
        };
        let asked = ask(engine, found.key, found.order, operate).await?;
        let status = asked.status()?;
        let remaining_float = AmountView::of(asked.float(engine, version).await?)?;
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
