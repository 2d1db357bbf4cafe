//! What the functions call: DynamoDB, SQS, EventBridge, its Scheduler and Secrets Manager, on one loopback port.
//!
//! Each function signs with its own name as the access key, so that every call is on record with who made it, under
//! the name of the permission that it takes. Calls can be made to fail.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tests::dynamo::Dynamo;
use tokio::{net::TcpListener, sync::Notify};

use super::trigger;

/// Receives of a message that failed, before it is a dead letter. The template's default is 10.
pub(crate) const RECEIVES_MAX: u32 = 3;

/// How long a message that failed is not given again. The template's is minutes.
const VISIBILITY: Duration = Duration::from_millis(200);

/// Messages that SQS takes at once, and hands over at once.
const MESSAGES_AT_ONCE: usize = 10;

/// The longest delay of a message, in seconds.
const DELAY_MAX: u64 = 900;

/// Bytes of an item that are one unit to write.
const WRITE_UNIT_BYTES: u64 = 1_024;

/// Bytes of items that are one unit to read.
const READ_UNIT_BYTES: u64 = 4_096;

/// Bytes that DynamoDB keeps beside each item, and charges for.
const BYTES_BESIDE_ITEM: u64 = 100;

/// The queues, by the name that permissions know them by.
pub(crate) const QUEUES: [&str; 2] = ["work", "webhooks"];

/// What calls are signed with by the tests themselves.
pub(crate) const TESTS: &str = tests::dynamo::CREDENTIALS.0;

/// A call that is made to fail.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// Of this function.
    pub(crate) function: &'static str,
    /// Of this permission.
    pub(crate) action: &'static str,
    /// With this in its body.
    pub(crate) about: &'static str,
    /// After so many that succeed.
    pub(crate) after: usize,
    /// So often.
    pub(crate) times: usize,
    /// With this status.
    pub(crate) status: u16,
}

/// A message in a queue.
#[derive(Debug, Clone)]
struct Message {
    id: String,
    body: String,
    group: Option<String>,
    visible_at: Instant,
    receives: u32,
}

/// A queue and its dead letters.
#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Message>,
    dead: Vec<String>,
    is_paused: bool,
}

/// A schedule as it was made.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    /// When it goes off: `at(…)`.
    pub(crate) expression: String,
    /// The ARN of what it calls or sends to.
    pub(crate) target: String,
    /// What it calls it with.
    pub(crate) input: String,
}

/// What AWS charges for, counted since it was last taken.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Charges {
    /// Calls that functions made, to whichever service.
    pub(crate) calls: u64,
    /// Kilobytes of items that were begun to be written, in the table and in its index.
    pub(crate) write_units: u64,
    /// Halves of the units of four kilobytes that were begun to be read: a read of the index is half of one.
    pub(crate) half_read_units: u64,
    /// Bytes that are in the table and in its index since.
    pub(crate) bytes_kept: u64,
    /// Requests of queues: messages sent, received and deleted, up to ten at once.
    pub(crate) queue_requests: u64,
    /// Events on the bus.
    pub(crate) events: u64,
}

#[derive(Default)]
struct State {
    calls: BTreeMap<String, BTreeSet<String>>,
    charges: Charges,
    faults: Vec<Fault>,
    stream: VecDeque<Value>,
    is_stream_paused: bool,
    records: u64,
    set_aside: Vec<Value>,
    queues: BTreeMap<String, Queue>,
    messages: u64,
    schedules: BTreeMap<String, Schedule>,
    events: Vec<Value>,
    secrets: BTreeMap<String, String>,
    busy: usize,
}

/// The services.
pub(crate) struct Services {
    /// Where they are.
    pub(crate) url: String,
    /// The table behind them.
    pub(crate) dynamo: Dynamo,
    state: Mutex<State>,
    /// Held while a commit is written and put on the stream: so the stream has all commits in their order.
    writing: tokio::sync::Mutex<()>,
    changed: Notify,
    client: reqwest::Client,
}

/// A service's answer: status and body.
type Answer = (u16, Value);

impl Services {
    /// Services with these secrets, by their ARNs.
    pub(crate) async fn start(secrets: BTreeMap<String, String>) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let queues = QUEUES.map(|name| (name.to_owned(), Queue::default())).into();
        let services = Arc::new(Self {
            url: format!("http://{}", listener.local_addr().expect("its address")),
            dynamo: tests::dynamo::start().await,
            state: Mutex::new(State { secrets, queues, ..State::default() }),
            writing: tokio::sync::Mutex::default(),
            changed: Notify::new(),
            client: reqwest::Client::new(),
        });
        let serving = Arc::clone(&services);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let services = Arc::clone(&serving);
                let service = service_fn(move |request| {
                    let services = Arc::clone(&services);
                    async move { services.serve(request).await }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
            }
        });
        services
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who called what so far, by the names of permissions.
    pub(crate) fn calls(&self) -> BTreeMap<String, BTreeSet<String>> {
        self.state().calls.clone()
    }

    /// What was charged for since this was last asked.
    pub(crate) fn take_charges(&self) -> Charges {
        std::mem::take(&mut self.state().charges)
    }

    /// Has calls fail.
    pub(crate) fn fail(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Failures that are still to come.
    pub(crate) fn faults_left(&self) -> usize {
        self.state().faults.iter().map(|fault| fault.times).sum()
    }

    /// The names of the events that are on the bus.
    pub(crate) fn on_bus(&self) -> Vec<String> {
        self.events().iter().map(|event| event["DetailType"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The events that are on the bus.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.state().events.clone()
    }

    /// The schedules that are set, by name.
    pub(crate) fn schedules(&self) -> BTreeMap<String, Schedule> {
        self.state().schedules.clone()
    }

    /// Takes a schedule away, as one does that has gone off.
    pub(crate) fn take_schedule(&self, name: &str) -> Option<Schedule> {
        self.state().schedules.remove(name)
    }

    /// The records that were set aside.
    pub(crate) fn set_aside(&self) -> Vec<Value> {
        self.state().set_aside.clone()
    }

    /// The dead letters of a queue.
    pub(crate) fn dead_letters(&self, queue: &str) -> Vec<String> {
        self.state().queues[queue].dead.clone()
    }

    /// Keeps a queue's messages back, or not any more.
    pub(crate) fn pause(&self, queue: &str, is_paused: bool) {
        self.state().queues.get_mut(queue).expect("a queue").is_paused = is_paused;
        self.changed.notify_waiters();
    }

    /// Keeps the stream's records back, or not any more: then they come in one batch.
    pub(crate) fn pause_stream(&self, is_paused: bool) {
        self.state().is_stream_paused = is_paused;
        self.changed.notify_waiters();
    }

    /// Sends a message to a queue.
    pub(crate) fn send(&self, queue: &str, body: &str, group: Option<&str>, delay: Duration) -> String {
        let mut state = self.state();
        state.messages += 1;
        let id = format!("059f36b4-87a3-44ab-83d2-{:012}", state.messages);
        let message = Message {
            id: id.clone(),
            body: body.to_owned(),
            group: group.map(str::to_owned),
            visible_at: Instant::now() + delay,
            receives: 0,
        };
        state.queues.get_mut(queue).expect("a queue").waiting.push(message);
        drop(state);
        self.changed.notify_waiters();
        id
    }

    /// Whether nothing is under way that does not wait for its time.
    pub(crate) fn is_at_rest(&self) -> bool {
        let (state, now) = (self.state(), Instant::now());
        let waits = |queue: &Queue| queue.is_paused || queue.waiting.iter().all(|message| message.visible_at > now);
        let is_relayed = state.is_stream_paused || state.stream.is_empty();
        state.busy == 0 && is_relayed && state.queues.values().all(waits)
    }

    /// Waits for the next records of the stream that the trigger's filter lets through.
    pub(crate) async fn next_records(&self) -> Vec<Value> {
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.state();
                if !state.is_stream_paused {
                    let records = state.stream.drain(..).filter(trigger::passes).collect::<Vec<_>>();
                    if !records.is_empty() {
                        state.busy += 1;
                        return records;
                    }
                }
            }
            changed.await;
        }
    }

    /// Records of the stream were handed over, all but these.
    pub(crate) fn relayed(&self, set_aside: Vec<Value>) {
        let mut state = self.state();
        state.set_aside.extend(set_aside);
        state.busy -= 1;
    }

    /// Waits for messages of a queue; the event that hands them over.
    pub(crate) async fn next_messages(&self, queue: &str) -> Value {
        loop {
            let changed = self.changed.notified();
            let next = {
                let mut state = self.state();
                let now = Instant::now();
                let batch = state.queues.get_mut(queue).expect("a queue").receive(now);
                if !batch.is_empty() {
                    state.busy += 1;
                    state.charges.queue_requests += 1;
                    let records = batch.iter().map(|message| message.record(queue)).collect::<Vec<_>>();
                    return json!({ "Records": records });
                }
                state.queues[queue].next_visible()
            };
            match next {
                Some(at) => {
                    let _ = tokio::time::timeout_at(at.into(), changed).await;
                }
                None => changed.await,
            }
        }
    }

    /// Messages were handed over; those that failed come again.
    pub(crate) fn worked(&self, queue: &str, event: &Value, outcome: &super::Outcome) {
        let taken = event["Records"].as_array().expect("messages").iter().map(|record| text(&record["messageId"]));
        let taken = taken.collect::<BTreeSet<_>>();
        let failed = match outcome {
            Ok(answer) => answer["batchItemFailures"].as_array().into_iter().flatten().collect::<Vec<_>>(),
            Err(_) => Vec::new(),
        };
        let failed = failed.into_iter().map(|failure| text(&failure["itemIdentifier"])).collect::<BTreeSet<_>>();
        let done = taken.iter().filter(|id| outcome.is_ok() && !failed.contains(*id)).cloned().collect::<BTreeSet<_>>();
        let mut state = self.state();
        state.charges.queue_requests += u64::from(!done.is_empty());
        let waiting = &mut state.queues.get_mut(queue).expect("a queue").waiting;
        waiting.retain(|message| !done.contains(&message.id));
        for message in waiting.iter_mut().filter(|message| taken.contains(&message.id)) {
            message.visible_at = Instant::now() + VISIBILITY;
        }
        state.busy -= 1;
        drop(state);
        self.changed.notify_waiters();
    }

    /// How often the messages that wait in a queue were received.
    pub(crate) fn receives(&self, queue: &str) -> Vec<u32> {
        self.state().queues[queue].waiting.iter().map(|message| message.receives).collect()
    }

    /// Puts a commit into an order's stream that nobody can read, as a version that is still to come.
    pub(crate) async fn damage(&self, order: &str, version: u16) {
        self.damage_stream(&stream(order), version).await;
    }

    /// The same for any stream.
    #[expect(clippy::disallowed_methods, reason = "it is no commit")]
    pub(crate) async fn damage_stream(&self, stream: &str, version: u16) {
        let client = tests::dynamo::client(&self.url);
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let put = client
            .put_item()
            .table_name(&self.dynamo.table)
            .item("pk", text(stream))
            .item("sk", AttributeValue::N(version.to_string()))
            .item("id", AttributeValue::B(Blob::new([7; 16])))
            .item("at", AttributeValue::N("1769860800000".to_owned()))
            .item("ev", text(r#"[{"type":"from_the_future"}]"#))
            .item(aws::FOLLOWED, text("y"));
        put.send().await.expect("an item");
    }

    /// Takes such a commit away.
    pub(crate) async fn repair(&self, order: &str, version: u16) {
        let delete = self.dynamo.client.delete_item().table_name(&self.dynamo.table);
        let delete =
            delete.key("pk", AttributeValue::S(stream(order))).key("sk", AttributeValue::N(version.to_string()));
        delete.send().await.expect("an item less");
    }

    async fn serve(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let (parts, body) = request.into_parts();
        let bytes = body.collect().await?.to_bytes();
        let body = serde_json::from_slice::<Value>(&bytes).unwrap_or_default();
        let target = header(&parts.headers, "x-amz-target");
        let credential = header(&parts.headers, "authorization");
        let caller = credential.split_once("Credential=").and_then(|(_, rest)| rest.split('/').next());
        let caller = caller.unwrap_or_default().to_owned();
        let line = format!("{} {}", parts.method, parts.uri.path());
        let action = action(&target, &line, &body);
        if caller != TESTS {
            let mut state = self.state();
            state.calls.entry(caller.clone()).or_default().insert(action.clone());
            state.charges.calls += 1;
            state.charges.queue_requests += u64::from(target.starts_with("AmazonSQS."));
        }
        if let Some(status) = self.fault(&caller, &action, &String::from_utf8_lossy(&bytes)) {
            // As unkind as can be: the request is told back.
            let kind = if status < 500 { "ValidationException" } else { "InternalServerError" };
            let message = format!("as planned: {}", String::from_utf8_lossy(&bytes));
            return Ok(answer(status, &json!({ "__type": kind, "message": message })));
        }
        if target.starts_with("DynamoDB_20120810.") {
            return Ok(self.dynamo(&target, &parts.headers, bytes, &body).await);
        }
        let (status, body) = match target.as_str() {
            "AmazonSQS.SendMessageBatch" => self.send_batch(&body),
            "AWSEvents.PutEvents" => self.put_events(&body),
            "secretsmanager.GetSecretValue" => self.secret(&body),
            _ => self.schedule(&line, &body),
        };
        self.changed.notify_waiters();
        Ok(answer(status, &body))
    }

    fn fault(&self, caller: &str, action: &str, body: &str) -> Option<u16> {
        let mut state = self.state();
        let fault = state.faults.iter_mut().find(|fault| {
            fault.times > 0 && fault.function == caller && fault.action == action && body.contains(fault.about)
        })?;
        if fault.after > 0 {
            fault.after -= 1;
            return None;
        }
        fault.times -= 1;
        Some(fault.status)
    }

    /// Hands a request on to DynamoDB. An item that was put is a record of the stream.
    async fn dynamo(&self, target: &str, headers: &HeaderMap, bytes: Bytes, body: &Value) -> Response<Full<Bytes>> {
        let is_put = target.ends_with(".PutItem");
        let _turn = if is_put { Some(self.writing.lock().await) } else { None };
        let mut request = self.client.post(&self.dynamo.endpoint).body(bytes);
        for name in ["x-amz-target", "content-type", "authorization", "x-amz-date"] {
            request = request.header(name, header(headers, name));
        }
        let response = request.send().await.expect("DynamoDB answers");
        let status = response.status().as_u16();
        let answered = response.bytes().await.expect("a whole answer");
        self.charge(target, body, status == 200, &serde_json::from_slice(&answered).unwrap_or_default());
        if is_put && status == 200 {
            let mut state = self.state();
            state.records += 1;
            let record = record(state.records, &body["Item"]);
            state.stream.push_back(record);
            drop(state);
            self.changed.notify_waiters();
        }
        let response = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
        response.body(Full::new(answered)).expect("a whole answer")
    }

    /// Counts what DynamoDB charges for a request. A write whose condition fails is charged as if it had not.
    fn charge(&self, target: &str, body: &Value, is_done: bool, answered: &Value) {
        let charges = &mut self.state().charges;
        if target.ends_with(".PutItem") {
            let size = item_size(&body["Item"]);
            let places = 1 + u64::from(is_done && !body["Item"]["ls"].is_null());
            charges.write_units += places * size.div_ceil(WRITE_UNIT_BYTES);
            charges.bytes_kept += if is_done { places * (size + BYTES_BESIDE_ITEM) } else { 0 };
        } else {
            let size = answered["Items"].as_array().into_iter().flatten().map(item_size).sum::<u64>();
            let halves = if body["ConsistentRead"] == true { 2 } else { 1 };
            charges.half_read_units += halves * size.div_ceil(READ_UNIT_BYTES).max(1);
        }
    }

    fn send_batch(&self, body: &Value) -> Answer {
        let queue = queue_of(&text(&body["QueueUrl"]));
        let entries = body["Entries"].as_array().cloned().unwrap_or_default();
        let delay = |entry: &Value| entry["DelaySeconds"].as_u64().unwrap_or_default();
        let is_valid =
            (1..=MESSAGES_AT_ONCE).contains(&entries.len()) && entries.iter().all(|entry| delay(entry) <= DELAY_MAX);
        if !QUEUES.contains(&queue.as_str()) || !is_valid {
            return (400, json!({ "__type": "InvalidParameterValue", "message": "no such queue, delay or number" }));
        }
        let sent = entries.iter().map(|entry| {
            let group = entry["MessageGroupId"].as_str();
            let id = self.send(&queue, &text(&entry["MessageBody"]), group, Duration::from_secs(delay(entry)));
            json!({ "Id": entry["Id"], "MessageId": id, "MD5OfMessageBody": "e4e68fb7bd0e697a0ae8f1bb342846b3" })
        });
        (200, json!({ "Successful": sent.collect::<Vec<_>>(), "Failed": [] }))
    }

    fn put_events(&self, body: &Value) -> Answer {
        let entries = body["Entries"].as_array().cloned().unwrap_or_default();
        let results = entries.iter().map(|_| json!({ "EventId": "11710aed-b79e-4468-a20b-bb3c0c3b4860" }));
        let results = results.collect::<Vec<_>>();
        let mut state = self.state();
        state.charges.events += results.len() as u64;
        state.events.extend(entries);
        drop(state);
        (200, json!({ "FailedEntryCount": 0, "Entries": results }))
    }

    fn secret(&self, body: &Value) -> Answer {
        let id = text(&body["SecretId"]);
        match self.state().secrets.get(&id) {
            Some(secret) => (200, json!({ "ARN": id, "Name": id, "SecretString": secret })),
            None => (400, json!({ "__type": "ResourceNotFoundException", "message": "no such secret" })),
        }
    }

    fn schedule(&self, line: &str, body: &Value) -> Answer {
        let (method, path) = line.split_once(' ').unwrap_or_default();
        let Some(name) = path.strip_prefix("/schedules/").map(str::to_owned) else {
            return (404, json!({ "Message": "no such operation" }));
        };
        let mut state = self.state();
        let is_there = state.schedules.contains_key(&name);
        match (method, is_there) {
            ("POST", true) => (409, json!({ "__type": "ConflictException", "Message": "it exists" })),
            ("PUT" | "DELETE", false) => {
                (404, json!({ "__type": "ResourceNotFoundException", "Message": "it does not exist" }))
            }
            ("DELETE", true) => {
                state.schedules.remove(&name);
                (200, json!({}))
            }
            _ => {
                let target = &body["Target"];
                let schedule = Schedule {
                    expression: text(&body["ScheduleExpression"]),
                    target: text(&target["Arn"]),
                    input: text(&target["Input"]),
                };
                state.schedules.insert(name, schedule);
                (200, json!({ "ScheduleArn": "arn:aws:scheduler:eu-west-1:123456789012:schedule/tender/a" }))
            }
        }
    }
}

impl Queue {
    /// Takes messages that are visible. Those that came too often are dead letters.
    fn receive(&mut self, now: Instant) -> Vec<Message> {
        if self.is_paused {
            return Vec::new();
        }
        let is_dead = |message: &Message| message.visible_at <= now && message.receives >= RECEIVES_MAX;
        let (dead, waiting) = self.waiting.drain(..).partition::<Vec<_>, _>(is_dead);
        self.waiting = waiting;
        self.dead.extend(dead.into_iter().map(|message| message.body));
        let visible = self.waiting.iter_mut().filter(|message| message.visible_at <= now).take(MESSAGES_AT_ONCE);
        visible
            .map(|message| {
                message.receives += 1;
                message.visible_at = now + super::EVENT_TIME_MAX + VISIBILITY;
                message.clone()
            })
            .collect()
    }

    fn next_visible(&self) -> Option<Instant> {
        self.waiting.iter().filter(|_| !self.is_paused).map(|message| message.visible_at).min()
    }
}

impl Message {
    /// The message as it is handed over.
    fn record(&self, queue: &str) -> Value {
        json!({
            "messageId": self.id,
            "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
            "body": self.body,
            "attributes": {
                "ApproximateReceiveCount": self.receives.to_string(),
                "SentTimestamp": "1769860800000",
                "SenderId": "AROAEXAMPLE:relay",
                "ApproximateFirstReceiveTimestamp": "1769860800001",
                "MessageGroupId": self.group,
            },
            "messageAttributes": {},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": queue_arn(queue),
            "awsRegion": tests::dynamo::REGION,
        })
    }
}

/// The size of an item as DynamoDB's documentation has it, for the types that a commit has.
fn item_size(item: &Value) -> u64 {
    let size = |value: &Value| match value.as_object().and_then(|typed| typed.iter().next()) {
        Some((kind, Value::String(text))) => match kind.as_str() {
            "S" => text.len(),
            "N" => text.len() / 2 + 1,
            "B" => text.trim_end_matches('=').len() * 3 / 4,
            other => panic!("a commit has no {other}"),
        },
        _ => panic!("a commit has texts, bytes and numbers, and not {value}"),
    };
    let attributes = item.as_object().into_iter().flatten();
    attributes.map(|(name, value)| (name.len() + size(value)) as u64).sum()
}

/// The stream of an order.
fn stream(order: &str) -> String {
    tests::shop::order_key(&json!({ "pspReference": order })).stream().to_string()
}

/// The URL of a queue.
pub(crate) fn queue_url(services: &str, queue: &str) -> String {
    format!("{services}/123456789012/tender-{queue}")
}

/// The ARN of a queue.
pub(crate) fn queue_arn(queue: &str) -> String {
    format!("arn:aws:sqs:eu-west-1:123456789012:tender-{queue}")
}

/// The queue of a URL or an ARN.
pub(crate) fn queue_of(name: &str) -> String {
    name.rsplit_once("tender-").map(|(_, queue)| queue.to_owned()).unwrap_or_default()
}

/// The permission that a call takes, in the words of `infra/sam/permissions.toml`.
fn action(target: &str, line: &str, body: &Value) -> String {
    let (service, operation) = target.split_once('.').unwrap_or_default();
    match (service, operation) {
        ("DynamoDB_20120810", operation) => match body["IndexName"].as_str() {
            Some(index) => format!("dynamodb:{operation} {index}"),
            None => format!("dynamodb:{operation}"),
        },
        ("AmazonSQS", "SendMessageBatch") => format!("sqs:SendMessage {}", queue_of(&text(&body["QueueUrl"]))),
        ("AWSEvents", operation) => format!("events:{operation}"),
        ("secretsmanager", operation) if body["SecretId"] == super::OPERATOR_KEY_ARN => {
            format!("secretsmanager:{operation} operator-key")
        }
        ("secretsmanager", operation) => format!("secretsmanager:{operation}"),
        (service, operation) => match line.split_once(" /schedules/") {
            Some(("POST", _)) => "scheduler:CreateSchedule".to_owned(),
            Some(("PUT", _)) => "scheduler:UpdateSchedule".to_owned(),
            Some(("DELETE", _)) => "scheduler:DeleteSchedule".to_owned(),
            _ => format!("{service}:{operation} {line}"),
        },
    }
}

/// A new item as a record of the stream.
fn record(number: u64, image: &Value) -> Value {
    json!({
        "eventID": format!("7de3041dd709b024af6f29e4{number:08}"),
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": tests::dynamo::REGION,
        "dynamodb": {
            "ApproximateCreationDateTime": 1_769_860_800_u64,
            "Keys": { "pk": image["pk"], "sk": image["sk"] },
            "NewImage": image,
            "SequenceNumber": format!("44215844000000000{number:010}"),
            "SizeBytes": image.to_string().len(),
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/tender/stream/2026-01-31T12:00:00.000",
    })
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn answer(status: u16, body: &Value) -> Response<Full<Bytes>> {
    let error = body["__type"].as_str().unwrap_or_default();
    let answer = Response::builder().status(status).header("x-amzn-errortype", error);
    answer.body(Full::new(Bytes::from(body.to_string()))).expect("a whole answer")
}
