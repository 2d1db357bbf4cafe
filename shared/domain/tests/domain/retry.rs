//! When something is tried again.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    Time,
    limits::{ATTENTION_AFTER_TRIES, DELIVERY_TIME_MAX, RETRY_AFTER_MAX},
    retry::{delivery, seed, work_delay},
};

use crate::support::NOW;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// The seed that neither shortens nor lengthens a wait.
const PLAIN: u64 = 200;

/// How long after the try of that number the next one is.
#[track_caller]
fn wait(tries: u16, seed: u64) -> Duration {
    delivery(tries, NOW, NOW, seed, None).unwrap().since(NOW)
}

#[test]
fn a_delivery_is_tried_again_after_longer_and_longer() {
    let plan = [
        2 * SECOND,
        5 * SECOND,
        2 * MINUTE,
        5 * MINUTE,
        10 * MINUTE,
        15 * MINUTE,
        30 * MINUTE,
        HOUR,
        2 * HOUR,
        4 * HOUR,
        8 * HOUR,
        // For ever the same from here on.
        8 * HOUR,
        8 * HOUR,
    ];
    for (planned, tries) in plan.into_iter().zip(1..) {
        assert_eq!(wait(tries, PLAIN), planned, "after try {tries}");
        // A seed chooses among waits up to a fifth shorter or longer.
        assert_eq!(wait(tries, 0), planned * 8 / 10, "after try {tries}");
        assert_eq!(wait(tries, 400), planned * 12 / 10, "after try {tries}");
        assert_eq!(wait(tries, 401), wait(tries, 0), "after try {tries}");
        for seed in [1, 7, 199, 201, 399, 12_345, u64::MAX] {
            let wait = wait(tries, seed);
            assert!(planned * 8 / 10 <= wait && wait <= planned * 12 / 10, "{wait:?} after try {tries}");
        }
    }
    assert_eq!(wait(u16::MAX, PLAIN), 8 * HOUR);
    assert_eq!(wait(0, PLAIN), 2 * SECOND);
}

/// What an endpoint misses while it restarts, it gets right after.
#[test]
fn the_first_three_tries_lie_within_30_seconds_even_if_each_takes_10() {
    let call = 10 * SECOND;
    for seed in [0, PLAIN, 400] {
        let first_ended = NOW.plus(call);
        let second = delivery(1, first_ended, first_ended, seed, None).unwrap();
        let third = delivery(2, first_ended, second.plus(call), seed, None).unwrap();
        assert!(third <= NOW.plus(30 * SECOND), "{:?}", third.since(NOW));
    }
}

/// The moments of all tries of a delivery that always fails.
fn all_tries(seed: u64, call: Duration, retry_after: Option<Duration>) -> Vec<Time> {
    let mut tries = vec![NOW];
    let mut ended = NOW.plus(call);
    let first_ended = ended;
    while let Some(next) = delivery(u16::try_from(tries.len()).unwrap(), first_ended, ended, seed, retry_after) {
        tries.push(next);
        ended = next.plus(call);
    }
    tries
}

#[test]
fn a_delivery_is_given_up_after_30_days() {
    assert_eq!(DELIVERY_TIME_MAX, 30 * 24 * HOUR);
    let table = [(0, 122), (PLAIN, 99), (400, 84)];
    for (seed, expected) in table {
        let tries = all_tries(seed, Duration::ZERO, None);
        assert_eq!(tries.len(), expected, "seed {seed}");
        let last = tries.last().unwrap().since(NOW);
        assert!(last <= DELIVERY_TIME_MAX && last + 8 * HOUR * 12 / 10 > DELIVERY_TIME_MAX, "{last:?}");
    }
    // Calls that take long change nothing.
    assert_eq!(all_tries(PLAIN, 10 * SECOND, None).len(), 99);
    assert!(all_tries(PLAIN, 10 * SECOND, None).is_sorted());

    // To the millisecond.
    let wait = 8 * HOUR;
    let latest = NOW.plus(DELIVERY_TIME_MAX - wait);
    assert_eq!(delivery(50, NOW, latest, PLAIN, None), Some(NOW.plus(DELIVERY_TIME_MAX)));
    assert_eq!(delivery(50, NOW, latest.plus(Duration::from_millis(1)), PLAIN, None), None);
}

/// Each row: after which try, what the endpoint asked for, and how long it is left alone.
#[test]
fn an_endpoint_is_left_alone_for_as_long_as_it_asks_up_to_8_hours_and_never_shorter_than_planned() {
    let table = [
        (1, Duration::ZERO, 2 * SECOND),
        (1, SECOND, 2 * SECOND),
        (1, 2 * SECOND, 2 * SECOND),
        (1, 3 * SECOND, 3 * SECOND),
        (1, HOUR, HOUR),
        (1, 8 * HOUR, 8 * HOUR),
        (1, 8 * HOUR + SECOND, 8 * HOUR),
        (1, Duration::MAX, 8 * HOUR),
        (8, MINUTE, HOUR),
        (8, HOUR + SECOND, HOUR + SECOND),
        (20, SECOND, 8 * HOUR),
        (20, Duration::MAX, 8 * HOUR),
    ];
    for (tries, asked, expected) in table {
        let next = delivery(tries, NOW, NOW, PLAIN, Some(asked)).unwrap();
        assert_eq!(next.since(NOW), expected, "{asked:?} after try {tries}");
    }
    assert_eq!(RETRY_AFTER_MAX, 8 * HOUR);
    // A wait that chance made longer is not made shorter.
    assert_eq!(delivery(20, NOW, NOW, 400, Some(Duration::MAX)).unwrap().since(NOW), 8 * HOUR * 12 / 10);
    // It does not make the whole longer.
    assert_eq!(all_tries(PLAIN, Duration::ZERO, Some(Duration::MAX)).len(), 91);
}

#[test]
fn what_failed_together_is_not_tried_together() {
    let jitter = |name: &str, tries| wait(tries, seed(name, tries));
    // The same events of many orders, tried the same number of times.
    for tries in [1, 5, 11] {
        let names = (0..200).map(|order| format!("evt_7Q2M0V5D8RKTA{order:03}_0"));
        let waits = names.map(|name| jitter(&name, tries)).collect::<BTreeSet<_>>();
        assert!(waits.len() > 100, "{} different waits of 200 after try {tries}", waits.len());
        let (first, last) = (waits.first().unwrap(), waits.last().unwrap());
        let planned = wait(tries, PLAIN);
        assert!(*first < planned * 83 / 100 && *last > planned * 117 / 100, "{first:?} to {last:?}");
    }
    // One event, try by try.
    let seeds = (1..100).map(|tries| seed("evt_1", tries) % 401).collect::<BTreeSet<_>>();
    assert!(seeds.len() > 50, "{}", seeds.len());
    // And the same for ever: FNV-1a of the name and two bytes.
    assert_eq!(seed("", 0), 0x0832_8807_b4eb_6fed);
    assert_eq!(seed("evt_1", 1), seed("evt_1", 1));
    assert_ne!(seed("evt_1", 1), seed("evt_1", 256));
}

#[test]
fn an_orders_work_is_looked_at_again_after_longer_and_longer() {
    let plan = [
        SECOND,
        2 * SECOND,
        5 * SECOND,
        10 * SECOND,
        30 * SECOND,
        MINUTE,
        2 * MINUTE,
        5 * MINUTE,
        10 * MINUTE,
        15 * MINUTE,
        HOUR,
        HOUR,
    ];
    for (expected, tries) in plan.into_iter().zip(0..) {
        assert_eq!(work_delay(tries), expected, "after {tries} looks");
    }
    assert_eq!(work_delay(u16::MAX), HOUR);
    // Somebody is called at the tenth look, which comes after nine waits.
    let waited = (0..ATTENTION_AFTER_TRIES - 1).map(work_delay).sum::<Duration>();
    assert_eq!(waited, 18 * MINUTE + 48 * SECOND);
}
