//! Customers who have credit.

pub mod get;
pub mod set;

use api::{Call, Problem, clock};
use domain::{
    Account, Action, Money, Reference,
    account::{Hold, Movement},
    credit::{Plan, Spend},
    reference::LegReference,
};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    number::number,
    orderprocessing::{credit::check_customer, options},
};

/// A customer's credit: the limit is what is available, held and outstanding together.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreditCustomer"))]
struct CustomerView<'a> {
    /// The merchant's name for the customer.
    customer_ref: &'a str,
    /// The product that the credit is of.
    product_code: &'a str,
    /// How much may be spent.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    limit: Money,
    /// What of it is neither held nor spent.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    available: Money,
    /// What is authorised, and neither settled nor reversed.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    held: Money,
    /// What was settled, and not refunded.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    outstanding: Money,
    /// When the customer was given credit.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    opened_at: String,
    /// What was authorised, oldest first, and what became of it.
    authorisations: Vec<AuthorisationView>,
    /// Everything that moved, oldest first.
    movements: Vec<MovementView>,
}

/// What was authorised of a customer's credit by one payment.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreditAuthorisation"))]
struct AuthorisationView {
    /// What it is settled and reversed by, in the orderprocessing family.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uuid")))]
    authorisation_id: String,
    /// The payment, as other families name it.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Reference"))]
    payment_psp_reference: Reference,
    /// What was authorised, with what was added to it.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    authorised: Money,
    /// What of it is neither settled nor reversed.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    held: Money,
    /// What was settled.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    settled: Money,
    /// What was reversed.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    reversed: Money,
    /// What of the settled was refunded.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    refunded: Money,
    /// On which terms.
    terms: TermsView,
    /// In which instalments it is paid back; none if it is revolving, all of it was reversed, or what is left cannot be
    /// paid back in so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    instalment_plan: Option<PlanView>,
}

/// The terms that a spend was authorised on. They stay, whatever becomes of the offer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreditTerms"))]
struct TermsView {
    /// The offer; none for revolving credit without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    offer_code: Option<String>,
    /// How credit is spent.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["Purchase", "Instalment"])))]
    spend_type: &'static str,
    /// The nominal annual rate, in percent.
    #[cfg_attr(feature = "openapi", schemars(with = "f64"))]
    interest_rate: Box<RawValue>,
    /// In how many months it is paid back; none if it is revolving.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u16>,
}

/// The instalments of what was authorised and not reversed. An illustration: servicing the loan is the lender's.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreditInstalmentPlan"))]
struct PlanView {
    /// What is paid back, without the interest.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    amount: Money,
    /// Each instalment but the last.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    monthly_payment: Money,
    /// The last.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    last_payment: Money,
    /// The interest in all.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    interest: Money,
    /// All instalments together.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    total: Money,
}

/// Something that moved of a customer's credit.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "CreditMovement"))]
struct MovementView {
    /// When.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    at: String,
    /// What happened.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["authorise", "adjust", "settle", "reverse", "refund"])))]
    kind: &'static str,
    /// With how much; of an adjustment, how much more was authorised.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    amount: Money,
    /// The authorisation.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uuid")))]
    authorisation_id: String,
    /// What it was done for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::LegReference>"))]
    reference: Option<LegReference>,
}

/// The customer that the path names.
fn customer<B>(call: &Call<B>) -> Result<&str, Problem> {
    const FIELD: &str = "customerRef";
    let customer = call.path(FIELD);
    check_customer(FIELD, customer)?;
    Ok(customer)
}

impl<'a> CustomerView<'a> {
    fn of(customer: &'a str, account: &'a Account) -> Result<Self, Problem> {
        let amount = |minor| account.issued.with_minor(minor);
        let authorisations = account.holds.iter().map(|hold| AuthorisationView::of(hold, amount));
        Ok(Self {
            customer_ref: customer,
            product_code: &account.brand,
            limit: account.issued,
            available: amount(account.available()),
            held: amount(account.held()),
            outstanding: amount(account.outstanding()),
            opened_at: clock::render(account.issued_at),
            authorisations: authorisations.collect::<Result<_, _>>()?,
            movements: account.movements.iter().map(|movement| MovementView::of(movement, amount)).collect(),
        })
    }
}

impl AuthorisationView {
    fn of(hold: &Hold, amount: impl Fn(u64) -> Money) -> Result<Self, Problem> {
        let revolving = Spend::revolving();
        let (tally, spend) = (&hold.tally, hold.spend.as_deref().unwrap_or(&revolving));
        let plan = spend.plan(tally.authorised.saturating_sub(tally.voided));
        Ok(Self {
            authorisation_id: hold.payment.to_uuid().to_string(),
            payment_psp_reference: hold.payment,
            authorised: amount(tally.authorised),
            held: amount(tally.capturable()),
            settled: amount(tally.captured),
            reversed: amount(tally.voided),
            refunded: amount(tally.refunded),
            terms: TermsView::of(spend)?,
            instalment_plan: plan.map(|plan| PlanView::of(&plan, amount)),
        })
    }
}

impl TermsView {
    fn of(spend: &Spend) -> Result<Self, Problem> {
        Ok(Self {
            offer_code: spend.offer.clone(),
            spend_type: options::spend_type(spend.spend_type),
            interest_rate: number(spend.interest_rate)?,
            duration: (spend.months > 0).then_some(spend.months),
        })
    }
}

impl PlanView {
    fn of(plan: &Plan, amount: impl Fn(u64) -> Money) -> Self {
        Self {
            amount: amount(plan.amount),
            monthly_payment: amount(plan.monthly),
            last_payment: amount(plan.last),
            interest: amount(plan.interest()),
            total: amount(plan.total),
        }
    }
}

impl MovementView {
    fn of(movement: &Movement, amount: impl Fn(u64) -> Money) -> Self {
        Self {
            at: clock::render(movement.at),
            kind: match movement.action {
                None => "authorise",
                Some(Action::Increase) => "adjust",
                Some(Action::Capture) => "settle",
                Some(Action::Void) => "reverse",
                Some(Action::Refund) => "refund",
            },
            amount: amount(movement.amount),
            authorisation_id: movement.payment.to_uuid().to_string(),
            reference: movement.leg,
        }
    }
}
