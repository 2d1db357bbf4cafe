//! A merchant's webhook endpoints: where they are, what they want to be told, and with which keys.

use std::time::Duration;

use domain::{
    Aggregate, Time,
    limits::{ENDPOINTS_PER_MERCHANT_MAX, KEY_OVERLAP},
    order::{CHANGE_NAMES, Format, KeyPrint, Topic},
    webhook::{Disabled, DisabledReason, Endpoint, EndpointEvent, Endpoints, OWN_ENDPOINT},
};

use crate::{
    properties::through_json,
    support::{EXPIRY, NOW, earlier, print, v},
};

fn created(id: &str, events: &[&str]) -> EndpointEvent {
    created_with(id, events, None)
}

fn created_with(id: &str, events: &[&str], key: Option<KeyPrint>) -> EndpointEvent {
    EndpointEvent::EndpointCreated {
        id: id.into(),
        url: format!("https://shop.example/{id}"),
        format: Format::Tender,
        events: events.iter().map(|name| (*name).to_owned()).collect(),
        key,
    }
}

fn rotated(id: &str) -> EndpointEvent {
    EndpointEvent::EndpointRotated { id: id.into(), key: None }
}

fn disabled(id: &str) -> EndpointEvent {
    EndpointEvent::EndpointDisabled { id: id.into(), reason: DisabledReason::Gone }
}

fn enabled(id: &str) -> EndpointEvent {
    EndpointEvent::EndpointEnabled { id: id.into() }
}

fn deleted(id: &str) -> EndpointEvent {
    EndpointEvent::EndpointDeleted { id: id.into() }
}

/// The endpoints after these events, each at its time; read from a snapshot after each.
fn after(events: &[(Time, EndpointEvent)]) -> Endpoints {
    let state = events.iter().zip(0..).fold(None, |state, ((at, event), version)| {
        Endpoints::evolve(state, event, v(version), *at).map(|state| through_json(&state))
    });
    state.unwrap_or_default()
}

fn one(events: &[(Time, EndpointEvent)]) -> Endpoint {
    let [endpoint] = after(events).endpoints.try_into().unwrap();
    endpoint
}

#[test]
fn an_endpoint_is_found_by_its_identity_and_told_from_its_creation_on() {
    let all = after(&[(NOW, created("we_1", &["order.closed"])), (EXPIRY, created("we_2", &[]))]);
    let ids = all.endpoints.iter().map(|endpoint| &*endpoint.id).collect::<Vec<_>>();
    assert_eq!(ids, ["we_1", "we_2"]);
    let first = Endpoint {
        id: "we_1".into(),
        url: "https://shop.example/we_1".into(),
        format: Format::Tender,
        events: vec!["order.closed".into()],
        created_at: NOW,
        generation: 0,
        rotated_at: None,
        disabled: None,
        key: None,
        rotation_key: None,
    };
    assert_eq!(all.get("we_1"), Some(first));
    assert_eq!(all.get("we_2").map(|endpoint| endpoint.created_at), Some(EXPIRY));
    assert_eq!(all.get("we_"), None);
}

#[test]
fn a_merchant_has_room_for_20_endpoints() {
    let mut events = (1..ENDPOINTS_PER_MERCHANT_MAX).map(|id| (NOW, created(&id.to_string(), &[]))).collect::<Vec<_>>();
    assert!(!after(&events).is_full());
    events.push((NOW, created("last", &[])));
    assert_eq!((after(&events).endpoints.len(), after(&events).is_full()), (20, true));
    events.push((NOW, deleted("1")));
    assert!(!after(&events).is_full());
}

/// Each row: when it was rotated, when it is asked for, and which generations sign.
#[test]
fn for_a_day_after_a_rotation_the_keys_before_sign_beside_the_new_ones() {
    let hour = Duration::from_secs(3_600);
    assert_eq!(KEY_OVERLAP, 24 * hour);
    let over = NOW.plus(KEY_OVERLAP);
    type Row<'a> = (&'a [Time], Time, (u32, Option<u32>));
    let table: &[Row<'_>] = &[
        (&[], NOW, (0, None)),
        (&[NOW], NOW, (1, Some(0))),
        (&[NOW], earlier(over), (1, Some(0))),
        (&[NOW], over, (1, None)),
        // Rotated again: the overlap begins anew, for the keys just replaced alone.
        (&[NOW, NOW.plus(hour)], NOW.plus(hour), (2, Some(1))),
        (&[NOW, NOW.plus(hour)], over, (2, Some(1))),
        (&[NOW, NOW.plus(hour)], over.plus(hour), (2, None)),
        (&[NOW, over, over.plus(KEY_OVERLAP)], over.plus(KEY_OVERLAP), (3, Some(2))),
    ];
    for (rotations, now, expected) in table {
        let mut events = vec![(NOW, created("we_1", &[]))];
        events.extend(rotations.iter().map(|at| (*at, rotated("we_1"))));
        assert_eq!(one(&events).generations(*now), *expected, "{rotations:?} at {now:?}");
    }
}

#[test]
fn an_endpoint_is_told_what_it_wants_and_everything_if_it_does_not_say() {
    let everything = one(&[(NOW, created("we_1", &[]))]);
    let names = CHANGE_NAMES.iter().copied().chain(Topic::ALL.iter().map(|topic| topic.code()));
    for name in names {
        assert!(everything.wants(name), "{name}");
    }
    let some = one(&[(NOW, created("we_1", &["order.closed", "payment.failed"]))]);
    for (name, is_wanted) in [
        ("order.closed", true),
        ("payment.failed", true),
        ("payment.authorised", false),
        ("order", false),
        ("order.closed.", false),
        ("ORDER.CLOSED", false),
    ] {
        assert_eq!(some.wants(name), is_wanted, "{name}");
    }
    // What has no name in a format is not told in it.
    assert!(!everything.wants(""));
    assert!(!one(&[(NOW, created("we_1", &[""]))]).wants(""));
}

#[test]
fn an_endpoint_that_is_gone_is_disabled_until_it_is_enabled() {
    let given = [(NOW, created("we_1", &[])), (NOW, rotated("we_1")), (EXPIRY, disabled("we_1"))];
    let gone = one(&given);
    assert_eq!(gone.disabled, Some(Disabled { at: EXPIRY, reason: DisabledReason::Gone }));
    let back = one(&[&given[..], &[(EXPIRY, enabled("we_1"))]].concat());
    assert_eq!(back, Endpoint { disabled: None, ..gone });
    // Its keys and its beginning are what they were.
    assert_eq!((back.generation, back.created_at), (1, NOW));
    assert_eq!(back, one(&given[..2]));
}

#[test]
fn what_happens_to_one_endpoint_leaves_the_others_alone() {
    let two = [(NOW, created("we_1", &[])), (NOW, created("we_2", &[]))];
    let untouched = after(&two).endpoints;
    for event in [rotated("we_2"), disabled("we_2"), enabled("we_2"), deleted("we_2")] {
        let all = after(&[&two[..], &[(EXPIRY, event.clone())]].concat());
        assert_eq!(all.get("we_1").as_ref(), untouched.first(), "{event:?}");
    }
    for event in [rotated("we_3"), disabled("we_3"), enabled("we_3"), deleted("we_3")] {
        assert_eq!(after(&[&two[..], &[(EXPIRY, event.clone())]].concat()).endpoints, untouched, "{event:?}");
    }
    assert_eq!(after(&[&two[..], &[(EXPIRY, deleted("we_1"))]].concat()).endpoints, untouched[1..]);
}

#[test]
fn an_endpoint_remembers_the_keys_it_was_created_and_rotated_with() {
    let keyed = EndpointEvent::EndpointRotated { id: "we_1".into(), key: Some(print(3, 4)) };
    let all = after(&[
        (NOW, created_with("we_1", &[], Some(print(1, 2)))),
        (NOW, created("we_2", &[])),
        (NOW, keyed.clone()),
    ]);
    let endpoint = all.get("we_1").unwrap();
    assert_eq!((endpoint.key, endpoint.rotation_key), (Some(print(1, 2)), Some(print(3, 4))));
    // By the caller's key, whatever was asked with it.
    assert_eq!(all.created_with(print(1, 2)), Some(&endpoint));
    assert_eq!(all.created_with(print(1, 9)), Some(&endpoint));
    assert_eq!(all.created_with(print(3, 4)), None);
    // The last rotation counts, and one without a key is another one.
    let again = one(&[(NOW, created("we_1", &[])), (NOW, keyed), (NOW, rotated("we_1"))]);
    assert_eq!((again.generation, again.rotation_key), (2, None));
}

/// They have no URL in common, and nothing but their keys.
#[test]
fn the_webhooks_of_orders_themselves_are_signed_with_keys_that_rotate_together() {
    let none = after(&[(NOW, created("we_1", &[]))]);
    let own = none.get(OWN_ENDPOINT).unwrap();
    assert_eq!((own.id.as_str(), own.url.as_str(), own.format), (OWN_ENDPOINT, "", Format::Payments));
    assert_eq!((own.generations(NOW), own.rotation_key), ((0, None), None));
    assert_eq!(none.endpoints.len(), 1, "it takes no endpoint's place");

    let keyed = EndpointEvent::EndpointRotated { id: OWN_ENDPOINT.into(), key: Some(print(3, 4)) };
    let once = after(&[(NOW, created("we_1", &[])), (NOW, keyed.clone())]);
    let own = once.get(OWN_ENDPOINT).unwrap();
    assert_eq!((own.generations(NOW), own.rotation_key), ((1, Some(0)), Some(print(3, 4))));
    assert_eq!(own.generations(NOW.plus(KEY_OVERLAP)), (1, None));
    assert_eq!(once.endpoints, none.endpoints, "other keys stay as they are");
    let twice = after(&[(NOW, keyed), (EXPIRY, rotated(OWN_ENDPOINT))]);
    let own = twice.own();
    assert_eq!((own.generation, own.rotated_at, own.rotation_key), (2, Some(EXPIRY), None));
}
