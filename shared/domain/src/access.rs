//! Who may do what: merchant accounts and the API keys that may use them.

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, MerchantAccount, Time, Version,
    limits::{KEYS_PER_MERCHANT_MAX, MERCHANTS_MAX},
};

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Orders and payments.
    Payments,
    /// Gift cards and API keys of its merchant accounts.
    Admin,
}

/// The list of all merchant accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// In the order they were created.
    pub merchants: Vec<(MerchantAccount, Time)>,
}

/// What happens to the list of merchant accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DirectoryEvent {
    /// One was created.
    MerchantCreated {
        /// Its name.
        merchant: MerchantAccount,
    },
}

impl Directory {
    /// Whether there is a merchant account of that name.
    #[must_use]
    pub fn contains(&self, merchant: &MerchantAccount) -> bool {
        self.merchants.iter().any(|(known, _)| known == merchant)
    }

    /// Whether it takes no more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.merchants.len() >= MERCHANTS_MAX
    }
}

impl Aggregate for Directory {
    type Event = DirectoryEvent;

    fn evolve(state: Option<Self>, event: &DirectoryEvent, _: Version, at: Time) -> Option<Self> {
        let mut directory = state.unwrap_or_default();
        match event {
            DirectoryEvent::MerchantCreated { merchant } => directory.merchants.push((merchant.clone(), at)),
        }
        Some(directory)
    }
}

/// The API keys that one merchant account has, to be listed; each is checked by its own [`ApiKey`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRing {
    /// In the order they were created.
    pub keys: Vec<KeyEntry>,
}

/// An API key as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEntry {
    /// Its identity: the beginning of its hash, which is not enough to be used.
    pub id: String,
    /// What its maker wrote about it.
    pub description: String,
    /// What it may be used for.
    pub roles: Vec<Role>,
    /// When it was made.
    pub created_at: Time,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Time>,
}

/// What happens to a merchant account's list of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum KeyRingEvent {
    /// A key was listed. It works once its own stream says so.
    KeyListed {
        /// Its identity.
        id: String,
        /// What its maker wrote about it.
        description: String,
        /// What it may be used for.
        roles: Vec<Role>,
    },
    /// A key was revoked.
    KeyRevoked {
        /// Its identity.
        id: String,
    },
}

impl KeyRing {
    /// Whether it takes no more keys: all there is room for are in use.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.keys.iter().filter(|key| key.revoked_at.is_none()).count() >= KEYS_PER_MERCHANT_MAX
    }

    /// The key of that identity.
    #[must_use]
    pub fn key(&self, id: &str) -> Option<&KeyEntry> {
        self.keys.iter().find(|key| key.id == id)
    }
}

impl Aggregate for KeyRing {
    type Event = KeyRingEvent;

    fn evolve(state: Option<Self>, event: &KeyRingEvent, _: Version, at: Time) -> Option<Self> {
        let mut ring = state.unwrap_or_default();
        match event {
            KeyRingEvent::KeyListed { id, description, roles } => {
                let forgotten = ring.keys.iter().position(|key| key.revoked_at.is_some());
                if let Some(forgotten) = forgotten.filter(|_| ring.keys.len() >= KEYS_PER_MERCHANT_MAX) {
                    ring.keys.remove(forgotten);
                }
                ring.keys.push(KeyEntry {
                    id: id.clone(),
                    description: description.clone(),
                    roles: roles.clone(),
                    created_at: at,
                    revoked_at: None,
                });
            }
            KeyRingEvent::KeyRevoked { id } => {
                for key in ring.keys.iter_mut().filter(|key| key.id == *id) {
                    key.revoked_at = key.revoked_at.or(Some(at));
                }
            }
        }
        Some(ring)
    }
}

/// An API key: what its text's SHA-256 is, and what it may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// SHA-256 of the key's text, in hex. The text itself is stored nowhere.
    pub hash: String,
    /// The merchant accounts it may use.
    pub merchants: Vec<MerchantAccount>,
    /// What it may be used for.
    pub roles: Vec<Role>,
    /// Whether it was revoked.
    #[serde(default)]
    pub is_revoked: bool,
}

/// What happens to an API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ApiKeyEvent {
    /// It works from now on.
    Created {
        /// SHA-256 of its text, in hex.
        hash: String,
        /// The merchant accounts it may use.
        merchants: Vec<MerchantAccount>,
        /// What it may be used for.
        roles: Vec<Role>,
    },
    /// It works no more.
    Revoked,
}

impl Aggregate for ApiKey {
    type Event = ApiKeyEvent;

    fn evolve(state: Option<Self>, event: &ApiKeyEvent, _: Version, _: Time) -> Option<Self> {
        match (state, event) {
            (None, ApiKeyEvent::Created { hash, merchants, roles }) => {
                Some(Self { hash: hash.clone(), merchants: merchants.clone(), roles: roles.clone(), is_revoked: false })
            }
            (Some(key), ApiKeyEvent::Revoked) => Some(Self { is_revoked: true, ..key }),
            (state, _) => state,
        }
    }
}
