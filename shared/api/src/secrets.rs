//! The installation's secrets, as one JSON document: kept in the data folder on one machine, in a secrets
//! store on AWS.

use app::{Prints, Random};
use data_encoding::BASE64;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Tokens;

/// The installation's secrets.
///
/// ```json
/// { "fingerprintKey": "<base64 of 32 bytes>",
///   "tokenKeys": [ { "id": 2, "key": "<base64 of 32 bytes>" }, { "id": 1, "key": "…" } ],
///   "operatorKeyHash": "<SHA-256 of the operator's key, in hex>" }
/// ```
///
/// The first token key seals new orders' tokens; the others still open, and still seal the tokens of the
/// orders opened under them. To rotate, put a new key first; drop an old one when the orders opened under
/// it have expired. The fingerprint key never changes: gift cards and idempotency keys are found by it.
///
/// Where secrets are drawn by what can draw but letters and digits, as CloudFormation does, they are one text that
/// all keys are derived from, of [`SEED_CHARS_MIN`] characters at least:
///
/// ```json
/// { "seed": "<random letters and digits>" }
/// ```
///
/// Its token key has the id 1 and comes last: `tokenKeys` beside it rotate as above.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Secrets {
    #[serde(default)]
    seed: Option<SecretString>,
    #[serde(default)]
    fingerprint_key: Option<SecretString>,
    #[serde(default)]
    token_keys: Vec<TokenKey>,
    #[serde(default)]
    operator_key_hash: Option<String>,
}

/// The shortest seed, in characters: so many random letters and digits hold 256 bits.
pub const SEED_CHARS_MIN: usize = 43;

/// The id of the token key that is derived from the seed.
const SEED_KEY_ID: u32 = 1;

#[derive(Clone, Deserialize)]
struct TokenKey {
    id: u32,
    key: SecretString,
}

/// Why secrets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// Not the JSON document described at [`Secrets`]. What stands there instead may be a secret: it is not told.
    #[error("the secrets are not the JSON document they should be, as line {line}, column {column} shows")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column in it, from 1.
        column: usize,
    },
    /// A key is not 32 bytes of base64.
    #[error("the secrets hold a {0} that is not 32 bytes of base64")]
    Key(&'static str),
    /// Two token keys have one id.
    #[error("the secrets hold two token keys of id {0}")]
    SameId(u32),
    /// There is no token key.
    #[error("the secrets hold no token key")]
    NoTokenKey,
    /// There is neither a seed nor a fingerprint key.
    #[error("the secrets hold neither a seed nor a fingerprint key")]
    NoFingerprintKey,
    /// The seed is too short.
    #[error("the secrets hold a seed of fewer than {SEED_CHARS_MIN} characters")]
    SeedTooShort,
}

impl Secrets {
    /// Reads the JSON document.
    ///
    /// # Errors
    /// [`SecretsError::Json`].
    pub fn from_json(json: &str) -> Result<Self, SecretsError> {
        serde_json::from_str(json).map_err(|error| SecretsError::Json { line: error.line(), column: error.column() })
    }

    /// Draws a new document: a fingerprint key, one token key, and the hash of the operator's key.
    #[must_use]
    pub fn draw(random: &dyn Random, operator_key_hash: Option<&str>) -> String {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Drawn<'a> {
            fingerprint_key: String,
            token_keys: [DrawnKey; 1],
            operator_key_hash: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct DrawnKey {
            id: u32,
            key: String,
        }
        let draw = || {
            let mut bytes = [0; 32];
            random.fill(&mut bytes);
            BASE64.encode(&bytes)
        };
        let drawn = Drawn { fingerprint_key: draw(), token_keys: [DrawnKey { id: 1, key: draw() }], operator_key_hash };
        serde_json::to_string_pretty(&drawn).unwrap_or_default()
    }

    /// The keyed fingerprints.
    ///
    /// # Errors
    /// [`SecretsError::Key`], [`SecretsError::NoFingerprintKey`], [`SecretsError::SeedTooShort`].
    pub fn prints(&self) -> Result<Prints, SecretsError> {
        let given = self.fingerprint_key.as_ref().map(|given| key(given, "fingerprint key")).transpose()?;
        let made = given.map_or_else(|| self.derived("fingerprint key"), |given| Ok(Some(given)))?;
        Ok(Prints::new(made.ok_or(SecretsError::NoFingerprintKey)?))
    }

    /// A key made from the seed, if there is one: for one purpose, and of no use for finding the others.
    fn derived(&self, purpose: &str) -> Result<Option<[u8; 32]>, SecretsError> {
        let Some(seed) = &self.seed else { return Ok(None) };
        let seed = seed.expose_secret();
        if seed.chars().count() < SEED_CHARS_MIN {
            return Err(SecretsError::SeedTooShort);
        }
        Ok(Some(Prints::new(Sha256::digest(seed).into()).print(purpose, &[])))
    }

    /// The tokens' keys.
    ///
    /// # Errors
    /// [`SecretsError::Key`], [`SecretsError::SameId`], [`SecretsError::NoTokenKey`], [`SecretsError::SeedTooShort`].
    pub fn tokens(&self) -> Result<Tokens, SecretsError> {
        let given = self.token_keys.iter().map(|entry| Ok((entry.id, key(&entry.key, "token key")?)));
        let derived = self.derived("token key")?.map(|key| Ok((SEED_KEY_ID, key)));
        let keys = given.chain(derived).collect::<Result<Vec<_>, SecretsError>>()?;
        for (place, (id, _)) in keys.iter().enumerate() {
            if keys[..place].iter().any(|(other, _)| other == id) {
                return Err(SecretsError::SameId(*id));
            }
        }
        Tokens::try_new(&keys).ok_or(SecretsError::NoTokenKey)
    }

    /// The same, with another operator's key.
    #[must_use]
    pub fn with_operator(self, key_hash: &str) -> Self {
        Self { operator_key_hash: Some(key_hash.to_owned()), ..self }
    }

    /// SHA-256 of the operator's key, in hex.
    #[must_use]
    pub fn operator_key_hash(&self) -> Option<String> {
        self.operator_key_hash.clone()
    }
}

fn key(text: &SecretString, name: &'static str) -> Result<[u8; 32], SecretsError> {
    BASE64
        .decode(text.expose_secret().as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(SecretsError::Key(name))
}
