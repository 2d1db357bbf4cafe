//! The page on which a customer authenticates before credit is spent, as its script uses it.

use std::sync::atomic::{AtomicU32, Ordering};

use domain::Money;
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{Answer, Shop, test_merchant};

/// Customers that were given credit: each has a name of its own.
static CUSTOMERS: AtomicU32 = AtomicU32::new(0);
/// What they spend it on: the code of a product.
const PRODUCT: &str = "FLEX";

/// The page of an authentication.
#[derive(Debug, Clone)]
pub struct Widget {
    /// The customer's name.
    pub customer: String,
    /// The `scaToken`.
    pub token: String,
    /// Where the page is.
    pub url: String,
}

impl Widget {
    /// The page of a new customer, who is about to spend 50.00 EUR; what else the initiation says.
    ///
    /// # Panics
    /// If it is not initiated, or no authentication is asked for.
    pub async fn open(shop: &Shop, more: &Value) -> Self {
        let customer = customer(shop).await;
        let initiated = initiate(shop, &customer, more).await;
        assert_eq!(initiated.text_at("/authenticationStatus"), "Required", "{}", initiated.text);
        Self { customer, token: initiated.text_at("/scaToken"), url: initiated.text_at("/widgetUrl") }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> String {
        path(&self.token)
    }

    /// The one-time code.
    ///
    /// # Panics
    /// If the token is none.
    #[must_use]
    pub fn code(&self, shop: &Shop) -> String {
        let (merchant, asked) = shop.engine.tokens.open_authentication(&self.token).expect("a token of this shop");
        shop.engine.credits.one_time_code(&merchant, &asked.customer, asked.challenge)
    }

    /// A code that is not the right one.
    #[must_use]
    pub fn wrong_code(&self, shop: &Shop) -> String {
        self.code(shop).chars().map(|digit| if digit == '0' { '1' } else { '0' }).collect()
    }

    /// The page.
    pub async fn show(&self, shop: &Shop) -> Answer {
        shop.send(shop.bare(Method::GET, &self.path())).await
    }

    /// Gives a code.
    pub async fn give(&self, shop: &Shop, code: &str) -> Answer {
        give(shop, &self.token, &json!({ "code": code })).await
    }

    /// Authorises the spend, as the merchant does after it.
    pub async fn authorise(&self, shop: &Shop, reference: &str) -> Answer {
        let body = json!({ "amount": { "value": 50, "currencyCode": "EUR" }, "orderReference": reference });
        let path = format!("/cl/merchant-gateway-service/merchant/{}/authorisation", self.customer);
        let key = uuid_of(reference);
        let request = shop.request(Method::POST, &path).header("idempotency-key", key).header("sca-token", &self.token);
        shop.send(request.json(&body)).await
    }
}

/// Where the page of a token is.
#[must_use]
pub fn path(token: &str) -> String {
    format!("/cl/merchant-gateway-service/sca/{token}")
}

/// Sends something as a code.
pub async fn give(shop: &Shop, token: &str, body: &Value) -> Answer {
    shop.send(shop.bare(Method::POST, &format!("{}/code", path(token))).json(body)).await
}

/// A customer who may spend 1,000.00 EUR.
///
/// # Panics
/// If that is refused.
pub async fn customer(shop: &Shop) -> String {
    let name = format!("customer-{}", CUSTOMERS.fetch_add(1, Ordering::Relaxed));
    let currency = "EUR".parse().expect("a currency");
    let (credits, merchant) = (&shop.engine.credits, test_merchant());
    credits.set_product(&merchant, PRODUCT, "Flex", "Pay later", currency).await.expect("a product");
    let limit = Money::try_new(currency, 100_000).expect("an amount");
    credits.set_limit(&merchant, &name, PRODUCT, limit).await.expect("credit");
    name
}

/// Initiates a spend of 50.00 EUR.
pub async fn initiate(shop: &Shop, customer: &str, more: &Value) -> Answer {
    let mut body = json!({ "amount": { "value": 50, "currencyCode": "EUR" } });
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    shop.post(&format!("/cl/merchant-gateway-service/merchant/{customer}/initiate"), &body).await
}

/// An idempotency key that is always the same for a reference.
fn uuid_of(reference: &str) -> String {
    let number = reference.bytes().fold(0_u64, |number, byte| (number << 8 | u64::from(byte)) & 0xFFFF_FFFF_FFFF);
    format!("00000000-0000-4000-8000-{number:012x}")
}
