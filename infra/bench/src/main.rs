//! Drives whole orders through HTTP: open, pay a part by gift card, pay the rest by card.
//!
//! The engine runs in a process of its own, on a new SQLite file, so that its CPU time is its own:
//! `cargo run --release -p bench -- --clients 16 --orders 4000`.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Parser;
use nix::{
    sys::{
        resource::{UsageWho, getrusage},
        signal::{Signal, kill},
    },
    unistd::Pid,
};
use serde_json::{Value, json};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Set for the process that is to be the engine: its data folder.
const ENGINE: &str = "TENDER_BENCH_ENGINE";
const API_KEY: &str = "tender-bench-key";
/// What each order's gift card holds, in cents: enough for many orders, few enough that its history
/// stays that of a gift card.
const GIFT_CARD_VALUE: u64 = 20_000;
/// What a gift card pays of each order, in cents.
const GIFT_CARD_PART: u64 = 2_000;

/// Drives whole orders through HTTP and says what they cost.
#[derive(Parser)]
struct Arguments {
    /// Clients at once, each with a connection of its own.
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// Orders in all.
    #[arg(long, default_value_t = 4_000)]
    orders: usize,
    /// Orders before anything is measured.
    #[arg(long, default_value_t = 200)]
    warm_up: usize,
}

fn main() -> ExitCode {
    if let Some(folder) = std::env::var_os(ENGINE) {
        return local::cli::main(["tender".into(), "--port".into(), "0".into(), "--data".into(), folder]);
    }
    let arguments = Arguments::parse();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::from)
        .and_then(|runtime| runtime.block_on(run(&arguments)));
    match outcome {
        Ok(report) => {
            let _ = std::io::stdout().write_all(report.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<String, Error> {
    // Start and end of an engine that does only the warm-up cost CPU, too: that is taken off.
    let idle = measure(arguments.clients, arguments.warm_up, 0).await?;
    let busy = measure(arguments.clients, arguments.warm_up, arguments.orders).await?;
    let cpu = busy.cpu.saturating_sub(idle.cpu);
    let mut latencies = busy.latencies;
    latencies.sort();
    let at = |percent: usize| {
        let index = (latencies.len() * percent / 100).min(latencies.len().saturating_sub(1));
        latencies.get(index).copied().unwrap_or_default()
    };
    let orders = arguments.orders as u128;
    Ok(format!(
        "orders            {orders}, by {} clients\norders/s          {}\nserver CPU/order  {} us\nrequest p50       {} us\nrequest p99       {} us\n",
        arguments.clients,
        orders * 1_000_000 / busy.wall.as_micros().max(1),
        cpu.as_micros() / orders.max(1),
        at(50).as_micros(),
        at(99).as_micros(),
    ))
}

struct Measured {
    wall: Duration,
    cpu: Duration,
    latencies: Vec<Duration>,
}

/// An engine in a process of its own; killed when it is dropped.
struct Engine {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Engine {
    fn start() -> Result<Self, Error> {
        let folder = tempfile::tempdir()?;
        let mut child = Command::new(std::env::current_exe()?)
            .env(ENGINE, folder.path().join("data"))
            .env("TENDER_API_KEY", API_KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut engine = Self { child, url: String::new(), _folder: folder };
        for line in output.lines() {
            let line = line?;
            if let Some(url) = line.strip_prefix("Tender is listening on ") {
                engine.url = url.to_owned();
                return Ok(engine);
            }
        }
        Err("the engine did not start".into())
    }

    fn stop(mut self) -> Result<(), Error> {
        kill(Pid::from_raw(i32::try_from(self.child.id())?), Signal::SIGTERM)?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the engine ended with {status}").into()) }
    }
}

/// Runs an engine through a warm-up and `orders` orders. Its CPU time is known when it has ended.
async fn measure(clients: usize, warm_up: usize, orders: usize) -> Result<Measured, Error> {
    let before = children_cpu()?;
    let engine = Engine::start()?;
    drive(&engine.url, clients, warm_up).await?;
    let start = Instant::now();
    let latencies = drive(&engine.url, clients, orders).await?;
    let wall = start.elapsed();
    engine.stop()?;
    Ok(Measured { wall, cpu: children_cpu()?.saturating_sub(before), latencies })
}

/// CPU time of the children that have ended.
fn children_cpu() -> Result<Duration, Error> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let time = |value: nix::sys::time::TimeVal| {
        Duration::from_secs(u64::try_from(value.tv_sec()).unwrap_or(0))
            + Duration::from_micros(u64::try_from(value.tv_usec()).unwrap_or(0))
    };
    Ok(time(usage.user_time()) + time(usage.system_time()))
}

/// `clients` clients make `orders` orders; how long each request took.
async fn drive(url: &str, clients: usize, orders: usize) -> Result<Vec<Duration>, Error> {
    let made = Arc::new(AtomicUsize::new(0));
    let tasks = (0..clients).map(|_| {
        let client = Client { http: reqwest::Client::new(), url: url.to_owned(), latencies: Vec::new() };
        tokio::spawn(client.orders(Arc::clone(&made), orders))
    });
    let mut latencies = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        latencies.extend(task.await??);
    }
    Ok(latencies)
}

struct Client {
    http: reqwest::Client,
    url: String,
    latencies: Vec<Duration>,
}

impl Client {
    async fn orders(mut self, made: Arc<AtomicUsize>, orders: usize) -> Result<Vec<Duration>, Error> {
        let mut left = 0;
        let mut card = Value::Null;
        while made.fetch_add(1, Ordering::Relaxed) < orders {
            if left < GIFT_CARD_PART {
                card = self.issue().await?;
                left = GIFT_CARD_VALUE;
            }
            left -= GIFT_CARD_PART;
            self.order(&card).await?;
        }
        Ok(self.latencies)
    }

    /// Not measured as a request, but paid for in CPU: one for every ten orders.
    async fn issue(&self) -> Result<Value, Error> {
        let balance = json!({ "currency": "EUR", "value": GIFT_CARD_VALUE });
        let body = json!({ "merchantAccount": local::TEST_MERCHANT, "brand": "givex", "balance": balance });
        let card = self.post("/admin/v1/giftCards", &body).await?;
        Ok(json!({ "type": "giftcard", "brand": "givex", "number": card["number"], "cvc": card["cvc"] }))
    }

    async fn order(&mut self, gift_card: &Value) -> Result<(), Error> {
        let body = json!({ "merchantAccount": local::TEST_MERCHANT, "reference": "bench", "amount": euro(10_000) });
        let opened = self.timed("/v72/orders", &body).await?;
        let paid = self.pay(&opened, GIFT_CARD_PART, gift_card.clone()).await?;
        let card = json!({ "type": "scheme", "number": "4111111111111111", "cvc": "737" });
        let paid = self.pay(&paid["order"], 10_000 - GIFT_CARD_PART, card).await?;
        if paid["order"]["remainingAmount"]["value"] == 0 { Ok(()) } else { Err(paid.to_string().into()) }
    }

    async fn pay(&mut self, order: &Value, value: u64, method: Value) -> Result<Value, Error> {
        let body = json!({
            "merchantAccount": local::TEST_MERCHANT,
            "reference": "bench",
            "amount": euro(value),
            "returnUrl": "https://shop.example/return",
            "paymentMethod": method,
            "order": { "pspReference": order["pspReference"], "orderData": order["orderData"] },
        });
        let paid = self.timed("/v72/payments", &body).await?;
        if paid["resultCode"] == "Authorised" { Ok(paid) } else { Err(paid.to_string().into()) }
    }

    async fn timed(&mut self, path: &str, body: &Value) -> Result<Value, Error> {
        let start = Instant::now();
        let answer = self.post(path, body).await?;
        self.latencies.push(start.elapsed());
        Ok(answer)
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        let request = self.http.post(format!("{}{path}", self.url)).header("X-API-Key", API_KEY);
        Ok(request.json(body).send().await?.json().await?)
    }
}

fn euro(value: u64) -> Value {
    json!({ "currency": "EUR", "value": value })
}
