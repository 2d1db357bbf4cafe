//! Merchant accounts, API keys, and who is asking.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use domain::{
    MerchantAccount, Time,
    access::{ApiKey, ApiKeyEvent, Directory, DirectoryEvent, KeyEntry, KeyRing, KeyRingEvent, Role},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::{Prints, StoreError, StreamId, Streams, streams::ChangeError};

/// How long a key is believed without being read again: the longest that a revoked one still works.
pub const KEY_CACHE: Duration = Duration::from_secs(10);

/// How long an access token is good for. Short, since it is believed on its own word; the key it was issued to is
/// still looked at, so that a revoked one's tokens end with it.
pub const ACCESS_TOKEN_TIME: Duration = Duration::from_secs(3_600);

/// Keys remembered at once by one process. A wrong key is not remembered.
pub const KEYS_CACHED_MAX: usize = 1_024;

/// Hexadecimal digits of a key's hash that are its identity.
const KEY_ID_CHARS: usize = 32;

const ACCESS_TOKEN: &str = "access-token";

/// What an access token begins with, so that one is known when it is found where it should not be.
const ACCESS_TOKEN_PREFIX: &str = "tat_";

/// Bytes of what an access token says: the key's identity, and when it ends.
const CLAIM_BYTES: usize = KEY_ID_CHARS / 2 + 8;

/// Whoever made a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The operator of the installation: may create merchant accounts and administer all of them.
    Operator,
    /// The holder of an API key.
    Key {
        /// The merchant accounts it may use.
        merchants: Vec<MerchantAccount>,
        /// What it may be used for.
        roles: Vec<Role>,
    },
}

impl Caller {
    /// Whether it may do what takes `role`. An operator moves no merchant's money.
    #[must_use]
    pub fn has_role(&self, role: Role) -> bool {
        match self {
            Self::Operator => role == Role::Admin,
            Self::Key { roles, .. } => roles.contains(&role),
        }
    }

    /// Whether it may use a merchant account.
    #[must_use]
    pub fn may_use(&self, merchant: &MerchantAccount) -> bool {
        match self {
            Self::Operator => true,
            Self::Key { merchants, .. } => merchants.contains(merchant),
        }
    }

    /// The one merchant account it may use, if it is one.
    #[must_use]
    pub fn only_merchant(&self) -> Option<&MerchantAccount> {
        match self {
            Self::Key { merchants, .. } if merchants.len() == 1 => merchants.first(),
            Self::Operator | Self::Key { .. } => None,
        }
    }
}

/// What an API key is made with.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// The merchant accounts it may use.
    pub merchants: Vec<MerchantAccount>,
    /// What it may be used for.
    pub roles: Vec<Role>,
    /// What its maker writes about it.
    pub description: String,
}

/// Why access was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// No such merchant account or key.
    #[error("not found")]
    NotFound,
    /// A merchant account of that name exists.
    #[error("exists already")]
    Exists,
    /// A list is full.
    #[error("the list is full")]
    Full,
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ChangeError<AccessError>> for AccessError {
    fn from(error: ChangeError<AccessError>) -> Self {
        match error {
            ChangeError::Refused(error) => error,
            ChangeError::Store(error) => error.into(),
        }
    }
}

/// Merchant accounts and API keys.
#[derive(Clone)]
pub struct Access {
    streams: Streams,
    prints: Prints,
    operator_hash: Option<String>,
    cache: Arc<Mutex<HashMap<String, (Time, Caller)>>>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Access")
    }
}

/// SHA-256 of a key's text, in hex. Texts that are drawn have 160 random bits, so a plain hash does not give
/// them away.
#[must_use]
pub fn key_hash(text: &SecretString) -> String {
    HEXLOWER.encode(&Sha256::digest(text.expose_secret().as_bytes()))
}

impl Access {
    /// Access kept in `streams`. Whoever has the key of hash `operator_hash` is the operator.
    #[must_use]
    pub fn new(streams: Streams, prints: Prints, operator_hash: Option<String>) -> Self {
        Self { streams, prints, operator_hash, cache: Arc::default() }
    }

    /// Issues an access token to the holder of an API key: a text that says by itself whose it is and until when,
    /// sealed with the installation's key. Nobody, if the key is not known, is the operator's, or is not the
    /// client's: `client` is the key's identity, or a merchant account that it may use.
    ///
    /// # Errors
    /// The store's.
    pub async fn issue_token(
        &self,
        text: &SecretString,
        client: Option<&str>,
    ) -> Result<Option<SecretString>, StoreError> {
        let Some(caller @ Caller::Key { .. }) = self.authenticate(text).await? else { return Ok(None) };
        let id = key_id(&key_hash(text));
        let is_client = |client: &str| {
            client == id || MerchantAccount::try_new(client).is_ok_and(|merchant| caller.may_use(&merchant))
        };
        let Some(id) = HEXLOWER.decode(id.as_bytes()).ok().filter(|_| client.is_none_or(is_client)) else {
            return Ok(None);
        };
        let ends = self.streams.now().plus(ACCESS_TOKEN_TIME).unix_ms();
        let claim = [id.as_slice(), &ends.to_be_bytes()].concat();
        let seal = self.prints.print(ACCESS_TOKEN, &[&claim]);
        let token = BASE64URL_NOPAD.encode(&[claim.as_slice(), &seal].concat());
        Ok(Some(format!("{ACCESS_TOKEN_PREFIX}{token}").into()))
    }

    /// Who an access token was issued to; nobody, if it is none of ours, has ended, or its key was revoked.
    ///
    /// # Errors
    /// The store's.
    pub async fn authenticate_token(&self, token: &SecretString) -> Result<Option<Caller>, StoreError> {
        let now = self.streams.now();
        let Some(id) = self.token_key(token, now) else { return Ok(None) };
        if let Some(caller) = self.remembered(&id, now) {
            return Ok(Some(caller));
        }
        let loaded = self.streams.load::<ApiKey>(&StreamId::shared("key", &id), None).await?;
        let caller = loaded.map(|loaded| loaded.state).and_then(caller_of);
        self.remember(id, now, caller.as_ref());
        Ok(caller)
    }

    /// The identity of the key that a token was issued to, if it is genuine and has not ended.
    fn token_key(&self, token: &SecretString, now: Time) -> Option<String> {
        let token = token.expose_secret().strip_prefix(ACCESS_TOKEN_PREFIX)?;
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
        let (claim, seal) = bytes.split_at_checked(CLAIM_BYTES)?;
        let (id, ends) = claim.split_last_chunk::<8>()?;
        let ends = Time::from_unix_ms(u64::from_be_bytes(*ends));
        let is_genuine = self.prints.is_print(ACCESS_TOKEN, &[claim], seal);
        (is_genuine && now < ends).then(|| HEXLOWER.encode(id))
    }

    /// Who a key belongs to; nobody, if it is not known or revoked.
    ///
    /// # Errors
    /// The store's.
    pub async fn authenticate(&self, text: &SecretString) -> Result<Option<Caller>, StoreError> {
        let hash = key_hash(text);
        if self.operator_hash.as_ref() == Some(&hash) {
            return Ok(Some(Caller::Operator));
        }
        let now = self.streams.now();
        if let Some(caller) = self.remembered(&hash, now) {
            return Ok(Some(caller));
        }
        let loaded = self.streams.load::<ApiKey>(&key_stream(&hash), None).await?;
        let caller = loaded.map(|loaded| loaded.state).filter(|key| key.hash == hash).and_then(caller_of);
        self.remember(hash, now, caller.as_ref());
        Ok(caller)
    }

    fn remember(&self, name: String, now: Time, caller: Option<&Caller>) {
        if let (Some(caller), Ok(mut cache)) = (caller, self.cache.lock()) {
            if cache.len() >= KEYS_CACHED_MAX {
                cache.clear();
            }
            cache.insert(name, (now, caller.clone()));
        }
    }

    /// Who a key's hash, or a token's key, was found to belong to a moment ago. The two have different lengths.
    fn remembered(&self, name: &str, now: Time) -> Option<Caller> {
        let cache = self.cache.lock().ok()?;
        let (since, caller) = cache.get(name)?;
        (now < since.plus(KEY_CACHE)).then(|| caller.clone())
    }

    /// Creates a merchant account.
    ///
    /// # Errors
    /// [`AccessError::Exists`], [`AccessError::Full`]; the store's.
    pub async fn create_merchant(&self, merchant: &MerchantAccount) -> Result<(), AccessError> {
        self.streams
            .change::<Directory, AccessError>(&directory_stream(), |directory| match directory {
                Some(directory) if directory.contains(merchant) => Err(AccessError::Exists),
                Some(directory) if directory.is_full() => Err(AccessError::Full),
                Some(_) | None => Ok(vec![DirectoryEvent::MerchantCreated { merchant: merchant.clone() }]),
            })
            .await?;
        Ok(())
    }

    /// All merchant accounts, and when each was created.
    ///
    /// # Errors
    /// The store's.
    pub async fn merchants(&self) -> Result<Vec<(MerchantAccount, Time)>, StoreError> {
        let directory = self.streams.load::<Directory>(&directory_stream(), None).await?;
        Ok(directory.map(|loaded| loaded.state.merchants).unwrap_or_default())
    }

    /// Whether there is a merchant account of that name.
    ///
    /// # Errors
    /// The store's.
    pub async fn has_merchant(&self, merchant: &MerchantAccount) -> Result<bool, StoreError> {
        Ok(self.merchants().await?.iter().any(|(known, _)| known == merchant))
    }

    /// Makes an API key and returns its text, which is not stored.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] for a merchant account that does not exist; [`AccessError::Full`]; the store's.
    pub async fn create_key(&self, key: &NewKey) -> Result<(SecretString, KeyEntry), AccessError> {
        let secret = BASE32_NOPAD.encode(&self.streams.entropy::<20>()).to_lowercase();
        let text = SecretString::from(format!("tender_{secret}"));
        let entry = self.install_key(&text, key).await?;
        Ok((text, entry))
    }

    /// Makes an API key of a text that is given; does nothing if it is a key already.
    ///
    /// The lists of its merchant accounts are written first: a crash in between leaves a key that is
    /// listed and does not work, never one that works and is not listed.
    ///
    /// # Errors
    /// As [`Access::create_key`].
    pub async fn install_key(&self, text: &SecretString, key: &NewKey) -> Result<KeyEntry, AccessError> {
        for merchant in &key.merchants {
            if !self.has_merchant(merchant).await? {
                return Err(AccessError::NotFound);
            }
        }
        let hash = key_hash(text);
        let id = key_id(&hash);
        let mut entry = Err(AccessError::NotFound);
        for merchant in &key.merchants {
            let ring = self
                .streams
                .change::<KeyRing, AccessError>(&ring_stream(merchant), |ring| match ring {
                    Some(ring) if ring.key(&id).is_some() => Ok(Vec::new()),
                    Some(ring) if ring.is_full() => Err(AccessError::Full),
                    Some(_) | None => Ok(vec![KeyRingEvent::KeyListed {
                        id: id.clone(),
                        description: key.description.clone(),
                        roles: key.roles.clone(),
                    }]),
                })
                .await?;
            entry = ring.as_ref().and_then(|ring| ring.key(&id)).cloned().ok_or(AccessError::NotFound);
        }
        let created =
            ApiKeyEvent::Created { hash: hash.clone(), merchants: key.merchants.clone(), roles: key.roles.clone() };
        match self.streams.append::<ApiKey>(&key_stream(&hash), None, &[created]).await {
            Ok(_) | Err(StoreError::Conflict) => entry,
            Err(error) => Err(error.into()),
        }
    }

    /// The API keys that may use a merchant account, revoked ones included.
    ///
    /// # Errors
    /// The store's.
    pub async fn keys(&self, merchant: &MerchantAccount) -> Result<Vec<KeyEntry>, StoreError> {
        let ring = self.streams.load::<KeyRing>(&ring_stream(merchant), None).await?;
        Ok(ring.map(|loaded| loaded.state.keys).unwrap_or_default())
    }

    /// Revokes an API key that may use `merchant`, for all the merchant accounts it may use. Other
    /// processes believe it for up to [`KEY_CACHE`]. Revoking it again changes nothing.
    ///
    /// # Errors
    /// [`AccessError::NotFound`]; the store's.
    pub async fn revoke_key(&self, merchant: &MerchantAccount, id: &str) -> Result<(), AccessError> {
        if !self.keys(merchant).await?.iter().any(|key| key.id == id) {
            return Err(AccessError::NotFound);
        }
        let stream = StreamId::shared("key", id);
        let key = self
            .streams
            .change::<ApiKey, AccessError>(&stream, |key| match key {
                Some(key) if !key.is_revoked => Ok(vec![ApiKeyEvent::Revoked]),
                Some(_) | None => Ok(Vec::new()),
            })
            .await?;
        if let Ok(mut cache) = self.cache.lock() {
            cache.clear();
        }
        let listed_by = key.map_or_else(|| vec![merchant.clone()], |key| key.merchants);
        for merchant in &listed_by {
            self.streams
                .change::<KeyRing, AccessError>(&ring_stream(merchant), |ring| {
                    let is_listed = ring.and_then(|ring| ring.key(id)).is_some_and(|key| key.revoked_at.is_none());
                    Ok(is_listed.then(|| KeyRingEvent::KeyRevoked { id: id.to_owned() }).into_iter().collect())
                })
                .await?;
        }
        Ok(())
    }
}

/// Who holds a key; nobody, if it was revoked.
fn caller_of(key: ApiKey) -> Option<Caller> {
    (!key.is_revoked).then_some(Caller::Key { merchants: key.merchants, roles: key.roles })
}

fn key_id(hash: &str) -> String {
    hash.chars().take(KEY_ID_CHARS).collect()
}

fn key_stream(hash: &str) -> StreamId {
    StreamId::shared("key", &key_id(hash))
}

fn directory_stream() -> StreamId {
    StreamId::shared("directory", "merchants")
}

fn ring_stream(merchant: &MerchantAccount) -> StreamId {
    StreamId::owned(merchant, "access", "keys")
}
