//! Names that callers choose.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The longest merchant account name, in bytes.
pub const MERCHANT_ACCOUNT_BYTES_MAX: usize = 80;

/// A merchant account's name, as it stands in `merchantAccount`: 1 to 80 ASCII letters, digits, `_`, `-`
/// or `.`, so that it can be a path segment and part of a key without escaping.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MerchantAccount(String);

/// A merchant account name that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("1 to {MERCHANT_ACCOUNT_BYTES_MAX} letters, digits, '_', '-' or '.', beginning with a letter or digit")]
pub struct InvalidName;

impl MerchantAccount {
    /// Checks a name.
    ///
    /// # Errors
    /// [`InvalidName`] if it is empty, too long, or has other characters.
    pub fn try_new(name: impl Into<String>) -> Result<Self, InvalidName> {
        let name = name.into();
        let fits = name.len() <= MERCHANT_ACCOUNT_BYTES_MAX
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        if fits { Ok(Self(name)) } else { Err(InvalidName) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands for it in API families that name a merchant by a UUID: made from the name, so that it is stored
    /// nowhere.
    #[must_use]
    pub fn entity_id(&self) -> Uuid {
        Uuid::new_v5(&ENTITY_NAMESPACE, self.0.as_bytes())
    }
}

/// The namespace of merchant accounts' UUIDs (RFC 9562, 5.5): drawn once, and never changed.
const ENTITY_NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_5a52_9c0e_4b7b_8f3a_51d3_c0a8_7e24);

impl fmt::Display for MerchantAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for MerchantAccount {
    type Error = InvalidName;

    fn try_from(name: String) -> Result<Self, InvalidName> {
        Self::try_new(name)
    }
}

impl From<MerchantAccount> for String {
    fn from(name: MerchantAccount) -> Self {
        name.0
    }
}
