//! An order's story in few words, and the parcels it makes.

use app::{
    OrderKey,
    ports::{Content, Parcel, SigningKeys},
};
use domain::{
    Action, Aggregate, MerchantAccount, Money, Order, Reference, Tally, Time, Version,
    order::{
        CancelReason, Change, ChangeId, CloseReason, Format, KeyPrint, Leg, LegResult, Method, MethodKind, OrderEvent,
        OrderKind, PartnerId, Redirect, Resolution, changes,
    },
    webhook::Endpoint,
};
use serde_json::{Value, json};

/// When the first commit of a story was made: 2026-01-31T12:00:00Z. Each next one is a second later.
pub(crate) const BEGINNING: Time = Time::from_unix_s(1_769_860_800);

/// The story's order; what commit n made has n at its end.
pub(crate) const ORDER: &str = "7Q2M0V5D8RKTA000";

/// A secret, so that no body may hold it.
pub(crate) const PRIVATE: &str = "tok_private";

/// The events of one commit.
pub(crate) type Commit = Vec<OrderEvent>;

pub(crate) fn v(version: u16) -> Version {
    Version::try_new(version).unwrap()
}

pub(crate) fn key() -> OrderKey {
    OrderKey { merchant: MerchantAccount::try_new("TestMerchant").unwrap(), id: reference(ORDER).order() }
}

pub(crate) fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

pub(crate) fn uuid(text: &str) -> String {
    reference(text).to_uuid().to_string()
}

// What was committed.

pub(crate) fn opened(currency: &str, minor: u64) -> Commit {
    vec![OrderEvent::Opened {
        reference: "order-1".into(),
        amount: Money::try_new(currency.parse().unwrap(), minor).unwrap(),
        expires_at: BEGINNING.plus(std::time::Duration::from_secs(24 * 3_600)),
        kind: OrderKind::Parts,
        token_key: 1,
        key: Some(KeyPrint { key: [7; 8], request: [8; 8] }),
    }]
}

pub(crate) fn reserved(kind: MethodKind, brand: &str, last4: Option<&str>, minor: u64, reference: &str) -> Commit {
    vec![OrderEvent::PaymentReserved {
        amount: minor,
        reference: reference.into(),
        method: Method { kind, brand: brand.into(), last4: last4.map(str::to_owned) },
        partner: PartnerId::Sandbox,
        token: PRIVATE.into(),
        act_by: None,
        key: None,
    }]
}

pub(crate) fn gift_card(minor: u64, reference: &str) -> Commit {
    reserved(MethodKind::GiftCard, "givex", Some("0000"), minor, reference)
}

pub(crate) fn card(minor: u64, reference: &str) -> Commit {
    reserved(MethodKind::Card, "visa", Some("1111"), minor, reference)
}

pub(crate) fn ideal(minor: u64, reference: &str) -> Commit {
    reserved(MethodKind::Ideal, "ideal", None, minor, reference)
}

pub(crate) fn resolved(payment: u16, resolution: Resolution) -> Commit {
    vec![OrderEvent::PaymentResolved { payment: v(payment), resolution }]
}

pub(crate) fn authorised(payment: u16) -> Commit {
    resolved(payment, Resolution::Authorised)
}

pub(crate) fn awaiting_shopper(payment: u16) -> Commit {
    let redirect = Redirect { url: format!("https://bank.example/{PRIVATE}") };
    resolved(payment, Resolution::AwaitingShopper { redirect })
}

pub(crate) fn timed_out(payment: u16) -> Commit {
    vec![OrderEvent::ShopperTimedOut { payment: v(payment) }]
}

pub(crate) fn requested<const N: usize>(legs: [(u16, Action, u64); N]) -> Commit {
    let leg = |(payment, action, amount)| Leg {
        payment: v(payment),
        action,
        amount,
        result: None,
        resolved_at: Time::default(),
    };
    vec![OrderEvent::OperationRequested { legs: legs.map(leg).into(), is_release: false, key: None }]
}

pub(crate) fn leg_resolved(operation: u16, leg: u16, result: LegResult) -> Commit {
    vec![OrderEvent::LegResolved { operation: v(operation), leg, result }]
}

pub(crate) fn done(operation: u16, leg: u16) -> Commit {
    leg_resolved(operation, leg, LegResult::Done)
}

pub(crate) fn cancellation(reason: CancelReason) -> Commit {
    vec![OrderEvent::CancellationRequested { reason, key: None }]
}

pub(crate) fn closed(reason: CloseReason) -> Commit {
    vec![OrderEvent::Closed { reason }]
}

/// One commit of several's events.
pub(crate) fn together<const N: usize>(commits: [Commit; N]) -> Commit {
    commits.concat()
}

/// The changes of an order with these commits.
pub(crate) fn story<const N: usize>(commits: [Commit; N]) -> Vec<Change> {
    let mut order: Option<Order> = None;
    let mut told = Vec::new();
    for (commit, version) in commits.iter().zip(0_u16..) {
        let at = BEGINNING.plus(std::time::Duration::from_secs(version.into()));
        told.extend(changes(order.clone(), commit, v(version), at));
        order = Order::evolve_all(order, commit, v(version), at);
    }
    told
}

/// The books of a payment after a change, to see that a story is a possible one.
pub(crate) fn books(change: &Change, payment: u16) -> Tally {
    change.order.payment(v(payment)).unwrap().tally
}

/// The change that one commit made, if that was one.
#[track_caller]
pub(crate) fn at(story: &[Change], version: u16, index: u16) -> &Change {
    story.iter().find(|change| (change.position.version, change.position.index) == (v(version), index)).unwrap()
}

// What is sent.

/// Everything that a parcel borrows.
pub(crate) struct Desk {
    key: OrderKey,
    endpoint: Endpoint,
    id: String,
    /// Keys of these bytes: the present ones, and the ones before.
    pub(crate) keys: (u8, Option<u8>),
    pub(crate) tries: u16,
    pub(crate) at: Time,
}

pub(crate) fn keys(byte: u8) -> SigningKeys {
    SigningKeys { secret: [byte; 32], hmac: [byte.wrapping_add(100); 32] }
}

impl Desk {
    pub(crate) fn new(format: Format) -> Self {
        // From its JSON, so that a field more of an endpoint is no matter here.
        let endpoint = json!({
            "id": "we_1",
            "url": "https://shop.example/webhooks",
            "format": format,
            "created_at": BEGINNING,
            "generation": 0,
        });
        let endpoint = serde_json::from_value(endpoint).unwrap();
        Self { key: key(), endpoint, id: "evt_test_we_1_0".into(), keys: (1, None), tries: 1, at: BEGINNING }
    }

    /// One whose clock shows the true time: receivers refuse old signatures.
    pub(crate) fn of_today(format: Format) -> Self {
        let mut desk = Self::new(format);
        desk.at = Time::from_unix_s(jiff::Timestamp::now().as_second().unsigned_abs());
        desk
    }

    /// One whose parcels go to `url`.
    pub(crate) fn to(url: &str) -> Self {
        let mut desk = Self::new(Format::Tender);
        desk.endpoint.url = url.into();
        desk
    }

    pub(crate) fn merchant(&self) -> MerchantAccount {
        self.key.merchant.clone()
    }

    /// A parcel with a test.
    pub(crate) fn test(&self) -> Parcel<'_> {
        Parcel {
            merchant: &self.key.merchant,
            endpoint: &self.endpoint,
            id: &self.id,
            content: Content::Test,
            keys: keys(self.keys.0),
            previous_keys: self.keys.1.map(keys),
            tries: self.tries,
            at: self.at,
        }
    }

    /// The body that tells of a change.
    #[track_caller]
    pub(crate) fn body(&self, change: &Change) -> Vec<u8> {
        let id = ChangeId { order: self.key.id, position: change.position }.to_string();
        let content = Content::Change { key: &self.key, change };
        webhooks::format::body(&Parcel { id: &id, content, ..self.test() }).unwrap()
    }

    /// The body that tells of a change, read.
    #[track_caller]
    pub(crate) fn tell(&self, change: &Change) -> Value {
        serde_json::from_slice(&self.body(change)).unwrap()
    }
}
