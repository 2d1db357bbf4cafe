//! The engine on AWS, wired from the environment.

use std::sync::Arc;

use api::{
    Engine, Secrets,
    lambda::{Consumer, Error},
};
use app::{
    Clock, CommitLog, Deliveries, Fut, Relay, Streams, Webhooks,
    system::{OsRandom, SystemClock},
};
use aws::{Clients, DynamoLog, EventBridgeBus, SchedulerTimers, Schedules, SqsQueue, SqsQueues};
use webhooks::HttpCourier;

use crate::background::{deliver_webhook::Deliverer, expire_order::Expirer, relay::Relayer, work::Worker};

/// The table of commits.
const TABLE: &str = "TENDER_TABLE";
/// The installation's secrets: the JSON document described at [`Secrets`].
const SECRETS: &str = "TENDER_SECRETS";
/// Where shoppers' browsers reach the API.
const PUBLIC_URL: &str = "TENDER_PUBLIC_URL";
/// The worker's queue: its URL, and its ARN.
const WORK_QUEUE: (&str, &str) = ("TENDER_WORK_QUEUE_URL", "TENDER_WORK_QUEUE_ARN");
/// The queue of deliveries: its URL, and its ARN.
const WEBHOOK_QUEUE: (&str, &str) = ("TENDER_WEBHOOK_QUEUE_URL", "TENDER_WEBHOOK_QUEUE_ARN");
/// The name of the group that schedules are made in.
const SCHEDULE_GROUP: &str = "TENDER_SCHEDULE_GROUP";
/// The ARN of the role that schedules act as.
const SCHEDULE_ROLE_ARN: &str = "TENDER_SCHEDULE_ROLE_ARN";
/// The ARN of the function that orders' timers call.
const EXPIRE_FUNCTION_ARN: &str = "TENDER_EXPIRE_FUNCTION_ARN";
/// The name or ARN of the bus.
const EVENT_BUS: &str = "TENDER_EVENT_BUS";

/// Wires the engine over DynamoDB from `TENDER_TABLE`, `TENDER_SECRETS` and `TENDER_PUBLIC_URL`.
///
/// # Errors
/// A variable is missing or cannot be used.
#[must_use]
pub fn wire() -> Fut<'static, Result<Engine, Error>> {
    Box::pin(async { Parts::from_env().await?.engine() })
}

/// Wires `relay` from `TENDER_TABLE`, `TENDER_SECRETS`, the URLs and ARNs of both queues, `TENDER_SCHEDULE_GROUP`,
/// `TENDER_SCHEDULE_ROLE_ARN`, `TENDER_EXPIRE_FUNCTION_ARN` and `TENDER_EVENT_BUS`.
///
/// # Errors
/// A variable is missing or cannot be used.
#[must_use]
pub fn wire_relay() -> Fut<'static, Result<Box<dyn Consumer>, Error>> {
    Box::pin(async {
        let parts = Parts::from_env().await?;
        let queue = Arc::new(SqsQueues::new(parts.queue(WORK_QUEUE)?, parts.queue(WEBHOOK_QUEUE)?));
        let expire = variable(EXPIRE_FUNCTION_ARN)?;
        let timers = SchedulerTimers::new(parts.schedules()?, expire, queue.clone(), Arc::clone(&parts.clock));
        let bus = EventBridgeBus::new(parts.clients.event_bridge(), variable(EVENT_BUS)?);
        let relay = Relay::new(parts.webhooks(parts.streams())?, queue, Arc::new(timers), Arc::new(bus));
        let consumer: Box<dyn Consumer> = Box::new(Relayer::new(relay));
        Ok(consumer)
    })
}

/// Wires `work` from what [`wire`] needs, `TENDER_WORK_QUEUE_URL`, `TENDER_WORK_QUEUE_ARN`, `TENDER_SCHEDULE_GROUP`
/// and `TENDER_SCHEDULE_ROLE_ARN`.
///
/// # Errors
/// A variable is missing or cannot be used.
#[must_use]
pub fn wire_work() -> Fut<'static, Result<Box<dyn Consumer>, Error>> {
    Box::pin(async {
        let parts = Parts::from_env().await?;
        let worker = Worker::new(parts.engine()?.app, Arc::new(parts.queue(WORK_QUEUE)?));
        let consumer: Box<dyn Consumer> = Box::new(worker);
        Ok(consumer)
    })
}

/// Wires `deliver-webhook` from `TENDER_TABLE`, `TENDER_SECRETS`, `TENDER_WEBHOOK_QUEUE_URL`,
/// `TENDER_WEBHOOK_QUEUE_ARN`, `TENDER_SCHEDULE_GROUP` and `TENDER_SCHEDULE_ROLE_ARN`.
///
/// # Errors
/// A variable is missing or cannot be used.
#[must_use]
pub fn wire_deliver_webhook() -> Fut<'static, Result<Box<dyn Consumer>, Error>> {
    Box::pin(async {
        let parts = Parts::from_env().await?;
        let courier = Arc::new(HttpCourier::try_new(Vec::new())?);
        let streams = parts.streams();
        let deliveries = Deliveries::new(streams.clone(), parts.webhooks(streams)?, courier).beside_others();
        let deliverer = Deliverer::new(deliveries, Arc::new(parts.queue(WEBHOOK_QUEUE)?));
        let consumer: Box<dyn Consumer> = Box::new(deliverer);
        Ok(consumer)
    })
}

/// Wires `expire-order` from what [`wire_work`] needs.
///
/// # Errors
/// A variable is missing or cannot be used.
#[must_use]
pub fn wire_expire_order() -> Fut<'static, Result<Box<dyn Consumer>, Error>> {
    Box::pin(async {
        let parts = Parts::from_env().await?;
        let expirer = Expirer::new(parts.engine()?.app, Arc::new(parts.queue(WORK_QUEUE)?));
        let consumer: Box<dyn Consumer> = Box::new(expirer);
        Ok(consumer)
    })
}

/// What everything is made of.
struct Parts {
    clients: Clients,
    secrets: Secrets,
    clock: Arc<dyn Clock>,
    log: Arc<dyn CommitLog>,
}

impl Parts {
    async fn from_env() -> Result<Self, Error> {
        let secrets = Secrets::from_json(&variable(SECRETS)?)?;
        let clients = Clients::from_env().await;
        let log = Arc::new(DynamoLog::new(clients.dynamo(), variable(TABLE)?));
        Ok(Self { clients, secrets, clock: Arc::new(SystemClock), log })
    }

    fn engine(&self) -> Result<Engine, Error> {
        let (log, clock) = (Arc::clone(&self.log), Arc::clone(&self.clock));
        Ok(Engine::wire(log, clock, Arc::new(OsRandom), &self.secrets, &variable(PUBLIC_URL)?)?)
    }

    fn streams(&self) -> Streams {
        Streams::new(Arc::clone(&self.log), Arc::clone(&self.clock), Arc::new(OsRandom))
    }

    fn webhooks(&self, streams: Streams) -> Result<Webhooks, Error> {
        Ok(Webhooks::new(streams, self.secrets.prints()?))
    }

    fn schedules(&self) -> Result<Schedules, Error> {
        Ok(Schedules::new(self.clients.scheduler(), variable(SCHEDULE_GROUP)?, variable(SCHEDULE_ROLE_ARN)?))
    }

    fn queue(&self, (url, arn): (&str, &str)) -> Result<SqsQueue, Error> {
        let (url, arn, schedules) = (variable(url)?, variable(arn)?, self.schedules()?);
        Ok(SqsQueue::new(self.clients.sqs(), url, arn, schedules, Arc::clone(&self.clock)))
    }
}

fn variable(name: &str) -> Result<String, Error> {
    std::env::var(name).map_err(|_| format!("the environment variable {name} is not set").into())
}
