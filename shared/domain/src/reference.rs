//! References that tell their order.
//!
//! A reference is 80 bits: 65 for the order, 15 for the version of the commit that created the thing.
//! Printed in Crockford's base32 that is 16 characters, the first 13 the order's and the last 3 the
//! version's, so a payment's or a refund's reference leads to its order without an index. The same 80
//! bits fit in the free bits of a version 8 UUID, for the API families that speak in UUIDs.

use std::{fmt, str::FromStr, sync::LazyLock};

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::limits::COMMITS_MAX;

/// Characters of a reference.
pub const REFERENCE_CHARS: usize = 16;
/// Characters of a reference that name the order.
pub const ORDER_CHARS: usize = 13;
const VERSION_BITS: u32 = 15;
const ORDER_BITS: u32 = 65;

/// Crockford's base32, read in any case, with the letters it takes for digits.
static CROCKFORD: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    specification.translate.from.push_str("abcdefghjkmnpqrstvwxyzoOiIlL");
    specification.translate.to.push_str("ABCDEFGHJKMNPQRSTVWXYZ001111");
    specification.encoding().ok()
});

/// The position of a commit in its stream: 0 opens it, each next one is one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(u16);

impl Version {
    /// The commit that begins a stream.
    pub const FIRST: Self = Self(0);

    /// A version, if a reference can name it.
    #[must_use]
    pub fn try_new(version: u16) -> Option<Self> {
        (version <= COMMITS_MAX).then_some(Self(version))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }

    /// The version after this one, if a reference can name it.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::try_new(self.0.saturating_add(1)).filter(|next| *next > self)
    }

    /// Whether so few versions are left that they are kept for outcomes.
    #[must_use]
    pub fn is_near_end(self) -> bool {
        self.0 >= COMMITS_MAX.saturating_sub(crate::limits::COMMITS_RESERVE)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The identity of an order: 65 bits, printed as 13 characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(u128);

impl OrderId {
    /// An order's identity from bytes that are random, or that were derived from a key; the 65 leading
    /// bits count.
    #[must_use]
    pub fn from_entropy(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes) >> (u128::BITS - ORDER_BITS))
    }

    /// The 65 bits, right-aligned in nine bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 9] {
        let mut bytes = [0; 9];
        bytes.copy_from_slice(&self.0.to_be_bytes()[7..]);
        bytes
    }

    /// The order's own reference.
    #[must_use]
    pub fn reference(self) -> Reference {
        self.at(Version::FIRST)
    }

    /// The reference of what was created by commit `version`.
    #[must_use]
    pub fn at(self, version: Version) -> Reference {
        Reference { order: self, version }
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printed = self.reference().to_string();
        f.write_str(&printed[..ORDER_CHARS])
    }
}

impl fmt::Debug for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The name of an order, or of anything a commit of an order created.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    order: OrderId,
    version: Version,
}

/// A text that is not a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a reference: {REFERENCE_CHARS} characters of Crockford base32, or its UUID")]
pub struct ReferenceError;

impl Reference {
    /// The order it leads to.
    #[must_use]
    pub fn order(self) -> OrderId {
        self.order
    }

    /// The version of the commit that created the thing; 0 for the order itself.
    #[must_use]
    pub fn version(self) -> Version {
        self.version
    }

    /// The same 80 bits as a version 8 UUID: 48 bits, the version, 12 bits, the variant, 20 bits, and
    /// 42 bits of zero.
    #[must_use]
    pub fn to_uuid(self) -> Uuid {
        let bits = self.bits();
        let custom = ((bits >> 32) << 80) | (((bits >> 20) & 0xFFF) << 64) | ((bits & 0xF_FFFF) << 42);
        Uuid::new_v8(custom.to_be_bytes())
    }

    /// Reads the UUID form back.
    ///
    /// # Errors
    /// [`ReferenceError`] for a UUID that [`Reference::to_uuid`] did not make.
    pub fn from_uuid(uuid: Uuid) -> Result<Self, ReferenceError> {
        let custom = uuid.as_u128();
        let bits = ((custom >> 80) << 32) | (((custom >> 64) & 0xFFF) << 20) | ((custom >> 42) & 0xF_FFFF);
        Some(Self::from_bits(bits)).filter(|reference| reference.to_uuid() == uuid).ok_or(ReferenceError)
    }

    fn bits(self) -> u128 {
        (self.order.0 << VERSION_BITS) | u128::from(self.version.0)
    }

    fn from_bits(bits: u128) -> Self {
        let version = u16::try_from(bits & u128::from(COMMITS_MAX)).unwrap_or_default();
        Self { order: OrderId(bits >> VERSION_BITS), version: Version(version) }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = &self.bits().to_be_bytes()[6..];
        let printed = CROCKFORD.as_ref().map(|alphabet| alphabet.encode(bytes)).unwrap_or_default();
        f.pad(&printed)
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads both forms: 16 characters of base32, or a UUID.
impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.len() != REFERENCE_CHARS {
            return Uuid::try_parse(text).map_err(|_| ReferenceError).and_then(Self::from_uuid);
        }
        let alphabet = CROCKFORD.as_ref().ok_or(ReferenceError)?;
        let decoded = alphabet.decode(text.as_bytes()).map_err(|_| ReferenceError)?;
        let mut bytes = [0; 16];
        bytes.get_mut(6..).filter(|tail| tail.len() == decoded.len()).ok_or(ReferenceError)?.copy_from_slice(&decoded);
        Ok(Self::from_bits(u128::from_be_bytes(bytes)))
    }
}

impl Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The name of one leg of an operation, and the idempotency key its partner gets: the operation's
/// reference and the leg's place in it, as in `7Q2M0V5D8RKTA004-0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegReference {
    /// The operation.
    pub operation: Reference,
    /// The leg's place in it.
    pub index: u16,
}

impl LegReference {
    /// A UUID: its operation's, with the leg's place, counted from 1, in the bits that are zero there. It is no
    /// reference's UUID.
    #[must_use]
    pub fn to_uuid(self) -> Uuid {
        let place = u128::from(self.index).saturating_add(1);
        Uuid::from_u128(self.operation.to_uuid().as_u128() | place)
    }
}

impl fmt::Display for LegReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.operation, self.index)
    }
}

impl FromStr for LegReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (operation, index) = text.split_once('-').ok_or(ReferenceError)?;
        Ok(Self { operation: operation.parse()?, index: index.parse().map_err(|_| ReferenceError)? })
    }
}

impl Serialize for LegReference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LegReference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
