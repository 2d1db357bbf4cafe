//! The integration tests.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

/// Makes one test a store of each scenario: a function that takes a [`tests::shop::Shop`].
macro_rules! on_both_stores {
    ($($scenario:ident),* $(,)?) => {
        mod embedded_store {
            $(#[tokio::test] async fn $scenario() {
                super::$scenario(&tests::shop::Shop::open(tests::shop::On::Embedded).await).await;
            })*
        }
        mod dynamo_store {
            $(#[tokio::test] async fn $scenario() {
                super::$scenario(&tests::shop::Shop::open(tests::shop::On::Dynamo).await).await;
            })*
        }
    };
}
use on_both_stores;

mod admin;
mod background;
mod cancel;
mod card_tokens;
mod cards;
mod checkout_page;
mod consumers;
mod contract;
mod counts;
mod credit_admin;
mod delays;
mod errors;
mod expiry;
mod families;
mod first_order;
mod history;
mod idempotency;
mod jobs;
mod lambda;
mod lists;
mod metrics;
mod modifications;
mod oauth;
mod openapi;
mod order_data;
mod orderprocessing;
mod partners;
mod payment_methods;
mod paymentorders;
mod payments;
mod privacy;
mod process;
mod races;
mod readme;
mod recovery;
mod redirects;
mod requests;
mod sca_page;
mod secrets;
mod shopping;
mod simulation;
mod template;
mod tidy;
mod webhook_admin;
mod webhooks;
mod worker;
