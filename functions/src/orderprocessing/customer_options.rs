//! `GET .../merchant/{customerRef}/spend-options`: what a customer can spend, and on what terms.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
use http::StatusCode;
use serde::Serialize;

use super::{
    customer, merchant,
    money::AmountView,
    options::{OptionView, Wanted},
};

/// Lists a customer's spend options: what a `spendOptionId` names is taken by an authorisation.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ListCustomerSpendOptions;

/// What a customer can spend.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CustomerSpendOptions"))]
struct Answer<'a> {
    /// The product that the customer's credit is of.
    product_code: &'a str,
    /// What of the limit is neither held nor spent.
    available_to_spend: AmountView,
    /// What it can be spent on now.
    spend_options: Vec<OptionView<'a>>,
}

impl Endpoint for ListCustomerSpendOptions {
    const ROUTE: Route = Route {
        name: "list-customer-spend-options",
        method: "GET",
        paths: &["/cl/merchant-gateway-service/merchant/{customerRef}/spend-options"],
        family: Family::OrderProcessing,
        access: Access::Role(Role::Payments),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let (merchant, customer) = (merchant(&call)?, customer(&call)?);
        let account = engine.credits.account(&merchant, &customer).await?;
        let product = engine.credits.product(&merchant, &account.brand).await?;
        let wanted = Wanted::read(&call, &product)?;
        let ids = |offer: &domain::credit::Offer| {
            let option = engine.credits.option_id(&merchant, &customer, &product.code, offer);
            (engine.credits.offer_id(&merchant, &product.code, &offer.code), Some(option))
        };
        let answer = Answer {
            product_code: &product.code,
            available_to_spend: AmountView::of(account.issued.with_minor(account.available()))?,
            spend_options: wanted.of(&product, engine.app.streams.now(), ids)?,
        };
        Reply::json(StatusCode::OK, None, &answer)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ListCustomerSpendOptions {
    fn describe() -> api::openapi::Description {
        super::options::describe(super::of_customer()).answer::<Answer<'_>>(StatusCode::OK, "What can be spent.")
    }
}
