//! `POST .../merchant/{customerRef}/initiate`: whether a customer has to authenticate before spending.

use api::{
    Access, Authentication, Call, Endpoint, Engine, Family, Object, Problem, Reply, Route, clock, field_invalid,
    limits::{SCA_RETURN_URL_CHARS_MAX, SCA_TOKEN_CHARS_MAX},
};
use domain::{OrderId, access::Role, limits::CHALLENGE_TIME};
use http::StatusCode;
use partners::Wanted;
use serde::{Deserialize, Serialize};

use super::{credit, customer, merchant, money::Amount, sca, text};
use crate::checkout::wire::check_return_url;

/// Initiates a spend: tells whether the customer is exempt from authentication, or where to authenticate. The
/// `scaToken` goes to the authorisation; it is for this customer and this amount, and for one authorisation.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct InitiateSpend;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "InitiateSpendRequest"))]
pub struct Body {
    /// What is to be spent.
    #[cfg_attr(feature = "openapi", schemars(with = "Amount"))]
    amount: Option<Object<Amount>>,
    /// On which of the customer's spend options; revolving, if it is not given.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uuid")))]
    spend_option_id: Option<String>,
    /// Where the customer's browser goes from the authentication page, with `scaToken`, `success`, `status` and `message`
    /// in its query. Pages of its origin may embed the authentication page, and are told the same by `postMessage`:
    /// embedding takes a `returnUrl` of the embedding page's origin. Without it, only a window that opened the page is
    /// told.
    #[cfg_attr(feature = "openapi", schemars(length(max = SCA_RETURN_URL_CHARS_MAX)))]
    return_url: Option<String>,
    /// Whether the customer is to authenticate also if exempt.
    override_exemption: Option<bool>,
}

/// What is to be done before the authorisation.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "InitiateSpendResponse"))]
struct Answer {
    /// Whether the customer has to authenticate.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["Exempt", "Required"])))]
    authentication_status: &'static str,
    /// What goes to the authorisation, in the header `sca-token`.
    sca_token: String,
    /// The page on which the customer authenticates, if that is required.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uri")))]
    widget_url: Option<String>,
    /// From when on it is too late.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    expires_at: String,
}

impl Endpoint for InitiateSpend {
    const ROUTE: Route = Route {
        name: "initiate-spend",
        method: "POST",
        paths: &["/cl/merchant-gateway-service/merchant/{customerRef}/initiate"],
        family: Family::OrderProcessing,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let (merchant, customer) = (merchant(&call)?, customer(&call)?);
        let amount = Amount::read(call.body.amount)?;
        let option = credit::option("spendOptionId", call.body.spend_option_id.as_deref())?;
        let return_url = text("returnUrl", call.body.return_url, SCA_RETURN_URL_CHARS_MAX)?;
        if let Some(url) = &return_url {
            check_return_url("returnUrl", url)?;
        }
        let wanted = Wanted { customer: &customer, amount, option };
        let may_be_exempt = engine.credits.is_exempt(&merchant, wanted).await?;
        let is_exempt = may_be_exempt && !call.body.override_exemption.unwrap_or_default();
        let expires_at = engine.app.streams.now().plus(CHALLENGE_TIME);
        // Drawn anew for each request: an authentication that was passed for one amount is not that of another.
        let challenge = OrderId::from_entropy(engine.app.streams.entropy()).reference();
        let authentication = Authentication { customer, challenge, amount, option, expires_at, is_exempt, return_url };
        let token = engine.tokens.seal_authentication(&merchant, &authentication);
        // Characters that take several bytes make a token that no header would bring back.
        if token.len() > SCA_TOKEN_CHARS_MAX {
            let bytes = authentication.return_url.map_or(0, |url| url.len());
            return Err(field_invalid("returnUrl", "fewer bytes", bytes));
        }
        let answer = Answer {
            authentication_status: if is_exempt { "Exempt" } else { "Required" },
            widget_url: (!is_exempt).then(|| sca::url(engine, &token)),
            sca_token: token,
            expires_at: clock::render(expires_at),
        };
        Reply::json(StatusCode::OK, None, &answer)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for InitiateSpend {
    fn describe() -> api::openapi::Description {
        super::of_customer().answer::<Answer>(StatusCode::OK, "Whether the customer has to authenticate, and where.")
    }
}
