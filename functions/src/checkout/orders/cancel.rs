//! `POST orders/cancel`: ends an order unpaid and releases what was paid.

use api::{Access, Call, Endpoint, Engine, Family, Object, Problem, Reply, Route};
use domain::{Reference, access::Role};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::checkout::wire::{EncryptedOrderData, object_missing};

/// Ends an order unpaid and releases what was paid.
///
/// Any genuine token of the order will do, also one that was overtaken: a shop that lost the last answer
/// must still be able to give the money back.
pub struct CancelOrder;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Body {
    merchant_account: Option<String>,
    order: Option<Object<EncryptedOrderData>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Received {
    psp_reference: Reference,
    result_code: &'static str,
}

impl Endpoint for CancelOrder {
    const ROUTE: Route = Route {
        name: "cancel-order",
        method: "POST",
        paths: &["/{version}/orders/cancel", "/checkout/{version}/orders/cancel"],
        family: Family::Checkout,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let merchant = call.merchant(call.body.merchant_account.as_deref())?;
        let print = call.key_print(engine, &merchant);
        let Object(order) = call.body.order.ok_or_else(|| object_missing("order"))?;
        let (key, _) = order.read(engine, &merchant)?;
        let (_, version) =
            engine.app.cancel(&key, print).await.map_err(|error| Problem::from(error).about(key.id.reference()))?;
        let body = Received { psp_reference: key.id.at(version), result_code: "Received" };
        Reply::json(StatusCode::OK, Some(body.psp_reference.to_string()), &body)
    }
}
