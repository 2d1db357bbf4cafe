//! `PUT /v1/accounts/{account}/shopping/draft_orders/{id}/items/{line_id}`: replaces an item of a draft.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{access::Role, draft::Edit};
use http::StatusCode;

use crate::shopping::{
    IN_DRAFT, draft_problem,
    drafts::{key_of, of_one_item, view},
    wire::ItemBody,
};

/// Replaces an item of a draft. It may get another number.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct UpdateDraftItem;

impl Endpoint for UpdateDraftItem {
    const ROUTE: Route = Route {
        name: "update-draft-item",
        method: "PUT",
        paths: &["/v1/accounts/{account}/shopping/draft_orders/{id}/items/{line_id}"],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = ItemBody;

    async fn handle(engine: &Engine, call: Call<ItemBody>) -> Result<Reply, Problem> {
        let key = key_of(&call)?;
        let number = super::number(&call)?;
        let print = call.key_print(engine, &key.merchant);
        let edit = Edit::Replace(number, call.body.line("")?);
        let draft = engine.app.edit_draft(&key, &edit, print).await;
        let draft = draft.map_err(|error| of_one_item(draft_problem(error, &IN_DRAFT)))?;
        Reply::json(StatusCode::OK, None, &view(&key, &draft)?)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for UpdateDraftItem {
    fn describe() -> api::openapi::Description {
        super::described()
            .keyed()
            .answer::<crate::shopping::drafts::DraftView>(StatusCode::OK, "The draft with the item.")
    }
}
