//! `POST /v1/accounts/{account}/shopping/draft_orders`: creates a draft.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::access::Role;
use http::StatusCode;

use super::{Body, read, view};
use crate::shopping::{IN_DRAFT, draft_problem};

/// Creates a draft of an order, or of what is to be added to one.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CreateDraft;

impl Endpoint for CreateDraft {
    const ROUTE: Route = Route {
        name: "create-draft",
        method: "POST",
        paths: &["/v1/accounts/{account}/shopping/draft_orders"],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let merchant = call.merchant(Some(call.path("account")))?;
        let print = call.key_print(engine, &merchant);
        let content = read(call.body)?;
        let created = engine.app.create_draft(merchant, content, print).await;
        let (key, draft) = created.map_err(|error| draft_problem(error, &IN_DRAFT))?;
        Reply::json(StatusCode::CREATED, None, &view(&key, &draft)?)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CreateDraft {
    fn describe() -> api::openapi::Description {
        crate::shopping::described().keyed().answer::<super::DraftView>(StatusCode::CREATED, "The draft.")
    }
}
