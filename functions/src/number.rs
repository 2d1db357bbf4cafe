//! Numbers of JSON whose decimals count: read and written exactly, without floats.

use std::fmt;

use api::{Code, Problem, field_invalid};
use domain::Decimal;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;

/// A JSON number as it was written, so that none of its decimals is lost.
#[derive(Debug)]
pub(crate) struct Number(String);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let is_number = raw.get().starts_with(|first: char| first.is_ascii_digit() || first == '-');
        if is_number { Ok(Self(raw.get().to_owned())) } else { Err(D::Error::custom(wrong(&raw, "a number"))) }
    }
}

impl Number {
    /// The number as it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The decimal that it is.
    pub(crate) fn decimal(&self, field: &str) -> Result<Decimal, Problem> {
        let expected = "a number of 0 or more with at most 4 decimals";
        self.0.parse::<Decimal>().map_err(|error| field_invalid(field, expected, error))
    }
}

/// What is told of a JSON value that is something else than expected: what kind it is, and not the value.
pub(crate) fn wrong(raw: &RawValue, expected: &str) -> String {
    let kind = match raw.get().bytes().next() {
        Some(b'{') => "map",
        Some(b'[') => "sequence",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    };
    format!("invalid type: {kind}, expected {expected}")
}

/// A decimal as a JSON number, exactly.
pub(crate) fn number(decimal: impl fmt::Display) -> Result<Box<RawValue>, Problem> {
    RawValue::from_string(decimal.to_string()).map_err(|error| {
        tracing::error!(%error, "a number could not be rendered");
        Problem::new(Code::Internal, "Something went wrong here. It was logged.")
    })
}
