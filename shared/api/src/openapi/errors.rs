//! The answers that are errors: which statuses there are, and what each may mean.

use std::collections::BTreeMap;

use http::StatusCode;

use super::{Content, Response, Schemas, document::json_content};
use crate::{
    Access, Code, Family, Route,
    respond::{
        OAuthError, PROBLEM_JSON, PaymentOrderProblem, ProblemJson, ServiceError, ShoppingError, oauth_error,
        paymentorders_error, shopping_status,
    },
};

/// The status that a code is answered with by a family.
fn status(family: Family, code: Code) -> Option<StatusCode> {
    match family {
        Family::OAuth => Some(oauth_error(code).0),
        Family::Shopping => Some(shopping_status(code)),
        Family::PaymentOrders => Some(paymentorders_error(code).0),
        Family::Checkout | Family::Admin | Family::Payments | Family::OrderProcessing | Family::Sandbox => {
            StatusCode::from_u16(code.status()).ok()
        }
    }
}

/// The statuses of errors that an endpoint may answer with, each with its name among the document's responses.
pub(super) fn of_route(route: &Route, has_body: bool) -> Vec<(StatusCode, String)> {
    // What a browser's form sends along is not looked at.
    let is_page = route.family == Family::Sandbox && !has_body;
    let has_body = !is_page && !matches!(route.method, "GET" | "DELETE");
    let may_answer = |status: &StatusCode| match *status {
        StatusCode::BAD_REQUEST => has_body || matches!(route.family, Family::PaymentOrders | Family::Shopping),
        // What is public in the shopping family is where access tokens are issued.
        StatusCode::UNAUTHORIZED => {
            route.access != Access::Public || matches!(route.family, Family::OAuth | Family::Shopping)
        }
        // There also of what an order does not take any more.
        StatusCode::FORBIDDEN => {
            route.access != Access::Public || (route.family == Family::PaymentOrders && route.method == "POST")
        }
        StatusCode::NOT_FOUND => route.family != Family::OAuth,
        // The answer to a method that no endpoint has.
        StatusCode::METHOD_NOT_ALLOWED => false,
        StatusCode::UNPROCESSABLE_ENTITY => !is_page,
        _ => true,
    };
    let statuses = Code::ALL.iter().filter_map(|code| status(route.family, *code)).filter(may_answer);
    let named = statuses.map(|status| (status.as_u16(), (status, name(route.family, status))));
    named.collect::<BTreeMap<_, _>>().into_values().collect()
}

fn name(family: Family, status: StatusCode) -> String {
    let prefix = if family == Family::OAuth { "Token" } else { "" };
    let reason = status.canonical_reason().unwrap_or("Error").replace(' ', "");
    format!("{prefix}{reason}")
}

/// All errors of a family, by their names among the document's responses.
pub(super) fn of_family(family: Family, schemas: &mut Schemas) -> BTreeMap<String, Response> {
    let mut by_status = BTreeMap::<u16, (StatusCode, Vec<Code>)>::new();
    for code in Code::ALL {
        if let Some(status) = status(family, *code) {
            by_status.entry(status.as_u16()).or_insert_with(|| (status, Vec::new())).1.push(*code);
        }
    }
    let response = |(status, codes): (StatusCode, Vec<Code>)| {
        let response = Response {
            description: text(family, &codes),
            headers: if codes.iter().any(|code| code.is_transient()) { vec!["transient-error"] } else { Vec::new() },
            content: content(family, schemas),
        };
        (name(family, status), response)
    };
    by_status.into_values().map(response).collect()
}

fn text(family: Family, codes: &[Code]) -> String {
    let line = |code: &Code| match family {
        Family::Checkout => format!("- `{}`: {}", code.checkout(), code.meaning()),
        Family::OAuth => format!("- `{}`: {}", oauth_error(*code).1, code.meaning()),
        Family::Admin
        | Family::Payments
        | Family::Shopping
        | Family::PaymentOrders
        | Family::OrderProcessing
        | Family::Sandbox => {
            format!("- `{}`: {}", code.as_str(), code.meaning())
        }
    };
    codes.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn content(family: Family, schemas: &mut Schemas) -> Content {
    match family {
        Family::Checkout => json_content("application/json", schemas.shown::<ServiceError<'_>>()),
        Family::Admin | Family::Payments | Family::OrderProcessing => {
            json_content(PROBLEM_JSON, schemas.shown::<ProblemJson<'_>>())
        }
        Family::Shopping => json_content("application/json", schemas.shown::<ShoppingError<'_>>()),
        Family::PaymentOrders => json_content(PROBLEM_JSON, schemas.shown::<PaymentOrderProblem<'_>>()),
        Family::OAuth => json_content("application/json", schemas.shown::<OAuthError<'_>>()),
        Family::Sandbox => {
            let text = schemars::json_schema!({ "type": "string", "description": "What went wrong." });
            let mut content = json_content(PROBLEM_JSON, schemas.shown::<ProblemJson<'_>>());
            content.extend(json_content("text/plain", text));
            content
        }
    }
}

/// Every `errorCode` of the checkout family, once.
pub(crate) fn checkout_codes() -> Vec<&'static str> {
    once_each(Code::ALL.iter().map(|code| code.checkout()))
}

/// Every code, as most families print it.
pub(crate) fn codes() -> Vec<&'static str> {
    Code::ALL.iter().map(|code| code.as_str()).collect()
}

/// Every `error` of the OAuth family, once.
pub(crate) fn oauth_errors() -> Vec<&'static str> {
    once_each(Code::ALL.iter().map(|code| oauth_error(*code).1))
}

fn once_each(words: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut once = Vec::new();
    for word in words {
        if !once.contains(&word) {
            once.push(word);
        }
    }
    once
}
