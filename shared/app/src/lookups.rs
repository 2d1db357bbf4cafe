//! Finding what is not part of an order's state: payments by the merchant's own reference, and what the merchant
//! told about an operation.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use domain::{
    MerchantAccount, Order, Time, Version,
    order::{KeyPrint, Leg, OrderEvent, OrderKind},
};

use crate::{App, Error, OrderKey, StoreError, Streams, ports::Page, streams::History};

/// Payments of one reference that are looked at: the newest ones.
pub const SAME_REFERENCE_MAX: u16 = 16;

/// Stretches of an order's log that are read for what was told about its operations.
const STRETCHES_MAX: u16 = 1_100;

/// What a merchant told about operations, as JSON: by the commit that asked for each.
pub type Details = BTreeMap<Version, String>;

impl App {
    /// The newest payment of a merchant's own reference that holds money which can be released, or may come to; the newest at all, if
    /// none does. None, if there is none, or if it is so new that the list does not have it yet. With an idempotency
    /// key, the payment whose order knows that key comes first: a request that comes again means the same payment.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_payment(
        &self,
        merchant: &MerchantAccount,
        reference: &str,
        print: Option<KeyPrint>,
    ) -> Result<Option<(OrderKey, Version)>, Error> {
        let page = Page { since: Time::default(), newest_first: true, after: None, limit: SAME_REFERENCE_MAX };
        let commits = self.streams.list(&self.list_of_reference(merchant, reference), &page).await?;
        let (mut live, mut newest) = (None, None);
        for commit in commits {
            let Some(key) = commit.stream.as_order() else { continue };
            let order = self.find(&key).await?;
            // The list goes by a fingerprint: what has another reference is not meant.
            let Some(payment) = order.payment(commit.version).filter(|payment| payment.reference == reference) else {
                continue;
            };
            let found = (key, payment.version);
            if print.is_some_and(|print| order.keys.iter().any(|used| used.print.key == print.key)) {
                return Ok(Some(found));
            }
            if !payment.is_final() || payment.tally.capturable() > 0 {
                live = live.or_else(|| Some(found.clone()));
            }
            newest = newest.or(Some(found));
        }
        Ok(live.or(newest))
    }

    /// The list that a commit of an order is found in: that of the reference of the payment it reserved.
    pub(crate) fn reference_list(&self, merchant: &MerchantAccount, events: &[OrderEvent]) -> Option<String> {
        events.iter().find_map(|event| match event {
            OrderEvent::PaymentReserved { reference, .. } => Some(self.list_of_reference(merchant, reference)),
            OrderEvent::Opened { kind: OrderKind::Running, .. } => Some(list_of_running(merchant)),
            OrderEvent::Opened { .. }
            | OrderEvent::PaymentResolved { .. }
            | OrderEvent::ShopperTimedOut { .. }
            | OrderEvent::OperationRequested { .. }
            | OrderEvent::OperationRefused { .. }
            | OrderEvent::LegResolved { .. }
            | OrderEvent::Revised { .. }
            | OrderEvent::Appended { .. }
            | OrderEvent::LinesRecorded { .. }
            | OrderEvent::Reopened { .. }
            | OrderEvent::CancellationRequested { .. }
            | OrderEvent::Answered { .. }
            | OrderEvent::Closed { .. }
            | OrderEvent::AmountsChanged => None,
        })
    }

    fn list_of_reference(&self, merchant: &MerchantAccount, reference: &str) -> String {
        let print = self.prints.short("payment-reference", &[merchant.as_str().as_bytes(), reference.as_bytes()]);
        format!("{merchant}/reference-{}", HEXLOWER.encode(&print))
    }

    /// What was told about the operations of an order.
    ///
    /// # Errors
    /// The store's.
    pub async fn details(&self, key: &OrderKey, order: &Order) -> Result<Details, StoreError> {
        details(&self.streams, key, order).await
    }

    /// Why an operation was refused, in the words it was answered with; none if it was not, or was not answered.
    ///
    /// # Errors
    /// The store's.
    pub async fn explanation(&self, key: &OrderKey, operation: Version) -> Result<Option<String>, StoreError> {
        let History { steps, .. } = self.streams.history::<Order>(&key.stream(), operation).await?;
        let step = steps.into_iter().find(|step| step.version == operation);
        Ok(step.into_iter().flat_map(|step| step.events).find_map(|event| match event {
            OrderEvent::OperationRefused { explanation, .. } => explanation,
            OrderEvent::Opened { .. }
            | OrderEvent::PaymentReserved { .. }
            | OrderEvent::PaymentResolved { .. }
            | OrderEvent::ShopperTimedOut { .. }
            | OrderEvent::OperationRequested { .. }
            | OrderEvent::LegResolved { .. }
            | OrderEvent::Revised { .. }
            | OrderEvent::Appended { .. }
            | OrderEvent::LinesRecorded { .. }
            | OrderEvent::Reopened { .. }
            | OrderEvent::CancellationRequested { .. }
            | OrderEvent::Answered { .. }
            | OrderEvent::Closed { .. }
            | OrderEvent::AmountsChanged => None,
        }))
    }

    /// The order as it was when all was known of an operation; as it stands, if that is not so yet. A request that
    /// comes again is answered with it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; the store's.
    pub async fn concluded(&self, key: &OrderKey, order: Order, operation: Version) -> Result<Order, Error> {
        let known = order.operation(operation).filter(|known| !known.legs.iter().any(Leg::is_in_flight));
        let Some(known) = known else { return Ok(order) };
        if known.legs.is_empty() {
            return self.order_at(key, operation).await;
        }
        let legs = known.legs.len();
        let (mut from, mut resolved) = (operation, 0_usize);
        for _ in 0..STRETCHES_MAX {
            let History { steps, has_more } = self.streams.history::<Order>(&key.stream(), from).await?;
            let next = steps.last().and_then(|step| step.version.next());
            for step in steps {
                let is_word = |event: &&OrderEvent| {
                    matches!(event, OrderEvent::LegResolved { operation: of, result, .. }
                        if *of == operation && result.is_final())
                };
                resolved = resolved.saturating_add(step.events.iter().filter(is_word).count());
                if resolved >= legs {
                    return self.order_at(key, step.version).await;
                }
            }
            match next {
                Some(next) if has_more => from = next,
                Some(_) | None => break,
            }
        }
        Ok(order)
    }

    /// What the merchant told when an order was opened, as JSON; none if nothing was told.
    ///
    /// # Errors
    /// The store's.
    pub async fn told_at_opening(&self, key: &OrderKey) -> Result<Option<String>, StoreError> {
        let History { steps, .. } = self.streams.history::<Order>(&key.stream(), Version::FIRST).await?;
        let opened = steps.into_iter().next().into_iter().flat_map(|step| step.events);
        Ok(opened.filter_map(details_of).next())
    }
}

/// The list of a merchant account's orders that go on until they are closed.
pub(crate) fn list_of_running(merchant: &MerchantAccount) -> String {
    format!("{merchant}/orders")
}

/// What was told about the operations of an order: read from the commits that asked for them, which for all but
/// the longest orders is one request.
pub(crate) async fn details(streams: &Streams, key: &OrderKey, order: &Order) -> Result<Details, StoreError> {
    let mut wanted = order.operations.iter().filter(|operation| operation.details_bytes > 0).map(|known| known.version);
    let mut found = Details::new();
    let mut next = wanted.next();
    for _ in 0..STRETCHES_MAX {
        let Some(from) = next else { break };
        let History { steps, .. } = streams.history::<Order>(&key.stream(), from).await?;
        let Some(last) = steps.last().map(|step| step.version) else { break };
        for step in steps {
            found.extend(step.events.into_iter().filter_map(details_of).map(|details| (step.version, details)));
        }
        next = wanted.find(|version| *version > last);
    }
    Ok(found)
}

pub(crate) fn details_of(event: OrderEvent) -> Option<String> {
    match event {
        OrderEvent::Opened { details, .. }
        | OrderEvent::OperationRequested { details, .. }
        | OrderEvent::Revised { details, .. }
        | OrderEvent::Appended { details, .. }
        | OrderEvent::LinesRecorded { details, .. } => details,
        OrderEvent::PaymentReserved { .. }
        | OrderEvent::PaymentResolved { .. }
        | OrderEvent::ShopperTimedOut { .. }
        | OrderEvent::OperationRefused { .. }
        | OrderEvent::LegResolved { .. }
        | OrderEvent::Reopened { .. }
        | OrderEvent::CancellationRequested { .. }
        | OrderEvent::Answered { .. }
        | OrderEvent::Closed { .. }
        | OrderEvent::AmountsChanged => None,
    }
}
