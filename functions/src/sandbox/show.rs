//! `GET /sandbox/{merchantAccount}/{payment}`: the page.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};

use super::{not_found, page, subject};

/// The page a shopper is redirected to.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ShowSandboxPage;

impl Endpoint for ShowSandboxPage {
    const ROUTE: Route = Route {
        name: "show-sandbox-page",
        method: "GET",
        paths: &["/sandbox/{merchantAccount}/{payment}"],
        family: Family::Sandbox,
        access: Access::Public,
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let (merchant, payment) = subject(&call)?;
        let book = engine.sandbox.book(&merchant, payment).await?.ok_or_else(not_found)?;
        page(engine, &merchant, payment, &book, call.query("left").is_some())
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ShowSandboxPage {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .path("merchantAccount", "The merchant account.")
            .path("payment", "The payment's reference.")
            .query("left", "That the shopper walked away from it.", schemars::json_schema!({ "type": "string" }))
            .page("The page.")
    }
}
