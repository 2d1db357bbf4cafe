//! The merchants' receivers, and what they were told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use app::ports::{Content, Parcel};
use domain::{
    OrderId, Time, Version,
    order::{Books, Change, Format, OrderEvent},
};

/// What one endpoint was told of one order: numbers in the order they first arrived, and what arrived under each.
#[derive(Debug, Default, Clone)]
pub(crate) struct Told {
    pub(crate) first_arrivals: Vec<u32>,
    pub(crate) arrived: BTreeMap<u32, Arrived>,
}

/// What arrived under one number.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    /// How often.
    pub(crate) times: u32,
    /// What it was called in its format.
    pub(crate) name: &'static str,
    /// The names by which a receiver knows it again.
    pub(crate) ids: BTreeSet<String>,
    /// The operation whose outcome it tells, if it does.
    pub(crate) operation: Option<Version>,
    /// The order's version, as it was told.
    pub(crate) version: Version,
    /// The order's books, as they were told.
    pub(crate) books: Books,
}

#[derive(Default)]
struct State {
    told: BTreeMap<(String, OrderId), Told>,
    down: BTreeMap<String, (Time, Time)>,
    bodies: BTreeMap<String, Vec<u8>>,
    conflicting: Vec<String>,
    lacking: Vec<String>,
    acknowledged: BTreeMap<(String, OrderId), BTreeSet<u32>>,
    too_early: Vec<String>,
}

/// All receivers.
#[derive(Clone, Default)]
pub(crate) struct Receivers(Arc<Mutex<State>>);

impl Receivers {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take_down(&self, endpoint: &str, from: Time, to: Time) {
        self.state().down.insert(endpoint.to_owned(), (from, to));
    }

    pub(crate) fn is_down(&self, endpoint: &str, now: Time) -> bool {
        self.state().down.get(endpoint).is_some_and(|(from, to)| (*from..*to).contains(&now))
    }

    /// Somebody tries to tell. Everything before it must have been acknowledged.
    pub(crate) fn tried(&self, parcel: &Parcel<'_>) {
        let Content::Change { key, change, .. } = &parcel.content else { return };
        let mut state = self.state();
        let number = change.sequence(parcel.endpoint.format);
        let acknowledged = state.acknowledged.get(&(parcel.endpoint.id.clone(), key.id));
        if (1..number).any(|before| acknowledged.is_none_or(|known| !known.contains(&before))) {
            state.too_early.push(format!("{} to {}: {number}", parcel.id, parcel.endpoint.id));
        }
    }

    /// It was told that it was received.
    pub(crate) fn acknowledge(&self, parcel: &Parcel<'_>) {
        let Content::Change { key, change, .. } = &parcel.content else { return };
        let number = change.sequence(parcel.endpoint.format);
        self.state().acknowledged.entry((parcel.endpoint.id.clone(), key.id)).or_default().insert(number);
    }

    /// Events that were tried before those before them were acknowledged.
    pub(crate) fn too_early(&self) -> Vec<String> {
        self.state().too_early.clone()
    }

    pub(crate) fn receive(&self, parcel: &Parcel<'_>) {
        let Content::Change { key, change, details } = &parcel.content else { return };
        let (format, mut state) = (parcel.endpoint.format, self.state());
        let (name, number) = (change.name(format), change.sequence(format));
        // The same event says the same on every try; what was told about later operations is not part of it.
        let told = details.iter().filter(|(version, _)| change.order.operation(**version).is_some());
        let told = told.collect::<BTreeMap<_, _>>();
        let body = serde_json::to_vec(&(name, number, &change.event, told)).unwrap_or_default();
        let id = format!("{} {}", parcel.endpoint.id, parcel.id);
        if state.bodies.get(&id).is_some_and(|known| *known != body) {
            state.conflicting.push(id.clone());
        }
        let is_told_all = |version: &Version| details.contains_key(version);
        let mut with_details = change.order.operations.iter().filter(|operation| operation.details_bytes > 0);
        if format == Format::Payments && !with_details.all(|operation| is_told_all(&operation.version)) {
            state.lacking.push(id.clone());
        }
        state.bodies.insert(id, body);
        let told = state.told.entry((parcel.endpoint.id.clone(), key.id)).or_default();
        if !told.arrived.contains_key(&number) {
            told.first_arrivals.push(number);
        }
        let arrived = told.arrived.entry(number).or_insert_with(|| Arrived {
            times: 0,
            name,
            ids: BTreeSet::new(),
            operation: operation_of(change),
            version: change.order.version,
            books: change.order.books(),
        });
        arrived.times += 1;
        arrived.ids.insert(parcel.id.to_owned());
    }

    pub(crate) fn told(&self, endpoint: &str, order: OrderId) -> Told {
        self.state().told.get(&(endpoint.to_owned(), order)).cloned().unwrap_or_default()
    }

    /// Events that said one thing on one try and another on the next.
    pub(crate) fn conflicting(&self) -> Vec<String> {
        self.state().conflicting.clone()
    }

    /// Events that lacked what the merchant had told about the order's operations.
    pub(crate) fn lacking(&self) -> Vec<String> {
        self.state().lacking.clone()
    }
}

/// The operation whose outcome a change tells, if it does.
fn operation_of(change: &Change) -> Option<Version> {
    match &change.event {
        OrderEvent::LegResolved { operation, .. } => Some(*operation),
        OrderEvent::OperationRefused { .. } => Some(change.position.version),
        OrderEvent::Opened { .. }
        | OrderEvent::PaymentReserved { .. }
        | OrderEvent::PaymentResolved { .. }
        | OrderEvent::ShopperTimedOut { .. }
        | OrderEvent::OperationRequested { .. }
        | OrderEvent::Revised { .. }
        | OrderEvent::Appended { .. }
        | OrderEvent::LinesRecorded { .. }
        | OrderEvent::Reopened { .. }
        | OrderEvent::CancellationRequested { .. }
        | OrderEvent::Answered { .. }
        | OrderEvent::Closed { .. }
        | OrderEvent::AmountsChanged => None,
    }
}
