//! `DELETE /v1/accounts/{account}/shopping/draft_orders/{id}/items/{line_id}`: removes an item from a draft.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::{access::Role, draft::Edit};
use http::StatusCode;

use crate::shopping::{
    IN_DRAFT, draft_problem,
    drafts::{key_of, view},
};

/// Removes an item from a draft.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct DeleteDraftItem;

impl Endpoint for DeleteDraftItem {
    const ROUTE: Route = Route {
        name: "delete-draft-item",
        method: "DELETE",
        paths: &["/v1/accounts/{account}/shopping/draft_orders/{id}/items/{line_id}"],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let key = key_of(&call)?;
        let edit = Edit::Remove(super::number(&call)?);
        let draft = engine.app.edit_draft(&key, &edit, None).await;
        let draft = draft.map_err(|error| draft_problem(error, &IN_DRAFT))?;
        Reply::json(StatusCode::OK, None, &view(&key, &draft)?)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for DeleteDraftItem {
    fn describe() -> api::openapi::Description {
        super::described().answer::<crate::shopping::drafts::DraftView>(StatusCode::OK, "The draft without the item.")
    }
}
