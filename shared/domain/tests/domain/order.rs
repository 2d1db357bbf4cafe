//! What an order refuses, and what follows from what it accepts.

use domain::{
    Action::{Capture, Refund, Void},
    Aggregate, Order, Time,
    limits::{
        AMOUNT_MINOR_MAX, BRAND_CHARS_MAX, COMMITS_MAX, KEYS_PER_ORDER_MAX, OPERATION_DETAILS_BYTES_MAX,
        OPERATIONS_PER_ORDER_MAX, ORDER_LIFETIME_DEFAULT, ORDER_LIFETIME_MAX, PAYMENTS_PER_ORDER_MAX,
        REFERENCE_CHARS_MAX,
    },
    order::{
        CancelledBy, CaptureMode, CloseReason, Command, Decision, Decline, Leg, LegResult, Method, MethodKind,
        Objection, Open, Operate, Operation, OperationKind, OrderEvent, OrderKind, PartnerId, Refusal, Reserve,
        Resolution, Session, Target,
    },
};

use crate::support::{
    Commit, EXPIRY, NOW, after, already, answered, authorised, awaiting_shopper, books, cancel, cancellation, capture,
    check, check_at, closed, commits, declined, declined_leg, done, earlier, eur, keyed, later, leg, leg_resolved,
    money, on_leg, on_payment, open, opened, opened_around_a_payment, pay, print, record, refund, refused, released,
    request, requested, reserve, reserved, resolved, together, v, void, with_key,
};

/// What an order makes of the tokens of its shopper.
fn glimpse(given: &[Commit]) -> Order {
    Order::glimpse(after(given).view()).unwrap()
}

// -- opening

#[test]
fn an_order_lives_24_hours_unless_its_opener_says_otherwise() {
    assert_eq!(EXPIRY, NOW.plus(ORDER_LIFETIME_DEFAULT));
    assert_eq!(Order::open(&open(eur(100)), None, NOW), Ok(opened(100)));

    let expires_at = later(NOW);
    let Ok(events) = Order::open(&Open { expires_at: Some(expires_at), ..open(eur(100)) }, None, NOW) else {
        panic!("the expiry is in the future");
    };
    assert_eq!(after(&[events]).expires_at, expires_at);
}

#[test]
fn an_order_over_nothing_is_not_opened() {
    assert_eq!(Order::open(&open(eur(0)), None, NOW), Err(Refusal::AmountZero));
}

#[test]
fn a_merchants_reference_has_1_to_80_characters_of_any_length_in_bytes() {
    let cases = [
        (String::new(), Err(0)),
        ("r".into(), Ok(())),
        ("r".repeat(80), Ok(())),
        ("r".repeat(81), Err(81)),
        ("é".repeat(80), Ok(())),
        ("🧾".repeat(80), Ok(())),
        ("🧾".repeat(81), Err(81)),
    ];
    for (reference, expected) in cases {
        let expected = expected.map_err(|actual| Refusal::ReferenceLength { actual });
        let open = Open { reference: reference.clone(), ..open(eur(100)) };
        assert_eq!(Order::open(&open, None, NOW).map(|_| ()), expected, "order {reference}");
        let pay = Command::Reserve(Reserve { reference: reference.clone(), ..reserve(0, eur(100)) });
        assert_eq!(after(&[opened(100)]).decide(&pay, NOW).map(|_| ()), expected, "payment {reference}");
    }
}

#[test]
fn an_order_expires_in_the_future_and_within_a_year() {
    let furthest = NOW.plus(ORDER_LIFETIME_MAX);
    let cases = [
        (Time::default(), Err(Refusal::ExpiryPast)),
        (earlier(NOW), Err(Refusal::ExpiryPast)),
        (NOW, Err(Refusal::ExpiryPast)),
        (later(NOW), Ok(())),
        (furthest, Ok(())),
        (later(furthest), Err(Refusal::ExpiryTooFar)),
        (Time::from_unix_ms(u64::MAX), Err(Refusal::ExpiryTooFar)),
    ];
    for (expires_at, expected) in cases {
        let open = Open { expires_at: Some(expires_at), ..open(eur(100)) };
        assert_eq!(Order::open(&open, None, NOW).map(|_| ()), expected, "{expires_at:?}");
    }
}

#[test]
fn an_order_around_one_payment_reserves_it_in_the_commit_that_opens_it() {
    let payment = reserve(0, eur(100));
    assert_eq!(Order::open(&open(eur(100)), Some(&payment), NOW), Ok(opened_around_a_payment(100)));

    let order = after(&[opened_around_a_payment(100)]);
    assert_eq!((order.kind, order.remaining, order.payments.len()), (OrderKind::Single, 0, 1));
}

// -- reserving a part

#[test]
fn a_part_is_reserved_for_a_payment() {
    check(&[opened(100)], pay(0, 60), commits([reserved(60)]));
    assert_eq!(after(&[opened(100), reserved(60)]).remaining, 40);
}

#[test]
fn a_payment_of_nothing_is_refused() {
    check(&[opened(100)], pay(0, 0), Err(Refusal::AmountZero));
}

#[test]
fn a_payment_in_another_currency_is_refused() {
    let mismatch = Refusal::CurrencyMismatch { expected: eur(0).currency(), actual: money("USD", 0).currency() };
    check(&[opened(100)], Command::Reserve(reserve(0, money("USD", 60))), Err(mismatch));
}

#[test]
fn an_order_takes_no_payment_from_the_millisecond_it_expires() {
    check_at(earlier(EXPIRY), &[opened(100)], pay(0, 60), commits([reserved(60)]));
    check_at(EXPIRY, &[opened(100)], pay(0, 60), Err(Refusal::Expired));
    check_at(later(EXPIRY), &[opened(100)], pay(0, 60), Err(Refusal::Expired));
}

#[test]
fn a_cancelled_order_takes_no_payment() {
    let releasing = [opened(100), reserved(60), cancellation()];
    check(&releasing, pay(2, 40), Err(Refusal::Cancelled));
    let ended = [opened(100), together([cancellation(), closed(CloseReason::Cancelled)])];
    check(&ended, pay(1, 40), Err(Refusal::Cancelled));
}

#[test]
fn a_closed_order_takes_no_payment() {
    let paid = [opened(100), reserved(100), together([authorised(1), closed(CloseReason::Paid)])];
    check(&paid, pay(2, 100), Err(Refusal::Closed));
    let failed = [opened_around_a_payment(100), together([refused(0), closed(CloseReason::PaymentFailed)])];
    check(&failed, pay(1, 100), Err(Refusal::Closed));
}

#[test]
fn a_token_overtaken_by_another_payment_is_stale() {
    let given = [opened(100), reserved(60)];
    check(&given, pay(0, 40), Err(Refusal::Stale { seen: v(0), now: v(1) }));
    check(&given, pay(1, 40), commits([reserved(40)]));
}

#[test]
fn a_token_overtaken_only_by_results_is_accepted() {
    let given =
        [opened(100), reserved(60), authorised(1), requested([leg(1, Capture, 60)]), done(3, 0), answered(print(1, 1))];
    check(&given, pay(1, 40), commits([reserved(40)]));
    check(&given, pay(0, 40), Err(Refusal::Stale { seen: v(0), now: v(1) }));
}

#[test]
fn a_token_that_saw_less_remaining_than_there_is_now_may_use_what_was_given_back() {
    check(&[opened(100), reserved(60), refused(1)], pay(1, 100), commits([reserved(100)]));
}

#[test]
fn a_payment_of_more_than_remains_is_refused() {
    let exceeds = |asked, remaining| Err(Refusal::ExceedsRemaining { asked: eur(asked), remaining: eur(remaining) });
    check(&[opened(100)], pay(0, 101), exceeds(101, 100));
    check(&[opened(100), reserved(60)], pay(1, 41), exceeds(41, 40));
    check(&[opened(100), reserved(100)], pay(1, 1), exceeds(1, 0));
    check(&[opened(100), reserved(60)], pay(1, 40), commits([reserved(40)]));
}

#[test]
fn an_order_takes_64_attempts_to_pay_refused_ones_included() {
    let mut given = vec![opened(100)];
    for version in (1_u16..).step_by(2).take(PAYMENTS_PER_ORDER_MAX - 1) {
        given.extend([reserved(1), refused(version)]);
    }
    assert_eq!(usize::from(after(&given).attempts), 63);
    check(&given, pay(126, 1), commits([reserved(1)]));
    given.push(reserved(1));
    check(&given, pay(127, 1), Err(Refusal::TooManyPayments));
}

#[test]
fn repetition_is_judged_before_standing_and_standing_before_amounts() {
    let reserved = keyed(reserved(60), print(1, 1));
    let given = [opened(100), reserved, authorised(1), cancellation()];
    check_at(EXPIRY, &given, with_key(pay(0, 0), print(1, 1)), already(1));
    check_at(EXPIRY, &given, pay(0, 0), Err(Refusal::Cancelled));
    check_at(EXPIRY, &given[..3], pay(0, 0), Err(Refusal::Expired));
    check(&given[..3], pay(0, 0), Err(Refusal::Stale { seen: v(0), now: v(1) }));
    check(&given[..3], pay(1, 0), Err(Refusal::AmountZero));
}

// -- idempotency keys

#[test]
fn a_payment_asked_for_twice_with_one_key_is_answered_as_the_first_time() {
    let given = [opened(100), keyed(reserved(60), print(1, 1)), authorised(1), reserved(40)];
    check(&given, with_key(pay(0, 60), print(1, 1)), already(1));
}

#[test]
fn a_payment_asked_for_again_before_its_answer_is_in_progress() {
    let given = [opened(100), keyed(reserved(60), print(1, 1))];
    check(&given, with_key(pay(0, 60), print(1, 1)), Err(Refusal::InProgress));
}

#[test]
fn a_refused_payment_asked_for_again_with_its_key_is_not_tried_again() {
    let given = [opened(100), keyed(reserved(60), print(1, 1)), refused(1)];
    check(&given, with_key(pay(2, 60), print(1, 1)), already(1));
    check(&given, with_key(pay(2, 60), print(2, 1)), commits([keyed(reserved(60), print(2, 1))]));
}

#[test]
fn an_operation_asked_for_twice_with_one_key_is_done_once() {
    let given = [opened(100), reserved(60), authorised(1), keyed(requested([leg(1, Capture, 60)]), print(1, 1))];
    check(&given, with_key(capture(1, 60), print(1, 1)), already(3));
}

#[test]
fn a_key_used_for_another_request_is_refused() {
    let given = [keyed(opened(100), print(1, 1)), reserved(60), authorised(1), answered(print(2, 2))];
    for key in [print(1, 9), print(2, 9)] {
        for command in [pay(1, 40), capture(1, 60), cancel()] {
            check(&given, with_key(command, key), Err(Refusal::KeyReused));
        }
    }
}

#[test]
fn news_is_recorded_even_if_its_key_was_used_for_another_request() {
    let given = [keyed(opened(100), print(1, 1)), reserved(60)];
    check(&given, with_key(record([on_payment(1, Resolution::Authorised)]), print(1, 9)), commits([authorised(1)]));
}

#[test]
fn an_order_is_not_paid_while_a_part_of_it_is_being_given_back() {
    let given = [opened(100), reserved(60), authorised(1), requested([leg(1, Void, 60)]), reserved(40)];
    check(&given, record([on_payment(4, Resolution::Authorised)]), commits([authorised(4)]));
    let given = [opened(100), reserved(60), authorised(1), requested([leg(1, Void, 60)]), reserved(40), authorised(4)];
    check(&given, record([on_leg(3, 0, LegResult::Done)]), commits([done(3, 0)]));
    check(&given, record([on_leg(3, 0, declined_leg())]), commits([declined(3, 0), closed(CloseReason::Paid)]));
}

#[test]
fn the_payment_an_order_is_opened_around_fits_it() {
    let around = |payment: Reserve| Order::open(&open(eur(100)), Some(&payment), NOW);
    let asked = eur(101);
    assert_eq!(around(reserve(0, asked)), Err(Refusal::ExceedsRemaining { asked, remaining: eur(100) }));
    assert_eq!(around(reserve(0, eur(0))), Err(Refusal::AmountZero));
    assert!(matches!(around(reserve(0, money("USD", 100))), Err(Refusal::CurrencyMismatch { .. })));
    let nameless = Reserve { reference: String::new(), ..reserve(0, eur(100)) };
    assert_eq!(around(nameless), Err(Refusal::ReferenceLength { actual: 0 }));
}

#[test]
fn recording_with_a_key_pins_the_answer_even_if_nothing_is_new() {
    let key = print(1, 1);
    let given = [opened(100), reserved(60), authorised(1)];
    let found = with_key(record([on_payment(1, Resolution::Authorised)]), key);
    check(&given, found.clone(), commits([answered(key)]));

    let pinned = [&given[..], &[answered(key), reserved(40)]].concat();
    assert_eq!(after(&pinned).key_use(Some(key)), Ok(Some(v(3))));
    check(&pinned, found, already(4));
}

#[test]
fn recording_with_a_key_pins_the_answer_to_the_commit_of_what_is_new() {
    let key = print(1, 1);
    check(
        &[opened(100), reserved(60)],
        with_key(record([on_payment(1, Resolution::Authorised)]), key),
        commits([authorised(1), answered(key)]),
    );
}

#[test]
fn recording_without_a_key_and_without_news_changes_nothing() {
    check(&[opened(100), reserved(60), authorised(1)], record([]), already(2));
    check(&[opened(100), reserved(60), authorised(1)], record([on_payment(1, Resolution::Authorised)]), already(2));
}

// -- limits

#[test]
fn an_order_with_all_its_operations_takes_no_more_but_can_be_cancelled() {
    let mut given = vec![opened(2_000), reserved(1_500), authorised(1)];
    given.extend(std::iter::repeat_n(requested([leg(1, Void, 1)]), OPERATIONS_PER_ORDER_MAX - 1));
    check(&given, void(1, 1), commits([requested([leg(1, Void, 1)])]));
    given.push(requested([leg(1, Void, 1)]));
    check(&given, void(1, 1), Err(Refusal::TooManyOperations));
    let left = 1_500 - u64::try_from(OPERATIONS_PER_ORDER_MAX).unwrap();
    check(&given, cancel(), commits([cancellation(), released([leg(1, Void, left)])]));
}

#[test]
fn an_order_with_all_its_keys_takes_no_more_but_records_what_partners_said() {
    let mut given = vec![opened(100), reserved(60)];
    let prints = (0..KEYS_PER_ORDER_MAX).map(|number| {
        let mut print = print(0, 0);
        print.key = u64::try_from(number).unwrap().to_be_bytes();
        print
    });
    given.extend(prints.map(answered));
    check(&given, with_key(pay(1, 40), print(9, 9)), Err(Refusal::TooManyOperations));
    // What brings no key needs no room for one.
    assert!(after(&given).decide(&pay(1, 40), NOW).is_ok());
    let found = record([on_payment(1, Resolution::Authorised)]);
    check(&given, with_key(found, print(9, 9)), commits([authorised(1)]));
}

#[test]
fn an_order_near_the_end_of_its_versions_takes_outcomes_only() {
    let order = after(&[opened(100), reserved(60), authorised(1), requested([leg(1, Capture, 20)])]);
    let old = order.clone();
    let old = Order::evolve_all(Some(old), &answered(print(1, 1)), v(30_719), NOW).unwrap();
    assert_eq!(old.decide(&pay(30_719, 40), NOW), Err(Refusal::TooManyOperations));
    assert_eq!(old.decide(&capture(1, 40), NOW), Err(Refusal::TooManyOperations));
    assert_eq!(old.decide(&record([on_leg(3, 0, LegResult::Done)]), NOW), commits([done(3, 0)]));
    assert_eq!(old.decide(&cancel(), NOW), commits([cancellation(), released([leg(1, Void, 40)])]));

    let young = Order::evolve_all(Some(order), &answered(print(1, 1)), v(30_718), NOW).unwrap();
    assert_eq!(young.decide(&pay(30_718, 40), NOW), commits([reserved(40)]));
}

// -- what a partner says of a payment

#[test]
fn a_payment_that_dies_gives_its_part_back() {
    let dead = [
        Resolution::Refused { reason: Decline::NotEnoughBalance },
        Resolution::Cancelled { by: CancelledBy::Shopper },
        Resolution::Failed,
    ];
    for word in dead {
        let given = [opened(100), reserved(60), resolved(1, word)];
        let order = after(&given);
        assert_eq!((order.remaining, order.unresolved, order.attempts), (100, 0, 1), "{given:?}");
        check(&given, pay(2, 100), commits([reserved(100)]));
    }
}

#[test]
fn a_payment_that_waits_keeps_its_part() {
    for word in [Resolution::Pending, awaiting_shopper(), Resolution::Uncertain] {
        let given = [opened(100), reserved(60), resolved(1, word)];
        let order = after(&given);
        assert_eq!((order.remaining, order.unresolved), (40, 1), "{given:?}");
    }
}

#[test]
fn an_order_closes_with_success_in_the_commit_that_makes_its_last_payment_final() {
    let paid = commits([authorised(1), closed(CloseReason::Paid)]);
    check(&[opened(100), reserved(100)], record([on_payment(1, Resolution::Authorised)]), paid);

    let given = [opened(100), reserved(60), authorised(1), reserved(40)];
    let paid = commits([authorised(3), closed(CloseReason::Paid)]);
    check(&given, record([on_payment(3, Resolution::Authorised)]), paid);
}

#[test]
fn an_order_closes_with_success_when_an_earlier_pending_payment_is_the_last_to_be_final() {
    let given = [opened(100), reserved(60), resolved(1, Resolution::Pending), reserved(40), authorised(3)];
    let paid = commits([authorised(1), closed(CloseReason::Paid)]);
    check(&given, record([on_payment(1, Resolution::Authorised)]), paid);
}

#[test]
fn an_order_closes_with_success_when_words_on_several_payments_come_together() {
    let given = [opened(100), reserved(60), reserved(40)];
    check(
        &given,
        record([on_payment(2, Resolution::Authorised), on_payment(1, Resolution::Authorised)]),
        commits([authorised(2), authorised(1), closed(CloseReason::Paid)]),
    );
}

#[test]
fn an_order_with_nothing_remaining_and_a_payment_pending_is_not_closed() {
    for word in [Resolution::Pending, awaiting_shopper(), Resolution::Uncertain] {
        let given = [opened(100), reserved(60), authorised(1), reserved(40)];
        check(&given, record([on_payment(3, word.clone())]), commits([resolved(3, word.clone())]));
        let order = after(&[&given[..], &[resolved(3, word)]].concat());
        assert_eq!((order.remaining, order.closed.is_some()), (0, false));
    }
}

#[test]
fn an_order_opened_to_be_paid_in_parts_stays_open_when_a_payment_dies() {
    check(
        &[opened(100), reserved(100)],
        record([on_payment(1, Resolution::Failed)]),
        commits([resolved(1, Resolution::Failed)]),
    );
}

#[test]
fn an_order_around_one_payment_ends_as_that_payment_does() {
    let given = [opened_around_a_payment(100)];
    let paid = commits([authorised(0), closed(CloseReason::Paid)]);
    check(&given, record([on_payment(0, Resolution::Authorised)]), paid);
    let dead = [
        Resolution::Refused { reason: Decline::ExpiredCard },
        Resolution::Cancelled { by: CancelledBy::Shopper },
        Resolution::Failed,
    ];
    for word in dead {
        let failed = commits([resolved(0, word.clone()), closed(CloseReason::PaymentFailed)]);
        check(&given, record([on_payment(0, word)]), failed);
    }
    check(&given, record([on_payment(0, Resolution::Pending)]), commits([resolved(0, Resolution::Pending)]));
}

/// Rows: what is known; columns: what is said. `new` is recorded, anything else changes nothing.
#[test]
fn a_word_on_a_payment_is_recorded_only_if_it_tells_something_new() {
    let refused = Resolution::Refused { reason: Decline::Refused };
    let cancelled = Resolution::Cancelled { by: CancelledBy::Shopper };
    let failed = Resolution::Failed;
    let said = [
        Resolution::Uncertain,
        Resolution::Pending,
        awaiting_shopper(),
        Resolution::Authorised,
        refused.clone(),
        cancelled.clone(),
        failed.clone(),
    ];
    let table = [
        (None, "new new new new new new new"),
        (Some(Resolution::Uncertain), "- new new new new new new"),
        (Some(Resolution::Pending), "- - - new new new new"),
        // A shopper who has acted is not sent to act again.
        (Some(awaiting_shopper()), "- new - new new new new"),
        // A final word is never taken back.
        (Some(Resolution::Authorised), "- - - - - - -"),
        (Some(refused), "- - - - - - -"),
        (Some(cancelled), "- - - - - - -"),
        (Some(failed), "- - - - - - -"),
    ];
    for (known, row) in table {
        let mut given = vec![opened(100), reserved(60)];
        given.extend(known.map(|known| resolved(1, known)));
        let last = u16::try_from(given.len() - 1).unwrap();
        for (word, cell) in said.iter().zip(row.split(' ')) {
            let expected = if cell == "new" { commits([resolved(1, word.clone())]) } else { already(last) };
            check(&given, record([on_payment(1, word.clone())]), expected);
        }
    }
}

#[test]
fn a_word_on_a_leg_is_recorded_only_if_it_tells_something_new() {
    let said = [LegResult::Uncertain, LegResult::Pending, LegResult::Done, declined_leg()];
    let table = [
        (None, "new new new new"),
        (Some(LegResult::Uncertain), "- new new new"),
        (Some(LegResult::Pending), "- - new new"),
        (Some(LegResult::Done), "- - - -"),
        (Some(declined_leg()), "- - - -"),
    ];
    for (known, row) in table {
        let mut given = vec![opened(100), reserved(60), authorised(1), requested([leg(1, Capture, 60)])];
        given.extend(known.map(|known| leg_resolved(3, 0, known)));
        let last = u16::try_from(given.len() - 1).unwrap();
        for (word, cell) in said.iter().zip(row.split(' ')) {
            let expected = if cell == "new" { commits([leg_resolved(3, 0, word.clone())]) } else { already(last) };
            check(&given, record([on_leg(3, 0, word.clone())]), expected);
        }
    }
}

#[test]
fn contradictory_words_recorded_together_count_once() {
    check(
        &[opened(100), reserved(60)],
        record([on_payment(1, Resolution::Authorised), on_payment(1, Resolution::Failed)]),
        commits([authorised(1)]),
    );
}

#[test]
fn a_word_on_what_does_not_exist_changes_nothing() {
    let given = [opened(100), reserved(60), authorised(1), requested([leg(1, Capture, 60)])];
    let findings =
        [on_payment(2, Resolution::Authorised), on_leg(2, 0, LegResult::Done), on_leg(3, 1, LegResult::Done)];
    check(&given, record(findings), already(3));
}

#[test]
fn an_answer_is_rendered_from_the_first_word_and_the_latest_is_kept_beside_it() {
    let given = [opened(100), reserved(60), resolved(1, Resolution::Pending), reserved(40), authorised(1)];
    let order = after(&given);
    let payment = order.payment(v(1)).unwrap();
    assert_eq!((payment.answered, payment.resolved), (Some(v(2)), Some(v(4))));
}

// -- captures, voids and refunds

#[test]
fn what_is_available_can_be_captured_voided_and_refunded_in_parts() {
    let held = [opened(100), reserved(60), authorised(1)];
    check(&held, capture(1, 60), commits([requested([leg(1, Capture, 60)])]));
    check(&held, void(1, 20), commits([requested([leg(1, Void, 20)])]));

    let captured = [&held[..], &[requested([leg(1, Capture, 60)]), done(3, 0)]].concat();
    check(&captured, refund(1, 25), commits([requested([leg(1, Refund, 25)])]));
}

/// Each row: what is done with 60 that were authorised, and what can be asked for after it.
#[test]
fn no_cent_is_asked_for_twice() {
    let held = [opened(100), reserved(60), authorised(1)];
    let table: &[(&[Commit], u64, u64)] = &[
        (&[], 60, 0),
        (&[requested([leg(1, Capture, 40)])], 20, 0),
        (&[requested([leg(1, Capture, 40)]), leg_resolved(3, 0, LegResult::Pending)], 20, 0),
        (&[requested([leg(1, Capture, 40)]), leg_resolved(3, 0, LegResult::Uncertain)], 20, 0),
        (&[requested([leg(1, Capture, 40)]), done(3, 0)], 20, 40),
        (&[requested([leg(1, Capture, 40)]), declined(3, 0)], 60, 0),
        (&[requested([leg(1, Void, 40)])], 20, 0),
        (&[requested([leg(1, Void, 40)]), done(3, 0)], 20, 0),
        (&[requested([leg(1, Void, 40)]), declined(3, 0)], 60, 0),
        (&[requested([leg(1, Capture, 40)]), done(3, 0), requested([leg(1, Refund, 30)])], 20, 10),
        (&[requested([leg(1, Capture, 40)]), done(3, 0), requested([leg(1, Refund, 30)]), done(5, 0)], 20, 10),
        (&[requested([leg(1, Capture, 40)]), done(3, 0), requested([leg(1, Refund, 30)]), declined(5, 0)], 20, 40),
    ];
    for (then, capturable, refundable) in table {
        let given = [&held[..], then].concat();
        for (action, available) in [(Capture, *capturable), (Void, *capturable), (Refund, *refundable)] {
            let asked = eur(available + 1);
            let refusal = match available {
                0 => Refusal::NothingAvailable,
                available => Refusal::NotAvailable { asked, available: eur(available) },
            };
            check(&given, request(1, action, asked), Err(refusal));
            if available > 0 {
                check(&given, request(1, action, eur(available)), commits([requested([leg(1, action, available)])]));
            }
        }
        assert!(books(&given, 1).is_conserved());
    }
}

#[test]
fn nothing_is_available_of_a_payment_that_was_not_authorised() {
    let words = [
        None,
        Some(Resolution::Pending),
        Some(awaiting_shopper()),
        Some(Resolution::Uncertain),
        Some(Resolution::Failed),
    ];
    for word in words {
        let mut given = vec![opened(100), reserved(60)];
        given.extend(word.map(|word| resolved(1, word)));
        for action in [Capture, Void, Refund] {
            check(&given, request(1, action, eur(1)), Err(Refusal::NotAuthorised));
        }
    }
}

#[test]
fn an_operation_on_an_unknown_payment_is_refused() {
    let given = [opened(100), reserved(60), authorised(1)];
    for version in [0, 2, 3] {
        check(&given, capture(version, 60), Err(Refusal::UnknownPayment));
    }
}

#[test]
fn an_operation_over_nothing_is_refused() {
    check(&[opened(100), reserved(60), authorised(1)], capture(1, 0), Err(Refusal::AmountZero));
}

#[test]
fn an_operation_in_another_currency_is_refused() {
    let mismatch = Refusal::CurrencyMismatch { expected: eur(0).currency(), actual: money("USD", 0).currency() };
    let given = [opened(100), reserved(60), authorised(1)];
    check(&given, request(1, Capture, money("USD", 60)), Err(mismatch));
}

#[test]
fn an_expired_order_and_a_paid_one_still_take_operations() {
    let paid = [opened(100), reserved(100), together([authorised(1), closed(CloseReason::Paid)])];
    check_at(EXPIRY, &paid, capture(1, 100), commits([requested([leg(1, Capture, 100)])]));
}

#[test]
fn what_is_released_on_an_open_order_can_be_paid_again() {
    let held = [opened(100), reserved(60), authorised(1)];
    let voided = [&held[..], &[requested([leg(1, Void, 20)]), done(3, 0)]].concat();
    assert_eq!(after(&voided).remaining, 60);
    check(&voided, pay(1, 60), commits([reserved(60)]));

    let captured = [&held[..], &[requested([leg(1, Capture, 60)]), done(3, 0)]].concat();
    assert_eq!(after(&captured).remaining, 40);
    let refunded = [&captured[..], &[requested([leg(1, Refund, 60)]), done(5, 0)]].concat();
    assert_eq!(after(&refunded).remaining, 100);
}

#[test]
fn what_is_released_on_a_paid_order_is_not_owed_again() {
    let paid = [opened(100), reserved(100), together([authorised(1), closed(CloseReason::Paid)])];
    let voided = [&paid[..], &[requested([leg(1, Void, 100)]), done(3, 0)]].concat();
    let order = after(&voided);
    assert_eq!((order.remaining, order.covered()), (0, 0));
    assert!(order.closed.unwrap().is_success());
}

// -- what a token alone decides

#[test]
fn a_token_decides_a_payment_and_its_outcome() {
    let order = glimpse(&[opened(100), reserved(60), authorised(1)]);
    assert_eq!(order.decide(&pay(2, 40), NOW), commits([reserved(40)]));

    let order = Order::evolve_all(Some(order), &reserved(40), v(3), NOW).unwrap();
    let paid = commits([authorised(3), closed(CloseReason::Paid)]);
    assert_eq!(order.decide(&record([on_payment(3, Resolution::Authorised)]), NOW), paid);
}

#[test]
fn what_a_token_does_not_tell_needs_the_orders_history() {
    let order = glimpse(&[opened(100), keyed(reserved(60), print(1, 1)), authorised(1)]);
    let commands = [
        with_key(pay(2, 40), print(1, 1)),
        with_key(pay(2, 40), print(1, 9)),
        capture(1, 60),
        Command::Operate(Operate::new(OperationKind::Reversal, Target::Order, None)),
        cancel(),
        record([on_payment(1, Resolution::Authorised)]),
        record([on_leg(3, 0, LegResult::Done)]),
        with_key(record([]), print(1, 1)),
    ];
    for command in commands {
        assert_eq!(order.decide(&command, NOW), Err(Refusal::NeedsHistory), "{command:?}");
    }
}

#[test]
fn a_token_of_an_order_that_takes_no_payment_or_without_all_its_keys_does_not_suffice() {
    let view = |given: &[Commit]| after(given).view();
    assert_eq!(Order::glimpse(view(&[opened(100), reserved(60), cancellation()])), None);
    let paid = [opened(100), reserved(100), together([authorised(1), closed(CloseReason::Paid)])];
    assert_eq!(Order::glimpse(view(&paid)), None);

    let mut without_keys = view(&[opened(100)]);
    without_keys.has_all_keys = false;
    assert_eq!(Order::glimpse(without_keys), None);
}

/// What follows from a payment then, the token does not tell.
#[test]
fn a_token_of_an_order_with_terms_of_its_own_does_not_suffice() {
    let mut opening = opened(100);
    for event in &mut opening {
        if let OrderEvent::Opened { session, .. } = event {
            *session = Some(Box::new(Session { capture: CaptureMode::Manual, webhook: None, is_purchase: false }));
        }
    }
    let view = after(&[opening]).view();
    assert!(view.has_session);
    assert_eq!(Order::glimpse(view), None);
    assert!(!after(&[opened(100)]).view().has_session);
}

/// Whether a payment is taken must not depend on whether its token was fresh.
#[test]
fn a_token_of_an_order_with_all_its_operations_decides_as_the_order_does() {
    let mut given = vec![opened(2_000), reserved(1_500), authorised(1)];
    given.extend(std::iter::repeat_n(requested([leg(1, Void, 1)]), OPERATIONS_PER_ORDER_MAX));
    let order = after(&given);
    let pay = pay(order.version.get(), 1);
    assert_eq!(glimpse(&given).decide(&pay, NOW), order.decide(&pay, NOW));
}

/// An order with as many payments and keys as there can be, each as long as can be.
fn full_of_payments() -> Order {
    let long = "\u{1F6D2}".repeat(REFERENCE_CHARS_MAX);
    let payments = u16::try_from(PAYMENTS_PER_ORDER_MAX).unwrap();
    let mut order = after(&[opened(10_000_000)]);
    let mut commit = |event| {
        let version = order.version.next().unwrap();
        order = Order::evolve(Some(order.clone()), &event, version, NOW).unwrap();
    };
    for payment in 0..payments {
        commit(OrderEvent::PaymentReserved {
            amount: 100_000,
            reference: long.clone(),
            method: Method {
                kind: MethodKind::GiftCard,
                brand: "\u{1F6D2}".repeat(BRAND_CHARS_MAX),
                last4: Some("0000".into()),
            },
            partner: PartnerId::Accounts,
            token: "T".repeat(40),
            act_by: Some(EXPIRY),
            key: None,
        });
        commit(OrderEvent::PaymentResolved { payment: v(2 * payment + 1), resolution: Resolution::Authorised });
    }
    for _ in OPERATIONS_PER_ORDER_MAX..KEYS_PER_ORDER_MAX {
        commit(OrderEvent::Answered { key: print(1, 1) });
    }
    order
}

#[test]
fn a_full_order_is_still_small_enough_to_be_stored() {
    let plain = Operate::new(OperationKind::Capture, Target::Payment(v(1)), Some(eur(1)));
    let long = Some("\u{1F6D2}".repeat(REFERENCE_CHARS_MAX));
    let short = Some("r".repeat(REFERENCE_CHARS_MAX));
    let operations = [
        plain.clone(),
        Operate { reference: short, ..plain.clone() },
        Operate { reference: long.clone(), details: Some("{}".into()), ..plain.clone() },
        // Of all payments at once, over and over.
        Operate { target: Target::Order, amount: None, ..plain.clone() },
        Operate { target: Target::Order, amount: None, reference: long, ..plain },
    ];
    let full = full_of_payments();
    for operate in operations {
        let mut order = full.clone();
        let mut number = 0_u64;
        // Each declined, so that it can be asked for again.
        loop {
            let mut key = print(0, 3);
            key.key = number.to_be_bytes();
            number += 1;
            let command = Command::Operate(Operate { key: Some(key), ..operate.clone() });
            let events = match order.decide(&command, NOW) {
                Ok(Decision::Commit(events)) => events,
                other => {
                    assert_eq!(other, Err(Refusal::TooManyOperations));
                    break;
                }
            };
            let version = order.version.next().unwrap();
            order = Order::evolve_all(Some(order), &events, version, NOW).unwrap();
            let legs = u16::try_from(order.operation(version).unwrap().legs.len()).unwrap();
            for index in 0..legs {
                let word = LegResult::Declined { reason: Decline::CodeTriesExceeded };
                let declined = leg_resolved(version.get(), index, word);
                order = Order::evolve_all(Some(order), &declined, version, NOW).unwrap();
            }
        }
        let size = serde_json::to_string(&order).unwrap().len();
        assert!(size < 350_000, "an item of DynamoDB has 400 KB, this order {size} bytes");
        assert!(number > 15, "an order of {number} operations");
    }
}

/// What is counted of a snapshot is never less than what is stored.
#[test]
fn an_operation_weighs_at_least_what_it_takes_of_a_snapshot() {
    let longest = || Leg {
        result: Some(LegResult::Declined { reason: Decline::CodeTriesExceeded }),
        resolved_at: Time::from_unix_ms(9_999_999_999_999),
        ..leg(COMMITS_MAX, Capture, AMOUNT_MINOR_MAX)
    };
    for reference in [None, Some("r"), Some("\u{1F6D2}"), Some("\""), Some("é")] {
        for legs in [0, 1, 2, 64] {
            let operation = Operation {
                version: v(COMMITS_MAX),
                requested_at: Time::from_unix_ms(9_999_999_999_999),
                kind: OperationKind::TechnicalCancel,
                target: Some(v(COMMITS_MAX)),
                reference: reference.map(|character| character.repeat(REFERENCE_CHARS_MAX)),
                amount: Some(AMOUNT_MINOR_MAX),
                excess: AMOUNT_MINOR_MAX,
                is_automatic: false,
                of: None,
                details_bytes: OPERATION_DETAILS_BYTES_MAX,
                lines: vec![],
                legs: (0..legs).map(|_| longest()).collect(),
                refused: (legs == 0).then_some(Objection::ExceedsAvailable),
            };
            let size = serde_json::to_string(&operation).unwrap().len();
            assert!(size <= operation.weight(), "{size} bytes, and not {}, of {operation:?}", operation.weight());
        }
    }
}
