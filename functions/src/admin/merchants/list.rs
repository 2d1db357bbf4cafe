//! `GET /admin/v1/merchants`: the merchant accounts that the caller may administer.

use api::{Access, Call, Endpoint, Engine, Family, NoBody, Problem, Reply, Route, clock};
use domain::{MerchantAccount, access::Role};
use http::StatusCode;
use serde::Serialize;
use uuid::Uuid;

/// The merchant accounts that the caller may administer.
pub struct ListMerchants;

#[derive(Serialize)]
struct Merchants {
    merchants: Vec<Merchant>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Merchant {
    merchant_account: MerchantAccount,
    entity_id: Uuid,
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
