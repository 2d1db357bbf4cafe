//! The payments family as a merchant's system calls it: with an access token, by the names that the family uses.

use domain::{Reference, Tally};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::shop::{API_KEY, Answer, Shop, test_merchant};

/// Where client sessions are opened.
pub const SESSIONS: &str = "/payment/v2/client-sessions";

/// A merchant's system with an access token. The token ends an hour of the shop's clock after it was issued.
pub struct Till<'s> {
    /// The shop.
    pub shop: &'s Shop,
    /// The access token.
    pub token: String,
}

impl<'s> Till<'s> {
    /// A system of the test merchant.
    pub async fn open(shop: &'s Shop) -> Self {
        Self::with_key(shop, API_KEY).await
    }

    /// A system of whoever has that API key.
    pub async fn with_key(shop: &'s Shop, key: &str) -> Self {
        let issued = ask_token(shop, &[("grant_type", "client_credentials"), ("client_secret", key)]).await;
        assert_eq!(issued.status, 200, "{}", issued.text);
        Self { shop, token: issued.text_at("/access_token") }
    }

    /// A request with the token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.shop.bare(method, path).bearer_auth(&self.token)
    }

    /// POSTs JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.shop.send(self.request(Method::POST, path).json(body)).await
    }

    /// POSTs JSON with the family's idempotency key.
    pub async fn post_keyed(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.shop.send(self.request(Method::POST, path).header("x-idempotency-key", key).json(body)).await
    }

    /// GETs.
    pub async fn get(&self, path: &str) -> Answer {
        self.shop.send(self.request(Method::GET, path)).await
    }

    /// Opens a client session with that body.
    pub async fn session(&self, body: &Value) -> Answer {
        let opened = self.post(SESSIONS, body).await;
        assert_eq!(opened.status, 200, "{}", opened.text);
        opened
    }

    /// Opens a client session with that body, and pays it; the payment's identity.
    pub async fn sell(&self, body: &Value, parts: &[(u64, Value)]) -> String {
        let session = self.session(body).await;
        for paid in pay(self.shop, &checkout_order(&session), &session.text_at("/currency"), parts).await {
            assert_eq!(paid.status, 200, "{}", paid.text);
        }
        session.text_at("/id")
    }

    /// The payment. Its books are checked.
    pub async fn payment(&self, id: &str) -> Value {
        let shown = self.get(&path(id, "")).await;
        assert_eq!(shown.status, 200, "{}", shown.text);
        balanced(shown.json())
    }

    /// Asks for an operation: `captures`, `voids` or `refunds`.
    pub async fn ask(&self, id: &str, what: &str, body: &Value) -> Answer {
        self.post(&path(id, what), body).await
    }

    /// Has an operation done; the payment after it, whose books are checked.
    pub async fn operate(&self, id: &str, what: &str, body: &Value) -> Value {
        let done = self.ask(id, what, body).await;
        assert_eq!(done.status, 200, "{}", done.text);
        balanced(done.json())
    }
}

/// Asks for an access token with a form.
pub async fn ask_token(shop: &Shop, fields: &[(&str, &str)]) -> Answer {
    shop.send(token_request(shop, fields)).await
}

/// A request for an access token with a form.
pub fn token_request(shop: &Shop, fields: &[(&str, &str)]) -> RequestBuilder {
    let form = reqwest::Url::parse_with_params(&shop.url, fields).expect("a URL");
    let request = shop.bare(Method::POST, "/oauth/token").body(form.query().unwrap_or_default().to_owned());
    request.header("Content-Type", "application/x-www-form-urlencoded")
}

/// The path of a payment, or of something below it.
#[must_use]
pub fn path(id: &str, below: &str) -> String {
    let slash = if below.is_empty() { "" } else { "/" };
    format!("/v2/payments/{id}{slash}{below}")
}

/// The body of `POST client-sessions`, in euro.
#[must_use]
pub fn session_of(amount: u64) -> Value {
    session_in("EUR", amount)
}

/// The body of `POST client-sessions`.
#[must_use]
pub fn session_in(currency: &str, amount: u64) -> Value {
    json!({
        "entity_id": entity_id(),
        "amount": amount,
        "currency": currency,
        "shopper_redirection_url": "https://shop.example/return?cart=1",
        "order": { "reference": "order-1" },
    })
}

/// What the family calls the test merchant.
#[must_use]
pub fn entity_id() -> String {
    test_merchant().entity_id().to_string()
}

/// The order of a client session, as the checkout family wants it.
#[must_use]
pub fn checkout_order(session: &Answer) -> Value {
    json!({
        "pspReference": session.at("/checkout/pspReference"),
        "orderData": session.at("/checkout/orderData"),
    })
}

/// Pays an order in parts, each with what the answer before it said of the order.
pub async fn pay(shop: &Shop, order: &Value, currency: &str, parts: &[(u64, Value)]) -> Vec<Answer> {
    let (mut order, mut answers) = (order.clone(), Vec::new());
    for (value, method) in parts {
        let mut body = crate::shop::payment(Some(&order), *value, method.clone());
        body["amount"]["currency"] = json!(currency);
        let paid = shop.post("/v72/payments", &body).await;
        if paid.at("/order").is_object() {
            order = paid.order();
        }
        answers.push(paid);
    }
    answers
}

/// Issues a gift card of the test merchant; what it pays with.
pub async fn issue(shop: &Shop, brand: &str, currency: &str, balance: u64) -> Value {
    let body = json!({
        "merchantAccount": local::TEST_MERCHANT,
        "brand": brand,
        "balance": { "currency": currency, "value": balance },
    });
    let issued = shop.post("/admin/v1/giftCards", &body).await;
    assert_eq!(issued.status, 201, "{}", issued.text);
    json!({ "type": "giftcard", "brand": brand, "number": issued.at("/number"), "cvc": issued.at("/cvc") })
}

/// What its issuer's books say of the only payment made with a gift card: held, settled, released and refunded.
pub async fn held(shop: &Shop, gift_card: &Value) -> [u64; 4] {
    let number = gift_card["number"].as_str().unwrap_or_default();
    let shown = shop.get(&format!("/admin/v1/giftCards/{number}")).await;
    let amount = |name: &str| shown.at(&format!("/holds/0/{name}/value")).as_u64().expect("a hold");
    [amount("held"), amount("settled"), amount("released"), amount("refunded")]
}

/// The sandbox's books of a transaction of an authorisation.
pub async fn booked(shop: &Shop, transaction: &Value) -> Tally {
    let reference = transaction["partner_reference"].as_str().and_then(|text| text.parse::<Reference>().ok());
    let book = shop.engine.sandbox.book(&test_merchant(), reference.expect("a reference")).await;
    book.expect("the sandbox's store").expect("a book").tally(shop.engine.sandbox.now())
}

/// The amounts of a payment: pending, authorised, captured, left to capture, refunded, left to refund, voided, left
/// to void.
#[must_use]
pub fn amounts(payment: &Value) -> [u64; 8] {
    let names = [
        "authorize_pending",
        "total_authorized",
        "total_captured",
        "available_to_capture",
        "total_refunded",
        "available_to_refund",
        "total_voided",
        "available_to_void",
    ];
    names.map(|name| payment["amounts"][name].as_u64().expect("an amount"))
}

/// How much was done of the payment: consumed, captured, voided, refunded.
#[must_use]
pub fn overview(payment: &Value) -> [&str; 4] {
    ["consumed", "captured", "voided", "refunded"].map(|name| payment["overview"][name].as_str().expect("a word"))
}

/// The names of the links that can be followed now.
#[must_use]
pub fn links(payment: &Value) -> Vec<&str> {
    let links = payment["links"].as_object().expect("links");
    links.keys().map(String::as_str).filter(|name| *name != "self").collect()
}

/// The last operation of a kind: its status, and of each part its partner, its amount and its status.
#[must_use]
pub fn last<'p>(payment: &'p Value, kind: &str) -> (&'p str, Vec<(&'p str, u64, &'p str)>) {
    let text = |of: &'p Value, name: &str| of[name].as_str().expect("a text");
    let operation = payment[kind].as_array().and_then(|all| all.last()).expect("an operation");
    let transactions = operation["partner_transactions"].as_array().expect("transactions").iter();
    let transactions = transactions
        .map(|told| (text(told, "partner"), told["amount"].as_u64().expect("an amount"), text(told, "status")));
    (text(operation, "status"), transactions.collect())
}

/// The payment, whose amounts have to be those of its transactions: what was authorised is captured, voided, available
/// or in flight, and nothing is twice.
///
/// # Panics
/// If they are not.
#[must_use]
pub fn balanced(payment: Value) -> Value {
    let sum = |transactions: &[&Value], statuses: &[&str]| {
        let counted = transactions.iter().filter(|told| statuses.iter().any(|status| told["status"] == *status));
        counted.map(|told| told["amount"].as_u64().expect("an amount")).sum::<u64>()
    };
    let of = |kind: &str| {
        let operations = payment[kind].as_array().expect("operations").iter();
        let transactions = operations.flat_map(|told| told["partner_transactions"].as_array().expect("transactions"));
        let transactions = transactions.collect::<Vec<_>>();
        (sum(&transactions, &["SUCCESS"]), sum(&transactions, &["PENDING", "UNCERTAIN"]))
    };
    let authorisations = payment["authorization"]["partner_transactions"].as_array().expect("transactions").iter();
    let authorised = sum(&authorisations.collect::<Vec<_>>(), &["AUTHORIZED"]);
    let [(captured, capturing), (voided, voiding), (refunded, refunding)] = ["captures", "voids", "refunds"].map(of);
    let available = authorised - captured - voided - capturing - voiding;
    let refundable = captured - refunded - refunding;
    let expected = [authorised, captured, available, refunded, refundable, voided, available];
    assert_eq!(amounts(&payment)[1..], expected, "{payment:#}");
    payment
}
