//! AWS on a loopback port: records what it is asked, and answers as a test says.

use std::sync::{Arc, Mutex, PoisonError};

use app::Clock;
use aws::Schedules;
use aws_sdk_sqs::config::{Credentials, Region, retry::RetryConfig};
use bytes::Bytes;
use domain::Time;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const GROUP: &str = "tender";
pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/tender-schedules";

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Its method and its path, as in `POST /schedules/a`.
    pub(crate) line: String,
    /// The operation, of services that have but one path.
    pub(crate) operation: String,
    /// Its body; null if it has none.
    pub(crate) body: Value,
}

/// Status, the name of the error if it is one, and body.
pub(crate) type Answer = (u16, &'static str, Value);

type Answers = dyn Fn(&Asked, usize) -> Answer + Send + Sync;

/// A stand-in for AWS.
pub(crate) struct Stub {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Stub {
    /// Answers a request, of which so many came before.
    pub(crate) async fn start(answers: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(listen(listener, Arc::clone(&asked), Arc::new(answers)));
        Self { url, asked }
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The bodies of what it was asked so far.
    pub(crate) fn bodies(&self) -> Vec<Value> {
        self.asked().into_iter().map(|asked| asked.body).collect()
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::from_conf(configured!(self, aws_sdk_sqs))
    }

    pub(crate) fn event_bridge(&self) -> aws_sdk_eventbridge::Client {
        aws_sdk_eventbridge::Client::from_conf(configured!(self, aws_sdk_eventbridge))
    }

    pub(crate) fn schedules(&self) -> Schedules {
        Schedules::new(aws_sdk_scheduler::Client::from_conf(configured!(self, aws_sdk_scheduler)), GROUP, ROLE)
    }
}

/// The configuration of a service's client, which tries each request once. The types differ, the words do not.
macro_rules! configured {
    ($stub:expr, $service:ident) => {
        $service::Config::builder()
            .behavior_version($service::config::BehaviorVersion::latest())
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
            .endpoint_url(&$stub.url)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .retry_config(RetryConfig::disabled())
            .build()
    };
}
use configured;

async fn listen(listener: TcpListener, asked: Arc<Mutex<Vec<Asked>>>, answers: Arc<Answers>) {
    while let Ok((connection, _)) = listener.accept().await {
        let (asked, answers) = (Arc::clone(&asked), Arc::clone(&answers));
        let service = service_fn(move |request| answer(request, Arc::clone(&asked), Arc::clone(&answers)));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
    }
}

async fn answer(
    request: Request<Incoming>,
    asked: Arc<Mutex<Vec<Asked>>>,
    answers: Arc<Answers>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let target = parts.headers.get("x-amz-target").map(|target| target.to_str().expect("text").to_owned());
    let request = Asked {
        line: format!("{} {}", parts.method, parts.uri),
        operation: target.unwrap_or_default(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let (status, error, body) = {
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = answers(&request, asked.len());
        asked.push(request);
        answer
    };
    let answer = Response::builder().status(status).header("x-amzn-errortype", error);
    Ok(answer.body(Full::new(Bytes::from(body.to_string()))).expect("a whole answer"))
}

/// The answer of a service that does as it is asked.
pub(crate) fn fine(body: Value) -> Answer {
    (200, "", body)
}

/// The answer of a service that does not.
pub(crate) fn fails(status: u16, error: &'static str) -> Answer {
    (status, error, json!({ "message": "no", "__type": error }))
}

/// A clock that stands at 2026-01-31T12:00:00Z.
pub(crate) struct Noon;

/// The time on it.
pub(crate) const NOON: Time = Time::from_unix_s(1_769_860_800);

impl Clock for Noon {
    fn now(&self) -> Time {
        NOON
    }
}
