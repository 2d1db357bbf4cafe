//! `PUT /admin/v1/creditProducts/{productCode}`: makes a credit product, or names it anew.

use api::{Access, Call, Code, Endpoint, Engine, Family, Problem, Reply, Route, field_missing};
use domain::{Currency, access::Role};
use http::StatusCode;
use serde::Deserialize;

use super::{super::merchant, ProductView};

/// Makes a credit product, or names it anew. Its currency stays what it is, and so do its offers; a description that is
/// left out is none.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct SetCreditProduct;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "SetCreditProductRequest"))]
pub struct Body {
    /// Its name for people.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = domain::limits::CREDIT_TEXT_CHARS_MAX)))]
    name: Option<String>,
    /// What it is.
    #[cfg_attr(feature = "openapi", schemars(length(max = domain::limits::CREDIT_TEXT_CHARS_MAX)))]
    description: Option<String>,
    /// What it is lent in.
    #[cfg_attr(feature = "openapi", schemars(required, with = "Option<::webhooks::schema::Currency>"))]
    currency: Option<String>,
}

impl Endpoint for SetCreditProduct {
    const ROUTE: Route = Route {
        name: "set-credit-product",
        method: "PUT",
        paths: &["/admin/v1/creditProducts/{productCode}"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let merchant = merchant(engine, &call).await?;
        let name = call.body.name.as_deref().ok_or_else(|| field_missing("name"))?;
        let description = call.body.description.as_deref().unwrap_or_default();
        let currency = currency(call.body.currency.as_deref())?;
        let code = call.path("productCode");
        let product = engine.credits.set_product(&merchant, code, name, description, currency).await?;
        Reply::json(StatusCode::OK, None, &ProductView::of(engine, &merchant, &product)?)
    }
}

fn currency(code: Option<&str>) -> Result<Currency, Problem> {
    const FIELD: &str = "currency";
    code.ok_or_else(|| field_missing(FIELD))?.parse::<Currency>().map_err(|error| {
        Problem::new(Code::CurrencyUnknown, format!("Field '{FIELD}' is not valid: it is {error}.")).of_field(FIELD)
    })
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for SetCreditProduct {
    fn describe() -> api::openapi::Description {
        let text = "The product's name for programs: letters, digits, '-' and '_', a letter or a digit first.";
        api::openapi::Description::new()
            .path("productCode", text)
            .merchant_in_query()
            .answer::<ProductView<'_>>(StatusCode::OK, "The product as it is now.")
    }
}
