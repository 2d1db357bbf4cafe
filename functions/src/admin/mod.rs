//! Administration: merchant accounts, API keys, gift cards, credit, webhook endpoints, and work that needs attention.

pub mod api_keys;
pub mod credit;
pub mod gift_cards;
pub mod merchants;
pub mod webhooks;
pub mod work;

use api::{Code, Engine, Problem};
use app::access::Caller;
use domain::MerchantAccount;

/// The same merchant account, if it exists. One that a key may use does; the operator may name any.
async fn existing(engine: &Engine, caller: &Caller, merchant: MerchantAccount) -> Result<MerchantAccount, Problem> {
    if *caller == Caller::Operator && !engine.access.has_merchant(&merchant).await? {
        return Err(Problem::new(Code::NotFound, "There is no such merchant account."));
    }
    Ok(merchant)
}
