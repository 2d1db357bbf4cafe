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
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CancelOrder;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CancelOrderRequest"))]
pub struct Body {
    /// The merchant account.
    #[cfg_attr(feature = "openapi", schemars(required))]
    merchant_account: Option<String>,
    /// Any genuine token of the order.
    #[cfg_attr(feature = "openapi", schemars(with = "EncryptedOrderData"))]
    order: Option<Object<EncryptedOrderData>>,
}

/// The cancellation that was taken.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CancelOrderResponse"))]
struct Received {
    /// The cancellation's reference.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Reference"))]
    psp_reference: Reference,
    /// Always so.
    #[cfg_attr(feature = "openapi", schemars(extend("const" = "Received")))]
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

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CancelOrder {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .answer::<Received>(StatusCode::OK, "The cancellation was taken. What becomes of each payment is told.")
    }
}
