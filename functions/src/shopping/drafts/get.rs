//! `GET /v1/accounts/{account}/shopping/draft_orders/{id}`: a draft.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
use http::StatusCode;

use super::{key_of, view};
use crate::shopping::{IN_DRAFT, draft_problem};

/// A draft as it stands.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GetDraft;

impl Endpoint for GetDraft {
    const ROUTE: Route = Route {
        name: "get-draft",
        method: "GET",
        paths: &["/v1/accounts/{account}/shopping/draft_orders/{id}"],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let key = key_of(&call)?;
        let draft = engine.app.draft(&key).await.map_err(|error| draft_problem(error, &IN_DRAFT))?;
        Reply::json(StatusCode::OK, None, &view(&key, &draft)?)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GetDraft {
    fn describe() -> api::openapi::Description {
        super::described().answer::<super::DraftView>(StatusCode::OK, "The draft.")
    }
}
