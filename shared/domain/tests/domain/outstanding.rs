//! What is left to do is a pure function of the state and the time.

use std::time::Duration;

use domain::{
    Action::{Capture, Void},
    limits::{ASK_AGAIN_AFTER, AUTHORISE_DEADLINE},
    order::{CloseReason, Due, Leg, LegResult, Resolution},
};

use crate::support::{
    Commit, NOW, after, authorised, awaiting_shopper, cancellation, closed, declined, done, leg, leg_resolved, opened,
    refused, released, requested, reserved, resolved, together, v,
};

const MILLISECOND: Duration = Duration::from_millis(1);

fn lookup(payment: u16) -> Due {
    Due::Lookup { payment: v(payment) }
}

fn perform(operation: u16, index: u16, leg: Leg) -> Due {
    Due::Perform { operation: v(operation), index, leg }
}

/// A leg that a partner left open at [`NOW`].
fn left_open(leg: Leg, result: LegResult) -> Leg {
    Leg { result: Some(result), resolved_at: NOW, ..leg }
}

/// Each row: what happened at [`NOW`], how long ago that is, and what is due.
fn check(table: &[(&[Commit], Duration, &[Due])]) {
    for (given, ago, expected) in table {
        let given = [&[opened(100), reserved(60)], *given].concat();
        assert_eq!(after(&given).outstanding(NOW.plus(*ago)), *expected, "{ago:?} after {given:?}");
    }
}

#[test]
fn a_payment_nobody_answered_for_is_looked_up_after_the_deadline_of_whoever_reserved_it() {
    check(&[
        (&[], Duration::ZERO, &[]),
        (&[], ASK_AGAIN_AFTER, &[]),
        (&[], AUTHORISE_DEADLINE - MILLISECOND, &[]),
        (&[], AUTHORISE_DEADLINE, &[lookup(1)]),
        (&[], AUTHORISE_DEADLINE * 1_000, &[lookup(1)]),
    ]);
}

#[test]
fn a_payment_left_open_is_looked_up_again_after_a_while() {
    for word in [Resolution::Uncertain, Resolution::Pending, awaiting_shopper()] {
        let given = [resolved(1, word)];
        check(&[
            (&given, Duration::ZERO, &[]),
            (&given, ASK_AGAIN_AFTER - MILLISECOND, &[]),
            (&given, ASK_AGAIN_AFTER, &[lookup(1)]),
        ]);
    }
}

#[test]
fn a_payment_with_a_final_outcome_is_never_looked_up() {
    let long = AUTHORISE_DEADLINE * 1_000;
    check(&[
        (&[authorised(1)], long, &[]),
        (&[refused(1)], long, &[]),
        (&[resolved(1, Resolution::Failed)], long, &[]),
    ]);
}

#[test]
fn a_fresh_leg_is_due_at_once() {
    let leg = leg(1, Capture, 45);
    let given = [authorised(1), requested([leg.clone()])];
    check(&[
        (&given, Duration::ZERO, &[perform(3, 0, leg.clone())]),
        (&given, AUTHORISE_DEADLINE, &[perform(3, 0, leg)]),
    ]);
}

#[test]
fn a_leg_left_open_is_due_again_after_a_while() {
    for word in [LegResult::Uncertain, LegResult::Pending] {
        let leg = leg(1, Capture, 45);
        let given = [authorised(1), requested([leg.clone()]), leg_resolved(3, 0, word.clone())];
        check(&[
            (&given, Duration::ZERO, &[]),
            (&given, ASK_AGAIN_AFTER - MILLISECOND, &[]),
            (&given, ASK_AGAIN_AFTER, &[perform(3, 0, left_open(leg, word))]),
        ]);
    }
}

#[test]
fn a_leg_with_a_final_outcome_is_never_due() {
    let given = [authorised(1), requested([leg(1, Capture, 45)])];
    check(&[
        (&[&given[..], &[done(3, 0)]].concat(), AUTHORISE_DEADLINE, &[]),
        (&[&given[..], &[declined(3, 0)]].concat(), AUTHORISE_DEADLINE, &[]),
    ]);
}

#[test]
fn each_leg_of_an_operation_is_due_by_itself() {
    let legs = [leg(1, Void, 60), leg(2, Void, 40)];
    let given = [reserved(40), authorised(1), authorised(2), together([cancellation(), released(legs.clone())])];
    let [first, second] = legs;
    check(&[
        (&given, Duration::ZERO, &[perform(5, 0, first), perform(5, 1, second.clone())]),
        (&[&given[..], &[done(5, 0)]].concat(), Duration::ZERO, &[perform(5, 1, second)]),
        (&[&given[..], &[done(5, 0), done(5, 1)]].concat(), AUTHORISE_DEADLINE, &[]),
    ]);
}

#[test]
fn a_pending_payment_being_voided_is_both_voided_and_looked_up() {
    let void = leg(1, Void, 60);
    let given = [resolved(1, Resolution::Pending), together([cancellation(), released([void.clone()])])];
    check(&[
        (&given, Duration::ZERO, &[perform(3, 0, void.clone())]),
        (&given, ASK_AGAIN_AFTER, &[perform(3, 0, void), lookup(1)]),
    ]);
}

#[test]
fn nothing_is_left_to_do_on_a_closed_order_but_what_its_merchant_asks_for() {
    let paid = [together([authorised(1), closed(CloseReason::Paid)])];
    let leg = leg(1, Capture, 60);
    check(&[
        (&paid, AUTHORISE_DEADLINE, &[]),
        (&[&paid[..], &[requested([leg.clone()])]].concat(), Duration::ZERO, &[perform(3, 0, leg)]),
    ]);
}
