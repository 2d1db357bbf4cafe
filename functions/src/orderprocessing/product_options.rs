//! `GET .../merchant/spend-options`: what credit of a product can be spent on.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route, field_missing};
use domain::access::Role;
use http::StatusCode;
use serde::Serialize;

use super::{
    merchant,
    options::{OptionView, Wanted},
};

/// Lists the spend options of a credit product, for a customer who is not known. None has a `spendOptionId`: that is a
/// customer's.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ListProductSpendOptions;

/// The spend options of a product.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ProductSpendOptions"))]
struct Answer<'a> {
    /// The product.
    product_code: &'a str,
    /// What its credit can be spent on now.
    spend_options: Vec<OptionView<'a>>,
}

impl Endpoint for ListProductSpendOptions {
    const ROUTE: Route = Route {
        name: "list-product-spend-options",
        method: "GET",
        paths: &["/cl/merchant-gateway-service/merchant/spend-options"],
        family: Family::OrderProcessing,
        access: Access::Role(Role::Payments),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let merchant = merchant(&call)?;
        let code = call.query("productCode").filter(|code| !code.is_empty());
        let code = code.ok_or_else(|| field_missing("productCode"))?;
        let product = engine.credits.product(&merchant, code).await?;
        let wanted = Wanted::read(&call, &product)?;
        let ids =
            |offer: &domain::credit::Offer| (engine.credits.offer_id(&merchant, &product.code, &offer.code), None);
        let spend_options = wanted.of(&product, engine.app.streams.now(), ids)?;
        Reply::json(StatusCode::OK, None, &Answer { product_code: &product.code, spend_options })
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ListProductSpendOptions {
    fn describe() -> api::openapi::Description {
        let code = schemars::json_schema!({ "type": "string", "examples": ["newpay"] });
        let description = api::openapi::Description::new()
            .of_merchant()
            .query("productCode", "The product.", code)
            .required("productCode");
        super::options::describe(description).answer::<Answer<'_>>(StatusCode::OK, "What credit can be spent on.")
    }
}
