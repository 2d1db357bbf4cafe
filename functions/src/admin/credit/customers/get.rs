//! `GET /admin/v1/creditCustomers/{customerRef}`: a customer's credit, and what became of it.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
use http::StatusCode;

use super::{super::merchant, CustomerView, customer};

/// A customer's credit: its limit, what was authorised, and everything that moved.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GetCreditCustomer;

impl Endpoint for GetCreditCustomer {
    const ROUTE: Route = Route {
        name: "get-credit-customer",
        method: "GET",
        paths: &["/admin/v1/creditCustomers/{customerRef}"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let (merchant, customer) = (merchant(engine, &call).await?, customer(&call)?);
        let account = engine.credits.account(&merchant, customer).await?;
        Reply::json(StatusCode::OK, None, &CustomerView::of(customer, &account)?)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GetCreditCustomer {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .path("customerRef", "The merchant's name for the customer.")
            .merchant_in_query()
            .answer::<CustomerView<'_>>(StatusCode::OK, "The customer's credit.")
    }
}
