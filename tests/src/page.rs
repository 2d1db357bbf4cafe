//! The payment page of an order, as its script uses it.

use app::{NewLines, OrderKey, OrderTerms, Revision};
use domain::{
    Money, Time,
    order::line::{Line, LineKind},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{Answer, Shop, order_key, test_merchant};

/// A picture, of one pixel: nothing leaves this machine for it.
pub const IMAGE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGPojtIGAAKEARGT4+LrAAAAAElFTkSuQmCC";

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

    /// The page of an order with lines, of 12.00 EUR: two coffees, a filter, less a discount. `urls` are where a
    /// shopper comes from and goes to.
    ///
    /// # Panics
    /// If it is not opened.
    pub async fn with_lines(shop: &Shop, urls: &Value) -> Self {
        let merchant = test_merchant();
        let line = |id, name: &str, kind, quantity: &str, unit_price, amount, tax| Line {
            id,
            reference: format!("sku-{id}"),
            name: name.to_owned(),
            kind,
            class: Some("Coffee".to_owned()),
            quantity: quantity.parse().expect("a quantity"),
            unit: Some("pcs".to_owned()),
            unit_price: Some(unit_price),
            discount_price: None,
            amount,
            tax,
            taxes: Vec::new(),
            reverses: None,
            details: Some(json!({ "imageUrl": IMAGE, "description": "From Huehuetenango" }).to_string()),
        };
        let lines = vec![
            line(1, "Coffee, 250 g", LineKind::Product, "2", 500, 1_000, 200),
            Line { details: None, ..line(2, "Filter", LineKind::Product, "1", 350, 350, 70) },
            Line { unit_price: None, details: None, ..line(3, "Welcome", LineKind::Discount, "1", 0, -150, -30) },
        ];
        let details = json!({
            "description": "Breakfast",
            "language": "de-DE",
            "urls": urls,
            "payeeInfo": { "payeeName": "Coffee & Co" },
        });
        let amount = Money::try_new("EUR".parse().expect("a currency"), 1_200).expect("an amount");
        let terms = OrderTerms {
            lines: Some(NewLines { lines, tax: 240, description: Some("Breakfast".to_owned()), ..NewLines::default() }),
            details: Some(details.to_string()),
            ..OrderTerms::new(merchant, "order-1".to_owned(), amount, shop.engine.tokens.current())
        };
        Self { key: shop.engine.app.open(terms).await.expect("an order that can be opened").key }
    }

    /// Takes the discount off: 13.50 EUR from then on.
    ///
    /// # Panics
    /// If it cannot be.
    pub async fn revise(&self, shop: &Shop) {
        let order = shop.engine.app.find(&self.key).await.expect("the order");
        let lines = shop.engine.app.lines(&self.key, &order).await.expect("its lines");
        let revision = Revision {
            amount: order.amount.with_minor(1_350),
            tax: 270,
            description: None,
            lines: Some(lines.lines[..2].to_vec()),
            details: None,
            key: None,
        };
        shop.engine.app.revise(&self.key, Some(order), revision).await.expect("an order that nobody has paid");
    }

    /// Its token.
    #[must_use]
    pub fn token(&self, shop: &Shop) -> String {
        shop.engine.tokens.seal_page(&self.key.merchant, self.key.id)
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
