//! `GET /admin/v1/creditSettings`: what a merchant account has agreed on with its lender.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
use http::StatusCode;

use super::{super::merchant, SettingsView};

/// What a merchant account has agreed on with its lender. Before it is set, nothing is done in part, and every customer
/// authenticates.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GetCreditSettings;

impl Endpoint for GetCreditSettings {
    const ROUTE: Route = Route {
        name: "get-credit-settings",
        method: "GET",
        paths: &["/admin/v1/creditSettings"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let merchant = merchant(engine, &call).await?;
        let settings = engine.credits.settings(&merchant).await?;
        Reply::json(StatusCode::OK, None, &SettingsView::of(&settings))
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GetCreditSettings {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .merchant_in_query()
            .answer::<SettingsView>(StatusCode::OK, "What was agreed on.")
    }
}
