//! Every function of Tender: one file an endpoint, all of them in [`CATALOGUE`].
//!
//! *Architecture invariant*: a handler parses, calls one use case, and renders. The Lambda binaries in
//! `src/bin`, the local runner and the tests all take their endpoints from the catalogue.

pub mod admin;
pub mod checkout;
#[cfg(feature = "lambda")]
mod lambda;
pub mod sandbox;

use api::{Mounted, mount};

#[cfg(feature = "lambda")]
pub use lambda::wire;

/// Every endpoint.
pub const CATALOGUE: &[Mounted] = &[
    mount::<checkout::orders::create::CreateOrder>(),
    mount::<checkout::orders::cancel::CancelOrder>(),
    mount::<checkout::orders::get::GetOrder>(),
    mount::<checkout::payment_methods::list::ListPaymentMethods>(),
    mount::<checkout::payment_methods::balance::GetBalance>(),
    mount::<checkout::payments::create::CreatePayment>(),
    mount::<checkout::payments::details::SubmitDetails>(),
    mount::<admin::merchants::create::CreateMerchant>(),
    mount::<admin::merchants::list::ListMerchants>(),
    mount::<admin::api_keys::create::CreateApiKey>(),
    mount::<admin::api_keys::list::ListApiKeys>(),
    mount::<admin::api_keys::revoke::RevokeApiKey>(),
    mount::<admin::gift_cards::issue::IssueGiftCard>(),
    mount::<admin::gift_cards::get::GetGiftCard>(),
    mount::<sandbox::show::ShowSandboxPage>(),
    mount::<sandbox::choose::ChooseOnSandboxPage>(),
];
