//! `POST /oauth/token`: an access token for an API key.

use api::{Access, Call, Code, Credentials, Endpoint, Engine, Family, Problem, Reply, Route, field_missing};
use app::access::ACCESS_TOKEN_TIME;
use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// Issues an access token to the holder of an API key (RFC 6749, 4.4). The key comes as the client's secret: in the
/// form, by Basic authentication, or in `X-API-Key`.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct IssueToken;

/// The request: a form.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "TokenRequest"))]
pub struct Body {
    /// Always so.
    #[cfg_attr(feature = "openapi", schemars(required, extend("const" = "client_credentials")))]
    grant_type: Option<String>,
    /// The key's identity, or a merchant account it may use.
    client_id: Option<String>,
    /// The API key, if it does not come in a header.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>"))]
    client_secret: Option<SecretString>,
}

/// An access token.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "TokenResponse"))]
struct Issued<'a> {
    /// The token.
    access_token: &'a str,
    /// Always so.
    #[cfg_attr(feature = "openapi", schemars(extend("const" = "Bearer")))]
    token_type: &'static str,
    /// For how many seconds it can be used.
    expires_in: u64,
}

impl Endpoint for IssueToken {
    const ROUTE: Route = Route {
        name: "issue-token",
        method: "POST",
        paths: &["/oauth/token"],
        family: Family::OAuth,
        access: Access::Public,
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let Body { grant_type, client_id, client_secret } = call.body;
        match grant_type.as_deref().ok_or_else(|| field_missing("grant_type"))? {
            "client_credentials" => {}
            _ => {
                let message = "Field 'grant_type' is not valid: expected client_credentials, got another.";
                return Err(Problem::new(Code::GrantTypeUnsupported, message));
            }
        }
        let credentials = match client_secret {
            Some(key) => Some(Credentials { client: client_id, key }),
            None => call.credentials.map(|sent| Credentials { client: client_id.or(sent.client), ..sent }),
        };
        let Credentials { client, key } = credentials.ok_or_else(unauthenticated)?;
        let token = engine.access.issue_token(&key, client.as_deref()).await?;
        let token =
            token.ok_or_else(|| Problem::new(Code::Unauthorised, "There is no such client, or not with this key."))?;
        let body = Issued {
            access_token: token.expose_secret(),
            token_type: "Bearer",
            expires_in: ACCESS_TOKEN_TIME.as_secs(),
        };
        Reply::json(StatusCode::OK, None, &body)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for IssueToken {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new().answer::<Issued<'_>>(StatusCode::OK, "The access token.")
    }
}

/// A request without any client authentication (RFC 6749, 5.2).
fn unauthenticated() -> Problem {
    let message = "No client authentication: expected an API key as 'client_secret', by Basic authentication, or in \
                   X-API-Key.";
    Problem::new(Code::Unauthorised, message)
}
