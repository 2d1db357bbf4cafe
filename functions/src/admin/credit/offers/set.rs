//! `PUT /admin/v1/creditProducts/{productCode}/offers/{offerCode}`: makes an offer of a credit product, or changes it.

use api::{Access, Call, Endpoint, Engine, Family, Problem, Reply, Route, clock, field_invalid, field_missing};
use domain::{
    Decimal, Time,
    access::Role,
    credit::{Offer, OfferSource, OfferStatus, SpendType},
    limits::PLAN_MONTHS_MAX,
};
use http::StatusCode;
use serde::Deserialize;

use super::{
    super::{merchant, minor, word},
    OfferView,
};
use crate::{number::Number, orderprocessing::options};

/// Makes an offer of a credit product, or replaces it as a whole: what is left out is what it is by default. What was
/// authorised on it before stays as it was.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct SetCreditOffer;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "SetCreditOfferRequest"))]
pub struct Body {
    /// Its name for people.
    #[cfg_attr(feature = "openapi", schemars(required, length(min = 1, max = domain::limits::CREDIT_TEXT_CHARS_MAX)))]
    name: Option<String>,
    /// What it is.
    #[cfg_attr(feature = "openapi", schemars(length(max = domain::limits::CREDIT_TEXT_CHARS_MAX)))]
    description: Option<String>,
    /// Whether it can be taken; `Active`, if it is not given.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["Active", "Inactive", "Expired", null])))]
    offer_status: Option<String>,
    /// Where it comes from; `Product`, if it is not given.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["Product", "Promotional", null])))]
    offer_source: Option<String>,
    /// How credit is spent on it.
    #[cfg_attr(feature = "openapi", schemars(required, extend("enum" = ["Purchase", "Instalment"])))]
    spend_type: Option<String>,
    /// The nominal annual rate, in percent, with at most four decimals.
    #[cfg_attr(feature = "openapi", schemars(required, with = "Option<f64>", range(min = 0, max = 100)))]
    interest_rate: Option<Number>,
    /// In how many months it is paid back: of an `Instalment`, and of nothing else.
    #[cfg_attr(feature = "openapi", schemars(range(min = 1, max = PLAN_MONTHS_MAX)))]
    duration: Option<i64>,
    /// From when on it cannot be taken any more; never, if it is not given.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Time>"))]
    end_date: Option<String>,
    /// The least that it takes, in minor units of the product's currency; anything, if it is not given.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Minor>"))]
    minimum_amount: Option<i64>,
    /// The most that it takes, in minor units of the product's currency; anything, if it is not given.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Minor>"))]
    maximum_amount: Option<i64>,
    /// What the merchant pays for a settlement, in percent; 0, if it is not given. It is told, and not charged here.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<f64>", range(min = 0, max = 100)))]
    settlement_percentage: Option<Number>,
    /// What the merchant pays for a refund, likewise.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<f64>", range(min = 0, max = 100)))]
    refund_percentage: Option<Number>,
    /// What the merchant pays for a chargeback, likewise.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<f64>", range(min = 0, max = 100)))]
    chargeback_percentage: Option<Number>,
}

impl Endpoint for SetCreditOffer {
    const ROUTE: Route = Route {
        name: "set-credit-offer",
        method: "PUT",
        paths: &["/admin/v1/creditProducts/{productCode}/offers/{offerCode}"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let merchant = merchant(engine, &call).await?;
        let (product, code) = (call.path("productCode").to_owned(), call.path("offerCode").to_owned());
        let offer = offer(code, call.body)?;
        engine.credits.set_offer(&merchant, &product, &offer).await?;
        Reply::json(StatusCode::OK, None, &OfferView::of(engine, &merchant, &product, &offer)?)
    }
}

/// Reads an offer. What its fields may be is for the rules to say; here is what these do not know of.
fn offer(code: String, body: Body) -> Result<Offer, Problem> {
    const STATUSES: [OfferStatus; 3] = [OfferStatus::Active, OfferStatus::Inactive, OfferStatus::Expired];
    const SOURCES: [OfferSource; 2] = [OfferSource::Product, OfferSource::Promotional];
    const SPEND_TYPES: [SpendType; 2] = [SpendType::Purchase, SpendType::Instalment];
    let name = body.name.ok_or_else(|| field_missing("name"))?;
    let status = body.offer_status.map(|text| word("offerStatus", &text, &STATUSES, options::status)).transpose()?;
    let source = body.offer_source.map(|text| word("offerSource", &text, &SOURCES, options::source)).transpose()?;
    let spend_type = body.spend_type.ok_or_else(|| field_missing("spendType"))?;
    let spend_type = word("spendType", &spend_type, &SPEND_TYPES, options::spend_type)?;
    let rate = body.interest_rate.ok_or_else(|| field_missing("interestRate"))?;
    let percentage =
        |field: &str, number: Option<Number>| number.map_or(Ok(Decimal::default()), |number| number.decimal(field));
    Ok(Offer {
        code,
        name,
        description: body.description.unwrap_or_default(),
        status: status.unwrap_or(OfferStatus::Active),
        source: source.unwrap_or(OfferSource::Product),
        spend_type,
        interest_rate: rate.decimal("interestRate")?,
        months: months(spend_type, body.duration)?,
        ends_at: body.end_date.as_deref().map(end).transpose()?,
        least: body.minimum_amount.map_or(Ok(0), |value| minor("minimumAmount", value))?,
        most: body.maximum_amount.map(|value| minor("maximumAmount", value)).transpose()?,
        settlement_percentage: percentage("settlementPercentage", body.settlement_percentage)?,
        refund_percentage: percentage("refundPercentage", body.refund_percentage)?,
        chargeback_percentage: percentage("chargebackPercentage", body.chargeback_percentage)?,
    })
}

fn months(spend_type: SpendType, duration: Option<i64>) -> Result<u16, Problem> {
    const FIELD: &str = "duration";
    match (duration, spend_type) {
        (Some(months), _) => {
            let fits = u16::try_from(months).ok().filter(|months| (1..=PLAN_MONTHS_MAX).contains(months));
            fits.ok_or_else(|| field_invalid(FIELD, &format!("1 to {PLAN_MONTHS_MAX} months"), months))
        }
        (None, SpendType::Instalment) => Err(field_missing(FIELD)),
        (None, SpendType::Purchase) => Ok(0),
    }
}

fn end(text: &str) -> Result<Time, Problem> {
    clock::parse(text).ok_or_else(|| field_invalid("endDate", "a time of ISO 8601", "another text"))
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for SetCreditOffer {
    fn describe() -> api::openapi::Description {
        let text = "The offer's name for programs: letters, digits, '-' and '_', a letter or a digit first.";
        api::openapi::Description::new()
            .path("productCode", "The product's name for programs.")
            .path("offerCode", text)
            .merchant_in_query()
            .answer::<OfferView<'_>>(StatusCode::OK, "The offer as it is now.")
    }
}
