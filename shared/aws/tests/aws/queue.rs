//! Queues: what goes as a message, what as a schedule, and what becomes of what is not taken.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use app::{
    StoreError,
    ports::{Deliver, Job, Queue, Scheduled, Work},
};
use aws::{DELAY_MAX, JOBS_PER_REQUEST_MAX, SEND_TRIES_MAX, SqsQueue, SqsQueues};
use domain::{MerchantAccount, OrderId, Time};
use serde_json::{Value, json};

use crate::stub::{Answer, Asked, GROUP, NOON, Noon, ROLE, Stub, fails, fine};

const URL: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/work";
const ARN: &str = "arn:aws:sqs:eu-west-1:123456789012:work";
const OTHER_URL: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/webhooks";

fn work(order: u8, due: Time) -> Scheduled {
    let order = OrderId::from_entropy([order; 16]).reference();
    let merchant = MerchantAccount::try_new("TestMerchant").unwrap();
    Scheduled { job: Job::Work(Work { merchant, order, tries: 0 }), due }
}

fn deliver(endpoint: &str) -> Scheduled {
    let merchant = MerchantAccount::try_new("TestMerchant").unwrap();
    Scheduled { job: Job::Deliver(Deliver { merchant, endpoint: endpoint.to_owned(), order: None }), due: NOON }
}

fn queue(stub: &Stub) -> SqsQueue {
    SqsQueue::new(stub.sqs(), URL, ARN, stub.schedules(), Arc::new(Noon))
}

/// Takes all messages of a request, but those whose place in it is in `refused`.
fn taken(asked: &Asked, refused: &[&str]) -> Answer {
    let ids = asked.body["Entries"].as_array().unwrap().iter().map(|entry| entry["Id"].as_str().unwrap());
    let (failed, successful): (Vec<_>, Vec<_>) = ids.partition(|id| refused.contains(id));
    let successful = successful.iter().map(|id| json!({ "Id": id, "MessageId": "m", "MD5OfMessageBody": "5" }));
    let failed = failed.iter().map(|id| json!({ "Id": id, "SenderFault": false, "Code": "InternalError" }));
    fine(json!({ "Successful": successful.collect::<Vec<_>>(), "Failed": failed.collect::<Vec<_>>() }))
}

/// A stand-in that takes every message and every schedule.
async fn willing() -> Stub {
    Stub::start(|asked, _| match asked.operation.as_str() {
        "AmazonSQS.SendMessageBatch" => taken(asked, &[]),
        _ => fine(json!({ "ScheduleArn": "arn:aws:scheduler:eu-west-1:123456789012:schedule/tender/a" })),
    })
    .await
}

fn entries(body: &Value) -> &Vec<Value> {
    body["Entries"].as_array().unwrap()
}

#[tokio::test]
async fn a_job_is_a_message_in_the_group_of_its_lane() {
    let stub = willing().await;
    let job = work(7, NOON);
    queue(&stub).send(std::slice::from_ref(&job)).await.unwrap();
    let [asked] = &stub.asked()[..] else { panic!("one request, not {:?}", stub.asked()) };
    assert_eq!((asked.operation.as_str(), &asked.body["QueueUrl"]), ("AmazonSQS.SendMessageBatch", &json!(URL)));
    let [entry] = &entries(&asked.body)[..] else { panic!("one message, not {}", asked.body) };
    assert_eq!((&entry["MessageGroupId"], &entry["DelaySeconds"]), (&json!("TestMerchant"), &json!(0)));
    let body = entry["MessageBody"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Job>(body).unwrap(), job.job, "what reads the queue reads the job");
}

#[tokio::test]
async fn jobs_go_ten_at_a_time() {
    let stub = willing().await;
    let jobs = (0..23).map(|order| work(order, NOON)).collect::<Vec<_>>();
    queue(&stub).send(&jobs).await.unwrap();
    let sizes = stub.bodies().iter().map(|body| entries(body).len()).collect::<Vec<_>>();
    assert_eq!(sizes, [JOBS_PER_REQUEST_MAX, JOBS_PER_REQUEST_MAX, 3]);
    for body in stub.bodies() {
        let ids = entries(&body).iter().map(|entry| entry["Id"].to_string()).collect::<BTreeSet<_>>();
        assert_eq!(ids.len(), entries(&body).len(), "each message of a request has its own name");
    }
    queue(&stub).send(&[]).await.unwrap();
    assert_eq!(stub.asked().len(), 3, "no jobs are no request");
}

#[tokio::test]
async fn a_job_never_comes_before_it_is_due() {
    let stub = willing().await;
    let after = [0, 1, 999, 1_000, 1_001, 899_001, 900_000].map(|ms| NOON.plus(Duration::from_millis(ms)));
    let past = Time::from_unix_ms(NOON.unix_ms() - 5_000);
    let jobs = after.into_iter().chain([past]).map(|due| work(1, due)).collect::<Vec<_>>();
    queue(&stub).send(&jobs).await.unwrap();
    let delays = entries(&stub.bodies()[0]).iter().map(|entry| entry["DelaySeconds"].clone()).collect::<Vec<_>>();
    assert_eq!(delays, [0, 1, 1, 1, 2, 900, 900, 0].map(Value::from));
}

#[tokio::test]
async fn what_is_due_later_than_messages_wait_is_a_schedule() {
    let stub = willing().await;
    let due = NOON.plus(DELAY_MAX).plus(Duration::from_millis(1));
    let job = work(7, due);
    queue(&stub).send(&[work(1, NOON), job.clone()]).await.unwrap();
    let [message, schedule] = &stub.asked()[..] else { panic!("two requests, not {:?}", stub.asked()) };
    assert_eq!(entries(&message.body).len(), 1, "{}", message.body);

    let name = schedule.line.strip_prefix("POST /schedules/").unwrap();
    assert!(name.len() == 64 && name.chars().all(|character| character.is_ascii_alphanumeric()), "{name}");
    let body = &schedule.body;
    assert_eq!(body["GroupName"], GROUP);
    assert_eq!(body["ScheduleExpression"], "at(2026-01-31T12:15:01)", "rounded up to a second");
    assert_eq!(body["ActionAfterCompletion"], "DELETE");
    assert_eq!(body["FlexibleTimeWindow"], json!({ "Mode": "OFF" }));
    assert_eq!((&body["Target"]["Arn"], &body["Target"]["RoleArn"]), (&json!(ARN), &json!(ROLE)));
    let input = body["Target"]["Input"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Job>(input).unwrap(), job.job, "the same body as a message's");
}

#[tokio::test]
async fn the_same_job_at_the_same_second_is_one_schedule() {
    let stub = willing().await;
    let due = NOON.plus(Duration::from_secs(3_600));
    let soon_after = |ms| Time::from_unix_ms(due.unix_ms() + ms);
    for job in [work(7, due), work(7, due), work(8, due), work(7, soon_after(1)), work(7, soon_after(1_000))] {
        queue(&stub).send(&[job]).await.unwrap();
    }
    let names = stub.asked().into_iter().map(|asked| asked.line).collect::<Vec<_>>();
    assert_eq!(names[0], names[1]);
    assert_eq!(names[3], names[4], "both at the next second");
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 3);
}

#[tokio::test]
async fn a_schedule_that_is_there_is_as_good_as_a_new_one() {
    let due = NOON.plus(Duration::from_secs(3_600));
    let stub = Stub::start(|_, _| fails(409, "ConflictException")).await;
    queue(&stub).send(&[work(7, due)]).await.unwrap();
    let stub = Stub::start(|_, _| fails(429, "ThrottlingException")).await;
    let failure = queue(&stub).send(&[work(7, due)]).await.unwrap_err();
    assert!(matches!(&failure, StoreError::Unavailable(text) if text.contains("Throttling")), "{failure}");
}

#[tokio::test]
async fn messages_that_are_not_taken_are_sent_again_alone() {
    let stub = Stub::start(|asked, before| match before {
        0 => taken(asked, &["1", "3"]),
        1 => taken(asked, &["3"]),
        _ => taken(asked, &[]),
    })
    .await;
    let jobs = (0..5).map(|order| work(order, NOON)).collect::<Vec<_>>();
    queue(&stub).send(&jobs).await.unwrap();
    let bodies = stub.bodies();
    let sent = bodies.iter().map(|body| entries(body).iter().map(|entry| &entry["MessageBody"]).collect::<Vec<_>>());
    let sent = sent.collect::<Vec<_>>();
    assert_eq!(sent.iter().map(Vec::len).collect::<Vec<_>>(), [5, 2, 1]);
    assert_eq!((sent[1][0], sent[1][1], sent[2][0]), (sent[0][1], sent[0][3], sent[0][3]));
}

#[tokio::test]
async fn messages_that_are_never_taken_fail_after_some_tries() {
    let stub = Stub::start(|asked, _| taken(asked, &["1"])).await;
    let failure = queue(&stub).send(&[work(0, NOON), work(1, NOON)]).await.unwrap_err();
    assert!(matches!(&failure, StoreError::Unavailable(text) if text.contains("InternalError")), "{failure}");
    assert_eq!(stub.asked().len(), usize::from(SEND_TRIES_MAX));
}

#[tokio::test]
async fn a_message_that_the_answer_does_not_speak_of_counts_as_not_taken() {
    let stub = Stub::start(|_, _| fine(json!({ "Successful": [], "Failed": [] }))).await;
    assert!(matches!(queue(&stub).send(&[work(0, NOON)]).await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn a_queue_that_does_not_answer_fails() {
    let stub = Stub::start(|_, _| fails(500, "InternalFailure")).await;
    assert!(matches!(queue(&stub).send(&[work(0, NOON)]).await, Err(StoreError::Unavailable(_))));
    let stub = Stub::start(|_, _| fails(400, "AWS.SimpleQueueService.NonExistentQueue")).await;
    assert!(matches!(queue(&stub).send(&[work(0, NOON)]).await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn a_group_has_only_characters_that_groups_may_have() {
    let stub = willing().await;
    let lanes = ["we_abc-1", "we ä\n(b)", &"x".repeat(200), "  "];
    queue(&stub).send(&lanes.map(deliver)).await.unwrap();
    let groups = entries(&stub.bodies()[0]).iter().map(|entry| entry["MessageGroupId"].clone()).collect::<Vec<_>>();
    assert_eq!(groups, [json!("we_abc-1"), json!("we(b)"), json!("x".repeat(128)), Value::Null]);
}

#[tokio::test]
async fn each_kind_of_job_has_its_queue() {
    let stub = willing().await;
    let webhooks = SqsQueue::new(stub.sqs(), OTHER_URL, ARN, stub.schedules(), Arc::new(Noon));
    let queues = SqsQueues::new(queue(&stub), webhooks);
    queues.send(&[deliver("we_1"), work(1, NOON), deliver("we_2")]).await.unwrap();
    let sent = stub.bodies().into_iter().map(|body| (body["QueueUrl"].clone(), entries(&body).len()));
    assert_eq!(sent.collect::<Vec<_>>(), [(json!(URL), 1), (json!(OTHER_URL), 2)]);
    queues.send(&[deliver("we_1")]).await.unwrap();
    assert_eq!(stub.asked().len(), 3, "no work is no request");
}
