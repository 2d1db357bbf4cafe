//! Modifications of payments: taken with 201 `received`, executed by the worker, and told by a notification.
//!
//! What is wrong with the request itself is refused at once: an unknown payment, a wrong currency, an amount of
//! nothing. What only the payment's state forbids is taken and told as not done, as Adyen does, so that there is
//! one place where a shop learns what became of a modification.

pub mod amount_update;
pub mod cancel;
pub mod capture;
pub mod refund;
pub mod reversal;
pub mod technical_cancel;

use api::{Call, Code, Engine, Problem, Reply};
use app::{Error, OrderKey};
use domain::{
    MerchantAccount, Money, Reference, Version,
    order::{KeyPrint, Operate, OperationKind, Refusal, Target},
};
use http::StatusCode;
use serde::Serialize;

use super::wire;

/// The modification that was taken, and the name it is told by.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ModificationResponse"))]
struct Received<'a> {
    /// Whose it is.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    merchant_account: &'a MerchantAccount,
    /// What was asked to be modified.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Reference>"))]
    payment_psp_reference: Option<Reference>,
    /// The reference that the payment was found by.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_reference: Option<&'a str>,
    /// The modification's own reference, by which it is told.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Reference"))]
    psp_reference: Reference,
    /// The merchant's reference of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    /// How much.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Money>"))]
    amount: Option<Money>,
    /// Why, as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_refund_reason: Option<&'a str>,
    /// What for, as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    industry_usage: Option<&'a str>,
    /// Always so.
    #[cfg_attr(feature = "openapi", schemars(extend("const" = "received")))]
    status: &'static str,
}

/// What is asked for of one payment, or of an order.
struct Modification<'a> {
    kind: OperationKind,
    merchant: &'a MerchantAccount,
    of: Reference,
    amount: Option<Money>,
    reference: Option<&'a str>,
    key: Option<KeyPrint>,
    /// Adyen's `merchantRefundReason`, told back as it came.
    refund_reason: Option<&'a str>,
    /// Adyen's `industryUsage`, told back as it came.
    industry_usage: Option<&'a str>,
    /// The merchant's reference that the payment was found by.
    found_by: Option<&'a str>,
}

impl<'a> Modification<'a> {
    fn new(kind: OperationKind, merchant: &'a MerchantAccount, of: Reference, key: Option<KeyPrint>) -> Self {
        Self {
            kind,
            merchant,
            of,
            amount: None,
            reference: None,
            key,
            refund_reason: None,
            industry_usage: None,
            found_by: None,
        }
    }

    /// Takes it.
    async fn take(self, engine: &Engine) -> Result<Reply, Problem> {
        let key = OrderKey { merchant: self.merchant.clone(), id: self.of.order() };
        // The reference of an order is that of its first commit; only a reversal takes a whole order.
        let target = match self.kind {
            OperationKind::Reversal if self.of.version() == Version::FIRST => Target::Order,
            OperationKind::Reversal
            | OperationKind::Capture
            | OperationKind::Void
            | OperationKind::Refund
            | OperationKind::AmountUpdate
            | OperationKind::TechnicalCancel
            | OperationKind::Exchange
            | OperationKind::Release => Target::Payment(self.of.version()),
        };
        let operate = Operate {
            reference: self.reference.map(str::to_owned),
            is_deferred: true,
            key: self.key,
            ..Operate::new(self.kind, target, self.amount)
        };
        let operated = engine.app.operate(&key, None, operate).await.map_err(|error| problem(error, self.of))?;
        let psp_reference = key.id.at(operated.operation);
        // Of this one answer, Adyen says that it always has a reference.
        let own = (self.kind == OperationKind::AmountUpdate).then(|| psp_reference.to_string());
        let body = Received {
            merchant_account: self.merchant,
            payment_psp_reference: self.found_by.is_none().then_some(self.of),
            payment_reference: self.found_by,
            psp_reference,
            reference: self.reference.or(own.as_deref()),
            amount: self.amount,
            merchant_refund_reason: self.refund_reason,
            industry_usage: self.industry_usage,
            status: "received",
        };
        Reply::json(StatusCode::CREATED, Some(body.psp_reference.to_string()), &body)
    }
}

/// What all of them answer.
#[cfg(feature = "openapi")]
fn received() -> api::openapi::Description {
    let text = "The modification was taken. What becomes of it is told.";
    api::openapi::Description::new().answer::<Received<'_>>(StatusCode::CREATED, text)
}

fn problem(error: Error, of: Reference) -> Problem {
    match error {
        Error::NotFound | Error::Refused(Refusal::UnknownPayment) => unknown(),
        Error::Refused(_) | Error::Contended | Error::Begun { .. } | Error::Store(_) => Problem::from(error).about(of),
    }
}

fn unknown() -> Problem {
    Problem::new(Code::PaymentUnknown, "Original pspReference required for this operation: there is no such payment.")
}

/// The payment, or the order, that the path names.
fn original<B>(call: &Call<B>) -> Result<Reference, Problem> {
    call.path("pspReference").parse().map_err(|_| unknown())
}

/// Reads a modification's own reference, which may be left out.
fn reference(text: Option<String>) -> Result<Option<String>, Problem> {
    text.map(|text| wire::reference(Some(text))).transpose()
}
