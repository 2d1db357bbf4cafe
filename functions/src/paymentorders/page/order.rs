//! `GET /psp/checkout/{token}/order`: the order of a page, as it stands.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use http::StatusCode;

use super::{
    problem, subject,
    view::{OrderView, Told},
};

/// The order of a payment page, after all that was due on it. A shopper who came back from elsewhere brings
/// `redirectResult`: then it is looked up what became of that payment.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GetCheckoutOrder;

impl Endpoint for GetCheckoutOrder {
    const ROUTE: Route = Route {
        name: "get-checkout-order",
        method: "GET",
        paths: &["/psp/checkout/{token}/order"],
        family: Family::PaymentOrders,
        access: Access::Public,
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let key = subject(engine, &call)?;
        // A result that is none, or of another order, changes nothing: the order is told as it stands.
        let returned = call.query("redirectResult").and_then(|result| engine.tokens.open_return(result).ok());
        if let Some((merchant, payment)) = returned
            && merchant == key.merchant
            && payment.order() == key.id
        {
            engine.app.conclude(key.clone(), payment.version(), None).await.map_err(problem)?;
        }
        let order = engine.app.inspect(&key).await.map_err(problem)?;
        let told = Told::of(engine, &key, &order).await?;
        Reply::json(StatusCode::OK, None, &OrderView::of(engine, &key, &order, &told))
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GetCheckoutOrder {
    fn describe() -> api::openapi::Description {
        let text = "What the shopper came back with.";
        api::openapi::Description::new()
            .path("token", "The page's token.")
            .query("redirectResult", text, schemars::json_schema!({ "type": "string" }))
            .answer::<OrderView<'_>>(StatusCode::OK, "The order.")
    }
}
