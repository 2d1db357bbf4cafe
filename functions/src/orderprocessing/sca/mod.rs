//! The page on which a customer authenticates before credit is spent.
//!
//! Whoever has its address may try: the address holds the `scaToken`, which is of one customer and one amount, and is
//! good for some minutes. It is of no use without the merchant's key. There is no telephone behind the sandbox, so the
//! page shows the one-time code itself.

pub mod code;
pub mod script;
pub mod show;

use api::{Authentication, Call, Code, Engine, Problem};
use domain::{MerchantAccount, credit::Standing};
use partners::CreditError;

/// Where a customer's browser finds the page.
pub(super) fn url(engine: &Engine, token: &str) -> String {
    let host = engine.sandbox.url().unwrap_or_default();
    format!("{host}/cl/merchant-gateway-service/sca/{token}")
}

/// What a page is about: an authentication that is asked for.
struct Subject {
    merchant: MerchantAccount,
    authentication: Authentication,
}

impl Subject {
    /// What the path's token is of. One that is exempt has nothing to be authenticated.
    fn of<B>(engine: &Engine, call: &Call<B>) -> Result<Self, Problem> {
        let opened = engine.tokens.open_authentication(call.path("scaToken")).ok();
        let asked = opened.filter(|(_, authentication)| !authentication.is_exempt);
        let (merchant, authentication) = asked.ok_or_else(not_found)?;
        tracing::Span::current().record("merchant", merchant.as_str());
        Ok(Self { merchant, authentication })
    }

    /// Where the authentication stands.
    async fn standing(&self, engine: &Engine) -> Result<Standing, Problem> {
        let Self { merchant, authentication } = self;
        let proof = authentication.proof();
        engine.credits.standing(merchant, &authentication.customer, &proof).await.map_err(problem)
    }
}

/// Where an authentication stands, in the words of the page; none while a code may be given.
fn word(standing: Standing) -> Option<&'static str> {
    match standing {
        Standing::Open { .. } => None,
        Standing::Passed => Some("authenticated"),
        Standing::Failed => Some("failed"),
        Standing::Expired => Some("expired"),
        Standing::Used => Some("used"),
    }
}

fn not_found() -> Problem {
    Problem::new(Code::NotFound, "There is no such page.")
}

fn problem(error: CreditError) -> Problem {
    if matches!(error, CreditError::UnknownCustomer) { not_found() } else { error.into() }
}
