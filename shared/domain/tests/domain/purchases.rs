//! What the paymentorders family asks of orders: what counts as an operation that failed, attempts that are given up,
//! and carts that change.

use std::time::Duration;

use domain::{
    Action, Aggregate, Order,
    order::{CloseReason, Command, Objection, Operate, OperationKind, OrderEvent, Refusal, Revise, Target},
};

use crate::support::{
    Commit, NOW, after, asked, authorised, awaiting_shopper, check, closed, commits, done, eur, leg, opened, request,
    reserved, resolved, together, v,
};

const ALL: Target = Target::Order;

fn on(payment: u16) -> Target {
    Target::Payment(v(payment))
}

fn recorded(kind: OperationKind, amount: u64) -> Command {
    Command::Operate(Operate { is_recorded: true, ..Operate::new(kind, ALL, Some(eur(amount))) })
}

fn paid() -> [Commit; 3] {
    [opened(1_500), reserved(1_500), together([authorised(1), closed(CloseReason::Paid)])]
}

#[test]
fn only_what_asks_for_too_much_is_put_on_record_for_a_caller_who_waits() {
    let given = paid();
    let refusal = Refusal::NotAvailable { asked: eur(1_501), available: eur(1_500) };
    let expected = OrderEvent::OperationRefused {
        kind: OperationKind::Capture,
        target: None,
        reference: None,
        amount: Some(1_501),
        objection: Objection::ExceedsAvailable,
        explanation: Some(refusal.to_string()),
        key: None,
    };
    check(&given, recorded(OperationKind::Capture, 1_501), commits([vec![expected]]));
    // What cannot be asked for now would have failed five times in a row by asking five times too early.
    check(&given, recorded(OperationKind::Refund, 1), Err(Refusal::NothingAvailable));
    check(&[opened(1_500)], recorded(OperationKind::Capture, 1), Err(Refusal::NothingAvailable));
}

#[test]
fn an_attempt_is_given_up_only_as_long_as_it_is_one() {
    let give_up = Operate { is_of_attempt: true, ..Operate::new(OperationKind::Void, on(1), None) };
    let give_up = Command::Operate(give_up);
    let waiting = [opened(1_500), reserved(1_500), resolved(1, awaiting_shopper())];
    let expected = asked(OperationKind::Void, on(1), None, [leg(1, Action::Void, 1_500)]);
    check(&waiting, give_up.clone(), commits([expected]));
    // The shopper was faster: what is paid stays paid.
    check(&paid(), give_up, Err(Refusal::NothingAvailable));
    check(&paid(), request(1, Action::Void, eur(1_500)), {
        commits([asked(OperationKind::Void, on(1), Some(1_500), [leg(1, Action::Void, 1_500)])])
    });
}

fn revise(minor: u64) -> Command {
    Command::Revise(Revise { amount: eur(minor), tax: 0, description: None, lines: None, details: None, key: None })
}

fn revised(minor: u64) -> Commit {
    vec![OrderEvent::Revised { amount: eur(minor), tax: 0, description: None, sheet: None, details: None, key: None }]
}

#[test]
fn a_cart_changes_after_an_attempt_was_given_up_but_not_after_money_was_moved() {
    let void = asked(OperationKind::Void, on(3), None, [leg(3, Action::Void, 1_000)]);
    let given_up =
        [opened(1_500), reserved(500), authorised(1), reserved(1_000), resolved(3, awaiting_shopper()), void.clone()];
    check(&given_up, revise(2_000), Err(Refusal::InFlight));
    let given_up = [given_up.as_slice(), &[done(5, 0)]].concat();
    check(&given_up, revise(2_000), commits([revised(2_000)]));
    assert_eq!(after(&[given_up.as_slice(), &[revised(2_000)]].concat()).remaining, 1_500);

    let void = asked(OperationKind::Void, on(1), None, [leg(1, Action::Void, 200)]);
    let moved = [opened(1_500), reserved(500), authorised(1), void, done(3, 0)];
    check(&moved, revise(2_000), Err(Refusal::Attempted { attempts: 1 }));
}

#[test]
fn an_order_knows_when_it_changed_last() {
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    let steps = [opened(1_500), revised(1_400), reserved(1_400), authorised(2)];
    let mut order = None;
    for (commit, version) in steps.iter().zip(0..) {
        order = Order::evolve_all(order, commit, v(version), at(u64::from(version)));
        assert_eq!(order.as_ref().unwrap().updated_at(), at(u64::from(version)));
    }
    assert_eq!(order.unwrap().opened_at, NOW);
}
