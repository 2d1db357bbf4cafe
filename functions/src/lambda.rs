//! The engine on AWS, wired from the environment.

use std::sync::Arc;

use api::{
    Engine, Secrets,
    lambda::{Consumer, Error},
};
use app::{
    Clock, CommitLog, Deliveries, Fut, Meter, Relay, Streams, Webhooks,
    access::key_hash,
    system::{OsRandom, SystemClock},
};
use aws::{Clients, DynamoLog, EventBridgeBus, LogMeter, SchedulerTimers, Schedules, SqsQueue, SqsQueues};
use domain::MerchantAccount;
use futures_util::future::join;
use secrecy::SecretString;
use webhooks::HttpCourier;

use crate::background::{deliver_webhook::Deliverer, expire_order::Expirer, relay::Relayer, work::Worker};

/// The table of commits.
const TABLE: &str = "TENDER_TABLE";
/// The installation's secrets: the ARN or the name of a secret that holds the JSON document described at [`Secrets`].
const SECRETS_ARN: &str = "TENDER_SECRETS_ARN";
/// That document itself: for a function that is tried without a secrets store.
const SECRETS: &str = "TENDER_SECRETS";
/// The operator's key: the ARN or the name of a secret. Only functions that the operator calls have it.
const OPERATOR_KEY_ARN: &str = "TENDER_OPERATOR_KEY_ARN";
/// Where shoppers' browsers reach the API; the host that requests come to, if it is not set.
const PUBLIC_URL: &str = "TENDER_PUBLIC_URL";
/// The namespace that metrics are counted in.
const METRICS_NAMESPACE: &str = "TENDER_METRICS_NAMESPACE";
/// The namespace, if none is set.
const METRICS_NAMESPACE_DEFAULT: &str = "Tender";
/// Merchant accounts whose webhook endpoints may be on this machine and without TLS, separated by commas: for
/// emulators. On AWS they would reach what only the function should reach.
const TEST_MERCHANTS: &str = "TENDER_TEST_MERCHANTS";
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

/// Wires the engine over DynamoDB from `TENDER_TABLE`, and `TENDER_SECRETS_ARN` or `TENDER_SECRETS`; and from
/// `TENDER_OPERATOR_KEY_ARN`, `TENDER_PUBLIC_URL` and `TENDER_TEST_MERCHANTS`, if they are set.
///
/// Two things are asked over the network, at the same time: the secrets, and the table for nothing, so that the first
/// request finds its connection open.
///
/// # Errors
/// A variable is missing or cannot be used, or the secrets are not to be had.
#[must_use]
pub fn wire() -> Fut<'static, Result<Engine, Error>> {
    Box::pin(async { Parts::from_env().await?.engine() })
}

/// Wires `relay` from `TENDER_TABLE`, the secrets, the URLs and ARNs of both queues, `TENDER_SCHEDULE_GROUP`,
/// `TENDER_SCHEDULE_ROLE_ARN`, `TENDER_EXPIRE_FUNCTION_ARN` and `TENDER_EVENT_BUS`.
///
/// # Errors
/// A variable is missing or cannot be used.
#[must_use]
pub fn wire_relay() -> Fut<'static, Result<Box<dyn Consumer>, Error>> {
    Box::pin(async {
        let parts = Parts::from_env().await?;
        let queue = Arc::new(SqsQueues::new(parts.queue(WORK_QUEUE)?, parts.queue(WEBHOOK_QUEUE)?));
        let expire = required(EXPIRE_FUNCTION_ARN)?;
        let timers = SchedulerTimers::new(parts.schedules()?, expire, queue.clone(), Arc::clone(&parts.clock));
        let bus = EventBridgeBus::new(parts.clients.event_bridge(), required(EVENT_BUS)?);
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

/// Wires `deliver-webhook` from `TENDER_TABLE`, the secrets, `TENDER_WEBHOOK_QUEUE_URL`, `TENDER_WEBHOOK_QUEUE_ARN`,
/// `TENDER_SCHEDULE_GROUP` and `TENDER_SCHEDULE_ROLE_ARN`; and `TENDER_TEST_MERCHANTS`, if it is set.
///
/// # Errors
/// A variable is missing or cannot be used.
#[must_use]
pub fn wire_deliver_webhook() -> Fut<'static, Result<Box<dyn Consumer>, Error>> {
    Box::pin(async {
        let parts = Parts::from_env().await?;
        let courier = Arc::new(HttpCourier::try_new(test_merchants()?)?);
        let streams = parts.streams();
        let deliveries = Deliveries::new(streams.clone(), parts.webhooks(streams)?, courier);
        let deliveries = deliveries.with_meter(parts.meter()).beside_others();
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
    fn from_env() -> Fut<'static, Result<Self, Error>> {
        Box::pin(async {
            let clients = Clients::from_env()?;
            let log = DynamoLog::new(clients.dynamo(), required(TABLE)?);
            let (secrets, ()) = join(secrets(&clients), Box::pin(log.warm_up())).await;
            Ok(Self { clients, secrets: secrets?, clock: Arc::new(SystemClock), log: Arc::new(log) })
        })
    }

    fn engine(&self) -> Result<Engine, Error> {
        let (log, clock) = (Arc::clone(&self.log), Arc::clone(&self.clock));
        let public_url = optional(PUBLIC_URL);
        let engine = Engine::wire(log, clock, Arc::new(OsRandom), &self.secrets, public_url.as_deref())?;
        Ok(engine.with_meter(self.meter()).with_test_merchants(test_merchants()?))
    }

    fn meter(&self) -> Arc<dyn Meter> {
        let namespace = optional(METRICS_NAMESPACE).unwrap_or_else(|| METRICS_NAMESPACE_DEFAULT.to_owned());
        Arc::new(LogMeter::new(namespace, Arc::clone(&self.clock), Box::new(std::io::stdout())))
    }

    fn streams(&self) -> Streams {
        Streams::new(Arc::clone(&self.log), Arc::clone(&self.clock), Arc::new(OsRandom))
    }

    fn webhooks(&self, streams: Streams) -> Result<Webhooks, Error> {
        Ok(Webhooks::new(streams, self.secrets.prints()?))
    }

    fn schedules(&self) -> Result<Schedules, Error> {
        Ok(Schedules::new(self.clients.scheduler(), required(SCHEDULE_GROUP)?, required(SCHEDULE_ROLE_ARN)?))
    }

    fn queue(&self, (url, arn): (&str, &str)) -> Result<SqsQueue, Error> {
        let (url, arn, schedules) = (required(url)?, required(arn)?, self.schedules()?);
        Ok(SqsQueue::new(self.clients.sqs(), url, arn, schedules, Arc::clone(&self.clock)))
    }
}

/// The installation's secrets, with the operator's key where the function has it.
fn secrets(clients: &Clients) -> Fut<'_, Result<Secrets, Error>> {
    let document: Fut<'_, Result<String, Error>> = Box::pin(async {
        match optional(SECRETS) {
            Some(given) => Ok(given),
            None => Ok(clients.secret(&required(SECRETS_ARN)?).await?),
        }
    });
    let operator_key: Fut<'_, Result<Option<SecretString>, Error>> = Box::pin(async {
        match optional(OPERATOR_KEY_ARN) {
            Some(id) => Ok(Some(SecretString::from(clients.secret(&id).await?))),
            None => Ok(None),
        }
    });
    Box::pin(async {
        let (document, operator_key) = join(document, operator_key).await;
        let secrets = Secrets::from_json(&document?)?;
        Ok(match operator_key? {
            Some(key) => secrets.with_operator(&key_hash(&key)),
            None => secrets,
        })
    })
}

fn test_merchants() -> Result<Vec<MerchantAccount>, Error> {
    let given = optional(TEST_MERCHANTS).unwrap_or_default();
    let names = given.split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| MerchantAccount::try_new(name).map_err(|error| format!("{TEST_MERCHANTS}: {error}").into()))
        .collect()
}

fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn required(name: &str) -> Result<String, Error> {
    optional(name).ok_or_else(|| format!("the environment variable {name} is not set").into())
}
