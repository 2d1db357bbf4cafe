//! Offers of credit products.

pub mod set;

use api::{Engine, Problem, clock};
use domain::{MerchantAccount, credit::Offer};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{number::number, orderprocessing::options};

/// Terms on which credit of a product can be spent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreditOffer"))]
pub(super) struct OfferView<'a> {
    /// What identifies it.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uuid")))]
    offer_id: String,
    /// Its name for programs.
    offer_code: &'a str,
    /// Its name for people.
    name: &'a str,
    /// What it is.
    description: &'a str,
    /// Whether it can be taken, as it was set: one whose `endDate` has come cannot be taken whatever this says.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["Active", "Inactive", "Expired"])))]
    offer_status: &'static str,
    /// Where it comes from.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["Product", "Promotional"])))]
    offer_source: &'static str,
    /// How credit is spent on it.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["Purchase", "Instalment"])))]
    spend_type: &'static str,
    /// The nominal annual rate, in percent.
    #[cfg_attr(feature = "openapi", schemars(with = "f64"))]
    interest_rate: Box<RawValue>,
    /// In how many months it is paid back; none if it is revolving.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u16>,
    /// From when on it cannot be taken any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Time>"))]
    end_date: Option<String>,
    /// The least that it takes, in minor units of the product's currency.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Minor"))]
    minimum_amount: u64,
    /// The most that it takes, in minor units of the product's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Minor>"))]
    maximum_amount: Option<u64>,
    /// What the merchant pays for a settlement, in percent.
    #[cfg_attr(feature = "openapi", schemars(with = "f64"))]
    settlement_percentage: Box<RawValue>,
    /// What the merchant pays for a refund, in percent.
    #[cfg_attr(feature = "openapi", schemars(with = "f64"))]
    refund_percentage: Box<RawValue>,
    /// What the merchant pays for a chargeback, in percent.
    #[cfg_attr(feature = "openapi", schemars(with = "f64"))]
    chargeback_percentage: Box<RawValue>,
}

impl<'a> OfferView<'a> {
    pub(super) fn of(
        engine: &Engine,
        merchant: &MerchantAccount,
        product: &str,
        offer: &'a Offer,
    ) -> Result<Self, Problem> {
        Ok(Self {
            offer_id: engine.credits.offer_id(merchant, product, &offer.code).to_string(),
            offer_code: &offer.code,
            name: &offer.name,
            description: &offer.description,
            offer_status: options::status(offer.status),
            offer_source: options::source(offer.source),
            spend_type: options::spend_type(offer.spend_type),
            interest_rate: number(offer.interest_rate)?,
            duration: (offer.months > 0).then_some(offer.months),
            end_date: offer.ends_at.map(clock::render),
            minimum_amount: offer.least,
            maximum_amount: offer.most,
            settlement_percentage: number(offer.settlement_percentage)?,
            refund_percentage: number(offer.refund_percentage)?,
            chargeback_percentage: number(offer.chargeback_percentage)?,
        })
    }
}
