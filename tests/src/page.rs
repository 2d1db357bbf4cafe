//! The payment page of an order, as its script uses it.

use api::Engine;
use app::OrderKey;
use domain::Time;
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{Answer, Shop, order_key};

/// The payment page of an order.
#[derive(Debug, Clone)]
pub struct Page {
    /// The order.
    pub key: OrderKey,
}

impl Page {
    /// The page of an order that was opened.
    #[must_use]
    pub fn of(opened: &Answer) -> Self {
        Self { key: order_key(&opened.order()) }
    }

    /// Its token.
    #[must_use]
    pub fn token(&self, shop: &Shop) -> String {
        token(&shop.engine, &self.key)
    }

    /// Its path.
    #[must_use]
    pub fn path(&self, shop: &Shop) -> String {
        format!("/psp/checkout/{}", self.token(shop))
    }

    /// The time at the shop.
    #[must_use]
    pub fn now(&self, shop: &Shop) -> Time {
        shop.engine.app.streams.now()
    }

    /// The order, as the page shows it.
    pub async fn order(&self, shop: &Shop) -> Answer {
        shop.send(shop.bare(Method::GET, &format!("{}/order", self.path(shop)))).await
    }

    /// Asks for something at the page, with JSON.
    pub async fn post(&self, shop: &Shop, what: &str, body: &Value) -> Answer {
        shop.send(shop.bare(Method::POST, &format!("{}/{what}", self.path(shop))).json(body)).await
    }

    /// Pays a part, with what the page shows now.
    pub async fn pay(&self, shop: &Shop, value: u64, method: Value) -> Answer {
        let order_data = self.order(shop).await.at("/orderData");
        self.post(shop, "payments", &json!({ "orderData": order_data, "amount": value, "method": method })).await
    }

    /// The same, by card.
    pub async fn pay_with_token(&self, shop: &Shop, value: u64, token: &str) -> Answer {
        self.pay(shop, value, json!({ "type": "card", "token": token })).await
    }

    /// The token of a card.
    ///
    /// # Panics
    /// If it gets none.
    pub async fn card_token(&self, shop: &Shop, number: &str) -> String {
        let made = shop.send(shop.bare(Method::POST, "/sandbox/cards").json(&json!({ "number": number }))).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.text_at("/token")
    }
}

/// The test gift card, as the page sends it.
#[must_use]
pub fn gift_card() -> Value {
    json!({
        "type": "giftcard",
        "brand": local::TEST_GIFT_CARD_BRAND,
        "number": local::TEST_GIFT_CARD,
        "code": local::TEST_GIFT_CARD_CODE,
    })
}

fn token(engine: &Engine, key: &OrderKey) -> String {
    engine.tokens.seal_page(&key.merchant, key.id)
}
