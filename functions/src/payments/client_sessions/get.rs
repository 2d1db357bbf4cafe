//! `GET /payment/v2/client-sessions/{id}`: a client session as it stands.

use api::{Access, Call, Code, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use domain::access::Role;
use http::StatusCode;

use super::{Told, view};
use crate::payments::find;

/// A client session as it stands, with the `orderData` that it can be paid with now.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GetClientSession;

impl Endpoint for GetClientSession {
    const ROUTE: Route = Route {
        name: "get-client-session",
        method: "GET",
        paths: &["/payment/v2/client-sessions/{id}"],
        family: Family::Payments,
        access: Access::Role(Role::Payments),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let (key, order) = find(engine, &call).await?;
        let none = || Problem::new(Code::NotFound, "There is no such client session.");
        // What other families tell when they open an order is not a session's.
        if order.session.is_none() || order.is_purchase() {
            return Err(none());
        }
        let details = engine.app.told_at_opening(&key).await?.ok_or_else(none)?;
        let told = serde_json::from_str::<Told>(&details).map_err(|error| {
            tracing::error!(%error, "what a client session told cannot be read");
            Problem::new(Code::Internal, "Something went wrong here. It was logged.")
        })?;
        let order_data = engine.tokens.seal(&key.merchant, key.id, &order);
        Reply::json(StatusCode::OK, None, &view(engine, &key, &order, &told, &order_data, None))
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GetClientSession {
    fn describe() -> api::openapi::Description {
        crate::payments::named_by_path().answer::<super::SessionView<'_>>(StatusCode::OK, "The session.")
    }
}
