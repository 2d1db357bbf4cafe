//! `POST /v1/accounts/{account}/auth/token`: an access token, as this family asks for it.

use api::{Access, Call, Code, Credentials, Endpoint, Engine, Family, Problem, Reply, Route, field_missing};
use app::access::{ACCESS_TOKEN_TIME, Caller};
use domain::MerchantAccount;
use http::StatusCode;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

/// Issues an access token to the holder of an API key. The key comes as the password of Basic authentication, with its
/// identity or the merchant account as the user name.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct IssueShoppingToken;

/// The request.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ShoppingTokenRequest"))]
pub struct Body {
    /// Always so.
    #[cfg_attr(feature = "openapi", schemars(required, extend("const" = "client_credentials")))]
    grant_type: Option<String>,
    /// What the token is for: it is not looked at.
    #[serde(rename = "audience")]
    _audience: Option<String>,
}

/// An access token.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ShoppingTokenResponse"))]
struct Issued<'a> {
    /// The token.
    access_token: &'a str,
    /// Always so.
    #[cfg_attr(feature = "openapi", schemars(extend("const" = "Bearer")))]
    token_type: &'static str,
    /// For how many seconds it can be used.
    expires_in: u64,
}

impl Endpoint for IssueShoppingToken {
    const ROUTE: Route = Route {
        name: "issue-shopping-token",
        method: "POST",
        paths: &["/v1/accounts/{account}/auth/token"],
        family: Family::Shopping,
        access: Access::Public,
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        match call.body.grant_type.as_deref().ok_or_else(|| field_missing("grant_type"))? {
            "client_credentials" => {}
            _ => {
                let message = "Field 'grant_type' is not valid: expected client_credentials, got another.";
                return Err(Problem::new(Code::GrantTypeUnsupported, message).of_field("grant_type"));
            }
        }
        let unknown = || Problem::new(Code::Unauthorised, "There is no such client, or not of this merchant account.");
        let Credentials { client, key } = call.credentials.as_ref().ok_or_else(unknown)?;
        let account = MerchantAccount::try_new(call.path("account")).map_err(|_| unknown())?;
        // Whether there is such a merchant account is not told to those who may not use it.
        let caller = engine.access.authenticate(key).await?;
        let may_use = matches!(&caller, Some(caller @ Caller::Key { .. }) if caller.may_use(&account));
        let token = if may_use { engine.access.issue_token(key, client.as_deref()).await? } else { None };
        let token = token.ok_or_else(unknown)?;
        tracing::Span::current().record("merchant", account.as_str());
        let body = Issued {
            access_token: token.expose_secret(),
            token_type: "Bearer",
            expires_in: ACCESS_TOKEN_TIME.as_secs(),
        };
        Reply::json(StatusCode::OK, None, &body)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for IssueShoppingToken {
    fn describe() -> api::openapi::Description {
        super::described().answer::<Issued<'_>>(StatusCode::OK, "The access token.")
    }
}
