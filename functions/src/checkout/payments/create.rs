//! `POST payments`: pays an order, a part of it, or an amount on its own.

use api::{Access, Call, Endpoint, Engine, Family, Object, Problem, Reply, Route};
use app::{NewPayment, OrderTerms};
use domain::access::Role;
use serde::Deserialize;

use super::answer;
use crate::{
    checkout::wire::{
        Amount, EncryptedOrderData, PaymentMethod, check_offered, credit_problem, reference, return_url,
        session_validity,
    },
    orderprocessing::credit,
};

/// Pays an order, or a part of it; without `order`, the engine opens one around the payment.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CreatePayment;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreatePaymentRequest"))]
pub struct Body {
    /// The merchant account.
    #[cfg_attr(feature = "openapi", schemars(required))]
    merchant_account: Option<String>,
    /// How much to pay: all that remains of the order, or a part.
    #[cfg_attr(feature = "openapi", schemars(with = "Amount"))]
    amount: Option<Object<Amount>>,
    /// The merchant's reference.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = domain::limits::REFERENCE_CHARS_MAX)))]
    reference: Option<String>,
    /// What it is paid with.
    #[cfg_attr(feature = "openapi", schemars(with = "PaymentMethod"))]
    payment_method: Option<Object<PaymentMethod>>,
    /// Where the shopper comes back to. Not needed for a gift card.
    #[cfg_attr(feature = "openapi", schemars(length(max = api::limits::RETURN_URL_CHARS_MAX)))]
    return_url: Option<String>,
    /// Until when a shopper who has to act may do so.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Time>"))]
    session_validity: Option<String>,
    /// The order it belongs to; without one, the engine opens one around the payment.
    order: Option<Object<EncryptedOrderData>>,
}

impl Endpoint for CreatePayment {
    const ROUTE: Route = Route {
        name: "create-payment",
        method: "POST",
        paths: &["/{version}/payments", "/checkout/{version}/payments"],
        family: Family::Checkout,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let merchant = call.merchant(call.body.merchant_account.as_deref())?;
        let key = call.key_print(engine, &merchant);
        let amount = Amount::read(call.body.amount)?;
        let reference = reference(call.body.reference)?;
        let instrument = PaymentMethod::read(engine, &merchant, call.body.payment_method)?;
        check_offered(&instrument, amount)?;
        let return_url = return_url(call.body.return_url, &instrument)?;
        let act_by = session_validity(call.body.session_validity.as_deref(), engine.app.streams.now())?;
        let payment = NewPayment { amount, reference: reference.clone(), instrument, return_url, act_by, key };
        let answered = match call.body.order {
            Some(Object(order)) => {
                let (order, view) = order.read(engine, &merchant)?;
                credit::check(engine, &merchant, Some(order.id), &payment).await.map_err(credit_problem)?;
                let about = order.id.reference();
                engine.app.pay(order, view, payment).await.map_err(|error| Problem::from(error).about(about))?
            }
            None => {
                credit::check(engine, &merchant, None, &payment).await.map_err(credit_problem)?;
                let terms = OrderTerms { key, ..OrderTerms::new(merchant, reference, amount, engine.tokens.current()) };
                engine.app.pay_single(terms, payment).await?
            }
        };
        answer::render(engine, &answered)
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CreatePayment {
    fn describe() -> api::openapi::Description {
        answer::describe()
    }
}
