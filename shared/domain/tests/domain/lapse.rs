//! What time does to an order: a shopper who had to act and did not in time loses the part that was kept for
//! them, and an order in parts that expired before it was paid is cancelled.

use std::time::Duration;

use domain::{
    Action::{self, Capture, Refund, Void},
    Aggregate, Order, Tally, Time,
    limits::{AUTHORISE_DEADLINE, COMMITS_MAX, COMMITS_RESERVE, OPERATIONS_PER_ORDER_MAX, ORDER_LIFETIME_DEFAULT},
    order::{CancelledBy, CloseReason, Command, Decision, Decline, Due, LegResult, Refusal, Reserve, Resolution},
};

use crate::support::{
    Commit, EXPIRY, NOW, act_by, after, already, answered, authorised, awaiting_shopper, books, cancel, cancellation,
    capture, check, check_at, closed, commits, declined, declined_leg, done, earlier, eur, expiry, later, leg,
    leg_resolved, on_leg, on_payment, opened, opened_around_a_payment, pay, print, record, refund, refused, released,
    requested, reserve, reserved, reserved_until, resolved, timed_out, together, v, void,
};

const LAPSE: Command = Command::Lapse;

const MINUTE: Duration = Duration::from_secs(60);

/// The last moment there is.
const DOOMSDAY: Time = Time::from_unix_ms(u64::MAX);

/// A payment of 60 of 100 whose shopper is at a page.
fn at_the_page() -> Vec<Commit> {
    vec![opened(100), reserved(60), resolved(1, awaiting_shopper())]
}

/// The same, out of time and being released by operation 3.
fn out_of_time() -> Vec<Commit> {
    [at_the_page(), vec![together([timed_out(1), released([leg(1, Void, 60)])])]].concat()
}

/// The same, authorised all the same; two releases were declined, and the second stands.
fn unreleasable() -> Vec<Commit> {
    let again = together([declined(3, 0), released([leg(1, Void, 60)])]);
    [out_of_time(), vec![authorised(1), again, declined(5, 0)]].concat()
}

/// An order of 100 that `reserved` covers wholly, with whatever follows.
fn covered(then: &[Commit]) -> Vec<Commit> {
    [&[opened(100), reserved(100)], then].concat()
}

/// Each row: what happened, and what time asks for at each of these moments.
#[track_caller]
fn check_moments(given: &[Commit], moments: &[(Time, bool)]) {
    let order = after(given);
    for (now, has_lapsed) in moments {
        assert_eq!(order.has_lapsed(*now), *has_lapsed, "{now:?} after {given:?}");
        assert_eq!(order.outstanding(*now).contains(&Due::Lapse), *has_lapsed, "{now:?} after {given:?}");
        let decision = order.decide(&LAPSE, *now);
        assert_eq!(matches!(decision, Ok(Decision::Commit(_))), *has_lapsed, "{now:?}: {decision:?} after {given:?}");
        if !has_lapsed {
            assert_eq!(decision, Ok(Decision::Already(order.version)), "{now:?} after {given:?}");
        }
    }
}

// -- an order that expires

#[test]
fn an_order_that_expires_unpaid_is_cancelled_and_closed() {
    let ended = commits([expiry(), closed(CloseReason::Expired)]);
    check_at(EXPIRY, &[opened(100)], LAPSE, ended.clone());
    check_at(EXPIRY, &[opened(100), reserved(60), refused(1)], LAPSE, ended.clone());
    check_at(DOOMSDAY, &[opened(100), reserved(100), refused(1)], LAPSE, ended);

    let order = after(&[opened(100), together([expiry(), closed(CloseReason::Expired)])]);
    assert_eq!((order.remaining, order.is_open(), order.unresolved), (100, false, 0));
    let closed = order.closed.unwrap();
    assert_eq!((closed.reason, closed.is_success()), (CloseReason::Expired, false));
}

#[test]
fn an_order_lapses_at_the_millisecond_it_takes_no_payment_any_more() {
    for given in [vec![opened(100)], vec![opened(100), reserved(60), authorised(1)]] {
        let moments = [(NOW, false), (earlier(EXPIRY), false), (EXPIRY, true), (later(EXPIRY), true)];
        check_moments(&given, &moments);
        for (now, has_lapsed) in moments {
            let taken = after(&given).decide(&pay(after(&given).version.get(), 40), now);
            assert_eq!(taken == Err(Refusal::Expired), has_lapsed, "{now:?}: {taken:?}");
        }
    }
}

/// Each row: what happened to a payment of 60 of 100, and what is released at the order's expiry.
#[test]
fn an_order_that_expires_releases_what_is_held_or_may_come_to_be() {
    type Row<'a> = (&'a [Commit], &'a [(Action, u64)]);
    let table: &[Row<'_>] = &[
        // Held.
        (&[authorised(1)], &[(Void, 60)]),
        (&[authorised(1), requested([leg(1, Void, 20)]), done(3, 0)], &[(Void, 40)]),
        (&[authorised(1), requested([leg(1, Void, 20)])], &[(Void, 40)]),
        // Taken, wholly and in part.
        (&[authorised(1), requested([leg(1, Capture, 60)]), done(3, 0)], &[(Refund, 60)]),
        (&[authorised(1), requested([leg(1, Capture, 45)]), done(3, 0)], &[(Void, 15), (Refund, 45)]),
        // Being taken: what is in flight lands first.
        (&[authorised(1), requested([leg(1, Capture, 45)])], &[(Void, 15)]),
        (&[authorised(1), requested([leg(1, Capture, 60)])], &[]),
        // Not held yet.
        (&[resolved(1, Resolution::Pending)], &[(Void, 60)]),
        // Under way, perhaps: voiding it now could cross with it.
        (&[], &[]),
        (&[resolved(1, Resolution::Uncertain)], &[]),
    ];
    for (given, legs) in table {
        let given = [&[opened(100), reserved(60)], *given].concat();
        let legs = legs.iter().map(|(action, amount)| leg(1, *action, *amount)).collect::<Vec<_>>();
        let mut events = expiry();
        if !legs.is_empty() {
            events.extend(released(legs));
        }
        check_at(EXPIRY, &given, LAPSE, commits([events]));
        check_at(earlier(EXPIRY), &given, LAPSE, already(u16::try_from(given.len() - 1).unwrap()));
    }
}

#[test]
fn an_order_that_expires_closes_when_everything_is_at_rest() {
    let given = [
        opened(150),
        reserved(60),
        authorised(1),
        reserved(40),
        authorised(3),
        requested([leg(3, Capture, 30)]),
        done(5, 0),
        together([expiry(), released([leg(1, Void, 60), leg(3, Void, 10), leg(3, Refund, 30)])]),
    ];
    assert!(after(&given).closed.is_none());
    for word in [LegResult::Pending, LegResult::Uncertain, LegResult::Done, declined_leg()] {
        check_at(EXPIRY, &given, record([on_leg(7, 0, word.clone())]), commits([leg_resolved(7, 0, word)]));
    }

    let one_left = [&given[..], &[done(7, 2), done(7, 1)]].concat();
    for word in [LegResult::Pending, LegResult::Uncertain] {
        check_at(EXPIRY, &one_left, record([on_leg(7, 0, word.clone())]), commits([leg_resolved(7, 0, word)]));
    }
    for word in [LegResult::Done, declined_leg()] {
        let last = commits([leg_resolved(7, 0, word.clone()), closed(CloseReason::Expired)]);
        check_at(EXPIRY, &one_left, record([on_leg(7, 0, word)]), last);
    }
    let order = after(&[&one_left[..], &[together([done(7, 0), closed(CloseReason::Expired)])]].concat());
    assert_eq!((order.remaining, order.covered(), order.unresolved), (150, 0, 0));
}

#[test]
fn a_payment_that_is_answered_for_after_its_order_expired_is_released_or_lets_it_close() {
    let given = [opened(100), reserved(60), expiry()];
    let voided = commits([authorised(1), released([leg(1, Void, 60)])]);
    check_at(EXPIRY, &given, record([on_payment(1, Resolution::Authorised)]), voided);
    let ended = commits([resolved(1, Resolution::Failed), closed(CloseReason::Expired)]);
    check_at(EXPIRY, &given, record([on_payment(1, Resolution::Failed)]), ended);
    let page = commits([resolved(1, awaiting_shopper()), released([leg(1, Void, 60)])]);
    check_at(EXPIRY, &given, record([on_payment(1, awaiting_shopper())]), page);
}

#[test]
fn an_order_that_nothing_remains_of_does_not_expire() {
    let words = [None, Some(Resolution::Uncertain), Some(Resolution::Pending)];
    for word in words {
        let given = covered(&word.map(|word| resolved(1, word)).into_iter().collect::<Vec<_>>());
        check_moments(&given, &[(EXPIRY, false), (DOOMSDAY, false)]);
        let mut given = vec![opened(100), reserved(60), authorised(1), reserved(40)];
        given.extend(after(&covered(&[])).payments.iter().map(|_| resolved(3, Resolution::Pending)));
        check_moments(&given, &[(EXPIRY, false), (DOOMSDAY, false)]);
    }
    // One whose last part is being given back is not expired before it is.
    let given = covered(&[authorised(1), requested([leg(1, Void, 60)])]);
    check_moments(&given, &[(EXPIRY, false)]);
    check_moments(&[&given[..], &[done(3, 0)]].concat(), &[(EXPIRY, true)]);
}

#[test]
fn an_order_whose_last_part_fails_after_its_expiry_lapses_then() {
    let given = [opened(100), reserved(60), authorised(1), reserved(40)];
    check_moments(&given, &[(EXPIRY, false)]);
    for word in [Resolution::Failed, Resolution::Refused { reason: Decline::Refused }] {
        let failed = [&given[..], &[resolved(3, word)]].concat();
        check_moments(&failed, &[(earlier(EXPIRY), false), (EXPIRY, true)]);
        check_at(EXPIRY, &failed, LAPSE, commits([expiry(), released([leg(1, Void, 60)])]));
    }
    // If it succeeds, the order is paid, however late.
    let paid = commits([authorised(3), closed(CloseReason::Paid)]);
    check_at(DOOMSDAY, &given, record([on_payment(3, Resolution::Authorised)]), paid);
}

#[test]
fn an_order_around_one_payment_does_not_expire() {
    let words = [None, Some(Resolution::Uncertain), Some(Resolution::Pending)];
    for word in words {
        let mut given = vec![opened_around_a_payment(100)];
        given.extend(word.map(|word| resolved(0, word)));
        check_moments(&given, &[(EXPIRY, false), (DOOMSDAY, false)]);
    }
    let given = [opened_around_a_payment(100), together([refused(0), closed(CloseReason::PaymentFailed)])];
    check_moments(&given, &[(EXPIRY, false), (DOOMSDAY, false)]);
    // Not even one that could be paid by another, which the engine does not open.
    let mut partly = after(&[opened_around_a_payment(100)]);
    partly.remaining = 40;
    assert!(!partly.has_lapsed(DOOMSDAY));
}

#[test]
fn an_order_that_ended_or_is_about_to_does_not_expire_again() {
    let ended = [
        vec![opened(100), together([cancellation(), closed(CloseReason::Cancelled)])],
        vec![opened(100), reserved(60), authorised(1), together([cancellation(), released([leg(1, Void, 60)])])],
        vec![opened(100), reserved(60), cancellation()],
        vec![opened(100), together([expiry(), closed(CloseReason::Expired)])],
        vec![opened(100), reserved(60), authorised(1), together([expiry(), released([leg(1, Void, 60)])])],
        covered(&[together([authorised(1), closed(CloseReason::Paid)])]),
    ];
    for given in ended {
        check_moments(&given, &[(NOW, false), (EXPIRY, false), (DOOMSDAY, false)]);
    }
}

/// What was refunded of a paid order is not owed again, so nothing remains that could expire.
#[test]
fn a_paid_order_does_not_expire_whatever_is_given_back() {
    let paid = covered(&[together([authorised(1), closed(CloseReason::Paid)])]);
    let voided = [&paid[..], &[requested([leg(1, Void, 100)]), done(3, 0)]].concat();
    check_moments(&voided, &[(EXPIRY, false), (DOOMSDAY, false)]);
}

#[test]
fn a_cancellation_of_an_order_that_expired_is_answered_with_that_expiry() {
    let given = [opened(100), reserved(60), authorised(1), together([expiry(), released([leg(1, Void, 60)])])];
    check_at(EXPIRY, &given, cancel(), already(3));
    let ended = [&given[..], &[together([done(3, 0), closed(CloseReason::Expired)])]].concat();
    check_at(EXPIRY, &ended, cancel(), already(3));
}

#[test]
fn an_order_that_was_cancelled_first_closes_as_cancelled_however_late() {
    let given = [opened(100), reserved(60), authorised(1), together([cancellation(), released([leg(1, Void, 60)])])];
    let ended = commits([done(3, 0), closed(CloseReason::Cancelled)]);
    check_at(DOOMSDAY, &given, record([on_leg(3, 0, LegResult::Done)]), ended);
}

#[test]
fn a_token_of_an_order_that_expired_is_of_no_use() {
    let order = after(&[opened(100), reserved(60), authorised(1), expiry()]);
    assert_eq!(order.position, v(3));
    assert_eq!(Order::glimpse(order.view()), None);
    check_at(EXPIRY, &[opened(100), expiry()], pay(1, 60), Err(Refusal::Cancelled));
}

// -- a shopper who does not act

#[test]
fn a_payment_whose_shopper_did_not_act_in_time_is_released() {
    let order = after(&at_the_page());
    assert_eq!(order.payment(v(1)).unwrap().act_by, NOW.plus(30 * MINUTE));
    check_moments(&at_the_page(), &[(NOW, false), (earlier(act_by()), false), (act_by(), true), (EXPIRY, true)]);
    let timed_out = commits([timed_out(1), released([leg(1, Void, 60)])]);
    check_at(act_by(), &at_the_page(), LAPSE, timed_out);
}

/// Each row: until when the request said its shopper may act, and until when that is.
#[test]
fn a_shopper_may_act_as_long_as_the_request_says_and_never_past_the_orders_expiry() {
    let table = [
        (None, NOW.plus(30 * MINUTE)),
        (Some(later(NOW)), later(NOW)),
        (Some(NOW.plus(5 * MINUTE)), NOW.plus(5 * MINUTE)),
        (Some(earlier(EXPIRY)), earlier(EXPIRY)),
        (Some(EXPIRY), EXPIRY),
        (Some(later(EXPIRY)), EXPIRY),
        (Some(DOOMSDAY), EXPIRY),
    ];
    for (asked, expected) in table {
        let pay = Command::Reserve(Reserve { act_by: asked, ..reserve(0, eur(60)) });
        let Ok(Decision::Commit(reserved)) = after(&[opened(100)]).decide(&pay, NOW) else {
            panic!("nothing is wrong with it");
        };
        let given = [opened(100), reserved, resolved(1, awaiting_shopper())];
        assert_eq!(after(&given).payment(v(1)).unwrap().act_by, expected, "{asked:?}");
        check_moments(&given, &[(earlier(expected), false), (expected, true)]);
    }

    // An order that expires within half an hour.
    let late = EXPIRY.plus(Duration::ZERO).unix_ms() - 1_000;
    let order = Order::evolve_all(Some(after(&[opened(100)])), &reserved(60), v(1), Time::from_unix_ms(late)).unwrap();
    assert_eq!(order.payment(v(1)).unwrap().act_by, EXPIRY);
    assert_eq!(EXPIRY, NOW.plus(ORDER_LIFETIME_DEFAULT));
}

#[test]
fn only_who_had_to_act_can_be_out_of_time() {
    for word in [None, Some(Resolution::Uncertain), Some(Resolution::Pending), Some(Resolution::Authorised)] {
        let mut given = vec![opened(100), reserved(60)];
        given.extend(word.map(|word| resolved(1, word)));
        check_moments(&given, &[(act_by(), false), (earlier(EXPIRY), false)]);
    }
    for given in [[opened(100), reserved(60), refused(1)], [opened(100), reserved(60), authorised(1)]] {
        check_moments(&given, &[(act_by(), false), (earlier(EXPIRY), false)]);
    }
    let finished = [at_the_page(), vec![authorised(1)]].concat();
    check_moments(&finished, &[(act_by(), false), (earlier(EXPIRY), false)]);
    let gave_up = [at_the_page(), vec![resolved(1, Resolution::Cancelled { by: CancelledBy::Shopper })]].concat();
    check_moments(&gave_up, &[(act_by(), false), (earlier(EXPIRY), false)]);
}

/// The shopper did what was to be done; now the bank takes its time.
#[test]
fn a_shopper_who_acted_in_time_is_not_out_of_time_while_the_partner_thinks() {
    let acted = commits([resolved(1, Resolution::Pending)]);
    check(&at_the_page(), record([on_payment(1, Resolution::Pending)]), acted);
    let pending = [at_the_page(), vec![resolved(1, Resolution::Pending)]].concat();
    check_moments(&pending, &[(act_by(), false), (earlier(EXPIRY), false)]);
    // It does not go back and forth.
    check(&pending, record([on_payment(1, awaiting_shopper())]), already(3));
}

#[test]
fn all_who_are_out_of_time_are_released_together_and_nobody_else() {
    let soon = NOW.plus(MINUTE);
    let given = [
        opened(200),
        reserved_until(soon, 10),
        reserved_until(soon, 20),
        reserved(30),
        reserved(40),
        resolved(1, awaiting_shopper()),
        resolved(2, awaiting_shopper()),
        resolved(3, awaiting_shopper()),
        resolved(4, Resolution::Pending),
    ];
    check_at(earlier(soon), &given, LAPSE, already(8));
    let two = [timed_out(1), timed_out(2), released([leg(1, Void, 10), leg(2, Void, 20)])];
    check_at(soon, &given, LAPSE, commits(two.clone()));
    let third = commits([timed_out(3), released([leg(3, Void, 30)])]);
    check_at(act_by(), &[&given[..], &[together(two)]].concat(), LAPSE, third);
}

#[test]
fn a_payment_that_is_out_of_time_keeps_its_part_until_it_is_released() {
    let order = after(&out_of_time());
    assert_eq!((order.remaining, order.unresolved, order.covered()), (40, 2, 60));
    check(&out_of_time(), pay(1, 60), Err(Refusal::ExceedsRemaining { asked: eur(60), remaining: eur(40) }));

    check(&out_of_time(), record([on_leg(3, 0, LegResult::Done)]), commits([done(3, 0)]));
    let released = [out_of_time(), vec![done(3, 0)]].concat();
    let order = after(&released);
    assert_eq!((order.remaining, order.unresolved, order.covered()), (100, 0, 0));
    let payment = order.payment(v(1)).unwrap();
    assert_eq!(payment.resolution, Some(Resolution::Cancelled { by: CancelledBy::Timeout }));
    assert_eq!((payment.tally, payment.resolved, payment.answered), (Tally::default(), Some(v(4)), Some(v(2))));
    check(&released, pay(1, 100), commits([reserved(100)]));
}

#[test]
fn a_token_overtaken_only_by_a_timeout_is_accepted() {
    check(&out_of_time(), pay(1, 40), commits([reserved(40)]));
    assert_eq!(after(&out_of_time()).position, v(1));
}

#[test]
fn an_order_around_a_payment_that_is_out_of_time_ends_with_it() {
    let given = [opened_around_a_payment(100), resolved(0, awaiting_shopper())];
    check_at(act_by(), &given, LAPSE, commits([timed_out(0), released([leg(0, Void, 100)])]));
    let releasing = [&given[..], &[together([timed_out(0), released([leg(0, Void, 100)])])]].concat();
    let ended = commits([done(2, 0), closed(CloseReason::PaymentFailed)]);
    check(&releasing, record([on_leg(2, 0, LegResult::Done)]), ended.clone());

    // The shopper finished meanwhile: what was authorised is given back, or it is paid after all.
    check(&releasing, record([on_payment(0, Resolution::Authorised)]), commits([authorised(0)]));
    let finished = [&releasing[..], &[authorised(0)]].concat();
    check(&finished, record([on_leg(2, 0, LegResult::Done)]), ended);
    let again = together([declined(2, 0), released([leg(0, Void, 100)])]);
    check(&finished, record([on_leg(2, 0, declined_leg())]), commits([again.clone()]));
    let finished = [&finished[..], &[again]].concat();
    let paid = commits([declined(4, 0), closed(CloseReason::Paid)]);
    check(&finished, record([on_leg(4, 0, declined_leg())]), paid);
}

#[test]
fn time_that_passed_twice_changes_nothing_more() {
    let twice = [
        out_of_time(),
        [out_of_time(), vec![leg_resolved(3, 0, LegResult::Uncertain)]].concat(),
        [out_of_time(), vec![done(3, 0)]].concat(),
        [out_of_time(), vec![declined(3, 0)]].concat(),
        [out_of_time(), vec![authorised(1)]].concat(),
        unreleasable(),
    ];
    for given in twice {
        check_moments(&given, &[(act_by(), false), (earlier(EXPIRY), false)]);
    }
}

#[test]
fn a_payment_that_its_orders_cancellation_releases_is_not_released_for_time() {
    let cancelled = [at_the_page(), vec![together([cancellation(), released([leg(1, Void, 60)])])]].concat();
    check_moments(&cancelled, &[(act_by(), false), (EXPIRY, false), (DOOMSDAY, false)]);
    let declined = [cancelled, vec![declined(3, 0)]].concat();
    check_moments(&declined, &[(act_by(), false), (EXPIRY, false), (DOOMSDAY, false)]);
}

// -- a shopper who acts all the same

#[test]
fn a_payment_authorised_while_it_is_released_keeps_its_books() {
    // It is not voided twice.
    check(&out_of_time(), record([on_payment(1, Resolution::Authorised)]), commits([authorised(1)]));
    let voiding = [out_of_time(), vec![authorised(1)]].concat();
    assert_eq!(books(&voiding, 1), Tally { voiding: 60, ..Tally::authorised(60) });
    for action in [capture(1, 1), void(1, 1)] {
        check(&voiding, action, Err(Refusal::NothingAvailable));
    }

    check(&voiding, record([on_leg(3, 0, LegResult::Done)]), commits([done(3, 0)]));
    let voided = [&voiding[..], &[done(3, 0)]].concat();
    assert_eq!(books(&voided, 1), Tally { voided: 60, ..Tally::authorised(60) });
    let order = after(&voided);
    assert_eq!((order.remaining, order.unresolved, order.covered()), (100, 0, 0));
    assert_eq!(order.payment(v(1)).unwrap().resolution, Some(Resolution::Authorised));
}

#[test]
fn a_payment_released_for_time_is_not_authorised_by_a_late_word() {
    let given = [out_of_time(), vec![done(3, 0)]].concat();
    check(&given, record([on_payment(1, Resolution::Authorised)]), already(4));
}

#[test]
fn a_payment_that_dies_while_it_is_released_gives_its_part_back_once() {
    for word in [Resolution::Failed, Resolution::Cancelled { by: CancelledBy::Shopper }] {
        let dead = [out_of_time(), vec![resolved(1, word.clone())]].concat();
        assert_eq!((after(&dead).remaining, after(&dead).unresolved), (100, 1));
        for result in [LegResult::Done, declined_leg()] {
            check(&dead, record([on_leg(3, 0, result.clone())]), commits([leg_resolved(3, 0, result.clone())]));
            let order = after(&[&dead[..], &[leg_resolved(3, 0, result)]].concat());
            assert_eq!((order.remaining, order.unresolved), (100, 0));
            assert_eq!(order.payment(v(1)).unwrap().resolution, Some(word.clone()));
        }
    }
}

#[test]
fn a_release_for_time_that_came_too_early_is_asked_for_again_once_the_payment_is_authorised() {
    // While the shopper may still act, what a partner declined is not asked for again.
    check(&out_of_time(), record([on_leg(3, 0, declined_leg())]), commits([declined(3, 0)]));
    let waiting = [out_of_time(), vec![declined(3, 0)]].concat();
    let voided = commits([authorised(1), released([leg(1, Void, 60)])]);
    check(&waiting, record([on_payment(1, Resolution::Authorised)]), voided);

    // The words may come in either order, and in one commit.
    check(
        &out_of_time(),
        record([on_leg(3, 0, declined_leg()), on_payment(1, Resolution::Authorised)]),
        commits([declined(3, 0), authorised(1), released([leg(1, Void, 60)])]),
    );
    check(
        &out_of_time(),
        record([on_payment(1, Resolution::Authorised), on_leg(3, 0, declined_leg())]),
        commits([authorised(1), declined(3, 0), released([leg(1, Void, 60)])]),
    );
    let finished = [out_of_time(), vec![authorised(1)]].concat();
    let again = commits([declined(3, 0), released([leg(1, Void, 60)])]);
    check(&finished, record([on_leg(3, 0, declined_leg())]), again);
}

#[test]
fn a_release_for_time_that_is_declined_is_not_asked_for_without_end() {
    let again = [out_of_time(), vec![authorised(1), together([declined(3, 0), released([leg(1, Void, 60)])])]].concat();
    check(&again, record([on_leg(5, 0, declined_leg())]), commits([declined(5, 0)]));
    let order = after(&unreleasable());
    assert_eq!((order.remaining, order.unresolved, order.covered()), (40, 0, 60));
    assert_eq!(order.outstanding(earlier(EXPIRY)), []);
    assert_eq!(order.next_look(NOW, 0), None);
}

#[test]
fn what_cannot_be_released_counts_as_paid() {
    let given = [unreleasable(), vec![reserved(40)]].concat();
    let paid = commits([authorised(7), closed(CloseReason::Paid)]);
    check(&given, record([on_payment(7, Resolution::Authorised)]), paid);
}

/// The shopper paid after all, and the merchant takes the money.
#[test]
fn what_a_merchant_captures_of_a_payment_that_could_not_be_released_is_not_refunded() {
    let taken = [unreleasable(), vec![requested([leg(1, Capture, 60)])]].concat();
    check(&taken, record([on_leg(7, 0, LegResult::Done)]), commits([done(7, 0)]));
    check(&taken, record([on_leg(7, 0, declined_leg())]), commits([declined(7, 0)]));

    let paid = [unreleasable(), vec![reserved(40), together([authorised(7), closed(CloseReason::Paid)])]].concat();
    let taken = [&paid[..], &[requested([leg(1, Capture, 60)])]].concat();
    check(&taken, record([on_leg(9, 0, LegResult::Done)]), commits([done(9, 0)]));

    // What the merchant gives back, or fails to, is no release either.
    let taken = [&taken[..], &[done(9, 0)]].concat();
    check(&taken, refund(1, 20), commits([requested([leg(1, Refund, 20)])]));
    let refunding = [&taken[..], &[requested([leg(1, Refund, 20)])]].concat();
    for word in [LegResult::Done, declined_leg()] {
        check(&refunding, record([on_leg(11, 0, word.clone())]), commits([leg_resolved(11, 0, word)]));
    }
}

/// The partner may think otherwise now, and if not, it was asked.
#[test]
fn what_could_not_be_released_for_time_is_asked_for_again_when_the_order_ends() {
    let held = unreleasable();
    check(&held, cancel(), commits([cancellation(), released([leg(1, Void, 60)])]));
    check_at(EXPIRY, &held, LAPSE, commits([expiry(), released([leg(1, Void, 60)])]));

    let taken = [held, vec![requested([leg(1, Capture, 45)]), done(7, 0)]].concat();
    let both = released([leg(1, Void, 15), leg(1, Refund, 45)]);
    check(&taken, cancel(), commits([cancellation(), both.clone()]));

    // And not without end.
    let ending = [taken, vec![together([cancellation(), both])]].concat();
    check(&ending, record([on_leg(9, 0, declined_leg())]), commits([declined(9, 0)]));
    let last = [&ending[..], &[declined(9, 0)]].concat();
    let ended = commits([declined(9, 1), closed(CloseReason::Cancelled)]);
    check(&last, record([on_leg(9, 1, declined_leg())]), ended);

    // What the merchant is voiding already is not asked for twice.
    let voiding = [unreleasable(), vec![requested([leg(1, Void, 20)])]].concat();
    check(&voiding, cancel(), commits([cancellation(), released([leg(1, Void, 40)])]));

    // A shopper who is still at the page, whose release was declined, and is in flight.
    let waiting = [out_of_time(), vec![declined(3, 0)]].concat();
    check(&waiting, cancel(), commits([cancellation(), released([leg(1, Void, 60)])]));
    check(&out_of_time(), cancel(), commits([cancellation()]));
}

// -- both at once

#[test]
fn an_order_that_expires_while_a_shopper_is_at_a_page_releases_that_payment_for_time() {
    let both = commits([timed_out(1), expiry(), released([leg(1, Void, 60)])]);
    check_at(EXPIRY, &at_the_page(), LAPSE, both);

    let given = [at_the_page(), vec![together([timed_out(1), expiry(), released([leg(1, Void, 60)])])]].concat();
    check_moments(&given, &[(EXPIRY, false), (DOOMSDAY, false)]);
    let ended = [done(3, 0), closed(CloseReason::Expired)];
    check_at(EXPIRY, &given, record([on_leg(3, 0, LegResult::Done)]), commits(ended.clone()));
    let order = after(&[given, vec![together(ended)]].concat());
    let payment = order.payment(v(1)).unwrap();
    assert_eq!(payment.resolution, Some(Resolution::Cancelled { by: CancelledBy::Timeout }));
    assert_eq!((order.remaining, order.covered()), (100, 0));
}

#[test]
fn an_order_that_a_shopper_at_a_page_covers_is_cancelled_once_that_part_is_free() {
    let given = [opened(100), reserved(60), authorised(1), reserved(40), resolved(3, awaiting_shopper())];
    check_at(EXPIRY, &given, LAPSE, commits([timed_out(3), released([leg(3, Void, 40)])]));
    let releasing = [&given[..], &[together([timed_out(3), released([leg(3, Void, 40)])])]].concat();
    check_moments(&releasing, &[(EXPIRY, false), (DOOMSDAY, false)]);
    let free = [&releasing[..], &[done(5, 0)]].concat();
    check_at(EXPIRY, &free, LAPSE, commits([expiry(), released([leg(1, Void, 60)])]));

    // If the shopper finished meanwhile and the release is declined twice, the order is paid.
    let finished =
        [&releasing[..], &[authorised(3), together([declined(5, 0), released([leg(3, Void, 40)])])]].concat();
    let paid = commits([declined(7, 0), closed(CloseReason::Paid)]);
    check_at(EXPIRY, &finished, record([on_leg(7, 0, declined_leg())]), paid);
}

#[test]
fn an_order_that_expires_does_not_release_twice_what_is_being_released_for_time() {
    check_at(EXPIRY, &out_of_time(), LAPSE, commits([expiry()]));
    let finished = [out_of_time(), vec![authorised(1)]].concat();
    check_at(EXPIRY, &finished, LAPSE, commits([expiry()]));

    // But what that release did not do, it does.
    let given = [&finished[..], &[expiry()]].concat();
    let again = commits([declined(3, 0), released([leg(1, Void, 60)])]);
    check_at(EXPIRY, &given, record([on_leg(3, 0, declined_leg())]), again);
    let ended = commits([done(3, 0), closed(CloseReason::Expired)]);
    check_at(EXPIRY, &given, record([on_leg(3, 0, LegResult::Done)]), ended);
}

// -- limits and partial knowledge

#[test]
fn what_time_asks_for_needs_no_room() {
    let mut given = vec![opened(2_000), reserved(1_500), authorised(1), reserved(60), resolved(3, awaiting_shopper())];
    given.extend(std::iter::repeat_n(requested([leg(1, Void, 1)]), OPERATIONS_PER_ORDER_MAX));
    check_at(act_by(), &given, LAPSE, commits([timed_out(3), released([leg(3, Void, 60)])]));

    let old = COMMITS_MAX - COMMITS_RESERVE;
    let order = Order::evolve_all(Some(after(&at_the_page())), &answered(print(1, 1)), v(old), NOW).unwrap();
    assert_eq!(order.decide(&LAPSE, act_by()), commits([timed_out(1), released([leg(1, Void, 60)])]));
}

#[test]
fn what_time_asks_for_is_decided_by_the_order_and_not_by_a_token() {
    for given in [vec![opened(100)], at_the_page(), vec![opened(100), reserved(60), authorised(1)]] {
        let glimpse = Order::glimpse(after(&given).view()).unwrap();
        for now in [NOW, act_by(), EXPIRY] {
            assert_eq!(glimpse.decide(&LAPSE, now), Err(Refusal::NeedsHistory));
        }
    }
    // That something is due it may tell: the order says the same, or more.
    let glimpse = Order::glimpse(after(&[opened(100)]).view()).unwrap();
    assert_eq!(glimpse.outstanding(EXPIRY), [Due::Lapse]);
    assert_eq!(glimpse.outstanding(earlier(EXPIRY)), []);
}

// -- when to look again

#[test]
fn what_time_asks_for_is_due_before_any_call() {
    let given = [opened(100), reserved(40), resolved(1, Resolution::Pending), reserved(20)];
    let due = after(&given).outstanding(EXPIRY);
    assert_eq!(due, [Due::Lapse, Due::Lookup { payment: v(1) }, Due::Lookup { payment: v(3) }]);
    let leg = leg(1, Capture, 45);
    let given = [opened(100), reserved(60), authorised(1), requested([leg.clone()])];
    let due = after(&given).outstanding(EXPIRY);
    assert_eq!(due, [Due::Lapse, Due::Perform { operation: v(3), index: 0, leg }]);
}

/// Each row: what happened at [`NOW`]; how often in a row it was looked at, how long after [`NOW`]; and how
/// long after [`NOW`] it is looked at next.
#[test]
fn an_order_is_looked_at_again_with_growing_delays_as_long_as_something_is_left() {
    let second = Duration::from_secs(1);
    let hour = 60 * MINUTE;
    let nothing = Duration::ZERO;
    type Row<'a> = (&'a [Commit], u16, Duration, Option<Duration>);
    let waiting = [resolved(1, awaiting_shopper())];
    let timed_out = [waiting[0].clone(), together([timed_out(1), released([leg(1, Void, 60)])])];
    let table: &[Row<'_>] = &[
        // Nothing is left but to wait for a request.
        (&[authorised(1)], 0, nothing, None),
        (&[refused(1)], 0, nothing, None),
        (&[authorised(1), requested([leg(1, Capture, 45)]), done(3, 0)], 3, nothing, None),
        (&[together([cancellation(), refused(1), closed(CloseReason::Cancelled)])], 3, DAYS, None),
        // Who reserved it is given its time.
        (&[], 0, nothing, Some(AUTHORISE_DEADLINE)),
        (&[], 4, nothing, Some(AUTHORISE_DEADLINE)),
        (&[], 0, AUTHORISE_DEADLINE, Some(AUTHORISE_DEADLINE + second)),
        (&[], 9, nothing, Some(15 * MINUTE)),
        // What a partner left open.
        (&[resolved(1, Resolution::Pending)], 0, nothing, Some(second)),
        (&[resolved(1, Resolution::Uncertain)], 3, nothing, Some(10 * second)),
        (&[resolved(1, Resolution::Uncertain)], 3, MINUTE, Some(MINUTE + 10 * second)),
        (&[resolved(1, Resolution::Uncertain)], u16::MAX, nothing, Some(hour)),
        (&[authorised(1), requested([leg(1, Capture, 45)])], 0, nothing, Some(second)),
        (
            &[authorised(1), requested([leg(1, Capture, 45)]), leg_resolved(3, 0, LegResult::Pending)],
            5,
            nothing,
            Some(MINUTE),
        ),
        // A shopper's time is not slept through.
        (&waiting, 0, nothing, Some(second)),
        (&waiting, 9, nothing, Some(15 * MINUTE)),
        (&waiting, 10, nothing, Some(30 * MINUTE)),
        (&waiting, 9, 20 * MINUTE, Some(30 * MINUTE)),
        (&waiting, 0, 30 * MINUTE - second / 2, Some(30 * MINUTE)),
        // What is due and could not be done is not tried at once again.
        (&waiting, 0, 30 * MINUTE, Some(30 * MINUTE + second)),
        (&waiting, 10, 31 * MINUTE, Some(91 * MINUTE)),
        (&[refused(1)], 2, DAYS, Some(DAYS + 5 * second)),
        // Being released: then it is no shopper that is waited for.
        (&timed_out, 10, nothing, Some(hour)),
        (&[&timed_out[..], &[declined(3, 0)]].concat(), 10, hour, Some(2 * hour)),
        (
            &[&waiting[..], &[together([cancellation(), released([leg(1, Void, 60)])])]].concat(),
            0,
            hour,
            Some(hour + second),
        ),
        (
            &[&waiting[..], &[together([cancellation(), released([leg(1, Void, 60)])]), declined(3, 0)]].concat(),
            10,
            hour,
            Some(2 * hour),
        ),
        // The first of several.
        (
            &[reserved(20), resolved(1, awaiting_shopper()), resolved(2, Resolution::Pending)],
            10,
            nothing,
            Some(30 * MINUTE),
        ),
        (&[reserved(20), resolved(2, Resolution::Pending)], 0, nothing, Some(second)),
    ];
    for (given, tries, ago, expected) in table {
        let given = [&[opened(100), reserved(60)], *given].concat();
        let now = NOW.plus(*ago);
        let next = after(&given).next_look(now, *tries);
        assert_eq!(next, expected.map(|expected| NOW.plus(expected)), "{tries} looks, {ago:?} after {given:?}");
        assert!(next.is_none_or(|next| next > now), "a look that is due at once is a loop");
    }
}

/// Longer than an order lives.
const DAYS: Duration = Duration::from_secs(10 * 24 * 3_600);

#[test]
fn an_order_waits_for_its_shopper_if_nothing_else_is_left() {
    let waiting = || resolved(1, awaiting_shopper());
    let table: &[(&[Commit], bool)] = &[
        (&[waiting()], true),
        (&[waiting(), reserved(20), resolved(3, awaiting_shopper())], true),
        (&[waiting(), reserved(20), authorised(3)], true),
        (&[waiting(), reserved(20), refused(3)], true),
        // Nothing at all is left.
        (&[authorised(1)], false),
        (&[refused(1)], false),
        // A partner is waited for.
        (&[], false),
        (&[resolved(1, Resolution::Pending)], false),
        (&[resolved(1, Resolution::Uncertain)], false),
        (&[waiting(), resolved(1, Resolution::Pending)], false),
        (&[waiting(), reserved(20)], false),
        (&[waiting(), reserved(20), resolved(3, Resolution::Pending)], false),
        (&[waiting(), reserved(20), authorised(3), requested([leg(3, Capture, 20)])], false),
        (&[authorised(1), requested([leg(1, Capture, 60)])], false),
        // It is not the shopper's turn any more.
        (&[waiting(), together([timed_out(1), released([leg(1, Void, 60)])])], false),
        (&[waiting(), together([timed_out(1), released([leg(1, Void, 60)])]), declined(3, 0)], false),
        (&[waiting(), together([cancellation(), released([leg(1, Void, 60)])])], false),
        (&[waiting(), together([cancellation(), released([leg(1, Void, 60)])]), declined(3, 0)], false),
    ];
    for (given, expected) in table {
        let given = [&[opened(100), reserved(60)], *given].concat();
        assert_eq!(after(&given).waits_for_shopper(), *expected, "{given:?}");
    }
    assert!(!after(&[opened(100)]).waits_for_shopper());
}
