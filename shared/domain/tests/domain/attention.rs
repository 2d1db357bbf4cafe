//! Orders that somebody should look at. Whether they still should, the order tells.

use domain::{
    Aggregate, Time,
    attention::{Attention, AttentionEvent, Raised},
};

use crate::support::{EXPIRY, NOW, later, v};

fn after(events: &[(Time, AttentionEvent)]) -> Attention {
    let state = events
        .iter()
        .zip(0..)
        .fold(None, |state, ((at, event), version)| Attention::evolve(state, event, v(version), *at));
    state.unwrap_or_default()
}

fn raised(reason: &str) -> AttentionEvent {
    AttentionEvent::Raised { reason: reason.into() }
}

#[test]
fn the_last_reason_counts_and_the_last_retry_is_remembered() {
    let stuck = Raised { at: NOW, reason: "stuck".into(), retried_at: None };
    let retried = Raised { retried_at: Some(EXPIRY), ..stuck.clone() };
    let again = Raised { at: later(EXPIRY), reason: "worse".into(), retried_at: None };
    let history = [(NOW, raised("stuck")), (EXPIRY, AttentionEvent::RetryAsked), (later(EXPIRY), raised("worse"))];
    let expected = [None, Some(stuck), Some(retried), Some(again)];
    for (expected, events) in expected.into_iter().zip(0..) {
        assert_eq!(after(&history[..events]), Attention { raised: expected }, "after {events} events");
    }
    // There is nothing to try again of an order that needs none.
    assert_eq!(after(&[(NOW, AttentionEvent::RetryAsked)]), Attention::default());
}
