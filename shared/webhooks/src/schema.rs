//! The schemas of values that the rules define, for the OpenAPI documents. The rules know nothing of documents, so a
//! field of one of their types names its schema here.

use std::borrow::Cow;

use domain::{
    limits::{AMOUNT_MINOR_MAX, OWN_HEADER_CHARS_MAX, OWN_HEADER_VALUES_MAX, OWN_HEADERS_MAX},
    names::MERCHANT_ACCOUNT_BYTES_MAX,
    reference::REFERENCE_CHARS,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Declares schemas: named ones, which a document keeps among its components, and unnamed ones, which stand where
/// they are used.
macro_rules! schemas {
    ($($(#[$doc:meta])* $kind:ident $name:ident = $text:literal, $schema:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                stringify!($kind) == "unnamed"
            }

            fn schema_name() -> Cow<'static, str> {
                $text.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )*};
}

schemas! {
    /// Of [`domain::Money`], and of an amount as it comes in.
    named Money = "Amount", json_schema!({
        "type": "object",
        "description": "An amount of money.",
        "required": ["currency", "value"],
        "properties": {
            "currency": currency(),
            "value": minor(),
        },
    });
    /// Of the code of a [`domain::Currency`].
    unnamed Currency = "Currency", currency();
    /// Of an amount in minor units.
    unnamed Minor = "Minor", minor();
    /// Of [`domain::Reference`].
    unnamed Reference = "Reference", json_schema!({
        "type": "string",
        "pattern": format!("^[0-9A-HJKMNP-TV-Z]{{{REFERENCE_CHARS}}}$"),
    });
    /// Of [`domain::reference::LegReference`].
    unnamed LegReference = "LegReference", json_schema!({
        "type": "string",
        "pattern": format!("^[0-9A-HJKMNP-TV-Z]{{{REFERENCE_CHARS}}}-[0-9]+$"),
    });
    /// Of a time, as answers and our own events write it.
    unnamed Time = "Time", json_schema!({ "type": "string", "format": "date-time" });
    /// Of the name of a [`domain::MerchantAccount`] that is made.
    unnamed MerchantName = "MerchantName", json_schema!({
        "type": "string",
        "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        "maxLength": MERCHANT_ACCOUNT_BYTES_MAX,
    });
    /// Of a list of [`domain::access::Role`]s.
    unnamed Roles = "Roles", json_schema!({
        "type": "array",
        "minItems": 1,
        "items": { "type": "string", "enum": ["payments", "admin"] },
    });
    /// Of a header's [`domain::order::HeaderText`]s.
    unnamed HeaderTexts = "HeaderTexts", header_texts();
    /// Of JSON that is told back as it came.
    unnamed Anything = "Anything", json_schema!({ "type": "object" });
    /// Of [`domain::order::OwnWebhook`].
    named OwnWebhook = "Webhook", json_schema!({
        "type": "object",
        "description": "An order's own webhook.",
        "required": ["url"],
        "properties": {
            "url": { "type": "string", "format": "uri", "description": "Where it is told." },
            "format": { "type": "string", "enum": ["payments", "callback"], "description": "In which words." },
            "headers": {
                "type": "array",
                "description": "Headers that each notification carries.",
                "maxItems": OWN_HEADERS_MAX,
                "items": {
                    "type": "object",
                    "required": ["name", "values"],
                    "properties": {
                        "name": { "type": "string", "description": "Its name.", "maxLength": OWN_HEADER_CHARS_MAX },
                        "values": header_texts(),
                    },
                },
            },
        },
    });
}

fn header_texts() -> Schema {
    json_schema!({
        "type": "array",
        "description": "Its values: texts, or whole numbers.",
        "minItems": 1,
        "maxItems": OWN_HEADER_VALUES_MAX,
        "items": { "type": ["string", "integer"], "maxLength": OWN_HEADER_CHARS_MAX },
    })
}

fn currency() -> Schema {
    json_schema!({
        "type": "string",
        "description": "The currency's code (ISO 4217).",
        "pattern": "^[A-Z]{3}$",
        "examples": ["EUR"],
    })
}

fn minor() -> Schema {
    json_schema!({
        "type": "integer",
        "description": "How much, in the currency's minor units (cents).",
        "format": "int64",
        "minimum": 0,
        "maximum": AMOUNT_MINOR_MAX,
    })
}
