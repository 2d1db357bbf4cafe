//! Times as text.

use domain::Time;
use jiff::{Timestamp, civil, tz::TimeZone};

/// A time as ISO 8601 in UTC with whole seconds: `2026-01-31T14:21:00Z`.
#[must_use]
pub fn render(time: Time) -> String {
    i64::try_from(time.unix_s())
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map(|timestamp| timestamp.to_string())
        .unwrap_or_default()
}

/// Reads ISO 8601 with an offset, or without one as UTC (`2019-01-01T14:21:00`). Fractions of a second
/// are dropped, so that what is answered is what holds. `None` for anything else, and for times before
/// 1970.
#[must_use]
pub fn parse(text: &str) -> Option<Time> {
    // A zone's name in brackets would have to be looked up in a table of zones.
    if text.contains('[') {
        return None;
    }
    let timestamp = text.parse::<Timestamp>().ok().or_else(|| {
        let local = text.parse::<civil::DateTime>().ok()?;
        Some(local.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })?;
    u64::try_from(timestamp.as_second()).ok().map(Time::from_unix_s)
}
