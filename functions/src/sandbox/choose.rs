//! `POST /sandbox/{merchantAccount}/{payment}/{choice}`: what the shopper chose.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
#[cfg(feature = "openapi")]
use http::StatusCode;
use partners::sandbox::Choice;

use super::{not_found, page, subject, way_back};

/// What the shopper chose on the page: `approve` and `refuse` lead back to the shop, `leave` nowhere.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ChooseOnSandboxPage;

impl Endpoint for ChooseOnSandboxPage {
    const ROUTE: Route = Route {
        name: "choose-on-sandbox-page",
        method: "POST",
        paths: &["/sandbox/{merchantAccount}/{payment}/{choice}"],
        family: Family::Sandbox,
        access: Access::Public,
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let (merchant, payment) = subject(&call)?;
        let choice = match call.path("choice") {
            "approve" => Some(Choice::Approve),
            "refuse" => Some(Choice::Refuse),
            "leave" => None,
            _ => return Err(not_found()),
        };
        let Some(choice) = choice else {
            // Relative, because the engine may be found under a path of its own.
            return Ok(Reply::SeeOther(format!("../{payment}?left=1")));
        };
        let book = engine.sandbox.choose(&merchant, payment, choice).await?.ok_or_else(not_found)?;
        match way_back(engine, &merchant, payment, &book) {
            Some(url) => Ok(Reply::SeeOther(url)),
            None => page(engine, &merchant, payment, &book, false),
        }
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ChooseOnSandboxPage {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .path("merchantAccount", "The merchant account.")
            .path("payment", "The payment's reference.")
            .path("choice", "`approve`, `refuse` or `leave`.")
            .page("The page, if there is no way back to the shop.")
            .nothing(StatusCode::SEE_OTHER, "Back to the shop, or to the page.")
    }
}
