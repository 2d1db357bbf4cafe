//! A deployment of Tender on this machine: every function as its own process of the binary that Lambda would start,
//! with the environment that `template.yaml` gives it, between stand-ins for the services.
//!
//! What hands events over is here too: the API, the stream's trigger, the queues' event sources and the schedules.

mod runtime;
mod services;
mod template;
mod trigger;

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tests::{repository, shop::Answer};

pub(crate) use runtime::{Line, Outcome};
pub(crate) use services::{Charges, Fault, QUEUES, RECEIVES_MAX, Services};

use runtime::{EVENT_TIME_MAX, Lambda};
use trigger::Taker;

/// The ARN of the secret that keys are derived from.
pub(crate) const SECRETS_ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:tender-AbCdEf";
/// The ARN of the operator's key.
pub(crate) const OPERATOR_KEY_ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:operator-AbCdEf";
/// What is drawn for a stack: letters and digits.
pub(crate) const SEED: &str = "q7ZrW2mXc9VbN4kLt8HyPf3DgSaJe6UwRx5TzKqMnBv1CdEoYiAhGuQs";
/// The operator's key.
pub(crate) const OPERATOR_KEY: &str = "Op3rat0rKeyOfTheLambdasZx81Qw72";
/// The merchant account that may have endpoints on this machine.
pub(crate) const MERCHANT: &str = "TestMerchant";

/// Records that the stream's trigger hands over at once.
const RECORDS_AT_ONCE: usize = 100;

/// How long something may take to happen.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A deployment. Its functions end when it is dropped.
pub(crate) struct Cloud {
    /// The services.
    pub(crate) services: Arc<Services>,
    lambda: Arc<Lambda>,
    /// What stands for the placeholders in golden events.
    known: Mutex<BTreeMap<String, String>>,
    /// What every golden event was answered, by function.
    golden: Mutex<BTreeMap<String, Outcome>>,
}

impl Cloud {
    /// A deployment that nobody has used yet.
    pub(crate) async fn start() -> Self {
        Self::with_secrets(&json!({ "seed": SEED }).to_string()).await
    }

    /// A deployment with that document as its secrets.
    pub(crate) async fn with_secrets(document: &str) -> Self {
        let secrets = [(SECRETS_ARN, document), (OPERATOR_KEY_ARN, OPERATOR_KEY)];
        let secrets = secrets.map(|(arn, secret)| (arn.to_owned(), secret.to_owned()));
        let services = Services::start(secrets.into()).await;
        let url = services.url.clone();
        let lambda = Lambda::start(move |name| environment(name, &url)).await;
        tokio::spawn(relay(Arc::downgrade(&services), Arc::downgrade(&lambda)));
        for (queue, function) in QUEUES.into_iter().zip(["work", "deliver-webhook"]) {
            tokio::spawn(consume(Arc::downgrade(&services), Arc::downgrade(&lambda), queue, function));
        }
        let known = BTreeMap::from([("operatorKey".to_owned(), OPERATOR_KEY.to_owned())]);
        Self { services, lambda, known: Mutex::new(known), golden: Mutex::default() }
    }

    /// Has a placeholder stand for a text from now on.
    pub(crate) fn know(&self, name: &str, text: &str) {
        assert!(!text.is_empty(), "{name} is nothing");
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), text.to_owned());
    }

    /// What a placeholder stands for.
    pub(crate) fn known(&self, name: &str) -> String {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).unwrap_or_else(|| panic!("nothing is known as {name}")).clone()
    }

    /// A function's golden event, to be changed before it is sent.
    pub(crate) fn event(&self, function: &str) -> Event {
        let mut text = golden(function);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, value) in known.iter() {
            text = text.replace(&format!("{{{{{name}}}}}"), value);
        }
        assert!(!text.contains("{{"), "{function}'s event has a placeholder that nothing is known for: {text}");
        Event { function: function.to_owned(), event: serde_json::from_str(&text).expect("a JSON file") }
    }

    /// Sends a request.
    pub(crate) async fn send(&self, event: Event) -> Answer {
        let outcome = self.lambda.invoke(&event.function, &event.event).await;
        read(&outcome.unwrap_or_else(|error| panic!("{} failed: {error}. {}", event.function, self.last_lines())))
    }

    /// Sends a function its golden event, and puts on record what came of it.
    pub(crate) async fn golden(&self, function: &str) -> Answer {
        let outcome = self.golden_outcome(function).await;
        read(&outcome.unwrap_or_else(|error| panic!("{function} failed: {error}. {}", self.last_lines())))
    }

    /// The same, of a function that is not behind the API.
    pub(crate) async fn golden_outcome(&self, function: &str) -> Outcome {
        let Event { event, .. } = self.event(function);
        let outcome = self.lambda.invoke(function, &event).await;
        self.golden.lock().unwrap_or_else(PoisonError::into_inner).insert(function.to_owned(), outcome.clone());
        outcome
    }

    /// Hands a function an event.
    pub(crate) async fn invoke(&self, function: &str, event: &Value) -> Outcome {
        self.lambda.invoke(function, event).await
    }

    /// Ends a function's process: the next event starts another.
    pub(crate) fn end(&self, function: &str) {
        self.lambda.end(function);
    }

    /// What golden events were answered.
    pub(crate) fn golden_outcomes(&self) -> BTreeMap<String, Outcome> {
        self.golden.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Events that functions were handed so far.
    pub(crate) fn handed_over(&self) -> u64 {
        self.lambda.events()
    }

    /// Ends all functions, and waits until what they wrote is read.
    pub(crate) async fn end_all(&self) {
        self.lambda.end_all().await;
    }

    /// Everything that functions wrote, as far as it was read.
    pub(crate) fn lines(&self) -> Vec<Line> {
        self.lambda.lines()
    }

    fn last_lines(&self) -> String {
        let lines = self.lines();
        let last = lines.iter().rev().take(20).rev().map(|line| format!("{}: {}\n", line.function, line.text));
        format!("The last that was written:\n{}", last.collect::<String>())
    }

    /// Has a schedule go off, whatever its time is. It is used up by that.
    pub(crate) async fn go_off(&self, name: &str) -> Outcome {
        let schedule = self.services.take_schedule(name).unwrap_or_else(|| panic!("no schedule {name}"));
        if schedule.target.contains(":function:") {
            let input = serde_json::from_str::<Value>(&schedule.input).expect("an input of JSON");
            return self.lambda.invoke("expire-order", &input).await;
        }
        let queue = services::queue_of(&schedule.target);
        self.services.send(&queue, &schedule.input, None, Duration::ZERO);
        Ok(Value::Null)
    }

    /// Waits until all is done that does not wait for its time.
    pub(crate) async fn settle(&self) {
        self.until("all is done", async || self.services.is_at_rest()).await;
    }

    /// Waits for something to be so.
    pub(crate) async fn until(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        let begun = Instant::now();
        let mut look = tokio::time::interval(LOOK_EVERY);
        while !is_so().await {
            if begun.elapsed() > WAIT_MAX {
                panic!("in vain: {what}. {}", self.last_lines());
            }
            look.tick().await;
        }
    }
}

/// A request on its way to a function.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// The function.
    pub(crate) function: String,
    /// What API Gateway hands it.
    pub(crate) event: Value,
}

impl Event {
    /// The same with some fields of its body changed; those that are null are left out.
    pub(crate) fn with(self, fields: &Value) -> Self {
        let text = self.event["body"].as_str().unwrap_or("{}");
        let mut body = serde_json::from_str::<Value>(text).expect("a body of JSON");
        let object = body.as_object_mut().expect("an object");
        for (name, value) in fields.as_object().expect("an object") {
            if value.is_null() {
                object.remove(name);
            } else {
                object.insert(name.clone(), value.clone());
            }
        }
        self.raw(&body.to_string())
    }

    /// The same with that body, whatever it is.
    pub(crate) fn raw(mut self, body: &str) -> Self {
        self.event["body"] = json!(body);
        self
    }

    /// The same with another value for a header, or without it.
    pub(crate) fn header(mut self, name: &str, value: Option<&str>) -> Self {
        let headers = self.event["headers"].as_object_mut().expect("headers");
        match value {
            Some(value) => headers.insert(name.to_owned(), json!(value)),
            None => headers.remove(name),
        };
        self
    }

    /// The same without an idempotency key.
    pub(crate) fn keyless(self) -> Self {
        self.header("idempotency-key", None).header("x-idempotency-key", None)
    }

    /// The same for another path.
    pub(crate) fn path(mut self, path: &str) -> Self {
        self.event["rawPath"] = json!(path);
        self.event["requestContext"]["http"]["path"] = json!(path);
        self
    }

    /// The same with another query.
    pub(crate) fn query(mut self, query: &str) -> Self {
        self.event["rawQueryString"] = json!(query);
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        self.event["queryStringParameters"] = pairs.map(|(name, value)| (name.to_owned(), json!(value))).collect();
        self
    }
}

/// The file with a function's golden event.
pub(crate) fn golden(function: &str) -> String {
    let file = repository().join(format!("tests/lambdas/events/{function}.json"));
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// What API Gateway reads from an endpoint's answer.
pub(crate) fn read(answer: &Value) -> Answer {
    let mut headers = HeaderMap::new();
    let single = answer["headers"].as_object().into_iter().flatten();
    let several = answer["multiValueHeaders"].as_object().into_iter().flatten();
    for (name, value) in single.chain(several) {
        let value = value.as_str().or_else(|| value[0].as_str()).expect("a header of text");
        let name = name.parse::<HeaderName>().expect("a header's name");
        headers.insert(name, value.parse::<HeaderValue>().expect("a header's value"));
    }
    let status = answer["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok()).expect("a status");
    assert_eq!(answer["isBase64Encoded"], false, "an answer is text: {answer}");
    Answer { status, headers, text: answer["body"].as_str().unwrap_or_default().to_owned() }
}

/// What Lambda sets for a function, and what the template does.
fn environment(function: &str, services: &str) -> Vec<(String, String)> {
    let value = |name: &str| match name {
        "TENDER_TABLE" => "tender".to_owned(),
        "TENDER_SECRETS_ARN" => SECRETS_ARN.to_owned(),
        "TENDER_OPERATOR_KEY_ARN" => OPERATOR_KEY_ARN.to_owned(),
        "TENDER_METRICS_NAMESPACE" => "Tender/tender".to_owned(),
        // The stack's parameter for it is empty, unless it is set.
        "TENDER_PUBLIC_URL" => String::new(),
        "TENDER_WORK_QUEUE_URL" => services::queue_url(services, "work"),
        "TENDER_WORK_QUEUE_ARN" => services::queue_arn("work"),
        "TENDER_WEBHOOK_QUEUE_URL" => services::queue_url(services, "webhooks"),
        "TENDER_WEBHOOK_QUEUE_ARN" => services::queue_arn("webhooks"),
        "TENDER_SCHEDULE_GROUP" => "tender".to_owned(),
        "TENDER_SCHEDULE_ROLE_ARN" => "arn:aws:iam::123456789012:role/tender-schedules".to_owned(),
        "TENDER_EXPIRE_FUNCTION_ARN" => {
            "arn:aws:lambda:eu-west-1:123456789012:function:tender-expire-order:live".to_owned()
        }
        "TENDER_EVENT_BUS" => "tender".to_owned(),
        other => panic!("the template gives {function} {other}, which these tests know nothing of"),
    };
    let given = template::variables(function).into_iter().map(|name| (name.clone(), value(&name)));
    let set = [
        ("AWS_REGION", tests::dynamo::REGION),
        ("AWS_ACCESS_KEY_ID", function),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "token"),
        ("AWS_ENDPOINT_URL", services),
        ("TENDER_TEST_MERCHANTS", MERCHANT),
    ];
    given.chain(set.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}

/// The stream's trigger.
async fn relay(services: Weak<Services>, lambda: Weak<Lambda>) {
    struct Relay(Weak<Lambda>);

    impl Taker for Relay {
        async fn take(&mut self, batch: &Value) -> Outcome {
            match self.0.upgrade() {
                Some(lambda) => lambda.invoke("relay", batch).await,
                None => Ok(Value::Null),
            }
        }
    }

    let mut relay = Relay(lambda);
    while let Some(services) = services.upgrade() {
        let records = services.next_records().await;
        let mut set_aside = Vec::new();
        for batch in records.chunks(RECORDS_AT_ONCE) {
            set_aside.extend(trigger::hand_over(batch.to_vec(), &mut relay).await);
        }
        services.relayed(set_aside);
    }
}

/// A queue's event source.
async fn consume(services: Weak<Services>, lambda: Weak<Lambda>, queue: &'static str, function: &'static str) {
    while let Some(services) = services.upgrade() {
        let event = services.next_messages(queue).await;
        // Held no longer than an event takes: a deployment that is not needed any more ends its functions.
        let Some(lambda) = lambda.upgrade() else { return };
        let outcome = lambda.invoke(function, &event).await;
        services.worked(queue, &event, &outcome);
    }
}
