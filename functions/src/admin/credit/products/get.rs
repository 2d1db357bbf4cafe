//! `GET /admin/v1/creditProducts/{productCode}`: a credit product with its offers.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
use http::StatusCode;

use super::{super::merchant, ProductView};

/// A credit product with its offers.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GetCreditProduct;

impl Endpoint for GetCreditProduct {
    const ROUTE: Route = Route {
        name: "get-credit-product",
        method: "GET",
        paths: &["/admin/v1/creditProducts/{productCode}"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let merchant = merchant(engine, &call).await?;
        let product = engine.credits.product(&merchant, call.path("productCode")).await?;
        Reply::json(StatusCode::OK, None, &ProductView::of(engine, &merchant, &product)?)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GetCreditProduct {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .path("productCode", "The product's name for programs.")
            .merchant_in_query()
            .answer::<ProductView<'_>>(StatusCode::OK, "The product.")
    }
}
