//! `POST /admin/v1/merchants`: creates a merchant account.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route, field_invalid, field_missing};
use domain::{InvalidName, MerchantAccount};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Creates a merchant account. For the operator alone: a name that is taken is told.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CreateMerchant;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreateMerchantRequest"))]
pub struct Body {
    /// Its name.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::MerchantName"))]
    merchant_account: Option<String>,
}

/// The merchant account that was created.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreateMerchantResponse"))]
struct Created {
    /// Its name.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    merchant_account: MerchantAccount,
    /// What stands for it in the payments family.
    entity_id: Uuid,
}

impl Endpoint for CreateMerchant {
    const ROUTE: Route = Route {
        name: "create-merchant",
        method: "POST",
        paths: &["/admin/v1/merchants"],
        family: Family::Admin,
        access: Access::Operator,
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let name = call.body.merchant_account.ok_or_else(|| field_missing("merchantAccount"))?;
        let merchant_account = MerchantAccount::try_new(name)
            .map_err(|error @ InvalidName| field_invalid("merchantAccount", &error.to_string(), "another text"))?;
        engine.access.create_merchant(&merchant_account).await?;
        Reply::json(StatusCode::CREATED, None, &Created { entity_id: merchant_account.entity_id(), merchant_account })
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for CreateMerchant {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new().answer::<Created>(StatusCode::CREATED, "It was created.")
    }
}
