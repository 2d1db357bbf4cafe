//! `PUT /admin/v1/creditSettings`: sets what a merchant account has agreed on with its lender.

use api::{Access, Call, Code, Endpoint, Engine, Family, Object, Problem, Reply, Route, field_invalid, field_missing};
use domain::{
    access::Role,
    credit::{Exemption, Settings},
};
use http::StatusCode;
use serde::Deserialize;

use super::{super::merchant, SettingsView};
use crate::checkout::wire::Amount;

/// Sets what a merchant account has agreed on with its lender. All of it is replaced: what is left out is what it is by
/// default.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct SetCreditSettings;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "SetCreditSettingsRequest"))]
pub struct Body {
    /// Whether an authorisation may be settled in part by the orderprocessing family; not, if it is not given.
    partial_settle: Option<bool>,
    /// Whether an authorisation may be reversed in part by the orderprocessing family; not, if it is not given.
    partial_reverse: Option<bool>,
    /// Whether a transaction may be refunded in part by the orderprocessing family; not, if it is not given.
    partial_refund: Option<bool>,
    /// Whether customers have to authenticate, but for exemptions; they have to, if it is not given.
    authentication: Option<bool>,
    /// Up to where they need not: at most one for each currency. None, if they are not given.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<Vec<ExemptionBody>>", length(max = domain::limits::EXEMPTIONS_MAX)))]
    exemptions: Option<Vec<Object<ExemptionBody>>>,
}

/// Spends that need no authentication.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreditExemptionRequest"))]
struct ExemptionBody {
    /// They are less than this.
    #[cfg_attr(feature = "openapi", schemars(with = "Amount"))]
    below: Option<Object<Amount>>,
    /// So many in a row, since the customer last authenticated.
    #[cfg_attr(feature = "openapi", schemars(required, range(min = 1, max = u8::MAX)))]
    in_a_row: Option<i64>,
}

impl Endpoint for SetCreditSettings {
    const ROUTE: Route = Route {
        name: "set-credit-settings",
        method: "PUT",
        paths: &["/admin/v1/creditSettings"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let merchant = merchant(engine, &call).await?;
        let settings = settings(call.body)?;
        let settings = engine.credits.set_settings(&merchant, &settings).await?;
        Reply::json(StatusCode::OK, None, &SettingsView::of(&settings))
    }
}

fn settings(body: Body) -> Result<Settings, Problem> {
    let default = Settings::default();
    let exemptions = body.exemptions.unwrap_or_default().into_iter().enumerate();
    Ok(Settings {
        is_settled_in_part: body.partial_settle.unwrap_or(default.is_settled_in_part),
        is_reversed_in_part: body.partial_reverse.unwrap_or(default.is_reversed_in_part),
        is_refunded_in_part: body.partial_refund.unwrap_or(default.is_refunded_in_part),
        is_authenticated: body.authentication.unwrap_or(default.is_authenticated),
        exemptions: exemptions.map(|(index, Object(body))| exemption(index, body)).collect::<Result<_, _>>()?,
    })
}

fn exemption(index: usize, body: ExemptionBody) -> Result<Exemption, Problem> {
    let (of_below, of_row) = (format!("exemptions[{index}].below"), format!("exemptions[{index}].inARow"));
    let below = Amount::read_as(&of_below, body.below)?;
    if below.minor() == 0 {
        let message = format!("Field '{of_below}.value' is not valid: expected more than 0 minor units, got 0.");
        return Err(Problem::new(Code::AmountInvalid, message).of_field(&format!("{of_below}.value")));
    }
    let in_a_row = body.in_a_row.ok_or_else(|| field_missing(&of_row))?;
    let fits = u8::try_from(in_a_row).ok().filter(|in_a_row| *in_a_row > 0);
    let in_a_row = fits.ok_or_else(|| field_invalid(&of_row, &format!("1 to {}", u8::MAX), in_a_row))?;
    Ok(Exemption { below, in_a_row })
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for SetCreditSettings {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .merchant_in_query()
            .answer::<SettingsView>(StatusCode::OK, "What was agreed on, as it is now.")
    }
}
