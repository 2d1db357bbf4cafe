//! `orderData`: the shopper's view of an order, sealed.
//!
//! A token is base64url of a header, which can be read by anyone, and a sealed body. The header is the
//! associated data of the seal, so neither part can be changed or exchanged:
//!
//! | bytes | header |
//! |---|---|
//! | 1 | what it is: an order's token, a shopper's way back from a redirect, a card's number, a page's address, or what came of an initiation |
//! | 4 | the key's id |
//! | 16 | the merchant account: the first half of its SHA-256; nothing in a card's |
//! | 9 | the order; drawn at random in a card's |
//! | 2 | the version |
//!
//! The seal is AES-256-GCM-SIV. The nonce is made of the header (order, version, kind), so the token of a
//! version always has the same bytes; the mode is made to stay safe should a nonce ever come twice.

use std::{fmt, sync::Arc};

use aes_gcm_siv::{
    Aes256GcmSiv, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use data_encoding::BASE64URL_NOPAD;
use domain::{
    Currency, MerchantAccount, Money, Order, OrderId, Reference, Time, Version, credit::Proof, order::ShopperView,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::limits::{ORDER_DATA_CHARS_MAX, TOKEN_CHARS_MAX};

const HEADER_BYTES: usize = 32;
const SEAL_BYTES: usize = 16;
const KEY_PRINT_BYTES: usize = 8;
/// Digits of the longest card number (ISO/IEC 7812-1).
const CARD_CHARS_MAX: usize = 19;
/// The most bytes that a token's characters can carry.
const TOKEN_BYTES_MAX: usize = TOKEN_CHARS_MAX / 4 * 3;

/// Why a token is not taken. Each says what the caller can do about it, and nothing of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Cut short, or no token at all.
    #[error("it is cut short, or is not orderData of this API")]
    Malformed,
    /// Sealed with a key that is not (or no longer) in use.
    #[error("it was sealed with a key that is not in use any more")]
    UnknownKey,
    /// Altered, or made by somebody else.
    #[error("it was altered, or was not made here")]
    Forged,
    /// Genuine, of another order.
    #[error("it belongs to another order")]
    OtherOrder,
    /// Genuine, of another merchant account.
    #[error("it belongs to another merchant account")]
    OtherMerchant,
}

/// Why a card's token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CardTokenError {
    /// Cut short, altered, or made by somebody else.
    #[error("it is cut short, was altered, or was not made here")]
    Invalid,
    /// Genuine, and too old.
    #[error("it has expired; have a new one made")]
    Expired,
}

/// What a `scaToken` holds: for which customer, and for what, an authentication was initiated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// The merchant's name for the customer.
    pub customer: String,
    /// The authentication.
    pub challenge: Reference,
    /// What the customer is to spend.
    pub amount: Money,
    /// On which spend option, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option: Option<Uuid>,
    /// Until when it can be used.
    pub expires_at: Time,
    /// Whether the customer need not authenticate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_exempt: bool,
    /// Where the customer's browser goes from the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
}

impl Authentication {
    /// What it proves, as the rules want it.
    #[must_use]
    pub fn proof(&self) -> Proof {
        let Self { challenge, amount, expires_at, is_exempt, .. } = self;
        Proof { challenge: *challenge, amount: *amount, is_exempt: *is_exempt, expires_at: *expires_at }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Order = 1,
    Return = 2,
    Card = 3,
    Page = 4,
    Authentication = 5,
}

/// Seals and opens tokens.
#[derive(Clone)]
pub struct Tokens {
    /// The first seals what is new.
    keys: Arc<Vec<(u32, Aes256GcmSiv)>>,
    current: u32,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens under key {}", self.current)
    }
}

struct Header {
    bytes: [u8; HEADER_BYTES],
}

impl Header {
    fn new(kind: Kind, key: u32, merchant: &MerchantAccount, about: Reference) -> Self {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0] = kind as u8;
        bytes[1..5].copy_from_slice(&key.to_be_bytes());
        bytes[5..21].copy_from_slice(&merchant_print(merchant));
        bytes[21..30].copy_from_slice(&about.order().to_bytes());
        bytes[30..32].copy_from_slice(&about.version().get().to_be_bytes());
        Self { bytes }
    }

    /// Of something that no merchant account has yet.
    fn of_none(kind: Kind, key: u32, about: Reference) -> Self {
        let mut header = Self { bytes: [0; HEADER_BYTES] };
        header.bytes[0] = kind as u8;
        header.bytes[1..5].copy_from_slice(&key.to_be_bytes());
        header.bytes[21..30].copy_from_slice(&about.order().to_bytes());
        header.bytes[30..32].copy_from_slice(&about.version().get().to_be_bytes());
        header
    }

    fn key(&self) -> u32 {
        u32::from_be_bytes([self.bytes[1], self.bytes[2], self.bytes[3], self.bytes[4]])
    }

    fn version(&self) -> Option<Version> {
        Version::try_new(u16::from_be_bytes([self.bytes[30], self.bytes[31]]))
    }

    fn nonce(&self) -> Nonce {
        let mut nonce = [0; 12];
        nonce[..11].copy_from_slice(&self.bytes[21..32]);
        nonce[11] = self.bytes[0];
        nonce.into()
    }
}

fn merchant_print(merchant: &MerchantAccount) -> [u8; 16] {
    let mut print = [0; 16];
    print.copy_from_slice(&Sha256::digest(merchant.as_str().as_bytes())[..16]);
    print
}

impl Tokens {
    /// Tokens under these keys, of which the first seals what is new. `None` without a key.
    #[must_use]
    pub fn try_new(keys: &[(u32, [u8; 32])]) -> Option<Self> {
        let current = keys.first()?.0;
        let keys = keys.iter().map(|(id, key)| (*id, Aes256GcmSiv::new(&(*key).into()))).collect();
        Some(Self { keys: Arc::new(keys), current })
    }

    /// The key that seals the tokens of new orders.
    #[must_use]
    pub fn current(&self) -> u32 {
        self.current
    }

    /// The token of an order as it stands. The same state gives the same bytes.
    #[must_use]
    pub fn seal(&self, merchant: &MerchantAccount, id: OrderId, order: &Order) -> String {
        let view = order.view();
        let body = Body::of(&view).bytes;
        self.seal_with(view.token_key, Kind::Order, merchant, id.at(view.version), &body)
    }

    /// Opens the token of an order.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open(&self, merchant: &MerchantAccount, id: OrderId, token: &str) -> Result<ShopperView, TokenError> {
        let (header, body) = self.open_with(Kind::Order, token)?;
        if header.bytes[5..21] != merchant_print(merchant) {
            return Err(TokenError::OtherMerchant);
        }
        if header.bytes[21..30] != id.to_bytes() {
            return Err(TokenError::OtherOrder);
        }
        let version = header.version().ok_or(TokenError::Malformed)?;
        Body { bytes: body }.view(header.key(), version).ok_or(TokenError::Malformed)
    }

    /// A `redirectResult`: tells which payment a shopper comes back from, and nothing of its outcome.
    #[must_use]
    pub fn seal_return(&self, merchant: &MerchantAccount, payment: Reference) -> String {
        self.seal_name(self.current, Kind::Return, merchant, payment)
    }

    /// Opens a `redirectResult`.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open_return(&self, token: &str) -> Result<(MerchantAccount, Reference), TokenError> {
        self.open_name(Kind::Return, token)
    }

    /// The token of a page on which an order is paid: whoever has it may see the order, and pay it. Sealed with the
    /// order's own key, as its other tokens are, so that its page keeps its address when keys rotate.
    #[must_use]
    pub fn seal_page(&self, merchant: &MerchantAccount, order: OrderId, token_key: u32) -> String {
        self.seal_name(token_key, Kind::Page, merchant, order.reference())
    }

    /// Opens the token of a page.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open_page(&self, token: &str) -> Result<(MerchantAccount, OrderId), TokenError> {
        let (merchant, reference) = self.open_name(Kind::Page, token)?;
        Ok((merchant, reference.order()))
    }

    /// A token that names something, and tells nothing of it.
    fn seal_name(&self, key: u32, kind: Kind, merchant: &MerchantAccount, named: Reference) -> String {
        let body = [named.to_string().as_bytes(), merchant.as_str().as_bytes()].concat();
        self.seal_with(key, kind, merchant, named, &body)
    }

    fn open_name(&self, kind: Kind, token: &str) -> Result<(MerchantAccount, Reference), TokenError> {
        let (_, body) = self.open_with(kind, token)?;
        let text = std::str::from_utf8(&body).map_err(|_| TokenError::Malformed)?;
        let (named, merchant) =
            text.split_at_checked(domain::reference::REFERENCE_CHARS).ok_or(TokenError::Malformed)?;
        let named = named.parse().map_err(|_| TokenError::Malformed)?;
        let merchant = MerchantAccount::try_new(merchant).map_err(|_| TokenError::Malformed)?;
        Ok((merchant, named))
    }

    /// A `scaToken`: what was initiated, for whoever brings it back. Every one has an authentication of its own, so no
    /// two have the same nonce.
    #[must_use]
    pub fn seal_authentication(&self, merchant: &MerchantAccount, authentication: &Authentication) -> String {
        let body = serde_json::to_vec(&(merchant, authentication)).unwrap_or_default();
        self.seal_with(self.current, Kind::Authentication, merchant, authentication.challenge, &body)
    }

    /// Opens a `scaToken`. Whether it has expired is not looked at.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open_authentication(&self, token: &str) -> Result<(MerchantAccount, Authentication), TokenError> {
        let (_, body) = self.open_with(Kind::Authentication, token)?;
        serde_json::from_slice(&body).map_err(|_| TokenError::Malformed)
    }

    /// A card's number, to be opened until `expires_at` by whoever has the keys. `entropy` keeps two tokens of one
    /// number from being alike.
    #[must_use]
    pub fn seal_card(&self, number: &SecretString, expires_at: Time, entropy: [u8; 16]) -> String {
        let about = OrderId::from_entropy(entropy).reference();
        // Always as long, so that the token does not tell how many digits the number has.
        let number = number.expose_secret();
        let mut body = format!("{number:<CARD_CHARS_MAX$}").into_bytes();
        body.extend(expires_at.unix_ms().to_be_bytes());
        let Some((key, cipher)) = self.keys.first() else { return String::new() };
        seal(cipher, &Header::of_none(Kind::Card, *key, about), &body)
    }

    /// Opens a card's token.
    ///
    /// # Errors
    /// [`CardTokenError`].
    pub fn open_card(&self, token: &str, now: Time) -> Result<SecretString, CardTokenError> {
        let (_, body) = self.open_with(Kind::Card, token).map_err(|_| CardTokenError::Invalid)?;
        let (number, expires_at) = body.split_last_chunk::<8>().ok_or(CardTokenError::Invalid)?;
        if now >= Time::from_unix_ms(u64::from_be_bytes(*expires_at)) {
            return Err(CardTokenError::Expired);
        }
        let number = std::str::from_utf8(number).map_err(|_| CardTokenError::Invalid)?;
        Ok(number.trim_end().into())
    }

    /// Under the key of that id, or under the current one if there is no such key any more.
    fn seal_with(&self, key: u32, kind: Kind, merchant: &MerchantAccount, about: Reference, body: &[u8]) -> String {
        let Some((key, cipher)) = self.keys.iter().find(|(id, _)| *id == key).or(self.keys.first()) else {
            return String::new();
        };
        seal(cipher, &Header::new(kind, *key, merchant, about), body)
    }

    fn open_with(&self, kind: Kind, token: &str) -> Result<(Header, Vec<u8>), TokenError> {
        if token.len() > ORDER_DATA_CHARS_MAX {
            return Err(TokenError::Malformed);
        }
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).map_err(|_| TokenError::Malformed)?;
        let (header, sealed) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(TokenError::Malformed)?;
        if header[0] != kind as u8 || sealed.len() < SEAL_BYTES {
            return Err(TokenError::Malformed);
        }
        let header = Header { bytes: *header };
        let (_, cipher) = self.keys.iter().find(|(id, _)| *id == header.key()).ok_or(TokenError::UnknownKey)?;
        let body = cipher
            .decrypt(&header.nonce(), Payload { msg: sealed, aad: &header.bytes })
            .map_err(|_| TokenError::Forged)?;
        Ok((header, body))
    }
}

fn seal(cipher: &Aes256GcmSiv, header: &Header, body: &[u8]) -> String {
    // Sealing fails for bodies of many gigabytes only.
    let sealed = cipher.encrypt(&header.nonce(), Payload { msg: body, aad: &header.bytes }).unwrap_or_default();
    BASE64URL_NOPAD.encode(&[&header.bytes[..], &sealed].concat())
}

/// The body of an order's token: fixed fields, the merchant's reference, key prints. The key's id and the
/// version stand in the header.
struct Body {
    bytes: Vec<u8>,
}

const FLAG_OPEN: u8 = 1;
const FLAG_SINGLE: u8 = 2;
const FLAG_ALL_KEYS: u8 = 4;
const FLAG_SESSION: u8 = 8;

impl Body {
    fn of(view: &ShopperView) -> Self {
        let mut bytes = Vec::with_capacity(64 + view.reference.len() + view.keys.len() * KEY_PRINT_BYTES);
        // The flags come first and are set last, when it is known whether all keys fit.
        bytes.push(0);
        bytes.push(view.attempts);
        bytes.extend(view.unresolved.to_be_bytes());
        bytes.extend(view.amount.currency().code().as_bytes());
        bytes.extend(view.amount.minor().to_be_bytes());
        bytes.extend(view.remaining.to_be_bytes());
        bytes.extend(view.expires_at.unix_ms().to_be_bytes());
        // At most 80 characters of four bytes each: 320 bytes, so two for the length.
        bytes.extend(u16::try_from(view.reference.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend(view.reference.as_bytes());
        let room = TOKEN_BYTES_MAX.saturating_sub(HEADER_BYTES + SEAL_BYTES + bytes.len()) / KEY_PRINT_BYTES;
        let fitting = view.keys.iter().take(room);
        let has_all_keys = view.has_all_keys && view.keys.len() <= room;
        bytes.extend(fitting.flatten());
        let flags = [
            (view.is_open, FLAG_OPEN),
            (view.is_single, FLAG_SINGLE),
            (has_all_keys, FLAG_ALL_KEYS),
            (view.has_session, FLAG_SESSION),
        ];
        bytes[0] = flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum();
        Self { bytes }
    }

    fn view(self, token_key: u32, version: Version) -> Option<ShopperView> {
        let (fixed, rest) = self.bytes.split_first_chunk::<33>()?;
        let number = |from: usize| Some(u64::from_be_bytes(fixed.get(from..from + 8)?.try_into().ok()?));
        let currency = std::str::from_utf8(&fixed[4..7]).ok()?.parse::<Currency>().ok()?;
        let reference_bytes = usize::from(u16::from_be_bytes([fixed[31], fixed[32]]));
        let (reference, keys) = rest.split_at_checked(reference_bytes)?;
        let (keys, []) = keys.as_chunks::<KEY_PRINT_BYTES>() else { return None };
        Some(ShopperView {
            reference: String::from_utf8(reference.to_vec()).ok()?,
            amount: Money::try_new(currency, number(7)?).ok()?,
            remaining: number(15)?,
            expires_at: Time::from_unix_ms(number(23)?),
            version,
            is_open: fixed[0] & FLAG_OPEN != 0,
            is_single: fixed[0] & FLAG_SINGLE != 0,
            has_session: fixed[0] & FLAG_SESSION != 0,
            attempts: fixed[1],
            unresolved: u16::from_be_bytes([fixed[2], fixed[3]]),
            token_key,
            keys: keys.to_vec(),
            has_all_keys: fixed[0] & FLAG_ALL_KEYS != 0,
        })
    }
}
