//! What is printed when the engine is ready.

use std::{net::SocketAddr, path::Path};

use secrecy::{ExposeSecret, SecretString};

use crate::{TEST_GIFT_CARD, TEST_GIFT_CARD_BRAND, TEST_GIFT_CARD_CODE, TEST_MERCHANT};

/// Where the three requests keep the last answer, for the next one to find the order's token in.
const SCRATCH: &str = "/tmp/tender-order.json";

/// What is printed when the engine is ready: where it listens, the key, and a first order in three
/// requests that can be pasted into a shell.
#[must_use]
pub fn welcome(address: SocketAddr, api_key: &SecretString, operator_key_file: Option<&Path>) -> String {
    let key = api_key.expose_secret();
    let [open, gift_card, card] = first_order(&format!("http://{address}"), key);
    format!(
        "\
Tender is listening on http://{address}

  merchant account  {TEST_MERCHANT}
  API key           {key}
  operator key      {}

A first order. Open it for 100.00 EUR:

{open}

Pay 20.00 EUR by gift card:

{gift_card}

Pay the rest by card:

{card}

Stop with Ctrl-C.
",
        operator_key_file.map_or_else(|| "as given".to_owned(), |file| format!("in {}", file.display()))
    )
}

/// Opens an order for 100 EUR, pays 20 by gift card and 80 by card: three commands for a shell.
#[must_use]
pub fn first_order(url: &str, key: &str) -> [String; 3] {
    let request = |path: &str, body: String| {
        format!(
            "curl -s {url}/v72/{path} -H 'X-API-Key: {key}' -H 'Content-Type: application/json' -d '{body}' -o {SCRATCH} && cat {SCRATCH} && echo"
        )
    };
    // The last of its name in the file: a payment's answer has a reference of its own before the order's.
    let last = |field: &str| format!(r#"'$(sed 's/.*"{field}":"\([^"]*\)".*/\1/' {SCRATCH})'"#);
    let order = format!(r#"{{"pspReference":"{}","orderData":"{}"}}"#, last("pspReference"), last("orderData"));
    let payment = |reference: &str, value: u32, method: &str| {
        request(
            "payments",
            format!(
                r#"{{"merchantAccount":"{TEST_MERCHANT}","reference":"{reference}","amount":{{"currency":"EUR","value":{value}}},"returnUrl":"https://shop.example/return","paymentMethod":{method},"order":{order}}}"#
            ),
        )
    };
    [
        request(
            "orders",
            format!(
                r#"{{"merchantAccount":"{TEST_MERCHANT}","reference":"order-1","amount":{{"currency":"EUR","value":10000}}}}"#
            ),
        ),
        payment(
            "order-1-gift-card",
            2_000,
            &format!(
                r#"{{"type":"giftcard","brand":"{TEST_GIFT_CARD_BRAND}","number":"{TEST_GIFT_CARD}","cvc":"{TEST_GIFT_CARD_CODE}"}}"#
            ),
        ),
        payment(
            "order-1-card",
            8_000,
            r#"{"type":"scheme","number":"4111111111111111","expiryMonth":"03","expiryYear":"2030","cvc":"737"}"#,
        ),
    ]
}
