//! A cancelled order releases all that is held or taken, and closes when everything is at rest.

use domain::{
    Action::{self, Capture, Refund, Void},
    Tally,
    order::{CancelledBy, CloseReason, Decision, LegResult, OrderEvent, Refusal, Resolution},
};

use crate::support::{
    Commit, EXPIRY, NOW, after, already, authorised, awaiting_shopper, books, cancel, cancellation, check, check_at,
    closed, commits, declined, declined_leg, done, keyed, leg, leg_resolved, on_leg, on_payment, opened,
    opened_around_a_payment, print, record, refused, released, requested, reserved, resolved, together, v, void,
    with_key,
};

/// What happened to a payment of 60, and what its cancellation asks for.
type Row<'a> = (&'a [Commit], &'a [(Action, u64)]);

#[test]
fn a_cancellation_of_an_order_without_payments_closes_it_at_once() {
    check(&[opened(100)], cancel(), commits([cancellation(), closed(CloseReason::Cancelled)]));
    let refused = [opened(100), reserved(60), refused(1)];
    check(&refused, cancel(), commits([cancellation(), closed(CloseReason::Cancelled)]));
}

#[test]
fn a_cancellation_releases_what_is_held_or_may_come_to_be() {
    let table: &[Row<'_>] = &[
        // Held.
        (&[authorised(1)], &[(Void, 60)]),
        (&[authorised(1), requested([leg(1, Void, 20)]), done(3, 0)], &[(Void, 40)]),
        (&[authorised(1), requested([leg(1, Void, 20)]), declined(3, 0)], &[(Void, 60)]),
        // Taken, wholly and in part.
        (&[authorised(1), requested([leg(1, Capture, 60)]), done(3, 0)], &[(Refund, 60)]),
        (&[authorised(1), requested([leg(1, Capture, 45)]), done(3, 0)], &[(Void, 15), (Refund, 45)]),
        (
            &[authorised(1), requested([leg(1, Capture, 45)]), done(3, 0), requested([leg(1, Refund, 40)]), done(5, 0)],
            &[(Void, 15), (Refund, 5)],
        ),
        // Being taken: what is in flight lands first.
        (&[authorised(1), requested([leg(1, Capture, 45)])], &[(Void, 15)]),
        (&[authorised(1), requested([leg(1, Capture, 60)])], &[]),
        // Not held yet.
        (&[resolved(1, Resolution::Pending)], &[(Void, 60)]),
        (&[resolved(1, awaiting_shopper())], &[(Void, 60)]),
        // Under way, perhaps: voiding it now could cross with it.
        (&[], &[]),
        (&[resolved(1, Resolution::Uncertain)], &[]),
    ];
    for (given, legs) in table {
        let given = [&[opened(100), reserved(60)], *given].concat();
        let legs = legs.iter().map(|(action, amount)| leg(1, *action, *amount)).collect::<Vec<_>>();
        let mut events = cancellation();
        if !legs.is_empty() {
            events.extend(released(legs));
        }
        check(&given, cancel(), commits([events]));
    }
}

#[test]
fn a_cancellation_releases_all_payments_in_one_operation() {
    check(
        &[opened(100), reserved(60), authorised(1), reserved(40), resolved(3, Resolution::Pending)],
        cancel(),
        commits([cancellation(), released([leg(1, Void, 60), leg(3, Void, 40)])]),
    );
}

#[test]
fn a_payment_authorised_after_the_cancellation_is_voided_in_the_same_commit() {
    let voided = commits([authorised(1), released([leg(1, Void, 60)])]);
    let still_reserved = [opened(100), reserved(60), cancellation()];
    check(&still_reserved, record([on_payment(1, Resolution::Authorised)]), voided.clone());
    let uncertain = [opened(100), reserved(60), resolved(1, Resolution::Uncertain), cancellation()];
    check(&uncertain, record([on_payment(1, Resolution::Authorised)]), voided);
}

#[test]
fn a_payment_found_pending_after_the_cancellation_is_voided_in_the_same_commit() {
    for word in [Resolution::Pending, awaiting_shopper()] {
        check(
            &[opened(100), reserved(60), cancellation()],
            record([on_payment(1, word.clone())]),
            commits([resolved(1, word), released([leg(1, Void, 60)])]),
        );
    }
}

#[test]
fn a_payment_that_dies_after_the_cancellation_lets_the_order_close() {
    for given in [
        vec![opened(100), reserved(60), cancellation()],
        vec![opened(100), reserved(60), resolved(1, Resolution::Uncertain), cancellation()],
    ] {
        let ended = commits([resolved(1, Resolution::Failed), closed(CloseReason::Cancelled)]);
        check(&given, record([on_payment(1, Resolution::Failed)]), ended);
    }
}

#[test]
fn what_is_captured_after_the_cancellation_is_refunded_in_the_same_commit() {
    check(
        &[
            opened(100),
            reserved(60),
            authorised(1),
            requested([leg(1, Capture, 45)]),
            together([cancellation(), released([leg(1, Void, 15)])]),
            done(4, 0),
        ],
        record([on_leg(3, 0, LegResult::Done)]),
        commits([done(3, 0), released([leg(1, Refund, 45)])]),
    );
}

#[test]
fn a_capture_declined_after_the_cancellation_is_voided_in_the_same_commit() {
    check(
        &[opened(100), reserved(60), authorised(1), requested([leg(1, Capture, 60)]), cancellation()],
        record([on_leg(3, 0, declined_leg())]),
        commits([declined(3, 0), released([leg(1, Void, 60)])]),
    );
}

#[test]
fn a_cancelled_order_closes_in_the_commit_that_brings_everything_to_rest() {
    let given = [
        opened(150),
        reserved(60),
        authorised(1),
        reserved(40),
        authorised(3),
        requested([leg(3, Capture, 30)]),
        done(5, 0),
        together([cancellation(), released([leg(1, Void, 60), leg(3, Void, 10), leg(3, Refund, 30)])]),
    ];
    for word in [LegResult::Pending, LegResult::Uncertain, LegResult::Done, declined_leg()] {
        check(&given, record([on_leg(7, 0, word.clone())]), commits([leg_resolved(7, 0, word)]));
    }

    let one_left = [&given[..], &[done(7, 2), done(7, 1)]].concat();
    for word in [LegResult::Pending, LegResult::Uncertain] {
        check(&one_left, record([on_leg(7, 0, word.clone())]), commits([leg_resolved(7, 0, word)]));
    }
    let last = commits([done(7, 0), closed(CloseReason::Cancelled)]);
    check(&one_left, record([on_leg(7, 0, LegResult::Done)]), last);

    let order = after(&[&one_left[..], &[together([done(7, 0), closed(CloseReason::Cancelled)])]].concat());
    assert_eq!((order.remaining, order.covered(), order.unresolved), (150, 0, 0));
}

#[test]
fn a_cancelled_order_waits_for_a_payment_whose_outcome_is_not_final() {
    for word in [None, Some(Resolution::Uncertain), Some(Resolution::Pending), Some(awaiting_shopper())] {
        let mut given = vec![opened(150), reserved(60), authorised(1), reserved(40)];
        given.extend(word.map(|word| resolved(3, word)));
        given.push(together([cancellation(), released([leg(1, Void, 60)])]));
        let operation = u16::try_from(given.len() - 1).unwrap();
        let order = after(&given);
        let Ok(Decision::Commit(events)) = order.decide(&record([on_leg(operation, 0, LegResult::Done)]), NOW) else {
            panic!("the word is new");
        };
        assert!(
            !events.contains(&OrderEvent::Closed { reason: CloseReason::Cancelled, capture_at: None, key: None }),
            "{given:?}"
        );
    }
}

#[test]
fn a_cancelled_order_waits_for_the_release_of_a_payment_that_died_meanwhile() {
    let given = [
        opened(100),
        reserved(60),
        resolved(1, Resolution::Pending),
        together([cancellation(), released([leg(1, Void, 60)])]),
    ];
    check(&given, record([on_payment(1, Resolution::Failed)]), commits([resolved(1, Resolution::Failed)]));

    let dead = [&given[..], &[resolved(1, Resolution::Failed)]].concat();
    for word in [LegResult::Done, declined_leg()] {
        let ended = commits([leg_resolved(3, 0, word.clone()), closed(CloseReason::Cancelled)]);
        check(&dead, record([on_leg(3, 0, word)]), ended);
    }
}

#[test]
fn a_declined_release_is_not_asked_for_again_and_the_order_still_closes() {
    let held = [opened(100), reserved(60), authorised(1)];
    let voiding = [&held[..], &[together([cancellation(), released([leg(1, Void, 60)])])]].concat();
    let ended = commits([declined(3, 0), closed(CloseReason::Cancelled)]);
    check(&voiding, record([on_leg(3, 0, declined_leg())]), ended);

    let captured = [&held[..], &[requested([leg(1, Capture, 60)]), done(3, 0)]].concat();
    let refunding = [&captured[..], &[together([cancellation(), released([leg(1, Refund, 60)])])]].concat();
    let ended = commits([declined(5, 0), closed(CloseReason::Cancelled)]);
    check(&refunding, record([on_leg(5, 0, declined_leg())]), ended);

    // Nor if the merchant's own void succeeds beside it.
    let both = [&held[..], &[requested([leg(1, Void, 10)]), together([cancellation(), released([leg(1, Void, 50)])])]];
    let given = [&both.concat()[..], &[done(3, 0)]].concat();
    let ended = commits([declined(4, 0), closed(CloseReason::Cancelled)]);
    check(&given, record([on_leg(4, 0, declined_leg())]), ended);
}

#[test]
fn what_a_declined_release_left_can_still_be_voided_by_the_merchant() {
    let given = [
        opened(100),
        reserved(60),
        authorised(1),
        together([cancellation(), released([leg(1, Void, 60)])]),
        together([declined(3, 0), closed(CloseReason::Cancelled)]),
    ];
    check(&given, void(1, 60), commits([requested([leg(1, Void, 60)])]));
}

#[test]
fn what_a_merchants_own_void_or_refund_could_not_release_the_cancellation_releases() {
    let held = [opened(100), reserved(60), authorised(1)];
    let voiding =
        [&held[..], &[requested([leg(1, Void, 10)]), together([cancellation(), released([leg(1, Void, 50)])])]]
            .concat();
    let again = commits([declined(3, 0), released([leg(1, Void, 10)])]);
    check(&voiding, record([on_leg(3, 0, declined_leg())]), again);

    let captured = [&held[..], &[requested([leg(1, Capture, 60)]), done(3, 0)]].concat();
    let refunding =
        [&captured[..], &[requested([leg(1, Refund, 10)]), together([cancellation(), released([leg(1, Refund, 50)])])]]
            .concat();
    let again = commits([declined(5, 0), released([leg(1, Refund, 10)])]);
    check(&refunding, record([on_leg(5, 0, declined_leg())]), again);
}

#[test]
fn a_void_that_came_too_early_is_asked_for_again_once_the_payment_is_authorised() {
    let given = [
        opened(100),
        reserved(60),
        resolved(1, Resolution::Pending),
        together([cancellation(), released([leg(1, Void, 60)])]),
    ];
    // The partner knew of nothing to void, and authorised it then. The words may come in either order.
    check(
        &given,
        record([on_leg(3, 0, declined_leg()), on_payment(1, Resolution::Authorised)]),
        commits([declined(3, 0), authorised(1), released([leg(1, Void, 60)])]),
    );
    check(
        &given,
        record([on_payment(1, Resolution::Authorised), on_leg(3, 0, declined_leg())]),
        commits([authorised(1), declined(3, 0), released([leg(1, Void, 60)])]),
    );
    let again = [&given[..], &[authorised(1), together([declined(3, 0), released([leg(1, Void, 60)])])]].concat();
    let ended = commits([declined(5, 0), closed(CloseReason::Cancelled)]);
    check(&again, record([on_leg(5, 0, declined_leg())]), ended);
}

#[test]
fn a_void_of_a_pending_payment_that_succeeds_cancels_it_and_gives_its_part_back() {
    for word in [Resolution::Pending, awaiting_shopper()] {
        let given =
            [opened(100), reserved(60), resolved(1, word), together([cancellation(), released([leg(1, Void, 60)])])];
        let ended = [done(3, 0), closed(CloseReason::Cancelled)];
        check(&given, record([on_leg(3, 0, LegResult::Done)]), commits(ended.clone()));

        let ended = [&given[..], &[together(ended)]].concat();
        let order = after(&ended);
        assert_eq!((order.remaining, order.unresolved, order.covered()), (100, 0, 0));
        let payment = order.payment(v(1)).unwrap();
        assert_eq!(payment.resolution, Some(Resolution::Cancelled { by: CancelledBy::Order }));
        assert_eq!(payment.tally, Tally::default());
    }
}

#[test]
fn a_payment_authorised_while_its_void_is_in_flight_keeps_its_books() {
    let given = [
        opened(100),
        reserved(60),
        resolved(1, Resolution::Pending),
        together([cancellation(), released([leg(1, Void, 60)])]),
    ];
    // It is not voided twice.
    check(&given, record([on_payment(1, Resolution::Authorised)]), commits([authorised(1)]));

    let voiding = [&given[..], &[authorised(1)]].concat();
    assert_eq!(books(&voiding, 1), Tally { voiding: 60, ..Tally::authorised(60) });
    let ended = commits([done(3, 0), closed(CloseReason::Cancelled)]);
    check(&voiding, record([on_leg(3, 0, LegResult::Done)]), ended);

    let voided = [&voiding[..], &[together([done(3, 0), closed(CloseReason::Cancelled)])]].concat();
    assert_eq!(books(&voided, 1), Tally { voided: 60, ..Tally::authorised(60) });
    assert_eq!(after(&voided).remaining, 100);
}

#[test]
fn a_payment_cancelled_by_its_order_is_not_authorised_by_a_late_word() {
    let given = [
        opened(100),
        reserved(60),
        resolved(1, Resolution::Pending),
        together([cancellation(), released([leg(1, Void, 60)])]),
        together([done(3, 0), closed(CloseReason::Cancelled)]),
    ];
    check(&given, record([on_payment(1, Resolution::Authorised)]), already(4));
}

#[test]
fn a_second_cancellation_is_answered_as_the_first() {
    let releasing = [opened(100), reserved(60), cancellation()];
    check(&releasing, cancel(), already(2));
    check(&releasing, with_key(cancel(), print(1, 1)), already(2));
    let ended = [&releasing[..], &[together([refused(1), closed(CloseReason::Cancelled)])]].concat();
    check(&ended, cancel(), already(2));
    let by_key = [opened(100), reserved(60), keyed(cancellation(), print(1, 1)), authorised(1)];
    check(&by_key, with_key(cancel(), print(1, 1)), already(2));
}

#[test]
fn a_cancellation_of_an_ended_order_is_refused() {
    let paid = [opened(100), reserved(100), together([authorised(1), closed(CloseReason::Paid)])];
    check(&paid, cancel(), Err(Refusal::Closed));
    let failed = [opened_around_a_payment(100), together([refused(0), closed(CloseReason::PaymentFailed)])];
    check(&failed, cancel(), Err(Refusal::Closed));
}

#[test]
fn an_order_around_one_payment_ends_cancelled_if_it_was_cancelled_first() {
    check(
        &[opened_around_a_payment(100), cancellation()],
        record([on_payment(0, Resolution::Failed)]),
        commits([resolved(0, Resolution::Failed), closed(CloseReason::Cancelled)]),
    );
}

#[test]
fn an_expired_order_can_be_cancelled() {
    let given = [opened(100), reserved(60), authorised(1)];
    check_at(EXPIRY, &given, cancel(), commits([cancellation(), released([leg(1, Void, 60)])]));
}
