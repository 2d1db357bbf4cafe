//! Orders whose outstanding work fails for long.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    MerchantAccount, Order, OrderId, Time,
    attention::{Attention, AttentionEvent, Raised},
};

use crate::{
    App, Error, OrderKey, StoreError, StreamId,
    metrics::note,
    ports::{Page, Place, Work},
    relay::Unreadable,
    streams::Loaded,
};

/// The most orders that are listed; older ones come up when these are dealt with.
pub const ATTENTION_LISTED_MAX: u16 = 100;

/// After how long an order that still needs attention is put on the list again.
pub const ATTENTION_AGAIN_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// Pages of the list that are looked through for them.
const ATTENTION_PAGES_MAX: u8 = 10;

const KIND: &str = "attention";

/// An order that needs attention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeedsAttention {
    /// Which.
    pub order: OrderId,
    /// Since when, and why.
    pub raised: Raised,
}

fn stream(key: &OrderKey) -> StreamId {
    StreamId::owned(&key.merchant, KIND, &key.id.to_string())
}

/// The list of all that ever needed attention; each says itself whether it still does.
fn list(merchant: &MerchantAccount) -> String {
    format!("{merchant}/{KIND}")
}

/// Which order a stream tells of, if it is one of these.
pub(crate) fn order_of(stream: &StreamId) -> Option<OrderKey> {
    let (merchant, order) = stream.as_owned(KIND)?;
    StreamId::from_stored(format!("{merchant}/{order}")).as_order()
}

/// What is left undone on an order, in words.
pub(crate) fn reason(order: &Order) -> String {
    let payments = order.payments.iter().filter(|payment| !payment.is_final()).count();
    let legs = order.operations.iter().flat_map(|operation| &operation.legs).filter(|leg| leg.is_in_flight()).count();
    format!("{payments} payments without a final outcome, {legs} captures, voids or refunds in flight")
}

impl App {
    /// Puts an order on the list.
    pub(crate) async fn raise_attention(&self, key: &OrderKey, reason: &str) -> Result<(), Error> {
        self.change_attention(key, AttentionEvent::Raised { reason: reason.to_owned() }).await
    }

    /// Puts an order on the list, unless it was put there within [`ATTENTION_AGAIN_AFTER`].
    pub(crate) async fn keep_attention(&self, key: &OrderKey, reason: &str) -> Result<(), Error> {
        let known = self.streams.load::<Attention>(&stream(key), None).await?;
        let raised_at = known.and_then(|known| known.state.raised).map(|raised| raised.at);
        let is_fresh = raised_at.is_some_and(|at| self.streams.now() < at.plus(ATTENTION_AGAIN_AFTER));
        if is_fresh { Ok(()) } else { self.raise_attention(key, reason).await }
    }

    /// Puts an order on the list whose work failed, again and again, for the same reason.
    ///
    /// # Errors
    /// The store's.
    pub async fn work_keeps_failing(&self, job: &Work, reason: &str) -> Result<(), Error> {
        let key = OrderKey { merchant: job.merchant.clone(), id: job.order.order() };
        self.keep_attention(&key, reason).await
    }

    /// Puts the order of a commit that cannot be read on the list: what should have followed it did not.
    ///
    /// # Errors
    /// The store's.
    pub async fn set_aside(&self, unreadable: &Unreadable) -> Result<(), StoreError> {
        let Some(key) = unreadable.stream.as_order() else { return Ok(()) };
        match self.raise_attention(&key, &unreadable.to_string()).await {
            Ok(()) => Ok(()),
            Err(Error::Store(error)) => Err(error),
            Err(error) => Err(StoreError::Unavailable(error.to_string())),
        }
    }

    /// Asks for an order's work to be tried again now.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an order that was never on the list; the store's.
    pub async fn retry_work(&self, key: &OrderKey) -> Result<(), Error> {
        note(key);
        let known = self.streams.load::<Attention>(&stream(key), None).await?;
        known.and_then(|known| known.state.raised).ok_or(Error::NotFound)?;
        self.change_attention(key, AttentionEvent::RetryAsked).await
    }

    /// The orders of a merchant that need attention, newest first: those that were put on the list and still
    /// have something left to do, or cannot be read.
    ///
    /// # Errors
    /// The store's.
    pub async fn needing_attention(&self, merchant: &MerchantAccount) -> Result<Vec<NeedsAttention>, Error> {
        let mut page = Page { since: Time::default(), newest_first: true, after: None, limit: ATTENTION_LISTED_MAX };
        let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
        for _ in 0..ATTENTION_PAGES_MAX {
            let commits = self.streams.list(&list(merchant), &page).await?;
            for key in commits.iter().filter_map(|commit| order_of(&commit.stream)) {
                if seen.insert(key.id)
                    && let Some(raised) = self.still_needed(&key).await?
                {
                    found.push(NeedsAttention { order: key.id, raised });
                }
            }
            page.after = commits.last().map(Place::of);
            if commits.len() < usize::from(page.limit) || found.len() >= usize::from(ATTENTION_LISTED_MAX) {
                break;
            }
        }
        Ok(found)
    }

    async fn still_needed(&self, key: &OrderKey) -> Result<Option<Raised>, Error> {
        // One of many: what is logged of the request is not about this order.
        let is_needed = match self.load(key, None).await {
            Ok(order) => order.next_look(self.streams.now(), 0).is_some(),
            Err(Error::Store(StoreError::Corrupt(_))) => true,
            Err(Error::NotFound) => false,
            Err(error) => return Err(error),
        };
        let known = self.streams.load::<Attention>(&stream(key), None).await?;
        Ok(known.and_then(|known| known.state.raised).filter(|_| is_needed))
    }

    async fn change_attention(&self, key: &OrderKey, event: AttentionEvent) -> Result<(), Error> {
        let (stream, events) = (stream(key), [event]);
        // Only what was raised is listed: the rest is found by its stream.
        let list = matches!(events, [AttentionEvent::Raised { .. }]).then(|| list(&key.merchant));
        for _ in 0..crate::DECIDE_ATTEMPTS_MAX {
            let base: Option<Loaded<Attention>> = self.streams.load(&stream, None).await?;
            match self.streams.append_listed(&stream, base, &events, list.clone()).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Contended)
    }
}
