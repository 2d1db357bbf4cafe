//! Batches of messages, as SQS hands them to a Lambda.

use api::lambda::Error;
use app::{
    Fut,
    ports::{Job, Queue, Scheduled},
};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;
use tracing::{Instrument as _, field::Empty};

use super::{chained, failures};

/// Messages of one batch whose jobs are done at the same time.
const MESSAGES_AT_ONCE: usize = 10;

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    message_id: String,
    body: String,
}

/// Does one job; what it leaves to be done.
pub(super) type DoJob<'a> = &'a (dyn Fn(Job) -> Fut<'a, Result<Option<Scheduled>, Error>> + Send + Sync);

/// Does the jobs of a batch of messages, and sends what they leave. Answers which messages are to be given again:
/// those whose job failed, whose next job could not be sent, or that hold no job at all, which end as dead letters.
///
/// # Errors
/// An event that is no batch of messages.
pub(super) async fn take(event: Value, queue: &dyn Queue, do_job: DoJob<'_>) -> Result<Value, Error> {
    let Batch { records } = serde_json::from_value(event)?;
    let jobs = records.into_iter().map(|message| done(message, queue, do_job)).collect::<Vec<_>>();
    let results = stream::iter(jobs).buffer_unordered(MESSAGES_AT_ONCE).collect::<Vec<_>>().await;

    Ok(failures(results.into_iter().filter_map(|(message_id, done)| done.is_err().then_some(message_id))))
}

/// What a job leaves is sent as soon as it is done: it does not wait for the slowest of the batch.
async fn done(message: Message, queue: &dyn Queue, do_job: DoJob<'_>) -> (String, Result<(), Error>) {
    let done = async {
        let job = serde_json::from_str::<Job>(&message.body).map_err(|error| format!("it holds no job: {error}"))?;
        match do_job(job).await? {
            // If that fails, the job counts as not done: done again, it leaves the same.
            Some(next) => queue.send(&[next]).await.map_err(|error| chained(&error)),
            None => Ok(()),
        }
    };
    let span = tracing::info_span!("message", messageId = message.message_id, merchant = Empty, order = Empty);
    let logged = async {
        let done: Result<(), Error> = done.await;
        if let Err(error) = &done {
            tracing::error!(%error, "a message is to be given again");
        }
        done
    };
    (message.message_id, logged.instrument(span).await)
}
