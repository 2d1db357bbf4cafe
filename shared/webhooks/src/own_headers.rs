//! Headers that an order's own notifications carry.
//!
//! They are the merchant's, and may hold secrets: their values are never logged. What is sent beside them is not
//! theirs to say, so one rule decides which are taken in, and which are sent.

use app::ports::{Content, Parcel};
use domain::{limits::OWN_HEADER_CHARS_MAX, order::Format};
use http::{HeaderName, HeaderValue};

use crate::sign;

/// What has another meaning for the connection or the exchange than for the receiver, or is said by the courier.
const TAKEN: &[&str] = &[
    "connection",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    sign::HMAC_HEADER,
];

/// How the names of others begin that are not the merchant's to give: what describes the body, what is between us
/// and a proxy, and the signatures of Standard Webhooks, which may become more.
const TAKEN_BEGINNINGS: &[&str] = &["content-", "proxy-", "webhook-"];

/// Whether an order's own notifications may carry a header: whether `name` is one that HTTP knows (a token, RFC
/// 9110) and that nobody else gives, and `value` arrives as it is: printable ASCII that neither begins nor ends with
/// a space. Each has at most [`OWN_HEADER_CHARS_MAX`] characters.
#[must_use]
pub fn is_own_header_allowed(name: &str, value: &str) -> bool {
    read(name, value).is_some()
}

/// The headers of a parcel that the order itself asks for, one line for each value. Of those that are not allowed
/// nothing is sent: they were taken in before they were ruled out.
pub(crate) fn of(parcel: &Parcel<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let own = match (parcel.endpoint.format, &parcel.content) {
        (Format::Payments, Content::Change { change, .. }) => change.order.own_webhook(),
        (Format::Payments, Content::Test) | (Format::Checkout | Format::Tender, _) => None,
    };
    let headers = own.into_iter().flat_map(|own| &own.headers);
    let lines = headers.flat_map(|header| header.values.iter().map(|value| (&header.name, value.to_string())));
    lines.filter_map(|(name, value)| read(name, &value)).collect()
}

fn read(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let is_short = |text: &str| text.chars().count() <= OWN_HEADER_CHARS_MAX;
    let is_printable = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if !is_short(name) || !is_short(value) || !is_printable || value.trim() != value {
        return None;
    }
    let name = HeaderName::from_bytes(name.as_bytes()).ok().filter(|name| !is_taken(name))?;
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

/// Names that differ by `_` and `-` alone are the same to receivers that make variables of them (CGI, RFC 3875).
fn is_taken(name: &HeaderName) -> bool {
    let name = name.as_str().replace('_', "-");
    TAKEN.contains(&name.as_str()) || TAKEN_BEGINNINGS.iter().any(|taken| name.starts_with(taken))
}
