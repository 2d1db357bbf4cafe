//! A webhook endpoint of the test merchant, as its owner sees it: a receiver, its keys, and what is listed.

use data_encoding::{BASE64, HEXUPPER};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use standardwebhooks::Webhook;

use crate::{
    receiver::{Received, Receiver},
    shop::{Answer, Shop},
};

/// The keys of an endpoint, as its owner was told them.
pub struct Keys {
    standard: Webhook,
    adyen: Vec<u8>,
}

impl Keys {
    /// The keys that are told when an endpoint is created, or when its keys are rotated.
    #[must_use]
    pub fn told_in(answer: &Answer) -> Self {
        Self::new(&answer.text_at("/secret"), &answer.text_at("/hmacKey"))
    }

    /// The keys that are told when a client session with a webhook is opened.
    #[must_use]
    pub fn told_in_session(answer: &Answer) -> Self {
        Self::new(&answer.text_at("/webhook_keys/secret"), &answer.text_at("/webhook_keys/hmac_key"))
    }

    fn new(secret: &str, hmac_key: &str) -> Self {
        Self {
            standard: Webhook::new(secret).expect("a secret of Standard Webhooks"),
            adyen: HEXUPPER.decode(hmac_key.as_bytes()).expect("a key in hexadecimal digits"),
        }
    }

    /// Whether Standard Webhooks' own library finds its signature among those of the header.
    #[must_use]
    pub fn have_signed(&self, received: &Received) -> bool {
        let timestamp = received.header("webhook-timestamp").parse().expect("seconds");
        let expected = self.standard.sign(received.header("webhook-id"), timestamp, received.body.as_bytes());
        let expected = expected.expect("a body of text");
        received.header("webhook-signature").split(' ').any(|signature| signature == expected)
    }

    /// Whether Adyen's header is the signature of the body.
    #[must_use]
    pub fn have_signed_body(&self, received: &Received) -> bool {
        received.header("hmacsignature") == self.adyens(&received.body)
    }

    /// Whether Adyen's signature in a notification is that of its eight values.
    #[must_use]
    pub fn have_signed_item(&self, received: &Received) -> bool {
        let item = received.item();
        let text = |pointer: &str| match item.pointer(pointer) {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let values = [
            "/pspReference",
            "/originalReference",
            "/merchantAccountCode",
            "/merchantReference",
            "/amount/value",
            "/amount/currency",
            "/eventCode",
            "/success",
        ];
        text("/additionalData/hmacSignature") == self.adyens(&values.map(text).join(":"))
    }

    fn adyens(&self, signed: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.adyen).expect("a key of any length");
        mac.update(signed.as_bytes());
        BASE64.encode(&mac.finalize().into_bytes())
    }
}

/// An endpoint of the test merchant and the receiver it leads to.
pub struct Hook {
    /// The receiver. It acknowledges everything until it is told otherwise.
    pub receiver: Receiver,
    /// The endpoint's identity.
    pub id: String,
    /// The keys it was created with.
    pub keys: Keys,
}

impl Hook {
    /// An endpoint that is told all of a format.
    pub async fn create(shop: &Shop, format: &str) -> Self {
        Self::create_for(shop, format, &[]).await
    }

    /// An endpoint that is told some of a format.
    pub async fn create_for(shop: &Shop, format: &str, events: &[&str]) -> Self {
        let receiver = Receiver::start().await;
        let body = json!({
            "merchantAccount": local::TEST_MERCHANT, "url": receiver.url, "format": format, "events": events,
        });
        let created = shop.post("/admin/v1/webhooks", &body).await;
        assert_eq!(created.status, 201, "{}", created.text);
        Self { receiver, id: created.text_at("/id"), keys: Keys::told_in(&created) }
    }

    /// What arrived since the last call. All of it was signed with the keys the endpoint was created with.
    pub fn take(&self) -> Vec<Received> {
        let received = self.receiver.take();
        for one in &received {
            assert!(self.keys.have_signed(one), "{one:?}");
            assert!(self.keys.have_signed_body(one), "{one:?}");
            assert!(one.is_ours() || self.keys.have_signed_item(one), "{one:?}");
        }
        received
    }

    /// What arrived since the last call, by name: see [`Received::event`].
    pub fn take_events(&self) -> Vec<String> {
        self.take().iter().map(Received::event).collect()
    }

    /// The path of the endpoint, or of something below it.
    #[must_use]
    pub fn path(&self, below: &str) -> String {
        format!("/admin/v1/webhooks/{}{below}", self.id)
    }

    /// The endpoint as it is listed.
    pub async fn shown(&self, shop: &Shop) -> Value {
        let shown = shop.get(&self.path("")).await;
        assert_eq!(shown.status, 200, "{}", shown.text);
        shown.json()
    }

    /// All attempts that are listed, newest first; of those that ended so, if an outcome is given.
    pub async fn deliveries(&self, shop: &Shop, outcome: Option<&str>) -> Vec<Value> {
        let filter = outcome.map(|outcome| format!("&outcome={outcome}")).unwrap_or_default();
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = shop.get(&self.path(&format!("/deliveries?limit=100{filter}{cursor}"))).await;
            assert_eq!(page.status, 200, "{}", page.text);
            all.extend(page.at("/deliveries").as_array().cloned().expect("a list"));
            match page.at("/cursor").as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }

    /// Asks for events to be sent again; how many will be.
    pub async fn redeliver(&self, shop: &Shop, what: &Value) -> u64 {
        let asked = shop.post(&self.path("/redeliver"), what).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        asked.at("/events").as_u64().expect("a number")
    }

    /// Rotates the keys; the new ones.
    pub async fn rotate(&self, shop: &Shop) -> Keys {
        let rotated = shop.ask(&self.path("/rotate")).await;
        assert_eq!(rotated.status, 200, "{}", rotated.text);
        Keys::told_in(&rotated)
    }

    /// Deletes the endpoint.
    pub async fn delete(&self, shop: &Shop) {
        assert_eq!(shop.send(shop.request(Method::DELETE, &self.path(""))).await.status, 204);
    }
}
