//! How long a Lambda takes to start: from `exec` to its first poll of the Runtime API, and to its first answer, in time
//! and in CPU, beside a Lambda that does nothing. All that it calls is on loopback and answers at once.
//!
//! The starts of all of them are interleaved, so that whatever else the machine does falls on each alike. Each is of a
//! fresh copy of its binary: where a file's pages happen to lie in memory makes half of a start's time, and would
//! otherwise be the same for all starts of one binary.
#![expect(clippy::print_stdout, reason = "it reports to a terminal")]

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use app::access::key_hash;
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use nix::{
    sys::{
        resource::{UsageWho, getrusage},
        signal::{Signal, kill},
        time::TimeValLike,
    },
    unistd::Pid,
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc},
};

/// Measures how Lambdas start.
#[derive(Debug, Parser)]
struct Arguments {
    /// Starts of each.
    #[arg(long, default_value_t = 101)]
    starts: usize,
    /// The folder of the binaries.
    #[arg(long, default_value = "target/release")]
    binaries: PathBuf,
    /// Counts the instructions to the first poll instead, under valgrind.
    #[arg(long)]
    instructions: bool,
    /// Other builds of create-order, to be measured beside.
    #[arg(long)]
    also: Vec<PathBuf>,
    /// The event that is answered first.
    #[arg(long, default_value = "tests/lambdas/events/create-order.json")]
    event: PathBuf,
}

/// A variable of the environment.
type Variable = (&'static str, &'static str);

/// What is started.
struct Subject {
    name: String,
    binary: PathBuf,
    variables: &'static [Variable],
}

impl Subject {
    fn all(arguments: &Arguments) -> Vec<Self> {
        let subject = |name: &str, binary: &str, variables| Self {
            name: name.to_owned(),
            binary: arguments.binaries.join(binary),
            variables,
        };
        let mut all = vec![
            subject("hello", "hello", &[]),
            subject("hello, DynamoDB client", "hello-dynamo", &[]),
            subject("hello, DynamoDB client, used", "hello-dynamo", &[("WARM_UP", "1")]),
            subject("create-order", "create-order", &[]),
        ];
        let also = arguments.also.iter().map(|binary| Self {
            name: binary.display().to_string(),
            binary: binary.clone(),
            variables: &[],
        });
        all.extend(also);
        all
    }
}

/// Secrets as a stack's are.
const SECRETS: &str = r#"{"seed":"q7ZrW2mXc9VbN4kLt8HyPf3DgSaJe6UwRx5TzKqMnBv1CdEoYiAhGuQs"}"#;

/// The API key of the event, as the table has it.
const API_KEY: &str = "bench-key";

/// How long a start may take.
const START_TIME_MAX: Duration = Duration::from_secs(10);

/// How long one may take in valgrind.
const VALGRIND_TIME_MAX: Duration = Duration::from_secs(60);

/// What came of a start.
#[derive(Debug, Clone, Copy, Default)]
struct Start {
    wall: Duration,
    cpu: Duration,
}

/// When a start is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Until {
    Polled,
    Answered,
}

/// The Runtime API and the services.
struct Stage {
    event: Bytes,
    told: mpsc::UnboundedSender<(Until, Instant)>,
    /// The event is given to whoever polls while this is so.
    is_open: Mutex<bool>,
    never: Notify,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let event = fs::read_to_string(&arguments.event)?.replace("{{apiKey}}", API_KEY);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (told, mut tells) = mpsc::unbounded_channel();
    let stage = Arc::new(Stage { event: event.into(), told, is_open: Mutex::new(false), never: Notify::new() });
    tokio::spawn(listen(listener, Arc::clone(&stage)));

    let (folder, subjects) = (tempfile::tempdir()?, Subject::all(&arguments));
    if arguments.instructions {
        return count_instructions(address, &subjects, &mut tells).await;
    }
    let mut all = BTreeMap::<(usize, Until), Vec<Start>>::new();
    for round in 0..arguments.starts {
        for (place, subject) in subjects.iter().enumerate() {
            for until in [Until::Polled, Until::Answered] {
                let copy = folder.path().join(format!("{place}-{round}-{until:?}"));
                fs::copy(&subject.binary, &copy)
                    .map_err(|error| format!("{} is not there ({error}): build it first", subject.binary.display()))?;
                *stage.is_open.lock().unwrap_or_else(PoisonError::into_inner) = until == Until::Answered;
                let start = start(address, &copy, subject.variables, until, &mut tells).await?;
                all.entry((place, until)).or_default().push(start);
                fs::remove_file(copy)?;
            }
        }
    }
    report(&arguments, &subjects, &all)
}

/// Starts each once in callgrind, which says how many instructions it was when it is asked to end.
async fn count_instructions(
    address: SocketAddr,
    subjects: &[Subject],
    tells: &mut mpsc::UnboundedReceiver<(Until, Instant)>,
) -> Result<(), Box<dyn Error>> {
    println!("| | instructions to the first poll |\n|---|---|");
    for Subject { name, binary, variables } in subjects {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(binary);
        let child = in_lambda(&mut valgrind, address, variables).stderr(Stdio::piped()).spawn()?;
        tokio::time::timeout(VALGRIND_TIME_MAX, tells.recv()).await?;
        kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGTERM)?;
        let said = String::from_utf8(child.wait_with_output()?.stderr)?;
        let collected = said.lines().find_map(|line| line.split_once("Collected :"));
        let (_, count) = collected.ok_or_else(|| format!("valgrind does not say how many:\n{said}"))?;
        println!("| {name} | {} |", count.trim());
    }
    Ok(())
}

/// The environment of a Lambda, whose services are all at `address`.
fn in_lambda<'c>(command: &'c mut Command, address: SocketAddr, variables: &[Variable]) -> &'c mut Command {
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "bench")
        .env("AWS_SECRET_ACCESS_KEY", "bench")
        .env("AWS_ENDPOINT_URL", format!("http://{address}"))
        .env("TENDER_TABLE", "tender")
        .env("TENDER_SECRETS_ARN", "tender")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
}

/// Starts a process and ends it when it has come so far.
async fn start(
    address: SocketAddr,
    binary: &Path,
    variables: &[Variable],
    until: Until,
    tells: &mut mpsc::UnboundedReceiver<(Until, Instant)>,
) -> Result<Start, Box<dyn Error>> {
    let cpu_before = cpu_of_children()?;
    let begun = Instant::now();
    let mut child = Ended(in_lambda(&mut Command::new(binary), address, variables).spawn()?);
    let wall = loop {
        let told = tokio::time::timeout(START_TIME_MAX, tells.recv()).await?;
        let (what, at) = told.ok_or("nothing tells any more")?;
        if what == until {
            break at.saturating_duration_since(begun);
        }
    };
    child.end()?;
    // What it may have told since.
    while tells.try_recv().is_ok() {}
    Ok(Start { wall, cpu: cpu_of_children()?.saturating_sub(cpu_before) })
}

/// A process that is ended, whatever happens.
struct Ended(Child);

impl Ended {
    fn end(&mut self) -> Result<(), std::io::Error> {
        self.0.kill()?;
        self.0.wait().map(|_| ())
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        // It has ended already, if all went well.
        let _ = self.end();
    }
}

/// The CPU time of all processes that were started here and have ended.
fn cpu_of_children() -> Result<Duration, Box<dyn Error>> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = usage.user_time().num_microseconds().saturating_add(usage.system_time().num_microseconds());
    Ok(Duration::from_micros(u64::try_from(micros)?))
}

async fn listen(listener: TcpListener, stage: Arc<Stage>) {
    while let Ok((connection, _)) = listener.accept().await {
        // The machine's own delay of small packets is none of a function's.
        let _ = connection.set_nodelay(true);
        let stage = Arc::clone(&stage);
        let service = service_fn(move |request| serve(Arc::clone(&stage), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
    }
}

async fn serve(stage: Arc<Stage>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    if path.ends_with("/invocation/next") {
        // First, since the next start may be under way as soon as this one is told.
        let is_open = std::mem::take(&mut *stage.is_open.lock().unwrap_or_else(PoisonError::into_inner));
        // Nobody listens any more when the measuring is over.
        let _ = stage.told.send((Until::Polled, Instant::now()));
        if !is_open {
            stage.never.notified().await;
        }
        let mut response = Response::new(Full::new(stage.event.clone()));
        for (name, value) in [
            ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
            ("lambda-runtime-deadline-ms", "4102444800000"),
            ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:123456789012:function:bench"),
        ] {
            response.headers_mut().insert(name, hyper::header::HeaderValue::from_static(value));
        }
        return Ok(response);
    }
    if path.contains("/invocation/") {
        let at = Instant::now();
        let answer = body.collect().await?.to_bytes();
        let answer = serde_json::from_slice::<Value>(&answer).unwrap_or_default();
        if answer["statusCode"] == 200 {
            let _ = stage.told.send((Until::Answered, at));
        } else {
            println!("not answered: {answer}");
        }
        return Ok(Response::new(Full::default()));
    }
    let asked = serde_json::from_slice::<Value>(&body.collect().await?.to_bytes()).unwrap_or_default();
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let answer = match target {
        "secretsmanager.GetSecretValue" => json!({ "SecretString": SECRETS }),
        "DynamoDB_20120810.Query" => found(&asked),
        _ => json!({}),
    };
    Ok(Response::new(Full::new(Bytes::from(answer.to_string()))))
}

/// The API key, if it is that which is asked for; nothing of anything else.
fn found(asked: &Value) -> Value {
    let stream = asked["ExpressionAttributeValues"][":pk"]["S"].as_str().unwrap_or_default();
    let hash = key_hash(&API_KEY.into());
    if !stream.strip_prefix("@key/").is_some_and(|id| hash.starts_with(id)) {
        return json!({ "Items": [], "Count": 0, "ScannedCount": 0 });
    }
    let events = json!([{ "type": "created", "hash": hash, "merchants": ["TestMerchant"], "roles": ["payments"] }]);
    let item = json!({
        "pk": { "S": stream }, "sk": { "N": "0" }, "id": { "B": "AAECAwQFBgcICQoLDA0ODw==" },
        "at": { "N": "1769860800000" }, "ev": { "S": events.to_string() },
    });
    json!({ "Items": [item], "Count": 1, "ScannedCount": 1 })
}

fn report(
    arguments: &Arguments,
    subjects: &[Subject],
    all: &BTreeMap<(usize, Until), Vec<Start>>,
) -> Result<(), Box<dyn Error>> {
    println!("medians of {} starts, and ratios to hello\n", arguments.starts);
    println!("| | size | to the first poll | CPU | to the first answer | CPU |");
    println!("|---|---|---|---|---|---|");
    let of = |place: usize, until: Until| {
        let starts = all.get(&(place, until)).map(Vec::as_slice).unwrap_or_default();
        [median(starts, |start| start.wall), median(starts, |start| start.cpu)]
    };
    let figures = |place: usize| [of(place, Until::Polled), of(place, Until::Answered)].concat();
    let hello = figures(0);
    for (place, Subject { name, binary, .. }) in subjects.iter().enumerate() {
        let cells = figures(place).into_iter().zip(&hello).map(|(figure, of)| {
            let hundredths = figure.as_micros().saturating_mul(100).checked_div(of.as_micros()).unwrap_or_default();
            format!("{} ms ({}.{:02})", milliseconds(figure), hundredths / 100, hundredths % 100)
        });
        let size = size(binary)?;
        println!("| {name} | {size} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
    Ok(())
}

fn median(starts: &[Start], of: impl Fn(&Start) -> Duration) -> Duration {
    let mut figures = starts.iter().map(of).collect::<Vec<_>>();
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(duration: Duration) -> String {
    let hundredths = duration.as_micros() / 10;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn size(file: &Path) -> Result<String, std::io::Error> {
    let bytes = fs::metadata(file)?.len();
    let hundredths = bytes / 10_000;
    Ok(format!("{}.{:02} MB", hundredths / 100, hundredths % 100))
}
