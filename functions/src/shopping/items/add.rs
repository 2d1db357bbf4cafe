//! `POST /v1/accounts/{account}/shopping/draft_orders/{id}/items`: adds an item to a draft.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{access::Role, draft::Edit};
use http::StatusCode;

use crate::shopping::{
    IN_DRAFT, draft_problem,
    drafts::{key_of, of_one_item, view},
    wire::ItemBody,
};

/// Adds an item to a draft.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct AddDraftItem;

impl Endpoint for AddDraftItem {
    const ROUTE: Route = Route {
        name: "add-draft-item",
        method: "POST",
        paths: &["/v1/accounts/{account}/shopping/draft_orders/{id}/items"],
        family: Family::Shopping,
        access: Access::Role(Role::Payments),
    };
    type Body = ItemBody;

    async fn handle(engine: &Engine, call: Call<ItemBody>) -> Result<Reply, Problem> {
        let key = key_of(&call)?;
        let print = call.key_print(engine, &key.merchant);
        let edit = Edit::Add(call.body.line("")?);
        let draft = engine.app.edit_draft(&key, &edit, print).await;
        let draft = draft.map_err(|error| of_one_item(draft_problem(error, &IN_DRAFT)))?;
        Reply::json(StatusCode::CREATED, None, &view(&key, &draft)?)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for AddDraftItem {
    fn describe() -> api::openapi::Description {
        crate::shopping::drafts::described()
            .keyed()
            .answer::<crate::shopping::drafts::DraftView>(StatusCode::CREATED, "The draft with the item.")
    }
}
