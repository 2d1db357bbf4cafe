//! `POST payments/{pspReference}/cancels`: voids what was not captured of a payment.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route};
use domain::{access::Role, order::OperationKind};
use serde::Deserialize;

use super::{Modification, original, reference};

/// Voids what was not captured of a payment; of one that is not authorised yet, all of it.
pub struct CancelPayment;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Body {
    merchant_account: Option<String>,
    reference: Option<String>,
}

impl Endpoint for CancelPayment {
    const ROUTE: Route = Route {
        name: "cancel-payment",
        method: "POST",
        paths: &["/{version}/payments/{pspReference}/cancels", "/checkout/{version}/payments/{pspReference}/cancels"],
        family: Family::Checkout,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let merchant = call.merchant(call.body.merchant_account.as_deref())?;
        let key = call.key_print(engine, &merchant);
        let of = original(&call)?;
        let reference = reference(call.body.reference)?;
        let asked = Modification::new(OperationKind::Void, &merchant, of, key);
        Modification { reference: reference.as_deref(), ..asked }.take(engine).await
    }
}
