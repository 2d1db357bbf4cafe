//! The lines of an order, as `GET orders/{pspReference}` shows them. Not in Adyen's API.

use domain::{
    Order,
    order::line::{Line, LineKind, Lines},
};
use serde::Serialize;

/// A line of an order. Its amounts are in minor units of the order's currency, and negative for what is taken off or
/// comes back.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "LineShown"))]
pub(super) struct LineView<'a> {
    /// Its number on the order.
    id: u32,
    /// The merchant's reference of what it is.
    reference: &'a str,
    /// What it is called.
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    /// What kind of thing it is.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = KINDS)))]
    kind: &'static str,
    /// How many, or how much: a decimal with at most four decimals.
    quantity: String,
    /// Of what.
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity_unit: Option<&'a str>,
    /// What it comes to, with tax.
    amount: i64,
    /// The tax in it.
    tax_amount: i64,
    /// The line that it takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    reverses: Option<u32>,
    /// What was authorised for it and not given up, where somebody said so.
    authorised_amount: i64,
    /// What was captured for it.
    captured_amount: i64,
    /// The tax in that.
    captured_tax_amount: i64,
    /// What was refunded of it.
    refunded_amount: i64,
    /// The tax in that.
    refunded_tax_amount: i64,
}

#[cfg(feature = "openapi")]
const KINDS: &[&str] = &["product", "service", "shippingFee", "paymentFee", "discount", "valueCode", "other"];

fn kind(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Product => "product",
        LineKind::Service => "service",
        LineKind::ShippingFee => "shippingFee",
        LineKind::PaymentFee => "paymentFee",
        LineKind::Discount => "discount",
        LineKind::ValueCode => "valueCode",
        LineKind::Other => "other",
    }
}

pub(super) fn views<'a>(order: &Order, lines: &'a Lines) -> Vec<LineView<'a>> {
    let view = |line: &'a Line| {
        let books = order.cart.as_ref().map(|cart| cart.line(line.id)).unwrap_or_default();
        LineView {
            id: line.id,
            reference: &line.reference,
            name: &line.name,
            kind: kind(line.kind),
            quantity: line.quantity.to_string(),
            quantity_unit: line.unit.as_deref(),
            amount: line.amount,
            tax_amount: line.tax,
            reverses: line.reverses,
            authorised_amount: books.authorised.saturating_sub(books.cancelled),
            captured_amount: books.captured,
            captured_tax_amount: books.captured_tax,
            refunded_amount: books.refunded,
            refunded_tax_amount: books.refunded_tax,
        }
    };
    lines.lines.iter().map(view).collect()
}
