//! `POST orders`: opens an order to be paid in parts.

use api::{Access, Call, Endpoint, Engine, Family, Object, Problem, Reply, Route};
use app::{Opened, OrderKey, OrderTerms};
use domain::{Order, access::Role};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::checkout::wire::{Amount, OrderView, expiry, reference};

/// Opens an order to be paid in parts.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CreateOrder;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreateOrderRequest"))]
pub struct Body {
    /// The merchant account.
    #[cfg_attr(feature = "openapi", schemars(required))]
    merchant_account: Option<String>,
    /// What is to be paid.
    #[cfg_attr(feature = "openapi", schemars(with = "Amount"))]
    amount: Option<Object<Amount>>,
    /// The merchant's reference.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = domain::limits::REFERENCE_CHARS_MAX)))]
    reference: Option<String>,
    /// From when on it takes no payment: in 24 hours, if it is not given; in 365 days at the latest.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Time>"))]
    expires_at: Option<String>,
}

/// The order that was opened.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreateOrderResponse"))]
struct OpenedView<'a> {
    /// Always so.
    #[cfg_attr(feature = "openapi", schemars(extend("const" = "Success")))]
    result_code: &'static str,
    #[serde(flatten)]
    order: OrderView<'a>,
}

impl Endpoint for CreateOrder {
    const ROUTE: Route = Route {
        name: "create-order",
        method: "POST",
        paths: &["/{version}/orders", "/checkout/{version}/orders"],
        family: Family::Checkout,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let merchant = call.merchant(call.body.merchant_account.as_deref())?;
        let key = call.key_print(engine, &merchant);
        let (amount, reference) = (Amount::read(call.body.amount)?, reference(call.body.reference)?);
        let expires_at = expiry("expiresAt", call.body.expires_at.as_deref())?;
        let terms = OrderTerms::new(merchant, reference, amount, engine.tokens.current());
        let Opened { key, order, .. } = engine.app.open(OrderTerms { expires_at, key, ..terms }).await?;
        opened(engine, &key, &order)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CreateOrder {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new().answer::<OpenedView<'_>>(StatusCode::OK, "The order, open.")
    }
}

fn opened(engine: &Engine, key: &OrderKey, order: &Order) -> Result<Reply, Problem> {
    let body = OpenedView { result_code: "Success", order: OrderView::of(engine, key, order) };
    Reply::json(StatusCode::OK, Some(key.id.reference().to_string()), &body)
}
