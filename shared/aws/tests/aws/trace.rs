//! What X-Ray's daemon is told of a call.

use std::{
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use aws::Tracer;
use serde_json::{Value, json};

use crate::stub::{Answer, Stub, fails, fine};

/// A daemon that can be asked what it was told last.
struct Daemon(UdpSocket);

impl Daemon {
    fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self(socket)
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    fn told(&self) -> Value {
        let mut bytes = [0; 4_096];
        let length = self.0.recv(&mut bytes).unwrap();
        let text = std::str::from_utf8(&bytes[..length]).unwrap();
        let (header, document) = text.split_once('\n').unwrap();
        assert_eq!(serde_json::from_str::<Value>(header).unwrap(), json!({ "format": "json", "version": 1 }));
        serde_json::from_str(document).unwrap()
    }
}

/// One call, traced, of a service that answers so.
async fn call(daemon: &Daemon, trace: fn() -> Option<String>, answer: fn() -> Answer) {
    let stub = Stub::start(move |_, _| answer()).await;
    let tracer = Tracer::try_new(daemon.address(), trace).unwrap();
    let config = stub.event_bridge().config().to_builder().interceptor(tracer.interceptor()).build();
    let _ = aws_sdk_eventbridge::Client::from_conf(config).list_event_buses().send().await;
}

fn sampled() -> Option<String> {
    Some("Root=1-65b000-abc;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:2:3".to_owned())
}

#[tokio::test]
async fn a_call_is_a_subsegment_of_its_invocation() {
    let daemon = Daemon::start();
    call(&daemon, sampled, || fine(json!({ "EventBuses": [] }))).await;
    let mut told = daemon.told();
    let fields = told.as_object_mut().unwrap();
    let id = fields.remove("id").unwrap();
    assert_eq!(id.as_str().unwrap().len(), 16, "{id}");
    let (start, end) = (fields.remove("start_time").unwrap(), fields.remove("end_time").unwrap());
    assert!(start.as_number().is_some() && start.as_f64() <= end.as_f64(), "{start} to {end}");
    let expected = json!({
        "type": "subsegment",
        "trace_id": "1-65b000-abc",
        "parent_id": "53995c3f42cd8ad8",
        "name": "EventBridge",
        "namespace": "aws",
        "error": false,
        "fault": false,
        "aws": { "operation": "ListEventBuses" },
    });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn what_a_service_refuses_is_an_error_and_one_that_is_not_there_a_fault() {
    let daemon = Daemon::start();
    call(&daemon, sampled, || fails(400, "InternalException")).await;
    let told = daemon.told();
    assert_eq!([&told["error"], &told["fault"]], [true, false], "{told}");

    let tracer = Tracer::try_new(daemon.address(), sampled).unwrap();
    let stub = Stub::start(|_, _| fine(json!({}))).await;
    // A port that nobody listens on.
    let config = stub.event_bridge().config().to_builder().endpoint_url("http://127.0.0.1:1");
    let client = aws_sdk_eventbridge::Client::from_conf(config.interceptor(tracer.interceptor()).build());
    let _ = client.list_event_buses().send().await;
    let told = daemon.told();
    assert_eq!([&told["error"], &told["fault"]], [false, true], "{told}");
}

/// The last call is traced, and what it tells is the first that comes.
#[tokio::test]
async fn an_invocation_that_is_not_sampled_tells_nothing() {
    let daemon = Daemon::start();
    let well = || fine(json!({ "EventBuses": [] }));
    call(&daemon, || None, well).await;
    call(&daemon, || Some("Root=1-65b000-abc;Parent=53995c3f42cd8ad8;Sampled=0".to_owned()), well).await;
    call(&daemon, || Some("nonsense".to_owned()), well).await;
    call(&daemon, || Some("Root=1-1-last;Parent=53995c3f42cd8ad8;Sampled=1".to_owned()), well).await;
    assert_eq!(daemon.told()["trace_id"], "1-1-last");
}
