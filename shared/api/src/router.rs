//! From a path to its endpoint.

use std::collections::HashMap;

use bytes::Bytes;
use http::{HeaderValue, header};
use percent_encoding::percent_decode_str;
use tracing::{Instrument as _, Span, field::Empty};

use crate::{
    Code, Engine, Family, Mounted, Problem, Request, Response,
    respond::{body_incomplete, body_too_large, reject},
};

/// The endpoints of a process, found by method and path: all of them on one machine, one in a Lambda.
pub struct Router {
    by_method: HashMap<&'static str, matchit::Router<Mounted>>,
}

impl Router {
    /// A router over endpoints.
    ///
    /// # Errors
    /// Two endpoints of the same method and path.
    pub fn try_new(endpoints: &[Mounted]) -> Result<Self, matchit::InsertError> {
        let mut by_method: HashMap<_, matchit::Router<Mounted>> = HashMap::new();
        for mounted in endpoints {
            let routes = by_method.entry(mounted.route.method).or_default();
            for path in mounted.route.paths {
                routes.insert(*path, *mounted)?;
            }
        }
        Ok(Self { by_method })
    }

    /// Answers a request. What is logged meanwhile says which endpoint it is, and from when it is known, whose
    /// request it is and which order it is about.
    pub async fn respond(&self, engine: &Engine, request: http::Request<Bytes>) -> Response {
        let span = tracing::info_span!("request", endpoint = Empty, merchant = Empty, order = Empty);
        async {
            let response = self.answer(engine, request).await;
            tracing::info!(status = response.status().as_u16(), "answered");
            response
        }
        .instrument(span)
        .await
    }

    /// The methods of the endpoints at a path, as `Allow` tells them.
    fn methods(&self, path: &str) -> String {
        let here = self.by_method.iter().filter(|(_, routes)| routes.at(path).is_ok());
        let mut methods = here.map(|(method, _)| *method).collect::<Vec<_>>();
        methods.sort_unstable();
        methods.join(", ")
    }

    async fn answer(&self, engine: &Engine, request: http::Request<Bytes>) -> Response {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path();
        let found = self.by_method.get(parts.method.as_str()).and_then(|routes| routes.at(path).ok());
        let Some(found) = found else {
            let refuse = |problem| reject(engine, family_of(path), path, &parts.headers, &problem);
            let allowed = self.methods(path);
            if allowed.is_empty() {
                return refuse(Problem::new(Code::RouteNotFound, NO_ENDPOINT));
            }
            let message = format!("This endpoint does not have the method {}.", parts.method);
            let mut response = refuse(Problem::new(Code::MethodNotAllowed, message));
            response.headers_mut().extend(HeaderValue::from_str(&allowed).ok().map(|allowed| (header::ALLOW, allowed)));
            return response;
        };
        let mounted = *found.value;
        Span::current().record("endpoint", mounted.route.name);
        let request = Request {
            path: found.params.iter().map(|(name, value)| (name.to_owned(), decoded(value))).collect(),
            at: path.to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
            body,
        };
        if mounted.route.family == Family::Checkout && !is_version(&request) {
            // Paths of the payments family look like those of a version that there is not.
            let family = family_of(&request.at);
            let message = match family {
                Family::Checkout => format!(
                    "There is no such version of this API: use v{} to v{}.",
                    CHECKOUT_VERSIONS.start(),
                    CHECKOUT_VERSIONS.end()
                ),
                Family::Admin
                | Family::Sandbox
                | Family::Payments
                | Family::Shopping
                | Family::PaymentOrders
                | Family::OrderProcessing
                | Family::OAuth => NO_ENDPOINT.to_owned(),
            };
            let problem = Problem::new(Code::RouteNotFound, message);
            return reject(engine, family, &request.at, &request.headers, &problem);
        }
        (mounted.respond)(engine, request).await
    }
}

fn decoded(part: &str) -> String {
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}

const NO_ENDPOINT: &str = "There is no endpoint of this path.";

/// Why a request's body is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// It is over [`crate::limits::BODY_BYTES_MAX`].
    TooLarge,
    /// It did not arrive whole, or not in time.
    Incomplete,
}

/// The answer to a request whose body was not read whole.
#[must_use]
pub fn reject_body(engine: &Engine, parts: &http::request::Parts, fault: BodyFault) -> Response {
    let problem = match fault {
        BodyFault::TooLarge => body_too_large(),
        BodyFault::Incomplete => body_incomplete(),
    };
    let path = parts.uri.path();
    reject(engine, family_of(path), path, &parts.headers, &problem)
}

/// The versions of Adyen Checkout that the checkout family speaks.
pub const CHECKOUT_VERSIONS: std::ops::RangeInclusive<u8> = 68..=72;

fn is_version(request: &Request) -> bool {
    let version = request.path.iter().find(|(name, _)| name == "version");
    version.is_some_and(|(_, version)| CHECKOUT_VERSIONS.into_iter().any(|known| *version == format!("v{known}")))
}

fn family_of(path: &str) -> Family {
    const FAMILIES: &[(&str, Family)] = &[
        ("/admin", Family::Admin),
        ("/v2/payments", Family::Payments),
        ("/payment/v2", Family::Payments),
        ("/v1/accounts", Family::Shopping),
        ("/psp", Family::PaymentOrders),
        ("/cl", Family::OrderProcessing),
        ("/oauth", Family::OAuth),
    ];
    let known = FAMILIES.iter().find(|(start, _)| path.starts_with(start));
    known.map_or(Family::Checkout, |(_, family)| *family)
}
