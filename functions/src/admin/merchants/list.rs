//! `GET /admin/v1/merchants`: the merchant accounts that the caller may administer.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route, clock};
use domain::{MerchantAccount, access::Role};
use http::StatusCode;
use serde::Serialize;
use uuid::Uuid;

/// The merchant accounts that the caller may administer.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ListMerchants;

/// Merchant accounts.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ListMerchantsResponse"))]
struct Merchants {
    /// In the order they were created.
    merchants: Vec<Merchant>,
}

/// A merchant account.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Merchant"))]
struct Merchant {
    /// Its name.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    merchant_account: MerchantAccount,
    /// What stands for it in the payments family.
    entity_id: Uuid,
    /// When it was created.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    created_at: String,
}

impl Endpoint for ListMerchants {
    const ROUTE: Route = Route {
        name: "list-merchants",
        method: "GET",
        paths: &["/admin/v1/merchants"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let merchants = engine.access.merchants().await?;
        let merchants = merchants
            .into_iter()
            .filter(|(merchant, _)| call.caller.may_use(merchant))
            .map(|(merchant_account, at)| Merchant {
                entity_id: merchant_account.entity_id(),
                merchant_account,
                created_at: clock::render(at),
            })
            .collect();
        Reply::json(StatusCode::OK, None, &Merchants { merchants })
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ListMerchants {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new().answer::<Merchants>(StatusCode::OK, "The merchant accounts.")
    }
}
