//! `GET /psp/checkout/{token}/scripts/{script}`: the page's script, and the one that embeds the page.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};

use super::{not_found, subject};

/// The page's own script.
const PAGE: &str = "page.js";
/// The script that a merchant's page includes.
pub(super) const CLIENT: &str = "client.js";

/// A script of a payment page: `page.js` is the page's own; `client.js` is included by a merchant's page, to embed
/// the payment page in it.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GetCheckoutScript;

impl Endpoint for GetCheckoutScript {
    const ROUTE: Route = Route {
        name: "get-checkout-script",
        method: "GET",
        paths: &["/psp/checkout/{token}/scripts/{script}"],
        family: Family::PaymentOrders,
        access: Access::Public,
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        subject(engine, &call)?;
        match call.path("script") {
            PAGE => Ok(Reply::Script(include_str!("../../../templates/checkout.js"))),
            CLIENT => Ok(Reply::Script(include_str!("../../../templates/checkout-client.js"))),
            _ => Err(not_found()),
        }
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GetCheckoutScript {
    fn describe() -> api::openapi::Description {
        let culture = "The language of the embedding page, as Swedbank Pay's clients send it. Not looked at here.";
        api::openapi::Description::new()
            .path("token", "The page's token.")
            .path("script", "`page.js` or `client.js`.")
            .query("culture", culture, schemars::json_schema!({ "type": "string" }))
            .script("The script.")
    }
}
