//! A merchant's webhook receiver: knows its secrets and nothing else.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use app::{ports::Clock, system::SystemClock};
use domain::Time;
use http_body_util::{BodyExt, Full};
use hyper::{body::Bytes, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::{net::TcpListener, sync::Notify};

/// What arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// When, by the machine's clock.
    pub at: Time,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: String,
}

impl Received {
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }

    /// The item of Adyen's envelope.
    #[must_use]
    pub fn item(&self) -> Value {
        self.json()["notificationItems"][0]["NotificationRequestItem"].clone()
    }

    /// Whether it is in our own format.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.json().get("notificationItems").is_none()
    }

    /// What it tells: our name, or Adyen's, which is said to have failed if there was no success.
    #[must_use]
    pub fn event(&self) -> String {
        let (told, item) = (self.json(), self.item());
        let name = told["type"].as_str().or_else(|| item["eventCode"].as_str()).expect("a name");
        if item["success"] == "false" { format!("{name} failed") } else { name.to_owned() }
    }

    /// Its number among what is told of its order.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        let number = self.item()["additionalData"]["tender.sequence"].as_str().map(|text| text.parse().ok());
        number.unwrap_or_else(|| self.json()["sequence"].as_u64()).expect("a number")
    }

    /// When it was sent, as it says itself: seconds since the Unix epoch.
    #[must_use]
    pub fn sent_at(&self) -> u64 {
        self.header("webhook-timestamp").parse().expect("seconds")
    }

    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// How a receiver answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// With this status, and perhaps a `Retry-After`.
    Status(u16, Option<&'static str>),
    /// With this status, and that it is found elsewhere.
    Elsewhere(u16, String),
    /// By closing the connection.
    HangUp,
    /// Not at all.
    Hang,
    /// With this status, when it is told to go on.
    Slow(u16),
}

/// A receiver on loopback.
pub struct Receiver {
    /// Where.
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    arrived: Notify,
    go_on: Notify,
}

struct State {
    received: Vec<Received>,
    next: VecDeque<Behaviour>,
    otherwise: Behaviour,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Receiver {
    /// A receiver that acknowledges everything.
    pub async fn start() -> Self {
        Self::start_as(Behaviour::Status(202, None)).await
    }

    /// A receiver that answers everything so.
    pub async fn start_as(otherwise: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/webhooks", listener.local_addr().expect("a bound socket"));
        let state = State { received: Vec::new(), next: VecDeque::new(), otherwise };
        let shared = Arc::new(Shared { state: Mutex::new(state), arrived: Notify::new(), go_on: Notify::new() });
        tokio::spawn(serve(listener, Arc::clone(&shared)));
        Self { url, shared }
    }

    /// Answers the next requests so.
    pub fn next(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.shared.state().next.extend(behaviours);
    }

    /// Answers so from now on.
    pub fn answer(&self, otherwise: Behaviour) {
        self.shared.state().otherwise = otherwise;
    }

    /// Everything that arrived so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        checked(self.shared.state().received.clone())
    }

    /// Everything that arrived since the last call.
    pub fn take(&self) -> Vec<Received> {
        checked(std::mem::take(&mut self.shared.state().received))
    }

    /// Has a slow answer given.
    pub fn go_on(&self) {
        self.shared.go_on.notify_one();
    }

    /// Waits until what arrived is `enough`.
    pub async fn wait_for(&self, enough: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        loop {
            let arrived = self.shared.arrived.notified();
            let received = self.shared.state().received.clone();
            if enough(&received) {
                return checked(received);
            }
            arrived.await;
        }
    }
}

/// The same: what arrived has to be what the OpenAPI documents say.
fn checked(received: Vec<Received>) -> Vec<Received> {
    received.iter().for_each(|one| crate::conformance::check_delivery(&one.body));
    received
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&shared), request));
            // A sender that goes away is no fault of ours.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    shared: Arc<Shared>,
    request: hyper::Request<hyper::body::Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, HungUp> {
    let headers = request.headers().clone();
    let Ok(body) = request.into_body().collect().await else { return Ok(response(400, None)) };
    let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    let behaviour = {
        let mut state = shared.state();
        state.received.push(Received { at: SystemClock.now(), headers, body });
        state.next.pop_front().unwrap_or_else(|| state.otherwise.clone())
    };
    shared.arrived.notify_waiters();
    match behaviour {
        Behaviour::Status(status, None) => Ok(response(status, None)),
        Behaviour::Status(status, Some(after)) => Ok(response(status, Some(("retry-after", after)))),
        Behaviour::Elsewhere(status, place) => Ok(response(status, Some(("location", &place)))),
        Behaviour::HangUp => Err(HungUp),
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Slow(status) => {
            shared.go_on.notified().await;
            Ok(response(status, None))
        }
    }
}

fn response(status: u16, header: Option<(&str, &str)>) -> hyper::Response<Full<Bytes>> {
    let response = hyper::Response::builder().status(status);
    let response = match header {
        Some((name, value)) => response.header(name, value),
        None => response,
    };
    response.body(Full::new(Bytes::new())).expect("a valid response")
}

/// A receiver that closes the connection instead of answering.
#[derive(Debug)]
struct HungUp;

impl fmt::Display for HungUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hung up")
    }
}

impl std::error::Error for HungUp {}
