//! `tender` as a process: what it prints, what it survives, how it ends.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use app::{ports::Clock, system::SystemClock};
use domain::Time;
use local::Options;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tests::{
    receiver::{Received, Receiver},
    shop::{API_KEY, card, gift_card, order_of, payment},
};

/// Set for the process that is to be `tender`: its arguments, parted by line feeds.
const ARGUMENTS: &str = "TENDER_TEST_ARGUMENTS";

/// Set for the process that is to be `tender` in an hour: its data folder.
const LATER_IN: &str = "TENDER_TEST_LATER_IN";

/// Not a test of its own: this binary, run again by the tests below, is `tender`.
#[test]
fn is_tender_if_told_so() {
    if let Ok(arguments) = std::env::var(ARGUMENTS) {
        let arguments = std::iter::once("tender").chain(arguments.split('\n')).map(Into::into).collect::<Vec<_>>();
        let code = local::cli::main(arguments);
        std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
    }
    if let Ok(folder) = std::env::var(LATER_IN) {
        later(folder.into());
    }
}

/// A clock an hour ahead.
struct Later;

impl Clock for Later {
    fn now(&self) -> Time {
        SystemClock.now().plus(Duration::from_secs(3_600))
    }
}

/// Runs the engine as it will be in an hour, until it is killed.
fn later(data: PathBuf) {
    let options = Options { port: 0, data, public_url: None, api_key: Some(API_KEY.into()), operator_key: None };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let prepared = local::prepare_with(&options, Arc::new(Later)).await.unwrap();
        let mut output = std::io::stdout();
        writeln!(output, "Tender is listening on http://{}", prepared.address).unwrap();
        output.flush().unwrap();
        prepared.run(std::future::pending()).await;
    });
}

fn tender(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "process::is_tender_if_told_so", "--nocapture", "--quiet"]);
    command.env(ARGUMENTS, arguments.join("\n")).env("TENDER_API_KEY", API_KEY).env_remove("RUST_LOG");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running `tender`; killed when it is dropped.
struct Running {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    url: String,
}

impl Running {
    fn start(data: &Path) -> Self {
        Self::of(tender(&["--port", "0", "--data", data.to_str().unwrap()]))
    }

    /// The same, in an hour.
    fn start_later(data: &Path) -> Self {
        let mut command = tender(&[]);
        command.env_remove(ARGUMENTS).env(LATER_IN, data);
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let ready = "Tender is listening on ";
        let url = loop {
            let mut line = String::new();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "it ended before it was ready");
            if let Some(url) = line.strip_prefix(ready) {
                break url.trim().to_owned();
            }
        };
        Self { child, output, url }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Waits for its end.
    fn wait(&mut self) -> ExitStatus {
        self.output.read_to_string(&mut String::new()).unwrap();
        self.child.wait().unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = reqwest::Client::new().post(format!("{}{path}", self.url)).header("X-API-Key", API_KEY);
        request.json(body).send().await.unwrap().json().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let request = reqwest::Client::new().get(format!("{}{path}", self.url)).header("X-API-Key", API_KEY);
        request.send().await.unwrap().json().await.unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_kill_9() {
    let data = tempfile::tempdir().unwrap();
    let mut order = Value::Null;
    let mut paid = 0;
    for round in 0..5 {
        let running = Running::start(data.path());
        if round == 0 {
            order = running.post("/v72/orders", &order_of(10_000)).await;
        }
        let answer = running.post("/v72/payments", &payment(Some(&order), 700, gift_card())).await;
        assert_eq!(answer["resultCode"], "Authorised", "{answer}");
        paid += 700;
        order = answer["order"].clone();
        running.signal(Signal::SIGKILL);
    }
    let running = Running::start(data.path());
    let state = running.get(&format!("/v72/orders/{}", order["pspReference"].as_str().unwrap())).await;
    assert_eq!(state["remainingAmount"]["value"], json!(10_000 - paid));
    assert_eq!(state["payments"].as_array().map(Vec::len), Some(5));
    assert_eq!(state["orderData"], order["orderData"], "the same key seals the same token");
    let card = running.get(&format!("/admin/v1/giftCards/{}", local::TEST_GIFT_CARD)).await;
    assert_eq!(card["balance"]["value"], json!(5_000 - paid));
}

#[tokio::test]
async fn ctrl_c_drains_and_ends_well() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let data = tempfile::tempdir().unwrap();
        let mut running = Running::start(data.path());
        let requests = (0..8).map(|_| {
            let request = reqwest::Client::new().post(format!("{}/v72/payments", running.url));
            let request = request.header("X-API-Key", API_KEY).json(&payment(None, 100, card("4111111111111111")));
            tokio::spawn(async move { request.send().await.map(|answer| answer.status().as_u16()) })
        });
        let requests = requests.collect::<Vec<_>>();
        running.signal(signal);
        for request in requests {
            // Those it had accepted are answered; the others found nobody listening any more.
            if let Ok(status) = request.await.unwrap() {
                assert_eq!(status, 200);
            }
        }
        let status = running.wait();
        assert!(status.success(), "{signal}: {status}");
    }
}

/// Runs `tender` to its end: its exit code, and what it wrote to standard error.
fn fails(arguments: &[&str]) -> (Option<i32>, String) {
    let output = tender(arguments).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn what_keeps_it_from_starting_is_told_in_one_line() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let file = data.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    let damaged = data.path().join("damaged");
    drop(Running::start(&damaged));
    std::fs::write(damaged.join("tender.db"), "this is no database, whatever its name says").unwrap();
    let secrets = data.path().join("secrets");
    std::fs::create_dir(&secrets).unwrap();
    std::fs::write(secrets.join("secrets.json"), "{}").unwrap();
    let lost = data.path().join("lost");
    drop(Running::start(&lost));
    std::fs::remove_file(lost.join("secrets.json")).unwrap();
    let fresh = data.path().join("fresh");
    let fresh = fresh.to_str().unwrap();
    let in_use = data.path().join("in-use");
    let running = Running::start(&in_use);
    for (arguments, said) in [
        (vec!["--port", &port, "--data", folder], "cannot listen on 127.0.0.1:"),
        (vec!["--port", "0", "--data", file.to_str().unwrap()], "cannot use the data folder"),
        (vec!["--port", "0", "--data", "/dev/null/tender"], "cannot use the data folder"),
        (vec!["--port", "0", "--data", damaged.to_str().unwrap()], "is not a Tender file"),
        (vec!["--port", "0", "--data", secrets.to_str().unwrap()], "secrets.json"),
        (vec!["--port", "0", "--data", in_use.to_str().unwrap()], "is in use by another tender"),
        (vec!["--port", "0", "--data", lost.to_str().unwrap()], "is missing beside a database"),
        (vec!["--port", "0", "--data", fresh, "--public-url", "pay.example"], "--public-url is not"),
        (vec!["--port", "0", "--data", fresh, "--public-url", "javascript:alert(1)"], "--public-url is not"),
        (vec!["--port", "0", "--data", fresh, "--api-key", ""], "8 to 256 letters"),
        (vec!["--port", "0", "--data", fresh, "--api-key", "it's a key"], "8 to 256 letters"),
        (
            vec!["--port", "0", "--data", fresh, "--api-key", "same-key-1", "--operator-key", "same-key-1"],
            "are the same",
        ),
    ] {
        let (code, error) = fails(&arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {error}");
        assert!(error.starts_with("tender: ") && error.contains(said), "{arguments:?}: {error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    }
    drop(running);
}

#[test]
fn keys_are_drawn_once_and_kept_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("deep/er");
    for _ in 0..2 {
        drop(Running::start(&folder));
    }
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    for name in ["operator-key", "secrets.json"] {
        let mode = std::fs::metadata(folder.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert!(!folder.join("api-key").exists(), "the key was given, so none was drawn");
}

/// An order's notifications by number, as a receiver puts them together: what arrives twice is the same.
fn restored(received: &[Received], secret: &str) -> BTreeMap<String, BTreeMap<u64, Value>> {
    let webhook = standardwebhooks::Webhook::new(secret).unwrap();
    let mut orders = BTreeMap::<String, BTreeMap<u64, Value>>::new();
    let mut ids = BTreeMap::new();
    for one in received {
        let id = one.header("webhook-id").to_owned();
        let timestamp = one.header("webhook-timestamp").parse().unwrap();
        assert_eq!(one.header("webhook-signature"), webhook.sign(&id, timestamp, one.body.as_bytes()).unwrap());
        let event = one.json();
        assert_eq!(event["id"], id.as_str());
        assert_eq!(ids.entry(id).or_insert_with(|| one.body.clone()), &one.body, "the same on every try");
        let order = event["data"]["order"]["pspReference"].as_str().unwrap().to_owned();
        orders.entry(order).or_default().insert(event["sequence"].as_u64().unwrap(), event);
    }
    orders
}

/// Whether these are all notifications of a life that has ended.
fn is_whole(events: &BTreeMap<u64, Value>) -> bool {
    let is_gapless = events.keys().copied().eq(1..=events.len() as u64);
    is_gapless && events.values().any(|event| event["type"] == "order.closed")
}

/// A merchant's receiver that knows its secret alone misses nothing, whenever the engine is killed: while it
/// answers, delivers or does nothing, fifty times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_untold_by_kill_9() {
    const ROUNDS: u32 = 50;
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let mut secret = String::new();
    let mut opened = BTreeSet::new();
    let mut paid = BTreeSet::new();
    for round in 0..ROUNDS {
        let running = Running::start(data.path());
        if secret.is_empty() {
            let endpoint = json!({
                "merchantAccount": local::TEST_MERCHANT, "url": receiver.url, "format": "tender",
            });
            let created = running.post("/admin/v1/webhooks", &endpoint).await;
            created["secret"].as_str().unwrap().clone_into(&mut secret);
        }
        let known = receiver.received().len();
        let mut order = order_of(1_000);
        order["expiresAt"] = json!(api::clock::render(SystemClock.now().plus(Duration::from_secs(600))));
        let order = running.post("/v72/orders", &order).await;
        let reference = order["pspReference"].as_str().unwrap().to_owned();
        opened.insert(reference.clone());
        // Killed at another place each time: with a payment under way, between two, or after the last, and
        // after another number of deliveries.
        let first = payment(Some(&order), 100, gift_card());
        if round % 5 == 0 {
            let url = running.url.clone();
            let sent = tokio::spawn(async move {
                let request = reqwest::Client::new().post(format!("{url}/v72/payments")).header("X-API-Key", API_KEY);
                request.json(&first).send().await.map(|answer| answer.status())
            });
            receiver.wait_for(|received| received.len() > known + usize::try_from(round % 3).unwrap()).await;
            running.signal(Signal::SIGKILL);
            // Answered or not: that is for the log to tell.
            let _ = sent.await.unwrap();
            continue;
        }
        let answer = running.post("/v72/payments", &first).await;
        assert_eq!(answer["resultCode"], "Authorised", "{answer}");
        if round % 2 == 1 {
            let rest = payment(Some(&answer["order"]), 900, card("4111111111111111"));
            assert_eq!(running.post("/v72/payments", &rest).await["resultCode"], "Authorised");
            paid.insert(reference);
        }
        receiver.wait_for(|received| received.len() >= known + usize::try_from(round % 7).unwrap() % 4).await;
        running.signal(Signal::SIGKILL);
    }
    // In an hour, the others have expired.
    let running = Running::start_later(data.path());
    let received = receiver
        .wait_for(|received| {
            let orders = restored(received, &secret);
            opened.iter().all(|order| orders.get(order).is_some_and(is_whole))
        })
        .await;
    let orders = restored(&received, &secret);
    assert_eq!(orders.keys().cloned().collect::<BTreeSet<_>>(), opened);
    for (order, events) in &orders {
        let closed = events.values().find(|event| event["type"] == "order.closed").unwrap();
        let ended = &closed["data"]["order"];
        let expected = if paid.contains(order) { "paid" } else { "expired" };
        assert_eq!((&ended["success"], &ended["reason"]), (&json!(paid.contains(order)), &json!(expected)), "{order}");
    }
    // The gift card paid a tenth of each order that was paid, and nothing of the others.
    let card = running.get(&format!("/admin/v1/giftCards/{}", local::TEST_GIFT_CARD)).await;
    assert_eq!(card["balance"]["value"], json!(5_000 - 100 * paid.len()));
}
