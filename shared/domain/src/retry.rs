//! When to try again: pure functions of how often it was tried.

use std::time::Duration;

use crate::{
    Time,
    limits::{DELIVERY_TIME_MAX, RETRY_AFTER_MAX},
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Waits after the first, second, … failed try to deliver an event; after the last of these, always as long
/// as it. The first three tries lie within 30 seconds even if each takes its 10; the rest is Adyen's plan.
const DELIVERY_WAITS: [Duration; 11] = [
    SECOND.saturating_mul(2),
    SECOND.saturating_mul(5),
    MINUTE.saturating_mul(2),
    MINUTE.saturating_mul(5),
    MINUTE.saturating_mul(10),
    MINUTE.saturating_mul(15),
    MINUTE.saturating_mul(30),
    HOUR,
    HOUR.saturating_mul(2),
    HOUR.saturating_mul(4),
    HOUR.saturating_mul(8),
];

/// Waits after the first, second, … look at an order's outstanding work; after the last, always as long.
const WORK_WAITS: [Duration; 11] = [
    SECOND,
    SECOND.saturating_mul(2),
    SECOND.saturating_mul(5),
    SECOND.saturating_mul(10),
    SECOND.saturating_mul(30),
    MINUTE,
    MINUTE.saturating_mul(2),
    MINUTE.saturating_mul(5),
    MINUTE.saturating_mul(10),
    MINUTE.saturating_mul(15),
    HOUR,
];

/// When to deliver an event again after its `tries`th try (from 1) failed at `now`, or `None` if it was tried
/// for long enough.
///
/// `seed` chooses a wait up to a fifth shorter or longer than planned, so that what failed together is not
/// tried together. `retry_after` is what the endpoint asked for: a longer wait is granted up to
/// [`RETRY_AFTER_MAX`], a shorter one is not.
#[must_use]
pub fn delivery(tries: u16, first_try_at: Time, now: Time, seed: u64, retry_after: Option<Duration>) -> Option<Time> {
    let wait = jittered(nth(&DELIVERY_WAITS, tries.saturating_sub(1)), seed);
    let wait = wait.max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX));
    Some(now.plus(wait)).filter(|next| *next <= first_try_at.plus(DELIVERY_TIME_MAX))
}

/// How long to wait before an order's outstanding work is looked at again, after `tries` looks in a row.
#[must_use]
pub fn work_delay(tries: u16) -> Duration {
    nth(&WORK_WAITS, tries)
}

fn nth(waits: &[Duration], index: u16) -> Duration {
    waits.get(usize::from(index)).or(waits.last()).copied().unwrap_or(HOUR)
}

/// Between 800 and 1,200 thousandths of a wait.
fn jittered(wait: Duration, seed: u64) -> Duration {
    let thousandths = u32::try_from(seed % 401).unwrap_or_default().saturating_add(800);
    wait.saturating_mul(thousandths) / 1_000
}

/// A number that differs from try to try, from the name of what is tried.
#[must_use]
pub fn seed(name: &str, tries: u16) -> u64 {
    // FNV-1a: any hash would do that is the same everywhere and for ever.
    name.bytes()
        .chain(tries.to_be_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
