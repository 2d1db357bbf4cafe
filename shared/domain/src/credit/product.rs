//! Credit products, and the offers on which they can be spent.

use serde::{Deserialize, Serialize};

use super::{Plan, Spend};
use crate::{
    Aggregate, Currency, Decimal, Money, Time, Version,
    limits::{CREDIT_CODE_CHARS_MAX, CREDIT_TEXT_CHARS_MAX, OFFERS_PER_PRODUCT_MAX, PLAN_MONTHS_MAX},
};

/// The largest rate, in percent.
const HUNDRED: Decimal = Decimal::whole(100);

/// How credit is spent on an offer (NewDay: `spendType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpendType {
    /// Revolving: it is paid back as the customer likes, without a plan.
    Purchase,
    /// In equal monthly instalments.
    Instalment,
}

/// Whether an offer can be taken (NewDay: `offerStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferStatus {
    /// It can.
    Active,
    /// Not now.
    Inactive,
    /// Not any more.
    Expired,
}

/// Where an offer comes from (NewDay: `offerSource`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferSource {
    /// It comes with the product.
    Product,
    /// It is a promotion.
    Promotional,
}

/// Terms on which credit can be spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Its name for programs, unique in its product.
    pub code: String,
    /// Its name for people.
    pub name: String,
    /// What it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether it can be taken.
    pub status: OfferStatus,
    /// Where it comes from.
    pub source: OfferSource,
    /// How credit is spent on it.
    pub spend_type: SpendType,
    /// The nominal annual rate, in percent.
    pub interest_rate: Decimal,
    /// In how many months it is paid back; 0 if it is revolving.
    #[serde(default)]
    pub months: u16,
    /// From when on it cannot be taken any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Time>,
    /// The least that it takes, in minor units.
    #[serde(default)]
    pub least: u64,
    /// The most that it takes, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u64>,
    /// What the merchant pays for a settlement, in percent: told, and not charged here.
    #[serde(default)]
    pub settlement_percentage: Decimal,
    /// What the merchant pays for a refund, in percent: told, and not charged here.
    #[serde(default)]
    pub refund_percentage: Decimal,
    /// What the merchant pays for a chargeback, in percent: told, and not charged here.
    #[serde(default)]
    pub chargeback_percentage: Decimal,
}

/// Why an offer cannot be taken for an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// It is not on offer now.
    #[error("the offer is inactive")]
    Inactive,
    /// It is not on offer any more.
    #[error("the offer has expired")]
    Expired,
    /// Its amount is less than the offer takes.
    #[error("the offer takes {least} minor units or more, got {actual}")]
    TooLittle {
        /// The least that it takes.
        least: u64,
        /// The amount.
        actual: u64,
    },
    /// Its amount is more than the offer takes.
    #[error("the offer takes at most {most} minor units, got {actual}")]
    TooMuch {
        /// The most that it takes.
        most: u64,
        /// The amount.
        actual: u64,
    },
    /// The amount cannot be shared out among so many instalments.
    #[error("{actual} minor units cannot be paid back in {months} instalments")]
    NoPlan {
        /// How many instalments there are.
        months: u16,
        /// The amount.
        actual: u64,
    },
}

impl Offer {
    /// What spending an amount on it comes to: none if it is revolving.
    #[must_use]
    pub fn plan(&self, minor: u64) -> Option<Plan> {
        match self.spend_type {
            SpendType::Purchase => None,
            SpendType::Instalment => Plan::try_new(minor, self.interest_rate, self.months),
        }
    }

    /// What taking it fixes.
    #[must_use]
    pub fn spend(&self) -> Spend {
        Spend {
            offer: Some(self.code.clone()),
            spend_type: self.spend_type,
            interest_rate: self.interest_rate,
            months: self.months,
            most: self.most,
        }
    }

    /// Whether it has ended.
    #[must_use]
    pub fn status_at(&self, now: Time) -> OfferStatus {
        match self.status {
            OfferStatus::Active if self.ends_at.is_some_and(|end| now >= end) => OfferStatus::Expired,
            status @ (OfferStatus::Active | OfferStatus::Inactive | OfferStatus::Expired) => status,
        }
    }

    /// Whether it can be taken for an amount.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, minor: u64, now: Time) -> Result<(), Unavailable> {
        match self.status_at(now) {
            OfferStatus::Active => {}
            OfferStatus::Inactive => return Err(Unavailable::Inactive),
            OfferStatus::Expired => return Err(Unavailable::Expired),
        }
        if minor < self.least {
            return Err(Unavailable::TooLittle { least: self.least, actual: minor });
        }
        if let Some(most) = self.most.filter(|most| minor > *most) {
            return Err(Unavailable::TooMuch { most, actual: minor });
        }
        if self.spend_type == SpendType::Instalment && self.plan(minor).is_none() {
            return Err(Unavailable::NoPlan { months: self.months, actual: minor });
        }
        Ok(())
    }
}

/// A kind of credit that customers have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Its name for programs, unique in its merchant account.
    pub code: String,
    /// Its name for people.
    pub name: String,
    /// What it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What it is lent in.
    pub currency: Currency,
    /// The last commit folded in.
    pub version: Version,
    /// On what terms it can be spent.
    #[serde(default)]
    pub offers: Vec<Offer>,
}

/// What can happen to a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ProductEvent {
    /// It was made, or named anew.
    ProductSet {
        /// Its name for programs.
        code: String,
        /// Its name for people.
        name: String,
        /// What it is.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        description: String,
        /// What it is lent in: never changed.
        currency: Currency,
    },
    /// An offer was made, or changed.
    OfferSet {
        /// The offer, as it is now.
        offer: Box<Offer>,
    },
}

/// Why a product or an offer is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProductFault {
    /// Customers may have credit of it already.
    #[error("the product is in {expected}, and stays so, got {actual}")]
    OtherCurrency {
        /// What it is lent in.
        expected: Currency,
        /// What came.
        actual: Currency,
    },
    /// There is no room for another offer.
    #[error("a product has at most {OFFERS_PER_PRODUCT_MAX} offers")]
    TooManyOffers,
    /// A field is not what it may be.
    #[error("expected {expected}, got {actual}")]
    Invalid {
        /// Which field of the offer or the product.
        field: &'static str,
        /// What it may be.
        expected: String,
        /// What came.
        actual: String,
    },
    /// Commits of one product are limited.
    #[error("the product was changed too often")]
    Full,
}

/// A code is a name that can be a segment of a path, and a part of a stream's name.
///
/// # Errors
/// [`ProductFault::Invalid`].
pub fn check_code(field: &'static str, code: &str) -> Result<(), ProductFault> {
    let is_name = code.starts_with(|first: char| first.is_ascii_alphanumeric())
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if is_name && code.len() <= CREDIT_CODE_CHARS_MAX {
        return Ok(());
    }
    let expected = format!("1 to {CREDIT_CODE_CHARS_MAX} letters, digits, '-' and '_', a letter or a digit first");
    Err(ProductFault::Invalid { field, expected, actual: format!("{} characters", code.chars().count()) })
}

fn check_text(field: &'static str, text: &str, least: usize) -> Result<(), ProductFault> {
    let chars = text.chars().count();
    if !(least..=CREDIT_TEXT_CHARS_MAX).contains(&chars) {
        let expected = format!("{least} to {CREDIT_TEXT_CHARS_MAX} characters");
        return Err(ProductFault::Invalid { field, expected, actual: chars.to_string() });
    }
    if text.chars().any(char::is_control) {
        let expected = "text without control characters".to_owned();
        return Err(ProductFault::Invalid { field, expected, actual: "some".to_owned() });
    }
    Ok(())
}

fn check_percentage(field: &'static str, percentage: Decimal, most: Decimal) -> Result<(), ProductFault> {
    if percentage <= most {
        return Ok(());
    }
    let expected = format!("0 to {most} percent");
    Err(ProductFault::Invalid { field, expected, actual: percentage.to_string() })
}

impl Offer {
    /// Whether its fields are what they may be, and fit each other.
    ///
    /// # Errors
    /// [`ProductFault::Invalid`].
    pub fn check_fields(&self) -> Result<(), ProductFault> {
        check_code("offerCode", &self.code)?;
        check_text("name", &self.name, 1)?;
        check_text("description", &self.description, 0)?;
        check_percentage("interestRate", self.interest_rate, HUNDRED)?;
        check_percentage("settlementPercentage", self.settlement_percentage, HUNDRED)?;
        check_percentage("refundPercentage", self.refund_percentage, HUNDRED)?;
        check_percentage("chargebackPercentage", self.chargeback_percentage, HUNDRED)?;
        let (expected, fits) = match self.spend_type {
            SpendType::Purchase => ("none, as it is revolving".to_owned(), self.months == 0),
            SpendType::Instalment => {
                (format!("1 to {PLAN_MONTHS_MAX} months"), (1..=PLAN_MONTHS_MAX).contains(&self.months))
            }
        };
        if !fits {
            return Err(ProductFault::Invalid { field: "duration", expected, actual: self.months.to_string() });
        }
        if let Some(most) = self.most.filter(|most| *most < self.least) {
            let expected = format!("at least 'minimumAmount', {}", self.least);
            return Err(ProductFault::Invalid { field: "maximumAmount", expected, actual: most.to_string() });
        }
        Ok(())
    }
}

impl Product {
    /// Makes a product, or names it anew. None if it is so already.
    ///
    /// # Errors
    /// [`ProductFault`].
    pub fn set(
        known: Option<&Self>,
        code: &str,
        name: &str,
        description: &str,
        currency: Currency,
    ) -> Result<Option<ProductEvent>, ProductFault> {
        check_code("productCode", code)?;
        check_text("name", name, 1)?;
        check_text("description", description, 0)?;
        if let Some(known) = known {
            if known.currency != currency {
                return Err(ProductFault::OtherCurrency { expected: known.currency, actual: currency });
            }
            if known.name == name && known.description == description {
                return Ok(None);
            }
            known.check_room()?;
        }
        let (code, name, description) = (code.to_owned(), name.to_owned(), description.to_owned());
        Ok(Some(ProductEvent::ProductSet { code, name, description, currency }))
    }

    /// Makes an offer, or changes it. None if it is so already.
    ///
    /// # Errors
    /// [`ProductFault`].
    pub fn set_offer(&self, offer: &Offer) -> Result<Option<ProductEvent>, ProductFault> {
        offer.check_fields()?;
        match self.offer(&offer.code) {
            Some(known) if known == offer => return Ok(None),
            Some(_) => {}
            None if self.offers.len() >= OFFERS_PER_PRODUCT_MAX => return Err(ProductFault::TooManyOffers),
            None => {}
        }
        self.check_room()?;
        Ok(Some(ProductEvent::OfferSet { offer: Box::new(offer.clone()) }))
    }

    /// An offer, by its code.
    #[must_use]
    pub fn offer(&self, code: &str) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.code == code)
    }

    /// An amount of what it is lent in.
    #[must_use]
    pub fn money(&self, minor: u64) -> Option<Money> {
        Money::try_new(self.currency, minor).ok()
    }

    fn check_room(&self) -> Result<(), ProductFault> {
        if self.version.is_near_end() { Err(ProductFault::Full) } else { Ok(()) }
    }
}

impl Aggregate for Product {
    type Event = ProductEvent;

    fn evolve(state: Option<Self>, event: &ProductEvent, version: Version, _: Time) -> Option<Self> {
        match (state, event) {
            (Some(known), ProductEvent::ProductSet { name, description, .. }) => {
                Some(Self { name: name.clone(), description: description.clone(), version, ..known })
            }
            (None, ProductEvent::ProductSet { code, name, description, currency }) => Some(Self {
                code: code.clone(),
                name: name.clone(),
                description: description.clone(),
                currency: *currency,
                version,
                offers: Vec::new(),
            }),
            (None, ProductEvent::OfferSet { .. }) => None,
            (Some(mut product), ProductEvent::OfferSet { offer }) => {
                product.version = version;
                match product.offers.iter_mut().find(|known| known.code == offer.code) {
                    Some(known) => known.clone_from(offer),
                    None => product.offers.push((**offer).clone()),
                }
                Some(product)
            }
        }
    }
}
