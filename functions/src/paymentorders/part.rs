//! `GET /psp/paymentorders/{id}/{part}`: a part of a payment order.

use api::{Access, ApiVersion, Call, Code, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
use http::StatusCode;
use serde::Serialize;

use super::{
    find,
    parts::{Part, PartsView, Sources},
    path,
    told::Told,
};

/// A part of a payment order: its items, its history, its transactions, what was told of it.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GetPaymentOrderPart;

/// A part, and what it is a part of.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentOrderPart"))]
struct PartAnswer {
    /// The payment order.
    #[serde(skip_serializing_if = "Option::is_none")]
    paymentorder: Option<String>,
    /// The payment order, in version 3.1.
    #[serde(rename = "paymentOrder", skip_serializing_if = "Option::is_none")]
    payment_order: Option<String>,
    #[serde(flatten)]
    part: PartsView,
}

impl Endpoint for GetPaymentOrderPart {
    const ROUTE: Route = Route {
        name: "get-payment-order-part",
        method: "GET",
        paths: &["/psp/paymentorders/{id}/{part}"],
        family: Family::PaymentOrders,
        access: Access::Role(Role::Payments),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let none = || Problem::new(Code::NotFound, "The payment order has no such part.");
        let part = Part::of(call.path("part")).ok_or_else(none)?;
        let (key, order) = find(engine, &call).await?;
        let told = Told::of(engine, &key, &order).await?;
        if !part.is_of(&order, told.as_ref()) {
            return Err(none());
        }
        let sources = Sources::read(engine, &key, &order, told.as_ref(), &[part]).await?;
        let mut shown = PartsView::default();
        shown.put(part, &sources, call.version, true);
        let is_31 = call.version == ApiVersion::V31;
        let of = Some(path(&key));
        let answer = PartAnswer {
            paymentorder: of.clone().filter(|_| !is_31),
            payment_order: of.filter(|_| is_31),
            part: shown,
        };
        Reply::json(StatusCode::OK, None, &answer)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GetPaymentOrderPart {
    fn describe() -> api::openapi::Description {
        super::named_by_path()
            .path("part", "Which part: the last piece of its link, in letters of any case.")
            .answer::<PartAnswer>(StatusCode::OK, "The part.")
    }
}
