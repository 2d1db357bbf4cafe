//! `POST .../merchant/{customerRef}/authorisation`: takes credit.

use api::{Access, Call, Code, Endpoint, Engine, Family, Object, Problem, Reply, Route, field_missing};
use app::{Answered, Instrument, NewLines, NewPayment, OrderTerms};
use domain::{
    access::Role,
    limits::REFERENCE_CHARS_MAX,
    order::{Decline, Resolution},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{TEXT_CHARS_MAX, check_keyed, credit, customer, merchant, money::Amount, text};

/// Authorises a spend: holds the amount of the customer's credit until it is settled or reversed. A decline is an
/// answer, and not an error.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct AuthoriseSpend;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "AuthoriseSpendRequest"))]
pub struct Body {
    /// What is spent.
    #[cfg_attr(feature = "openapi", schemars(with = "Amount"))]
    amount: Option<Object<Amount>>,
    /// The merchant's name for the order.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = REFERENCE_CHARS_MAX)))]
    order_reference: Option<String>,
    /// What the merchant calls the purchase.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = TEXT_CHARS_MAX)))]
    description: Option<String>,
    /// The merchant's name for its own verification of the customer. It is kept with the order.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = REFERENCE_CHARS_MAX)))]
    verification_id: Option<String>,
    /// On which of the customer's spend options; revolving, if it is not given.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uuid")))]
    spend_option_id: Option<String>,
}

/// What is told about an order that was opened here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_session_id: Option<&'a str>,
}

/// What has become of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "AuthoriseSpendResponse"))]
pub(super) struct Answer {
    /// What it is settled and reversed by.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uuid")))]
    pub(super) authorisation_id: String,
    /// Whether the amount is held.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["Authorised", "Declined", "Pending"])))]
    pub(super) result: &'static str,
    /// Why it is not, if it was declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["NotEnoughCredit", "NotAuthenticated", "NotPermitted", "Cancelled", "Error"])))]
    pub(super) decline_reason: Option<&'static str>,
}

impl Endpoint for AuthoriseSpend {
    const ROUTE: Route = Route {
        name: "authorise-spend",
        method: "POST",
        paths: &["/cl/merchant-gateway-service/merchant/{customerRef}/authorisation"],
        family: Family::OrderProcessing,
        access: Access::Role(Role::Payments),
    };
    type Body = Body;

    async fn handle(engine: &Engine, mut call: Call<Body>) -> Result<Reply, Problem> {
        let (merchant, customer) = (merchant(&call)?, customer(&call)?);
        check_keyed(&mut call)?;
        let key = call.key_print(engine, &merchant);
        let Body { amount, order_reference, description, verification_id, spend_option_id } = call.body;
        let amount = Amount::read(amount)?;
        let reference = text("orderReference", order_reference, REFERENCE_CHARS_MAX)?;
        let reference = reference.ok_or_else(|| field_missing("orderReference"))?;
        let description = text("description", description, TEXT_CHARS_MAX)?;
        let verification = text("verificationId", verification_id, REFERENCE_CHARS_MAX)?;
        let option = credit::option("spendOptionId", spend_option_id.as_deref())?;
        let token = call.lending.sca_token.as_ref().map(|token| ("sca-token", token));
        let proof = match credit::proof(engine, &merchant, &customer, option, token) {
            Ok(proof) => proof,
            // What was asked before is answered as it was, also if its token cannot be opened any more.
            Err(_) if engine.app.was_asked(&merchant, None, key).await? => None,
            Err(problem) => return Err(problem),
        };
        let told = Told {
            verification_id: verification.as_deref(),
            client_session_id: call.lending.client_session.as_deref(),
        };
        let payment = NewPayment {
            amount,
            reference: reference.clone(),
            instrument: Instrument::Credit { customer, option, proof },
            return_url: String::new(),
            act_by: None,
            key,
        };
        credit::check(engine, &merchant, None, &payment).await?;
        let lines = description.map(|text| NewLines { description: Some(text), ..NewLines::default() });
        let details = told.write()?;
        let terms = OrderTerms::new(merchant, reference, amount, engine.tokens.current());
        let terms = OrderTerms { key, lines, details, ..terms };
        let answered = engine.app.pay_single(terms, payment).await?;
        let answered = if answered.payment.is_final() { answered } else { latest(engine, answered).await };
        answer(&answered)
    }
}

impl Told<'_> {
    fn write(&self) -> Result<Option<String>, Problem> {
        if self.verification_id.is_none() && self.client_session_id.is_none() {
            return Ok(None);
        }
        serde_json::to_string(self).map(Some).map_err(|error| {
            tracing::error!(%error, "what is told of an order could not be rendered");
            Problem::new(Code::Internal, "Something went wrong here. It was logged.")
        })
    }
}

/// A payment of which nothing was known when it was first answered, as it is known now: who is told to wait asks again.
async fn latest(engine: &Engine, answered: Answered) -> Answered {
    let version = answered.payment.version;
    match engine.app.inspect(&answered.key).await {
        Ok(order) => match order.payment(version).cloned() {
            Some(payment) => Answered { payment, order, ..answered },
            None => answered,
        },
        // It is still not known.
        Err(_) => answered,
    }
}

fn answer(answered: &Answered) -> Result<Reply, Problem> {
    let (result, decline_reason) = match &answered.payment.resolution {
        Some(Resolution::Authorised) if answered.order.cancellation.is_some() => ("Declined", Some("Cancelled")),
        Some(Resolution::Authorised) => ("Authorised", None),
        Some(Resolution::Refused { reason }) => ("Declined", Some(declined(*reason))),
        Some(Resolution::Cancelled { .. }) => ("Declined", Some("Cancelled")),
        Some(Resolution::Failed) => ("Declined", Some("Error")),
        Some(Resolution::AwaitingShopper { .. } | Resolution::Pending | Resolution::Uncertain) | None => {
            ("Pending", None)
        }
    };
    let status = if result == "Pending" { StatusCode::ACCEPTED } else { StatusCode::OK };
    let authorisation_id = answered.payment_reference().to_uuid().to_string();
    Reply::json(status, None, &Answer { authorisation_id, result, decline_reason })
}

/// Why nothing is held, in this family's words.
pub(super) fn declined(reason: Decline) -> &'static str {
    match reason {
        Decline::NotEnoughBalance => "NotEnoughCredit",
        Decline::NotAuthenticated => "NotAuthenticated",
        Decline::Refused
        | Decline::ExpiredCard
        | Decline::InvalidCardNumber
        | Decline::InvalidCode
        | Decline::CodeTriesExceeded
        | Decline::NotPermitted => "NotPermitted",
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for AuthoriseSpend {
    fn describe() -> api::openapi::Description {
        let pending =
            "It is not known yet whether the amount is held. Asked again with the same idempotency key, it is told.";
        super::of_customer()
            .keyed_by_uuid()
            .sca_token()
            .answer::<Answer>(StatusCode::OK, "Whether the amount is held.")
            .answer::<Answer>(StatusCode::ACCEPTED, pending)
    }
}
