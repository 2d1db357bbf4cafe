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
pub struct GetGiftCard;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GiftCardView<'a> {
    brand: &'a str,
    last_four: &'a str,
    balance: Money,
    held: Money,
    issued: Money,
    issued_at: String,
    holds: Vec<HoldView>,
    movements: Vec<MovementView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HoldView {
    payment_psp_reference: Reference,
    amount: Money,
    held: Money,
    settled: Money,
    released: Money,
    refunded: Money,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MovementView {
    at: String,
    #[serde(rename = "type")]
    kind: &'static str,
    amount: Money,
    payment_psp_reference: Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
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
