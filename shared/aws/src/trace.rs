//! Traces: each call of AWS as a subsegment of the invocation it is made in, told to the X-Ray daemon that runs beside
//! a Lambda. Without a daemon, or in an invocation that is not sampled, nothing is told.
//!
//! The form is that of X-Ray's segment documents, sent as datagrams. Nothing of a request is in them but the service,
//! the operation, how long it took and whether it failed.

use std::{
    env,
    net::{SocketAddr, UdpSocket},
    sync::Arc,
};

use app::{
    Clock, Random,
    system::{OsRandom, SystemClock},
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept, SharedInterceptor,
            context::{BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef},
            dyn_dispatch_hint,
        },
        orchestrator::Metadata,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use data_encoding::HEXLOWER;
use domain::Time;
use serde_json::{Value, json, value::RawValue};

/// Where the daemon listens, as Lambda tells it.
const DAEMON: &str = "AWS_XRAY_DAEMON_ADDRESS";

/// The trace of the invocation under way, which the runtime sets anew for each.
const TRACE: &str = "_X_AMZN_TRACE_ID";

/// What stands before a document.
const HEADER: &str = "{\"format\":\"json\",\"version\":1}\n";

/// Tells X-Ray's daemon of calls.
#[derive(Debug, Clone)]
pub struct Tracer {
    socket: Arc<UdpSocket>,
    trace: fn() -> Option<String>,
}

/// When a call began.
#[derive(Debug)]
struct Began(Time);

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    /// The service said no: that a version exists already, for one.
    Refused,
    /// No answer, or none that could be read.
    Failed,
}

impl Storable for Began {
    type Storer = StoreReplace<Self>;
}

impl Tracer {
    /// A tracer for the daemon and the invocations that the environment tells of; none if there is no daemon.
    pub(crate) fn from_env() -> Option<Self> {
        let daemon = env::var(DAEMON).ok()?.parse().ok()?;
        Self::try_new(daemon, || env::var(TRACE).ok())
    }

    /// A tracer for the daemon at an address. `trace` says in which trace a call is made: in the form of the header
    /// `X-Amzn-Trace-Id`. None if no socket is to be had.
    #[must_use]
    pub fn try_new(daemon: SocketAddr, trace: fn() -> Option<String>) -> Option<Self> {
        let socket = UdpSocket::bind(("0.0.0.0", 0)).ok()?;
        // A call must not wait for its trace.
        socket.set_nonblocking(true).ok()?;
        socket.connect(daemon).ok()?;
        Some(Self { socket: Arc::new(socket), trace })
    }

    /// The same, for a client's configuration.
    #[must_use]
    pub fn interceptor(&self) -> SharedInterceptor {
        SharedInterceptor::new(self.clone())
    }

    /// Tells of a call, if the invocation is sampled. What does not reach the daemon is lost.
    fn tell(&self, call: &Metadata, began: Time, ended: Time, outcome: Outcome) {
        let Some(trace) = (self.trace)() else { return };
        let part = |name: &str| {
            let mut parts = trace.split(';').filter_map(|part| part.trim().split_once('='));
            parts.find(|(known, _)| *known == name).map(|(_, value)| value)
        };
        let (Some(root), Some(parent), Some("1")) = (part("Root"), part("Parent"), part("Sampled")) else { return };
        let mut id = [0; 8];
        OsRandom.fill(&mut id);
        let document = json!({
            "type": "subsegment",
            "id": HEXLOWER.encode(&id),
            "trace_id": root,
            "parent_id": parent,
            "name": call.service(),
            "namespace": "aws",
            "start_time": seconds(began),
            "end_time": seconds(ended),
            "error": outcome == Outcome::Refused,
            "fault": outcome == Outcome::Failed,
            "aws": { "operation": call.name() },
        });
        let _ = self.socket.send(format!("{HEADER}{document}").as_bytes());
    }
}

/// A time in seconds since 1970, with its thousandths: a number that is written without being computed with.
fn seconds(time: Time) -> Value {
    let text = format!("{}.{:03}", time.unix_s(), time.unix_ms() % 1_000);
    RawValue::from_string(text).ok().and_then(|raw| serde_json::to_value(raw).ok()).unwrap_or_default()
}

#[dyn_dispatch_hint]
impl Intercept for Tracer {
    fn name(&self) -> &'static str {
        "tracer"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(Began(SystemClock.now()));
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(call), Some(Began(began))) = (config.load::<Metadata>(), config.load::<Began>()) {
            let outcome = match context.output_or_error() {
                Some(Ok(_)) => Outcome::Done,
                Some(Err(error)) if error.is_operation_error() => Outcome::Refused,
                Some(Err(_)) | None => Outcome::Failed,
            };
            self.tell(call, *began, SystemClock.now(), outcome);
        }
        Ok(())
    }
}
