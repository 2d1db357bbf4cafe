//! `POST /admin/v1/work/{pspReference}/retry`: has an order's outstanding work tried again now.

use api::{Access, Call, Code, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use app::OrderKey;
use domain::{Reference, Version, access::Role};
use http::StatusCode;
use serde::Serialize;

/// Has the outstanding work of an order tried again now, in the background, if it is one that needs attention.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct RetryWork;

/// What is tried again.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "RetryWorkResponse"))]
struct Asked {
    /// The order's reference.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Reference"))]
    order_psp_reference: Reference,
}

impl Endpoint for RetryWork {
    const ROUTE: Route = Route {
        name: "retry-work",
        method: "POST",
        paths: &["/admin/v1/work/{pspReference}/retry"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let merchant = call.merchant_in_query()?;
        let reference = call.path("pspReference").parse::<Reference>().ok();
        let reference = reference.filter(|reference| reference.version() == Version::FIRST).ok_or_else(not_listed)?;
        let key = OrderKey { merchant, id: reference.order() };
        engine.app.retry_work(&key).await.map_err(|error| match Problem::from(error) {
            problem if problem.code == Code::OrderNotFound => not_listed(),
            problem => problem,
        })?;
        Reply::json(StatusCode::ACCEPTED, None, &Asked { order_psp_reference: reference })
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for RetryWork {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .path("pspReference", "The order's reference.")
            .merchant_in_query()
            .answer::<Asked>(StatusCode::ACCEPTED, "It will be tried.")
    }
}

fn not_listed() -> Problem {
    Problem::new(Code::NotFound, "There is no order of this pspReference whose work needs attention.")
}
