//! The body of a delivery.
//!
//! Rendered anew on every try from the same commit, so the same event has the same bytes each time. Two
//! things follow the try: Adyen's signature inside the body, while a rotation lets two keys take turns, and
//! the date of a test, which has no commit.

mod callback;
mod checkout;
pub mod payments;
mod tender;

use app::ports::{Content, Parcel};
use domain::{
    Time,
    order::{Format, OwnFormat},
};
use jiff::{Timestamp, tz::Offset};

/// Why a parcel has no body.
#[derive(Debug, thiserror::Error)]
pub enum FormatFault {
    /// The change is none that the format tells, or is not of the order it comes with.
    #[error("the change is not told in the endpoint's format")]
    NotTold,
    /// It does not turn into JSON.
    #[error("the body cannot be written: {0}")]
    Unwritable(#[from] serde_json::Error),
}

/// What a delivery in a format looks like.
#[cfg(feature = "openapi")]
#[must_use]
pub fn schema_of(format: Format) -> fn(&mut schemars::SchemaGenerator) -> schemars::Schema {
    match format {
        Format::Checkout => schemars::SchemaGenerator::subschema_for::<checkout::Notification<'_>>,
        Format::Tender => schemars::SchemaGenerator::subschema_for::<tender::Event<'_>>,
        Format::Payments => schemars::SchemaGenerator::subschema_for::<payments::PaymentView<'_>>,
    }
}

/// What a callback of an order's own webhook looks like.
#[cfg(feature = "openapi")]
#[must_use]
pub fn callback_schema() -> fn(&mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::SchemaGenerator::subschema_for::<callback::Callback<'_>>
}

/// The body of a parcel, in its endpoint's format: JSON.
///
/// # Errors
/// [`FormatFault`]; none for a change that [`domain::order::Change::is_told`] in that format.
pub fn body(parcel: &Parcel<'_>) -> Result<Vec<u8>, FormatFault> {
    let body = match parcel.endpoint.format {
        Format::Checkout => serde_json::to_vec(&checkout::notification(parcel)?),
        Format::Tender => serde_json::to_vec(&tender::event(parcel)?),
        Format::Payments => match &parcel.content {
            Content::Change { key, change, details } if change.is_told(Format::Payments) => {
                match change.order.own_webhook().map(|own| own.format) {
                    Some(OwnFormat::Callback) => serde_json::to_vec(&callback::callback(key, &change.order)),
                    Some(OwnFormat::Payments) | None => {
                        serde_json::to_vec(&payments::payment(key, &change.order, details)?)
                    }
                }
            }
            // Nobody can ask for a test of an order's own webhook.
            Content::Change { .. } | Content::Test => return Err(FormatFault::NotTold),
        },
    };
    Ok(body?)
}

/// The moment in whole seconds; none after the year 9999.
fn timestamp(time: Time) -> Option<Timestamp> {
    i64::try_from(time.unix_s()).ok().and_then(|seconds| Timestamp::from_second(seconds).ok())
}

/// A time as our API writes it: `2026-01-31T12:00:00Z`.
fn iso(time: Time) -> String {
    timestamp(time).map(|timestamp| timestamp.to_string()).unwrap_or_default()
}

/// A time as Adyen's notifications write it: `2026-01-31T12:00:00+00:00`.
fn iso_with_offset(time: Time) -> String {
    timestamp(time).map(|timestamp| timestamp.display_with_offset(Offset::UTC).to_string()).unwrap_or_default()
}
