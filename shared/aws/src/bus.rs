//! The bus, in EventBridge.

use app::{
    Fut, StoreError,
    ports::{Bus, BusEvent},
};
use aws_sdk_eventbridge::{
    Client,
    primitives::DateTime,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};

use crate::client::unavailable;

/// Whom events come from: what rules match as `source`.
pub const SOURCE: &str = "tender";

/// Events put with one request: EventBridge takes no more.
pub const EVENTS_PER_REQUEST_MAX: usize = 10;

/// Bytes of the events put with one request, as EventBridge counts them: it takes fewer than this.
pub const EVENT_BYTES_MAX: usize = 256 * 1_024;

/// Tries to put the events that EventBridge did not take from a request it took.
pub const PUT_TRIES_MAX: u8 = 3;

/// What EventBridge counts for an event's time, in bytes.
const TIME_BYTES: usize = 14;

/// One bus.
#[derive(Debug, Clone)]
pub struct EventBridgeBus {
    client: Client,
    name: String,
}

impl EventBridgeBus {
    /// The bus of that name or ARN.
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }

    async fn put_all(&self, events: &[BusEvent]) -> Result<(), StoreError> {
        let mut rest = events;
        while !rest.is_empty() {
            let (batch, behind) = rest.split_at(fitting(rest));
            self.put_batch(batch).await?;
            rest = behind;
        }
        Ok(())
    }

    /// Puts what fits into one request. A request may be taken without all of its events; what was not taken is
    /// put again.
    async fn put_batch(&self, events: &[BusEvent]) -> Result<(), StoreError> {
        let mut left = events.iter().map(|event| self.entry(event)).collect::<Vec<_>>();
        let mut failure = String::new();
        for _ in 0..PUT_TRIES_MAX {
            let put = self.client.put_events().set_entries(Some(left.clone()));
            let answer = put.send().await.map_err(|error| unavailable(&error))?;
            // One result an event, in their order.
            let mut results = answer.entries().iter();
            left.retain(|_| results.next().is_none_or(|result| result.event_id().is_none()));
            if left.is_empty() {
                return Ok(());
            }
            let code = answer.entries().iter().find_map(PutEventsResultEntry::error_code);
            failure = code.unwrap_or_default().to_owned();
        }
        let count = left.len();
        Err(StoreError::Unavailable(format!("{count} events were not taken after {PUT_TRIES_MAX} tries: {failure}")))
    }

    fn entry(&self, event: &BusEvent) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(&event.kind)
            .detail(&event.detail)
            .set_time(i64::try_from(event.at.unix_ms()).ok().map(DateTime::from_millis))
            .build()
    }
}

impl Bus for EventBridgeBus {
    fn put<'a>(&'a self, events: &'a [BusEvent]) -> Fut<'a, Result<(), StoreError>> {
        Box::pin(self.put_all(events))
    }
}

/// How many of the first events one request takes: one at least.
fn fitting(events: &[BusEvent]) -> usize {
    let mut bytes = 0_usize;
    let fits = |event: &&BusEvent| {
        let size = [TIME_BYTES, SOURCE.len(), event.kind.len(), event.detail.len()];
        bytes = size.into_iter().fold(bytes, usize::saturating_add);
        bytes < EVENT_BYTES_MAX
    };
    events.iter().take(EVENTS_PER_REQUEST_MAX).take_while(fits).count().max(1)
}
