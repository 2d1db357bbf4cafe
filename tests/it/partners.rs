//! What every partner has promised the driver: it can be asked again, and what it was asked about without
//! having seen it does not happen any more.

use std::{sync::Arc, time::Duration};

use app::{
    Instrument, Partner, Prints, Streams,
    ports::{Authorise, Lookup, Perform},
    system::OsRandom,
};
use domain::{
    Action, Money, OrderId, Reference, Version,
    order::{Decline, LegResult, Resolution},
    reference::LegReference,
};
use partners::{Accounts, Sandbox, accounts::NewGiftCard};
use tests::shop::{HandClock, test_merchant};

/// A partner with an instrument it approves.
struct Counter {
    partner: Box<dyn Partner>,
    instrument: Instrument,
    token: String,
    clock: Arc<HandClock>,
    _folder: tempfile::TempDir,
}

fn euro(minor: u64) -> Money {
    Money::try_new("EUR".parse().unwrap(), minor).unwrap()
}

fn payment(number: u16) -> Reference {
    OrderId::from_entropy([5; 16]).at(Version::try_new(number).unwrap())
}

fn leg(number: u16) -> LegReference {
    LegReference { operation: payment(100 + number), index: 0 }
}

impl Counter {
    async fn accounts() -> Self {
        Self::open(|streams| async move {
            let accounts = Accounts::new(streams, Prints::new([1; 32]));
            let card = NewGiftCard {
                brand: "givex".into(),
                balance: euro(1_000),
                number: Some("6036280000000000000".into()),
                code: Some("123".into()),
                key: None,
            };
            accounts.issue(&test_merchant(), card).await.unwrap();
            let (number, code) = ("6036280000000000000".into(), Some("123".into()));
            (Box::new(accounts) as Box<dyn Partner>, Instrument::GiftCard { brand: "givex".into(), number, code })
        })
        .await
    }

    async fn sandbox(number: &str) -> Self {
        let instrument = Instrument::Card { number: number.into() };
        Self::open(|streams| async move { (Box::new(Sandbox::new(streams)) as Box<dyn Partner>, instrument) }).await
    }

    async fn open<F: Future<Output = (Box<dyn Partner>, Instrument)>>(make: impl FnOnce(Streams) -> F) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = embedded::SqliteLog::open(&folder.path().join("tender.db")).unwrap();
        let clock = HandClock::new();
        let (partner, instrument) = make(Streams::new(Arc::new(log), clock.clone(), Arc::new(OsRandom))).await;
        let token = partner.describe(&test_merchant(), &instrument).token;
        Self { partner, instrument, token, clock, _folder: folder }
    }

    async fn authorise(&self, number: u16, minor: u64) -> Resolution {
        let request = Authorise {
            merchant: &test_merchant(),
            payment: payment(number),
            amount: euro(minor),
            instrument: &self.instrument,
            token: &self.token,
            return_url: "https://shop.example/",
        };
        self.partner.authorise(request).await
    }

    async fn lookup(&self, number: u16) -> Resolution {
        let request = Lookup { merchant: &test_merchant(), payment: payment(number), token: &self.token };
        self.partner.lookup(request).await
    }

    async fn perform(&self, number: u16, by: u16, action: Action, minor: u64) -> LegResult {
        let (merchant, amount) = (&test_merchant(), euro(minor));
        let request = Perform { merchant, payment: payment(number), token: &self.token, leg: leg(by), action, amount };
        self.partner.perform(request).await
    }
}

async fn counters() -> [Counter; 2] {
    [Counter::accounts().await, Counter::sandbox("4111111111111111").await]
}

#[tokio::test]
async fn an_authorisation_that_lands_after_it_was_declared_failed_is_refused() {
    for counter in counters().await {
        assert_eq!(counter.lookup(1).await, Resolution::Failed);
        assert_ne!(counter.authorise(1, 400).await, Resolution::Authorised);
        assert_eq!(counter.lookup(1).await, Resolution::Failed);
        assert_eq!(counter.authorise(2, 1_000).await, Resolution::Authorised, "nothing is held by the first");
    }
}

#[tokio::test]
async fn an_authorisation_that_lands_after_its_void_is_refused() {
    for counter in counters().await {
        assert_eq!(counter.perform(1, 1, Action::Void, 400).await, LegResult::Done);
        assert_ne!(counter.authorise(1, 400).await, Resolution::Authorised);
        assert_eq!(counter.authorise(2, 1_000).await, Resolution::Authorised);
    }
}

#[tokio::test]
async fn whatever_is_asked_twice_is_done_once() {
    for counter in counters().await {
        for _ in 0..2 {
            assert_eq!(counter.authorise(1, 1_000).await, Resolution::Authorised);
            assert_eq!(counter.lookup(1).await, Resolution::Authorised);
        }
        for (by, action, minor) in [(1, Action::Capture, 600), (2, Action::Void, 400), (3, Action::Refund, 600)] {
            for _ in 0..2 {
                assert_eq!(counter.perform(1, by, action, minor).await, LegResult::Done, "{action:?}");
            }
        }
        for (by, action) in [(11, Action::Capture), (12, Action::Void), (13, Action::Refund)] {
            let more = counter.perform(1, by, action, 1).await;
            assert_eq!(more, LegResult::Declined { reason: Decline::NotPermitted }, "{action:?}: nothing is left");
        }
    }
}

#[tokio::test]
async fn nothing_can_be_taken_of_what_was_never_authorised() {
    for counter in counters().await {
        for action in [Action::Capture, Action::Refund] {
            let result = counter.perform(1, 1, action, 1).await;
            assert_eq!(result, LegResult::Declined { reason: Decline::NotPermitted });
        }
    }
}

#[tokio::test]
async fn a_pending_payment_that_was_voided_is_never_approved() {
    let counter = Counter::sandbox("4000000000000077").await;
    assert_eq!(counter.authorise(1, 400).await, Resolution::Pending);
    assert_eq!(counter.perform(1, 1, Action::Void, 400).await, LegResult::Done);
    counter.clock.advance(Duration::from_secs(2));
    assert_ne!(counter.lookup(1).await, Resolution::Authorised);
}

#[tokio::test]
async fn a_lost_call_can_be_made_again_only_before_it_was_asked_about() {
    let counter = Counter::sandbox("4000000000000127").await;
    assert_eq!(counter.authorise(1, 400).await, Resolution::Uncertain);
    assert_eq!(counter.lookup(1).await, Resolution::Failed);
    assert_eq!(counter.lookup(1).await, Resolution::Failed);
}

#[tokio::test]
async fn a_partner_refuses_instruments_that_are_not_its_own() {
    let [mut accounts, mut sandbox] = counters().await;
    std::mem::swap(&mut accounts.instrument, &mut sandbox.instrument);
    for counter in [accounts, sandbox] {
        let described = counter.partner.describe(&test_merchant(), &counter.instrument);
        assert_eq!((described.token.as_str(), described.method.last4), ("", None), "nothing of it is kept");
        assert!(matches!(counter.authorise(1, 1).await, Resolution::Refused { .. }));
    }
}

/// A call may come twice: had the second one found what the first did not, money would be held for a payment
/// that everybody believes to be refused.
#[tokio::test]
async fn what_was_declined_is_declined_again_though_it_could_be_done_now() {
    let counter = Counter::accounts().await;
    assert_eq!(counter.authorise(1, 900).await, Resolution::Authorised);
    let refused = Resolution::Refused { reason: Decline::NotEnoughBalance };
    assert_eq!(counter.authorise(2, 400).await, refused);
    assert_eq!(counter.perform(1, 1, Action::Void, 900).await, LegResult::Done);
    assert_eq!(counter.authorise(2, 400).await, refused);
    assert_eq!(counter.lookup(2).await, refused);
    assert_eq!(counter.authorise(3, 1_000).await, Resolution::Authorised, "nothing is held");

    let declined = LegResult::Declined { reason: Decline::NotPermitted };
    for counter in counters().await {
        assert_eq!(counter.authorise(1, 500).await, Resolution::Authorised);
        assert_eq!(counter.perform(1, 1, Action::Refund, 300).await, declined, "nothing is captured yet");
        assert_eq!(counter.perform(1, 2, Action::Capture, 500).await, LegResult::Done);
        assert_eq!(counter.perform(1, 1, Action::Refund, 300).await, declined);
        assert_eq!(counter.perform(1, 3, Action::Refund, 500).await, LegResult::Done, "nothing was refunded");
    }
    let counter = Counter::sandbox("4000000000000077").await;
    assert_eq!(counter.authorise(1, 500).await, Resolution::Pending);
    assert_eq!(counter.perform(1, 1, Action::Capture, 500).await, declined);
    counter.clock.advance(Duration::from_secs(2));
    assert_eq!(counter.perform(1, 1, Action::Capture, 500).await, declined);
    assert_eq!(counter.perform(1, 2, Action::Capture, 500).await, LegResult::Done);
}
