//! Every function of Tender: one file an endpoint, all of them in [`CATALOGUE`]; and those behind a stream, a queue or
//! a schedule, in `CONSUMERS`.
//!
//! *Architecture invariant*: a handler parses, calls one use case, and renders. The Lambda binaries in
//! `src/bin`, the local runner and the tests all take their endpoints from the catalogue.

pub mod admin;
#[cfg(feature = "lambda")]
pub mod background;
pub mod checkout;
#[cfg(feature = "lambda")]
mod lambda;
mod number;
pub mod oauth;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod orderprocessing;
mod origin;
pub mod paymentorders;
pub mod payments;
pub mod sandbox;
pub mod shopping;

use api::{Mounted, mount};

#[cfg(feature = "lambda")]
pub use lambda::{wire, wire_deliver_webhook, wire_expire_order, wire_relay, wire_work};

/// Every endpoint.
pub const CATALOGUE: &[Mounted] = &[
    mount::<checkout::orders::create::CreateOrder>(),
    mount::<checkout::orders::cancel::CancelOrder>(),
    mount::<checkout::orders::get::GetOrder>(),
    mount::<checkout::payment_methods::list::ListPaymentMethods>(),
    mount::<checkout::payment_methods::balance::GetBalance>(),
    mount::<checkout::payments::create::CreatePayment>(),
    mount::<checkout::payments::details::SubmitDetails>(),
    mount::<checkout::modifications::capture::CapturePayment>(),
    mount::<checkout::modifications::cancel::CancelPayment>(),
    mount::<checkout::modifications::refund::RefundPayment>(),
    mount::<checkout::modifications::reversal::ReversePayment>(),
    mount::<checkout::modifications::amount_update::UpdatePaymentAmount>(),
    mount::<checkout::modifications::technical_cancel::CancelByReference>(),
    mount::<oauth::token::IssueToken>(),
    mount::<payments::client_sessions::create::CreateClientSession>(),
    mount::<payments::client_sessions::get::GetClientSession>(),
    mount::<payments::get::GetPayment>(),
    mount::<payments::capture::CreateCapture>(),
    mount::<payments::void::CreateVoid>(),
    mount::<payments::refund::CreateRefund>(),
    mount::<shopping::token::IssueShoppingToken>(),
    mount::<shopping::drafts::create::CreateDraft>(),
    mount::<shopping::drafts::get::GetDraft>(),
    mount::<shopping::drafts::update::UpdateDraft>(),
    mount::<shopping::items::add::AddDraftItem>(),
    mount::<shopping::items::update::UpdateDraftItem>(),
    mount::<shopping::items::delete::DeleteDraftItem>(),
    mount::<shopping::drafts::complete::CompleteDraft>(),
    mount::<shopping::orders::list::ListOrders>(),
    mount::<shopping::orders::get::GetShoppingOrder>(),
    mount::<shopping::orders::replace::ReplaceOrder>(),
    mount::<shopping::orders::cancel::CancelShoppingOrder>(),
    mount::<shopping::orders::close::CloseOrder>(),
    mount::<shopping::orders::events::ListEvents>(),
    mount::<shopping::operations::authorize::CreateAuthorization>(),
    mount::<shopping::operations::capture::CreateLineCapture>(),
    mount::<shopping::operations::refund::CreateLineRefund>(),
    mount::<shopping::operations::cancel::CreateCancellation>(),
    mount::<shopping::operations::list::ListOperations>(),
    mount::<shopping::operations::get::GetOperation>(),
    mount::<paymentorders::create::CreatePaymentOrder>(),
    mount::<paymentorders::get::GetPaymentOrder>(),
    mount::<paymentorders::part::GetPaymentOrderPart>(),
    mount::<paymentorders::update::UpdatePaymentOrder>(),
    mount::<paymentorders::capture::CapturePaymentOrder>(),
    mount::<paymentorders::cancel::CancelPaymentOrder>(),
    mount::<paymentorders::reverse::ReversePaymentOrder>(),
    mount::<orderprocessing::product_options::ListProductSpendOptions>(),
    mount::<orderprocessing::customer_options::ListCustomerSpendOptions>(),
    mount::<orderprocessing::initiate::InitiateSpend>(),
    mount::<orderprocessing::authorise::AuthoriseSpend>(),
    mount::<orderprocessing::adjust::AdjustAuthorisation>(),
    mount::<orderprocessing::settle::SettleAuthorisation>(),
    mount::<orderprocessing::reverse::ReverseAuthorisation>(),
    mount::<orderprocessing::refund::RefundTransaction>(),
    mount::<admin::merchants::create::CreateMerchant>(),
    mount::<admin::merchants::list::ListMerchants>(),
    mount::<admin::api_keys::create::CreateApiKey>(),
    mount::<admin::api_keys::list::ListApiKeys>(),
    mount::<admin::api_keys::revoke::RevokeApiKey>(),
    mount::<admin::gift_cards::issue::IssueGiftCard>(),
    mount::<admin::gift_cards::get::GetGiftCard>(),
    mount::<admin::credit::products::set::SetCreditProduct>(),
    mount::<admin::credit::products::get::GetCreditProduct>(),
    mount::<admin::credit::offers::set::SetCreditOffer>(),
    mount::<admin::credit::customers::set::SetCreditCustomer>(),
    mount::<admin::credit::customers::get::GetCreditCustomer>(),
    mount::<admin::credit::settings::set::SetCreditSettings>(),
    mount::<admin::credit::settings::get::GetCreditSettings>(),
    mount::<admin::webhooks::create::CreateWebhook>(),
    mount::<admin::webhooks::list::ListWebhooks>(),
    mount::<admin::webhooks::get::GetWebhook>(),
    mount::<admin::webhooks::delete::DeleteWebhook>(),
    mount::<admin::webhooks::rotate::RotateWebhookKeys>(),
    mount::<admin::webhooks::enable::EnableWebhook>(),
    mount::<admin::webhooks::test::TestWebhook>(),
    mount::<admin::webhooks::deliveries::ListDeliveries>(),
    mount::<admin::webhooks::redeliver::Redeliver>(),
    mount::<admin::work::list::ListWork>(),
    mount::<admin::work::retry::RetryWork>(),
    mount::<sandbox::show::ShowSandboxPage>(),
    mount::<sandbox::choose::ChooseOnSandboxPage>(),
    mount::<sandbox::tokenise::TokeniseCard>(),
    mount::<paymentorders::page::show::ShowCheckoutPage>(),
    mount::<paymentorders::page::script::GetCheckoutScript>(),
    mount::<paymentorders::page::order::GetCheckoutOrder>(),
    mount::<paymentorders::page::balance::GetCheckoutBalance>(),
    mount::<paymentorders::page::pay::PayOnCheckout>(),
    mount::<orderprocessing::sca::show::ShowScaPage>(),
    mount::<orderprocessing::sca::script::GetScaScript>(),
    mount::<orderprocessing::sca::code::GiveScaCode>(),
];

/// Everything that takes events other than requests: the name of its Lambda, and how it is made.
#[cfg(feature = "lambda")]
pub const CONSUMERS: &[(&str, api::lambda::WireConsumer)] = &[
    ("relay", wire_relay),
    ("work", wire_work),
    ("deliver-webhook", wire_deliver_webhook),
    ("expire-order", wire_expire_order),
];
