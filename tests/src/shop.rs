//! A shop: an engine of its own behind HTTP on loopback, with a clock that is moved by hand, and a client.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use api::{Engine, Secrets};
use app::{CommitLog, OrderKey, ports::Clock, system::OsRandom};
use domain::{
    Action, MerchantAccount, Order, Reference, Time, Version,
    order::{Operate, OperationKind, Target},
};
use local::background::Source;
use reqwest::{Method, RequestBuilder, StatusCode, header::HeaderMap};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    conformance::{self, Exchange},
    dynamo::Dynamo,
    faults::Flaky,
    stream::Streamed,
};

/// The key of [`local::TEST_MERCHANT`] in every shop.
pub const API_KEY: &str = "tender-test-key";
/// The operator's key in every shop.
pub const OPERATOR_KEY: &str = "tender-test-operator-key";
/// The secrets of every shop.
pub const SECRETS: &str = r#"{
    "fingerprintKey": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "tokenKeys": [ { "id": 7, "key": "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=" } ]
}"#;

/// A clock that moves when it is told to.
#[derive(Debug)]
pub struct HandClock(AtomicU64);

impl HandClock {
    /// A clock that stands at 2026-01-31T12:00:00Z.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(1_769_860_800_000)))
    }

    /// Moves the clock.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap_or(0), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Time {
        Time::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body as it came.
    pub text: String,
}

impl Answer {
    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// A value of the body, by JSON pointer.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or_default()
    }

    /// A text of the body, by JSON pointer; empty if there is none.
    #[must_use]
    pub fn text_at(&self, pointer: &str) -> String {
        self.at(pointer).as_str().unwrap_or_default().to_owned()
    }

    /// Status and `errorCode`.
    #[must_use]
    pub fn error(&self) -> (u16, String) {
        (self.status, self.text_at("/errorCode"))
    }

    /// The order of a payment's answer, or of `POST orders`, as the next request wants it.
    #[must_use]
    pub fn order(&self) -> Value {
        let prefix = if self.at("/order").is_object() { "/order" } else { "" };
        json!({
            "pspReference": self.at(&format!("{prefix}/pspReference")),
            "orderData": self.at(&format!("{prefix}/orderData")),
        })
    }
}

/// An engine of its own behind HTTP.
pub struct Shop {
    /// The engine.
    pub engine: Engine,
    /// Its clock.
    pub clock: Arc<HandClock>,
    /// Where it listens.
    pub url: String,
    /// What is done without being asked; nothing, until [`Shop::settle`] is called.
    pub background: Arc<local::Background>,
    /// Its store.
    pub log: Arc<dyn CommitLog>,
    /// Within that, what fails when it is told to.
    pub faults: Arc<Flaky>,
    /// Where jobs and timers wait.
    pub jobs: Arc<embedded::SqliteLog>,
    client: reqwest::Client,
    base: Base,
}

/// What outlives an engine's process: its store, with the stream and the jobs, and the time.
#[derive(Clone)]
struct Base {
    log: Arc<dyn CommitLog>,
    faults: Arc<Flaky>,
    source: Arc<dyn Source>,
    jobs: Arc<embedded::SqliteLog>,
    clock: Arc<HandClock>,
    secrets: Arc<str>,
    _store: Arc<Store>,
}

/// What has to live as long as the store.
struct Store {
    _folder: tempfile::TempDir,
    _dynamo: Option<Box<Dynamo>>,
}

/// The stores a scenario runs on.
#[derive(Debug, Clone, Copy)]
pub enum On {
    /// One SQLite file.
    Embedded,
    /// DynamoDB's API.
    Dynamo,
}

impl Shop {
    /// A shop on a new store.
    pub async fn open(on: On) -> Self {
        match on {
            On::Embedded => {
                let folder = tempfile::tempdir().expect("a folder for the test");
                let log = embedded::SqliteLog::open(&folder.path().join("tender.db")).expect("a new database");
                let log = Arc::new(log);
                let faults = Flaky::new(Arc::clone(&log) as Arc<dyn CommitLog>);
                let base = Base {
                    log: Arc::clone(&faults) as Arc<dyn CommitLog>,
                    faults,
                    source: Arc::clone(&log) as Arc<dyn Source>,
                    jobs: log,
                    clock: HandClock::new(),
                    secrets: SECRETS.into(),
                    _store: Arc::new(Store { _folder: folder, _dynamo: None }),
                };
                Self::build(base).await
            }
            On::Dynamo => {
                let dynamo = crate::dynamo::start().await;
                let log = aws::DynamoLog::new(dynamo.client.clone(), dynamo.table.clone());
                Self::with_jobs(Arc::new(log), SECRETS, Some(Box::new(dynamo))).await
            }
        }
    }

    /// A shop on a store of the caller's.
    pub async fn over(log: Arc<dyn CommitLog>) -> Self {
        Self::with_jobs(log, SECRETS, None).await
    }

    /// A shop on a store of the caller's, with other secrets.
    pub async fn over_with(log: Arc<dyn CommitLog>, secrets: &str) -> Self {
        Self::with_jobs(log, secrets, None).await
    }

    /// A shop whose jobs are in a file of their own.
    async fn with_jobs(log: Arc<dyn CommitLog>, secrets: &str, dynamo: Option<Box<Dynamo>>) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let jobs = embedded::SqliteLog::open(&folder.path().join("jobs.db")).expect("a new database");
        let faults = Flaky::new(log);
        let log = Streamed::new(Arc::clone(&faults) as Arc<dyn CommitLog>);
        let base = Base {
            log: Arc::clone(&log) as Arc<dyn CommitLog>,
            faults,
            source: log,
            jobs: Arc::new(jobs),
            clock: HandClock::new(),
            secrets: secrets.into(),
            _store: Arc::new(Store { _folder: folder, _dynamo: dynamo }),
        };
        Self::build(base).await
    }

    /// Another process on the same store, at the same time: another engine, and a background of its own.
    pub async fn another(&self) -> Self {
        Self::build(self.base.clone()).await
    }

    async fn build(base: Base) -> Self {
        let Base { log, faults, source, jobs, clock, secrets, .. } = base.clone();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket"));
        let operator = app::access::key_hash(&SecretString::from(OPERATOR_KEY));
        let secrets = Secrets::from_json(&secrets).expect("valid secrets").with_operator(&operator);
        let its_clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let engine = Engine::wire(Arc::clone(&log), its_clock, Arc::new(OsRandom), &secrets, Some(&url))
            .expect("usable secrets")
            .with_test_merchants(local::test_merchants());
        local::furnish(&engine, &API_KEY.into()).await.expect("a store that takes the first merchant");
        let courier = local::courier().expect("TLS");
        let background = local::background(&engine, source, Arc::clone(&jobs), courier);
        tokio::spawn(local::Server::on(listener, engine.clone()).run(std::future::pending()));
        // Redirects lead a shopper's browser; tests look at them.
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client without TLS");
        Self { engine, clock, url, background, log, faults, jobs, client, base }
    }

    /// Does everything that is due, and what follows from it. Returns how many jobs were done.
    pub async fn settle(&self) -> usize {
        self.background.settle().await.expect("a background that comes to rest")
    }

    /// Moves the clock, and does what is due then.
    pub async fn after(&self, time: Duration) {
        self.clock.advance(time);
        self.settle().await;
    }

    /// Lets time pass: moves the clock from one job to the next, and does each when it is due.
    pub async fn pass(&self, time: Duration) {
        let end = self.clock.now().plus(time);
        self.settle().await;
        while let Some(next) = self.next_job().filter(|next| *next < end) {
            self.after(next.since(self.clock.now())).await;
        }
        self.after(end.since(self.clock.now())).await;
    }

    /// When the next job or timer is due; none if nothing is left to be done.
    pub fn next_job(&self) -> Option<Time> {
        self.jobs.next_due(Time::default()).expect("jobs that can be read")
    }

    /// A request with the shop's key.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).header("X-API-Key", API_KEY)
    }

    /// A request without a key.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Sends a request. What is asked and answered has to be what the OpenAPI documents say.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let request = request.build().expect("a request");
        let (method, url) = (request.method().clone(), request.url().clone());
        let sent = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec();
        let response = self.client.execute(request).await.expect("the engine answers");
        let (status, headers) = (StatusCode::as_u16(&response.status()), response.headers().clone());
        let text = response.text().await.expect("a whole answer");
        let (method, sent, text) = (method.as_str(), sent.as_slice(), text);
        conformance::check(&Exchange { method, url: &url, sent, status, headers: &headers, text: &text });
        Answer { status, headers, text }
    }

    /// POSTs JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// POSTs JSON with an idempotency key.
    pub async fn post_keyed(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).header("Idempotency-Key", key).json(body)).await
    }

    /// GETs.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// POSTs without a body.
    pub async fn ask(&self, path: &str) -> Answer {
        self.send(self.request(Method::POST, path)).await
    }

    /// A request with somebody's key, perhaps with a body.
    pub async fn as_key(&self, key: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut request = self.bare(method, path).header("X-API-Key", key);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.send(request).await
    }

    /// Another merchant account, `Second`, and a key for it.
    pub async fn second(&self, roles: &[&str]) -> String {
        let merchant = json!({ "merchantAccount": "Second" });
        self.as_key(OPERATOR_KEY, Method::POST, "/admin/v1/merchants", Some(&merchant)).await;
        let body = json!({ "merchantAccounts": ["Second"], "roles": roles });
        let made = self.as_key(OPERATOR_KEY, Method::POST, "/admin/v1/apiKeys", Some(&body)).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.text_at("/apiKey")
    }

    /// Opens an order for `value` cents.
    pub async fn open_order(&self, value: u64) -> Answer {
        let answer = self.post("/v72/orders", &order_of(value)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer
    }

    /// Opens an order for `value` cents that expires after `time`.
    pub async fn open_order_for(&self, value: u64, time: Duration) -> Answer {
        let mut order = order_of(value);
        order["expiresAt"] = json!(api::clock::render(self.clock.now().plus(time)));
        let answer = self.post("/v72/orders", &order).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer
    }

    /// Pays `value` cents of the order with the test gift card.
    pub async fn pay_gift_card(&self, order: &Value, value: u64) -> Answer {
        self.post("/v72/payments", &payment(Some(order), value, gift_card())).await
    }

    /// Pays `value` cents of the order with a card.
    pub async fn pay_card(&self, order: &Value, value: u64, number: &str) -> Answer {
        self.post("/v72/payments", &payment(Some(order), value, card(number))).await
    }

    /// Cancels the order, and has the worker release what was paid.
    pub async fn cancel(&self, order: &Value) -> Answer {
        let cancel = json!({ "merchantAccount": local::TEST_MERCHANT, "order": order });
        let answer = self.post("/v72/orders/cancel", &cancel).await;
        self.settle().await;
        answer
    }

    /// Asks for a modification: `captures` and the like, of the payment or the order of that reference.
    pub async fn modify(&self, of: &str, what: &str, more: &Value) -> Answer {
        self.post(&format!("/v72/payments/{of}/{what}"), &modification(more)).await
    }

    /// The same, with an idempotency key.
    pub async fn modify_keyed(&self, of: &str, what: &str, key: &str, more: &Value) -> Answer {
        self.post_keyed(&format!("/v72/payments/{of}/{what}"), key, &modification(more)).await
    }

    /// Asks for the payment of a merchant's reference to be cancelled.
    pub async fn cancel_by_reference(&self, reference: &str) -> Answer {
        self.post("/v72/cancels", &modification(&json!({ "paymentReference": reference }))).await
    }

    /// Captures, voids or refunds `value` cents of the payment that commit `payment` of the order reserved.
    pub async fn perform(&self, order: &Value, payment: u16, action: Action, value: u64) -> Order {
        let amount = domain::Money::try_new("EUR".parse().expect("a currency"), value).expect("an amount");
        let payment = Version::try_new(payment).expect("a version");
        let operate = operate(payment, action, amount);
        let operated = self.engine.app.operate(&order_key(order), None, operate).await;
        operated.expect("an operation that is allowed").order
    }

    /// Starts a payment by iDEAL with more in its body; the path of the page where its shopper has to act.
    pub async fn redirect(&self, order: Option<&Value>, value: u64, more: &Value) -> String {
        let mut body = payment(order, value, json!({ "type": "ideal" }));
        body.as_object_mut().expect("a body").extend(more.as_object().cloned().unwrap_or_default());
        let started = self.post("/v72/payments", &body).await;
        assert_eq!(started.text_at("/resultCode"), "RedirectShopper", "{}", started.text);
        let url = started.text_at("/action/url");
        url.strip_prefix(&self.url).expect("a page of this engine").to_owned()
    }

    /// What a browser does when a button of the sandbox's page is pressed; where it is led.
    pub async fn press(&self, page: &str, button: &str) -> String {
        let form = self.bare(Method::POST, &format!("{page}/{button}"));
        let answer = self.send(form.header("Content-Type", "application/x-www-form-urlencoded")).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let pressed = reqwest::Url::parse(&format!("{}{page}/{button}", self.url)).expect("a URL");
        let led = answer.headers["location"].to_str().expect("a text");
        pressed.join(led).expect("a URL").to_string()
    }

    /// `GET orders/{pspReference}` of the order.
    pub async fn order(&self, order: &Value) -> Value {
        let reference = order["pspReference"].as_str().unwrap_or_default();
        let answer = self.get(&format!("/v72/orders/{reference}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// The state of the order as the store has it.
    pub async fn state(&self, order: &Value) -> Order {
        self.engine.app.find(&order_key(order)).await.expect("an order in the store")
    }

    /// What can be spent of the test gift card, in cents.
    pub async fn gift_card_balance(&self) -> u64 {
        let answer = self.get(&format!("/admin/v1/giftCards/{}", local::TEST_GIFT_CARD)).await;
        answer.at("/balance/value").as_u64().expect("a gift card")
    }
}

/// The key of an order of the test merchant.
#[must_use]
pub fn order_key(order: &Value) -> OrderKey {
    let reference = order["pspReference"].as_str().unwrap_or_default();
    let id = reference.parse::<Reference>().expect("an order's reference").order();
    OrderKey { merchant: test_merchant(), id }
}

/// The test merchant.
#[must_use]
pub fn test_merchant() -> MerchantAccount {
    MerchantAccount::try_new(local::TEST_MERCHANT).expect("a valid name")
}

/// The body of `POST orders`.
#[must_use]
pub fn order_of(value: u64) -> Value {
    json!({ "merchantAccount": local::TEST_MERCHANT, "reference": "order-1", "amount": euro(value) })
}

/// The body of `POST payments`.
#[must_use]
pub fn payment(order: Option<&Value>, value: u64, method: Value) -> Value {
    let mut body = json!({
        "merchantAccount": local::TEST_MERCHANT,
        "reference": "payment-1",
        "amount": euro(value),
        "returnUrl": "https://shop.example/return?cart=1",
        "paymentMethod": method,
    });
    if let Some(order) = order {
        body["order"] = order.clone();
    }
    body
}

/// The body of a modification.
#[must_use]
pub fn modification(more: &Value) -> Value {
    let mut body = json!({ "merchantAccount": local::TEST_MERCHANT });
    body.as_object_mut().expect("a body").extend(more.as_object().cloned().unwrap_or_default());
    body
}

/// An amount in euro.
#[must_use]
pub fn euro(value: u64) -> Value {
    json!({ "currency": "EUR", "value": value })
}

/// A card of that number.
#[must_use]
pub fn card(number: &str) -> Value {
    json!({ "type": "scheme", "number": number, "expiryMonth": "03", "expiryYear": "2030", "cvc": "737" })
}

/// The test gift card, of 50.00 EUR.
#[must_use]
pub fn gift_card() -> Value {
    json!({
        "type": "giftcard",
        "brand": local::TEST_GIFT_CARD_BRAND,
        "number": local::TEST_GIFT_CARD,
        "cvc": local::TEST_GIFT_CARD_CODE,
    })
}

/// Asks for one action on the payment of a version.
#[must_use]
pub fn operate(payment: Version, action: Action, amount: domain::Money) -> Operate {
    let kind = match action {
        Action::Capture => OperationKind::Capture,
        Action::Void => OperationKind::Void,
        Action::Refund => OperationKind::Refund,
        Action::Increase => OperationKind::AmountUpdate,
    };
    Operate::new(kind, Target::Payment(payment), Some(amount))
}
