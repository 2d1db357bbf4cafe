//! What is asked of payments that were taken: what is refused, what it comes to, and how it ends.

use std::time::Duration;

use domain::{
    Action::{self, Capture, Increase, Refund, Void},
    Aggregate, Order, Tally,
    limits::{
        AMOUNT_MINOR_MAX, ASK_AGAIN_AFTER, AUTHORISE_DEADLINE, CAPTURE_DELAY_MAX, DETAILS_PER_ORDER_BYTES_MAX,
        OPERATION_DETAILS_BYTES_MAX, OPERATIONS_PER_ORDER_MAX,
    },
    order::{
        Books, CancelledBy, CaptureMode, CloseReason, Command, Decision, Decline, Due, HeaderText, Leg, LegResult,
        Objection, Only, Open, Operate, OperationKind, OrderEvent, OwnFormat, OwnWebhook, Refusal, Resolution, Session,
        Standing, Target,
    },
};

use crate::support::{
    Commit, EXPIRY, NOW, act_by, after, already, answered, asked, authorised, awaiting_shopper, books, cancel,
    cancellation, capture, check, check_at, closed, commits, declined, declined_leg, done, earlier, eur, expiry,
    gift_card, keyed, later, leg, leg_resolved, money, on_leg, on_payment, open, opened, opened_around_a_payment,
    operate, operation_refused, pay, print, record, refund, refused, released, request, requested, reserve, reserved,
    reserved_with, resolved, timed_out, together, v, void, with_key,
};

const ORDER: Target = Target::Order;

const HOUR: Duration = Duration::from_secs(3_600);

/// Every kind that can be asked for.
const KINDS: [OperationKind; 6] = [
    OperationKind::Capture,
    OperationKind::Void,
    OperationKind::Refund,
    OperationKind::Reversal,
    OperationKind::AmountUpdate,
    OperationKind::TechnicalCancel,
];

fn on(payment: u16) -> Target {
    Target::Payment(v(payment))
}

/// An order of 120 that is paid: by a card with 100, which is payment 1, and by a gift card with 20, which is
/// payment 2. The next commit is 5.
fn paid() -> Vec<Commit> {
    vec![
        opened(120),
        reserved(100),
        reserved_with(gift_card("illicado"), 20),
        authorised(1),
        together([authorised(2), closed(CloseReason::Paid)]),
    ]
}

/// The same, captured by operation 5. The next commit is 7.
fn captured() -> Vec<Commit> {
    let legs = [leg(2, Capture, 20), leg(1, Capture, 100)];
    let capture = [asked(OperationKind::Capture, ORDER, None, legs), together([done(5, 0), done(5, 1)])];
    [paid(), capture.to_vec()].concat()
}

/// A payment of 60 of 100, with what followed. The next commit is 2.
fn paying(then: &[Commit]) -> Vec<Commit> {
    [&[opened(100), reserved(60)], then].concat()
}

/// A payment of 60 that was authorised, with what followed. The next commit is 3.
fn held(then: &[Commit]) -> Vec<Commit> {
    paying(&[&[authorised(1)], then].concat())
}

/// A payment of 60 of which 45 were captured, with what followed. The next commit is 5.
fn partly_captured(then: &[Commit]) -> Vec<Commit> {
    held(&[&[requested([leg(1, Capture, 45)]), done(3, 0)], then].concat())
}

fn with(mut given: Vec<Commit>, then: &[Commit]) -> Vec<Commit> {
    given.extend_from_slice(then);
    given
}

/// The same command, of which the caller does not wait for the outcome.
fn deferred(command: Command) -> Command {
    let Command::Operate(operate) = command else { panic!("{command:?} is no operation") };
    Command::Operate(Operate { is_deferred: true, ..operate })
}

/// The same commit, asked for by a caller who does not wait.
fn to_be_executed(mut commit: Commit) -> Commit {
    for event in &mut commit {
        if let OrderEvent::OperationRequested { is_deferred, .. } = event {
            *is_deferred = true;
        }
    }
    commit
}

/// Given these commits, an operation comes to these legs.
#[track_caller]
fn check_legs<const N: usize>(
    given: &[Commit],
    kind: OperationKind,
    target: Target,
    amount: Option<u64>,
    legs: [(u16, Action, u64); N],
) {
    let legs = legs.map(|(payment, action, amount)| leg(payment, action, amount));
    check(given, operate(kind, target, amount.map(eur)), commits([asked(kind, target, amount, legs)]));
}

/// Given these commits, an operation is refused.
#[track_caller]
fn check_refusal(given: &[Commit], kind: OperationKind, target: Target, amount: Option<u64>, refusal: Refusal) {
    check(given, operate(kind, target, amount.map(eur)), Err(refusal));
}

fn not_available(asked: u64, available: u64) -> Refusal {
    Refusal::NotAvailable { asked: eur(asked), available: eur(available) }
}

// -- captures, voids and refunds of one payment

#[test]
fn one_payment_is_captured_voided_and_refunded_with_what_is_asked() {
    check_legs(&held(&[]), OperationKind::Capture, on(1), Some(45), [(1, Capture, 45)]);
    check_legs(&held(&[]), OperationKind::Void, on(1), Some(45), [(1, Void, 45)]);
    check_legs(&partly_captured(&[]), OperationKind::Refund, on(1), Some(40), [(1, Refund, 40)]);
}

#[test]
fn one_payment_is_captured_voided_and_refunded_with_all_there_is_if_no_amount_is_asked() {
    check_legs(&held(&[]), OperationKind::Capture, on(1), None, [(1, Capture, 60)]);
    check_legs(&held(&[]), OperationKind::Void, on(1), None, [(1, Void, 60)]);
    check_legs(&partly_captured(&[]), OperationKind::Capture, on(1), None, [(1, Capture, 15)]);
    check_legs(&partly_captured(&[]), OperationKind::Void, on(1), None, [(1, Void, 15)]);
    check_legs(&partly_captured(&[]), OperationKind::Refund, on(1), None, [(1, Refund, 45)]);
}

#[test]
fn an_operation_on_one_payment_leaves_the_others_alone() {
    check_legs(&paid(), OperationKind::Capture, on(1), None, [(1, Capture, 100)]);
    check_legs(&paid(), OperationKind::Void, on(2), None, [(2, Void, 20)]);
    check_legs(&captured(), OperationKind::Refund, on(2), None, [(2, Refund, 20)]);
    check_refusal(&paid(), OperationKind::Capture, on(2), Some(21), not_available(21, 20));
}

// -- captures, voids and refunds of the whole order

#[test]
fn gift_cards_are_captured_first_and_cards_are_voided_and_refunded_first() {
    check_legs(&paid(), OperationKind::Capture, ORDER, Some(60), [(2, Capture, 20), (1, Capture, 40)]);
    check_legs(&paid(), OperationKind::Void, ORDER, Some(110), [(1, Void, 100), (2, Void, 10)]);
    check_legs(&captured(), OperationKind::Refund, ORDER, Some(110), [(1, Refund, 100), (2, Refund, 10)]);
}

#[test]
fn a_whole_order_is_captured_voided_and_refunded_with_all_there_is_if_no_amount_is_asked() {
    check_legs(&paid(), OperationKind::Capture, ORDER, None, [(2, Capture, 20), (1, Capture, 100)]);
    check_legs(&paid(), OperationKind::Void, ORDER, None, [(1, Void, 100), (2, Void, 20)]);
    check_legs(&captured(), OperationKind::Refund, ORDER, None, [(1, Refund, 100), (2, Refund, 20)]);
}

#[test]
fn a_whole_order_is_what_of_it_is_authorised() {
    let given =
        [opened(100), reserved(60), authorised(1), reserved(20), resolved(3, Resolution::Pending), reserved(20)];
    for (kind, action) in [(OperationKind::Capture, Capture), (OperationKind::Void, Void)] {
        check_legs(&given, kind, ORDER, None, [(1, action, 60)]);
        check_refusal(&given, kind, ORDER, Some(61), not_available(61, 60));
    }
}

#[test]
fn an_operation_is_kept_as_it_was_asked() {
    let details = r#"{"shipments":[]}"#.to_owned();
    let command = Operate {
        reference: Some("first parcel".into()),
        details: Some(details.clone()),
        key: Some(print(1, 1)),
        ..Operate::new(OperationKind::Capture, ORDER, Some(eur(60)))
    };
    let event = OrderEvent::OperationRequested {
        legs: vec![leg(2, Capture, 20), leg(1, Capture, 40)],
        is_release: false,
        kind: Some(OperationKind::Capture),
        target: None,
        reference: Some("first parcel".into()),
        amount: Some(60),
        details: Some(details),
        is_deferred: false,
        is_automatic: false,
        of: None,
        lines: vec![],
        key: Some(print(1, 1)),
    };
    check(&paid(), Command::Operate(command.clone()), commits([vec![event.clone()]]));

    let given = with(paid(), &[vec![event]]);
    let order = after(&given);
    let operation = order.operation(v(5)).unwrap();
    assert_eq!(
        (operation.reference.as_deref(), operation.amount, operation.total()),
        (Some("first parcel"), Some(60), 60)
    );
    assert!(operation.details_bytes > 0 && !operation.is_automatic);
    check(&given, Command::Operate(command), already(5));
    assert_eq!(order.operation(v(4)), None);
}

// -- what is refused

#[test]
fn more_than_is_available_is_refused_as_a_whole() {
    let table = [
        (paid(), OperationKind::Capture, on(1), 100),
        (paid(), OperationKind::Void, on(2), 20),
        (paid(), OperationKind::Capture, ORDER, 120),
        (paid(), OperationKind::Void, ORDER, 120),
        (captured(), OperationKind::Refund, on(1), 100),
        (captured(), OperationKind::Refund, ORDER, 120),
        (partly_captured(&[]), OperationKind::Capture, ORDER, 15),
        (partly_captured(&[]), OperationKind::Void, ORDER, 15),
        (partly_captured(&[]), OperationKind::Refund, ORDER, 45),
    ];
    for (given, kind, target, available) in table {
        let refusal = not_available(available + 1, available);
        check_refusal(&given, kind, target, Some(available + 1), refusal);
        let all = after(&given).decide(&operate(kind, target, Some(eur(available))), NOW);
        assert!(all.is_ok(), "{kind:?} of all {available}: {all:?}");
    }
}

#[test]
fn an_operation_that_nothing_is_available_for_is_refused_whatever_it_asks_for() {
    for amount in [None, Some(1), Some(1_000)] {
        for target in [on(1), ORDER] {
            check_refusal(&captured(), OperationKind::Capture, target, amount, Refusal::NothingAvailable);
            check_refusal(&captured(), OperationKind::Void, target, amount, Refusal::NothingAvailable);
            check_refusal(&paid(), OperationKind::Refund, target, amount, Refusal::NothingAvailable);
        }
    }
}

#[test]
fn an_operation_over_nothing_or_in_another_currency_is_refused_before_anything_else() {
    let mismatch = Refusal::CurrencyMismatch { expected: eur(0).currency(), actual: money("USD", 0).currency() };
    for kind in KINDS {
        for target in [on(1), on(9), ORDER] {
            for given in [paid(), vec![opened(100)], with(paying(&[]), &[cancellation()])] {
                check_refusal(&given, kind, target, Some(0), Refusal::AmountZero);
                check(&given, operate(kind, target, Some(money("USD", 1))), Err(mismatch.clone()));
            }
        }
    }
}

#[test]
fn an_operation_on_what_was_never_paid_is_refused() {
    for kind in KINDS {
        // Version 3 is no payment but the commit of one's outcome.
        for target in [on(0), on(3), on(9)] {
            check_refusal(&paid(), kind, target, Some(1), Refusal::UnknownPayment);
        }
        if kind != OperationKind::AmountUpdate {
            check_refusal(&[opened(100)], kind, ORDER, None, Refusal::NothingAvailable);
        }
    }
}

#[test]
fn a_payment_that_was_not_authorised_is_neither_captured_nor_refunded_nor_changed() {
    let dead = [
        Resolution::Refused { reason: Decline::Refused },
        Resolution::Cancelled { by: CancelledBy::Shopper },
        Resolution::Failed,
    ];
    let open = [Resolution::Pending, awaiting_shopper(), Resolution::Uncertain];
    let given =
        std::iter::once(paying(&[])).chain(dead.iter().chain(&open).map(|word| paying(&[resolved(1, word.clone())])));
    for given in given {
        for kind in [OperationKind::Capture, OperationKind::Refund, OperationKind::AmountUpdate] {
            check_refusal(&given, kind, on(1), Some(1), Refusal::NotAuthorised);
        }
        for kind in [OperationKind::Capture, OperationKind::Refund] {
            check_refusal(&given, kind, on(1), None, Refusal::NotAuthorised);
            // Of the whole order, it is only that there is nothing.
            check_refusal(&given, kind, ORDER, None, Refusal::NothingAvailable);
        }
        // What may still come to be held is voided whole, and not in parts.
        check_refusal(&given, OperationKind::Void, on(1), Some(60), Refusal::NotAuthorised);
    }
    for word in dead {
        let given = paying(&[resolved(1, word)]);
        for kind in [OperationKind::Void, OperationKind::Reversal, OperationKind::TechnicalCancel] {
            check_refusal(&given, kind, on(1), None, Refusal::NotAuthorised);
        }
    }
}

#[test]
fn a_cancelled_order_takes_no_money_any_more_and_gives_back_what_it_kept() {
    let kept = held(&[
        together([cancellation(), released([leg(1, Void, 60)])]),
        together([declined(3, 0), closed(CloseReason::Cancelled)]),
    ]);
    for target in [on(1), ORDER] {
        check_refusal(&kept, OperationKind::Capture, target, None, Refusal::Cancelled);
        check_refusal(&kept, OperationKind::Capture, target, Some(1_000), Refusal::Cancelled);
        check_legs(&kept, OperationKind::Void, target, Some(20), [(1, Void, 20)]);
        check_legs(&kept, OperationKind::Reversal, target, None, [(1, Void, 60)]);
    }
    check_refusal(&kept, OperationKind::AmountUpdate, on(1), Some(61), Refusal::Cancelled);
    check_legs(&kept, OperationKind::AmountUpdate, on(1), Some(59), [(1, Void, 1)]);

    let kept = partly_captured(&[
        together([cancellation(), released([leg(1, Void, 15), leg(1, Refund, 45)])]),
        together([done(5, 0), declined(5, 1), closed(CloseReason::Cancelled)]),
    ]);
    for target in [on(1), ORDER] {
        check_legs(&kept, OperationKind::Refund, target, None, [(1, Refund, 45)]);
    }
    // Also while it is still ending.
    let ending =
        with(held(&[requested([leg(1, Capture, 20)])]), &[together([cancellation(), released([leg(1, Void, 40)])])]);
    check_refusal(&ending, OperationKind::Capture, on(1), None, Refusal::Cancelled);
}

#[test]
fn an_amount_has_to_be_what_its_parcels_are_worth() {
    let ask = |kind, amount: Option<u64>, shipped| {
        let shipped = Some(shipped);
        Command::Operate(Operate { shipped, ..Operate::new(kind, ORDER, amount.map(eur)) })
    };
    let both = [leg(2, Capture, 20), leg(1, Capture, 40)];
    check(
        &paid(),
        ask(OperationKind::Capture, Some(60), eur(60)),
        commits([asked(OperationKind::Capture, ORDER, Some(60), both)]),
    );
    let mismatch = |expected, actual| Refusal::ShipmentsMismatch { expected: eur(expected), actual: eur(actual) };
    for wrong in [0, 59, 61] {
        check(&paid(), ask(OperationKind::Capture, Some(60), eur(wrong)), Err(mismatch(60, wrong)));
        // A caller who does not wait is told just so.
        check(&paid(), deferred(ask(OperationKind::Capture, Some(60), eur(wrong))), Err(mismatch(60, wrong)));
    }
    // All there is, if no amount is asked.
    check(&paid(), ask(OperationKind::Void, None, eur(60)), Err(mismatch(120, 60)));
    let all = [leg(1, Refund, 100), leg(2, Refund, 20)];
    check(
        &captured(),
        ask(OperationKind::Refund, None, eur(120)),
        commits([asked(OperationKind::Refund, ORDER, None, all)]),
    );
    assert!(matches!(
        after(&paid()).decide(&ask(OperationKind::Capture, Some(60), money("USD", 60)), NOW),
        Err(Refusal::CurrencyMismatch { .. })
    ));
}

#[test]
fn what_is_told_of_an_operation_has_to_fit_into_a_commit() {
    let tell = |bytes: String| {
        Command::Operate(Operate { details: Some(bytes), ..Operate::new(OperationKind::Capture, ORDER, None) })
    };
    let most = usize::try_from(OPERATION_DETAILS_BYTES_MAX).unwrap();
    let too_long = |actual| Err(Refusal::DetailsTooLong { actual });
    let one_more = OPERATION_DETAILS_BYTES_MAX + 1;
    assert!(after(&paid()).decide(&tell("x".repeat(most)), NOW).is_ok());
    check(&paid(), tell("x".repeat(most + 1)), too_long(one_more));
    // In bytes, not in characters, and as JSON has them where it is a text in JSON.
    check(&paid(), tell("é".repeat(most / 2 + 1)), too_long(one_more + 1));
    check(&paid(), tell("\"".repeat(most / 2 + 1)), too_long(one_more + 1));
    check(&paid(), tell("\\".repeat(most / 2 + 1)), too_long(one_more + 1));

    let open = |bytes: usize| Open { details: Some("x".repeat(bytes)), ..open(eur(100)) };
    assert!(Order::open(&open(most), None, NOW).is_ok());
    assert_eq!(Order::open(&open(most + 1), None, NOW), Err(Refusal::DetailsTooLong { actual: one_more }));
}

#[test]
fn the_merchants_name_of_an_operation_is_as_long_as_any() {
    for (reference, expected) in [("", Err(0)), ("r", Ok(())), (&"r".repeat(80), Ok(())), (&"r".repeat(81), Err(81))] {
        let reference = Some(reference.to_owned());
        let command = Command::Operate(Operate { reference, ..Operate::new(OperationKind::Capture, ORDER, None) });
        let expected = expected.map_err(|actual| Refusal::ReferenceLength { actual });
        assert_eq!(after(&paid()).decide(&command, NOW).map(|_| ()), expected);
    }
}

// -- what is in flight

/// Each row: what became of a capture of 60 of the whole order, what can still be captured, and what refunded.
#[test]
fn what_an_operation_asks_for_is_nobody_elses_until_its_partners_have_answered() {
    let asked =
        with(paid(), &[asked(OperationKind::Capture, ORDER, Some(60), [leg(2, Capture, 20), leg(1, Capture, 40)])]);
    let table: &[(&[Commit], u64, u64)] = &[
        (&[], 60, 0),
        (&[leg_resolved(5, 0, LegResult::Pending), leg_resolved(5, 1, LegResult::Uncertain)], 60, 0),
        (&[done(5, 0)], 60, 20),
        (&[done(5, 0), done(5, 1)], 60, 60),
        (&[done(5, 0), declined(5, 1)], 100, 20),
        (&[declined(5, 0), done(5, 1)], 80, 40),
        (&[declined(5, 0), declined(5, 1)], 120, 0),
    ];
    for (then, capturable, refundable) in table {
        let given = with(asked.clone(), then);
        let books = after(&given).books();
        assert_eq!((books.capturable, books.refundable), (*capturable, *refundable), "{then:?}");
        assert_eq!(books.authorised, 120);
        for (kind, available) in [(OperationKind::Capture, *capturable), (OperationKind::Refund, *refundable)] {
            let refusal =
                if available == 0 { Refusal::NothingAvailable } else { not_available(available + 1, available) };
            check_refusal(&given, kind, ORDER, Some(available + 1), refusal);
        }
    }
}

#[test]
fn what_a_partner_declined_can_be_asked_for_again() {
    let given = with(paid(), &[requested([leg(1, Capture, 100)]), declined(5, 0)]);
    assert_eq!(books(&given, 1), Tally::authorised(100));
    check_legs(&given, OperationKind::Capture, on(1), None, [(1, Capture, 100)]);

    let given = with(captured(), &[requested([leg(1, Refund, 100)]), declined(7, 0)]);
    assert_eq!(books(&given, 1), Tally { captured: 100, ..Tally::authorised(100) });
    check_legs(&given, OperationKind::Refund, on(1), None, [(1, Refund, 100)]);

    let given = with(paid(), &[requested([leg(2, Void, 20)]), declined(5, 0)]);
    check_legs(&given, OperationKind::Void, on(2), None, [(2, Void, 20)]);
}

#[test]
fn the_books_of_an_order_are_those_of_its_payments_together() {
    let given = [
        opened(200),
        reserved(100),
        authorised(1),
        reserved_with(gift_card("illicado"), 20),
        authorised(3),
        asked(OperationKind::Capture, ORDER, Some(90), [leg(3, Capture, 20), leg(1, Capture, 70)]),
        together([done(5, 0), done(5, 1)]),
        asked(OperationKind::Refund, ORDER, Some(65), [leg(1, Refund, 65)]),
        done(7, 0),
        requested([leg(1, Void, 5)]),
        done(9, 0),
        // In flight, or not yet known.
        requested([leg(1, Capture, 3)]),
        requested([leg(3, Refund, 4)]),
        asked(OperationKind::AmountUpdate, on(3), Some(32), [leg(3, Increase, 12)]),
        reserved(50),
    ];
    let expected = Books {
        authorising: 50 + 12,
        authorised: 120,
        captured: 90,
        voided: 5,
        refunded: 65,
        capturable: 100 - 70 - 5 - 3,
        refundable: 5 + 16,
    };
    assert_eq!(after(&given).books(), expected);
    // What will not come is not being authorised.
    assert_eq!(after(&with(given.to_vec(), &[refused(14)])).books(), Books { authorising: 12, ..expected });
}

// -- callers who do not wait

#[test]
fn a_caller_who_does_not_wait_has_it_executed_by_the_worker() {
    let legs = [leg(2, Capture, 20), leg(1, Capture, 100)];
    let event = to_be_executed(asked(OperationKind::Capture, ORDER, None, legs));
    check(&paid(), deferred(operate(OperationKind::Capture, ORDER, None)), commits([event]));
}

#[test]
fn what_cannot_be_done_is_put_on_record_for_a_caller_who_does_not_wait() {
    let cancelled = held(&[
        together([cancellation(), released([leg(1, Void, 60)])]),
        together([declined(3, 0), closed(CloseReason::Cancelled)]),
    ]);
    let all_voided = asked(OperationKind::Void, ORDER, None, [leg(1, Void, 100), leg(2, Void, 20)]);
    let table = [
        (paying(&[refused(1)]), OperationKind::Capture, on(1), Some(60), Objection::NotAuthorised),
        (paying(&[]), OperationKind::Refund, on(1), None, Objection::NotAuthorised),
        (captured(), OperationKind::Capture, ORDER, None, Objection::NothingAvailable),
        (paid(), OperationKind::Refund, on(1), Some(5), Objection::NothingAvailable),
        (paid(), OperationKind::Capture, ORDER, Some(121), Objection::ExceedsAvailable),
        (held(&[]), OperationKind::AmountUpdate, on(1), Some(101), Objection::ExceedsRemaining),
        (cancelled.clone(), OperationKind::Capture, on(1), None, Objection::OrderCancelled),
        (cancelled, OperationKind::AmountUpdate, on(1), Some(70), Objection::OrderCancelled),
        (paid(), OperationKind::AmountUpdate, on(1), Some(101), Objection::OrderClosed),
        (paid(), OperationKind::AmountUpdate, on(1), Some(100), Objection::Unchanged),
        (paying(&[refused(1)]), OperationKind::Reversal, on(1), None, Objection::NotAuthorised),
        (held(&[requested([leg(1, Capture, 60)])]), OperationKind::Reversal, on(1), None, Objection::InFlight),
        (
            [paid(), vec![all_voided, together([done(5, 0), done(5, 1)])]].concat(),
            OperationKind::Reversal,
            ORDER,
            None,
            Objection::NothingAvailable,
        ),
        (paying(&[refused(1)]), OperationKind::TechnicalCancel, on(1), None, Objection::NotAuthorised),
    ];
    for (given, kind, target, amount, objection) in table {
        let command = operate(kind, target, amount.map(eur));
        let Err(refusal) = after(&given).decide(&command, NOW) else { panic!("{command:?} can be done") };
        assert_eq!(refusal.objection(), Some(objection));
        check(&given, deferred(command), commits([operation_refused(kind, target, amount, objection)]));
    }
    // Payments that the list leaves out count as not there.
    let command = Operate {
        priorities: Some(vec![]),
        is_deferred: true,
        ..Operate::new(OperationKind::Capture, ORDER, Some(eur(1)))
    };
    let objection = Objection::ExceedsAvailable;
    let recorded = operation_refused(OperationKind::Capture, ORDER, Some(1), objection);
    check(&paid(), Command::Operate(command), commits([recorded]));
}

#[test]
fn a_request_that_is_at_fault_itself_is_refused_at_once_also_for_a_caller_who_does_not_wait() {
    let mismatch = Refusal::CurrencyMismatch { expected: eur(0).currency(), actual: money("USD", 0).currency() };
    for kind in KINDS {
        check(&captured(), deferred(operate(kind, ORDER, Some(eur(0)))), Err(Refusal::AmountZero));
        check(&captured(), deferred(operate(kind, ORDER, Some(money("USD", 1)))), Err(mismatch.clone()));
        check(&captured(), deferred(operate(kind, on(9), Some(eur(1)))), Err(Refusal::UnknownPayment));
    }
    let nameless = Operate {
        reference: Some(String::new()),
        is_deferred: true,
        ..Operate::new(OperationKind::Capture, ORDER, None)
    };
    check(&captured(), Command::Operate(nameless), Err(Refusal::ReferenceLength { actual: 0 }));
}

#[test]
fn an_operation_that_was_refused_moves_nothing_and_is_kept() {
    let command = Operate {
        reference: Some("late".into()),
        key: Some(print(1, 1)),
        is_deferred: true,
        ..Operate::new(OperationKind::Refund, on(1), Some(eur(70)))
    };
    let event = OrderEvent::OperationRefused {
        kind: OperationKind::Refund,
        target: Some(v(1)),
        reference: Some("late".into()),
        amount: Some(70),
        objection: Objection::ExceedsAvailable,
        explanation: None,
        key: Some(print(1, 1)),
    };
    check(&partly_captured(&[]), Command::Operate(command.clone()), commits([vec![event.clone()]]));

    let before = after(&partly_captured(&[]));
    let given = partly_captured(&[vec![event]]);
    let order = after(&given);
    assert_eq!((order.books(), order.remaining, order.position), (before.books(), before.remaining, before.position));
    assert_eq!((&order.payments, order.unresolved), (&before.payments, before.unresolved));
    assert_eq!(order.outstanding(EXPIRY), before.outstanding(EXPIRY));
    let operation = order.operation(v(5)).unwrap();
    assert_eq!((operation.refused, operation.legs.len()), (Some(Objection::ExceedsAvailable), 0));
    assert_eq!((operation.standing(), operation.total(), operation.updated_at()), (Standing::Failure, 70, NOW));
    assert_eq!((operation.target, operation.reference.as_deref()), (Some(v(1)), Some("late")));
    check(&given, Command::Operate(command), already(5));
}

#[test]
fn an_operation_that_was_refused_counts_among_those_of_its_order() {
    let refusal = operation_refused(OperationKind::Refund, on(1), None, Objection::NothingAvailable);
    let mut given = held(&[]);
    given.extend(std::iter::repeat_n(refusal.clone(), OPERATIONS_PER_ORDER_MAX / 4 * 3 - 1));
    let ask = deferred(operate(OperationKind::Refund, on(1), None));
    check(&given, ask.clone(), commits([refusal.clone()]));
    given.push(refusal);
    check(&given, ask, Err(Refusal::TooManyOperations));
    check(&given, capture(1, 60), Err(Refusal::TooManyOperations));
    // The last quarter is kept for what gives back.
    assert!(after(&given).decide(&void(1, 60), NOW).is_ok());
    assert!(after(&given).decide(&operate(OperationKind::Reversal, on(1), None), NOW).is_ok());
    given.extend(std::iter::repeat_n(requested([leg(1, Void, 0)]), OPERATIONS_PER_ORDER_MAX / 4));
    check(&given, void(1, 60), Err(Refusal::TooManyOperations));
}

#[test]
fn what_is_told_of_all_operations_of_an_order_has_a_limit() {
    let told = "x".repeat(usize::try_from(OPERATION_DETAILS_BYTES_MAX).unwrap());
    let operate = Operate { details: Some(told), ..Operate::new(OperationKind::Capture, on(1), Some(eur(1))) };
    let mut order = after(&held(&[]));
    let most = DETAILS_PER_ORDER_BYTES_MAX / OPERATION_DETAILS_BYTES_MAX;
    for _ in 0..most {
        let Ok(Decision::Commit(events)) = order.decide(&Command::Operate(operate.clone()), NOW) else { panic!() };
        let version = order.version.next().unwrap();
        order = Order::evolve_all(Some(order), &events, version, NOW).unwrap();
    }
    assert_eq!(order.decide(&Command::Operate(operate.clone()), NOW), Err(Refusal::DetailsFull));
    assert!(order.decide(&Command::Operate(Operate { details: None, ..operate }), NOW).is_ok());
}

#[test]
fn a_payment_of_an_order_that_has_expired_does_not_grow() {
    let order = after(&held(&[]));
    let grow = operate(OperationKind::AmountUpdate, on(1), Some(eur(61)));
    assert!(order.decide(&grow, earlier(EXPIRY)).is_ok());
    assert_eq!(order.decide(&grow, EXPIRY), Err(Refusal::Expired));
    assert!(order.decide(&operate(OperationKind::AmountUpdate, on(1), Some(eur(59))), EXPIRY).is_ok());
}

#[test]
fn a_reversal_of_an_open_order_ends_it_also_if_there_is_nothing_to_give_back() {
    for given in [vec![opened(100)], paying(&[refused(1)])] {
        let Ok(Decision::Commit(events)) =
            after(&given).decide(&deferred(operate(OperationKind::Reversal, ORDER, None)), NOW)
        else {
            panic!("it is taken");
        };
        assert!(matches!(
            events.as_slice(),
            [
                OrderEvent::CancellationRequested { .. },
                OrderEvent::OperationRefused { kind: OperationKind::Reversal, .. },
                OrderEvent::Closed { reason: CloseReason::Cancelled, .. }
            ]
        ));
    }
}

#[test]
fn a_part_that_was_in_flight_when_its_order_was_reversed_is_given_back_when_it_has_ended() {
    // A void of 40 is under way when the payment of 60 is reversed: it gets a leg for the rest.
    let given = held(&[requested([leg(1, Void, 40)]), asked(OperationKind::Reversal, on(1), None, [leg(1, Void, 20)])]);
    let declined = LegResult::Declined { reason: Decline::Refused };
    let order = after(&given);
    let Ok(Decision::Commit(events)) = order.decide(&record([on_leg(3, 0, declined)]), NOW) else { panic!("news") };
    assert!(matches!(
        events.as_slice(),
        [OrderEvent::LegResolved { .. }, OrderEvent::OperationRequested { legs, is_release: true, .. }]
            if *legs == [leg(1, Void, 40)]
    ));
    // What the reversal itself could not void is not asked for again.
    let own = LegResult::Declined { reason: Decline::Refused };
    let Ok(Decision::Commit(events)) = order.decide(&record([on_leg(4, 0, own)]), NOW) else { panic!("news") };
    assert!(matches!(events.as_slice(), [OrderEvent::LegResolved { .. }]));
}

// -- reversals

/// What happened to a payment of 60, and what gives it back.
type Row<'a> = (&'a [Commit], &'a [(Action, u64)]);

#[test]
fn a_reversal_voids_what_is_held_and_refunds_what_was_taken() {
    let capture = |amount| requested([leg(1, Capture, amount)]);
    let table: &[Row<'_>] = &[
        (&[authorised(1)], &[(Void, 60)]),
        (&[authorised(1), capture(60), done(3, 0)], &[(Refund, 60)]),
        (&[authorised(1), capture(45), done(3, 0)], &[(Void, 15), (Refund, 45)]),
        (
            &[authorised(1), capture(45), done(3, 0), requested([leg(1, Refund, 5)]), done(5, 0)],
            &[(Void, 15), (Refund, 40)],
        ),
        (&[authorised(1), capture(45), done(3, 0), requested([leg(1, Void, 15)])], &[(Refund, 45)]),
        (&[authorised(1), capture(45)], &[(Void, 15)]),
        (&[authorised(1), capture(45), declined(3, 0)], &[(Void, 60)]),
        // Not authorised yet: all of it.
        (&[], &[(Void, 60)]),
        (&[resolved(1, Resolution::Uncertain)], &[(Void, 60)]),
        (&[resolved(1, Resolution::Pending)], &[(Void, 60)]),
        (&[resolved(1, awaiting_shopper())], &[(Void, 60)]),
    ];
    for (given, legs) in table {
        let given = paying(given);
        let legs = legs.iter().map(|(action, amount)| leg(1, *action, *amount)).collect::<Vec<_>>();
        let reversed = asked(OperationKind::Reversal, on(1), None, legs);
        check(&given, operate(OperationKind::Reversal, on(1), None), commits([reversed]));
    }
}

#[test]
fn a_reversal_that_has_nothing_to_give_back_is_refused() {
    let capturing = held(&[requested([leg(1, Capture, 60)])]);
    check_refusal(&capturing, OperationKind::Reversal, on(1), None, Refusal::InFlight);
    let voided = held(&[requested([leg(1, Void, 60)]), done(3, 0)]);
    check_refusal(&voided, OperationKind::Reversal, on(1), None, Refusal::NothingAvailable);
    check_refusal(&voided, OperationKind::Reversal, ORDER, None, Refusal::NothingAvailable);
    let two = [opened(100), reserved(60), refused(1), reserved(40), refused(3)];
    check_refusal(&two, OperationKind::Reversal, ORDER, None, Refusal::NothingAvailable);
}

#[test]
fn a_payment_that_is_not_authorised_yet_is_voided_once() {
    for kind in [OperationKind::Void, OperationKind::Reversal, OperationKind::TechnicalCancel] {
        for word in [None, Some(Resolution::Uncertain), Some(Resolution::Pending), Some(awaiting_shopper())] {
            let given = paying(&word.into_iter().map(|word| resolved(1, word)).collect::<Vec<_>>());
            let operation = u16::try_from(given.len()).unwrap();
            check_legs(&given, kind, on(1), None, [(1, Void, 60)]);
            let voiding = with(given, &[asked(kind, on(1), None, [leg(1, Void, 60)])]);
            for again in [OperationKind::Void, OperationKind::Reversal, OperationKind::TechnicalCancel] {
                assert!(after(&voiding).decide(&operate(again, on(1), None), NOW).is_err(), "{again:?} of {voiding:?}");
            }
            check(&with(voiding, &[declined(operation, 0)]), operate(kind, on(1), None), {
                commits([asked(kind, on(1), None, [leg(1, Void, 60)])])
            });
        }
    }
}

/// What is asked of a partner before it has said anything of the payment could cross with the payment.
#[test]
fn a_void_waits_until_the_partner_has_said_something_of_the_payment() {
    let void = leg(1, Void, 60);
    let perform = || Due::Perform { operation: v(2), index: 0, leg: void.clone() };
    let lookup = || Due::Lookup { payment: v(1) };
    let late = NOW.plus(AUTHORISE_DEADLINE);
    let voiding = paying(&[asked(OperationKind::Reversal, on(1), None, [void.clone()])]);
    assert_eq!(after(&voiding).outstanding(NOW), []);
    assert_eq!(after(&voiding).outstanding(late), [lookup()]);
    let table = [
        (Resolution::Uncertain, vec![lookup()]),
        (Resolution::Pending, vec![perform(), lookup()]),
        (awaiting_shopper(), vec![perform(), lookup()]),
        (Resolution::Authorised, vec![perform()]),
        (Resolution::Refused { reason: Decline::Refused }, vec![perform()]),
        (Resolution::Failed, vec![perform()]),
    ];
    for (word, due) in table {
        let given = with(voiding.clone(), &[resolved(1, word.clone())]);
        assert_eq!(after(&given).outstanding(late), due, "{word:?}");
        assert!(after(&given).next_look(late, 0).is_some_and(|next| next > late), "{word:?}");
    }
    // It is not known yet what became of it, though it was pending before.
    let given = paying(&[resolved(1, Resolution::Uncertain), asked(OperationKind::Void, on(1), None, [void])]);
    assert_eq!(after(&given).outstanding(NOW.plus(ASK_AGAIN_AFTER)), [lookup()]);
}

#[test]
fn a_payment_that_is_authorised_while_it_is_reversed_is_given_back() {
    let voiding =
        [opened(100), reserved(100), asked(OperationKind::Reversal, on(1), None, [leg(1, Void, 100)])].to_vec();
    // It does not pay the order.
    check(&voiding, record([on_payment(1, Resolution::Authorised)]), commits([authorised(1)]));
    let voiding = with(voiding, &[authorised(1)]);
    assert_eq!(books(&voiding, 1), Tally { voiding: 100, ..Tally::authorised(100) });
    check(&voiding, record([on_leg(2, 0, LegResult::Done)]), commits([done(2, 0)]));
    let order = after(&with(voiding.clone(), &[done(2, 0)]));
    assert_eq!((order.remaining, order.covered(), order.unresolved), (100, 0, 0));
    // It was asked for before there was anything to void: once more, then.
    let again = together([declined(2, 0), released([leg(1, Void, 100)])]);
    check(&voiding, record([on_leg(2, 0, declined_leg())]), commits([again.clone()]));
    let voiding = with(voiding, &[again]);
    check(&voiding, record([on_leg(4, 0, declined_leg())]), commits([declined(4, 0), closed(CloseReason::Paid)]));
}

#[test]
fn a_reversal_that_came_too_early_is_asked_for_again_once_the_payment_is_authorised() {
    let given = paying(&[
        resolved(1, Resolution::Pending),
        asked(OperationKind::Reversal, on(1), None, [leg(1, Void, 60)]),
        declined(3, 0),
    ]);
    assert!(after(&given).operation(v(4)).is_none(), "there is nothing to void yet");
    let again = commits([authorised(1), released([leg(1, Void, 60)])]);
    check(&given, record([on_payment(1, Resolution::Authorised)]), again);
    // A void is not: it was of what there was.
    let given = paying(&[
        resolved(1, Resolution::Pending),
        asked(OperationKind::Void, on(1), None, [leg(1, Void, 60)]),
        declined(3, 0),
    ]);
    check(&given, record([on_payment(1, Resolution::Authorised)]), commits([authorised(1)]));
}

/// A merchant who takes a payment back means also what is being captured.
#[test]
fn what_is_captured_after_a_reversal_is_refunded_unless_it_was_asked_for_after_it() {
    let capturing = held(&[requested([leg(1, Capture, 45)])]);
    let reversing = with(capturing, &[asked(OperationKind::Reversal, on(1), None, [leg(1, Void, 15)])]);
    let refunded = commits([done(3, 0), released([leg(1, Refund, 45)])]);
    check(&reversing, record([on_leg(3, 0, LegResult::Done)]), refunded);
    let voided = commits([declined(3, 0), released([leg(1, Void, 45)])]);
    check(&reversing, record([on_leg(3, 0, declined_leg())]), voided);

    // What the partner declined to void is the merchant's to capture.
    let again = with(reversing, &[done(3, 0), declined(4, 0), requested([leg(1, Capture, 15)])]);
    check(&again, record([on_leg(7, 0, LegResult::Done)]), commits([done(7, 0)]));

    // Whatever else is given back meanwhile.
    let capturing = held(&[requested([leg(1, Capture, 45)])]);
    let reversal = asked(OperationKind::Reversal, on(1), None, [leg(1, Void, 15)]);
    let voided = with(capturing, &[reversal, declined(4, 0), requested([leg(1, Void, 15)]), done(6, 0)]);
    let refunded = commits([done(3, 0), released([leg(1, Refund, 45)])]);
    check(&voided, record([on_leg(3, 0, LegResult::Done)]), refunded);

    // Also of an order that is paid.
    let paid = with(
        paid(),
        &[requested([leg(1, Capture, 90)]), asked(OperationKind::Reversal, on(1), None, [leg(1, Void, 10)])],
    );
    let refunded = commits([done(5, 0), released([leg(1, Refund, 90)])]);
    check(&paid, record([on_leg(5, 0, LegResult::Done)]), refunded);
}

#[test]
fn a_payment_that_is_voided_before_it_is_authorised_ends_and_gives_its_part_back() {
    for kind in [OperationKind::Void, OperationKind::Reversal, OperationKind::TechnicalCancel] {
        let given =
            paying(&[resolved(1, Resolution::Pending), asked(kind, on(1), None, [leg(1, Void, 60)]), done(3, 0)]);
        let order = after(&given);
        assert_eq!((order.remaining, order.unresolved, order.covered()), (100, 0, 0));
        let payment = order.payment(v(1)).unwrap();
        assert_eq!(payment.resolution, Some(Resolution::Cancelled { by: CancelledBy::Order }));
        assert!(order.is_open());
        check(&given, pay(1, 100), commits([reserved(100)]));
    }
    // The order that was made for it ends with it.
    let voiding = [
        opened_around_a_payment(100),
        resolved(0, Resolution::Pending),
        asked(OperationKind::Reversal, on(0), None, [leg(0, Void, 100)]),
    ];
    let ended = commits([done(2, 0), closed(CloseReason::PaymentFailed)]);
    check(&voiding, record([on_leg(2, 0, LegResult::Done)]), ended);
}

/// Or else nobody would ever end it: it is out of its shopper's hands, and nobody's to release.
#[test]
fn a_shopper_whose_payment_could_not_be_voided_has_the_rest_of_the_time() {
    for kind in [OperationKind::Void, OperationKind::Reversal, OperationKind::TechnicalCancel] {
        let voiding = vec![
            opened(100),
            reserved(100),
            resolved(1, awaiting_shopper()),
            asked(kind, on(1), None, [leg(1, Void, 100)]),
        ];
        assert!(!after(&voiding).has_lapsed(act_by()), "it is being voided");
        check(&voiding, record([on_leg(3, 0, declined_leg())]), commits([declined(3, 0)]));
        let given = with(voiding, &[declined(3, 0)]);
        assert!(after(&given).waits_for_shopper());
        assert!(!after(&given).has_lapsed(earlier(act_by())));
        assert_eq!(after(&given).next_look(NOW, u16::MAX), Some(act_by()));
        let released = together([timed_out(1), released([leg(1, Void, 100)])]);
        check_at(act_by(), &given, Command::Lapse, commits([released.clone()]));
        // That was for good, also if the merchant tries once more.
        let again = with(given, &[released, declined(5, 0)]);
        check_at(act_by(), &again, Command::Lapse, already(6));
        let again = with(again, &[asked(kind, on(1), None, [leg(1, Void, 100)])]);
        check_at(act_by(), &again, record([on_leg(7, 0, declined_leg())]), commits([declined(7, 0)]));
    }
}

#[test]
fn a_cancellation_releases_what_could_not_be_voided_before_it_was_authorised() {
    let void = [leg(1, Void, 60)];
    for word in [Resolution::Pending, awaiting_shopper()] {
        let voiding = paying(&[resolved(1, word), asked(OperationKind::Void, on(1), None, void.clone())]);
        // Whether the cancellation comes after the partner's answer or before it.
        let after_it = with(voiding.clone(), &[declined(3, 0)]);
        check(&after_it, cancel(), commits([cancellation(), released(void.clone())]));
        check(&voiding, cancel(), commits([cancellation()]));
        let before_it = with(voiding, &[cancellation()]);
        let again = together([declined(3, 0), released(void.clone())]);
        check(&before_it, record([on_leg(3, 0, declined_leg())]), commits([again.clone()]));
        // And that once.
        let asked = with(before_it, &[again]);
        check(&asked, record([on_leg(5, 0, declined_leg())]), commits([declined(5, 0)]));
    }
}

#[test]
fn a_reversal_of_an_open_order_cancels_it() {
    let ask = || operate(OperationKind::Reversal, ORDER, None);
    let reversed = |legs: &[Leg]| asked(OperationKind::Reversal, ORDER, None, legs);
    check(&held(&[]), ask(), commits([cancellation(), reversed(&[leg(1, Void, 60)])]));

    // Its key is that of the reversal.
    let keyed_ask = with_key(ask(), print(1, 1));
    let both = [cancellation(), keyed(reversed(&[leg(1, Void, 60)]), print(1, 1))];
    check(&held(&[]), keyed_ask.clone(), commits(both.clone()));
    let given = held(&[together(both)]);
    check(&given, keyed_ask, already(3));
    check(&given, cancel(), already(3));
    check(&given, pay(3, 40), Err(Refusal::Cancelled));
    let ended = commits([done(3, 0), closed(CloseReason::Cancelled)]);
    check(&given, record([on_leg(3, 0, LegResult::Done)]), ended);

    // All that there is, whatever its state.
    let given = [
        opened(200),
        reserved(60),
        authorised(1),
        requested([leg(1, Capture, 45)]),
        done(3, 0),
        reserved(10),
        resolved(5, Resolution::Pending),
        reserved(20),
        reserved(30),
        refused(8),
    ];
    let legs = [leg(1, Void, 15), leg(1, Refund, 45), leg(5, Void, 10), leg(7, Void, 20)];
    check(&given, ask(), commits([cancellation(), reversed(&legs)]));
    check(&given, deferred(ask()), commits([cancellation(), to_be_executed(reversed(&legs))]));
}

#[test]
fn a_reversal_of_one_payment_leaves_its_order_open() {
    check_legs(&held(&[]), OperationKind::Reversal, on(1), None, [(1, Void, 60)]);
    let reversed = held(&[asked(OperationKind::Reversal, on(1), None, [leg(1, Void, 60)]), done(3, 0)]);
    assert!(after(&reversed).is_open());
    check(&reversed, pay(1, 100), commits([reserved(100)]));
}

#[test]
fn a_reversal_of_an_order_that_has_ended_cancels_nothing() {
    check_legs(&paid(), OperationKind::Reversal, ORDER, None, [(1, Void, 100), (2, Void, 20)]);
    check_legs(&captured(), OperationKind::Reversal, ORDER, None, [(1, Refund, 100), (2, Refund, 20)]);
    let reversed = with(
        paid(),
        &[asked(OperationKind::Reversal, ORDER, None, [leg(1, Void, 100), leg(2, Void, 20)]), done(5, 0), done(5, 1)],
    );
    let order = after(&reversed);
    assert_eq!((order.cancellation, order.closed.unwrap().reason), (None, CloseReason::Paid));
    let cancelled = held(&[together([cancellation(), released([leg(1, Void, 60)])]), declined(3, 0)]);
    check_legs(&cancelled, OperationKind::Reversal, ORDER, None, [(1, Void, 60)]);
}

#[test]
fn what_is_taken_after_a_reversal_of_the_whole_order_is_given_back_too() {
    let given = held(&[
        requested([leg(1, Capture, 45)]),
        together([cancellation(), asked(OperationKind::Reversal, ORDER, None, [leg(1, Void, 15)])]),
    ]);
    let refunded = commits([done(3, 0), released([leg(1, Refund, 45)])]);
    check(&given, record([on_leg(3, 0, LegResult::Done)]), refunded);
    let voided = commits([declined(3, 0), released([leg(1, Void, 45)])]);
    check(&given, record([on_leg(3, 0, declined_leg())]), voided);
}

/// It was asked for as a cancellation asks, which does not ask twice either.
#[test]
fn what_a_reversal_of_the_whole_order_could_not_give_back_is_not_asked_for_again() {
    let legs = [leg(1, Void, 15), leg(1, Refund, 45)];
    let reversing = partly_captured(&[together([cancellation(), asked(OperationKind::Reversal, ORDER, None, legs)])]);
    for (first, second) in [(0, 1), (1, 0)] {
        check(&reversing, record([on_leg(5, first, declined_leg())]), commits([declined(5, first)]));
        let given = with(reversing.clone(), &[declined(5, first)]);
        let ended = commits([declined(5, second), closed(CloseReason::Cancelled)]);
        check(&given, record([on_leg(5, second, declined_leg())]), ended);
    }
    // Nor is what was not authorised yet.
    let reversal = asked(OperationKind::Reversal, ORDER, None, [leg(1, Void, 60)]);
    let reversing = paying(&[resolved(1, Resolution::Pending), together([cancellation(), reversal])]);
    check(&reversing, record([on_leg(3, 0, declined_leg())]), commits([declined(3, 0)]));
    // But once more, if it was asked for before there was anything to void.
    let reversing = paying(&[
        together([cancellation(), asked(OperationKind::Reversal, ORDER, None, [leg(1, Void, 60)])]),
        authorised(1),
    ]);
    let again = commits([declined(2, 0), released([leg(1, Void, 60)])]);
    check(&reversing, record([on_leg(2, 0, declined_leg())]), again);
}

// -- technical cancels

#[test]
fn a_technical_cancel_voids_what_was_not_captured() {
    check_legs(&held(&[]), OperationKind::TechnicalCancel, on(1), None, [(1, Void, 60)]);
    check_legs(&partly_captured(&[]), OperationKind::TechnicalCancel, on(1), None, [(1, Void, 15)]);
    check_legs(&paying(&[]), OperationKind::TechnicalCancel, on(1), None, [(1, Void, 60)]);
    check_legs(&paid(), OperationKind::TechnicalCancel, on(2), None, [(2, Void, 20)]);
    check_refusal(&captured(), OperationKind::TechnicalCancel, on(1), None, Refusal::NothingAvailable);
    check_refusal(&paying(&[refused(1)]), OperationKind::TechnicalCancel, on(1), None, Refusal::NotAuthorised);
    let cancelled = [opened_around_a_payment(100), together([authorised(0), closed(CloseReason::Paid)])];
    check_legs(&cancelled, OperationKind::TechnicalCancel, on(0), None, [(0, Void, 100)]);
}

// -- changes of the amount

#[test]
fn an_authorisation_is_made_more_by_an_increase_and_less_by_a_void() {
    check_legs(&held(&[]), OperationKind::AmountUpdate, on(1), Some(80), [(1, Increase, 20)]);
    check_legs(&held(&[]), OperationKind::AmountUpdate, on(1), Some(50), [(1, Void, 10)]);
    check_refusal(&held(&[]), OperationKind::AmountUpdate, on(1), Some(60), Refusal::Unchanged);
}

#[test]
fn an_increase_is_set_aside_at_once_and_moves_the_shoppers_position() {
    let given = held(&[asked(OperationKind::AmountUpdate, on(1), Some(80), [leg(1, Increase, 20)])]);
    let order = after(&given);
    assert_eq!((order.remaining, order.covered(), order.unresolved, order.position), (20, 80, 1, v(3)));
    assert_eq!(order.amount, eur(100));
    assert_eq!(books(&given, 1), Tally { increasing: 20, ..Tally::authorised(60) });
    assert_eq!(order.payment(v(1)).unwrap().amount, 60);
    check(&given, pay(2, 20), Err(Refusal::Stale { seen: v(2), now: v(3) }));
    check(&given, pay(3, 21), Err(Refusal::ExceedsRemaining { asked: eur(21), remaining: eur(20) }));
    check(&given, pay(3, 20), commits([reserved(20)]));
    // It cannot be captured before it is held.
    check(&given, capture(1, 61), Err(not_available(61, 60)));
}

#[test]
fn an_increase_that_is_done_is_authorised() {
    let given = held(&[asked(OperationKind::AmountUpdate, on(1), Some(80), [leg(1, Increase, 20)]), done(3, 0)]);
    let order = after(&given);
    assert_eq!((order.remaining, order.covered(), order.unresolved, order.position), (20, 80, 0, v(3)));
    assert_eq!(books(&given, 1), Tally::authorised(80));
    assert_eq!(order.payment(v(1)).unwrap().amount, 80);
    check_legs(&given, OperationKind::Capture, ORDER, None, [(1, Capture, 80)]);
    check_legs(&given, OperationKind::AmountUpdate, on(1), Some(100), [(1, Increase, 20)]);
}

#[test]
fn an_increase_that_is_declined_can_be_paid_by_others() {
    let given = held(&[asked(OperationKind::AmountUpdate, on(1), Some(80), [leg(1, Increase, 20)]), declined(3, 0)]);
    let order = after(&given);
    assert_eq!((order.remaining, order.covered(), order.unresolved), (40, 60, 0));
    assert_eq!(books(&given, 1), Tally::authorised(60));
    assert_eq!(order.payment(v(1)).unwrap().amount, 60);
    check(&given, pay(3, 40), commits([reserved(40)]));
}

#[test]
fn an_increase_on_an_open_order_is_limited_by_what_remains() {
    let exceeds = |asked, remaining| Refusal::ExceedsRemaining { asked: eur(asked), remaining: eur(remaining) };
    check_legs(&held(&[]), OperationKind::AmountUpdate, on(1), Some(100), [(1, Increase, 40)]);
    check_refusal(&held(&[]), OperationKind::AmountUpdate, on(1), Some(101), exceeds(41, 40));
    let given = held(&[reserved(30)]);
    check_legs(&given, OperationKind::AmountUpdate, on(1), Some(70), [(1, Increase, 10)]);
    check_refusal(&given, OperationKind::AmountUpdate, on(1), Some(71), exceeds(11, 10));
    // An increase in flight counts as done.
    let given = held(&[asked(OperationKind::AmountUpdate, on(1), Some(80), [leg(1, Increase, 20)])]);
    check_refusal(&given, OperationKind::AmountUpdate, on(1), Some(80), Refusal::Unchanged);
    check_legs(&given, OperationKind::AmountUpdate, on(1), Some(100), [(1, Increase, 20)]);
    check_refusal(&given, OperationKind::AmountUpdate, on(1), Some(101), exceeds(21, 20));
    check_legs(&given, OperationKind::AmountUpdate, on(1), Some(70), [(1, Void, 10)]);
}

#[test]
fn an_order_is_paid_by_an_increase_once_that_is_done() {
    let given = held(&[asked(OperationKind::AmountUpdate, on(1), Some(100), [leg(1, Increase, 40)])]);
    assert_eq!((after(&given).remaining, after(&given).closed), (0, None));
    let paid = commits([done(3, 0), closed(CloseReason::Paid)]);
    check(&given, record([on_leg(3, 0, LegResult::Done)]), paid);
    check(&given, record([on_leg(3, 0, declined_leg())]), commits([declined(3, 0)]));
    for word in [LegResult::Pending, LegResult::Uncertain] {
        check(&given, record([on_leg(3, 0, word.clone())]), commits([leg_resolved(3, 0, word)]));
    }
}

#[test]
fn an_authorisation_is_made_less_by_what_was_not_captured() {
    check_legs(&partly_captured(&[]), OperationKind::AmountUpdate, on(1), Some(45), [(1, Void, 15)]);
    check_refusal(&partly_captured(&[]), OperationKind::AmountUpdate, on(1), Some(44), not_available(16, 15));
    let capturing = held(&[requested([leg(1, Capture, 50)])]);
    check_refusal(&capturing, OperationKind::AmountUpdate, on(1), Some(49), not_available(11, 10));
    // What is being voided counts as voided.
    let voiding = held(&[requested([leg(1, Void, 20)])]);
    check_refusal(&voiding, OperationKind::AmountUpdate, on(1), Some(40), Refusal::Unchanged);
    check_legs(&voiding, OperationKind::AmountUpdate, on(1), Some(30), [(1, Void, 10)]);
    let voided = held(&[asked(OperationKind::AmountUpdate, on(1), Some(50), [leg(1, Void, 10)]), done(3, 0)]);
    assert_eq!(after(&voided).remaining, 50);
    assert_eq!(books(&voided, 1), Tally { voided: 10, ..Tally::authorised(60) });
    check_legs(&voided, OperationKind::AmountUpdate, on(1), Some(60), [(1, Increase, 10)]);
}

#[test]
fn an_order_that_is_closed_takes_no_increase_but_lets_go() {
    check_refusal(&paid(), OperationKind::AmountUpdate, on(1), Some(101), Refusal::Closed);
    check_legs(&paid(), OperationKind::AmountUpdate, on(1), Some(99), [(1, Void, 1)]);
}

#[test]
fn an_order_that_was_made_for_its_payment_grows_with_it() {
    let paid = vec![opened_around_a_payment(100), together([authorised(0), closed(CloseReason::Paid)])];
    check_legs(&paid, OperationKind::AmountUpdate, on(0), Some(150), [(0, Increase, 50)]);
    let growing = with(paid, &[asked(OperationKind::AmountUpdate, on(0), Some(150), [leg(0, Increase, 50)])]);
    let state = |given: &[Commit]| {
        let order = after(given);
        (order.amount, order.covered(), order.remaining, order.payment(v(0)).unwrap().amount)
    };
    assert_eq!(state(&growing), (eur(150), 150, 0, 100));
    assert_eq!(state(&with(growing.clone(), &[done(2, 0)])), (eur(150), 150, 0, 150));
    assert_eq!(state(&with(growing.clone(), &[declined(2, 0)])), (eur(100), 100, 0, 100));
    // Twice at once.
    check_legs(&growing, OperationKind::AmountUpdate, on(0), Some(170), [(0, Increase, 20)]);
    let twice = with(growing, &[asked(OperationKind::AmountUpdate, on(0), Some(170), [leg(0, Increase, 20)])]);
    assert_eq!(state(&with(twice.clone(), &[declined(2, 0)])), (eur(120), 120, 0, 100));
    assert_eq!(state(&with(twice, &[declined(2, 0), done(3, 0)])), (eur(120), 120, 0, 120));
}

#[test]
fn an_order_grows_to_the_largest_amount_there_is() {
    let paid = vec![opened_around_a_payment(100), together([authorised(0), closed(CloseReason::Paid)])];
    let most = AMOUNT_MINOR_MAX;
    check_legs(&paid, OperationKind::AmountUpdate, on(0), Some(most), [(0, Increase, most - 100)]);
    // What was voided was authorised once.
    let voided = with(paid, &[requested([leg(0, Void, 1)]), done(2, 0)]);
    check_refusal(&voided, OperationKind::AmountUpdate, on(0), Some(most), Refusal::AmountTooLarge);
    check_legs(&voided, OperationKind::AmountUpdate, on(0), Some(most - 1), [(0, Increase, most - 100)]);
    let ask = operate(OperationKind::AmountUpdate, on(0), Some(eur(most)));
    check(&voided, deferred(ask), Err(Refusal::AmountTooLarge));
}

#[test]
fn an_authorisation_that_was_given_back_whole_is_not_increased() {
    let ask = |given: &[Commit], payment| {
        check_refusal(given, OperationKind::AmountUpdate, on(payment), Some(10), Refusal::NothingAvailable);
    };
    ask(&held(&[requested([leg(1, Void, 60)])]), 1);
    ask(&held(&[requested([leg(1, Void, 60)]), done(3, 0)]), 1);
    let single = [
        opened_around_a_payment(100),
        asked(OperationKind::Reversal, on(0), None, [leg(0, Void, 100)]),
        authorised(0),
        together([done(1, 0), closed(CloseReason::PaymentFailed)]),
    ];
    ask(&single[..3], 0);
    ask(&single, 0);
}

#[test]
fn an_amount_is_updated_of_one_payment_and_to_something() {
    check_refusal(&held(&[]), OperationKind::AmountUpdate, on(1), None, Refusal::UnknownPayment);
    check_refusal(&paid(), OperationKind::AmountUpdate, ORDER, Some(130), Refusal::UnknownPayment);
    check_refusal(&held(&[]), OperationKind::AmountUpdate, on(1), Some(0), Refusal::AmountZero);
}

#[test]
fn an_increase_that_comes_through_after_its_order_was_cancelled_is_voided() {
    let increasing = held(&[asked(OperationKind::AmountUpdate, on(1), Some(80), [leg(1, Increase, 20)])]);
    let cancelled = [cancellation(), released([leg(1, Void, 60)])];
    check(&increasing, cancel(), commits(cancelled.clone()));
    let given = with(increasing, &[together(cancelled), done(4, 0)]);
    assert_eq!(after(&given).remaining, 80);
    let voided = commits([done(3, 0), released([leg(1, Void, 20)])]);
    check(&given, record([on_leg(3, 0, LegResult::Done)]), voided);
    let ended = [declined(3, 0), closed(CloseReason::Cancelled)];
    check(&given, record([on_leg(3, 0, declined_leg())]), commits(ended.clone()));
    assert_eq!(after(&with(given, &[together(ended)])).remaining, 100);
}

/// While its payment is given back, nobody else pays in its place.
#[test]
fn an_order_that_was_made_for_its_payment_takes_no_other() {
    let reversing =
        [opened_around_a_payment(100), asked(OperationKind::Reversal, on(0), None, [leg(0, Void, 100)]), refused(0)];
    assert_eq!(after(&reversing).remaining, 100);
    let refusal = |asked| Refusal::ExceedsRemaining { asked: eur(asked), remaining: eur(0) };
    check(&reversing, pay(2, 1), Err(refusal(1)));
    let glimpse = Order::glimpse(after(&reversing).view()).unwrap();
    assert_eq!(glimpse.decide(&pay(2, 100), NOW), Err(refusal(100)));
    let ended = commits([done(1, 0), closed(CloseReason::PaymentFailed)]);
    check(&reversing, record([on_leg(1, 0, LegResult::Done)]), ended);
}

// -- how an operation stands

/// Each row: the words on the two legs of a capture, in the order they came, and how it stands then.
#[test]
fn an_operation_stands_as_its_legs_do_together() {
    const D: LegResult = LegResult::Done;
    const P: LegResult = LegResult::Pending;
    const U: LegResult = LegResult::Uncertain;
    let asked =
        with(paid(), &[asked(OperationKind::Capture, ORDER, None, [leg(2, Capture, 20), leg(1, Capture, 100)])]);
    let no = declined_leg;
    let table: &[(&[(u16, LegResult)], Standing)] = &[
        (&[], Standing::Pending),
        (&[(0, D)], Standing::Pending),
        (&[(0, no())], Standing::Pending),
        (&[(0, P)], Standing::Pending),
        (&[(0, D), (1, P)], Standing::Pending),
        (&[(0, no()), (1, P)], Standing::Pending),
        (&[(0, U)], Standing::Uncertain),
        (&[(0, D), (1, U)], Standing::Uncertain),
        (&[(0, no()), (1, U)], Standing::Uncertain),
        (&[(0, P), (1, U)], Standing::Uncertain),
        (&[(1, U), (0, U)], Standing::Uncertain),
        (&[(0, D), (1, D)], Standing::Success),
        (&[(0, no()), (1, no())], Standing::Failure),
        (&[(0, D), (1, no())], Standing::Conflict),
        (&[(0, no()), (1, D)], Standing::Conflict),
        // What was not final comes to any end.
        (&[(0, D), (1, P), (1, D)], Standing::Success),
        (&[(0, P), (1, U), (0, no()), (1, no())], Standing::Failure),
        (&[(0, D), (1, U), (1, no())], Standing::Conflict),
        (&[(0, P), (1, P), (0, no()), (1, D)], Standing::Conflict),
        (&[(0, U), (0, P)], Standing::Pending),
    ];
    for (words, standing) in table {
        let words = words.iter().map(|(index, word)| leg_resolved(5, *index, word.clone())).collect::<Vec<_>>();
        let order = after(&with(asked.clone(), &words));
        assert_eq!(order.operation(v(5)).unwrap().standing(), *standing, "{words:?}");
    }
}

#[test]
fn an_operation_in_conflict_keeps_what_was_done_and_gives_the_rest_back() {
    let given = with(
        paid(),
        &[
            asked(OperationKind::Capture, ORDER, None, [leg(2, Capture, 20), leg(1, Capture, 100)]),
            leg_resolved(5, 1, LegResult::Uncertain),
            done(5, 0),
            leg_resolved(5, 1, LegResult::Declined { reason: Decline::ExpiredCard }),
        ],
    );
    let order = after(&given);
    let operation = order.operation(v(5)).unwrap();
    assert_eq!((operation.standing(), operation.decline()), (Standing::Conflict, Some(Decline::ExpiredCard)));
    assert_eq!(operation.total(), 120);
    let books = order.books();
    assert_eq!((books.captured, books.capturable, books.refundable), (20, 100, 20));
}

#[test]
fn an_operation_was_updated_when_something_was_last_learnt_of_it() {
    let given =
        with(paid(), &[asked(OperationKind::Capture, ORDER, None, [leg(2, Capture, 20), leg(1, Capture, 100)])]);
    let at = |minutes| NOW.plus(Duration::from_secs(60) * minutes);
    let updated_at = |order: &Order| order.operation(v(5)).unwrap().updated_at();
    let mut order = after(&given);
    assert_eq!((updated_at(&order), order.operation(v(5)).unwrap().decline()), (NOW, None));
    let words = [(6, 2, 1, LegResult::Pending), (7, 3, 0, LegResult::Done), (8, 5, 1, LegResult::Done)];
    for (version, minutes, index, word) in words {
        let commit = leg_resolved(5, index, word);
        order = Order::evolve_all(Some(order), &commit, v(version), at(minutes)).unwrap();
        assert_eq!(updated_at(&order), at(minutes));
    }
}

// -- orders that are captured by themselves

/// The same opening, as a client session.
fn as_session(capture: CaptureMode, is_told: bool, mut opening: Commit) -> Commit {
    for event in &mut opening {
        if let OrderEvent::Opened { session, .. } = event {
            let webhook = is_told.then(|| OwnWebhook {
                url: "https://shop.example/own".into(),
                headers: vec![],
                format: OwnFormat::Payments,
            });
            *session = Some(Box::new(Session { capture, webhook, is_purchase: false }));
        }
    }
    opening
}

fn automatic(delay: Duration) -> CaptureMode {
    CaptureMode::Automatic { delay_s: delay.as_secs() }
}

/// What the order's own terms ask for.
fn captured_by_itself(legs: impl Into<Vec<Leg>>) -> Commit {
    let mut commit = to_be_executed(asked(OperationKind::Capture, ORDER, None, legs));
    for event in &mut commit {
        if let OrderEvent::OperationRequested { is_automatic, .. } = event {
            *is_automatic = true;
        }
    }
    commit
}

fn paid_and_captured_after(delay: Duration) -> Commit {
    vec![OrderEvent::Closed { reason: CloseReason::Paid, capture_at: Some(NOW.plus(delay)), key: None }]
}

/// A payment of all of an order of 100 that is captured by itself.
fn covered(capture: CaptureMode, then: &[Commit]) -> Vec<Commit> {
    [&[as_session(capture, false, opened(100)), reserved(100)], then].concat()
}

#[test]
fn an_order_is_opened_as_a_client_session() {
    let session = Session { capture: automatic(HOUR), webhook: None, is_purchase: false };
    let open = Open { session: Some(session), ..open(eur(100)) };
    assert_eq!(Order::open(&open, None, NOW), Ok(as_session(automatic(HOUR), false, opened(100))));
    let single = Order::open(&open, Some(&reserve(0, eur(100))), NOW);
    assert_eq!(single, Ok(as_session(automatic(HOUR), false, opened_around_a_payment(100))));
    let details = Some(r#"{"items":[]}"#.to_owned());
    let Ok(events) = Order::open(&Open { details: details.clone(), ..open }, None, NOW) else {
        panic!("the details are short");
    };
    assert!(matches!(&events[..], [OrderEvent::Opened { details: told, .. }] if *told == details));
}

#[test]
fn an_order_is_captured_by_itself_within_four_weeks_of_its_payment() {
    let open = |delay_s| Open {
        session: Some(Session { capture: CaptureMode::Automatic { delay_s }, webhook: None, is_purchase: false }),
        ..open(eur(100))
    };
    let most = CAPTURE_DELAY_MAX.as_secs();
    assert!(Order::open(&open(most), None, NOW).is_ok());
    assert_eq!(Order::open(&open(most + 1), None, NOW), Err(Refusal::CaptureDelayTooLong));
    assert_eq!(Order::open(&open(u64::MAX), None, NOW), Err(Refusal::CaptureDelayTooLong));
}

#[test]
fn an_order_without_a_delay_is_captured_in_the_commit_that_closes_it() {
    let zero = Duration::ZERO;
    let captured = commits([authorised(1), paid_and_captured_after(zero), captured_by_itself([leg(1, Capture, 100)])]);
    check(&covered(automatic(zero), &[]), record([on_payment(1, Resolution::Authorised)]), captured);

    let single = [as_session(automatic(zero), false, opened_around_a_payment(100))];
    let captured = commits([authorised(0), paid_and_captured_after(zero), captured_by_itself([leg(0, Capture, 100)])]);
    check(&single, record([on_payment(0, Resolution::Authorised)]), captured);

    let order = after(&covered(
        automatic(zero),
        &[together([authorised(1), paid_and_captured_after(zero), captured_by_itself([leg(1, Capture, 100)])])],
    ));
    let operation = order.operation(v(2)).unwrap();
    assert!(operation.is_automatic);
    assert_eq!((operation.kind, operation.target, operation.amount), (OperationKind::Capture, None, None));
    assert_eq!(order.outstanding(NOW), [Due::Perform { operation: v(2), index: 0, leg: leg(1, Capture, 100) }]);
}

#[test]
fn an_order_with_a_delay_is_captured_when_that_is_over() {
    let closed = [authorised(1), paid_and_captured_after(HOUR)];
    check(&covered(automatic(HOUR), &[]), record([on_payment(1, Resolution::Authorised)]), commits(closed.clone()));
    let given = covered(automatic(HOUR), &[together(closed)]);
    let order = after(&given);
    let at = NOW.plus(HOUR);
    // Whoever looks after it is told when; until then there is nothing to look at.
    assert_eq!((order.captures_at(), order.next_look(NOW, 0)), (Some(at), None));
    for (now, has_lapsed) in [(NOW, false), (earlier(at), false), (at, true), (later(at), true)] {
        assert_eq!(order.has_lapsed(now), has_lapsed);
        assert_eq!(order.outstanding(now), if has_lapsed { vec![Due::Lapse] } else { vec![] });
        let captured = commits([captured_by_itself([leg(1, Capture, 100)])]);
        check_at(now, &given, Command::Lapse, if has_lapsed { captured } else { already(2) });
    }
    assert!(order.next_look(at, 0).is_some_and(|next| next > at));
}

#[test]
fn an_order_is_captured_by_itself_with_what_is_left_to_capture() {
    let at = NOW.plus(HOUR);
    let given = [
        as_session(automatic(HOUR), false, opened(130)),
        reserved(100),
        reserved_with(gift_card("illicado"), 20),
        reserved(10),
        authorised(1),
        authorised(2),
        together([authorised(3), paid_and_captured_after(HOUR)]),
        requested([leg(1, Capture, 30)]),
        requested([leg(1, Void, 5)]),
        done(8, 0),
        requested([leg(3, Void, 10)]),
        done(10, 0),
    ];
    check_at(at, &given, Command::Lapse, commits([captured_by_itself([leg(1, Capture, 65), leg(2, Capture, 20)])]));
    let given = [&given[..], &[requested([leg(1, Void, 65)]), requested([leg(2, Capture, 20)])]].concat();
    assert_eq!((after(&given).captures_at(), after(&given).has_lapsed(at)), (None, false));
    check_at(at, &given, Command::Lapse, already(13));
    // What could not be voided is.
    check_at(
        at,
        &with(given, &[declined(12, 0)]),
        Command::Lapse,
        commits([captured_by_itself([leg(1, Capture, 65)])]),
    );
}

#[test]
fn an_order_is_captured_by_itself_once() {
    let at = NOW.plus(HOUR);
    let given = covered(
        automatic(HOUR),
        &[together([authorised(1), paid_and_captured_after(HOUR)]), captured_by_itself([leg(1, Capture, 100)])],
    );
    for then in [vec![], vec![done(3, 0)], vec![declined(3, 0)]] {
        let given = with(given.clone(), &then);
        assert_eq!((after(&given).captures_at(), after(&given).has_lapsed(at.plus(HOUR))), (None, false));
        check_at(at.plus(HOUR), &given, Command::Lapse, already(u16::try_from(given.len() - 1).unwrap()));
    }
    // Then it is the merchant's.
    check_legs(&with(given, &[declined(3, 0)]), OperationKind::Capture, ORDER, None, [(1, Capture, 100)]);
}

#[test]
fn an_order_is_captured_by_itself_only_if_it_is_paid_and_its_terms_say_so() {
    for capture in [automatic(Duration::ZERO), automatic(HOUR)] {
        let given = [as_session(capture, false, opened(100)), reserved(60), authorised(1)];
        let voided = together([cancellation(), released([leg(1, Void, 60)])]);
        check(&given, cancel(), commits([voided.clone()]));
        let ended = [done(3, 0), closed(CloseReason::Cancelled)];
        check(&[&given[..], &[voided]].concat(), record([on_leg(3, 0, LegResult::Done)]), commits(ended));
        assert!(!after(&given).has_lapsed(earlier(EXPIRY)));

        let single = [as_session(capture, false, opened_around_a_payment(100))];
        let failed = [resolved(0, Resolution::Failed), closed(CloseReason::PaymentFailed)];
        check(&single, record([on_payment(0, Resolution::Failed)]), commits(failed));
    }
    let paid = [authorised(1), closed(CloseReason::Paid)];
    check(&covered(CaptureMode::Manual, &[]), record([on_payment(1, Resolution::Authorised)]), commits(paid.clone()));
    let given = covered(CaptureMode::Manual, &[together(paid)]);
    assert_eq!((after(&given).captures_at(), after(&given).has_lapsed(EXPIRY.plus(HOUR))), (None, false));
}

// -- the order's own webhook

/// The order is told of, and its money is the merchant's to capture.
fn told(minor: u64) -> Commit {
    as_session(CaptureMode::Manual, true, opened(minor))
}

fn amounts_changed() -> Commit {
    vec![OrderEvent::AmountsChanged]
}

#[test]
fn an_orders_own_webhook_is_told_once_of_each_commit_that_changed_its_books() {
    let own = |then: &[Commit]| [&[told(100), reserved(60)], then].concat();
    let is_told = |commit: Commit| commits([commit, amounts_changed()]);
    check(&[told(100)], pay(0, 60), is_told(reserved(60)));
    check(&own(&[]), record([on_payment(1, Resolution::Authorised)]), is_told(authorised(1)));
    check(&own(&[]), record([on_payment(1, Resolution::Failed)]), is_told(resolved(1, Resolution::Failed)));

    let held = own(&[authorised(1)]);
    let capture_45 = requested([leg(1, Capture, 45)]);
    check(&held, capture(1, 45), is_told(capture_45.clone()));
    check(&held, void(1, 45), is_told(requested([leg(1, Void, 45)])));
    let up = asked(OperationKind::AmountUpdate, on(1), Some(70), [leg(1, Increase, 10)]);
    check(&held, operate(OperationKind::AmountUpdate, on(1), Some(eur(70))), is_told(up));
    let capturing = with(held.clone(), &[capture_45]);
    check(&capturing, record([on_leg(3, 0, LegResult::Done)]), is_told(done(3, 0)));
    check(&capturing, record([on_leg(3, 0, declined_leg())]), is_told(declined(3, 0)));
    let captured = with(capturing, &[done(3, 0)]);
    check(&captured, refund(1, 45), is_told(requested([leg(1, Refund, 45)])));

    // Once, however much the commit does.
    let cancelled = together([cancellation(), released([leg(1, Void, 15), leg(1, Refund, 45)])]);
    check(&captured, cancel(), is_told(cancelled));
    let both = [opened(100), reserved(60), reserved(40)];
    let words = record([on_payment(1, Resolution::Authorised), on_payment(2, Resolution::Authorised)]);
    let all = together([authorised(1), authorised(2), closed(CloseReason::Paid)]);
    check(&both, words.clone(), commits([all.clone()]));
    check(&[told(100), reserved(60), reserved(40)], words, is_told(all));
    let timed = [told(100), reserved(60), resolved(1, awaiting_shopper()), reserved(10), authorised(3)];
    check_at(EXPIRY, &timed, Command::Lapse, {
        let legs = [leg(1, Void, 60), leg(3, Void, 10)];
        is_told(together([timed_out(1), expiry(), released(legs)]))
    });
}

#[test]
fn an_orders_own_webhook_is_told_of_its_capture_by_itself_with_what_led_to_it() {
    let zero = automatic(Duration::ZERO);
    let given = [as_session(zero, true, opened(100)), reserved(100)];
    let captured = [paid_and_captured_after(Duration::ZERO), captured_by_itself([leg(1, Capture, 100)])];
    let expected = commits([authorised(1), together(captured), amounts_changed()]);
    check(&given, record([on_payment(1, Resolution::Authorised)]), expected);

    let given = [
        as_session(automatic(HOUR), true, opened(100)),
        reserved(100),
        together([authorised(1), paid_and_captured_after(HOUR)]),
    ];
    let expected = commits([captured_by_itself([leg(1, Capture, 100)]), amounts_changed()]);
    check_at(NOW.plus(HOUR), &given, Command::Lapse, expected);
}

#[test]
fn an_orders_own_webhook_is_not_told_of_what_leaves_its_books_as_they_were() {
    let own = |then: &[Commit]| [&[told(100), reserved(60)], then].concat();
    for word in [Resolution::Pending, awaiting_shopper(), Resolution::Uncertain] {
        check(&own(&[]), record([on_payment(1, word.clone())]), commits([resolved(1, word)]));
    }
    let capturing = own(&[authorised(1), requested([leg(1, Capture, 45)])]);
    for word in [LegResult::Pending, LegResult::Uncertain] {
        check(&capturing, record([on_leg(3, 0, word.clone())]), commits([leg_resolved(3, 0, word)]));
    }
    check(&capturing, with_key(record([]), print(1, 1)), commits([answered(print(1, 1))]));
    let ask = deferred(refund(1, 5));
    let recorded = operation_refused(OperationKind::Refund, on(1), Some(5), Objection::NothingAvailable);
    check(&capturing, ask, commits([recorded]));
    check(&[told(100)], cancel(), commits([cancellation(), closed(CloseReason::Cancelled)]));
    // What could not be voided for the merchant is being voided for the cancellation at once.
    let voiding = own(&[authorised(1), requested([leg(1, Void, 60)]), cancellation()]);
    let again = commits([declined(3, 0), released([leg(1, Void, 60)])]);
    check(&voiding, record([on_leg(3, 0, declined_leg())]), again);
}

#[test]
fn an_order_without_a_webhook_of_its_own_tells_nobody_that_amounts_changed() {
    for opening in [opened(100), as_session(CaptureMode::Manual, false, opened(100))] {
        check(std::slice::from_ref(&opening), pay(0, 60), commits([reserved(60)]));
        let given = [opening, reserved(60), authorised(1)];
        check(&given, capture(1, 60), commits([requested([leg(1, Capture, 60)])]));
    }
}

#[test]
fn an_order_counts_how_often_its_own_webhook_was_to_be_told() {
    let given = [
        told(100),
        together([reserved(60), amounts_changed()]),
        together([authorised(1), amounts_changed()]),
        requested([leg(1, Capture, 60)]),
    ];
    assert_eq!(after(&given).amount_changes, 2);
    assert_eq!(after(&given[..1]).amount_changes, 0);
    assert_eq!(after(&given).own_webhook().map(|webhook| webhook.url.as_str()), Some("https://shop.example/own"));
    assert_eq!(after(&[as_session(CaptureMode::Manual, false, opened(100))]).own_webhook(), None);
    assert_eq!(after(&[opened(100)]).own_webhook(), None);
}

#[test]
fn an_answer_is_pinned_beside_what_the_own_webhook_is_told() {
    let key = print(1, 1);
    let found = with_key(record([on_payment(1, Resolution::Authorised)]), key);
    let expected = commits([authorised(1), amounts_changed(), answered(key)]);
    check(&[told(100), reserved(60)], found, expected);
}

#[test]
fn a_header_is_sent_as_it_was_given() {
    let texts = [(HeaderText::Number(123_456_789), "123456789"), (HeaderText::Number(-1), "-1")];
    for (header, text) in texts {
        assert_eq!(header.to_string(), text);
    }
    assert_eq!(HeaderText::Text("order 1".into()).to_string(), "order 1");
}

/// Requests in few words come to the same as those in many.
#[test]
fn an_operation_without_more_ado_has_no_more_than_a_kind_a_target_and_an_amount() {
    let plain = Operate {
        kind: OperationKind::Capture,
        target: on(1),
        amount: Some(eur(45)),
        priorities: None,
        reference: None,
        shipped: None,
        details: None,
        is_deferred: false,
        is_recorded: false,
        is_of_attempt: false,
        items: None,
        only: Only { whole: false, upward: false, of: None },
        key: None,
    };
    assert_eq!(request(1, Capture, eur(45)), Command::Operate(plain));
    assert_eq!((on(1).payment(), ORDER.payment()), (Some(v(1)), None));
}

// -- what else has to hold

fn only(kind: OperationKind, target: Target, amount: u64, only: Only) -> Command {
    Command::Operate(Operate { only, ..Operate::new(kind, target, Some(eur(amount))) })
}

#[test]
fn where_it_has_to_be_the_whole_nothing_less_will_do() {
    let whole = Only { whole: true, ..Only::default() };
    for kind in [OperationKind::Capture, OperationKind::Void] {
        let refusal = Refusal::NotWhole { asked: eur(59), available: eur(60) };
        check(&held(&[]), only(kind, on(1), 59, whole), Err(refusal));
        check(&held(&[]), only(kind, on(1), 61, whole), Err(not_available(61, 60)));
    }
    let legs = [leg(1, Capture, 60)];
    let asked_for = commits([asked(OperationKind::Capture, on(1), Some(60), legs)]);
    check(&held(&[]), only(OperationKind::Capture, on(1), 60, whole), asked_for);
    // Of what is left, that is.
    let asked_for = commits([asked(OperationKind::Void, on(1), Some(15), [leg(1, Void, 15)])]);
    check(&partly_captured(&[]), only(OperationKind::Void, on(1), 15, whole), asked_for);
    let refusal = Refusal::NotWhole { asked: eur(44), available: eur(45) };
    check(&partly_captured(&[]), only(OperationKind::Refund, on(1), 44, whole), Err(refusal));
}

#[test]
fn what_may_only_grow_grows() {
    let upward = Only { upward: true, ..Only::default() };
    for amount in [59, 60] {
        let refusal = Refusal::NotMore { asked: eur(amount), held: eur(60) };
        check(&held(&[]), only(OperationKind::AmountUpdate, on(1), amount, upward), Err(refusal));
    }
    let asked_for = commits([asked(OperationKind::AmountUpdate, on(1), Some(75), [leg(1, Increase, 15)])]);
    check(&held(&[]), only(OperationKind::AmountUpdate, on(1), 75, upward), asked_for);
}

/// The same commit, of what one capture took.
fn of_capture(mut commit: Commit, capture: u16) -> Commit {
    for event in &mut commit {
        if let OrderEvent::OperationRequested { of, .. } = event {
            *of = Some(v(capture));
        }
    }
    commit
}

#[test]
fn of_one_capture_no_more_is_refunded_than_it_took() {
    let of = |capture: u16| Only { of: Some(v(capture)), ..Only::default() };
    let refund = |amount: u64, capture: u16| only(OperationKind::Refund, on(1), amount, of(capture));
    // 45 by operation 3, and 10 by operation 5.
    let second = [requested([leg(1, Capture, 10)]), done(5, 0)];
    let taken = partly_captured(&second);
    check(&taken, refund(46, 3), Err(not_available(46, 45)));
    check(&taken, refund(11, 5), Err(not_available(11, 10)));
    let asked_of = |amount: u64, capture: u16| {
        of_capture(asked(OperationKind::Refund, on(1), Some(amount), [leg(1, Refund, amount)]), capture)
    };
    check(&taken, refund(45, 3), commits([asked_of(45, 3)]));
    // What is in flight is taken off, and what was declined is not.
    let asked_for = with(taken.clone(), &[asked_of(6, 5)]);
    check(&asked_for, refund(5, 5), Err(not_available(5, 4)));
    let refused = with(asked_for.clone(), &[leg_resolved(7, 0, declined_leg())]);
    check(&refused, refund(10, 5), commits([asked_of(10, 5)]));
    let given = with(asked_for, &[done(7, 0)]);
    check(&given, refund(5, 5), Err(not_available(5, 4)));
    check(&given, refund(4, 5), commits([asked_of(4, 5)]));
    check(&given, refund(45, 3), commits([asked_of(45, 3)]));
    // Without a word of which, it is the payment's: what is left of it is the limit of each capture, too.
    let whole = with(taken, &[requested([leg(1, Refund, 50)]), done(7, 0)]);
    check(&whole, refund(6, 3), Err(not_available(6, 5)));
}

#[test]
fn of_what_captured_nothing_nothing_is_refunded() {
    let of = |capture: u16| Only { of: Some(v(capture)), ..Only::default() };
    let refund = |capture: u16| only(OperationKind::Refund, on(1), 1, of(capture));
    let in_flight = partly_captured(&[requested([leg(1, Capture, 10)])]);
    // No operation; another kind of one; one that is not done yet; one of another payment.
    check(&partly_captured(&[]), refund(9), Err(Refusal::NotCaptured));
    check(&partly_captured(&[requested([leg(1, Void, 5)]), done(5, 0)]), refund(5), Err(Refusal::NotCaptured));
    check(&in_flight, refund(5), Err(Refusal::NotCaptured));
    let two = captured();
    check(&two, only(OperationKind::Refund, on(2), 21, of(5)), Err(not_available(21, 20)));
    check(&two, only(OperationKind::Refund, on(1), 101, of(5)), Err(not_available(101, 100)));
}
