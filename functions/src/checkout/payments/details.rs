//! `POST payments/details`: the outcome of a payment whose shopper came back from a page.

use api::{Access, Call, Code, Endpoint, Engine, Family, Object, Problem, Reply, Route, field_missing};
use app::OrderKey;
use domain::access::Role;
use serde::Deserialize;

use super::answer;
use crate::checkout::wire::object_missing;

/// The outcome of a payment whose shopper came back from a page. The `redirectResult` only tells which
/// payment that is; what became of it, its partner is asked.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct SubmitDetails;

/// The request.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "SubmitDetailsRequest"))]
pub struct Body {
    /// What the shopper's browser came back with.
    #[cfg_attr(feature = "openapi", schemars(with = "Details"))]
    details: Option<Object<Details>>,
}

/// What the shopper's browser came back with.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "RedirectDetails"))]
struct Details {
    /// The value of `redirectResult` in the return URL.
    #[cfg_attr(feature = "openapi", schemars(required))]
    redirect_result: Option<String>,
}

impl Endpoint for SubmitDetails {
    const ROUTE: Route = Route {
        name: "submit-payment-details",
        method: "POST",
        paths: &["/{version}/payments/details", "/checkout/{version}/payments/details"],
        family: Family::Checkout,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let Object(details) = call.body.details.as_ref().ok_or_else(|| object_missing("details"))?;
        let token = details.redirect_result.as_ref().ok_or_else(|| field_missing("details.redirectResult"))?;
        // A redirect result of a merchant account that the caller may not use is none.
        let (merchant, payment) = engine
            .tokens
            .open_return(token)
            .ok()
            .filter(|(merchant, _)| call.caller.may_use(merchant))
            .ok_or_else(invalid)?;
        let key = OrderKey { merchant, id: payment.order() };
        let print = call.key_print(engine, &key.merchant);
        let answered = engine
            .app
            .conclude(key, payment.version(), print)
            .await
            .map_err(|error| Problem::from(error).about(payment))?;
        answer::render(engine, &answered)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for SubmitDetails {
    fn describe() -> api::openapi::Description {
        answer::describe()
    }
}

fn invalid() -> Problem {
    let expected = "expected the value that the shopper's browser came back with";
    Problem::new(Code::RedirectResultInvalid, format!("Field 'details.redirectResult' is not valid: {expected}."))
}
