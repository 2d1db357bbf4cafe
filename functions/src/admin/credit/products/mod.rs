//! Credit products.

pub mod get;
pub mod set;

use api::{Engine, Problem};
use domain::{Currency, MerchantAccount, credit::Product};
use serde::Serialize;

use super::offers::OfferView;

/// A credit product.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreditProduct"))]
struct ProductView<'a> {
    /// Its name for programs.
    product_code: &'a str,
    /// Its name for people.
    name: &'a str,
    /// What it is.
    description: &'a str,
    /// What it is lent in.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Currency"))]
    currency: Currency,
    /// On what terms it can be spent, in the order in which they were made.
    offers: Vec<OfferView<'a>>,
}

impl<'a> ProductView<'a> {
    fn of(engine: &Engine, merchant: &MerchantAccount, product: &'a Product) -> Result<Self, Problem> {
        let offers = product.offers.iter().map(|offer| OfferView::of(engine, merchant, &product.code, offer));
        Ok(Self {
            product_code: &product.code,
            name: &product.name,
            description: &product.description,
            currency: product.currency,
            offers: offers.collect::<Result<_, _>>()?,
        })
    }
}
