//! What is told of an order: every change, by a name and a number, in both formats.

use std::collections::BTreeSet;

use domain::{
    Action::{Capture, Increase, Refund, Void},
    Aggregate, Order, OrderId, Time, Version,
    order::{
        CHANGE_NAMES, CancelReason, CancelledBy, Change, ChangeId, CloseReason, Decline, Format, LegResult, Objection,
        OperationKind, OrderEvent, OrderKind, Position, Resolution, Target, Topic, changes,
    },
};
use proptest::{prelude::*, sample::Index};

use crate::{
    properties::{Story, any_opening, any_steps, through_json},
    support::{
        Commit, NOW, after, answered, asked, authorised, awaiting_shopper, cancellation, closed, declined,
        declined_leg, done, expiry, leg, leg_resolved, opened, opened_around_a_payment, operation_refused, print,
        refused, released, requested, reserved, resolved, timed_out, together, v,
    },
};

/// The changes that the last of these commits made, each commit at [`NOW`].
fn last_changes(given: &[Commit]) -> Vec<Change> {
    let (commit, before) = given.split_last().unwrap();
    let version = v(u16::try_from(before.len()).unwrap());
    let before = (!before.is_empty()).then(|| after(before));
    changes(before, commit, version, NOW)
}

/// Given these commits, the last is told so: the names of its changes in our own format, and in Adyen's.
#[track_caller]
fn check<const N: usize>(given: &[Commit], expected: [(&str, &str); N]) {
    let told = last_changes(given);
    let names = told.iter().map(|change| (change.name(Format::Tender), change.name(Format::Checkout)));
    assert_eq!(names.collect::<Vec<_>>(), expected, "{given:?}");
    for (change, index) in told.iter().zip(0..) {
        assert_eq!(change.position, Position { version: v(u16::try_from(given.len() - 1).unwrap()), index });
        for format in FORMATS {
            assert_eq!(change.is_told(format), !change.name(format).is_empty(), "{:?}", change.event);
        }
    }
}

/// A payment of 60 of 100, with what followed.
fn paying(then: &[Commit]) -> Vec<Commit> {
    [&[opened(100), reserved(60)], then].concat()
}

const PENDING: Resolution = Resolution::Pending;

const FORMATS: [Format; 3] = [Format::Checkout, Format::Tender, Format::Payments];

// -- names and topics

#[test]
fn an_order_in_parts_is_told_from_its_beginning_to_its_end() {
    check(&[opened(100)], [("order.opened", "ORDER_OPENED")]);
    check(&paying(&[]), [("payment.reserved", "")]);
    let paid = [opened(100), reserved(100), together([authorised(1), closed(CloseReason::Paid)])];
    check(&paid, [("payment.authorised", "AUTHORISATION"), ("order.closed", "ORDER_CLOSED")]);
    let cancelled = [opened(100), together([cancellation(), closed(CloseReason::Cancelled)])];
    check(&cancelled, [("order.cancellation_requested", ""), ("order.closed", "ORDER_CLOSED")]);
    let expired = [opened(100), together([expiry(), closed(CloseReason::Expired)])];
    check(&expired, [("order.cancellation_requested", ""), ("order.closed", "ORDER_CLOSED")]);
}

/// To a shop that opened no order there is none.
#[test]
fn an_order_around_one_payment_is_told_as_that_payment() {
    check(&[opened_around_a_payment(100)], [("order.opened", ""), ("payment.reserved", "")]);
    let paid = [opened_around_a_payment(100), together([authorised(0), closed(CloseReason::Paid)])];
    check(&paid, [("payment.authorised", "AUTHORISATION"), ("order.closed", "")]);
    let failed = [opened_around_a_payment(100), together([refused(0), closed(CloseReason::PaymentFailed)])];
    check(&failed, [("payment.refused", "AUTHORISATION"), ("order.closed", "")]);
}

#[test]
fn the_final_word_on_a_payment_is_an_authorisation_whatever_it_says() {
    let cancelled = Resolution::Cancelled { by: CancelledBy::Shopper };
    let table = [
        (Resolution::Authorised, ("payment.authorised", "AUTHORISATION")),
        (Resolution::Refused { reason: Decline::ExpiredCard }, ("payment.refused", "AUTHORISATION")),
        (cancelled, ("payment.cancelled", "AUTHORISATION")),
        (Resolution::Failed, ("payment.failed", "AUTHORISATION")),
        (Resolution::Pending, ("payment.pending", "")),
        (awaiting_shopper(), ("payment.awaiting_shopper", "")),
        (Resolution::Uncertain, ("payment.uncertain", "")),
    ];
    for (word, expected) in table {
        check(&paying(&[resolved(1, word)]), [expected]);
    }
}

#[test]
fn the_final_word_on_an_operation_is_told_and_the_rest_only_in_our_own_format() {
    let captured = [authorised(1), requested([leg(1, Capture, 60)]), done(3, 0)];
    let table = [
        (vec![authorised(1)], Capture, "capture", "CAPTURE"),
        (vec![authorised(1)], Void, "void", "CANCELLATION"),
        (captured.to_vec(), Refund, "refund", "REFUND"),
    ];
    for (given, action, name, code) in table {
        let asked = paying(&[&given[..], &[requested([leg(1, action, 20)])]].concat());
        check(&asked, [("operation.requested", "")]);
        let operation = u16::try_from(asked.len() - 1).unwrap();
        let words = [
            (LegResult::Done, "done", code),
            (LegResult::Declined { reason: Decline::NotPermitted }, "declined", code),
            (LegResult::Pending, "pending", ""),
            (LegResult::Uncertain, "uncertain", ""),
        ];
        for (word, result, code) in words {
            let told = [&asked[..], &[leg_resolved(operation, 0, word)]].concat();
            check(&told, [(&format!("{name}.{result}"), code)]);
        }
    }
    // Each leg of a release by itself.
    let legs = [leg(1, Void, 40), leg(1, Refund, 20)];
    let given = paying(&[
        authorised(1),
        requested([leg(1, Capture, 20)]),
        done(3, 0),
        together([cancellation(), released(legs)]),
    ]);
    let ended = together([done(5, 1), done(5, 0), closed(CloseReason::Cancelled)]);
    check(
        &[&given[..], &[ended]].concat(),
        [("refund.done", "REFUND"), ("void.done", "CANCELLATION"), ("order.closed", "ORDER_CLOSED")],
    );
}

#[test]
fn the_release_of_a_payment_that_was_not_authorised_is_told_as_its_end() {
    for word in [PENDING, awaiting_shopper()] {
        let given = paying(&[resolved(1, word), together([cancellation(), released([leg(1, Void, 60)])])]);
        let told = [&given[..], &[together([done(3, 0), closed(CloseReason::Cancelled)])]].concat();
        check(&told, [("void.done", "CANCELLATION"), ("order.closed", "ORDER_CLOSED")]);
        // It goes on: its end will be told.
        check(&[&given[..], &[declined(3, 0)]].concat(), [("void.declined", "")]);
        // It was told that it has failed.
        for result in [done(3, 0), declined(3, 0)] {
            let name = if result == done(3, 0) { "void.done" } else { "void.declined" };
            check(&[&given[..], &[refused(1), result]].concat(), [(name, "")]);
        }
        // It was authorised meanwhile: the void is one of an authorised payment.
        for result in [done(3, 0), declined(3, 0)] {
            let name = if result == done(3, 0) { "void.done" } else { "void.declined" };
            check(&[&given[..], &[authorised(1), result]].concat(), [(name, "CANCELLATION")]);
        }
    }
}

#[test]
fn the_end_of_a_payment_that_is_out_of_time_is_a_closed_offer() {
    let given = paying(&[resolved(1, awaiting_shopper()), together([timed_out(1), released([leg(1, Void, 60)])])]);
    check(&given, [("payment.timed_out", ""), ("operation.requested", "")]);
    check(&[&given[..], &[done(3, 0)]].concat(), [("void.done", "OFFER_CLOSED")]);
    check(&[&given[..], &[declined(3, 0)]].concat(), [("void.declined", "")]);
    let dead = [
        (Resolution::Refused { reason: Decline::Refused }, "payment.refused"),
        (Resolution::Cancelled { by: CancelledBy::Shopper }, "payment.cancelled"),
        (Resolution::Failed, "payment.failed"),
    ];
    for (word, name) in dead {
        check(&[&given[..], &[resolved(1, word.clone())]].concat(), [(name, "OFFER_CLOSED")]);
        // Once.
        check(&[&given[..], &[resolved(1, word.clone()), done(3, 0)]].concat(), [("void.done", "")]);
        check(
            &[&given[..], &[together([resolved(1, word), done(3, 0)])]].concat(),
            [(name, "OFFER_CLOSED"), ("void.done", "")],
        );
    }
    // The shopper finished all the same.
    let finished = [&given[..], &[authorised(1)]].concat();
    check(&finished, [("payment.authorised", "AUTHORISATION")]);
    check(&[&finished[..], &[done(3, 0)]].concat(), [("void.done", "CANCELLATION")]);
    check(&[&finished[..], &[declined(3, 0)]].concat(), [("void.declined", "CANCELLATION")]);
    check(&[&given[..], &[resolved(1, PENDING)]].concat(), [("payment.pending", "")]);
}

#[test]
fn an_answer_that_was_only_pinned_is_no_change() {
    let given = paying(&[together([authorised(1), answered(print(1, 1))])]);
    check(&given, [("payment.authorised", "AUTHORISATION"), ("", "")]);
    let counts =
        last_changes(&given).iter().map(|change| (change.order.changes, change.order.topics)).collect::<Vec<_>>();
    assert_eq!(counts, [(3, 2), (3, 2)]);
}

#[test]
fn what_does_not_exist_has_no_name_and_no_topic() {
    for given in [vec![authorised(1), done(2, 0)], vec![authorised(1), requested([leg(1, Capture, 60)]), done(3, 1)]] {
        let [change] = last_changes(&paying(&given)).try_into().unwrap();
        assert_eq!((change.name(Format::Tender), change.topic), ("", None));
    }
    assert_eq!(changes(None, &authorised(1), v(1), NOW), []);
}

#[test]
fn changes_are_numbered_from_1_in_each_format() {
    let given = [
        opened(100),
        reserved(60),
        resolved(1, PENDING),
        together([authorised(1), answered(print(1, 1))]),
        answered(print(2, 2)),
        reserved(40),
        together([authorised(5), closed(CloseReason::Paid)]),
        requested([leg(1, Capture, 60)]),
        done(7, 0),
    ];
    let mut told = Vec::new();
    for end in 1..=given.len() {
        told.extend(last_changes(&given[..end]));
    }
    let sequences = |format| {
        let told = told.iter().filter(|change| change.is_told(format));
        told.map(|change| (change.sequence(format), change.name(format))).collect::<Vec<_>>()
    };
    assert_eq!(
        sequences(Format::Checkout),
        [(1, "ORDER_OPENED"), (2, "AUTHORISATION"), (3, "AUTHORISATION"), (4, "ORDER_CLOSED"), (5, "CAPTURE")]
    );
    assert_eq!(
        sequences(Format::Tender),
        [
            (1, "order.opened"),
            (2, "payment.reserved"),
            (3, "payment.pending"),
            (4, "payment.authorised"),
            (5, "payment.reserved"),
            (6, "payment.authorised"),
            (7, "order.closed"),
            (8, "operation.requested"),
            (9, "capture.done"),
        ]
    );
}

// -- operations of more than one action

/// What an operation of these legs is told of each of these words, in Adyen's format, after the legs' own names.
#[track_caller]
fn check_topics(given: &[Commit], asked: Commit, words: &[(u16, LegResult, &str)]) {
    let mut given = [given, &[asked]].concat();
    let operation = u16::try_from(given.len() - 1).unwrap();
    assert!(last_changes(&given).iter().all(|change| change.topic.is_none()), "nothing has been done yet");
    for (index, word, code) in words {
        given.push(leg_resolved(operation, *index, word.clone()));
        let [change] = last_changes(&given).try_into().unwrap();
        assert_eq!(change.name(Format::Checkout), *code, "{word:?} of leg {index} after {given:?}");
        assert!(change.is_told(Format::Tender), "{word:?} of leg {index}");
    }
}

/// A payment of 60 of which 45 were captured. The next commit is 5.
fn partly_captured() -> Vec<Commit> {
    paying(&[authorised(1), requested([leg(1, Capture, 45)]), done(3, 0)])
}

#[test]
fn a_reversal_is_told_once_by_its_last_leg() {
    let reversal = |target| asked(OperationKind::Reversal, target, None, [leg(1, Void, 15), leg(1, Refund, 45)]);
    let of_it = Target::Payment(v(1));
    const D: LegResult = LegResult::Done;
    const TOLD: &str = "CANCEL_OR_REFUND";
    check_topics(&partly_captured(), reversal(of_it), &[(0, D, ""), (1, D, TOLD)]);
    check_topics(&partly_captured(), reversal(of_it), &[(1, D, ""), (0, D, TOLD)]);
    check_topics(&partly_captured(), reversal(of_it), &[(1, declined_leg(), ""), (0, D, TOLD)]);
    check_topics(&partly_captured(), reversal(of_it), &[(1, declined_leg(), ""), (0, declined_leg(), TOLD)]);
    let late = [(0, LegResult::Pending, ""), (1, D, ""), (0, LegResult::Uncertain, ""), (0, D, TOLD)];
    check_topics(&partly_captured(), reversal(of_it), &late);
    // Both in one commit.
    let both = [&partly_captured()[..], &[reversal(of_it), together([done(5, 1), done(5, 0)])]].concat();
    check(&both, [("refund.done", ""), ("void.done", TOLD)]);
    // Of a whole order that ends with it.
    let cancelling = [partly_captured(), vec![together([cancellation(), reversal(Target::Order)])]].concat();
    check(&cancelling, [("order.cancellation_requested", ""), ("operation.requested", "")]);
    let ended = together([done(5, 0), done(5, 1), closed(CloseReason::Cancelled)]);
    check(
        &[&cancelling[..], &[ended]].concat(),
        [("void.done", ""), ("refund.done", TOLD), ("order.closed", "ORDER_CLOSED")],
    );
    // Of one that is not authorised yet, it is told as its end.
    let pending = paying(&[resolved(1, PENDING)]);
    let void = || asked(OperationKind::Reversal, of_it, None, [leg(1, Void, 60)]);
    check_topics(&pending, void(), &[(0, D, TOLD)]);
    check_topics(&pending, void(), &[(0, declined_leg(), TOLD)]);
    // What it has to give back later is told as what that is.
    let capturing = paying(&[authorised(1), requested([leg(1, Capture, 45)])]);
    let reversed = asked(OperationKind::Reversal, of_it, None, [leg(1, Void, 15)]);
    let given = [&capturing[..], &[reversed, done(4, 0), together([done(3, 0), released([leg(1, Refund, 45)])])]];
    check(&[&given.concat()[..], &[done(6, 0)]].concat(), [("refund.done", "REFUND")]);
}

#[test]
fn a_technical_cancel_is_told_as_such_and_a_change_of_the_amount_too() {
    let of_it = Target::Payment(v(1));
    let held = paying(&[authorised(1)]);
    for word in [LegResult::Done, declined_leg()] {
        let cancel = asked(OperationKind::TechnicalCancel, of_it, None, [leg(1, Void, 60)]);
        check_topics(&held, cancel.clone(), &[(0, LegResult::Pending, ""), (0, word.clone(), "TECHNICAL_CANCEL")]);
        check_topics(&paying(&[resolved(1, PENDING)]), cancel, &[(0, word.clone(), "TECHNICAL_CANCEL")]);
        for (amount, action) in [(80, Increase), (40, Void)] {
            let update = asked(OperationKind::AmountUpdate, of_it, Some(amount), [leg(1, action, 20)]);
            let words = [(0, LegResult::Uncertain, ""), (0, word.clone(), "AUTHORISATION_ADJUSTMENT")];
            check_topics(&held, update, &words);
        }
    }
    for (word, name) in [
        (LegResult::Done, "increase.done"),
        (declined_leg(), "increase.declined"),
        (LegResult::Pending, "increase.pending"),
        (LegResult::Uncertain, "increase.uncertain"),
    ] {
        let update = asked(OperationKind::AmountUpdate, of_it, Some(80), [leg(1, Increase, 20)]);
        let told = [&held[..], &[update, leg_resolved(3, 0, word)]].concat();
        assert_eq!(last_changes(&told)[0].name(Format::Tender), name);
    }
    // A technical cancel of several payments is told once.
    let two = [opened(100), reserved(60), authorised(1), reserved(40), authorised(3)];
    let legs = [leg(1, Void, 60), leg(3, Void, 40)];
    let cancel = asked(OperationKind::TechnicalCancel, Target::Order, None, legs);
    check_topics(&two, cancel, &[(1, LegResult::Done, ""), (0, LegResult::Done, "TECHNICAL_CANCEL")]);
}

#[test]
fn a_capture_a_void_and_a_refund_of_a_whole_order_are_told_leg_by_leg() {
    let two = [opened(100), reserved(60), authorised(1), reserved(40), authorised(3)];
    let words = |code| [(1, LegResult::Done, code), (0, declined_leg(), code)];
    for (kind, action, code) in
        [(OperationKind::Capture, Capture, "CAPTURE"), (OperationKind::Void, Void, "CANCELLATION")]
    {
        let both = asked(kind, Target::Order, None, [leg(1, action, 60), leg(3, action, 40)]);
        check_topics(&two, both, &words(code));
    }
    let capture = asked(OperationKind::Capture, Target::Order, None, [leg(1, Capture, 60), leg(3, Capture, 40)]);
    let captured = [&two[..], &[capture, together([done(5, 0), done(5, 1)])]].concat();
    let both = asked(OperationKind::Refund, Target::Order, None, [leg(1, Refund, 60), leg(3, Refund, 40)]);
    check_topics(&captured, both, &words("REFUND"));
}

/// Whoever asked did not wait for an answer.
#[test]
fn an_operation_that_was_refused_is_told() {
    let table = [
        (OperationKind::Capture, "CAPTURE"),
        (OperationKind::Void, "CANCELLATION"),
        (OperationKind::Refund, "REFUND"),
        (OperationKind::Reversal, "CANCEL_OR_REFUND"),
        (OperationKind::AmountUpdate, "AUTHORISATION_ADJUSTMENT"),
        (OperationKind::TechnicalCancel, "TECHNICAL_CANCEL"),
    ];
    for (kind, code) in table {
        let refusal = operation_refused(kind, Target::Payment(v(1)), None, Objection::NotAuthorised);
        check(&paying(&[refused(1), refusal]), [("operation.refused", code)]);
    }
}

/// The payments family tells one thing: that amounts have changed.
#[test]
fn an_orders_own_webhook_is_told_only_that_its_amounts_changed() {
    let given = [
        opened(100),
        together([reserved(60), vec![OrderEvent::AmountsChanged]]),
        resolved(1, PENDING),
        together([authorised(1), vec![OrderEvent::AmountsChanged], answered(print(1, 1))]),
    ];
    let mut told = Vec::new();
    for end in 1..=given.len() {
        told.extend(last_changes(&given[..end]));
    }
    let told = told.iter().filter(|change| change.is_told(Format::Payments));
    let told = told.map(|change| (change.position, change.sequence(Format::Payments), change.name(Format::Payments)));
    let at = |version, index| Position { version: v(version), index };
    assert_eq!(
        told.collect::<Vec<_>>(),
        [(at(1, 1), 1, "payment.amounts_changed"), (at(3, 1), 2, "payment.amounts_changed")]
    );
    // To the merchant's endpoints it is no change.
    check(&given[..2], [("payment.reserved", ""), ("", "")]);
    assert!(!CHANGE_NAMES.contains(&"payment.amounts_changed"));
}

/// A change is told with the order as it left it, so that each try tells the same.
#[test]
fn a_change_carries_the_order_right_after_it() {
    let given = [opened(100), reserved(100), together([authorised(1), closed(CloseReason::Paid)])];
    let [authorised, closed] = last_changes(&given).try_into().unwrap();
    assert_eq!((authorised.order.closed.is_some(), authorised.order.remaining), (false, 0));
    assert_eq!(
        (&authorised.event, authorised.at),
        (&OrderEvent::PaymentResolved { payment: v(1), resolution: Resolution::Authorised }, NOW)
    );
    assert_eq!(closed.order, after(&given));
}

// -- lists of names

#[test]
fn the_names_of_changes_and_of_topics_never_change() {
    let codes = Topic::ALL.iter().map(|topic| topic.code()).collect::<Vec<_>>();
    let expected = [
        "ORDER_OPENED AUTHORISATION CAPTURE CANCELLATION REFUND",
        "CANCEL_OR_REFUND AUTHORISATION_ADJUSTMENT TECHNICAL_CANCEL",
        "OFFER_CLOSED ORDER_CLOSED",
    ];
    assert_eq!(codes.join(" "), expected.join(" "));
    let expected = [
        "order.opened order.revised order.lines_added order.reopened lines.recorded",
        "order.cancellation_requested order.closed",
        "payment.reserved payment.authorised payment.refused payment.cancelled payment.failed",
        "payment.pending payment.awaiting_shopper payment.uncertain payment.timed_out",
        "operation.requested operation.refused",
        "capture.done capture.declined capture.pending capture.uncertain",
        "void.done void.declined void.pending void.uncertain",
        "refund.done refund.declined refund.pending refund.uncertain",
        "increase.done increase.declined increase.pending increase.uncertain",
    ];
    assert_eq!(CHANGE_NAMES.join(" "), expected.join(" "));
    let formats = [Format::Checkout, Format::Tender, Format::Payments];
    assert_eq!(serde_json::to_string(&formats).unwrap(), r#"["checkout","tender","payments"]"#);
}

// -- identities

#[test]
fn a_change_is_called_by_its_order_its_commit_and_its_place_in_it() {
    let order = OrderId::from_entropy([0xFF; 16]);
    let table = [
        ("evt_ZZZZZZZZZZZZZ000_0", 0, 0),
        ("evt_ZZZZZZZZZZZZZ004_1", 4, 1),
        ("evt_ZZZZZZZZZZZZZZZZ_65535", 32_767, u16::MAX),
    ];
    for (text, version, index) in table {
        let id = ChangeId { order, position: Position { version: v(version), index } };
        assert_eq!(id.to_string(), text);
        assert_eq!(text.parse(), Ok(id));
    }
}

#[test]
fn what_is_no_name_of_a_change_is_not_read() {
    let garbage = [
        "",
        "evt_",
        "evt__",
        "evt_0",
        "evt__0",
        "evt_ZZZZZZZZZZZZZ000",
        "evt_ZZZZZZZZZZZZZ000_",
        "evt_ZZZZZZZZZZZZZ000_x",
        "evt_ZZZZZZZZZZZZZ000_-1",
        "evt_ZZZZZZZZZZZZZ000_+1",
        "evt_ZZZZZZZZZZZZZ000_ 1",
        "evt_ZZZZZZZZZZZZZ000_1 ",
        "evt_ZZZZZZZZZZZZZ000_65536",
        "evt_ZZZZZZZZZZZZZ000_0_0",
        "evt_ZZZZZZZZZZZZZ00_0",
        "evt_ZZZZZZZZZZZZZ0000_0",
        "evt_ZZZZZZZZZZZZZ00U_0",
        "evt_ZZZZZZZZZZZZZ00é_0",
        "ZZZZZZZZZZZZZ000_0",
        "EVT_ZZZZZZZZZZZZZ000_0",
        "evt_test_we_1_0",
        "evt-ZZZZZZZZZZZZZ000-0",
    ];
    for text in garbage {
        assert!(text.parse::<ChangeId>().is_err(), "{text:?}");
    }
}

#[test]
fn places_follow_one_another_within_a_commit_and_from_commit_to_commit() {
    let at = |version, index| Position { version: v(version), index };
    let sorted = [at(0, 0), at(0, 1), at(0, u16::MAX), at(1, 0), at(2, 7)];
    assert!(sorted.is_sorted_by(|before, after| before < after));
    assert_eq!(at(3, 1).next(), at(3, 2));
    for (before, after) in sorted.iter().zip(&sorted[1..]) {
        assert!(before.next() <= *after, "{before:?} {after:?}");
    }
    assert_eq!(at(0, u16::MAX).next(), at(0, u16::MAX), "no commit has as many events");
}

// -- whatever happens

/// All changes of an order, each commit's told by the order before it.
fn all_changes(commits: &[(Version, Time, Commit)]) -> Vec<Change> {
    let mut order = None::<Order>;
    let mut all = Vec::new();
    for (version, at, events) in commits {
        all.extend(changes(order.clone(), events, *version, *at));
        order = Order::evolve_all(order, events, *version, *at);
    }
    all
}

proptest! {
    #[test]
    fn changes_are_numbered_without_gaps_whatever_happens(opening in any_opening(), steps in any_steps()) {
        let story = Story::of(opening, &steps)?;
        let all = all_changes(&story.commits);
        let events = story.commits.iter().flat_map(|(.., events)| events);
        prop_assert!(all.iter().map(|change| &change.event).eq(events), "every event is a change");
        for format in FORMATS {
            let told = all.iter().filter(|change| change.is_told(format));
            let sequences = told.map(|change| change.sequence(format)).collect::<Vec<_>>();
            let count = u32::try_from(sequences.len()).unwrap();
            prop_assert_eq!(sequences, (1..=count).collect::<Vec<_>>());
        }
        prop_assert_eq!(
            [story.order.topics, story.order.changes, story.order.amount_changes],
            FORMATS.map(|format| all.last().unwrap().sequence(format))
        );
        prop_assert!(all.is_sorted_by(|before, after| before.position < after.position));
        for change in &all {
            let (name, code) = (change.name(Format::Tender), change.name(Format::Checkout));
            prop_assert_eq!(change.is_told(Format::Tender), CHANGE_NAMES.contains(&name), "{:?}", change.event);
            prop_assert_eq!(change.is_told(Format::Checkout), !code.is_empty());
            prop_assert_eq!(change.topic.is_some(), change.is_told(Format::Checkout));
            // What is told in one format is told in the other, and is expected to be.
            prop_assert!(change.topic.is_none() || (change.event.is_change() && change.event.may_have_topic()));
        }
    }

    #[test]
    fn changes_are_the_same_from_a_snapshot_on(opening in any_opening(), steps in any_steps(), cut: Index) {
        let story = Story::of(opening, &steps)?;
        let all = all_changes(&story.commits);
        let fold = |order, commits: &[(Version, Time, Commit)]| {
            commits.iter().fold(order, |order, (version, at, events)| Order::evolve_all(order, events, *version, *at))
        };
        // Of one commit, told by a snapshot of what was before it.
        let which = cut.index(story.commits.len());
        let (before, rest) = story.commits.split_at(which);
        let (version, at, events) = &rest[0];
        let snapshot = fold(None, before).map(|order| through_json(&order));
        let told = changes(snapshot.clone(), events, *version, *at);
        let expected = all.iter().filter(|change| change.position.version == *version).cloned().collect::<Vec<_>>();
        prop_assert_eq!(&told, &expected);
        let after = fold(snapshot, &rest[..1]);
        prop_assert_eq!(told.last().map(|last| &last.order), after.as_ref());
        // And of a commit cut in two, as far as orders go: what is told does not depend on what comes with it.
        let (first, second) = events.split_at(cut.index(events.len() + 1));
        let mut halves = changes(fold(None, before), first, *version, *at);
        let between = Order::evolve_all(fold(None, before), first, *version, *at);
        let offset = u16::try_from(first.len()).unwrap();
        halves.extend(changes(between, second, *version, *at).into_iter().map(|change| Change {
            position: Position { index: change.position.index + offset, ..change.position },
            ..change
        }));
        prop_assert_eq!(halves, expected);
    }

    /// After its end, only results of captures, voids and refunds are told of an order.
    #[test]
    fn an_order_in_parts_is_told_to_begin_once_first_and_to_end_once_with_nothing_but_operations_after_it(
        opening in any_opening(),
        steps in any_steps(),
    ) {
        let story = Story::of(opening, &steps)?;
        let topics = all_changes(&story.commits).into_iter().filter_map(|change| change.topic).collect::<Vec<_>>();
        if story.order.kind == OrderKind::Single {
            prop_assert!(!topics.contains(&Topic::OrderOpened) && !topics.contains(&Topic::OrderClosed));
            return Ok(());
        }
        prop_assert_eq!(topics[0], Topic::OrderOpened);
        prop_assert!(!topics[1..].contains(&Topic::OrderOpened));
        let mut parts = topics.split(|topic| *topic == Topic::OrderClosed);
        let (before, after) = (parts.next().unwrap_or_default(), parts.next());
        prop_assert!(parts.next().is_none(), "closed twice");
        prop_assert_eq!(after.is_some(), story.order.closed.is_some());
        let operations = [
            Topic::Capture,
            Topic::Cancellation,
            Topic::Refund,
            Topic::CancelOrRefund,
            Topic::AuthorisationAdjustment,
            Topic::TechnicalCancel,
        ];
        let is_operation = |topic: &Topic| operations.contains(topic);
        prop_assert!(after.is_none_or(|after| after.iter().all(is_operation)), "{:?}", after);
        // One end for each attempt to pay that has ended, before the order does.
        let ends = before.iter().filter(|topic| matches!(topic, Topic::Authorisation | Topic::OfferClosed)).count();
        let voided = story.order.payments.iter().filter(|payment| {
            payment.resolution == Some(Resolution::Cancelled { by: CancelledBy::Order })
        });
        let ended = story.order.payments.iter().filter(|payment| payment.is_final()).count();
        prop_assert_eq!(ends, ended - voided.count());
        // An order that was not paid ends with its last release.
        let reason = story.order.closed.as_ref().map(|closed| closed.reason);
        let is_paid = reason.is_none() || reason == Some(CloseReason::Paid);
        let is_cancelled = story.order.cancellation.as_ref().map(|cancellation| cancellation.reason);
        prop_assert_eq!(reason == Some(CloseReason::Expired), !is_paid && is_cancelled == Some(CancelReason::Expired));
    }

    #[test]
    fn the_name_of_a_change_leads_back_to_it(entropy: [u8; 16], version in 0..32_768_u16, index: u16) {
        let id = ChangeId { order: OrderId::from_entropy(entropy), position: Position { version: v(version), index } };
        let text = id.to_string();
        prop_assert_eq!(text.parse::<ChangeId>(), Ok(id));
        prop_assert!(text.starts_with("evt_") && text.len() <= 26, "{}", text);
    }

    #[test]
    fn whatever_is_written_is_read_as_a_change_only_if_it_names_one(text in "(evt_)?[0-9A-Za-z]{14,17}_?[0-9+-]{0,6}") {
        if let Ok(id) = text.parse::<ChangeId>() {
            prop_assert_eq!(id.to_string().parse::<ChangeId>(), Ok(id));
        }
    }
}

/// Names are compared with what an endpoint wants, so each can be made.
#[test]
fn every_name_names_something() {
    let made = [
        &["order.opened", "order.revised", "order.lines_added", "order.reopened", "lines.recorded"][..],
        &["order.cancellation_requested", "order.closed"],
        &["operation.requested", "operation.refused", "payment.reserved", "payment.timed_out"],
    ];
    let words = ["authorised", "refused", "cancelled", "failed", "pending", "awaiting_shopper", "uncertain"];
    let payments = words.iter().map(|word| format!("payment.{word}"));
    let legs = ["capture", "void", "refund", "increase"].iter().flat_map(|action| {
        ["done", "declined", "pending", "uncertain"].iter().map(move |result| format!("{action}.{result}"))
    });
    let made = made.concat().into_iter().map(str::to_owned).chain(payments).chain(legs).collect::<BTreeSet<_>>();
    assert_eq!(made, CHANGE_NAMES.iter().map(|name| (*name).to_owned()).collect());
}
