//! The OpenAPI documents: one for each family, made of the catalogue and of what the engine calls.
//!
//! They are checked in under `infra/openapi`. `cargo run -p xtask -- generate` writes them, and a test compares.

use api::{
    Family,
    openapi::{Ordered, Outline, Parameter, PathItem, Schemas},
};
use domain::order::Format;
use schemars::json_schema;
use webhooks::format::{callback_schema, schema_of};

pub use api::openapi::{Document, Operation};

use crate::CATALOGUE;

/// What the documents are about. Access tokens are of most use to the payments family, so they stand with it.
pub const OUTLINES: &[Outline] = &[
    Outline {
        name: "checkout",
        title: "Tender: checkout",
        text: "Orders that are paid in several parts, wire-compatible with Adyen Checkout, versions 68 to 72.",
        families: &[Family::Checkout],
    },
    Outline {
        name: "payments",
        title: "Tender: payments",
        text: "Orders as one payment over all their parts, wire-compatible with the Purse Payment API, version 2; and \
               access tokens.",
        families: &[Family::Payments, Family::OAuth],
    },
    Outline {
        name: "paymentorders",
        title: "Tender: payment orders",
        text: "Orders with items that are paid in several parts, wire-compatible with Swedbank Pay's payment orders, \
               versions 2.0, 3.0 and 3.1; and the page on which one is paid. A request names its version in \
               `Content-Type`, or one without a body in `Accept`: `application/json;version=3.1`. Without one it is \
               answered in version 2.0.",
        families: &[Family::PaymentOrders],
    },
    Outline {
        name: "shopping",
        title: "Tender: shopping",
        text: "Orders with lines, whose items come back and are exchanged after they are paid, wire-compatible with \
               Dintero's orders.",
        families: &[Family::Shopping],
    },
    Outline {
        name: "orderprocessing",
        title: "Tender: order processing",
        text: "Credit that customers spend: what they can spend, on what terms, authentication, authorisation, \
               settlement, reversal and refund; wire-compatible with NewDay's order processing.",
        families: &[Family::OrderProcessing],
    },
    Outline {
        name: "admin",
        title: "Tender: administration",
        text: "Merchant accounts, API keys, gift cards, credit, webhook endpoints, and work that needs attention.",
        families: &[Family::Admin],
    },
    Outline {
        name: "sandbox",
        title: "Tender: sandbox",
        text: "Pages that a shopper is redirected to, for a browser.",
        families: &[Family::Sandbox],
    },
];

/// Every document, with its name.
#[must_use]
pub fn documents() -> Vec<(&'static str, Document)> {
    let document = |outline: &Outline| {
        let told = |schemas: &mut Schemas| webhooks_of(outline, schemas);
        (outline.name, Document::of(outline, CATALOGUE, told))
    };
    OUTLINES.iter().map(document).collect()
}

/// What the engine calls: each in the document of those who have it told.
fn webhooks_of(outline: &Outline, schemas: &mut Schemas) -> Ordered<PathItem> {
    let told = [Format::Checkout, Format::Tender, Format::Payments].into_iter().map(|format| {
        let (family, name, text) = match format {
            Format::Checkout => (
                Family::Checkout,
                "notification",
                "Tells a webhook endpoint of the format `checkout` what a shop acts on. It is Adyen's notification.",
            ),
            Format::Tender => (
                Family::Admin,
                "event",
                "Tells a webhook endpoint of the format `tender` every change of an order. The order is told as it was \
                 right after the event.",
            ),
            Format::Payments => (
                Family::Payments,
                "payment-changed",
                "Tells an order's own webhook that the amounts of its payment have changed. The payment is told as \
                 `GET /v2/payments/{id}` showed it then.",
            ),
        };
        (family, name, text, format)
    });
    let told = told.filter(|(family, ..)| outline.families.contains(family)).map(|(_, name, text, format)| {
        let call = Operation::made_by_us(name, text, headers(), schemas.shown_by(schema_of(format)));
        (name.to_owned(), Ordered(vec![("post".to_owned(), call)]))
    });
    let mut told = told.collect::<Vec<_>>();
    if outline.families.contains(&Family::PaymentOrders) {
        let text = "Tells a payment order's `callbackUrl` that it has changed. What has changed is read from the payment \
                    order.";
        let call = Operation::made_by_us("callback", text, headers(), schemas.shown_by(callback_schema()));
        told.push(("callback".to_owned(), Ordered(vec![("post".to_owned(), call)])));
    }
    Ordered(told)
}

/// The headers that every delivery carries.
fn headers() -> Vec<Parameter> {
    let header = |(name, text): (&str, &str)| Parameter {
        name: name.to_owned(),
        place: "header",
        description: text.to_owned(),
        required: true,
        schema: json_schema!({ "type": "string" }),
    };
    let headers = [
        ("webhook-id", "The event: the same on every try (Standard Webhooks)."),
        ("webhook-timestamp", "When it was tried, in seconds since 1970 (Standard Webhooks)."),
        ("webhook-signature", "The signatures of the identity, the time and the body (Standard Webhooks)."),
        ("hmacsignature", "The signature of the body (Adyen)."),
    ];
    headers.into_iter().map(header).collect()
}
