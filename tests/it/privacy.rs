//! No card number, no security code's owner, no key ever reaches the store or a log.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use serde_json::json;
use tests::shop::{API_KEY, OPERATOR_KEY, Shop, card, order_of, payment};

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const CARDS: &[&str] = &[
    "4111111111111111",
    "4000000000000002",
    "4000000000003220",
    "4000000000000119",
    "4000000000000127",
    "4242424242424242",
    "4111111111111112",
];

#[tokio::test]
async fn numbers_and_keys_are_nowhere_to_be_found() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    tracing::info!("the log is read");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tender.db");
    let shop = Shop::over(Arc::new(embedded::SqliteLog::open(&file).unwrap())).await;
    let mut last = shop.open_order(100_000).await;
    for number in CARDS {
        let answer = shop.post_keyed("/v72/payments", number, &payment(Some(&last.order()), 100, card(number))).await;
        last = if answer.status == 200 { answer } else { last };
        shop.post("/v72/payments", &payment(None, 100, card(number))).await;
        let encrypted = json!({ "type": "scheme", "encryptedCardNumber": format!("test_{number}") });
        shop.post("/v72/payments", &payment(None, 100, encrypted)).await;
        let as_number = json!({ "type": "scheme", "number": number.parse::<u64>().unwrap() });
        shop.post("/v72/payments", &payment(None, 100, as_number)).await;
    }
    let paid = shop.pay_gift_card(&last.order(), 100).await;
    assert_eq!(paid.status, 200, "{}", paid.text);
    shop.get(&format!("/admin/v1/giftCards/{}", local::TEST_GIFT_CARD)).await;
    shop.clock.advance(std::time::Duration::from_secs(5));
    shop.order(&paid.order()).await;
    shop.cancel(&paid.order()).await;
    shop.send(shop.bare(reqwest::Method::POST, "/v72/orders").header("X-API-Key", OPERATOR_KEY).json(&order_of(1)))
        .await;
    shop.send(
        shop.bare(reqwest::Method::POST, "/v72/orders")
            .header("X-API-Key", "a-wrong-key-0123456789")
            .json(&order_of(1)),
    )
    .await;

    let mut stored = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        stored.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let stored = String::from_utf8_lossy(&stored).into_owned();
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("the log is read") && logged.contains("refused"), "what is searched is what was logged");
    assert!(stored.contains("payment_reserved"), "what is searched is what was stored");
    let secrets = [local::TEST_GIFT_CARD, API_KEY, OPERATOR_KEY, "a-wrong-key-0123456789"];
    for secret in CARDS.iter().chain(&secrets) {
        assert!(!stored.contains(secret), "{secret} was stored");
        assert!(!logged.contains(secret), "{secret} was logged");
    }
}
