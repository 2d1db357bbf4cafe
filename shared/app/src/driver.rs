//! The driver: whatever the state says is left to do, it does, until nothing is left or something has to
//! wait. After a crash there is nothing else to do than to run it again.

use std::time::Duration;

use domain::{
    Order, Version,
    order::{Command, Due, Finding, LegResult, Resolution},
    reference::LegReference,
};
use futures_util::{StreamExt, stream};
use tokio::time::timeout;

use crate::{
    App, Done, Error, Fut, OrderKey,
    ports::{Lookup, Perform},
};

/// Rounds of calls on one order before the driver leaves the rest to its next run.
pub const DRIVER_ROUNDS_MAX: u8 = 8;

/// Partner calls of one order made at the same time.
pub const PARTNER_CALLS_AT_ONCE: usize = 8;

/// How long a partner may take to answer; after that its answer is not known. Well within
/// [`domain::limits::AUTHORISE_DEADLINE`], after which a payment's caller is taken for dead.
pub const PARTNER_CALL_MAX: Duration = Duration::from_secs(20);

impl App {
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
            let calls = due.into_iter().map(|due| self.call(key, &order, due)).collect::<Vec<_>>();
            let findings = stream::iter(calls).buffer_unordered(PARTNER_CALLS_AT_ONCE).collect::<Vec<_>>().await;
            let findings = findings.into_iter().flatten().collect();
            match self.carry_out(key, Some(order), &Command::Record { findings, key: None }).await? {
                Done::Committed(after) => order = after,
                Done::Already(_, after) => return Ok(after),
            }
        }
        Ok(order)
    }

    fn call<'a>(&'a self, key: &'a OrderKey, order: &'a Order, due: Due) -> Fut<'a, Option<Finding>> {
        Box::pin(async move {
            match due {
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
