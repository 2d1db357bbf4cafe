//! The payment page of an order, as its script uses it.

use std::sync::atomic::{AtomicU32, Ordering};

use app::OrderKey;
use domain::{Reference, Time};
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{Answer, Shop, order_key, test_merchant};

/// A picture that is not there: nothing leaves this machine for it.
pub const IMAGE: &str = "https://127.0.0.1:9/coffee.png";

/// Payment orders that were opened: each has a reference of its own.
static OPENED: AtomicU32 = AtomicU32::new(0);

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

    /// The page of a payment order of 12.00 EUR: two coffees, a filter, less a discount. `urls` are where a shopper
    /// comes from and goes to.
    ///
    /// # Panics
    /// If it is not opened.
    pub async fn with_lines(shop: &Shop, urls: &Value) -> Self {
        let mut urls = urls.clone();
        let complete = urls["completeUrl"].as_str().unwrap_or("https://shop.example/thanks").to_owned();
        urls["completeUrl"] = json!(complete);
        if urls["hostUrls"].is_null() {
            urls["hostUrls"] = json!(["https://shop.example"]);
        }
        let number = OPENED.fetch_add(1, Ordering::Relaxed);
        let body = json!({ "paymentorder": {
            "operation": "Purchase",
            "currency": "EUR",
            "amount": 1_200,
            "vatAmount": 240,
            "description": "Breakfast",
            "userAgent": "Mozilla/5.0",
            "language": "de-DE",
            "urls": urls,
            "payeeInfo": {
                "payeeId": test_merchant().as_str(),
                "payeeReference": format!("page-{number}"),
                "payeeName": "Coffee & Co",
            },
            "orderItems": [coffee(), filter(), discount()],
        }});
        let opened = send(shop, Method::POST, "/psp/paymentorders", &body).await;
        assert_eq!(opened.status, 200, "{}", opened.text);
        let id = opened.text_at("/paymentorder/id");
        let id = id.rsplit('/').next().unwrap_or_default().parse::<Reference>().expect("a reference");
        Self { key: OrderKey { merchant: test_merchant(), id: id.order() } }
    }

    /// Takes the discount off: 13.50 EUR from then on.
    ///
    /// # Panics
    /// If it cannot be.
    pub async fn revise(&self, shop: &Shop) {
        let body = json!({ "paymentorder": {
            "operation": "UpdateOrder",
            "amount": 1_350,
            "vatAmount": 270,
            "orderItems": [coffee(), filter()],
        }});
        let revised = send(shop, Method::PATCH, &self.id(), &body).await;
        assert_eq!(revised.status, 200, "{}", revised.text);
    }

    /// What it is called as a payment order.
    #[must_use]
    pub fn id(&self) -> String {
        format!("/psp/paymentorders/{}", self.key.id.reference().to_uuid())
    }

    /// Its token.
    #[must_use]
    pub fn token(&self, shop: &Shop) -> String {
        shop.engine.tokens.seal_page(&self.key.merchant, self.key.id, shop.engine.tokens.current())
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

async fn send(shop: &Shop, method: Method, path: &str, body: &Value) -> Answer {
    let request = shop.request(method, path).header("Content-Type", "application/json;version=3.1");
    shop.send(request.body(body.to_string())).await
}

fn coffee() -> Value {
    let mut coffee = item(1, "Coffee, 250 g", "PRODUCT", 500, 1_000, 200);
    coffee["quantity"] = json!(2);
    coffee["imageUrl"] = json!(IMAGE);
    coffee["description"] = json!("From Huehuetenango");
    coffee
}

fn filter() -> Value {
    item(2, "Filter", "PRODUCT", 350, 350, 70)
}

fn discount() -> Value {
    item(3, "Welcome", "DISCOUNT", -150, -150, -30)
}

fn item(number: u32, name: &str, kind: &str, unit_price: i64, amount: i64, tax: i64) -> Value {
    json!({
        "reference": format!("sku-{number}"),
        "name": name,
        "type": kind,
        "class": "Coffee",
        "quantity": 1,
        "quantityUnit": "pcs",
        "unitPrice": unit_price,
        "vatPercent": 2_500,
        "amount": amount,
        "vatAmount": tax,
    })
}
