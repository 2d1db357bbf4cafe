//! The merchants' receivers, and what they were told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use app::ports::{Content, Parcel};
use domain::{OrderId, Time};

/// What one endpoint was told of one order: numbers in the order they first arrived, and how often each.
#[derive(Debug, Default, Clone)]
pub(crate) struct Told {
    pub(crate) first_arrivals: Vec<u32>,
    pub(crate) times: BTreeMap<u32, u32>,
    pub(crate) names: BTreeMap<u32, String>,
}

#[derive(Default)]
struct State {
    told: BTreeMap<(String, OrderId), Told>,
    down: BTreeMap<String, (Time, Time)>,
    bodies: BTreeMap<String, Vec<u8>>,
    conflicting: Vec<String>,
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
        let Content::Change { key, change, .. } = &parcel.content else { return };
        let mut state = self.state();
        // The same event says the same on every try.
        let text = (change.name(parcel.endpoint.format), change.sequence(parcel.endpoint.format), &change.event);
        let body = serde_json::to_vec(&text).unwrap_or_default();
        let id = format!("{} {}", parcel.endpoint.id, parcel.id);
        if state.bodies.get(&id).is_some_and(|known| *known != body) {
            state.conflicting.push(id.clone());
        }
        state.bodies.insert(id, body);
        let told = state.told.entry((parcel.endpoint.id.clone(), key.id)).or_default();
        let number = change.sequence(parcel.endpoint.format);
        let times = told.times.entry(number).or_default();
        *times += 1;
        if *times == 1 {
            told.first_arrivals.push(number);
            told.names.insert(number, change.name(parcel.endpoint.format).to_owned());
        }
    }

    pub(crate) fn told(&self, endpoint: &str, order: OrderId) -> Told {
        self.state().told.get(&(endpoint.to_owned(), order)).cloned().unwrap_or_default()
    }

    /// Events that said one thing on one try and another on the next.
    pub(crate) fn conflicting(&self) -> Vec<String> {
        self.state().conflicting.clone()
    }
}
