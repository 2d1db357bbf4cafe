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
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ApiKey"))]
struct KeyView<'a> {
    /// Its identity, which is not enough to be used.
    id: &'a str,
    /// What its maker wrote about it.
    description: &'a str,
    /// What it may be used for.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Roles"))]
    roles: &'a [Role],
    /// When it was made.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    created_at: String,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Time>"))]
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
