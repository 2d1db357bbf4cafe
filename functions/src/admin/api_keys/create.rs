//! `POST /admin/v1/apiKeys`: makes an API key. Its text is shown this once.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route, field_invalid, field_missing};
use app::access::NewKey;
use domain::{MerchantAccount, access::Role, limits::MERCHANTS_PER_KEY_MAX};
use http::StatusCode;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::KeyView;

/// Characters of a key's description.
const DESCRIPTION_CHARS_MAX: usize = 200;

/// Makes an API key for merchant accounts that the caller may administer. Its text is shown this once.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CreateApiKey;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreateApiKeyRequest"))]
pub struct Body {
    /// The merchant accounts it may use.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = domain::limits::MERCHANTS_PER_KEY_MAX)))]
    merchant_accounts: Option<Vec<String>>,
    /// What it may be used for.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Roles"))]
    roles: Option<Vec<String>>,
    /// What is to be remembered of it.
    #[cfg_attr(feature = "openapi", schemars(length(max = DESCRIPTION_CHARS_MAX)))]
    description: Option<String>,
}

/// The key that was made.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreateApiKeyResponse"))]
struct Created<'a> {
    /// The key. It is shown this once.
    api_key: &'a str,
    /// The merchant accounts it may use.
    #[cfg_attr(feature = "openapi", schemars(with = "Vec<String>"))]
    merchant_accounts: &'a [MerchantAccount],
    #[serde(flatten)]
    key: KeyView<'a>,
}

impl Endpoint for CreateApiKey {
    const ROUTE: Route = Route {
        name: "create-api-key",
        method: "POST",
        paths: &["/admin/v1/apiKeys"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let key = new_key(&call)?;
        let (text, entry) = engine.access.create_key(&key).await?;
        let body =
            Created { api_key: text.expose_secret(), merchant_accounts: &key.merchants, key: KeyView::of(&entry) };
        Reply::json(StatusCode::CREATED, None, &body)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CreateApiKey {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new().answer::<Created<'_>>(StatusCode::CREATED, "It was made.")
    }
}

fn new_key(call: &Call<Body>) -> Result<NewKey, Problem> {
    let names = call.body.merchant_accounts.as_ref().ok_or_else(|| field_missing("merchantAccounts"))?;
    if !(1..=MERCHANTS_PER_KEY_MAX).contains(&names.len()) {
        let expected = format!("1 to {MERCHANTS_PER_KEY_MAX} merchant accounts");
        return Err(field_invalid("merchantAccounts", &expected, names.len()));
    }
    let mut merchants = names.iter().map(|name| call.merchant(Some(name))).collect::<Result<Vec<_>, _>>()?;
    merchants.sort();
    merchants.dedup();
    let roles = call.body.roles.as_ref().ok_or_else(|| field_missing("roles"))?;
    let mut roles = roles.iter().zip(0_usize..).map(role).collect::<Result<Vec<_>, _>>()?;
    roles.sort();
    roles.dedup();
    if roles.is_empty() {
        return Err(field_invalid("roles", "'payments', 'admin' or both", "none"));
    }
    let description = call.body.description.clone().unwrap_or_default();
    let length = description.chars().count();
    if length > DESCRIPTION_CHARS_MAX {
        return Err(field_invalid("description", &format!("at most {DESCRIPTION_CHARS_MAX} characters"), length));
    }
    Ok(NewKey { merchants, roles, description })
}

fn role((name, index): (&String, usize)) -> Result<Role, Problem> {
    match name.as_str() {
        "payments" => Ok(Role::Payments),
        "admin" => Ok(Role::Admin),
        _ => Err(field_invalid(&format!("roles[{index}]"), "'payments' or 'admin'", "another text")),
    }
}
