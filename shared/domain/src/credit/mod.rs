//! Credit: what a customer may spend of a lender's money, on which terms, and who has to prove it is them.
//!
//! The money itself is an [`Account`](crate::Account): its limit, its holds, what was settled and given back. Here is what
//! it is offered on: [`Product`]s with their [`Offer`]s, the instalment [`Plan`] of a spend, and a merchant account's
//! [`Settings`]. Interest and plan are illustrations, fixed when a spend is authorised; the loan is served elsewhere.

pub mod plan;
pub mod product;
pub mod settings;
pub mod spend;

pub use plan::Plan;
pub use product::{
    Offer, OfferSource, OfferStatus, Product, ProductEvent, ProductFault, SpendType, Unavailable, check_code,
};
pub use settings::{Exemption, Settings, SettingsEvent, SettingsFault};
pub use spend::{Challenge, Credit, Proof, ProofFault, Proved, Spend, Standing};
