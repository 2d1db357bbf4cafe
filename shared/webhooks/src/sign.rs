//! Signatures: those of Standard Webhooks, and Adyen's.
//!
//! Every delivery carries both kinds, whatever its format: a receiver checks the one it has a library for.

use app::ports::{Parcel, SigningKeys};
use data_encoding::{BASE64, HEXUPPER};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The header with what the event is called on every try (Standard Webhooks).
pub const ID_HEADER: &str = "webhook-id";
/// The header with the time of the try, in seconds since the Unix epoch (Standard Webhooks).
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header with one signature for each key, separated by spaces (Standard Webhooks).
pub const SIGNATURE_HEADER: &str = "webhook-signature";
/// The header with Adyen's signature of the whole body.
pub const HMAC_HEADER: &str = "hmacsignature";

/// What an endpoint's owner is told of the key for Standard Webhooks: `whsec_` and base64.
#[must_use]
pub fn secret_text(keys: &SigningKeys) -> String {
    format!("whsec_{}", BASE64.encode(&keys.secret))
}

/// What an endpoint's owner is told of the key for Adyen's signatures: 64 hexadecimal digits.
#[must_use]
pub fn hmac_text(keys: &SigningKeys) -> String {
    HEXUPPER.encode(&keys.hmac)
}

/// The headers that sign `body`, which the parcel is sent with.
#[must_use]
pub fn headers(parcel: &Parcel<'_>, body: &[u8]) -> [(&'static str, String); 4] {
    let timestamp = parcel.at.unix_s().to_string();
    let signed = [parcel.id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    let keys = std::iter::once(&parcel.keys).chain(&parcel.previous_keys);
    let signatures = keys.map(|keys| format!("v1,{}", hmac(&keys.secret, &signed))).collect::<Vec<_>>();
    [
        (ID_HEADER, parcel.id.to_owned()),
        (TIMESTAMP_HEADER, timestamp),
        (SIGNATURE_HEADER, signatures.join(" ")),
        (HMAC_HEADER, hmac(adyen_key(parcel), &[body])),
    ]
}

/// Adyen's signature of one notification item, from the values of `pspReference`, `originalReference`,
/// `merchantAccountCode`, `merchantReference`, `amount.value`, `amount.currency`, `eventCode` and `success`.
/// What is absent is empty, and nothing is escaped.
#[must_use]
pub fn item(key: &[u8; 32], values: [&str; 8]) -> String {
    hmac(key, &[values.join(":").as_bytes()])
}

/// The key of Adyen's signatures, of which there is room for only one. While two keys are valid they take
/// turns, so that a receiver has a valid signature within two tries whichever of them it knows.
pub(crate) fn adyen_key<'p>(parcel: &'p Parcel<'_>) -> &'p [u8; 32] {
    match &parcel.previous_keys {
        Some(previous) if !parcel.tries.is_multiple_of(2) => &previous.hmac,
        Some(_) | None => &parcel.keys.hmac,
    }
}

/// HMAC-SHA256 of the concatenated parts, in base64.
fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> String {
    // A key of 32 bytes is always taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    for part in parts {
        mac.update(part);
    }
    BASE64.encode(&mac.finalize().into_bytes())
}
