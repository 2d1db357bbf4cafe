//! Operations at once: together they never move more than there is.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{
    payments::{Till, amounts, booked, held},
    shop::{Answer, Shop},
};

use super::{VISA, example, of, problem, with};

/// What was refused at once, because there is not enough left of it; or because too many came at once, who then has
/// to come again. Nothing was done of either.
fn is_refused(answer: &Answer) -> bool {
    let codes = ["amount_not_available", "nothing_available"];
    let (status, code) = problem(answer);
    (status, code.as_str()) == (409, "contended") || (status == 422 && codes.contains(&code.as_str()))
}

/// The names of the operations that are there.
fn named<'p>(payment: &'p Value, kinds: &[&str]) -> BTreeSet<&'p str> {
    let operations = kinds.iter().flat_map(|kind| payment[kind].as_array().unwrap());
    operations.filter_map(|operation| operation["merchant_reference"].as_str()).collect()
}

/// What the transactions of a partner that succeeded come to.
fn moved(payment: &Value, kind: &str, partner: &str) -> u64 {
    let operations = payment[kind].as_array().unwrap().iter();
    let transactions = operations.flat_map(|operation| operation["partner_transactions"].as_array().unwrap());
    let transactions = transactions.filter(|told| told["partner"] == partner && told["status"] == "SUCCESS");
    transactions.map(|told| told["amount"].as_u64().unwrap()).sum()
}

/// The partners' own books say of a payment what it says itself.
async fn is_what_the_partners_say(shop: &Shop, payment: &Value, illicado: &Value) {
    let of = |partner| ["captures", "voids", "refunds"].map(|kind| moved(payment, kind, partner));
    let [captured, voided, refunded] = of("illicado");
    assert_eq!(held(shop, illicado).await, [2_000 - captured - voided, captured, voided, refunded]);
    let book = booked(shop, &payment["authorization"]["partner_transactions"][1]).await;
    assert_eq!([book.captured, book.voided, book.refunded], of("sandbox"));
}

async fn many_captures_and_refunds_at_once_never_move_more_than_there_is(shop: &Shop) {
    for _ in 0..4 {
        let till = Till::open(shop).await;
        let (id, illicado) = example(&till, VISA).await;
        till.operate(&id, "captures", &of(3_000)).await;
        let asked = (0..32).map(|number| {
            let (what, amount) = if number % 2 == 0 { ("captures", 800) } else { ("refunds", 900) };
            let body = with(of(amount), &json!({ "merchant_reference": format!("{what} {number}") }));
            let (till, id) = (&till, &id);
            async move { (format!("{what} {number}"), till.ask(id, what, &body).await) }
        });
        let answers = join_all(asked).await;
        let (taken, refused) = answers.iter().partition::<Vec<_>, _>(|(_, answer)| answer.status == 200);
        assert!(refused.iter().all(|(_, answer)| is_refused(answer)), "{refused:?}");
        let paid = till.payment(&id).await;
        let taken = taken.iter().map(|(name, _)| name.as_str()).collect::<BTreeSet<_>>();
        assert_eq!(named(&paid, &["captures", "refunds"]), taken, "what was taken is there, and nothing else");
        let [_, authorised, captured, capturable, refunded, refundable, ..] = amounts(&paid);
        let of_kind = |kind: &str| taken.iter().filter(|name| name.starts_with(kind)).count() as u64;
        assert_eq!((captured, refunded), (3_000 + 800 * of_kind("captures"), 900 * of_kind("refunds")));
        assert!(captured <= authorised && refunded <= captured, "{paid:#}");
        assert_eq!((capturable, refundable), (authorised - captured, captured - refunded));
        is_what_the_partners_say(shop, &paid, &illicado).await;
    }
}

async fn of_many_operations_at_once_over_everything_one_is_done(shop: &Shop) {
    let till = Till::open(shop).await;
    for kinds in [&["captures"][..], &["voids"], &["captures", "voids"]] {
        let (id, illicado) = example(&till, VISA).await;
        let everything = json!({});
        let answers = join_all((0..16).map(|number| till.ask(&id, kinds[number % kinds.len()], &everything))).await;
        let (taken, refused) = answers.iter().partition::<Vec<_>, _>(|answer| answer.status == 200);
        assert!(refused.iter().all(|answer| is_refused(answer)), "{refused:?}");
        assert_eq!(taken.len(), 1, "{kinds:?}");
        let paid = till.payment(&id).await;
        assert_eq!((amounts(&paid)[2] + amounts(&paid)[6], amounts(&paid)[3]), (12_000, 0));
        is_what_the_partners_say(shop, &paid, &illicado).await;
    }
}

crate::on_both_stores!(
    many_captures_and_refunds_at_once_never_move_more_than_there_is,
    of_many_operations_at_once_over_everything_one_is_done,
);
