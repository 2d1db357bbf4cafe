//! The driver: whatever the state says is left to do, it does, until nothing is left or something has to
//! wait. After a crash there is nothing else to do than to run it again.

use std::time::Duration;

use domain::{
    Order, Time, Version,
    limits::ATTENTION_AFTER_TRIES,
    order::{Command, Due, Finding, LegResult, OrderKind, Resolution},
    reference::LegReference,
};
use futures_util::{StreamExt, stream};
use tokio::time::timeout;

use crate::{
    App, Done, Error, Fut, OrderKey, StoreError,
    attention::reason,
    metrics,
    ports::{Lookup, Perform, Work},
};

/// Rounds of calls on one order before the driver leaves the rest to its next run.
pub const DRIVER_ROUNDS_MAX: u8 = 8;

/// Partner calls of one order made at the same time.
pub const PARTNER_CALLS_AT_ONCE: usize = 8;

/// How long a partner may take to answer; after that its answer is not known. Well within
/// [`domain::limits::AUTHORISE_DEADLINE`], after which a payment's caller is taken for dead.
pub const PARTNER_CALL_MAX: Duration = Duration::from_secs(20);

/// How soon an order's expiry is looked out for by whoever works on it: as far ahead as a queue can delay the
/// job that deals with it.
pub const EXPIRES_SOON: Duration = Duration::from_secs(15 * 60);

/// What came of an order's timer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expired {
    /// It went off too early, as clocks differ: it is to be set again.
    Early(Time),
    /// It was dealt with; what is left, and when it is due.
    Done(Option<(Work, Time)>),
}

impl App {
    /// Deals with an order's timer: cancels the order if it expired before it was paid, and releases what was
    /// paid. Going off late, or twice, changes nothing.
    ///
    /// # Errors
    /// Failures that may pass: the timer is to go off again.
    pub async fn expire(&self, job: &Work) -> Result<Expired, Error> {
        let key = OrderKey { merchant: job.merchant.clone(), id: job.order.order() };
        match self.find(&key).await {
            Ok(order) if order.is_open() && !order.is_expired(self.streams.now()) => {
                Ok(Expired::Early(order.expires_at))
            }
            // What is not there, or cannot be read, is dealt with there.
            Ok(_) | Err(Error::NotFound | Error::Store(StoreError::Corrupt(_))) => {
                Ok(Expired::Done(self.work(job).await?))
            }
            Err(error) => Err(error),
        }
    }

    /// Performs what is outstanding on an order and commits the outcomes. Returns the order after.
    ///
    /// # Errors
    /// The store's. What was done and could not be committed is found again by the next run.
    pub async fn advance(&self, key: &OrderKey, mut order: Order) -> Result<Order, Error> {
        for _ in 0..DRIVER_ROUNDS_MAX {
            let due = order.outstanding(self.streams.now());
            if due.is_empty() {
                break;
            }
            if due.contains(&Due::Lapse) {
                order = self.lapse(key, order, due).await?;
                continue;
            }
            let findings = self.call_all(key, &order, due).await;
            match self.carry_out(key, Some(order), &Command::Record { findings, key: None }).await? {
                Done::Committed(after) => order = after,
                Done::Already(_, after) => return Ok(after),
            }
        }
        Ok(order)
    }

    /// Does a job of the worker: what is outstanding on an order. Returns the next job, if something is left,
    /// and when it is due.
    ///
    /// An order that has something left after [`ATTENTION_AFTER_TRIES`] looks in a row, or that cannot be
    /// read, is put on the list of those that need attention.
    ///
    /// # Errors
    /// Failures that may pass: the job is to be done again.
    pub async fn work(&self, job: &Work) -> Result<Option<(Work, Time)>, Error> {
        let key = OrderKey { merchant: job.merchant.clone(), id: job.order.order() };
        let order = match self.inspect(&key).await {
            Ok(order) => order,
            // No such order: nothing will ever be due on it.
            Err(Error::NotFound) => return Ok(None),
            Err(Error::Store(StoreError::Corrupt(fault))) => {
                tracing::error!(stream = %key.stream(), fault, "an order cannot be read");
                self.raise_attention(&key, &fault).await?;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let now = self.streams.now();
        if let Some(uncertain) = metrics::uncertain(&order, now) {
            self.meter.count(&[uncertain]);
        }
        let next = order.next_look(now, job.tries);
        let tries = job.tries.saturating_add(1);
        // A shopper may take as long as the payment allows; that is no failure.
        if next.is_some() && tries >= ATTENTION_AFTER_TRIES && !order.waits_for_shopper() {
            self.keep_attention(&key, &reason(&order)).await?;
        }
        let next = next.map(|next| (Work { tries, ..job.clone() }, next));
        // Whoever sent the job may have meant the expiry, by a clock that is ahead of this one.
        let expires_soon = order.kind == OrderKind::Parts
            && order.is_open()
            && !order.is_expired(now)
            && order.expires_at <= now.plus(EXPIRES_SOON);
        let expiry = expires_soon.then_some(order.expires_at);
        let capture = order.captures_at().filter(|at| *at > now);
        let awaited = expiry.into_iter().chain(capture).map(|due| (Work { tries: 0, ..job.clone() }, due));
        Ok(next.into_iter().chain(awaited).min_by_key(|(_, due)| *due))
    }

    /// Does what time asks for, but first asks the partners: a shopper may have acted in time and not come back.
    async fn lapse(&self, key: &OrderKey, mut order: Order, due: Vec<Due>) -> Result<Order, Error> {
        let lookups = due.into_iter().filter(|due| matches!(due, Due::Lookup { .. })).collect();
        let findings = self.call_all(key, &order, lookups).await;
        if !findings.is_empty() {
            let record = Command::Record { findings, key: None };
            let (Done::Committed(after) | Done::Already(_, after)) = self.carry_out(key, Some(order), &record).await?;
            order = after;
        }
        let (Done::Committed(after) | Done::Already(_, after)) =
            self.carry_out(key, Some(order), &Command::Lapse).await?;
        Ok(after)
    }

    async fn call_all(&self, key: &OrderKey, order: &Order, due: Vec<Due>) -> Vec<Finding> {
        let calls = due.into_iter().map(|due| self.call(key, order, due)).collect::<Vec<_>>();
        let findings = stream::iter(calls).buffer_unordered(PARTNER_CALLS_AT_ONCE).collect::<Vec<_>>().await;
        findings.into_iter().flatten().collect()
    }

    fn call<'a>(&'a self, key: &'a OrderKey, order: &'a Order, due: Due) -> Fut<'a, Option<Finding>> {
        Box::pin(async move {
            match due {
                Due::Lapse => None,
                Due::Lookup { payment } => {
                    let resolution = self.look_up(key, order, payment).await;
                    Some(Finding::Payment { payment, resolution })
                }
                Due::Perform { operation, index, leg } => {
                    let payment = order.payment(leg.payment)?;
                    let request = Perform {
                        merchant: &key.merchant,
                        payment: key.id.at(leg.payment),
                        token: &payment.token,
                        leg: LegReference { operation: key.id.at(operation), index },
                        action: leg.action,
                        amount: order.amount.with_minor(leg.amount),
                    };
                    let call = self.partner(payment.partner).perform(request);
                    let result = timeout(PARTNER_CALL_MAX, call).await.unwrap_or(LegResult::Uncertain);
                    Some(Finding::Leg { operation, index, result })
                }
            }
        })
    }

    pub(crate) async fn look_up(&self, key: &OrderKey, order: &Order, payment: Version) -> Resolution {
        let Some(known) = order.payment(payment) else { return Resolution::Uncertain };
        let request = Lookup { merchant: &key.merchant, payment: key.id.at(payment), token: &known.token };
        let call = self.partner(known.partner).lookup(request);
        timeout(PARTNER_CALL_MAX, call).await.unwrap_or(Resolution::Uncertain)
    }
}
