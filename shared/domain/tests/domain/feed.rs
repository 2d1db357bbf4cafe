//! What one endpoint is told of one order: everything, in its order, until it is acknowledged or given up.

use std::time::Duration;

use domain::{
    Aggregate, Time,
    feed::{Again, Attempt, Feed, FeedEvent, Outcome, Progress, Report, Tried},
    limits::{AGAIN_PER_FEED_MAX, ATTEMPT_ERROR_CHARS_MAX, DELIVERY_TIME_MAX, RETRY_AFTER_MAX},
    order::Position,
    retry,
};
use proptest::{prelude::*, sample::Index};

use crate::{
    properties::through_json,
    support::{NOW, later, v},
};

const SECOND: Duration = Duration::from_secs(1);

fn at(version: u16, index: u16) -> Position {
    Position { version: v(version), index }
}

fn tried(position: Position) -> Tried<'static> {
    Tried { position, name: "payment.authorised", sequence: 4, id: "evt_1" }
}

fn answer(status: u16) -> Report {
    Report { status: Some(status), error: None, duration: Duration::from_millis(120), retry_after: None }
}

fn no_answer() -> Report {
    Report { status: None, error: Some("timed out".into()), ..answer(0) }
}

/// The feed after these events, each a commit of its own from version 1 on, all at [`NOW`].
fn after(events: &[FeedEvent]) -> Feed {
    let state = events.iter().zip(1..).fold(None, |feed, (event, version)| Feed::evolve(feed, event, v(version), NOW));
    state.unwrap_or_default()
}

/// What comes of telling an endpoint something, and the feed after it.
fn tell(feed: &Feed, position: Position, report: &Report, now: Time) -> (Attempt, Feed) {
    let event = feed.attempted(tried(position), report, now);
    let after = Feed::evolve(Some(feed.clone()), &event, v(1), now).unwrap();
    let FeedEvent::Attempted { attempt } = event else { panic!("an attempt was made") };
    (attempt, after)
}

fn told(position: Position) -> FeedEvent {
    Feed::default().attempted(tried(position), &answer(200), NOW)
}

fn failed(position: Position) -> FeedEvent {
    Feed::default().attempted(tried(position), &answer(500), NOW)
}

fn asked(positions: &[Position]) -> FeedEvent {
    FeedEvent::AskedAgain { positions: positions.into() }
}

/// Carries out what was asked for.
fn ask(feed: &Feed, positions: &[Position]) -> Feed {
    let asked = feed.ask_again(positions);
    Feed::evolve_all(Some(feed.clone()), &asked, v(9), later(NOW)).unwrap()
}

fn again(position: Position, progress: Progress) -> Again {
    Again { position, progress }
}

fn positions(feed: &Feed) -> Vec<Position> {
    feed.again.iter().map(|again| again.position).collect()
}

// -- in order

/// Each row: what an endpoint answers, and whether it has taken it, and wants nothing any more.
#[test]
fn any_2xx_acknowledges_and_only_410_says_goodbye() {
    let table = [
        (Some(199), false, false),
        (Some(200), true, false),
        (Some(204), true, false),
        (Some(299), true, false),
        (Some(300), false, false),
        (Some(404), false, false),
        (Some(410), false, true),
        (Some(500), false, false),
        (None, false, false),
    ];
    for (status, is_acknowledged, is_gone) in table {
        let report = Report { status, ..answer(0) };
        assert_eq!((report.is_acknowledged(), report.is_gone()), (is_acknowledged, is_gone), "{status:?}");
        let (attempt, _) = tell(&Feed::default(), at(0, 0), &report, NOW);
        assert_eq!(attempt.outcome == Outcome::Acknowledged, is_acknowledged, "{status:?}");
    }
}

#[test]
fn what_is_acknowledged_is_followed_by_what_comes_after_it() {
    let (attempt, feed) = tell(&Feed::default(), at(0, 0), &answer(202), NOW);
    let expected = Attempt {
        position: at(0, 0),
        name: "payment.authorised".into(),
        sequence: 4,
        tries: 1,
        outcome: Outcome::Acknowledged,
        status: Some(202),
        error: None,
        duration_ms: 120,
        is_again: false,
    };
    assert_eq!(attempt, expected);
    assert_eq!(feed, Feed { next: at(0, 1), ..Feed::default() });
    // What is not told is passed over.
    let (_, feed) = tell(&feed, at(3, 1), &answer(200), NOW);
    assert_eq!(feed.next, at(3, 2));
}

#[test]
fn what_fails_waits_and_is_tried_again_before_anything_else() {
    let feed = after(&[told(at(0, 0))]);
    let (attempt, feed) = tell(&feed, at(2, 0), &no_answer(), NOW);
    let due = retry::delivery(1, NOW, NOW, retry::seed("evt_1", 1), None).unwrap();
    assert_eq!((attempt.outcome, attempt.error.as_deref()), (Outcome::Failed { next: due }, Some("timed out")));
    let progress = Progress { tries: 1, first_try_at: NOW, due, is_withheld: false };
    assert_eq!(feed, Feed { next: at(0, 1), progress, again: vec![] });

    let now = NOW.plus(3 * SECOND);
    let (attempt, feed) = tell(&feed, at(2, 0), &answer(500), now);
    let due = retry::delivery(2, NOW, now, retry::seed("evt_1", 2), None).unwrap();
    assert_eq!((attempt.tries, attempt.outcome, attempt.status), (2, Outcome::Failed { next: due }, Some(500)));
    assert_eq!(feed.progress, Progress { tries: 2, first_try_at: NOW, due, is_withheld: false });
    assert_eq!(feed.next, at(0, 1));

    let (attempt, feed) = tell(&feed, at(2, 0), &answer(200), now);
    assert_eq!((attempt.tries, attempt.outcome), (3, Outcome::Acknowledged));
    assert_eq!(feed, Feed { next: at(2, 1), ..Feed::default() });
}

#[test]
fn what_an_endpoint_asks_to_be_left_alone_for_is_followed() {
    for (asked, followed) in [(3_600 * SECOND, 3_600 * SECOND), (RETRY_AFTER_MAX * 2, RETRY_AFTER_MAX)] {
        let report = Report { retry_after: Some(asked), ..answer(503) };
        let (attempt, _) = tell(&Feed::default(), at(0, 0), &report, NOW);
        assert_eq!(attempt.outcome, Outcome::Failed { next: NOW.plus(followed) });
    }
}

#[test]
fn what_was_tried_for_long_enough_is_given_up_and_what_comes_after_it_is_tried_at_once() {
    let feed = after(&[told(at(0, 0)), failed(at(1, 0))]);
    let almost = NOW.plus(DELIVERY_TIME_MAX - 10 * SECOND);
    let (attempt, feed) = tell(&feed, at(1, 0), &answer(500), almost);
    assert!(matches!(attempt.outcome, Outcome::Failed { .. }), "{attempt:?}");
    let (attempt, feed) = tell(&feed, at(1, 0), &answer(500), NOW.plus(DELIVERY_TIME_MAX));
    assert_eq!((attempt.tries, attempt.outcome), (3, Outcome::GivenUp));
    assert_eq!(feed, Feed { next: at(1, 1), ..Feed::default() });
}

#[test]
fn an_error_is_kept_as_far_as_it_is_readable() {
    for (error, kept) in [("🧾".repeat(200), 200), ("🧾".repeat(201), 200), (String::new(), 0)] {
        let (attempt, _) = tell(&Feed::default(), at(0, 0), &Report { error: Some(error), ..no_answer() }, NOW);
        assert_eq!(attempt.error.unwrap().chars().count(), kept);
    }
    assert_eq!(ATTEMPT_ERROR_CHARS_MAX, 200);
    let (attempt, _) = tell(&Feed::default(), at(0, 0), &Report { duration: Duration::MAX, ..no_answer() }, NOW);
    assert_eq!(attempt.duration_ms, u64::MAX);
}

/// The conditional write of a feed keeps it from being recorded twice; the fold does not rely on it.
#[test]
fn what_comes_of_a_change_that_was_told_before_moves_nothing() {
    let feed = after(&[told(at(0, 0)), told(at(2, 0)), failed(at(3, 0))]);
    assert_eq!(feed.progress(at(2, 0)), Progress::default());
    for late in [told(at(0, 0)), failed(at(0, 0)), told(at(2, 0)), failed(at(2, 0))] {
        assert_eq!(Feed::evolve(Some(feed.clone()), &late, v(9), NOW), Some(feed.clone()), "{late:?}");
    }
}

// -- withheld

#[test]
fn what_is_withheld_is_put_on_record_once() {
    let feed = after(&[told(at(0, 0)), failed(at(1, 0))]);
    let withheld = feed.withheld(tried(at(1, 0))).unwrap();
    let FeedEvent::Attempted { attempt } = &withheld else { panic!("it is on record as an attempt") };
    let expected = (0, Outcome::Withheld, None, None, 0);
    assert_eq!(
        (attempt.tries, attempt.outcome, attempt.status, attempt.error.as_deref(), attempt.duration_ms),
        expected
    );
    assert_eq!((attempt.position, &*attempt.name, attempt.sequence), (at(1, 0), "payment.authorised", 4));

    let held = Feed::evolve(Some(feed.clone()), &withheld, v(9), NOW).unwrap();
    assert_eq!(held.withheld(tried(at(1, 0))), None);
    assert_eq!((feed.is_withheld(), held.is_withheld()), (false, true));
    assert_eq!(held, Feed { progress: Progress { is_withheld: true, ..feed.progress }, ..feed });
    // Also what is to be told again.
    let progress = Progress { is_withheld: true, ..Progress::default() };
    let again = |progress| Feed { again: vec![Again { position: at(0, 0), progress }], ..Feed::default() };
    assert_eq!((again(Progress::default()).is_withheld(), again(progress).is_withheld()), (false, true));

    // What was tried since is withheld anew.
    let (_, tried_again) = tell(&held, at(1, 0), &answer(500), NOW);
    assert!(!tried_again.progress.is_withheld);
    assert_eq!(tried_again.progress.tries, 2);
    assert!(tried_again.withheld(tried(at(1, 0))).is_some());
    let (_, told) = tell(&held, at(1, 0), &answer(200), NOW);
    assert!(told.withheld(tried(at(2, 0))).is_some());
}

#[test]
fn what_an_endpoint_is_disabled_by_is_withheld_with_its_answer() {
    let (attempt, feed) = tell(&after(&[told(at(0, 0))]), at(1, 0), &answer(410), NOW);
    assert_eq!((attempt.outcome, attempt.status, attempt.tries), (Outcome::Withheld, Some(410), 1));
    assert!(feed.progress.is_withheld && feed.withheld(tried(at(1, 0))).is_none(), "that is on record already");
}

#[test]
fn a_test_is_tried_once() {
    let feed = Feed::evolve(None, &FeedEvent::TestAsked, v(0), NOW).unwrap();
    let test = Tried { position: at(0, 0), name: "TEST", sequence: 0, id: "evt_test" };
    let event = feed.attempted(test, &answer(500), NOW);
    let FeedEvent::Attempted { attempt } = &event else { panic!("it is on record") };
    assert_eq!((attempt.outcome, attempt.is_again), (Outcome::GivenUp, false));
    assert_eq!(Feed::evolve(Some(feed), &event, v(1), NOW).unwrap().again, []);
}

#[test]
fn what_is_told_again_is_marked_so() {
    let feed = after(&[told(at(0, 0)), FeedEvent::AskedAgain { positions: vec![at(0, 0)] }]);
    assert!(tell(&feed, at(0, 0), &answer(200), NOW).0.is_again);
    assert!(!tell(&feed, at(1, 0), &answer(200), NOW).0.is_again);
}

#[test]
fn a_place_stands_as_before_whatever_else_was_asked() {
    let before = after(&[told(at(0, 0))]);
    let others = [FeedEvent::AskedAgain { positions: vec![at(0, 0)] }, FeedEvent::TestAsked, FeedEvent::Woken];
    for other in others {
        let now = Feed::evolve(Some(before.clone()), &other, v(9), NOW).unwrap();
        assert!(now.stands_as(&before, at(1, 0)), "{other:?}");
    }
    for same in [told(at(1, 0)), failed(at(1, 0))] {
        let now = Feed::evolve(Some(before.clone()), &same, v(9), NOW).unwrap();
        assert!(!now.stands_as(&before, at(1, 0)), "{same:?}");
    }
}

#[test]
fn what_was_never_tried_can_be_withheld() {
    let Some(FeedEvent::Attempted { attempt }) = Feed::default().withheld(tried(at(0, 0))) else {
        panic!("it is not on record");
    };
    assert_eq!((attempt.tries, attempt.outcome), (0, Outcome::Withheld));
}

// -- again

#[test]
fn what_was_told_is_told_again_beside_what_is_next() {
    let feed = after(&[told(at(0, 0)), told(at(2, 0)), failed(at(3, 0))]);
    assert_eq!(feed.ask_again(&[at(2, 0), at(0, 0)]), [asked(&[at(2, 0), at(0, 0)])]);
    let asked = ask(&feed, &[at(2, 0), at(0, 0)]);
    assert_eq!((asked.next, asked.progress), (feed.next, feed.progress));
    assert_eq!(asked.again, [at(2, 0), at(0, 0)].map(|position| again(position, Progress::default())));
    // First things first.
    assert_eq!(asked.next_again().map(|again| again.position), Some(at(2, 0)));

    // It goes by itself.
    let (attempt, failed) = tell(&asked, at(2, 0), &answer(500), NOW);
    assert_eq!(attempt.tries, 1);
    assert_eq!((failed.next, failed.progress), (feed.next, feed.progress));
    assert_eq!(failed.progress(at(2, 0)).tries, 1);
    assert_eq!(failed.progress(at(0, 0)), Progress::default());
    // What waits lets others pass.
    assert_eq!(failed.next_again().map(|again| again.position), Some(at(0, 0)));

    let (_, told) = tell(&failed, at(0, 0), &answer(200), NOW);
    assert_eq!(positions(&told), [at(2, 0)]);
    let (attempt, told) = tell(&told, at(2, 0), &answer(200), NOW);
    assert_eq!(attempt.tries, 2);
    assert_eq!(told, feed);
}

#[test]
fn what_is_to_be_told_again_is_given_up_as_anything_is() {
    let feed = ask(&after(&[told(at(0, 0)), failed(at(1, 0))]), &[at(0, 0)]);
    let (_, waiting) = tell(&feed, at(0, 0), &answer(500), NOW);
    let (attempt, given_up) = tell(&waiting, at(0, 0), &answer(500), NOW.plus(DELIVERY_TIME_MAX));
    assert_eq!(attempt.outcome, Outcome::GivenUp);
    assert_eq!(given_up, Feed { again: vec![], ..feed });
}

#[test]
fn what_was_not_told_yet_is_woken_instead() {
    let feed = after(&[told(at(0, 0)), failed(at(1, 0))]);
    assert!(feed.progress.due > later(NOW));
    let withheld = Feed::evolve(Some(feed.clone()), &feed.withheld(tried(at(1, 0))).unwrap(), v(9), NOW).unwrap();
    for feed in [feed, withheld] {
        for position in [at(0, 1), at(1, 0), at(7, 0)] {
            assert_eq!(feed.ask_again(&[position]), [FeedEvent::Woken], "{position:?}");
        }
        let woken = ask(&feed, &[at(1, 0)]);
        // How often it was tried is not forgotten.
        let progress = Progress { tries: 1, first_try_at: NOW, due: later(NOW), is_withheld: false };
        assert_eq!(woken, Feed { progress, ..feed.clone() });
        assert_eq!(feed.ask_again(&[at(0, 0), at(1, 0)]), [asked(&[at(0, 0)]), FeedEvent::Woken]);
    }
    assert_eq!(Feed::default().ask_again(&[]), []);
    assert_eq!(Feed::default().ask_again(&[at(0, 0)]), [FeedEvent::Woken]);
}

/// An endpoint that was disabled meanwhile, or was down for hours, is told at once when it asks.
#[test]
fn what_waits_to_be_told_again_is_woken_too() {
    let feed = ask(&after(&[told(at(0, 0)), told(at(1, 0))]), &[at(0, 0), at(1, 0)]);
    let (_, waiting) = tell(&feed, at(0, 0), &answer(500), NOW);
    let withheld = waiting.withheld(tried(at(1, 0))).unwrap();
    let waiting = Feed::evolve(Some(waiting), &withheld, v(9), NOW).unwrap();
    assert!(waiting.progress(at(0, 0)).due > later(NOW));
    assert!(waiting.progress(at(1, 0)).is_withheld);
    for position in [at(0, 0), at(1, 0)] {
        assert_eq!(waiting.ask_again(&[position]), [FeedEvent::Woken], "{position:?}");
    }
    let woken = ask(&waiting, &[at(0, 0), at(1, 0)]);
    let expected = [
        again(at(0, 0), Progress { tries: 1, first_try_at: NOW, due: later(NOW), is_withheld: false }),
        again(at(1, 0), Progress { due: later(NOW), ..Progress::default() }),
    ];
    assert_eq!(woken.again, expected);
    assert_eq!(woken.next, waiting.next);
}

#[test]
fn what_is_asked_for_twice_is_told_again_once() {
    let feed = after(&[told(at(0, 0)), told(at(1, 0))]);
    assert_eq!(feed.ask_again(&[at(0, 0), at(1, 0), at(0, 0)]), [asked(&[at(0, 0), at(1, 0)])]);
    let asked = ask(&feed, &[at(0, 0)]);
    assert_eq!(positions(&ask(&asked, &[at(0, 0), at(1, 0)])), [at(0, 0), at(1, 0)]);
}

#[test]
fn no_more_is_told_again_than_there_is_room_for() {
    let feed = after(&[told(at(1_000, 0))]);
    let many = (0..1_000).map(|version| at(version, 0)).collect::<Vec<_>>();
    let all = ask(&feed, &many);
    assert_eq!(positions(&all), many[..AGAIN_PER_FEED_MAX]);
    assert_eq!(AGAIN_PER_FEED_MAX, 256);
    assert_eq!(all.ask_again(&[at(999, 0)]), []);
    assert_eq!(all.ask_again(&[at(999, 0), at(2_000, 0)]), [FeedEvent::Woken]);

    let (_, told) = tell(&all, at(7, 0), &answer(200), NOW);
    assert_eq!(told.ask_again(&[at(999, 0), at(998, 0)]), [asked(&[at(999, 0)])]);
}

// -- tests

#[test]
fn a_test_is_sent_and_tried_again_like_anything_that_is_told_again() {
    let feed = after(&[FeedEvent::TestAsked, FeedEvent::TestAsked]);
    assert_eq!(feed.again, [at(1, 0), at(2, 0)].map(|position| again(position, Progress::default())));
    assert_eq!(feed.next_again().map(|again| again.position), Some(at(1, 0)));

    let (attempt, failed) = tell(&feed, at(1, 0), &answer(500), NOW);
    assert_eq!(attempt.tries, 1);
    assert_eq!(failed.next_again().map(|again| again.position), Some(at(2, 0)));
    let (_, told) = tell(&failed, at(2, 0), &answer(200), NOW);
    let (attempt, told) = tell(&told, at(1, 0), &answer(200), NOW);
    assert_eq!((attempt.tries, told), (2, Feed::default()));
}

// -- anything in any order

/// What comes between an endpoint and what it is to be told.
#[derive(Debug, Clone)]
enum Deed {
    /// The next job tells what is next, and gets this answer: a status, or none.
    Deliver(Option<u16>),
    /// The endpoint is disabled while the next job runs.
    Withhold,
    AskAgain(Vec<Index>),
    Wait(u32),
}

fn any_deed() -> impl Strategy<Value = Deed> {
    let status = prop::sample::select(&[Some(200), Some(200), Some(204), Some(500), Some(410), None][..]);
    prop_oneof![
        10 => status.prop_map(Deed::Deliver),
        1 => Just(Deed::Withhold),
        2 => prop::collection::vec(any::<Index>(), 0..4).prop_map(Deed::AskAgain),
        4 => prop_oneof![0..60_u32, 0..50_000_u32, 0..3_000_000_u32].prop_map(Deed::Wait),
    ]
}

proptest! {
    /// A model of deliver-webhook, which tells what the feed says is next.
    #[test]
    fn whatever_is_answered_everything_is_told_in_its_order_and_nothing_is_skipped(
        versions in prop::collection::btree_set((0..40_u16, 0..3_u16), 1..12),
        deeds in prop::collection::vec(any_deed(), 0..80),
        cut: Index,
    ) {
        let told = versions.into_iter().map(|(version, index)| at(version, index)).collect::<Vec<_>>();
        let mut feed = Feed::default();
        let mut now = NOW;
        let mut events = Vec::new();
        // What was acknowledged or given up, in its order, without what was told again.
        let mut finished = Vec::new();
        for deed in &deeds {
            let next = told.iter().copied().find(|position| *position >= feed.next);
            let next = next.filter(|_| feed.progress.tries == 0 || now >= feed.progress.due);
            let due = feed.next_again().filter(|again| now >= again.progress.due).map(|again| again.position);
            let event = match deed {
                Deed::Wait(seconds) => {
                    now = now.plus(SECOND * *seconds);
                    continue;
                }
                Deed::AskAgain(which) => {
                    let positions = which.iter().map(|which| *which.get(&told)).collect::<Vec<_>>();
                    feed.ask_again(&positions)
                }
                Deed::Deliver(status) => {
                    let report = Report { status: *status, ..no_answer() };
                    let attempt = |position| feed.attempted(tried(position), &report, now);
                    next.or(due).map(attempt).into_iter().collect()
                }
                Deed::Withhold => next.or(due).and_then(|position| feed.withheld(tried(position))).into_iter().collect(),
            };
            for event in event {
                let after = Feed::evolve(Some(feed.clone()), &event, v(1), now).unwrap();
                if let FeedEvent::Attempted { attempt } = &event {
                    let is_finished = matches!(attempt.outcome, Outcome::Acknowledged | Outcome::GivenUp);
                    if attempt.position >= feed.next {
                        prop_assert_eq!(Some(attempt.position), next, "not what is next");
                        prop_assert_eq!(after.next > feed.next, is_finished);
                        finished.extend(is_finished.then_some(attempt.position));
                    } else {
                        prop_assert_eq!((after.next, after.progress), (feed.next, feed.progress));
                        prop_assert_eq!(after.again.len(), feed.again.len() - usize::from(is_finished));
                    }
                    if let Outcome::Failed { next } = attempt.outcome {
                        prop_assert!(next > now);
                        prop_assert_eq!(after.progress(attempt.position).due, next);
                    }
                    prop_assert!(attempt.outcome != Outcome::GivenUp || attempt.tries > 1);
                } else {
                    prop_assert_eq!(after.next, feed.next);
                }
                prop_assert!(after.again.iter().all(|again| again.position < after.next));
                let mut positions = positions(&after);
                positions.sort_unstable();
                positions.dedup();
                prop_assert_eq!(positions.len(), after.again.len(), "told again twice");
                feed = after;
                events.push((now, event));
            }
        }
        // Nothing was skipped, nothing came twice, and what is next comes after it.
        prop_assert_eq!(&finished, &told[..finished.len()]);
        prop_assert!(finished.iter().all(|position| *position < feed.next));
        prop_assert!(told[finished.len()..].iter().all(|position| *position >= feed.next));

        let fold = |state, events: &[(Time, FeedEvent)]| {
            events.iter().fold(state, |state, (at, event)| Feed::evolve(state, event, v(1), *at))
        };
        let (before, rest) = events.split_at(cut.index(events.len() + 1));
        let snapshot = fold(None, before).map(|feed| through_json(&feed));
        prop_assert_eq!(fold(snapshot, rest).unwrap_or_default(), feed);
    }
}
