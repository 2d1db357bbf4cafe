//! A merchant's webhook endpoints.

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, Time, Version,
    limits::{ENDPOINTS_PER_MERCHANT_MAX, KEY_OVERLAP},
    order::{Format, KeyPrint},
};

/// The webhook endpoints of one merchant account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// In the order they were created.
    pub endpoints: Vec<Endpoint>,
    /// The keys of the webhooks that orders have of their own.
    #[serde(default)]
    pub own: OwnKeys,
}

/// What stands for the webhook of an order's own where endpoints are named.
pub const OWN_ENDPOINT: &str = "payments";

/// Which keys the webhooks of a merchant's orders themselves are signed with: the same for all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnKeys {
    /// How often they were rotated.
    pub generation: u32,
    /// When last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_at: Option<Time>,
    /// The idempotency key they were rotated with last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation_key: Option<KeyPrint>,
}

/// Where a merchant wants to be told, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its identity.
    pub id: String,
    /// Where.
    pub url: String,
    /// In which words.
    pub format: Format,
    /// The names of what is told; empty for everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// Since when. An order that does not change after that is not told.
    pub created_at: Time,
    /// Which of its keys is the newest: how often it was rotated.
    pub generation: u32,
    /// When it was rotated last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_at: Option<Time>,
    /// Set while nothing is sent to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
    /// The idempotency key it was created with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyPrint>,
    /// The idempotency key it was rotated with last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation_key: Option<KeyPrint>,
}

/// That, when and why nothing is sent to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Since when.
    pub at: Time,
    /// Why.
    pub reason: DisabledReason,
}

/// Why nothing is sent to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// It answered 410 Gone.
    Gone,
}

/// What happens to a merchant's webhook endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EndpointEvent {
    /// One was created.
    EndpointCreated {
        /// Its identity.
        id: String,
        /// Where.
        url: String,
        /// In which words.
        format: Format,
        /// The names of what is told; empty for everything.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        events: Vec<String>,
        /// The idempotency key of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyPrint>,
    },
    /// One was deleted.
    EndpointDeleted {
        /// Its identity.
        id: String,
    },
    /// One got new keys. The ones before go on signing for [`KEY_OVERLAP`].
    EndpointRotated {
        /// Its identity.
        id: String,
        /// The idempotency key of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyPrint>,
    },
    /// Nothing is sent to one any more.
    EndpointDisabled {
        /// Its identity.
        id: String,
        /// Why.
        reason: DisabledReason,
    },
    /// It is sent to again.
    EndpointEnabled {
        /// Its identity.
        id: String,
    },
}

impl Endpoints {
    /// The endpoint of that identity; of [`OWN_ENDPOINT`], one without a URL, which each order says itself.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Endpoint> {
        if id == OWN_ENDPOINT {
            return Some(self.own());
        }
        self.endpoints.iter().find(|endpoint| endpoint.id == id).cloned()
    }

    /// What the webhooks of orders themselves have in common.
    #[must_use]
    pub fn own(&self) -> Endpoint {
        let OwnKeys { generation, rotated_at, rotation_key } = self.own;
        Endpoint {
            id: OWN_ENDPOINT.to_owned(),
            url: String::new(),
            format: Format::Payments,
            events: Vec::new(),
            created_at: Time::default(),
            generation,
            rotated_at,
            disabled: None,
            key: None,
            rotation_key,
        }
    }

    /// The endpoint that was created with that idempotency key, whatever was asked with it.
    #[must_use]
    pub fn created_with(&self, key: KeyPrint) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.key.is_some_and(|known| known.key == key.key))
    }

    /// Whether there is no room for another.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.endpoints.len() >= ENDPOINTS_PER_MERCHANT_MAX
    }
}

impl Endpoint {
    /// Which of its keys sign at `now`: the newest, and for a while the one before.
    #[must_use]
    pub fn generations(&self, now: Time) -> (u32, Option<u32>) {
        let overlaps = self.rotated_at.is_some_and(|rotated| now < rotated.plus(KEY_OVERLAP));
        (self.generation, self.generation.checked_sub(1).filter(|_| overlaps))
    }

    /// Whether it wants to be told of what has that name in its format.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        !name.is_empty() && (self.events.is_empty() || self.events.iter().any(|wanted| wanted == name))
    }
}

impl Aggregate for Endpoints {
    type Event = EndpointEvent;

    fn evolve(state: Option<Self>, event: &EndpointEvent, _: Version, at: Time) -> Option<Self> {
        let mut all = state.unwrap_or_default();
        let mut change = |id: &str, change: &dyn Fn(&mut Endpoint)| {
            all.endpoints.iter_mut().filter(|endpoint| endpoint.id == id).for_each(change);
        };
        match event {
            EndpointEvent::EndpointCreated { id, url, format, events, key } => all.endpoints.push(Endpoint {
                id: id.clone(),
                url: url.clone(),
                format: *format,
                events: events.clone(),
                created_at: at,
                generation: 0,
                rotated_at: None,
                disabled: None,
                key: *key,
                rotation_key: None,
            }),
            EndpointEvent::EndpointDeleted { id } => all.endpoints.retain(|endpoint| endpoint.id != *id),
            EndpointEvent::EndpointRotated { id, key } if id == OWN_ENDPOINT => {
                let generation = all.own.generation.saturating_add(1);
                all.own = OwnKeys { generation, rotated_at: Some(at), rotation_key: *key };
            }
            EndpointEvent::EndpointRotated { id, key } => change(id, &|endpoint| {
                endpoint.generation = endpoint.generation.saturating_add(1);
                endpoint.rotated_at = Some(at);
                endpoint.rotation_key = *key;
            }),
            EndpointEvent::EndpointDisabled { id, reason } => change(id, &|endpoint| {
                endpoint.disabled = Some(Disabled { at, reason: *reason });
            }),
            EndpointEvent::EndpointEnabled { id } => change(id, &|endpoint| endpoint.disabled = None),
        }
        Some(all)
    }
}
