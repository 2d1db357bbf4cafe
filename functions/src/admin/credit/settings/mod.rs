//! What a merchant account has agreed on with its lender.

pub mod get;
pub mod set;

use domain::{
    Money,
    credit::{Exemption, Settings},
};
use serde::Serialize;

/// What a merchant account has agreed on with its lender.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreditSettings"))]
struct SettingsView {
    /// Whether an authorisation may be settled in part.
    partial_settle: bool,
    /// Whether an authorisation may be reversed in part.
    partial_reverse: bool,
    /// Whether a transaction may be refunded in part.
    partial_refund: bool,
    /// Whether customers have to authenticate, but for exemptions.
    authentication: bool,
    /// Up to where they need not.
    exemptions: Vec<ExemptionView>,
}

/// Spends that need no authentication.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreditExemption"))]
struct ExemptionView {
    /// They are less than this.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    below: Money,
    /// So many in a row, since the customer last authenticated.
    in_a_row: u8,
}

impl SettingsView {
    fn of(settings: &Settings) -> Self {
        let exemption = |exemption: &Exemption| ExemptionView { below: exemption.below, in_a_row: exemption.in_a_row };
        Self {
            partial_settle: settings.is_settled_in_part,
            partial_reverse: settings.is_reversed_in_part,
            partial_refund: settings.is_refunded_in_part,
            authentication: settings.is_authenticated,
            exemptions: settings.exemptions.iter().map(exemption).collect(),
        }
    }
}
