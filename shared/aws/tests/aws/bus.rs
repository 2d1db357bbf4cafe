//! The bus.

use app::{
    StoreError,
    ports::{Bus, BusEvent},
};
use aws::{EVENT_BYTES_MAX, EVENTS_PER_REQUEST_MAX, EventBridgeBus, PUT_TRIES_MAX, SOURCE};
use serde_json::{Value, json};

use crate::stub::{Answer, Asked, NOON, Stub, fails, fine};

fn event(number: usize) -> BusEvent {
    BusEvent { kind: "payment_reserved".to_owned(), detail: json!({ "number": number }).to_string(), at: NOON }
}

fn bus(stub: &Stub) -> EventBridgeBus {
    EventBridgeBus::new(stub.event_bridge(), "tender-bus")
}

fn entries(body: &Value) -> &Vec<Value> {
    body["Entries"].as_array().unwrap()
}

/// Takes all events of a request, but those at these places.
fn taken(asked: &Asked, refused: &[usize]) -> Answer {
    let results = (0..entries(&asked.body).len()).map(|place| match refused.contains(&place) {
        true => json!({ "ErrorCode": "ThrottlingException", "ErrorMessage": "slow down" }),
        false => json!({ "EventId": format!("event-{place}") }),
    });
    fine(json!({ "FailedEntryCount": refused.len(), "Entries": results.collect::<Vec<_>>() }))
}

fn details(body: &Value) -> Vec<&str> {
    entries(body).iter().map(|entry| entry["Detail"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_event_is_told_with_its_time() {
    let stub = Stub::start(|asked, _| taken(asked, &[])).await;
    bus(&stub).put(&[event(1)]).await.unwrap();
    let asked = &stub.asked()[0];
    assert_eq!(asked.operation, "AWSEvents.PutEvents");
    let expected = json!({
        "EventBusName": "tender-bus",
        "Source": SOURCE,
        "DetailType": "payment_reserved",
        "Detail": "{\"number\":1}",
        "Time": NOON.unix_s(),
    });
    assert_eq!(entries(&asked.body), &[expected]);
}

#[tokio::test]
async fn events_go_ten_at_a_time() {
    let stub = Stub::start(|asked, _| taken(asked, &[])).await;
    bus(&stub).put(&(0..25).map(event).collect::<Vec<_>>()).await.unwrap();
    let bodies = stub.bodies();
    let sizes = bodies.iter().map(|body| entries(body).len()).collect::<Vec<_>>();
    assert_eq!(sizes, [EVENTS_PER_REQUEST_MAX, EVENTS_PER_REQUEST_MAX, 5]);
    let told = bodies.iter().flat_map(details).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(told, (0..25).map(|number| event(number).detail).collect::<Vec<_>>(), "in their order");
    bus(&stub).put(&[]).await.unwrap();
    assert_eq!(stub.asked().len(), 3, "no events are no request");
}

#[tokio::test]
async fn a_request_is_no_larger_than_it_may_be() {
    let stub = Stub::start(|asked, _| taken(asked, &[])).await;
    let large = |bytes: usize| BusEvent { kind: "k".to_owned(), detail: "x".repeat(bytes), at: NOON };
    let overhead = 14 + SOURCE.len() + 1;
    let half = EVENT_BYTES_MAX / 2 - overhead;
    // Two halves are just too much; an event too large for any request is left to EventBridge to refuse.
    bus(&stub).put(&[large(half), large(half), large(half - 1), large(EVENT_BYTES_MAX), large(1)]).await.unwrap();
    let sizes = stub.bodies().into_iter().map(|body| details(&body).into_iter().map(str::len).collect::<Vec<_>>());
    assert_eq!(sizes.collect::<Vec<_>>(), [vec![half], vec![half, half - 1], vec![EVENT_BYTES_MAX], vec![1]]);
}

#[tokio::test]
async fn events_that_are_not_taken_are_put_again_alone() {
    let stub = Stub::start(|asked, before| match before {
        0 => taken(asked, &[1, 3]),
        1 => taken(asked, &[1]),
        _ => taken(asked, &[]),
    })
    .await;
    bus(&stub).put(&(0..5).map(event).collect::<Vec<_>>()).await.unwrap();
    let bodies = stub.bodies();
    let told = bodies.iter().map(details).collect::<Vec<_>>();
    assert_eq!(told[0].len(), 5);
    assert_eq!(told[1..], [vec![told[0][1], told[0][3]], vec![told[0][3]]]);
}

#[tokio::test]
async fn events_that_are_never_taken_fail_after_some_tries() {
    let stub = Stub::start(|asked, _| taken(asked, &[0])).await;
    let failure = bus(&stub).put(&[event(0), event(1)]).await.unwrap_err();
    assert!(matches!(&failure, StoreError::Unavailable(text) if text.contains("Throttling")), "{failure}");
    assert_eq!(stub.asked().len(), usize::from(PUT_TRIES_MAX));
    let stub = Stub::start(|_, _| fails(500, "InternalException")).await;
    assert!(matches!(bus(&stub).put(&[event(0)]).await, Err(StoreError::Unavailable(_))));
}
