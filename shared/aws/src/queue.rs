//! Queues of jobs, in SQS.
//!
//! A message's body is a job as JSON. Its group is the job's lane, which makes the queue a *fair* one: when one
//! lane has many messages waiting, those of others are not kept behind them. SQS delays a message by at most
//! [`DELAY_MAX`]; a job that is due later becomes a schedule that sends the same body to the queue at its time.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use app::{
    Clock, Fut, StoreError,
    ports::{Job, Queue, Scheduled},
};
use aws_sdk_sqs::{Client, types::SendMessageBatchRequestEntry};
use domain::Time;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    client::unavailable,
    schedules::{Plan, Schedules, hashed},
};

/// How long SQS delays a message at most.
pub const DELAY_MAX: Duration = Duration::from_secs(15 * 60);

/// Jobs sent with one request: SQS takes no more.
pub const JOBS_PER_REQUEST_MAX: usize = 10;

/// Tries to send the messages that SQS did not take from a request it took.
pub const SEND_TRIES_MAX: u8 = 3;

/// Schedules made at the same time.
const SCHEDULES_AT_ONCE: usize = 8;

/// The longest message group, in characters.
const GROUP_CHARS_MAX: usize = 128;

/// Characters of a message group beside letters and digits.
const GROUP_PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// One queue.
#[derive(Clone)]
pub struct SqsQueue {
    client: Client,
    url: String,
    arn: String,
    schedules: Schedules,
    clock: Arc<dyn Clock>,
}

/// A message and its delay, in seconds.
struct Message {
    body: String,
    group: Option<String>,
    delay: i32,
}

impl SqsQueue {
    /// The queue at `url`, which schedules know by `arn`.
    #[must_use]
    pub fn new(
        client: Client,
        url: impl Into<String>,
        arn: impl Into<String>,
        schedules: Schedules,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { client, url: url.into(), arn: arn.into(), schedules, clock }
    }

    async fn send_all(&self, jobs: &[Scheduled]) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut messages = Vec::new();
        let mut later = Vec::new();
        for scheduled in jobs {
            let body = body(&scheduled.job)?;
            match delay(scheduled.due, now) {
                Some(delay) => messages.push(Message { body, group: group(&scheduled.job.lane()), delay }),
                None => later.push((scheduled, body)),
            }
        }
        for batch in messages.chunks(JOBS_PER_REQUEST_MAX) {
            self.send_batch(batch).await?;
        }
        let schedules = later.iter().map(|(scheduled, body)| self.schedule(scheduled, body)).collect::<Vec<_>>();
        stream::iter(schedules).buffer_unordered(SCHEDULES_AT_ONCE).try_collect().await
    }

    /// Sends at most [`JOBS_PER_REQUEST_MAX`] messages. A request may be taken without all of its messages; what
    /// was not taken is sent again.
    async fn send_batch(&self, messages: &[Message]) -> Result<(), StoreError> {
        let mut left = messages.iter().enumerate().map(|(id, message)| (id.to_string(), message)).collect::<Vec<_>>();
        let mut failure = String::new();
        for _ in 0..SEND_TRIES_MAX {
            let entries = left.iter().map(|(id, message)| message.entry(id)).collect::<Result<Vec<_>, _>>()?;
            let send = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
            let answer = send.send().await.map_err(|error| unavailable(&error))?;
            let taken = answer.successful().iter().map(|entry| entry.id()).collect::<BTreeSet<_>>();
            left.retain(|(id, _)| !taken.contains(id.as_str()));
            if left.is_empty() {
                return Ok(());
            }
            failure = answer.failed().first().map(|entry| entry.code().to_owned()).unwrap_or_default();
        }
        let count = left.len();
        Err(StoreError::Unavailable(format!("{count} messages were not taken after {SEND_TRIES_MAX} tries: {failure}")))
    }

    /// A job that has its schedule already needs no second one: it would do the same.
    async fn schedule(&self, scheduled: &Scheduled, body: &str) -> Result<(), StoreError> {
        let Scheduled { job, due } = scheduled;
        let second = due.unix_ms().div_ceil(1_000);
        let name = hashed(&format!("{} {second}", job.name()));
        self.schedules.create(Plan { name: &name, at: *due, target: &self.arn, input: body }).await.map(|_| ())
    }
}

impl Queue for SqsQueue {
    fn send<'a>(&'a self, jobs: &'a [Scheduled]) -> Fut<'a, Result<(), StoreError>> {
        Box::pin(self.send_all(jobs))
    }
}

impl Message {
    fn entry(&self, id: &str) -> Result<SendMessageBatchRequestEntry, StoreError> {
        SendMessageBatchRequestEntry::builder()
            .id(id)
            .message_body(&self.body)
            .delay_seconds(self.delay)
            .set_message_group_id(self.group.clone())
            .build()
            .map_err(|error| unavailable(&error))
    }
}

/// The two queues: one for work, one for deliveries.
#[derive(Clone)]
pub struct SqsQueues {
    work: SqsQueue,
    webhooks: SqsQueue,
}

impl SqsQueues {
    /// `work` takes [`Job::Work`], and `webhooks` takes [`Job::Deliver`].
    #[must_use]
    pub fn new(work: SqsQueue, webhooks: SqsQueue) -> Self {
        Self { work, webhooks }
    }

    async fn send_all(&self, jobs: &[Scheduled]) -> Result<(), StoreError> {
        let (work, webhooks): (Vec<_>, Vec<_>) = jobs.iter().cloned().partition(|scheduled| match scheduled.job {
            Job::Work(_) => true,
            Job::Deliver(_) => false,
        });
        self.work.send_all(&work).await?;
        self.webhooks.send_all(&webhooks).await
    }
}

impl Queue for SqsQueues {
    fn send<'a>(&'a self, jobs: &'a [Scheduled]) -> Fut<'a, Result<(), StoreError>> {
        Box::pin(self.send_all(jobs))
    }
}

fn body(job: &Job) -> Result<String, StoreError> {
    serde_json::to_string(job).map_err(|error| StoreError::Corrupt(format!("a job that is no JSON: {error}")))
}

/// How many seconds a message is to be delayed, rounded up, since a job that comes before it is due may find
/// nothing to do yet; `None` if SQS does not delay so long.
fn delay(due: Time, now: Time) -> Option<i32> {
    let seconds = due.since(now).as_millis().div_ceil(1_000);
    i32::try_from(seconds).ok().filter(|_| seconds <= u128::from(DELAY_MAX.as_secs()))
}

/// A lane as the name of a message group.
fn group(lane: &str) -> Option<String> {
    let fits = |character: &char| character.is_ascii_alphanumeric() || GROUP_PUNCTUATION.contains(*character);
    let group = lane.chars().filter(fits).take(GROUP_CHARS_MAX).collect::<String>();
    (!group.is_empty()).then_some(group)
}
