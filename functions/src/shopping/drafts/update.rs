//! `PUT /v1/accounts/{account}/shopping/draft_orders/{id}`: replaces a draft.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{access::Role, draft::Edit};
use http::StatusCode;

use super::{Body, key_of, read, view};
use crate::shopping::{IN_DRAFT, draft_problem};

/// Replaces all of a draft, as long as it is not completed.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct UpdateDraft;

impl Endpoint for UpdateDraft {
    const ROUTE: Route = Route {
        name: "update-draft",
        method: "PUT",
        paths: &["/v1/accounts/{account}/shopping/draft_orders/{id}"],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let key = key_of(&call)?;
        let print = call.key_print(engine, &key.merchant);
        let edit = Edit::Write(read(call.body)?);
        let draft = engine.app.edit_draft(&key, &edit, print).await;
        let draft = draft.map_err(|error| draft_problem(error, &IN_DRAFT))?;
        Reply::json(StatusCode::OK, None, &view(&key, &draft)?)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for UpdateDraft {
    fn describe() -> api::openapi::Description {
        super::described().keyed().answer::<super::DraftView>(StatusCode::OK, "The draft.")
    }
}
