//! Batches of messages, as SQS hands them to a Lambda.

use std::collections::BTreeMap;

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

/// A job, and the messages that ask for it.
struct Asked {
    job: Result<Job, Error>,
    message_ids: Vec<String>,
}

/// Does the jobs of a batch of messages, and sends what they leave. Answers which messages are to be given again:
/// those whose job failed, whose next job could not be sent, or that hold no job at all, which end as dead letters.
///
/// # Errors
/// An event that is no batch of messages.
pub(super) async fn take(event: Value, queue: &dyn Queue, do_job: DoJob<'_>) -> Result<Value, Error> {
    let Batch { records } = serde_json::from_value(event)?;
    let jobs = asked(records).into_iter().map(|asked| done(asked, queue, do_job)).collect::<Vec<_>>();
    let results = stream::iter(jobs).buffer_unordered(MESSAGES_AT_ONCE).collect::<Vec<_>>().await;

    Ok(failures(results.into_iter().filter(|(_, done)| done.is_err()).flat_map(|(message_ids, _)| message_ids)))
}

/// The jobs that messages ask for, each once. An order's commits come in quick succession, and each asks for its
/// endpoints to be told: were these done side by side, each would tell the same.
///
/// Of looks at an order, the one with the fewest before it counts: something new happened.
fn asked(records: Vec<Message>) -> Vec<Asked> {
    let mut all = Vec::<Asked>::new();
    let mut places = BTreeMap::new();
    for Message { message_id, body } in records {
        let job = serde_json::from_str::<Job>(&body).map_err(|error| format!("it holds no job: {error}").into());
        let place = match &job {
            Ok(job) => *places.entry(job.name()).or_insert(all.len()),
            Err(_) => all.len(),
        };
        match all.get_mut(place) {
            Some(known) => {
                known.message_ids.push(message_id);
                if let (Ok(Job::Work(known)), Ok(Job::Work(work))) = (&mut known.job, &job) {
                    known.tries = known.tries.min(work.tries);
                }
            }
            None => all.push(Asked { job, message_ids: vec![message_id] }),
        }
    }
    all
}

/// What a job leaves is sent as soon as it is done: it does not wait for the slowest of the batch.
async fn done(asked: Asked, queue: &dyn Queue, do_job: DoJob<'_>) -> (Vec<String>, Result<(), Error>) {
    let Asked { job, message_ids } = asked;
    let done = async {
        match do_job(job?).await? {
            // If that fails, the job counts as not done: done again, it leaves the same.
            Some(next) => queue.send(&[next]).await.map_err(|error| chained(&error)),
            None => Ok(()),
        }
    };
    let span = tracing::info_span!("message", messageId = message_ids.join(" "), merchant = Empty, order = Empty);
    let logged = async {
        let done: Result<(), Error> = done.await;
        if let Err(error) = &done {
            tracing::error!(%error, "a message is to be given again");
        }
        done
    };
    let done = logged.instrument(span).await;
    (message_ids, done)
}
