//! API keys.

pub mod create;
pub mod list;
pub mod revoke;

use api::clock;
use domain::access::{KeyEntry, Role};
use serde::Serialize;

/// An API key as it is told: never its text.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyView<'a> {
    id: &'a str,
    description: &'a str,
    roles: &'a [Role],
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
}

impl<'a> KeyView<'a> {
    fn of(key: &'a KeyEntry) -> Self {
        Self {
            id: &key.id,
            description: &key.description,
            roles: &key.roles,
            created_at: clock::render(key.created_at),
            revoked_at: key.revoked_at.map(clock::render),
        }
    }
}
