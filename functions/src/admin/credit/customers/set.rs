//! `PUT /admin/v1/creditCustomers/{customerRef}`: gives a customer credit, or changes its limit.

use api::{Access, Call, Code, Endpoint, Engine, Family, Object, Problem, Reply, Route, field_missing};
use domain::{access::Role, account::LimitFault};
use http::StatusCode;
use partners::CreditError;
use serde::Deserialize;

use super::{super::merchant, CustomerView, customer};
use crate::checkout::wire::Amount;

/// Gives a customer credit of a product, or changes its limit. A customer has credit of one product; a limit is not less
/// than what is held and outstanding, and one of nothing is a limit, too.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct SetCreditCustomer;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "SetCreditCustomerRequest"))]
pub struct Body {
    /// The product.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = domain::limits::CREDIT_CODE_CHARS_MAX)))]
    product_code: Option<String>,
    /// How much may be spent, in the product's currency.
    #[cfg_attr(feature = "openapi", schemars(with = "Amount"))]
    limit: Option<Object<Amount>>,
}

impl Endpoint for SetCreditCustomer {
    const ROUTE: Route = Route {
        name: "set-credit-customer",
        method: "PUT",
        paths: &["/admin/v1/creditCustomers/{customerRef}"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = Body;

    async fn handle(engine: &Engine, mut call: Call<Body>) -> Result<Reply, Problem> {
        let merchant = merchant(engine, &call).await?;
        let (product, limit) = (call.body.product_code.take(), call.body.limit.take());
        let customer = customer(&call)?;
        let product = product.ok_or_else(|| field_missing("productCode"))?;
        let limit = Amount::read_as("limit", limit)?;
        let account = engine.credits.set_limit(&merchant, customer, &product, limit).await.map_err(problem)?;
        Reply::json(StatusCode::OK, None, &CustomerView::of(customer, &account)?)
    }
}

/// What is wrong with a field of this request is told of that field.
fn problem(error: CreditError) -> Problem {
    let (code, field) = match &error {
        CreditError::UnknownProduct => (Code::NotFound, "productCode"),
        CreditError::OtherCurrency { .. } | CreditError::Limit(LimitFault::OtherCurrency { .. }) => {
            (Code::CurrencyMismatch, "limit.currency")
        }
        CreditError::Limit(LimitFault::BelowUsed { .. }) => (Code::AmountInvalid, "limit.value"),
        CreditError::UnknownCustomer
        | CreditError::UnknownOption
        | CreditError::OtherProduct { .. }
        | CreditError::Unavailable { .. }
        | CreditError::Proof(_)
        | CreditError::Product(_)
        | CreditError::Limit(LimitFault::Full)
        | CreditError::Settings(_)
        | CreditError::Store(_) => return error.into(),
    };
    Problem::new(code, format!("Field '{field}' is not valid: {error}.")).of_field(field)
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for SetCreditCustomer {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .path("customerRef", "The merchant's name for the customer.")
            .merchant_in_query()
            .answer::<CustomerView<'_>>(StatusCode::OK, "The customer's credit as it is now.")
    }
}
