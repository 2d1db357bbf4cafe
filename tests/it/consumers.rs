//! The Lambdas behind the stream, the queues and the schedules: events as AWS hands them over, and what is answered.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use api::lambda::Consumer;
use app::{
    Deliveries, Fut, OrderKey, Relay, StoreError,
    ports::{Bus, BusEvent, Courier, Deliver, Job, Parcel, Queue, Scheduled, Timers, Work},
    webhooks::NewEndpoint,
};
use aws::DynamoLog;
use aws_sdk_dynamodb::types::AttributeValue;
use data_encoding::BASE64;
use domain::{Time, feed::Report, limits::ORDER_LIFETIME_DEFAULT, order::Format};
use functions::background::{deliver_webhook::Deliverer, expire_order::Expirer, relay::Relayer, work::Worker};
use serde_json::{Value, json};
use tests::{
    dynamo,
    faults::Flaky,
    shop::{On, Shop, order_key, test_merchant},
};

/// A card whose payment is pending for two seconds, and then approved.
const PENDING_CARD: &str = "4000000000000077";

/// The queue, the timers and the bus: remember what they are told, or fail.
#[derive(Default)]
struct Recorder {
    jobs: Mutex<Vec<Scheduled>>,
    timers: Mutex<Vec<(OrderKey, Option<Time>)>>,
    events: Mutex<Vec<BusEvent>>,
    fails: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recorder {
    fn record<T>(&self, into: &Mutex<Vec<T>>, what: Vec<T>) -> Fut<'_, Result<(), StoreError>> {
        let outcome = if self.fails.load(Ordering::SeqCst) {
            Err(StoreError::Unavailable("as planned".to_owned()))
        } else {
            locked(into).extend(what);
            Ok(())
        };
        Box::pin(std::future::ready(outcome))
    }

    fn jobs(&self) -> Vec<Scheduled> {
        std::mem::take(&mut locked(&self.jobs))
    }

    fn kinds(&self) -> Vec<String> {
        locked(&self.events).iter().map(|event| event.kind.clone()).collect()
    }
}

impl Queue for Recorder {
    fn send<'a>(&'a self, jobs: &'a [Scheduled]) -> Fut<'a, Result<(), StoreError>> {
        self.record(&self.jobs, jobs.to_vec())
    }
}

impl Timers for Recorder {
    fn set<'a>(&'a self, order: &'a OrderKey, at: Time) -> Fut<'a, Result<(), StoreError>> {
        self.record(&self.timers, vec![(order.clone(), Some(at))])
    }

    fn clear<'a>(&'a self, order: &'a OrderKey) -> Fut<'a, Result<(), StoreError>> {
        self.record(&self.timers, vec![(order.clone(), None)])
    }
}

impl Bus for Recorder {
    fn put<'a>(&'a self, events: &'a [BusEvent]) -> Fut<'a, Result<(), StoreError>> {
        self.record(&self.events, events.to_vec())
    }
}

/// Endpoints that all answer with one status.
struct Answering(u16, Mutex<Vec<String>>);

impl Courier for Answering {
    fn deliver<'a>(&'a self, parcel: Parcel<'a>) -> Fut<'a, Report> {
        locked(&self.1).push(parcel.endpoint.id.clone());
        let report = Report { status: Some(self.0), error: None, duration: Duration::ZERO, retry_after: None };
        Box::pin(std::future::ready(report))
    }
}

/// A batch as SQS hands it over.
fn messages(bodies: &[&str]) -> Value {
    let records = bodies.iter().enumerate().map(|(place, body)| {
        json!({
            "messageId": format!("059f36b4-87a3-44ab-83d2-66197583000{place}"),
            "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
            "body": body,
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "1769860800000",
                "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                "ApproximateFirstReceiveTimestamp": "1769860800001",
                "MessageGroupId": "TestMerchant",
            },
            "messageAttributes": {},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:work",
            "awsRegion": "eu-west-1",
        })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

fn jobs(jobs: &[Job]) -> Value {
    let bodies = jobs.iter().map(|job| serde_json::to_string(job).unwrap()).collect::<Vec<_>>();
    messages(&bodies.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The places of the messages that an answer asks to be given again.
fn failed(answer: &Value) -> Vec<u32> {
    let place = |failure: &Value| failure["itemIdentifier"].as_str()?.chars().last()?.to_digit(10);
    let failures = answer["batchItemFailures"].as_array().unwrap();
    let mut places = failures.iter().map(place).collect::<Option<Vec<_>>>().unwrap();
    places.sort_unstable();
    places
}

/// A record as the table's stream hands it over.
fn record(number: usize, name: &str, image: &Value) -> Value {
    json!({
        "eventID": format!("7de3041dd709b024af6f29e4fa13d34{number}"),
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_769_860_800_u64,
            "Keys": { "pk": image["pk"], "sk": image["sk"] },
            "NewImage": image,
            "SequenceNumber": format!("442158440000000001736332610{number}"),
            "SizeBytes": 26,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/tender/stream/2026-01-31T12:00:00.000",
    })
}

/// Inserts, in this order.
fn inserted(images: &[Value]) -> Value {
    let records = images.iter().enumerate().map(|(number, image)| record(number, "INSERT", image));
    json!({ "Records": records.collect::<Vec<_>>() })
}

/// All items of an order as a stream shows them, oldest first.
async fn images(dynamo: &dynamo::Dynamo, order: &OrderKey) -> Vec<Value> {
    let query = dynamo.client.query().table_name(&dynamo.table).key_condition_expression("pk = :pk");
    let pk = AttributeValue::S(order.stream().to_string());
    let items = query.expression_attribute_values(":pk", pk).send().await.unwrap().items.unwrap();
    let attribute = |value: &AttributeValue| {
        let text = value.as_s().map(|text| json!({ "S": text }));
        let number = value.as_n().map(|number| json!({ "N": number }));
        let bytes = value.as_b().map(|bytes| json!({ "B": BASE64.encode(bytes.as_ref()) }));
        text.or(number).or(bytes).expect("commits have no others")
    };
    let image = |item: &std::collections::HashMap<String, AttributeValue>| {
        item.iter().map(|(name, value)| (name.clone(), attribute(value))).collect::<Value>()
    };
    items.iter().map(image).collect()
}

/// A shop on DynamoDB, its table, and an order of three commits: opened, a payment reserved, and resolved.
async fn paid_in_part() -> (dynamo::Dynamo, Shop, OrderKey) {
    let dynamo = dynamo::start().await;
    let shop = Shop::over(Arc::new(DynamoLog::new(dynamo.client.clone(), &dynamo.table))).await;
    let opened = shop.open_order(10_000).await;
    shop.pay_card(&opened.order(), 2_000, "4111111111111111").await;
    let order = order_key(&opened.order());
    (dynamo, shop, order)
}

fn relayer(shop: &Shop, recorder: &Arc<Recorder>) -> Relayer {
    let (queue, timers, bus) = (recorder.clone(), recorder.clone(), recorder.clone());
    Relayer::new(Relay::new(shop.engine.webhooks.clone(), queue, timers, bus))
}

async fn endpoint(shop: &Shop) -> String {
    let url = "https://shop.example/webhooks".to_owned();
    let new = NewEndpoint { url, format: Format::Tender, events: Vec::new(), key: None };
    shop.engine.webhooks.create(&test_merchant(), new).await.unwrap().0.id
}

#[tokio::test]
async fn what_follows_commits_is_carried_out() {
    let (dynamo, shop, order) = paid_in_part().await;
    let endpoint = endpoint(&shop).await;
    let recorder = Arc::new(Recorder::default());
    let images = images(&dynamo, &order).await;
    assert_eq!(images.len(), 3);
    let answer = relayer(&shop, &recorder).handle(inserted(&images)).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }));

    let expiry = shop.engine.app.find(&order).await.unwrap().expires_at;
    assert_eq!(*locked(&recorder.timers), [(order.clone(), Some(expiry))]);
    let deliver = Deliver { merchant: order.merchant.clone(), endpoint, order: Some(order.id.reference()) };
    let told = recorder.jobs().into_iter().map(|scheduled| scheduled.job).collect::<Vec<_>>();
    assert!(told.contains(&Job::Deliver(deliver)), "{told:?}");
    assert!(recorder.kinds().contains(&"payment_reserved".to_owned()), "{:?}", recorder.kinds());
}

#[tokio::test]
async fn only_new_items_are_commits() {
    let (dynamo, shop, order) = paid_in_part().await;
    let images = images(&dynamo, &order).await;
    let recorder = Arc::new(Recorder::default());
    let mut removed = record(1, "REMOVE", &images[1]);
    removed["dynamodb"].as_object_mut().unwrap().remove("NewImage");
    let event = json!({ "Records": [record(0, "MODIFY", &images[0]), removed] });
    let answer = relayer(&shop, &recorder).handle(event).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    assert!(recorder.kinds().is_empty() && recorder.jobs().is_empty());
}

#[tokio::test]
async fn a_record_that_cannot_be_read_keeps_back_only_what_is_behind_it() {
    let (dynamo, shop, order) = paid_in_part().await;
    let good = images(&dynamo, &order).await;
    let mut no_commit = good[1].clone();
    no_commit.as_object_mut().unwrap().remove("ev");
    let mut strange = good[1].clone();
    strange["ev"] = json!({ "S": r#"[{"type":"from_the_future"}]"# });
    for poison in [no_commit, strange, Value::Null] {
        let recorder = Arc::new(Recorder::default());
        let relayer = relayer(&shop, &recorder);
        let event = inserted(&[good[0].clone(), poison.clone(), good[2].clone()]);
        let answer = relayer.handle(event).await.unwrap();
        let number = "4421584400000000017363326101";
        assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": number }] }));
        assert_eq!(recorder.kinds().iter().filter(|kind| *kind == "opened").count(), 1, "what came before it");
        assert!(!recorder.kinds().contains(&"payment_resolved".to_owned()), "what comes behind it waits");

        // Then the trigger begins with it. Failing as a whole has the batch halved until it comes alone.
        let before = recorder.kinds().len();
        relayer.handle(inserted(&[poison, good[2].clone()])).await.unwrap_err();
        assert_eq!(recorder.kinds().len(), before);
    }
}

#[tokio::test]
async fn a_batch_that_cannot_be_carried_out_fails() {
    let (dynamo, shop, order) = paid_in_part().await;
    let images = images(&dynamo, &order).await;
    let recorder = Arc::new(Recorder::default());
    let relayer = relayer(&shop, &recorder);
    recorder.fails.store(true, Ordering::SeqCst);
    let error = relayer.handle(inserted(&images)).await.unwrap_err();
    assert!(error.to_string().contains("as planned"), "{error}");
    recorder.fails.store(false, Ordering::SeqCst);
    relayer.handle(inserted(&images)).await.unwrap();
    assert!(!recorder.kinds().is_empty());
    relayer.handle(json!({ "no": "batch" })).await.unwrap_err();
}

/// A shop with an order on which a payment is pending, and the work that it leaves.
async fn pending(shop: &Shop) -> (OrderKey, Work) {
    let opened = shop.open_order(10_000).await;
    let paid = shop.pay_card(&opened.order(), 2_000, PENDING_CARD).await;
    assert_eq!(paid.text_at("/resultCode"), "Pending", "{}", paid.text);
    let order = order_key(&opened.order());
    let work = Work { merchant: order.merchant.clone(), order: order.id.reference(), tries: 0 };
    (order, work)
}

#[tokio::test]
async fn work_is_done_and_what_is_left_of_it_is_sent() {
    let shop = Shop::open(On::Embedded).await;
    let (order, work) = pending(&shop).await;
    let recorder = Arc::new(Recorder::default());
    let worker = Worker::new(shop.engine.app.clone(), recorder.clone());

    let answer = worker.handle(jobs(&[Job::Work(work.clone())])).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    let [left] = &recorder.jobs()[..] else { panic!("one job is left") };
    assert_eq!(left.job, Job::Work(Work { tries: 1, ..work }), "still pending");
    assert!(left.due > shop.engine.app.streams.now());

    shop.clock.advance(Duration::from_secs(3));
    let answer = worker.handle(jobs(std::slice::from_ref(&left.job))).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    assert_eq!(recorder.jobs(), [], "nothing is left");
    assert!(shop.engine.app.find(&order).await.unwrap().payments[0].is_authorised());
}

#[tokio::test]
async fn only_messages_whose_work_failed_are_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let log = Flaky::new(Arc::new(embedded::SqliteLog::open(&folder.path().join("tender.db")).unwrap()));
    let shop = Shop::over(log.clone()).await;
    let (_, work) = pending(&shop).await;
    shop.clock.advance(Duration::from_secs(3));
    let unknown = Work { order: domain::OrderId::from_entropy([9; 16]).reference(), ..work.clone() };
    let deliver = Deliver { merchant: work.merchant.clone(), endpoint: "we_1".to_owned(), order: None };
    let job = |job: Job| serde_json::to_string(&job).unwrap();
    let bodies =
        [job(Job::Work(unknown)), "no job".to_owned(), job(Job::Deliver(deliver)), job(Job::Work(work.clone()))];
    let event = messages(&bodies.each_ref().map(String::as_str));
    let recorder = Arc::new(Recorder::default());
    let worker = Worker::new(shop.engine.app.clone(), recorder.clone());

    log.fail(0, i64::MAX);
    assert_eq!(failed(&worker.handle(event.clone()).await.unwrap()), [1, 2, 3], "nothing can be written");
    log.fail(0, 0);
    assert_eq!(failed(&worker.handle(event).await.unwrap()), [1, 2]);
    assert_eq!(failed(&worker.handle(json!({ "Records": [] })).await.unwrap()), [0; 0]);
    worker.handle(json!({})).await.unwrap_err();
}

#[tokio::test]
async fn a_message_is_given_again_if_what_it_left_cannot_be_sent() {
    let shop = Shop::open(On::Embedded).await;
    let (_, work) = pending(&shop).await;
    let unknown = Work { order: domain::OrderId::from_entropy([9; 16]).reference(), ..work.clone() };
    let recorder = Arc::new(Recorder::default());
    recorder.fails.store(true, Ordering::SeqCst);
    let worker = Worker::new(shop.engine.app.clone(), recorder);
    let answer = worker.handle(jobs(&[Job::Work(unknown), Job::Work(work)])).await.unwrap();
    assert_eq!(failed(&answer), [1], "the other left nothing");
}

#[tokio::test]
async fn an_endpoint_is_told_and_told_again() {
    let shop = Shop::open(On::Embedded).await;
    let endpoint = endpoint(&shop).await;
    let opened = shop.open_order(10_000).await;
    let order = order_key(&opened.order());
    let job = Job::Deliver(Deliver {
        merchant: order.merchant.clone(),
        endpoint: endpoint.clone(),
        order: Some(order.id.reference()),
    });
    let recorder = Arc::new(Recorder::default());
    let deliverer = |courier: &Arc<Answering>| {
        let (streams, webhooks) = (shop.engine.app.streams.clone(), shop.engine.webhooks.clone());
        Deliverer::new(Deliveries::new(streams, webhooks, courier.clone()), recorder.clone())
    };

    let busy = Arc::new(Answering(503, Mutex::default()));
    let answer = deliverer(&busy).handle(jobs(std::slice::from_ref(&job))).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }), "what an endpoint answers is no failure of the job");
    assert_eq!(*locked(&busy.1), [endpoint]);
    let [again] = &recorder.jobs()[..] else { panic!("one job is left") };
    assert_eq!(again.job, job);
    assert!(again.due > shop.engine.app.streams.now());

    shop.clock.advance(again.due.since(shop.engine.app.streams.now()));
    let willing = Arc::new(Answering(204, Mutex::default()));
    deliverer(&willing).handle(jobs(std::slice::from_ref(&job))).await.unwrap();
    assert_eq!((locked(&willing.1).len(), recorder.jobs()), (1, Vec::new()), "told, and nothing is left");

    let work = Job::Work(Work { merchant: order.merchant, order: order.id.reference(), tries: 0 });
    assert_eq!(failed(&deliverer(&willing).handle(jobs(&[work])).await.unwrap()), [0], "a job of another queue");
}

/// An order's commits come in quick succession, and each asks for its endpoints to be told.
#[tokio::test]
async fn what_messages_of_a_batch_ask_for_alike_is_done_once() {
    let folder = tempfile::tempdir().unwrap();
    let log = Flaky::new(Arc::new(embedded::SqliteLog::open(&folder.path().join("tender.db")).unwrap()));
    let shop = Shop::over(log.clone()).await;
    let endpoint = endpoint(&shop).await;
    let (order, work) = pending(&shop).await;
    let recorder = Arc::new(Recorder::default());
    let willing = Arc::new(Answering(204, Mutex::default()));
    let (streams, webhooks) = (shop.engine.app.streams.clone(), shop.engine.webhooks.clone());
    let deliverer = Deliverer::new(Deliveries::new(streams, webhooks, willing.clone()), recorder.clone());
    let deliver = Deliver { merchant: order.merchant, endpoint, order: Some(order.id.reference()) };
    let other = Deliver { order: None, ..deliver.clone() };
    let batch = jobs(&[deliver.clone(), deliver.clone(), other, deliver].map(Job::Deliver));
    log.fail(0, i64::MAX);
    assert_eq!(failed(&deliverer.handle(batch.clone()).await.unwrap()), [0, 1, 3], "none of them was done");
    log.fail(0, 0);
    locked(&willing.1).clear();
    assert_eq!(failed(&deliverer.handle(batch).await.unwrap()), [0; 0]);
    let changes = ["opened", "reserved", "pending"];
    assert_eq!(locked(&willing.1).len(), changes.len(), "each change was told once");

    let worker = Worker::new(shop.engine.app.clone(), recorder.clone());
    recorder.jobs();
    let looks = [3, 0, 2].map(|tries| Job::Work(Work { tries, ..work.clone() }));
    worker.handle(jobs(&looks)).await.unwrap();
    let [left] = &recorder.jobs()[..] else { panic!("one job is left") };
    assert_eq!(left.job, Job::Work(Work { tries: 1, ..work }), "looked at as soon as the last change wants it");
}

#[tokio::test]
async fn an_order_whose_timer_goes_off_is_expired_when_its_time_has_come() {
    let shop = Shop::open(On::Embedded).await;
    let opened = shop.open_order(10_000).await;
    let order = order_key(&opened.order());
    let recorder = Arc::new(Recorder::default());
    let expirer = Expirer::new(shop.engine.app.clone(), recorder.clone());
    // What the schedule was given.
    let event = json!({ "merchant": order.merchant, "order": order.id.reference() });

    shop.clock.advance(ORDER_LIFETIME_DEFAULT - Duration::from_secs(30));
    assert_eq!(expirer.handle(event.clone()).await.unwrap(), Value::Null);
    let state = shop.engine.app.find(&order).await.unwrap();
    assert!(state.is_open(), "the timer was early");
    let work = Work { merchant: order.merchant.clone(), order: order.id.reference(), tries: 0 };
    let again = Scheduled { job: Job::Work(work), due: state.expires_at };
    assert_eq!(recorder.jobs(), [again]);

    shop.clock.advance(Duration::from_secs(30));
    for _ in 0..2 {
        expirer.handle(event.clone()).await.unwrap();
        assert!(!shop.engine.app.find(&order).await.unwrap().is_open());
    }
    assert_eq!(recorder.jobs(), []);

    let unknown = domain::OrderId::from_entropy([9; 16]).reference();
    expirer.handle(json!({ "merchant": order.merchant, "order": unknown })).await.unwrap();
    expirer.handle(json!({ "merchant": order.merchant })).await.unwrap_err();
}
