//! The items of a draft, one by one.

pub mod add;
pub mod delete;
pub mod update;

use api::{Call, Problem};
use app::DraftError;
use domain::draft::DraftRefusal;

use super::{IN_DRAFT, draft_problem};

/// The number of the item that a path names.
fn number<B>(call: &Call<B>) -> Result<u32, Problem> {
    let not_found = |_| draft_problem(DraftError::Refused(DraftRefusal::LineNotFound), &IN_DRAFT);
    call.path("line_id").parse().map_err(not_found)
}

/// What describes the item that a path names.
#[cfg(feature = "openapi")]
fn described() -> api::openapi::Description {
    super::drafts::described().path("line_id", "The item's number.")
}
