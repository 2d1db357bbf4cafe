//! The answer of a payment: a pure function of the order as it was when the payment was first answered,
//! so that a repeated request gets the same bytes.

use api::{Engine, Problem, Reply};
use app::Answered;
use domain::{
    Money, Reference,
    order::{OrderKind, Resolution},
};
use http::StatusCode;
use serde::Serialize;
use webhooks::{reasons, words};

use crate::checkout::wire::{OrderView, PaymentMethodView};

/// What has become of a payment.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentResponse"))]
struct PaymentResponse<'a> {
    /// What has become of it.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["Authorised", "Refused", "Cancelled", "Error", "RedirectShopper", "Pending", "Received"])))]
    result_code: &'static str,
    /// Its reference; none with a redirect, which has it in the header alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Reference>"))]
    psp_reference: Option<Reference>,
    /// The merchant's reference.
    merchant_reference: &'a str,
    /// What it is to pay.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    amount: Money,
    /// What it was paid with, if it was authorised.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_method: Option<PaymentMethodView<'a>>,
    /// Why nothing came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal_reason: Option<&'static str>,
    /// Adyen's code for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal_reason_code: Option<&'static str>,
    /// What the shopper has to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<RedirectAction<'a>>,
    /// The order, unless the payment has one of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderView<'a>>,
}

/// A page that the shopper has to be sent to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "RedirectAction"))]
struct RedirectAction<'a> {
    /// Always so.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(extend("const" = "redirect")))]
    kind: &'static str,
    /// The payment method.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ::webhooks::words::METHOD_KINDS)))]
    payment_method_type: &'static str,
    /// Always so.
    #[cfg_attr(feature = "openapi", schemars(extend("const" = "GET")))]
    method: &'static str,
    /// The page.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uri")))]
    url: &'a str,
}

/// What both endpoints answer.
#[cfg(feature = "openapi")]
pub(super) fn describe() -> api::openapi::Description {
    let text = "What has become of the payment: it may also have been refused.";
    api::openapi::Description::new().answer::<PaymentResponse<'_>>(StatusCode::OK, text)
}

/// Renders the answer.
pub(super) fn render(engine: &Engine, answered: &Answered) -> Result<Reply, Problem> {
    let Answered { key, order, payment } = answered;
    let is_cancelled = order.cancellation.is_some();
    let (result_code, reason) = match &payment.resolution {
        // The order was cancelled while its partner was asked: the money is given back, not taken. So it is if
        // the shopper was too late.
        Some(Resolution::Authorised) if is_cancelled => ("Cancelled", Some(reasons::CANCELLED)),
        Some(Resolution::Authorised) if payment.is_timed_out => ("Cancelled", Some(reasons::TIMED_OUT)),
        Some(Resolution::Authorised) => ("Authorised", None),
        Some(resolution @ Resolution::Refused { .. }) => ("Refused", reasons::of_payment(resolution)),
        Some(resolution @ Resolution::Cancelled { .. }) => ("Cancelled", reasons::of_payment(resolution)),
        Some(resolution @ Resolution::Failed) => ("Error", reasons::of_payment(resolution)),
        Some(Resolution::AwaitingShopper { .. }) => ("RedirectShopper", None),
        Some(Resolution::Pending | Resolution::Uncertain) => ("Pending", None),
        None => ("Received", None),
    };
    let action = match &payment.resolution {
        Some(Resolution::AwaitingShopper { redirect }) => Some(RedirectAction {
            kind: "redirect",
            payment_method_type: words::method_kind(payment.method.kind),
            method: "GET",
            url: &redirect.url,
        }),
        _ => None,
    };
    let reference = answered.payment_reference();
    let body = PaymentResponse {
        result_code,
        // A redirect is answered without it; it comes with the details (Adyen Checkout).
        psp_reference: action.is_none().then_some(reference),
        merchant_reference: &payment.reference,
        amount: order.amount.with_minor(payment.amount),
        payment_method: (result_code == "Authorised").then(|| PaymentMethodView::without_digits(&payment.method)),
        refusal_reason: reason.map(|reason| reason.text),
        refusal_reason_code: reason.map(|reason| reason.code),
        action,
        order: (order.kind == OrderKind::Parts).then(|| OrderView::of(engine, key, order)),
    };
    Reply::json(StatusCode::OK, Some(reference.to_string()), &body)
}
