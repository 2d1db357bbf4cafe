//! What the sandbox acquirer shows to a shopper's browser: the page where a shopper authenticates, or pays with iDEAL,
//! and the place where a card's number is exchanged for a token.

pub mod choose;
pub mod show;
pub mod tokenise;

use api::{Call, Code, Engine, Problem, Reply};
use askama::Template;
use domain::{
    MerchantAccount, Reference,
    order::{MethodKind, Resolution},
};
use partners::sandbox::Book;

/// The page in all its states.
#[derive(Template)]
#[template(path = "sandbox.html")]
struct Page<'a> {
    merchant: &'a str,
    payment: String,
    amount: String,
    is_card: bool,
    state: State,
    back: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Choosing,
    Approved,
    Refused,
    Ended,
    Left,
}

/// Which payment a page is about.
fn subject<B>(call: &Call<B>) -> Result<(MerchantAccount, Reference), Problem> {
    let merchant = MerchantAccount::try_new(call.path("merchantAccount")).map_err(|_| not_found())?;
    let payment = call.path("payment").parse().map_err(|_| not_found())?;
    Ok((merchant, payment))
}

fn not_found() -> Problem {
    Problem::new(Code::NotFound, "There is no such page.")
}

/// The page as the sandbox's book has it; `has_left` once the shopper walked away from it.
fn page(
    engine: &Engine,
    merchant: &MerchantAccount,
    payment: Reference,
    book: &Book,
    has_left: bool,
) -> Result<Reply, Problem> {
    let amount = book.amount.filter(|_| !book.return_url.is_empty()).ok_or_else(not_found)?;
    let state = match book.resolution("", engine.sandbox.now()) {
        Resolution::AwaitingShopper { .. } if has_left => State::Left,
        Resolution::AwaitingShopper { .. } => State::Choosing,
        Resolution::Authorised => State::Approved,
        Resolution::Refused { .. } => State::Refused,
        Resolution::Cancelled { .. } | Resolution::Failed | Resolution::Pending | Resolution::Uncertain => State::Ended,
    };
    let page = Page {
        merchant: merchant.as_str(),
        payment: payment.to_string(),
        amount: amount.to_string(),
        is_card: book.kind == MethodKind::Card,
        state,
        back: (!matches!(state, State::Choosing | State::Left))
            .then(|| way_back(engine, merchant, payment, book))
            .flatten(),
    };
    page.render().map(Reply::Html).map_err(|error| {
        tracing::error!(%error, "the sandbox's page could not be rendered");
        Problem::new(Code::Internal, "Something went wrong here. It was logged.")
    })
}

/// The return URL, with the `redirectResult` the shop needs.
fn way_back(engine: &Engine, merchant: &MerchantAccount, payment: Reference, book: &Book) -> Option<String> {
    let mut url = url::Url::parse(&book.return_url).ok()?;
    url.query_pairs_mut().append_pair("redirectResult", &engine.tokens.seal_return(merchant, payment));
    Some(url.into())
}
