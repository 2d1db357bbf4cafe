//! What the functions wrote: in which form, about what, and what is nowhere in it.

use std::{collections::BTreeSet, fs, path::Path};

use functions::CATALOGUE;
use tests::repository;

use crate::{cloud::Line, life::life};

/// Log statements that no request, event or failure of a service leads to, and why.
const NOT_REACHED: &[(&str, &str)] = &[
    ("a client session could not be rendered", "what was just read as JSON can be written as JSON"),
    ("a cursor could not be rendered", "so can a cursor of three texts"),
    ("a partner answered for another amount than it was asked for", "neither the sandbox nor the gift cards do"),
    ("a reference leads to no operation", "what an order remembers of a reference is the operation it made"),
    ("a payment could not be rendered", "an order that could be read can be written"),
    ("an answer could not be rendered", "so can any answer"),
    ("shipments could not be rendered", "so can shipments"),
    (
        "something could not be rendered",
        "what was just read as JSON can be written as JSON, and so can a place in a list",
    ),
    ("the authentication page could not be rendered", "its template takes any text"),
    ("the payment page could not be rendered", "its template takes any text"),
    ("the function has ended", "no function of a healthy installation ends: see main.rs for one that does"),
    ("the sandbox's page could not be rendered", "its template takes any text"),
    ("what a client session told cannot be read", "it takes a table that somebody changed"),
    ("what a payment order was told cannot be read or written", "so does this"),
    ("what is told of an order could not be rendered", "two texts can be written as JSON"),
    ("what is told of an operation could not be rendered", "so can these"),
    ("an operation that was asked for is not there", "what an order was just asked for is in it"),
    ("a number could not be rendered", "a decimal of ours is a number of JSON"),
];

/// Endpoints whose requests are about no merchant account, or about several, or whose callers say nothing of it that is
/// checked.
const NO_MERCHANT: &[&str] = &[
    "choose-on-sandbox-page",
    "create-merchant",
    "issue-token",
    "list-merchants",
    "show-sandbox-page",
    "tokenise-card",
];

/// Endpoints whose requests are about one order.
const ONE_ORDER: &[&str] = &[
    "adjust-authorisation",
    "authorise-spend",
    "cancel-by-reference",
    "cancel-order",
    "cancel-payment",
    "cancel-payment-order",
    "cancel-shopping-order",
    "capture-payment",
    "capture-payment-order",
    "close-order",
    "complete-draft",
    "create-authorization",
    "create-cancellation",
    "create-capture",
    "create-client-session",
    "create-line-capture",
    "create-line-refund",
    "create-order",
    "create-payment",
    "create-payment-order",
    "create-refund",
    "create-void",
    "get-checkout-balance",
    "get-checkout-order",
    "get-checkout-script",
    "get-client-session",
    "get-operation",
    "get-order",
    "get-payment",
    "get-payment-order",
    "get-payment-order-part",
    "get-shopping-order",
    "list-events",
    "list-operations",
    "pay-on-checkout",
    "refund-payment",
    "refund-transaction",
    "replace-order",
    "retry-work",
    "reverse-authorisation",
    "reverse-payment",
    "reverse-payment-order",
    "settle-authorisation",
    "show-checkout-page",
    "submit-payment-details",
    "update-payment-amount",
    "update-payment-order",
];

/// The lines that are logged, without those that are counted.
fn logged() -> impl Iterator<Item = &'static Line> {
    life().lines.iter().filter(|line| line.json().get("_aws").is_none())
}

#[test]
fn every_line_is_an_object() {
    for line in &life().lines {
        assert!(!line.is_error, "{} wrote to its standard error: {}", line.function, line.text);
        assert!(line.json().is_object(), "{} wrote what is no JSON: {}", line.function, line.text);
    }
    for line in logged() {
        for name in ["timestamp", "level", "target", "message"] {
            assert!(line.json()[name].is_string(), "{name} is missing: {}", line.text);
        }
    }
}

#[test]
fn nothing_private_is_logged() {
    for line in &life().lines {
        for (what, text) in &life().private {
            assert!(!line.text.contains(text.as_str()), "{} logged {what}: {}", line.function, line.text);
        }
    }
}

#[test]
fn what_is_logged_of_an_event_says_which() {
    for line in logged().filter(|line| line.text_of("message") != "the table did not answer while the function started")
    {
        assert!(line.text_of("requestId").starts_with("8476a536-"), "{}: {}", line.function, line.text);
        assert!(line.text_of("xrayTraceId").starts_with("Root="), "{}: {}", line.function, line.text);
    }
}

#[test]
fn what_is_logged_of_a_request_says_whose_it_is_and_what_it_is_about() {
    for mounted in CATALOGUE {
        let name = mounted.route.name;
        let answered = logged().filter(|line| line.function == name && line.text_of("message") == "answered");
        let done = answered.filter(|line| line.json()["status"].as_u64().is_some_and(|status| status < 400));
        let done = done.collect::<Vec<_>>();
        assert!(!done.is_empty(), "{name} logged no answer");
        for line in done {
            assert_eq!(line.text_of("endpoint"), name, "{}", line.text);
            assert_eq!(line.text_of("merchant").is_empty(), NO_MERCHANT.contains(&name), "{name}: {}", line.text);
            assert_eq!(!line.text_of("order").is_empty(), ONE_ORDER.contains(&name), "{name}: {}", line.text);
        }
    }
}

#[test]
fn every_log_statement_that_can_be_reached_was() {
    let mut statements = BTreeSet::new();
    for folder in [
        "functions/src",
        "shared/api/src",
        "shared/app/src",
        "shared/aws/src",
        "shared/partners/src",
        "shared/webhooks/src",
    ] {
        statements_in(&repository().join(folder), &mut statements);
    }
    assert!(statements.len() > 10, "{statements:?}");
    let logged = logged().map(|line| line.text_of("message")).collect::<BTreeSet<_>>();
    let excused = NOT_REACHED.iter().map(|(message, _)| (*message).to_owned()).collect::<BTreeSet<_>>();
    let never = statements.difference(&logged).filter(|message| !excused.contains(*message)).collect::<Vec<_>>();
    assert!(never.is_empty(), "never logged: {never:?}");
    let needless = excused.iter().filter(|message| logged.contains(*message) || !statements.contains(*message));
    let needless = needless.collect::<Vec<_>>();
    assert!(needless.is_empty(), "take these off NOT_REACHED: {needless:?}");
}

/// The messages of the log statements in the files of a folder.
fn statements_in(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            statements_in(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a file");
            for level in ["error", "warn", "info", "debug", "trace"] {
                let start = format!("tracing::{level}!(");
                let statements = text.split(&start).skip(1);
                let messages = statements.filter_map(|rest| rest.split_once(");")?.0.rsplit('"').nth(1));
                into.extend(messages.map(str::to_owned));
            }
        }
    }
}
