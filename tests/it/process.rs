//! `tender` as a process: what it prints, what it survives, how it ends.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tests::shop::{API_KEY, card, gift_card, order_of, payment};

/// Set for the process that is to be `tender`: its arguments, parted by line feeds.
const ARGUMENTS: &str = "TENDER_TEST_ARGUMENTS";

/// Not a test of its own: this binary, run again by the tests below, is `tender`.
#[test]
fn is_tender_if_told_so() {
    if let Ok(arguments) = std::env::var(ARGUMENTS) {
        let arguments = std::iter::once("tender").chain(arguments.split('\n')).map(Into::into).collect::<Vec<_>>();
        let code = local::cli::main(arguments);
        std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
    }
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
        let mut child = tender(&["--port", "0", "--data", data.to_str().unwrap()]).spawn().unwrap();
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
