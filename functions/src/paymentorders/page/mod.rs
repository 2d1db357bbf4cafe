//! The hosted payment page: where a shopper sees an order, and pays it in parts.
//!
//! Whoever has the page's address may see the order and pay it; the address holds a sealed token and nothing else. The
//! page is a shell with a script, which reads the order from [`order`] and draws it, again whenever its window gets the
//! focus. A payment names the version of the order that the shopper saw, so what is authorised is what was shown. A
//! card's number goes to the sandbox (`functions::sandbox::tokenise`) and comes back as a token.

pub mod balance;
pub mod order;
pub mod pay;
pub mod script;
pub mod show;
mod view;

use api::{Call, Code, Engine, Problem};
use app::OrderKey;

/// Where a shopper's browser finds the page of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    /// The page (`redirect-checkout`).
    pub redirect: String,
    /// The script that puts the page into a page of the merchant's (`view-checkout`).
    pub view: String,
}

impl Links {
    /// Those of an order whose tokens that key seals.
    #[must_use]
    pub fn of(engine: &Engine, key: &OrderKey, token_key: u32) -> Self {
        let host = engine.sandbox.url().unwrap_or_default();
        let token = engine.tokens.seal_page(&key.merchant, key.id, token_key);
        let redirect = format!("{host}/psp/checkout/{token}");
        Self { view: format!("{redirect}/scripts/{}", script::CLIENT), redirect }
    }
}

/// Fields as the rules' own words name them, and as the page's requests do.
const FIELDS: [(&str, &str); 2] = [("order.orderData", "orderData"), ("amount.value", "amount")];

/// Which order a page is about.
fn subject<B>(engine: &Engine, call: &Call<B>) -> Result<OrderKey, Problem> {
    let (merchant, id) = engine.tokens.open_page(call.path("token")).map_err(|_| not_found())?;
    let span = tracing::Span::current();
    span.record("merchant", merchant.as_str());
    span.record("order", tracing::field::display(id.reference()));
    Ok(OrderKey { merchant, id })
}

fn not_found() -> Problem {
    Problem::new(Code::NotFound, "There is no such page.")
}

/// A problem with an order, in the words of the page's own requests.
fn problem(error: impl Into<Problem>) -> Problem {
    let problem = error.into();
    if problem.code == Code::OrderNotFound {
        return not_found();
    }
    for (theirs, ours) in FIELDS {
        let (theirs, quoted) = (format!("'{theirs}'"), format!("'{ours}'"));
        if problem.message.contains(&theirs) {
            let message = problem.message.replace(&theirs, &quoted);
            return Problem { message, ..problem }.of_field(ours);
        }
    }
    problem
}
