//! Keyed fingerprints: what is stored in place of texts that must not be stored, or are too long.

use std::fmt;

use domain::{MerchantAccount, OrderId, order::KeyPrint};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretBox};
use sha2::Sha256;
use std::sync::Arc;

/// HMAC-SHA256 under a key of the installation's, each purpose apart from the others. The key is never
/// changed: prints made with another would not be found again.
#[derive(Clone)]
pub struct Prints(Arc<SecretBox<[u8; 32]>>);

impl fmt::Debug for Prints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prints")
    }
}

impl Prints {
    /// Fingerprints under `key`.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(Arc::new(SecretBox::new(Box::new(key))))
    }

    /// The fingerprint of `parts` for one purpose. Parts are told apart: `["ab", "c"]` is not `["a", "bc"]`.
    #[must_use]
    pub fn print(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        self.mac(purpose, parts).map_or([0; 32], |mac| mac.finalize().into_bytes().into())
    }

    /// The code of `parts` before it is finished. A key of 32 bytes is always taken.
    fn mac(&self, purpose: &str, parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
        let key: &[u8; 32] = self.0.expose_secret();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
        for part in std::iter::once(&purpose.as_bytes()).chain(parts) {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        Some(mac)
    }

    /// Whether `print` is the fingerprint of `parts`; how long it takes does not tell how much of it fits.
    #[must_use]
    pub fn is_print(&self, purpose: &str, parts: &[&[u8]], print: &[u8]) -> bool {
        self.mac(purpose, parts).is_some_and(|mac| mac.verify_slice(print).is_ok())
    }

    /// Eight bytes of a fingerprint.
    #[must_use]
    pub fn short(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 8] {
        let mut short = [0; 8];
        short.copy_from_slice(&self.print(purpose, parts)[..8]);
        short
    }

    /// The fingerprints of an idempotency key and of the request it came with.
    #[must_use]
    pub fn key(&self, merchant: &MerchantAccount, key: &str, request: &[u8]) -> KeyPrint {
        let merchant = merchant.as_str().as_bytes();
        KeyPrint {
            key: self.short("idempotency-key", &[merchant, key.as_bytes()]),
            request: self.short("request", &[request]),
        }
    }

    /// The identity of the order of a name that the merchant has given it.
    #[must_use]
    pub(crate) fn alias(&self, merchant: &MerchantAccount, alias: &str) -> OrderId {
        let mut entropy = [0; 16];
        let print = self.print("order-alias", &[merchant.as_str().as_bytes(), alias.as_bytes()]);
        entropy.copy_from_slice(&print[..16]);
        OrderId::from_entropy(entropy)
    }

    /// The identity of the order that a keyed request opens: the same for the same key, so that a
    /// repeated request finds the order its first try opened. `attempt` gives another, for the one time
    /// in four billion orders that an identity is taken.
    #[must_use]
    pub(crate) fn order_id(&self, merchant: &MerchantAccount, key: KeyPrint, attempt: u8) -> OrderId {
        let mut entropy = [0; 16];
        let print = self.print("order", &[merchant.as_str().as_bytes(), &key.key, &[attempt]]);
        entropy.copy_from_slice(&print[..16]);
        OrderId::from_entropy(entropy)
    }
}
