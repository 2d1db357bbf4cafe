//! The books of one authorisation add up, whatever is done with it.

use domain::{Action, Tally, limits::AMOUNT_MINOR_MAX};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    /// Asks for at most this much; what is available bounds it, as it bounds the callers.
    Begin(Action, u64),
    /// Concludes one of those in flight.
    Conclude(prop::sample::Index, bool),
}

fn any_step() -> impl Strategy<Value = Step> {
    let action = prop::sample::select(&[Action::Capture, Action::Void, Action::Refund, Action::Increase][..]);
    prop_oneof![
        (action, 0..=120_u64).prop_map(|(action, amount)| Step::Begin(action, amount)),
        (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(which, done)| Step::Conclude(which, done)),
    ]
}

proptest! {
    #[test]
    fn the_books_add_up_after_every_step(
        authorised in 0..=200_u64,
        steps in prop::collection::vec(any_step(), 0..40),
    ) {
        let mut tally = Tally::authorised(authorised);
        let mut authorised = authorised;
        let mut flights = Vec::new();
        for step in steps {
            match step {
                Step::Begin(action, most) => {
                    let amount = most.min(tally.available(action));
                    tally.begin(action, amount);
                    flights.push((action, amount));
                }
                Step::Conclude(which, done) if !flights.is_empty() => {
                    let (action, amount) = flights.swap_remove(which.index(flights.len()));
                    tally.conclude(action, amount, done);
                    authorised += if done && action == Action::Increase { amount } else { 0 };
                }
                Step::Conclude(..) => {}
            }
            prop_assert!(tally.is_conserved(), "{:?}", tally);
            prop_assert_eq!(
                tally.captured + tally.voided + tally.capturing + tally.voiding + tally.capturable(),
                authorised
            );
            prop_assert_eq!(tally.authorised, authorised);
            prop_assert_eq!(tally.refunded + tally.refunding + tally.refundable(), tally.captured);
            prop_assert_eq!(tally.is_at_rest(), flights.iter().all(|(_, amount)| *amount == 0));
            prop_assert_eq!(tally.kept(), authorised - tally.voided - tally.refunded);

            let stored = serde_json::to_string(&tally).unwrap();
            prop_assert_eq!(serde_json::from_str::<Tally>(&stored).unwrap(), tally);
        }
    }
}

#[test]
fn what_is_in_flight_is_available_to_nobody_else() {
    let mut tally = Tally::authorised(100);
    tally.begin(Action::Capture, 60);
    assert_eq!((tally.available(Action::Capture), tally.available(Action::Void)), (40, 40));
    tally.begin(Action::Void, 40);
    assert_eq!((tally.available(Action::Capture), tally.available(Action::Void)), (0, 0));
}

#[test]
fn what_was_declined_is_available_again() {
    let mut tally = Tally::authorised(100);
    tally.begin(Action::Capture, 60);
    tally.conclude(Action::Capture, 60, false);
    assert_eq!(tally, Tally::authorised(100));
}

#[test]
fn only_what_was_captured_can_be_refunded() {
    let mut tally = Tally::authorised(100);
    assert_eq!(tally.available(Action::Refund), 0);
    tally.begin(Action::Capture, 60);
    assert_eq!(tally.available(Action::Refund), 0);
    tally.conclude(Action::Capture, 60, true);
    assert_eq!(tally.available(Action::Refund), 60);
    tally.begin(Action::Refund, 25);
    assert_eq!(tally.available(Action::Refund), 35);
    tally.conclude(Action::Refund, 25, true);
    assert_eq!((tally.available(Action::Refund), tally.kept()), (35, 75));
}

#[test]
fn what_is_being_increased_is_not_authorised_yet() {
    let mut tally = Tally::authorised(100);
    tally.begin(Action::Increase, 20);
    assert_eq!(tally, Tally { increasing: 20, ..Tally::authorised(100) });
    assert_eq!((tally.capturable(), tally.kept(), tally.is_at_rest()), (100, 100, false));
    let mut declined = tally;
    declined.conclude(Action::Increase, 20, false);
    assert_eq!(declined, Tally::authorised(100));
    tally.conclude(Action::Increase, 20, true);
    assert_eq!(tally, Tally::authorised(120));
}

#[test]
fn an_authorisation_grows_to_the_largest_amount_there_is() {
    assert_eq!(Tally::authorised(100).available(Action::Increase), AMOUNT_MINOR_MAX - 100);
    let growing = Tally { increasing: 20, ..Tally::authorised(100) };
    assert_eq!(growing.available(Action::Increase), AMOUNT_MINOR_MAX - 120);
    assert_eq!(Tally::authorised(AMOUNT_MINOR_MAX).available(Action::Increase), 0);
}

#[test]
fn captures_and_increases_take_and_voids_and_refunds_give_back() {
    let takes = [Action::Capture, Action::Void, Action::Refund, Action::Increase].map(Action::takes);
    assert_eq!(takes, [true, false, false, true]);
}

#[test]
fn books_that_do_not_add_up_are_noticed() {
    let books = [
        Tally { captured: 101, ..Tally::authorised(100) },
        Tally { captured: 60, voided: 41, ..Tally::authorised(100) },
        Tally { captured: 60, capturing: 41, ..Tally::authorised(100) },
        Tally { voided: 60, voiding: 41, ..Tally::authorised(100) },
        Tally { captured: 60, refunded: 61, ..Tally::authorised(100) },
        Tally { captured: 60, refunded: 60, refunding: 1, ..Tally::authorised(100) },
        Tally { captured: u64::MAX, voided: 1, ..Tally::authorised(100) },
        Tally { captured: 100, refunded: u64::MAX, refunding: 1, ..Tally::authorised(100) },
    ];
    for tally in books {
        assert!(!tally.is_conserved(), "{tally:?}");
    }
}

#[test]
fn books_are_stored_without_their_zeros() {
    let tally = Tally { captured: 60, ..Tally::authorised(100) };
    assert_eq!(serde_json::to_string(&tally).unwrap(), r#"{"authorised":100,"captured":60}"#);
    assert_eq!(serde_json::from_str::<Tally>("{}").unwrap(), Tally::default());
}
