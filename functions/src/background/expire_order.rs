//! `expire-order`: deals with orders whose timer went off. Its event is what the schedule was given: the work to do.

use std::sync::Arc;

use api::lambda::{Consumer, Error};
use app::{
    App, Expired, Fut,
    ports::{Job, Queue, Scheduled, Work},
};
use serde_json::Value;
use tracing::{Instrument as _, field::Empty};

use super::chained;

/// What schedules call.
#[derive(Clone)]
pub struct Expirer {
    app: App,
    queue: Arc<dyn Queue>,
}

impl Expirer {
    /// An expirer that sends what is left for later to `queue`, the worker's.
    #[must_use]
    pub fn new(app: App, queue: Arc<dyn Queue>) -> Self {
        Self { app, queue }
    }

    async fn expire(&self, event: Value) -> Result<Value, Error> {
        let work = serde_json::from_value::<Work>(event)?;
        let next = match self.app.expire(&work).await.map_err(|error| chained(&error))? {
            // A schedule goes off at some time of its minute. What is left of it the queue measures better.
            Expired::Early(at) => Some((work, at)),
            Expired::Done(next) => next,
        };
        if let Some((work, due)) = next {
            let next = Scheduled { job: Job::Work(work), due };
            self.queue.send(&[next]).await.map_err(|error| chained(&error))?;
        }
        Ok(Value::Null)
    }
}

impl Consumer for Expirer {
    fn handle(&self, event: Value) -> Fut<'_, Result<Value, Error>> {
        let span = tracing::info_span!("expiry", merchant = Empty, order = Empty);
        Box::pin(self.expire(event).instrument(span))
    }
}
