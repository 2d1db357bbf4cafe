//! `GET /cl/merchant-gateway-service/sca/{scaToken}`: the page.

use api::{Access, Call, Code, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use askama::Template;
use domain::{credit::Standing, limits::WRONG_ONE_TIME_CODES_MAX};
use http::StatusCode;

use super::{Subject, word};
use crate::origin::origin;

/// The page in all its states. Every way it can end is in it, so that its script has no texts of its own.
#[derive(Template)]
#[template(path = "sca.html")]
struct Page<'a> {
    /// Nothing is shown without one.
    shown: Option<Shown<'a>>,
}

struct Shown<'a> {
    token: &'a str,
    merchant: &'a str,
    /// In major units.
    amount: String,
    /// How it has ended, if it has.
    status: &'a str,
    /// The one-time code, while it can be given.
    code: String,
    tries_left: u8,
    /// Whether a wrong code was given before.
    was_wrong: bool,
    /// How long it can still be given.
    expires_in_ms: u128,
    minutes: u128,
    return_url: Option<&'a str>,
    /// Whom the page tells what became of it.
    listener: String,
}

/// The page on which a customer authenticates before credit is spent: it shows what is to be spent with whom, and takes
/// the one-time code. In the sandbox it also shows the code, since nothing is sent to a telephone.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ShowScaPage;

impl Endpoint for ShowScaPage {
    const ROUTE: Route = Route {
        name: "show-sca-page",
        method: "GET",
        paths: &["/cl/merchant-gateway-service/sca/{scaToken}"],
        family: Family::OrderProcessing,
        access: Access::Public,
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let found = async {
            let subject = Subject::of(engine, &call)?;
            let standing = subject.standing(engine).await?;
            Ok((subject, standing))
        };
        match found.await {
            Ok((subject, standing)) => show(engine, call.path("scaToken"), &subject, standing),
            // A customer reads no JSON.
            Err(Problem { code: Code::NotFound, .. }) => {
                rendered(&Page { shown: None }, StatusCode::NOT_FOUND, Vec::new())
            }
            Err(problem) => Err(problem),
        }
    }
}

fn show(engine: &Engine, token: &str, subject: &Subject, standing: Standing) -> Result<Reply, Problem> {
    let Subject { merchant, authentication } = subject;
    let return_url = authentication.return_url.as_deref();
    // Without a return URL nobody else's page embeds this one, but a window that opened it may be anyone's. It is told
    // whoever it is: the token is of one authorisation, for the holder of the merchant's key alone, and says nothing to
    // others. With one, only pages of its origin are told; an app's URL has no origin, so then none is.
    let host = return_url.and_then(origin);
    let listener = if return_url.is_none() { "*".to_owned() } else { host.clone().unwrap_or_default() };
    let (code, tries_left) = match standing {
        Standing::Open { tries_left } => {
            (engine.credits.one_time_code(merchant, &authentication.customer, authentication.challenge), tries_left)
        }
        Standing::Passed | Standing::Failed | Standing::Expired | Standing::Used => (String::new(), 0),
    };
    let left = authentication.expires_at.since(engine.app.streams.now());
    let shown = Shown {
        token,
        merchant: merchant.as_str(),
        amount: authentication.amount.to_string(),
        status: word(standing).unwrap_or_default(),
        code,
        tries_left,
        was_wrong: tries_left < WRONG_ONE_TIME_CODES_MAX,
        expires_in_ms: left.as_millis(),
        minutes: left.as_millis().div_ceil(60_000),
        return_url,
        listener,
    };
    rendered(&Page { shown: Some(shown) }, StatusCode::OK, host.into_iter().collect())
}

fn rendered(page: &Page<'_>, status: StatusCode, hosts: Vec<String>) -> Result<Reply, Problem> {
    page.render().map(|html| Reply::Page { status, html, hosts }).map_err(|error| {
        tracing::error!(%error, "the authentication page could not be rendered");
        Problem::new(Code::Internal, "Something went wrong here. It was logged.")
    })
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ShowScaPage {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .path("scaToken", "What the initiation answered.")
            .page("The page.")
            .page_with(StatusCode::NOT_FOUND, "A page that says that there is no such authentication.")
    }
}
