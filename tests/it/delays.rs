//! How soon things are told, on a running engine and by the machine's own clock.

use std::{io::Write, path::Path, time::Duration};

use app::{ports::Clock, system::SystemClock};
use domain::{
    Order, Time,
    order::{ChangeId, Position},
};
use local::{Options, Prepared};
use reqwest::Client;
use serde_json::{Value, json};
use tests::{
    receiver::{Behaviour, Received, Receiver},
    shop::{API_KEY, card, gift_card, order_of, payment},
};

/// An engine that runs until the test ends.
struct Engine {
    url: String,
    engine: api::Engine,
}

impl Engine {
    async fn start(data: &Path) -> Self {
        let data = data.to_owned();
        let options = Options { port: 0, data, public_url: None, api_key: Some(API_KEY.into()), operator_key: None };
        let prepared: Prepared = local::prepare(&options).await.unwrap();
        let (url, engine) = (format!("http://{}", prepared.address), prepared.engine.clone());
        tokio::spawn(prepared.run(std::future::pending()));
        Self { url, engine }
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = Client::new().post(format!("{}{path}", self.url)).header("X-API-Key", API_KEY);
        request.json(body).send().await.unwrap().json().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let request = Client::new().get(format!("{}{path}", self.url)).header("X-API-Key", API_KEY);
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn tell(&self, receiver: &Receiver) -> Value {
        let body = json!({ "merchantAccount": local::TEST_MERCHANT, "url": receiver.url, "format": "checkout" });
        self.post("/admin/v1/webhooks", &body).await
    }

    /// Opens an order and pays it with a gift card and a card: four events.
    async fn pay(&self) {
        let opened = self.post("/v72/orders", &order_of(1_000)).await;
        let first = self.post("/v72/payments", &payment(Some(&opened), 10, gift_card())).await;
        let rest = payment(Some(&first["order"]), 990, card("4111111111111111"));
        assert_eq!(self.post("/v72/payments", &rest).await["resultCode"], "Authorised");
    }

    /// When what is told was committed.
    async fn committed(&self, received: &Received) -> Time {
        let told = received.item();
        let event = told["additionalData"]["tender.eventId"].as_str().unwrap().parse::<ChangeId>().unwrap();
        let merchant = domain::MerchantAccount::try_new(local::TEST_MERCHANT).unwrap();
        let stream = app::StreamId::order(&merchant, event.order);
        let Position { version, .. } = event.position;
        let history = self.engine.app.streams.history::<Order>(&stream, version).await.unwrap();
        history.steps.iter().find(|step| step.version == version).unwrap().at
    }
}

/// A thousand events flow to both; the one that hangs has all of its deliveries waiting meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_hangs_delays_no_other() {
    const ORDERS: usize = 250;
    const EVENTS: usize = 4 * ORDERS;
    let data = tempfile::tempdir().unwrap();
    let engine = Engine::start(data.path()).await;
    let hangs = Receiver::start_as(Behaviour::Hang).await;
    let answers = Receiver::start().await;
    engine.tell(&hangs).await;
    engine.tell(&answers).await;
    let shoppers = (0..2).map(|_| async {
        for _ in 0..ORDERS / 2 {
            engine.pay().await;
        }
    });
    futures_util::future::join_all(shoppers).await;
    let received = answers.wait_for(|received| received.len() >= EVENTS).await;
    let mut delays = Vec::new();
    for one in &received {
        delays.push(one.at.since(engine.committed(one).await));
    }
    delays.sort();
    let (p50, p99) = (delays[delays.len() / 2], delays[delays.len() * 99 / 100]);
    // To be seen with `-- --nocapture`: the figure of docs/RELIABILITY.md.
    let longest = delays.last().unwrap();
    writeln!(std::io::stderr(), "{EVENTS} events: p50 {p50:?}, p99 {p99:?}, longest {longest:?}").unwrap();
    assert_eq!(received.len(), EVENTS);
    assert!(p99 < Duration::from_secs(1), "p99 is {p99:?}, the longest {longest:?}");
    // The other has had as many as it may have at once, and none of them has ended.
    assert!(hangs.received().len() >= local::background::DELIVERIES_PER_ENDPOINT_MAX, "it had its share");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_expires_on_time() {
    let data = tempfile::tempdir().unwrap();
    let engine = Engine::start(data.path()).await;
    let receiver = Receiver::start().await;
    engine.tell(&receiver).await;
    let mut order = order_of(10_000);
    let expires_at = Time::from_unix_s(SystemClock.now().unix_s() + 3);
    order["expiresAt"] = json!(api::clock::render(expires_at));
    let opened = engine.post("/v72/orders", &order).await;
    let paid = engine.post("/v72/payments", &payment(Some(&opened), 2_000, gift_card())).await;
    assert_eq!(paid["resultCode"], "Authorised");
    let received = receiver.wait_for(|received| received.len() >= 4).await;
    let told = received.iter().map(|one| (one.item()["eventCode"].clone(), one.item()["success"].clone()));
    let expected =
        [("ORDER_OPENED", "true"), ("AUTHORISATION", "true"), ("CANCELLATION", "true"), ("ORDER_CLOSED", "false")];
    assert!(told.eq(expected.map(|(code, success)| (json!(code), json!(success)))), "{received:?}");
    let closed = engine.committed(&received[3]).await;
    assert!(
        closed >= expires_at && closed.since(expires_at) < Duration::from_secs(2),
        "{:?}",
        closed.since(expires_at)
    );
    let told = received[3].at.since(expires_at);
    writeln!(std::io::stderr(), "expired order: closed after {:?}, told after {told:?}", closed.since(expires_at))
        .unwrap();
    assert!(told < Duration::from_secs(2), "{told:?}");
    let card = engine.get(&format!("/admin/v1/giftCards/{}", local::TEST_GIFT_CARD)).await;
    assert_eq!(card["balance"]["value"], 5_000);
    let order = engine.get(&format!("/v72/orders/{}", opened["pspReference"].as_str().unwrap())).await;
    assert_eq!((&order["reason"], &order["remainingAmount"]["value"]), (&json!("expired"), &json!(10_000)));
}
