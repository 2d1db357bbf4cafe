//! `GET /cl/merchant-gateway-service/sca/{scaToken}/script.js`: the page's script.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};

use super::Subject;

/// The script of the authentication page: gives the code, and tells the embedding page what became of it.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GetScaScript;

impl Endpoint for GetScaScript {
    const ROUTE: Route = Route {
        name: "get-sca-script",
        method: "GET",
        paths: &["/cl/merchant-gateway-service/sca/{scaToken}/script.js"],
        family: Family::OrderProcessing,
        access: Access::Public,
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        Subject::of(engine, &call)?;
        Ok(Reply::Script(include_str!("../../../templates/sca.js")))
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GetScaScript {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new().path("scaToken", "What the initiation answered.").script("The script.")
    }
}
