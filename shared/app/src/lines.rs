//! Lines of orders: where they are kept, and what was done on them.
//!
//! A few lines are kept in the order's own log. More are kept beside it, in a stream of their own under their
//! fingerprint, which is written once, before the order refers to it, and never changed: so an order's commits, its
//! snapshots and its payments do not grow with the cart, and a write that was repeated, or whose order was never
//! written, does no harm.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use domain::{
    Aggregate, MerchantAccount, Order, Time, Version,
    limits::{LINES_BYTES_MAX, LINES_HERE_BYTES_MAX},
    order::{
        OrderEvent, Refusal,
        line::{Fault, Line, Lines, Sheet},
    },
};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::{
    App, Error, OrderKey, StoreError, StreamId,
    lookups::{details_of, list_of_running},
    ports::{Page, Place},
    streams::History,
};

/// Stretches of an order's log that are read when all of it is shown.
pub const LOG_STRETCHES_MAX: u16 = 1_100;

const KIND: &str = "lines";

/// Lines that are kept beside their order.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    lines: Vec<Line>,
}

/// That they were written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum KeptEvent {
    Written { lines: Vec<Line> },
}

impl Aggregate for Kept {
    type Event = KeptEvent;

    fn evolve(state: Option<Self>, event: &KeptEvent, _: Version, _: Time) -> Option<Self> {
        let KeptEvent::Written { lines } = event;
        state.or_else(|| Some(Self { lines: lines.clone() }))
    }
}

/// A commit of an order.
#[derive(Debug, Clone)]
pub struct Logged {
    /// Its version.
    pub version: Version,
    /// When it was made.
    pub at: Time,
    /// What happened.
    pub events: Vec<OrderEvent>,
    /// The order before it; none for the first.
    pub before: Option<Order>,
}

/// Bytes of lines that an order keeps in its own log.
pub(crate) fn kept_here(order: &Order) -> usize {
    let sheets = order.cart.iter().flat_map(|cart| &cart.sheets);
    sheets.filter_map(|(_, sheet)| sheet.here.as_deref()).map(bytes_of).sum()
}

fn bytes_of(lines: &[Line]) -> usize {
    serde_json::to_vec(lines).map_or(usize::MAX, |json| json.len())
}

fn stream(merchant: &MerchantAccount, print: &str) -> StreamId {
    StreamId::owned(merchant, KIND, print)
}

impl App {
    /// Where lines are to be kept, by an order that keeps so many bytes of them already.
    pub(crate) fn sheet_of(&self, merchant: &MerchantAccount, lines: &[Line], here: usize) -> Sheet {
        let count = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        let sum = lines.iter().map(|line| line.amount).fold(0, i64::saturating_add);
        let json = serde_json::to_vec(lines).unwrap_or_default();
        if here.saturating_add(json.len()) <= LINES_HERE_BYTES_MAX {
            return Sheet { count, sum, here: Some(lines.to_vec()), beside: None };
        }
        let print = self.prints.print("lines", &[merchant.as_str().as_bytes(), &json]);
        Sheet { count, sum, here: None, beside: Some(HEXLOWER.encode(&print[..16])) }
    }

    /// Writes lines that are to be kept beside their order. Doing so again changes nothing.
    pub(crate) async fn keep(&self, merchant: &MerchantAccount, sheet: &Sheet, lines: &[Line]) -> Result<(), Error> {
        let Some(print) = &sheet.beside else { return Ok(()) };
        let actual = bytes_of(lines);
        if actual > LINES_BYTES_MAX {
            return Err(Refusal::from(Fault::TooLong { actual }.of_all()).into());
        }
        let written = KeptEvent::Written { lines: lines.to_vec() };
        match self.streams.append::<Kept>(&stream(merchant, print), None, &[written]).await {
            // They are there, under a name that only they have.
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The lines of an order.
    ///
    /// # Errors
    /// The store's.
    pub async fn lines(&self, key: &OrderKey, order: &Order) -> Result<Lines, StoreError> {
        let sheets = order.cart.as_ref().map(|cart| cart.sheets.as_slice()).unwrap_or_default();
        let read = try_join_all(sheets.iter().map(|(_, sheet)| self.read_sheet(key, sheet))).await?;
        let lines = read.into_iter().flatten().collect::<Arc<[Line]>>();
        Ok(Lines { sheets: sheets.iter().map(|(version, _)| *version).collect(), lines })
    }

    async fn read_sheet(&self, key: &OrderKey, sheet: &Sheet) -> Result<Vec<Line>, StoreError> {
        let Some(print) = &sheet.beside else { return Ok(sheet.here.clone().unwrap_or_default()) };
        let stream = stream(&key.merchant, print);
        let kept = self.streams.load::<Kept>(&stream, None).await?;
        let missing = || StoreError::Corrupt(format!("stream {stream}: an order refers to it, and it is not there"));
        Ok(kept.ok_or_else(missing)?.state.lines)
    }

    /// What the merchant told of an order last, beside its lines, as JSON; none if nothing was told.
    ///
    /// # Errors
    /// The store's.
    pub async fn told(&self, key: &OrderKey, order: &Order) -> Result<Option<String>, StoreError> {
        let told = order.cart.as_ref().map_or(Version::FIRST, |cart| cart.told);
        let History { steps, .. } = self.streams.history::<Order>(&key.stream(), told).await?;
        let step = steps.into_iter().find(|step| step.version == told);
        Ok(step.into_iter().flat_map(|step| step.events).find_map(details_of))
    }

    /// What the merchant told of an order last, and when the order changed last.
    ///
    /// # Errors
    /// The store's.
    pub async fn told_and_changed(&self, key: &OrderKey, order: &Order) -> Result<(Option<String>, Time), StoreError> {
        let told = order.cart.as_ref().map_or(Version::FIRST, |cart| cart.told);
        let History { steps, .. } = self.streams.history::<Order>(&key.stream(), told).await?;
        let mut changed = steps.iter().find(|step| step.version == order.version).map(|step| step.at);
        if changed.is_none() {
            let History { steps, .. } = self.streams.history::<Order>(&key.stream(), order.version).await?;
            changed = steps.first().map(|step| step.at);
        }
        let step = steps.into_iter().find(|step| step.version == told);
        let told = step.into_iter().flat_map(|step| step.events).find_map(details_of);
        Ok((told, changed.unwrap_or(order.opened_at)))
    }

    /// Every commit of an order, oldest first; of one that has more than there are stretches to read, the first.
    ///
    /// # Errors
    /// The store's.
    pub async fn log(&self, key: &OrderKey) -> Result<Vec<Logged>, StoreError> {
        self.log_from(key, Version::FIRST, usize::MAX, |_| true).await
    }

    /// The commits of an order that are wanted, oldest first, from `from` on, as many as `limit`.
    ///
    /// # Errors
    /// The store's.
    pub async fn log_from(
        &self,
        key: &OrderKey,
        from: Version,
        limit: usize,
        is_wanted: impl Fn(&[OrderEvent]) -> bool + Send + Sync,
    ) -> Result<Vec<Logged>, StoreError> {
        let mut log = Vec::new();
        let mut from = from;
        for _ in 0..LOG_STRETCHES_MAX {
            let History { steps, has_more } = self.streams.history::<Order>(&key.stream(), from).await?;
            let next = steps.last().and_then(|step| step.version.next());
            log.extend(steps.into_iter().filter(|step| is_wanted(&step.events)).map(|step| Logged {
                version: step.version,
                at: step.at,
                events: step.events,
                before: step.before,
            }));
            match next {
                Some(next) if has_more && log.len() < limit => from = next,
                Some(_) | None => break,
            }
        }
        log.truncate(limit);
        Ok(log)
    }

    /// A merchant account's orders that go on until they are closed, newest first, as many as `limit`, behind
    /// `after`; what was opened a moment ago may be missing.
    ///
    /// # Errors
    /// The store's.
    pub async fn running_orders(
        &self,
        merchant: &MerchantAccount,
        after: Option<Place>,
        limit: u16,
    ) -> Result<Vec<(OrderKey, Order, Place)>, Error> {
        let page = Page { since: Time::default(), newest_first: true, after, limit };
        let commits = self.streams.list(&list_of_running(merchant), &page).await?;
        let found = commits.iter().filter_map(|commit| Some((commit.stream.as_order()?, Place::of(commit))));
        let orders = found.map(async |(key, place)| {
            // One of many: what is logged of the request is not about this order.
            let order = self.load(&key, None).await?;
            Ok::<_, Error>((key, order, place))
        });
        try_join_all(orders).await
    }
}
