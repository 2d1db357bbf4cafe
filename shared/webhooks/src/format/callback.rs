//! A callback of the paymentorders family: that something has changed, and of which payment order. It tells nothing
//! else; whoever gets it reads the payment order (Swedbank: callbacks carry no state).

use app::OrderKey;
use domain::Order;
use serde::Serialize;

/// A callback.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Callback"))]
pub(super) struct Callback<'a> {
    /// The merchant's reference of the order.
    order_reference: &'a str,
    /// The payment order.
    payment_order: CallbackOrder<'a>,
}

/// Which payment order it is.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CallbackOrder"))]
struct CallbackOrder<'a> {
    /// Where it is read.
    id: String,
    /// What it was paid with last.
    #[serde(skip_serializing_if = "Option::is_none")]
    instrument: Option<&'a str>,
    /// Its number among the changes of the order.
    number: u32,
}

/// Where a payment order is read.
fn path(key: &OrderKey) -> String {
    format!("/psp/paymentorders/{}", key.id.reference().to_uuid())
}

pub(super) fn callback<'a>(key: &OrderKey, order: &'a Order) -> Callback<'a> {
    let instrument = order.payments.last().map(|payment| payment.method.kind.instrument());
    let payment_order = CallbackOrder { id: path(key), instrument, number: order.amount_changes };
    Callback { order_reference: &order.reference, payment_order }
}
