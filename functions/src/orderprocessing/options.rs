//! Spend options: the offers that can be taken, which of them are wanted, and in which order.

use api::{Call, Code, Problem, clock, field_invalid};
use domain::{
    Money, Time,
    credit::{Offer, OfferSource, OfferStatus, Product, SpendType},
};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::money::major;
use crate::number::number;

/// An offer on which credit can be spent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "SpendOption"))]
pub(super) struct OptionView<'a> {
    /// Its name for people.
    name: &'a str,
    /// What it is.
    description: &'a str,
    /// What identifies the offer.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uuid")))]
    offer_id: String,
    /// Its name for programs.
    offer_code: &'a str,
    /// Whether it can be taken.
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
    /// What the customer takes it by: told of a customer only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uuid")))]
    spend_option_id: Option<String>,
    /// In how many months it is paid back; none if it is revolving.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u16>,
    /// What spending the basket's amount on it comes to; none if it is revolving, or no amount was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    illustration: Option<Illustration>,
    /// From when on it cannot be taken any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::Time>"))]
    end_date: Option<String>,
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

/// What spending an amount comes to. An illustration: servicing the loan is the lender's.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "SpendIllustration"))]
struct Illustration {
    /// Each instalment but the last, in major units. The last is what is left, and not more than this.
    #[cfg_attr(feature = "openapi", schemars(with = "f64"))]
    monthly_payment: Box<RawValue>,
    /// The interest in all, in major units.
    #[cfg_attr(feature = "openapi", schemars(with = "f64"))]
    interest_to_pay: Box<RawValue>,
    /// All instalments together, in major units.
    #[cfg_attr(feature = "openapi", schemars(with = "f64"))]
    total_repayable: Box<RawValue>,
}

/// What options are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Instalment,
    Total,
    Rate,
    Duration,
}

/// The words for that.
const ORDERS: [(&str, By); 4] = [
    ("InstalmentPaymentAmount", By::Instalment),
    ("TotalRepayable", By::Total),
    ("InterestRate", By::Rate),
    ("Duration", By::Duration),
];

/// Which options are wanted.
pub(super) struct Wanted {
    amount: Option<Money>,
    promotional: bool,
    zero_percent: bool,
    spend_type: Option<SpendType>,
    by: Option<By>,
}

impl Wanted {
    /// Reads them from the query. A parameter without a value is one that is not given.
    pub(super) fn read<B>(call: &Call<B>, product: &Product) -> Result<Self, Problem> {
        let given = |name: &str| call.query(name).filter(|value| !value.is_empty());
        let flag = |name: &str| match given(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(field_invalid(name, "'true' or 'false'", "another text")),
        };
        let amount = given("basketAmount").map(|text| major("basketAmount", product.currency, text)).transpose()?;
        let spend_type = match given("spendType") {
            None => None,
            Some("Purchase") => Some(SpendType::Purchase),
            Some("Instalment") => Some(SpendType::Instalment),
            Some(_) => return Err(field_invalid("spendType", "'Purchase' or 'Instalment'", "another text")),
        };
        let by = given("orderBy").map(|word| {
            let known = ORDERS.into_iter().find(|(known, _)| *known == word);
            let words = ORDERS.map(|(known, _)| format!("'{known}'")).join(", ");
            known.map(|(_, by)| by).ok_or_else(|| field_invalid("orderBy", &format!("one of {words}"), "another text"))
        });
        let by = by.transpose()?;
        if amount.is_none() && matches!(by, Some(By::Instalment | By::Total)) {
            let message =
                "Required field 'basketAmount' is not provided: without it there are no instalments to order by.";
            return Err(Problem::new(Code::FieldMissing, message).of_field("basketAmount"));
        }
        let (promotional, zero_percent) = (flag("promoOnly")?, flag("zeroPercentOnly")?);
        Ok(Self { amount, promotional, zero_percent, spend_type, by })
    }

    /// The offers of a product that can be taken now, as they are told. `option_id` tells what one is taken by.
    pub(super) fn of<'a>(
        &self,
        product: &'a Product,
        now: Time,
        ids: impl Fn(&Offer) -> (Uuid, Option<Uuid>),
    ) -> Result<Vec<OptionView<'a>>, Problem> {
        let mut offers = product.offers.iter().filter(|offer| self.admits(offer, now)).collect::<Vec<_>>();
        let plan = |offer: &Offer| self.amount.and_then(|amount| offer.plan(amount.minor()));
        // What is revolving has no instalments: it comes last.
        match self.by {
            None => {}
            Some(By::Instalment) => {
                offers.sort_by_key(|offer| plan(offer).map_or((true, 0), |plan| (false, plan.monthly)));
            }
            Some(By::Total) => offers.sort_by_key(|offer| plan(offer).map_or((true, 0), |plan| (false, plan.total))),
            Some(By::Rate) => offers.sort_by_key(|offer| offer.interest_rate),
            Some(By::Duration) => offers.sort_by_key(|offer| (offer.months == 0, offer.months)),
        }
        offers.into_iter().map(|offer| self.view(product, offer, now, ids(offer))).collect()
    }

    fn admits(&self, offer: &Offer, now: Time) -> bool {
        let can_be_taken = match self.amount {
            Some(amount) => offer.check(amount.minor(), now).is_ok(),
            None => offer.status_at(now) == OfferStatus::Active,
        };
        can_be_taken
            && (!self.promotional || offer.source == OfferSource::Promotional)
            && (!self.zero_percent || offer.interest_rate == domain::Decimal::default())
            && self.spend_type.is_none_or(|wanted| offer.spend_type == wanted)
    }

    fn view<'a>(
        &self,
        product: &Product,
        offer: &'a Offer,
        now: Time,
        (offer_id, option_id): (Uuid, Option<Uuid>),
    ) -> Result<OptionView<'a>, Problem> {
        let plan = self.amount.and_then(|amount| offer.plan(amount.minor()));
        let illustration = plan.map(|plan| {
            let of = |minor: u64| {
                let money = product.money(minor).ok_or_else(|| Problem::new(Code::AmountInvalid, "It is too much."))?;
                number(money.to_major())
            };
            let (monthly_payment, interest_to_pay) = (of(plan.monthly)?, of(plan.interest())?);
            Ok::<_, Problem>(Illustration { monthly_payment, interest_to_pay, total_repayable: of(plan.total)? })
        });
        Ok(OptionView {
            name: &offer.name,
            description: &offer.description,
            offer_id: offer_id.to_string(),
            offer_code: &offer.code,
            offer_status: status(offer.status_at(now)),
            offer_source: source(offer.source),
            spend_type: spend_type(offer.spend_type),
            interest_rate: number(offer.interest_rate)?,
            spend_option_id: option_id.map(|id| id.to_string()),
            duration: (offer.months > 0).then_some(offer.months),
            illustration: illustration.transpose()?,
            end_date: offer.ends_at.map(clock::render),
            settlement_percentage: number(offer.settlement_percentage)?,
            refund_percentage: number(offer.refund_percentage)?,
            chargeback_percentage: number(offer.chargeback_percentage)?,
        })
    }
}

/// What this family calls it.
pub(crate) fn status(status: OfferStatus) -> &'static str {
    match status {
        OfferStatus::Active => "Active",
        OfferStatus::Inactive => "Inactive",
        OfferStatus::Expired => "Expired",
    }
}

/// What this family calls it.
pub(crate) fn source(source: OfferSource) -> &'static str {
    match source {
        OfferSource::Product => "Product",
        OfferSource::Promotional => "Promotional",
    }
}

/// What this family calls it.
pub(crate) fn spend_type(spend_type: SpendType) -> &'static str {
    match spend_type {
        SpendType::Purchase => "Purchase",
        SpendType::Instalment => "Instalment",
    }
}

/// The parameters of the query.
#[cfg(feature = "openapi")]
pub(super) fn describe(description: api::openapi::Description) -> api::openapi::Description {
    use schemars::json_schema;
    let orders = ORDERS.map(|(word, _)| word);
    description
        .query(
            "basketAmount",
            "What is to be spent, in major units of the product's currency. Without it there are no illustrations.",
            json_schema!({ "type": "number", "exclusiveMinimum": 0 }),
        )
        .query("promoOnly", "Whether only promotional offers are wanted.", json_schema!({ "type": "boolean" }))
        .query(
            "zeroPercentOnly",
            "Whether only offers without interest are wanted.",
            json_schema!({ "type": "boolean" }),
        )
        .query(
            "spendType",
            "How credit is to be spent.",
            json_schema!({ "type": "string", "enum": ["Purchase", "Instalment"] }),
        )
        .query("orderBy", "What comes first: the least.", json_schema!({ "type": "string", "enum": orders }))
}
