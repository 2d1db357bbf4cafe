//! `work`: does what is outstanding on orders, from the work queue.

use std::sync::Arc;

use api::lambda::{Consumer, Error};
use app::{
    App, Fut,
    ports::{Job, Queue, Scheduled},
};
use serde_json::Value;

use super::{chained, messages};

/// The consumer of the work queue.
#[derive(Clone)]
pub struct Worker {
    app: App,
    queue: Arc<dyn Queue>,
}

impl Worker {
    /// A worker that sends what is left for later to `queue`.
    #[must_use]
    pub fn new(app: App, queue: Arc<dyn Queue>) -> Self {
        Self { app, queue }
    }

    async fn work(&self, job: Job) -> Result<Option<Scheduled>, Error> {
        let Job::Work(work) = job else { return Err("it holds a job of another queue".into()) };
        let next = self.app.work(&work).await.map_err(|error| chained(&error))?;
        Ok(next.map(|(work, due)| Scheduled { job: Job::Work(work), due }))
    }
}

impl Consumer for Worker {
    fn handle(&self, event: Value) -> Fut<'_, Result<Value, Error>> {
        Box::pin(async move { messages::take(event, self.queue.as_ref(), &|job| Box::pin(self.work(job))).await })
    }
}
