//! What is counted while orders live.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use app::{Measure, Meter, ports::Work};
use local::Server;
use tests::shop::{On, Shop, card, order_key, payment, test_merchant};
use tokio::net::TcpListener;

/// A card whose payment is pending for two seconds, and then approved.
const PENDING_CARD: &str = "4000000000000077";

#[derive(Default)]
struct Recorder(Mutex<Vec<Measure>>);

impl Meter for Recorder {
    fn count(&self, measures: &[Measure]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(measures);
    }
}

impl Recorder {
    /// What was counted since it was last asked, sorted.
    fn take(&self) -> Vec<Measure> {
        let mut measures = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        measures.sort_unstable();
        measures
    }
}

/// A shop whose engine is counted.
async fn counted() -> (Shop, Arc<Recorder>) {
    let mut shop = Shop::open(On::Embedded).await;
    let recorder = Arc::new(Recorder::default());
    shop.engine = shop.engine.with_meter(Arc::clone(&recorder) as _);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    shop.url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(Server::on(listener, shop.engine.clone()).run(std::future::pending()));
    (shop, recorder)
}

const fn ended(partner: &'static str, outcome: &'static str) -> Measure {
    Measure::PaymentEnded { partner, outcome }
}

#[tokio::test]
async fn an_order_is_counted_when_it_opens_and_ends_and_each_payment_once() {
    let (shop, recorder) = counted().await;
    let opened = shop.open_order(10_000).await;
    assert_eq!(recorder.take(), [Measure::OrderOpened]);

    let part = shop.pay_gift_card(&opened.order(), 2_000).await;
    assert_eq!(recorder.take(), [ended("accounts", "authorised")]);
    let refused = shop.pay_card(&part.order(), 8_000, "4000000000000002").await;
    assert_eq!(recorder.take(), [ended("sandbox", "refused")]);
    shop.pay_card(&refused.order(), 8_000, "4111111111111111").await;
    assert_eq!(recorder.take(), [Measure::OrderClosed { outcome: "paid" }, ended("sandbox", "authorised")]);
}

#[tokio::test]
async fn a_repeated_request_is_counted_once() {
    let (shop, recorder) = counted().await;
    let opened = shop.open_order(10_000).await;
    let pay = payment(Some(&opened.order()), 2_000, card("4111111111111111"));
    for _ in 0..2 {
        assert_eq!(shop.post_keyed("/v72/payments", "once", &pay).await.status, 200);
    }
    assert_eq!(recorder.take(), [Measure::OrderOpened, ended("sandbox", "authorised")]);
}

#[tokio::test]
async fn what_is_under_way_for_long_is_told_with_its_age() {
    let (shop, recorder) = counted().await;
    let opened = shop.open_order(10_000).await;
    shop.pay_card(&opened.order(), 2_000, PENDING_CARD).await;
    recorder.take();
    let key = order_key(&opened.order());
    let look = Work { merchant: test_merchant(), order: key.id.reference(), tries: 0 };

    shop.clock.advance(Duration::from_millis(1_500));
    shop.engine.app.work(&look).await.unwrap();
    assert_eq!(recorder.take(), [Measure::Uncertain { age: Duration::from_millis(1_500) }]);
    shop.clock.advance(Duration::from_secs(2));
    shop.engine.app.work(&look).await.unwrap();
    assert_eq!(recorder.take(), [ended("sandbox", "authorised")], "and then it is known");
}

#[tokio::test]
async fn a_shopper_who_takes_time_is_no_uncertainty() {
    let (shop, recorder) = counted().await;
    let opened = shop.open_order(10_000).await;
    let body = payment(Some(&opened.order()), 2_000, card("4000000000003220"));
    shop.post("/v72/payments", &body).await;
    recorder.take();
    shop.clock.advance(Duration::from_secs(60));
    let look = Work { merchant: test_merchant(), order: order_key(&opened.order()).id.reference(), tries: 0 };
    shop.engine.app.work(&look).await.unwrap();
    assert_eq!(recorder.take(), []);
}
