//! The limits of transport, by name. The limits of the rules are in `domain::limits`.

/// The largest request body, in bytes. The longest field that a client may send, `paymentData`, has
/// 200,000 characters (Adyen Checkout).
pub const BODY_BYTES_MAX: usize = 256 * 1_024;

/// How long a request's body may take to arrive.
pub const BODY_TIME_MAX: std::time::Duration = std::time::Duration::from_secs(30);

/// The longest idempotency key, in characters (Adyen Checkout).
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 64;

/// The longest `orderData` that is read, in characters (Adyen Checkout). Ours are shorter.
pub const ORDER_DATA_CHARS_MAX: usize = 5_000;

/// The longest `orderData` that is made, in characters.
pub const TOKEN_CHARS_MAX: usize = 1_000;

/// The longest `returnUrl`, in characters (Adyen Checkout).
pub const RETURN_URL_CHARS_MAX: usize = 1_024;

/// The longest API key that is looked up, in characters.
pub const API_KEY_CHARS_MAX: usize = 256;

/// Characters of a caller's `User-Agent` that are kept.
pub const USER_AGENT_CHARS_MAX: usize = 256;

/// Fields of a form that are read.
pub const FORM_FIELDS_MAX: usize = 32;

/// The longest `client-session-id`, in characters.
pub const CLIENT_SESSION_CHARS_MAX: usize = 64;

/// The longest `scaToken` that is read, in characters. Ours are shorter.
pub const SCA_TOKEN_CHARS_MAX: usize = 2_000;

/// The longest `returnUrl` of an initiation, in characters: it is kept in the token, which stands in addresses.
pub const SCA_RETURN_URL_CHARS_MAX: usize = 512;
