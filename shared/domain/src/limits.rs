//! Every limit of the rules, by name. The limits of transport (body bytes and the like) are in `api`.

use std::time::Duration;

/// Attempts to pay that one order takes, refused ones included: a bound on the state's size, on the
/// token's size, and on trying stolen cards one after another.
pub const PAYMENTS_PER_ORDER_MAX: usize = 64;

/// Operations of one order: captures, voids, refunds and the like. The last quarter of them is kept for those that
/// give back.
pub const OPERATIONS_PER_ORDER_MAX: usize = 512;

/// What all operations of one order, and what has become of its lines, may take of a snapshot, in bytes: see
/// `Operation::weight` and `Cart::weight`. The last quarter is kept for those that give back.
/// Beside at most 64 payments (50 KB), 1,024 keys (50 KB), one operation's details
/// (24 KB) and a webhook of the order's own (10 KB) it must fit into the 400 KB of a DynamoDB item.
pub const OPERATIONS_BYTES_MAX: usize = 220 * 1_024;

/// Lines of one order, over its whole life: those that are taken back, and those that take them back, included. What
/// has become of them takes up to 140 bytes each of a snapshot (70 KB), typically 40.
pub const LINES_PER_ORDER_MAX: usize = 500;

/// How often lines may be added to one order.
pub const SHEETS_PER_ORDER_MAX: usize = 128;

/// Bytes of lines that an order keeps in its own log, over its whole life, as JSON. Lines beyond that are kept beside
/// it, so that reading the order, and its snapshots, do not grow with the cart.
pub const LINES_HERE_BYTES_MAX: usize = 2 * 1_024;

/// Bytes of lines that are given at once, as JSON: they are one item of the store.
pub const LINES_BYTES_MAX: usize = 256 * 1_024;

/// Bytes of a draft of an order, as JSON. A commit may hold it twice, as what happened and as a snapshot, beside the
/// keys of at most [`DRAFT_CHANGES_MAX`] requests (52 KB): all of it has to fit into the 400 KB of a DynamoDB item.
pub const DRAFT_BYTES_MAX: usize = 144 * 1_024;

/// How often one draft may be changed, tries to complete it included.
pub const DRAFT_CHANGES_MAX: u16 = 1_000;

/// The longest name that a merchant may give an order, in characters.
pub const ORDER_NAME_CHARS_MAX: usize = 64;

/// Payments of others that one order keeps facts of.
pub const FOREIGN_PAYMENTS_MAX: usize = 64;

/// The longest name of a payment of others, in characters.
pub const FOREIGN_PAYMENT_CHARS_MAX: usize = 64;

/// Operations in a row that may fail before a purchase takes no more (Swedbank: five consecutive failures).
pub const FAILURES_IN_A_ROW_MAX: usize = 5;

/// The longest description of a purchase, in characters (Swedbank: `description`, 40).
pub const DESCRIPTION_CHARS_MAX: usize = 40;

/// Bytes of what a merchant tells about one operation, or about a client session: it is kept in the commit. With
/// 32 commits read at a time, the answer stays within the 1 MB of a DynamoDB query.
pub const OPERATION_DETAILS_BYTES_MAX: u32 = 24 * 1_024;

/// Bytes of what a merchant tells about all operations of one order: all of it is shown with the order, in answers and
/// notifications that have to stay well within the 6 MB of a Lambda.
pub const DETAILS_PER_ORDER_BYTES_MAX: u32 = 512 * 1_024;

/// Entries of a list of priorities.
pub const PRIORITIES_MAX: usize = 32;

/// The longest name of a partner or a method in a list of priorities, in characters.
pub const PRIORITY_NAME_CHARS_MAX: usize = 64;

/// The longest time from an order's payment to its capture by itself. A card's authorisation rarely holds longer
/// (Adyen Checkout: `captureDelayHours`, maximum 672).
pub const CAPTURE_DELAY_MAX: Duration = Duration::from_secs(672 * 3_600);

/// Headers of an order's own webhook.
pub const OWN_HEADERS_MAX: usize = 8;

/// Values of one header of an order's own webhook.
pub const OWN_HEADER_VALUES_MAX: usize = 4;

/// The longest name or value of a header of an order's own webhook, in characters.
pub const OWN_HEADER_CHARS_MAX: usize = 256;

/// Commits of one stream: what the three version characters of a reference can name, 0 included.
pub const COMMITS_MAX: u16 = 32_767;

/// Commits kept back for outcomes: a stream this close to its end takes no new intent, so that each
/// intent already taken can still be concluded.
pub const COMMITS_RESERVE: u16 = 2_048;

/// Idempotency keys that one order remembers.
pub const KEYS_PER_ORDER_MAX: usize = 1_024;

/// The longest merchant's reference, in characters (Adyen Checkout: `reference`, maximum 80).
pub const REFERENCE_CHARS_MAX: usize = 80;

/// The largest amount, in minor units: fifteen digits, which every JSON reader holds exactly.
pub const AMOUNT_MINOR_MAX: u64 = 999_999_999_999_999;

/// How long an order lives if its opener does not say (Adyen Checkout: 24 hours).
pub const ORDER_LIFETIME_DEFAULT: Duration = Duration::from_secs(24 * 3_600);

/// The latest expiry an opener may ask for, counted from now.
pub const ORDER_LIFETIME_MAX: Duration = Duration::from_secs(365 * 24 * 3_600);

/// After this long without an outcome, whoever asked the partner to authorise is taken for dead, and
/// the partner is asked what became of it. Longer than any handler may run.
pub const AUTHORISE_DEADLINE: Duration = Duration::from_secs(60);

/// How long a shopper who has to act at a page may take, if the request does not say. A shop's checkout
/// page rarely lives longer, and what is held for a payment nobody finishes is money a shopper misses.
pub const SHOPPER_TIME_DEFAULT: Duration = Duration::from_secs(30 * 60);

/// How long to wait before asking a partner again about something it left open.
pub const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Movements (holds, settlements, releases, refunds) that one account remembers. Each costs about 105
/// bytes of a snapshot, and each hold about 70 more, or 250 with the terms that credit was spent on, which must stay
/// within the 400 KB of a DynamoDB item: where there is to be room for more, a spend of credit counts twice, and what is
/// held once more, since it is to be settled.
pub const MOVEMENTS_PER_ACCOUNT_MAX: usize = 2_560;

/// Movements kept back for what is done with money that is held: there is room for each hold to be settled, and given
/// back.
pub const MOVEMENTS_RESERVE: usize = 1_536;

/// How much of the room for new holds may be taken before old purchases on credit are forgotten, in movements.
pub const FORGOTTEN_FROM: usize = 512;

/// How long a purchase on credit is remembered, of which nothing is held any more, once there is little room. What of it
/// is outstanding stays so; it can be refunded no more.
pub const PURCHASE_MEMORY: Duration = Duration::from_secs(400 * 86_400);

/// Declined calls that one account, or one book of the sandbox, remembers: those that come twice come soon.
pub const DECLINED_REMEMBERED: usize = 64;

/// Commits of an account after which declined calls are not put on record any more: whoever knows a card's
/// number could else use up what its holds and captures need.
pub const DECLINED_COMMITS_MAX: u16 = 8_192;

/// Wrong security codes in a row after which a gift card takes no payment and tells no balance for
/// [`CODE_LOCK`]. After that, each further wrong one locks it again.
pub const WRONG_CODES_MAX: u8 = 10;

/// How long a gift card, or who authenticates as a customer, is locked after too many wrong codes.
pub const CODE_LOCK: Duration = Duration::from_secs(3_600);

/// The longest brand of a gift card, in characters. It is stored with each payment.
pub const BRAND_CHARS_MAX: usize = 40;

/// Webhook endpoints of one merchant account.
pub const ENDPOINTS_PER_MERCHANT_MAX: usize = 20;

/// The longest URL of a webhook endpoint, in characters.
pub const ENDPOINT_URL_CHARS_MAX: usize = 1_024;

/// How long the key that a rotation replaced goes on signing beside the new one.
pub const KEY_OVERLAP: Duration = Duration::from_secs(24 * 3_600);

/// How long one event is tried to be delivered (Adyen: 30 days).
pub const DELIVERY_TIME_MAX: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The longest wait that an endpoint's `Retry-After` is followed for.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(8 * 3_600);

/// Events of one order that wait to be sent to one endpoint again on request.
pub const AGAIN_PER_FEED_MAX: usize = 256;

/// Characters of an attempt's error that are kept.
pub const ATTEMPT_ERROR_CHARS_MAX: usize = 200;

/// Tries of an order's outstanding work in a row after which somebody should look at it. The tenth comes
/// about 19 minutes after the first.
pub const ATTENTION_AFTER_TRIES: u16 = 10;

/// Merchant accounts of one installation.
pub const MERCHANTS_MAX: usize = 1_000;

/// API keys of one merchant account. Of revoked ones the oldest is forgotten when there is no room.
pub const KEYS_PER_MERCHANT_MAX: usize = 256;

/// Merchant accounts that one API key may use.
pub const MERCHANTS_PER_KEY_MAX: usize = 16;

/// Months over which credit may be paid back.
pub const PLAN_MONTHS_MAX: u16 = 120;

/// Offers of one credit product. Each takes up to 1.5 KB of a snapshot, and a commit may hold one beside it: within the
/// 400 KB of a DynamoDB item.
pub const OFFERS_PER_PRODUCT_MAX: usize = 100;

/// The longest code of a credit product or an offer, in characters.
pub const CREDIT_CODE_CHARS_MAX: usize = 40;

/// The longest name or description of a credit product or an offer, in characters.
pub const CREDIT_TEXT_CHARS_MAX: usize = 200;

/// The longest name that a merchant has for a customer, in characters.
pub const CUSTOMER_CHARS_MAX: usize = 64;

/// Exemptions from authentication that a merchant account has: one for each currency.
pub const EXEMPTIONS_MAX: usize = 16;

/// How long a customer may take to authenticate, and the merchant then to authorise.
pub const CHALLENGE_TIME: Duration = Duration::from_secs(15 * 60);

/// How much longer than that is remembered what became of an authentication, since clocks differ.
pub const CHALLENGE_MEMORY: Duration = Duration::from_secs(5 * 60);

/// Authentications of one customer that are remembered at once; more are refused until the oldest is forgotten.
pub const CHALLENGES_REMEMBERED: usize = 64;

/// Wrong one-time codes in a row, of whichever authentications, after which a customer cannot authenticate for
/// [`CODE_LOCK`]; after that, each further wrong one locks it again (RTS on strong customer authentication, article 4: five
/// at most).
pub const WRONG_ONE_TIME_CODES_IN_A_ROW_MAX: u8 = 5;

/// Wrong one-time codes after which an authentication has failed.
pub const WRONG_ONE_TIME_CODES_MAX: u8 = 3;
