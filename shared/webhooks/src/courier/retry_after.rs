//! `Retry-After`: how long an endpoint asks to be left alone (RFC 9110, 10.2.3).

use std::time::{Duration, UNIX_EPOCH};

use domain::Time;
use http::{HeaderMap, StatusCode, header};

/// How long from `now`, for seconds or a date; zero for a date that is past. None on success, and for
/// anything else.
pub(super) fn read(status: StatusCode, headers: &HeaderMap, now: Time) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER).filter(|_| !status.is_success())?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Time::default().plus(date).since(now))
}
