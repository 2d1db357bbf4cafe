//! `deliver-webhook`: tells merchants' endpoints what happened, from the webhook queue.

use std::sync::Arc;

use api::lambda::{Consumer, Error};
use app::{
    Deliveries, Fut,
    ports::{Job, Queue, Scheduled},
};
use serde_json::Value;

use super::{chained, messages};

/// The consumer of the webhook queue.
#[derive(Clone)]
pub struct Deliverer {
    deliveries: Deliveries,
    queue: Arc<dyn Queue>,
}

impl Deliverer {
    /// A deliverer that sends what is left for later to `queue`.
    #[must_use]
    pub fn new(deliveries: Deliveries, queue: Arc<dyn Queue>) -> Self {
        Self { deliveries, queue }
    }

    async fn deliver(&self, job: Job) -> Result<Option<Scheduled>, Error> {
        let Job::Deliver(deliver) = job else { return Err("it holds a job of another queue".into()) };
        let next = self.deliveries.deliver(&deliver).await.map_err(|error| chained(&error))?;
        Ok(next.map(|due| Scheduled { job: Job::Deliver(deliver), due }))
    }
}

impl Consumer for Deliverer {
    fn handle(&self, event: Value) -> Fut<'_, Result<Value, Error>> {
        Box::pin(async move { messages::take(event, self.queue.as_ref(), &|job| Box::pin(self.deliver(job))).await })
    }
}
