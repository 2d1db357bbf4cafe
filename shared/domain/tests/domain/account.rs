//! What an account holds, settles, releases and refunds.

use domain::{
    Account,
    Action::{self, Capture, Increase, Refund, Void},
    Aggregate, OrderId, Reference, Tally,
    account::{AccountCommand, AccountEvent, Call},
    limits::{
        AMOUNT_MINOR_MAX, CODE_LOCK, DECLINED_COMMITS_MAX, DECLINED_REMEMBERED, MOVEMENTS_PER_ACCOUNT_MAX,
        MOVEMENTS_RESERVE, WRONG_CODES_MAX,
    },
    order::Decline,
    reference::LegReference,
};

use crate::support::{NOW, eur, money, v};

const CODE: [u8; 8] = [1; 8];
const WRONG_CODE: [u8; 8] = [2; 8];

fn payment(number: u16) -> Reference {
    OrderId::from_entropy([7; 16]).at(v(number))
}

fn leg(operation: u16) -> LegReference {
    LegReference { operation: payment(operation), index: 0 }
}

// What happened.

fn issued(minor: u64) -> AccountEvent {
    AccountEvent::Issued { brand: "givex".into(), last4: "0000".into(), balance: eur(minor), code: CODE, key: None }
}

fn held(number: u16, amount: u64) -> AccountEvent {
    AccountEvent::Held { payment: payment(number), amount, spend: None, proved: None }
}

fn moved(number: u16, operation: u16, action: Action, amount: u64) -> AccountEvent {
    AccountEvent::Moved { payment: payment(number), leg: leg(operation), action, amount }
}

fn barred(number: u16) -> AccountEvent {
    AccountEvent::Barred { payment: payment(number) }
}

// What is asked.

fn hold(number: u16, minor: u64) -> AccountCommand {
    AccountCommand::Hold { payment: payment(number), amount: eur(minor) }
}

fn move_(number: u16, operation: u16, action: Action, amount: u64) -> AccountCommand {
    AccountCommand::Move { payment: payment(number), leg: leg(operation), action, amount }
}

fn lookup(number: u16) -> AccountCommand {
    AccountCommand::Lookup { payment: payment(number) }
}

fn after(given: &[AccountEvent]) -> Account {
    given
        .iter()
        .zip(0..)
        .fold(None, |account, (event, version)| Account::evolve(account, event, v(version), NOW))
        .unwrap()
}

#[track_caller]
fn check<const N: usize>(given: &[AccountEvent], when: AccountCommand, then: Result<[AccountEvent; N], Decline>) {
    assert_eq!(after(given).decide(&when), then.map(Vec::from));
}

/// That it was done before, or that nothing is to be done.
const NOTHING: Result<[AccountEvent; 0], Decline> = Ok([]);

fn refusal(decline: Decline) -> Result<[AccountEvent; 0], Decline> {
    Err(decline)
}

// -- holding

#[test]
fn an_account_is_issued_with_all_of_its_balance_to_spend() {
    let account = after(&[issued(5_000)]);
    assert_eq!((account.available(), account.held()), (5_000, 0));
}

#[test]
fn money_is_held_for_a_payment() {
    check(&[issued(100)], hold(1, 60), Ok([held(1, 60)]));
    let account = after(&[issued(100), held(1, 60)]);
    assert_eq!((account.available(), account.held()), (40, 60));
}

#[test]
fn all_of_the_balance_can_be_held_and_not_a_cent_more() {
    check(&[issued(100)], hold(1, 100), Ok([held(1, 100)]));
    check(&[issued(100)], hold(1, 101), refusal(Decline::NotEnoughBalance));
    check(&[issued(100), held(1, 60)], hold(2, 40), Ok([held(2, 40)]));
    check(&[issued(100), held(1, 60)], hold(2, 41), refusal(Decline::NotEnoughBalance));
    check(&[issued(100), held(1, 100)], hold(2, 1), refusal(Decline::NotEnoughBalance));
}

#[test]
fn another_currency_is_not_enough_balance() {
    let hold = AccountCommand::Hold { payment: payment(1), amount: money("USD", 1) };
    check(&[issued(100)], hold, refusal(Decline::NotEnoughBalance));
}

#[test]
fn a_hold_asked_for_twice_is_held_once() {
    check(&[issued(100), held(1, 60)], hold(1, 60), NOTHING);
    // Even if what is left would not suffice, or what was held has been released since.
    check(&[issued(100), held(1, 60), held(2, 40)], hold(1, 60), NOTHING);
    check(&[issued(100), held(1, 60), moved(1, 2, Void, 60)], hold(1, 60), NOTHING);
}

// -- settling, releasing, refunding

#[test]
fn what_is_held_is_settled_or_released_and_what_is_settled_is_refunded() {
    let given = [issued(100), held(1, 60)];
    check(&given, move_(1, 2, Capture, 45), Ok([moved(1, 2, Capture, 45)]));
    check(&given, move_(1, 2, Void, 60), Ok([moved(1, 2, Void, 60)]));
    let settled = [issued(100), held(1, 60), moved(1, 2, Capture, 45)];
    check(&settled, move_(1, 3, Refund, 45), Ok([moved(1, 3, Refund, 45)]));
    check(&settled, move_(1, 3, Void, 15), Ok([moved(1, 3, Void, 15)]));
}

/// Each row: what happened to a hold of 60 of 100, then what is available, what is held, and its books.
#[test]
fn the_balance_follows_what_is_held_released_and_refunded() {
    let held_60 = Tally::authorised(60);
    let table: &[(&[AccountEvent], u64, u64, Tally)] = &[
        (&[], 40, 60, held_60),
        (&[moved(1, 2, Capture, 45)], 40, 15, Tally { captured: 45, ..held_60 }),
        (&[moved(1, 2, Void, 20)], 60, 40, Tally { voided: 20, ..held_60 }),
        (&[moved(1, 2, Void, 60)], 100, 0, Tally { voided: 60, ..held_60 }),
        (&[moved(1, 2, Capture, 45), moved(1, 3, Void, 15)], 55, 0, Tally { captured: 45, voided: 15, ..held_60 }),
        (&[moved(1, 2, Capture, 60), moved(1, 3, Refund, 25)], 65, 0, Tally { captured: 60, refunded: 25, ..held_60 }),
        (&[moved(1, 2, Increase, 30)], 10, 90, Tally::authorised(90)),
        (
            &[moved(1, 2, Capture, 60), moved(1, 3, Increase, 40)],
            0,
            40,
            Tally { captured: 60, ..Tally::authorised(100) },
        ),
    ];
    for (then, available, in_hold, tally) in table {
        let account = after(&[&[issued(100), held(1, 60)], *then].concat());
        assert_eq!((account.available(), account.held()), (*available, *in_hold), "{then:?}");
        assert_eq!(account.hold(payment(1)).map(|hold| hold.tally), Some(*tally));
    }
}

#[test]
fn more_than_the_books_allow_is_not_permitted() {
    let table: &[(&[AccountEvent], Action, u64)] = &[
        (&[], Capture, 61),
        (&[], Void, 61),
        (&[], Refund, 1),
        (&[moved(1, 2, Capture, 45)], Capture, 16),
        (&[moved(1, 2, Capture, 45)], Void, 16),
        (&[moved(1, 2, Capture, 45)], Refund, 46),
        (&[moved(1, 2, Capture, 45), moved(1, 3, Refund, 45)], Refund, 1),
        (&[moved(1, 2, Void, 60)], Capture, 1),
    ];
    for (then, action, amount) in table {
        let given = [&[issued(100), held(1, 60)], *then].concat();
        check(&given, move_(1, 9, *action, *amount), refusal(Decline::NotPermitted));
    }
}

#[test]
fn more_is_held_as_far_as_the_balance_goes() {
    let given = [issued(100), held(1, 60), held(2, 10)];
    check(&given, move_(1, 3, Increase, 30), Ok([moved(1, 3, Increase, 30)]));
    check(&given, move_(1, 3, Increase, 31), refusal(Decline::NotEnoughBalance));
    let more = [&given[..], &[moved(1, 3, Increase, 30)]].concat();
    check(&more, move_(1, 3, Increase, 30), NOTHING);
    check(&more, move_(2, 4, Increase, 1), refusal(Decline::NotEnoughBalance));
    check(&more, move_(1, 4, Capture, 90), Ok([moved(1, 4, Capture, 90)]));
    // What was given back can be held again.
    let released = [&more[..], &[moved(2, 5, Void, 10)]].concat();
    check(&released, move_(1, 6, Increase, 10), Ok([moved(1, 6, Increase, 10)]));
    // No more than there can be, whatever the balance.
    check(&released, move_(1, 6, Increase, AMOUNT_MINOR_MAX), refusal(Decline::NotPermitted));
}

#[test]
fn a_leg_asked_for_twice_is_done_once() {
    for action in [Capture, Void] {
        let given = [issued(100), held(1, 60), moved(1, 2, action, 60)];
        check(&given, move_(1, 2, action, 60), NOTHING);
    }
    let given = [issued(100), held(1, 60), moved(1, 2, Capture, 60), moved(1, 3, Refund, 60)];
    check(&given, move_(1, 3, Refund, 60), NOTHING);
}

#[test]
fn each_hold_has_books_of_its_own() {
    let given = [issued(100), held(1, 60), held(2, 40), moved(1, 3, Capture, 60)];
    check(&given, move_(2, 4, Refund, 1), refusal(Decline::NotPermitted));
    check(&given, move_(2, 4, Void, 40), Ok([moved(2, 4, Void, 40)]));
}

#[test]
fn everything_that_moved_is_remembered_in_order() {
    let account = after(&[issued(100), held(1, 60), moved(1, 2, Capture, 45), moved(1, 3, Void, 15)]);
    let history = account.movements.iter().map(|movement| (movement.leg, movement.action, movement.amount));
    assert_eq!(
        history.collect::<Vec<_>>(),
        [(None, None, 60), (Some(leg(2)), Some(Capture), 45), (Some(leg(3)), Some(Void), 15)]
    );
}

#[test]
fn an_account_with_all_its_movements_only_releases() {
    let mut given = vec![issued(10_000), held(1, 5_000)];
    let room = MOVEMENTS_PER_ACCOUNT_MAX - MOVEMENTS_RESERVE;
    given.extend((2..).map(|operation| moved(1, operation, Capture, 1)).take(room - 2));
    // The next is kept for settling what is held.
    assert_eq!(after(&given).movements.len(), room - 1);
    check(&given, hold(9_999, 1), refusal(Decline::NotPermitted));
    check(&given, move_(1, 9_999, Increase, 1), refusal(Decline::NotPermitted));
    for action in [Capture, Refund, Void] {
        check(&given, move_(1, 9_999, action, 1), Ok([moved(1, 9_999, action, 1)]));
    }
    given.pop();
    check(&given, hold(9_999, 1), Ok([held(9_999, 1)]));
    // However many parts there are, the last step of each hold has its room.
    let parts = MOVEMENTS_PER_ACCOUNT_MAX - given.len() - 1;
    given.extend((2_000..).map(|operation| moved(1, operation, Capture, 1)).take(parts));
    for action in [Capture, Void, Refund] {
        check(&given, move_(1, 9_999, action, 1), refusal(Decline::NotPermitted));
    }
    let left = after(&given).holds[0].tally.capturable();
    check(&given, move_(1, 9_999, Capture, left), Ok([moved(1, 9_999, Capture, left)]));
    given.push(moved(1, 9_998, Capture, left));
    check(&given, move_(1, 9_999, Refund, 1), refusal(Decline::NotPermitted));
    check(&given, move_(1, 9_999, Refund, 5_000), Ok([moved(1, 9_999, Refund, 5_000)]));
}

#[test]
fn a_full_account_is_still_small_enough_to_be_stored() {
    let mut given = vec![issued(1_000_000_000)];
    given.extend((0..512).map(|number| held(number, 1_000_000)));
    given.extend((0..512).map(|number| moved(number, 1_000 + number, Capture, 1_000_000)));
    given.extend((0..1_536).map(|number| moved(number % 512, 2_000 + number, Refund, 1)));
    let account = after(&given);
    assert_eq!(account.movements.len(), MOVEMENTS_PER_ACCOUNT_MAX);
    assert!(serde_json::to_string(&account).unwrap().len() < 350_000, "an item of DynamoDB has 400 KB");
}

// -- what is told to be unknown stays so

#[test]
fn a_lookup_of_an_unknown_payment_bars_it() {
    check(&[issued(100)], lookup(1), Ok([barred(1)]));
    check(&[issued(100), barred(1)], lookup(1), NOTHING);
    check(&[issued(100), barred(1)], hold(1, 60), refusal(Decline::NotPermitted));
    check(&[issued(100), barred(1)], hold(2, 60), Ok([held(2, 60)]));
}

#[test]
fn a_lookup_of_a_known_payment_changes_nothing() {
    check(&[issued(100), held(1, 60)], lookup(1), NOTHING);
    check(&[issued(100), held(1, 60), moved(1, 2, Void, 60)], lookup(1), NOTHING);
}

#[test]
fn a_void_of_an_unknown_payment_bars_it() {
    check(&[issued(100)], move_(1, 2, Void, 60), Ok([barred(1)]));
    check(&[issued(100), barred(1)], move_(1, 2, Void, 60), NOTHING);
    check(&[issued(100), barred(1)], hold(1, 60), refusal(Decline::NotPermitted));
}

#[test]
fn a_capture_or_refund_of_an_unknown_payment_is_not_permitted() {
    for action in [Capture, Refund, Increase] {
        check(&[issued(100)], move_(1, 2, action, 60), refusal(Decline::NotPermitted));
        check(&[issued(100), barred(1)], move_(1, 2, action, 60), refusal(Decline::NotPermitted));
    }
}

// -- security codes

#[test]
fn ten_wrong_codes_in_a_row_lock_the_account() {
    let mut given = vec![issued(100)];
    for _ in 0..WRONG_CODES_MAX {
        assert_eq!(after(&given).check_code(WRONG_CODE, NOW), Err(Decline::InvalidCode));
        assert_eq!(after(&given).check_code(CODE, NOW), Ok(()));
        given.push(AccountEvent::CodeFailed);
    }
    assert_eq!(given.len() - 1, 10);
    assert_eq!(after(&given).check_code(WRONG_CODE, NOW), Err(Decline::CodeTriesExceeded));
    assert_eq!(after(&given).check_code(CODE, NOW), Err(Decline::CodeTriesExceeded));
}

#[test]
fn a_locked_account_opens_after_a_while_and_locks_again_at_once() {
    let mut given = vec![issued(100)];
    given.extend(vec![AccountEvent::CodeFailed; WRONG_CODES_MAX.into()]);
    let open = NOW.plus(CODE_LOCK);
    assert_eq!(after(&given).check_code(CODE, open), Ok(()));
    assert_eq!(after(&given).check_code(WRONG_CODE, open), Err(Decline::InvalidCode));
    given.push(AccountEvent::CodeFailed);
    assert_eq!(after(&given).check_code(CODE, NOW), Err(Decline::CodeTriesExceeded));
    given.push(AccountEvent::CodeAccepted);
    assert_eq!(after(&given).check_code(CODE, NOW), Ok(()));
    assert_eq!(after(&given).accept_code(), None, "there is nothing to forget any more");
}

#[test]
fn wrong_codes_are_forgotten_when_money_is_held() {
    let mut given = vec![issued(100)];
    given.extend(vec![AccountEvent::CodeFailed; 9]);
    given.push(held(1, 60));
    given.extend(vec![AccountEvent::CodeFailed; 9]);
    assert_eq!(after(&given).check_code(CODE, NOW), Ok(()));
    given.push(AccountEvent::CodeFailed);
    assert_eq!(after(&given).check_code(CODE, NOW), Err(Decline::CodeTriesExceeded));
}

#[test]
fn wrong_codes_are_not_forgotten_when_money_is_moved() {
    let mut given = vec![issued(100), held(1, 60)];
    given.extend(vec![AccountEvent::CodeFailed; 9]);
    given.extend([moved(1, 2, Capture, 60), barred(3), AccountEvent::CodeFailed]);
    assert_eq!(after(&given).check_code(CODE, NOW), Err(Decline::CodeTriesExceeded));
}

fn declined(call: Call, reason: Decline) -> AccountEvent {
    AccountEvent::Declined { call, reason }
}

/// Else a call that comes twice would hold money for a payment that everybody believes to be refused.
#[test]
fn what_was_declined_is_declined_again_though_it_could_be_done_now() {
    let no_money = declined(Call::Hold(payment(2)), Decline::NotEnoughBalance);
    let since = [issued(100), held(1, 60), no_money.clone(), moved(1, 3, Void, 60)];
    check(&since, hold(2, 60), refusal(Decline::NotEnoughBalance));
    check(&since, hold(4, 60), Ok([held(4, 60)]));

    let not_permitted = declined(Call::Move(leg(2)), Decline::NotPermitted);
    let since = [issued(100), held(1, 60), not_permitted, held(3, 40)];
    check(&since, move_(1, 2, Capture, 60), refusal(Decline::NotPermitted));
    check(&since, move_(1, 4, Capture, 60), Ok([moved(1, 4, Capture, 60)]));

    let account = after(&since);
    assert_eq!(account.decline(Call::Hold(payment(9)), Decline::NotEnoughBalance).unwrap(), {
        declined(Call::Hold(payment(9)), Decline::NotEnoughBalance)
    });
    assert_eq!(account.decline(Call::Move(leg(2)), Decline::NotPermitted), None, "it is on record");
    let barred = after(&[issued(100), barred(1)]);
    assert_eq!(barred.decline(Call::Hold(payment(1)), Decline::NotPermitted), None, "it is declined for ever");
}

#[test]
fn the_newest_declined_calls_are_remembered() {
    let count = u16::try_from(DECLINED_REMEMBERED).unwrap() + 1;
    let mut given = vec![issued(100)];
    given.extend((1..=count).map(|number| declined(Call::Hold(payment(number)), Decline::NotEnoughBalance)));
    let account = after(&given);
    assert_eq!(account.declined(Call::Hold(payment(1))), None);
    for number in 2..=count {
        assert_eq!(account.declined(Call::Hold(payment(number))), Some(Decline::NotEnoughBalance));
    }
}

#[test]
fn declined_calls_do_not_use_up_what_holds_and_captures_need() {
    let mut account = after(&[issued(100), held(1, 60)]);
    account.version = v(DECLINED_COMMITS_MAX - 1);
    assert!(account.decline(Call::Hold(payment(9)), Decline::NotEnoughBalance).is_some());
    account.version = v(DECLINED_COMMITS_MAX);
    assert_eq!(account.decline(Call::Hold(payment(9)), Decline::NotEnoughBalance), None);
    assert_eq!(account.decide(&hold(2, 40)), Ok(vec![held(2, 40)]));
    assert_eq!(account.decide(&move_(1, 3, Capture, 60)), Ok(vec![moved(1, 3, Capture, 60)]));
}
