//! `GET /admin/v1/giftCards/{number}`: a gift card's balance, holds and movements.

use api::{Access, Call, Code, Endpoint, Engine, Family, NoBody, Problem, Reply, Route, clock};
use domain::{
    Account, Action, Money, Reference,
    access::Role,
    account::{Hold, Movement},
    reference::LegReference,
};
use http::StatusCode;
use serde::Serialize;

/// A gift card's balance, holds and movements.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GetGiftCard;

/// A gift card.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "GiftCard"))]
struct GiftCardView<'a> {
    /// Its brand.
    brand: &'a str,
    /// The last four digits of its number.
    last_four: &'a str,
    /// What can be spent.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    balance: Money,
    /// What is held for payments.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    held: Money,
    /// What was on it at first.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    issued: Money,
    /// When it was issued.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    issued_at: String,
    /// What is held for payments, and what became of it.
    holds: Vec<HoldView>,
    /// Everything that happened to it, oldest first.
    movements: Vec<MovementView>,
}

/// What is held of a gift card for one payment.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "GiftCardHold"))]
struct HoldView {
    /// The payment.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Reference"))]
    payment_psp_reference: Reference,
    /// What was held for it.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    amount: Money,
    /// What still is.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    held: Money,
    /// What was captured.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    settled: Money,
    /// What was voided.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    released: Money,
    /// What was refunded.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    refunded: Money,
}

/// Something that happened to a gift card.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "GiftCardMovement"))]
struct MovementView {
    /// When.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Time"))]
    at: String,
    /// What happened.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["hold", "settle", "release", "refund", "increase"])))]
    kind: &'static str,
    /// How much.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Money"))]
    amount: Money,
    /// The payment.
    #[cfg_attr(feature = "openapi", schemars(with = "::webhooks::schema::Reference"))]
    payment_psp_reference: Reference,
    /// What it was done for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<::webhooks::schema::LegReference>"))]
    reference: Option<LegReference>,
}

impl Endpoint for GetGiftCard {
    const ROUTE: Route = Route {
        name: "get-gift-card",
        method: "GET",
        paths: &["/admin/v1/giftCards/{number}"],
        family: Family::Admin,
        access: Access::Role(Role::Admin),
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let merchant = call.merchant_in_query()?;
        let account = engine.accounts.find(&merchant, &call.path("number").into()).await?;
        let account = account.ok_or_else(|| Problem::new(Code::NotFound, "There is no gift card of this number."))?;
        Reply::json(StatusCode::OK, None, &view(&account))
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GetGiftCard {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .path("number", "The gift card's number.")
            .merchant_in_query()
            .answer::<GiftCardView<'_>>(StatusCode::OK, "The gift card.")
    }
}

fn view(account: &Account) -> GiftCardView<'_> {
    let amount = |minor| account.issued.with_minor(minor);
    let hold = |hold: &Hold| HoldView {
        payment_psp_reference: hold.payment,
        amount: amount(hold.tally.authorised),
        held: amount(hold.tally.capturable()),
        settled: amount(hold.tally.captured),
        released: amount(hold.tally.voided),
        refunded: amount(hold.tally.refunded),
    };
    let movement = |movement: &Movement| MovementView {
        at: clock::render(movement.at),
        kind: match movement.action {
            None => "hold",
            Some(Action::Capture) => "settle",
            Some(Action::Void) => "release",
            Some(Action::Refund) => "refund",
            Some(Action::Increase) => "increase",
        },
        amount: amount(movement.amount),
        payment_psp_reference: movement.payment,
        reference: movement.leg,
    };
    GiftCardView {
        brand: &account.brand,
        last_four: &account.last4,
        balance: amount(account.available()),
        held: amount(account.held()),
        issued: account.issued,
        issued_at: clock::render(account.issued_at),
        holds: account.holds.iter().map(hold).collect(),
        movements: account.movements.iter().map(movement).collect(),
    }
}
