//! An order's story in few words, and the parcels it makes.

use app::{
    Details, OrderKey,
    ports::{Content, Parcel, SigningKeys},
};
use domain::{
    Action, Aggregate, MerchantAccount, Money, Order, Reference, Tally, Time, Version,
    order::{
        CancelReason, CartTerms, Change, ChangeId, CloseReason, Command, Decision, Entry, Finding, Format, KeyPrint,
        Leg, LegResult, LineAction, Method, MethodKind, Objection, Open, OperationKind, OrderEvent, OrderKind,
        PartnerId, Payer, Redirect, Reserve, Resolution, Session, changes, line::Sheet,
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
        session: None,
        cart: None,
        details: None,
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

/// What a merchant asked for, of one payment or of the whole order, and what it came to.
pub(crate) fn asked<const N: usize>(
    kind: OperationKind,
    target: Option<u16>,
    amount: Option<u64>,
    reference: Option<&str>,
    legs: [(u16, Action, u64); N],
) -> Commit {
    vec![OrderEvent::OperationRequested {
        legs: legs.map(|(payment, action, amount)| Leg::new(v(payment), action, amount)).into(),
        is_release: false,
        kind: Some(kind),
        target: target.map(v),
        reference: reference.map(str::to_owned),
        amount,
        details: None,
        is_deferred: true,
        is_automatic: false,
        of: None,
        lines: vec![],
        key: None,
    }]
}

/// What a merchant asked of one payment, without a name for it: what its leg does, and as much.
pub(crate) fn requested((payment, action, amount): (u16, Action, u64)) -> Commit {
    let kind = match action {
        Action::Capture => OperationKind::Capture,
        Action::Void => OperationKind::Void,
        Action::Refund => OperationKind::Refund,
        Action::Increase => OperationKind::AmountUpdate,
    };
    asked(kind, Some(payment), Some(amount), None, [(payment, action, amount)])
}

/// What a cancellation or a timeout asks for.
pub(crate) fn released<const N: usize>(legs: [(u16, Action, u64); N]) -> Commit {
    let mut commit = asked(OperationKind::Release, None, None, None, legs);
    for event in &mut commit {
        if let OrderEvent::OperationRequested { is_release, kind, is_deferred, .. } = event {
            (*is_release, *kind, *is_deferred) = (true, None, false);
        }
    }
    commit
}

/// What was taken and cannot be done.
pub(crate) fn refused(
    kind: OperationKind,
    target: Option<u16>,
    amount: Option<u64>,
    reference: Option<&str>,
    objection: Objection,
) -> Commit {
    let (target, reference) = (target.map(v), reference.map(str::to_owned));
    vec![OrderEvent::OperationRefused { kind, target, reference, amount, objection, explanation: None, key: None }]
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
    vec![OrderEvent::Closed { reason, capture_at: None, key: None }]
}

/// An order that goes on, with one line; what becomes of it: another line, a fact of somebody else's payment and one of
/// its own, its end, and its next beginning.
pub(crate) fn running() -> Vec<Change> {
    let here = |count, sum| Sheet { count, sum, here: Some(Vec::new()), beside: None };
    let recorded = |action, payer, entry: (u32, i64), is_success| OrderEvent::LinesRecorded {
        action,
        payer,
        entries: vec![Entry { line: entry.0, amount: entry.1, tax: 0 }],
        is_success,
        details: Some(format!("{{\"private\":\"{PRIVATE}\"}}")),
        key: None,
    };
    let mut begun = opened("EUR", 100);
    for event in &mut begun {
        if let OrderEvent::Opened { kind, cart, .. } = event {
            *kind = OrderKind::Running;
            let sheet = Some(here(1, 100));
            *cart = Some(Box::new(CartTerms { tax: 0, description: None, alias: None, sheet }));
        }
    }
    let revised = OrderEvent::Revised {
        amount: euros(150),
        tax: 0,
        description: None,
        sheet: Some(here(1, 150)),
        details: None,
        key: None,
    };
    let appended = OrderEvent::Appended { amount: euros(200), tax: 0, sheet: here(1, 50), details: None, key: None };
    story([
        begun,
        vec![revised],
        vec![appended],
        card(100, "payment-1"),
        authorised(3),
        vec![recorded(LineAction::Authorise, Payer::Own(v(3)), (1, 100), true)],
        vec![recorded(LineAction::Capture, Payer::Foreign("PID_1".into()), (2, 50), false)],
        vec![OrderEvent::Closed { reason: CloseReason::Concluded, capture_at: None, key: None }],
        vec![OrderEvent::Reopened { key: None }],
    ])
}

/// One commit of several's events.
pub(crate) fn together<const N: usize>(commits: [Commit; N]) -> Commit {
    commits.concat()
}

/// The changes of an order with these commits.
pub(crate) fn story(commits: impl IntoIterator<Item = Commit>) -> Vec<Change> {
    let mut order: Option<Order> = None;
    let mut told = Vec::new();
    for (commit, version) in commits.into_iter().zip(0_u16..) {
        let at = BEGINNING.plus(std::time::Duration::from_secs(version.into()));
        told.extend(changes(order.clone(), &commit, v(version), at));
        order = Order::evolve_all(order, &commit, v(version), at);
    }
    told
}

/// The changes of an order of that many cents, opened with these terms, of which one after the other this was asked,
/// and found. Each commit is what the rules make of it.
pub(crate) fn played(session: Option<Session>, cents: u64, asked: impl IntoIterator<Item = Command>) -> Vec<Change> {
    let open = Open {
        reference: "order-1".into(),
        amount: euros(cents),
        expires_at: None,
        token_key: 1,
        session,
        cart: None,
        details: None,
        key: None,
    };
    let opened = Order::open(&open, None, BEGINNING).unwrap();
    let mut order = Order::evolve_all(None, &opened, v(0), BEGINNING).unwrap();
    let mut told = changes(None, &opened, v(0), BEGINNING);
    for mut command in asked {
        if let Command::Reserve(Reserve { seen, .. }) = &mut command {
            *seen = order.version;
        }
        let version = order.version.next().unwrap();
        let at = BEGINNING.plus(std::time::Duration::from_secs(version.get().into()));
        let decision = order.decide(&command, at).unwrap_or_else(|refusal| panic!("{command:?}: {refusal}"));
        let Decision::Commit(events) = decision else { panic!("{command:?} changes nothing") };
        told.extend(changes(Some(order.clone()), &events, version, at));
        order = Order::evolve_all(Some(order), &events, version, at).unwrap();
    }
    told
}

pub(crate) fn euros(cents: u64) -> Money {
    Money::try_new("EUR".parse().unwrap(), cents).unwrap()
}

/// What a shopper asks: to pay a part.
pub(crate) fn pay(kind: MethodKind, cents: u64) -> Command {
    let (brand, last4, partner, reference) = match kind {
        MethodKind::Card => ("visa", Some("1111"), PartnerId::Sandbox, "payment-card"),
        MethodKind::GiftCard => ("givex", Some("0000"), PartnerId::Accounts, "payment-gift-card"),
        MethodKind::Ideal => ("ideal", None, PartnerId::Sandbox, "payment-ideal"),
        MethodKind::Credit => ("credit", None, PartnerId::Credit, "payment-credit"),
    };
    Command::Reserve(Reserve {
        seen: Version::FIRST,
        amount: euros(cents),
        reference: reference.into(),
        method: Method { kind, brand: brand.into(), last4: last4.map(str::to_owned) },
        partner,
        token: format!("token-{brand}"),
        act_by: None,
        key: None,
    })
}

/// What partners said, on payments and on legs.
pub(crate) fn found<const N: usize>(findings: [Finding; N]) -> Command {
    Command::Record { findings: findings.into(), key: None }
}

pub(crate) fn on_payment(payment: u16, resolution: Resolution) -> Finding {
    Finding::Payment { payment: v(payment), resolution }
}

pub(crate) fn on_leg(operation: u16, index: u16, result: LegResult) -> Finding {
    Finding::Leg { operation: v(operation), index, result }
}

/// What was told about the operations of a story.
pub(crate) fn details(story: &[Change]) -> Details {
    let told = story.iter().filter_map(|change| {
        let OrderEvent::OperationRequested { details, .. } = &change.event else { return None };
        Some((change.position.version, details.clone()?))
    });
    told.collect()
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
    /// What was told about the operations of the order.
    pub(crate) details: Details,
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
        let (id, details) = ("evt_test_we_1_0".into(), Details::new());
        Self { key: key(), endpoint, id, details, keys: (1, None), tries: 1, at: BEGINNING }
    }

    /// One whose clock shows the true time: receivers refuse old signatures.
    pub(crate) fn of_today(format: Format) -> Self {
        let mut desk = Self::new(format);
        desk.at = Time::from_unix_s(jiff::Timestamp::now().as_second().unsigned_abs());
        desk
    }

    /// One whose parcels go to `url`.
    pub(crate) fn to(url: &str) -> Self {
        Self::new(Format::Tender).with_url(url)
    }

    /// The same, with parcels that go to `url`.
    pub(crate) fn with_url(mut self, url: &str) -> Self {
        self.endpoint.url = url.into();
        self
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
        webhooks::format::body(&self.parcel(&id, change)).unwrap()
    }

    /// A parcel that tells of a change.
    pub(crate) fn parcel<'a>(&'a self, id: &'a str, change: &'a Change) -> Parcel<'a> {
        let content = Content::Change { key: &self.key, change, details: &self.details };
        Parcel { id, content, ..self.test() }
    }

    /// The body that tells of a change, read.
    #[track_caller]
    pub(crate) fn tell(&self, change: &Change) -> Value {
        serde_json::from_slice(&self.body(change)).unwrap()
    }
}
