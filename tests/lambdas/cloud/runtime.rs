//! Lambda on a loopback port: the Runtime API, and a process for each function that is called.
//!
//! A function is started when it is first called, with the environment that the template gives it and no other. It
//! takes one event at a time, as an instance of a Lambda does. One that has ended is started again by the next call.

use std::{
    collections::{BTreeMap, HashMap},
    env,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use app::{Clock, system::SystemClock};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tests::repository;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

/// Names the folder of the binaries, if it is not `target/release`.
const BINARIES: &str = "TENDER_BINARIES";

/// How long a function may take for an event, as a Lambda's timeout.
pub(crate) const EVENT_TIME_MAX: Duration = Duration::from_secs(29);

/// A line that a function wrote.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Which function.
    pub(crate) function: String,
    /// Whether to its standard error: what is logged there is not the engine's own log.
    pub(crate) is_error: bool,
    /// The line.
    pub(crate) text: String,
}

impl Line {
    /// The line as an object; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// A text of that object; empty if there is none.
    pub(crate) fn text_of(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_default().to_owned()
    }
}

/// What came of an event: an answer, or the error that failed it.
pub(crate) type Outcome = Result<Value, Value>;

/// The variables of a function.
type Environment = dyn Fn(&str) -> Vec<(String, String)> + Send + Sync;

/// Lambda.
pub(crate) struct Lambda {
    address: SocketAddr,
    environment: Box<Environment>,
    running: Mutex<BTreeMap<String, Arc<Function>>>,
    lines: Arc<Mutex<Vec<Line>>>,
    requests: AtomicU64,
}

/// A running function.
struct Function {
    events: mpsc::UnboundedSender<(String, Bytes)>,
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<(String, Bytes)>>,
    answers: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    has_ended: watch::Receiver<bool>,
    child: Mutex<Child>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the binaries are.
pub(crate) fn binaries() -> PathBuf {
    env::var_os(BINARIES).map_or_else(|| repository().join("target/release"), PathBuf::from)
}

impl Lambda {
    /// A Lambda whose functions have the environment that `environment` says by their names.
    pub(crate) async fn start(
        environment: impl Fn(&str) -> Vec<(String, String)> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let lambda = Arc::new(Self {
            address: listener.local_addr().expect("its address"),
            environment: Box::new(environment),
            running: Mutex::default(),
            lines: Arc::default(),
            requests: AtomicU64::new(1),
        });
        tokio::spawn(listen(listener, Arc::downgrade(&lambda)));
        lambda
    }

    /// Everything that was written and read so far.
    pub(crate) fn lines(&self) -> Vec<Line> {
        locked(&self.lines).clone()
    }

    /// Ends all functions. What they wrote is read to its end.
    pub(crate) async fn end_all(&self) {
        // They stay known until they have ended: who asks for its next event finds the Runtime API as it was.
        let running = locked(&self.running).values().cloned().collect::<Vec<_>>();
        for function in running {
            function.end();
            // The reader is dropped with the sender only after it has said so.
            let _ = function.has_ended.clone().wait_for(|has_ended| *has_ended).await;
        }
    }

    /// Events that were handed over so far.
    pub(crate) fn events(&self) -> u64 {
        self.requests.load(Ordering::Relaxed) - 1
    }

    /// Hands a function an event, and waits for what comes of it.
    pub(crate) async fn invoke(&self, name: &str, event: &Value) -> Outcome {
        let function = self.function(name);
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let id = format!("8476a536-e9f4-11e8-9739-{number:012}");
        let (answer, answered) = oneshot::channel();
        locked(&function.answers).insert(id.clone(), answer);
        let event = Bytes::from(event.to_string());
        function.events.send((id, event)).expect("a function that is kept");
        let mut ended = function.has_ended.clone();
        let outcome = async {
            tokio::select! {
                outcome = answered => outcome.map_err(|_| Value::from("no answer"))?,
                _ = ended.wait_for(|has_ended| *has_ended) => Err(Value::from("the process has ended")),
            }
        };
        timeout(EVENT_TIME_MAX, outcome).await.unwrap_or_else(|_| Err(Value::from("the function took too long")))
    }

    /// Ends a function's process, so that the next call starts another.
    pub(crate) fn end(&self, name: &str) {
        if let Some(function) = locked(&self.running).remove(name) {
            function.end();
        }
    }

    fn function(&self, name: &str) -> Arc<Function> {
        let mut running = locked(&self.running);
        if let Some(function) = running.get(name).filter(|function| !*function.has_ended.borrow()) {
            return Arc::clone(function);
        }
        let function = Arc::new(self.spawn(name));
        running.insert(name.to_owned(), Arc::clone(&function));
        function
    }

    fn spawn(&self, name: &str) -> Function {
        let binary = binaries().join(name);
        let mut child = Command::new(&binary)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", format!("http://{}/{name}", self.address))
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .envs((self.environment)(name))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}. Build it first: .ci/lambdas", binary.display()));
        let (ended, has_ended) = watch::channel(false);
        let keep = |is_error| {
            let (function, lines) = (name.to_owned(), Arc::clone(&self.lines));
            move |text| locked(&lines).push(Line { function: function.clone(), is_error, text })
        };
        let errors = read_lines(child.stderr.take().expect("a pipe"), keep(true), || {});
        read_lines(child.stdout.take().expect("a pipe"), keep(false), move || {
            errors.join().expect("a reader that comes to an end");
            ended.send_replace(true);
        });
        let (events, waiting) = mpsc::unbounded_channel();
        let waiting = tokio::sync::Mutex::new(waiting);
        Function { events, waiting, answers: Mutex::default(), has_ended, child: Mutex::new(child) }
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        for function in locked(&self.running).values() {
            function.end();
        }
    }
}

impl Function {
    fn end(&self) {
        let mut child = locked(&self.child);
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }

    fn answer(&self, id: &str, outcome: Outcome) -> StatusCode {
        match locked(&self.answers).remove(id) {
            // Whoever asked may have stopped waiting.
            Some(answer) => answer.send(outcome).map_or(StatusCode::ACCEPTED, |()| StatusCode::ACCEPTED),
            None => StatusCode::BAD_REQUEST,
        }
    }
}

fn read_lines(
    pipe: impl Read + Send + 'static,
    keep: impl Fn(String) + Send + 'static,
    at_end: impl FnOnce() + Send + 'static,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        BufReader::new(pipe).lines().map_while(Result::ok).for_each(keep);
        at_end();
    })
}

async fn listen(listener: TcpListener, lambda: std::sync::Weak<Lambda>) {
    while let Ok((connection, _)) = listener.accept().await {
        let lambda = lambda.clone();
        let service = service_fn(move |request| {
            let lambda = lambda.upgrade();
            async move {
                match lambda {
                    Some(lambda) => serve(&lambda, request).await,
                    None => Ok(status(StatusCode::GONE)),
                }
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
    }
}

/// `/{function}/2018-06-01/runtime/…`, as the Runtime API is documented.
async fn serve(lambda: &Lambda, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let path = request.uri().path().to_owned();
    let parts = path.trim_start_matches('/').split('/').collect::<Vec<_>>();
    let function = parts.first().and_then(|name| locked(&lambda.running).get(*name).cloned());
    let (Some(function), Some(rest)) = (function, parts.get(1..)) else { return Ok(status(StatusCode::NOT_FOUND)) };
    match rest {
        ["2018-06-01", "runtime", "invocation", "next"] => {
            let Some((id, event)) = function.waiting.lock().await.recv().await else {
                return Ok(status(StatusCode::GONE));
            };
            let deadline = SystemClock.now().plus(EVENT_TIME_MAX).unix_ms();
            let arn = format!("arn:aws:lambda:eu-west-1:123456789012:function:{}", parts[0]);
            let response = Response::builder()
                .header("lambda-runtime-aws-request-id", &id)
                .header("lambda-runtime-deadline-ms", deadline)
                .header("lambda-runtime-invoked-function-arn", arn)
                .header("lambda-runtime-trace-id", "Root=1-697df4c0-4f1c2a6b8d3e5f7091a2b3c4;Sampled=1")
                .header("content-type", "application/json");
            Ok(response.body(Full::new(event)).expect("a whole response"))
        }
        ["2018-06-01", "runtime", "invocation", id, kind @ ("response" | "error")] => {
            let (id, is_error) = ((*id).to_owned(), *kind == "error");
            let body = request.into_body().collect().await?.to_bytes();
            let value = serde_json::from_slice(&body).unwrap_or_default();
            Ok(status(function.answer(&id, if is_error { Err(value) } else { Ok(value) })))
        }
        ["2018-06-01", "runtime", "init", "error"] => Ok(status(StatusCode::ACCEPTED)),
        _ => Ok(status(StatusCode::NOT_FOUND)),
    }
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::default()).expect("a whole response")
}
