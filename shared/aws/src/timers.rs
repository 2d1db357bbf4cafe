//! Orders' timers, in EventBridge Scheduler.

use std::sync::Arc;

use app::{
    Clock, Fut, OrderKey, StoreError,
    ports::{Job, Queue, Scheduled, Timers, Work},
};
use domain::Time;

use crate::{
    queue::DELAY_MAX,
    schedules::{NAME_CHARS_MAX, Plan, Schedules, hashed},
};

/// One schedule an order, which calls a function when the order expires.
#[derive(Clone)]
pub struct SchedulerTimers {
    schedules: Schedules,
    function: String,
    queue: Arc<dyn Queue>,
    clock: Arc<dyn Clock>,
}

impl SchedulerTimers {
    /// Timers that call the function of that ARN, or send work to `queue` if they go off soon.
    #[must_use]
    pub fn new(
        schedules: Schedules,
        function: impl Into<String>,
        queue: Arc<dyn Queue>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { schedules, function: function.into(), queue, clock }
    }

    /// A schedule goes off at some time of its minute, and one whose time has passed is refused. So what expires
    /// soon is work that is due then: SQS delays to the second, and takes what is due already; and a worker whose
    /// clock is behind looks out for an expiry so near ([`app::EXPIRES_SOON`]). The timer of an
    /// order that was set before may then go off too, and finds nothing to do.
    async fn set_timer(&self, order: &OrderKey, at: Time) -> Result<(), StoreError> {
        let work = Work { merchant: order.merchant.clone(), order: order.id.reference(), tries: 0 };
        if at.since(self.clock.now()) <= DELAY_MAX {
            return self.queue.send(&[Scheduled { job: Job::Work(work), due: at }]).await;
        }
        let input = serde_json::to_string(&work).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let plan = Plan { name: &name(order), at, target: &self.function, input: &input };
        self.schedules.set(plan).await
    }
}

impl Timers for SchedulerTimers {
    fn set<'a>(&'a self, order: &'a OrderKey, at: Time) -> Fut<'a, Result<(), StoreError>> {
        Box::pin(self.set_timer(order, at))
    }

    fn clear<'a>(&'a self, order: &'a OrderKey) -> Fut<'a, Result<(), StoreError>> {
        Box::pin(async move { self.schedules.delete(&name(order)).await })
    }
}

/// The name of an order's schedule: one that can be found in the console, if it is not too long.
fn name(order: &OrderKey) -> String {
    let name = format!("{}.{}", order.merchant, order.id);
    if name.len() <= NAME_CHARS_MAX { name } else { hashed(&name) }
}
