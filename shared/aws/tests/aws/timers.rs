//! Orders' timers.

use std::{sync::Arc, time::Duration};

use app::{
    OrderKey, StoreError,
    ports::{Job, Timers, Work},
};
use aws::{DELAY_MAX, SchedulerTimers, SqsQueue};
use domain::{MerchantAccount, OrderId, Time};
use serde_json::{Value, json};

use crate::stub::{Answer, GROUP, NOON, Noon, ROLE, Stub, fails, fine};

const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:expire-order";

fn order(merchant: &str) -> OrderKey {
    OrderKey { merchant: MerchantAccount::try_new(merchant).unwrap(), id: OrderId::from_entropy([7; 16]) }
}

fn timers(stub: &Stub) -> SchedulerTimers {
    let queue = SqsQueue::new(stub.sqs(), "https://sqs/1/work", "arn:work", stub.schedules(), Arc::new(Noon));
    SchedulerTimers::new(stub.schedules(), FUNCTION, Arc::new(queue), Arc::new(Noon))
}

fn made() -> Answer {
    fine(json!({ "ScheduleArn": "arn:aws:scheduler:eu-west-1:123456789012:schedule/tender/a" }))
}

fn lines(stub: &Stub) -> Vec<String> {
    stub.asked().into_iter().map(|asked| asked.line.split('/').next().unwrap_or_default().trim().to_owned()).collect()
}

const TOMORROW: Time = Time::from_unix_s(1_769_860_800 + 24 * 3_600);

#[tokio::test]
async fn a_timer_is_a_schedule_that_calls_the_function_with_the_work() {
    let stub = Stub::start(|_, _| made()).await;
    let order = order("TestMerchant");
    timers(&stub).set(&order, TOMORROW.plus(Duration::from_millis(1))).await.unwrap();
    let [asked] = &stub.asked()[..] else { panic!("one request, not {:?}", stub.asked()) };
    assert_eq!(asked.line, format!("POST /schedules/TestMerchant.{}", order.id));
    let body = &asked.body;
    assert_eq!((&body["GroupName"], &body["ActionAfterCompletion"]), (&json!(GROUP), &json!("DELETE")));
    assert_eq!(body["ScheduleExpression"], "at(2026-02-01T12:00:01)");
    assert_eq!(body["FlexibleTimeWindow"], json!({ "Mode": "OFF" }));
    assert_eq!((&body["Target"]["Arn"], &body["Target"]["RoleArn"]), (&json!(FUNCTION), &json!(ROLE)));
    let input = serde_json::from_str::<Value>(body["Target"]["Input"].as_str().unwrap()).unwrap();
    assert_eq!((&input["merchant"], &input["order"]), (&json!("TestMerchant"), &json!(order.id.reference())));
    let work = Work { merchant: order.merchant, order: order.id.reference(), tries: 0 };
    assert_eq!(serde_json::from_value::<Work>(input).unwrap(), work);
}

#[tokio::test]
async fn a_timer_that_is_set_is_set_anew() {
    let stub = Stub::start(|asked, _| match &asked.line {
        line if line.starts_with("POST") => fails(409, "ConflictException"),
        _ => made(),
    })
    .await;
    timers(&stub).set(&order("TestMerchant"), TOMORROW).await.unwrap();
    let [create, update] = &stub.asked()[..] else { panic!("two requests, not {:?}", stub.asked()) };
    assert_eq!(update.line, create.line.replace("POST", "PUT"));
    for field in ["GroupName", "ScheduleExpression", "FlexibleTimeWindow", "ActionAfterCompletion", "Target"] {
        assert_eq!(update.body[field], create.body[field], "an update replaces everything");
    }
}

#[tokio::test]
async fn a_timer_that_goes_off_while_it_is_set_is_set_all_the_same() {
    let stub = Stub::start(|_, before| match before {
        0 => fails(409, "ConflictException"),
        1 => fails(404, "ResourceNotFoundException"),
        _ => made(),
    })
    .await;
    timers(&stub).set(&order("TestMerchant"), TOMORROW).await.unwrap();
    assert_eq!(lines(&stub), ["POST", "PUT", "POST"]);
}

#[tokio::test]
async fn a_timer_that_comes_and_goes_fails_after_some_tries() {
    let stub = Stub::start(|asked, _| match &asked.line {
        line if line.starts_with("POST") => fails(409, "ConflictException"),
        _ => fails(404, "ResourceNotFoundException"),
    })
    .await;
    let set = timers(&stub).set(&order("TestMerchant"), TOMORROW).await;
    assert!(matches!(set, Err(StoreError::Unavailable(_))), "{set:?}");
    assert_eq!(stub.asked().len(), 6);
    let stub = Stub::start(|_, _| fails(500, "InternalServerException")).await;
    let set = timers(&stub).set(&order("TestMerchant"), TOMORROW).await;
    assert!(matches!(set, Err(StoreError::Unavailable(_))), "{set:?}");
}

#[tokio::test]
async fn an_order_that_expires_soon_is_work_that_is_due_then() {
    let stub = Stub::start(|_, _| fine(json!({ "Successful": [{ "Id": "0", "MessageId": "m" }], "Failed": [] }))).await;
    let order = order("TestMerchant");
    let last = NOON.plus(DELAY_MAX);
    let cases = [(NOON.plus(Duration::from_millis(1_500)), 2), (last, 900), (Time::from_unix_ms(0), 0)];
    for (place, (at, delay)) in cases.into_iter().enumerate() {
        timers(&stub).set(&order, at).await.unwrap();
        let entry = &stub.bodies()[place]["Entries"][0];
        assert_eq!(entry["DelaySeconds"], delay, "never before its time");
        let work = Work { merchant: order.merchant.clone(), order: order.id.reference(), tries: 0 };
        let body = entry["MessageBody"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Job>(body).unwrap(), Job::Work(work));
    }
    assert!(stub.asked().iter().all(|asked| asked.operation == "AmazonSQS.SendMessageBatch"));

    let stub = Stub::start(|_, _| made()).await;
    timers(&stub).set(&order, last.plus(Duration::from_millis(1))).await.unwrap();
    assert_eq!(stub.asked()[0].body["Target"]["Arn"], FUNCTION, "later than messages wait");
}

#[tokio::test]
async fn a_timer_is_cleared_whether_there_is_one_or_not() {
    for answer in [fine(Value::Null), fails(404, "ResourceNotFoundException")] {
        let stub = Stub::start(move |_, _| answer.clone()).await;
        let order = order("TestMerchant");
        timers(&stub).clear(&order).await.unwrap();
        let asked = &stub.asked()[0].line;
        let start = format!("DELETE /schedules/TestMerchant.{}?groupName={GROUP}&", order.id);
        assert!(asked.starts_with(&start), "{asked}");
    }
    let stub = Stub::start(|_, _| fails(500, "InternalServerException")).await;
    let cleared = timers(&stub).clear(&order("TestMerchant")).await;
    assert!(matches!(cleared, Err(StoreError::Unavailable(_))), "{cleared:?}");
}

#[tokio::test]
async fn a_timer_of_a_merchant_with_a_long_name_has_a_short_one() {
    let stub = Stub::start(|_, _| made()).await;
    let longest_told = "m".repeat(50);
    for merchant in [longest_told.clone(), "m".repeat(51), "m".repeat(80)] {
        timers(&stub).set(&order(&merchant), TOMORROW).await.unwrap();
        timers(&stub).clear(&order(&merchant)).await.unwrap();
    }
    let names = stub.asked().into_iter().map(|asked| {
        let name = asked.line.split(['/', '?']).nth(2).unwrap().to_owned();
        assert_eq!(name.len(), 64, "{name}");
        name
    });
    let names = names.collect::<Vec<_>>();
    assert!(names[0].starts_with(&longest_told));
    assert_eq!((&names[0], &names[2], &names[4]), (&names[1], &names[3], &names[5]), "cleared under the same name");
    assert_ne!(names[2], names[4]);
}
