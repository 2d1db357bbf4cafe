//! One call moves money over all the parts of a payment: which parts, how much of each, and what is left then.

use serde_json::{Value, json};
use tests::{
    payments::{Till, amounts, balanced, booked, checkout_order, held, issue, last, links, overview, path, pay},
    payments::{session_in, session_of},
    shop::{Shop, card},
};

use super::{MASTERCARD, VISA, example, of, problem, with};

const ALL_LINKS: [&str; 3] = ["capture", "refund", "void"];

async fn a_capture_takes_gift_cards_first_and_a_refund_cards_first(shop: &Shop) {
    let till = Till::open(shop).await;
    let (id, illicado) = example(&till, VISA).await;
    let paid = till.payment(&id).await;
    assert_eq!(amounts(&paid), [0, 12_000, 0, 12_000, 0, 0, 0, 12_000]);
    assert_eq!((overview(&paid), links(&paid)), (["NOT"; 4], vec!["capture", "void"]));
    let split = json!([
        { "partner": "illicado", "method": "giftcard", "amount": 2_000 },
        { "partner": "sandbox", "method": "creditcard", "amount": 10_000 },
    ]);
    assert_eq!((&paid["split"], &paid["authorization"]["status"]), (&split, &json!("AUTHORIZED")));

    let captured = till.operate(&id, "captures", &of(6_000)).await;
    let parts = vec![("illicado", 2_000, "SUCCESS"), ("sandbox", 4_000, "SUCCESS")];
    assert_eq!(last(&captured, "captures"), ("SUCCESS", parts));
    assert_eq!(amounts(&captured), [0, 12_000, 6_000, 6_000, 0, 6_000, 0, 6_000]);
    assert_eq!(overview(&captured), ["PARTIALLY", "PARTIALLY", "NOT", "NOT"]);
    assert_eq!(links(&captured), ALL_LINKS);

    let refunded = till.operate(&id, "refunds", &of(5_000)).await;
    let parts = vec![("sandbox", 4_000, "SUCCESS"), ("illicado", 1_000, "SUCCESS")];
    assert_eq!(last(&refunded, "refunds"), ("SUCCESS", parts));
    assert_eq!(amounts(&refunded), [0, 12_000, 6_000, 6_000, 5_000, 1_000, 0, 6_000]);
    assert_eq!(overview(&refunded), ["PARTIALLY", "PARTIALLY", "NOT", "PARTIALLY"]);
    assert_eq!(links(&refunded), ALL_LINKS);
    assert_eq!(refunded, till.payment(&id).await);

    // The partners' own books say the same.
    assert_eq!(held(shop, &illicado).await, [0, 2_000, 0, 1_000]);
    let book = booked(shop, &refunded["authorization"]["partner_transactions"][1]).await;
    assert_eq!((book.captured, book.refunded, book.voided), (4_000, 4_000, 0));
}

/// The list of the family's documents: cards, then whatever is none of the list, then Illicado.
fn illicado_last() -> Value {
    json!({ "priorities": [
        { "partner": "*", "method": "creditcard" },
        { "partner": "*", "method": "*" },
        { "partner": "illicado", "method": "*" },
    ] })
}

async fn a_list_of_priorities_is_followed(shop: &Shop) {
    let till = Till::open(shop).await;
    // Illicado was used first, and a gift card of another issuer last.
    let (illicado, givex) = (issue(shop, "illicado", "EUR", 2_000).await, issue(shop, "givex", "EUR", 3_000).await);
    let parts = [(2_000, illicado), (7_000, card(VISA)), (3_000, givex)];
    let id = till.sell(&session_of(12_000), &parts).await;
    let told = |what: &'static str, amount| {
        let body = with(illicado_last(), &of(amount));
        let (till, id) = (&till, &id);
        async move {
            let done = till.operate(id, what, &body).await;
            let (status, parts) = last(&done, what);
            let parts = parts.into_iter().map(|(partner, amount, _)| (partner.to_owned(), amount)).collect::<Vec<_>>();
            (status.to_owned(), parts)
        }
    };
    let success = |parts: &[(&str, u64)]| {
        let parts = parts.iter().map(|(partner, amount)| ((*partner).to_owned(), *amount)).collect::<Vec<_>>();
        ("SUCCESS".to_owned(), parts)
    };
    assert_eq!(told("captures", 6_000).await, success(&[("sandbox", 6_000)]));
    assert_eq!(told("captures", 3_000).await, success(&[("sandbox", 1_000), ("givex", 2_000)]));
    assert_eq!(told("captures", 2_000).await, success(&[("givex", 1_000), ("illicado", 1_000)]));
    assert_eq!(told("refunds", 9_500).await, success(&[("sandbox", 7_000), ("givex", 2_500)]));
    assert_eq!(told("refunds", 1_000).await, success(&[("givex", 500), ("illicado", 500)]));
    assert_eq!(told("voids", 1_000).await, success(&[("illicado", 1_000)]));
    let paid = till.payment(&id).await;
    assert_eq!(amounts(&paid), [0, 12_000, 11_000, 0, 10_500, 500, 1_000, 0]);
}

async fn payments_of_one_rank_keep_the_order_they_were_made_in(shop: &Shop) {
    let till = Till::open(shop).await;
    let id = till.sell(&session_of(900), &[(300, card(MASTERCARD)), (600, card(VISA))]).await;
    for (what, expected) in [("captures", [300, 400]), ("refunds", [300, 400]), ("voids", [200, 0])] {
        let priorities = json!({ "priorities": [{ "partner": "*", "method": "*" }] });
        let amount = expected.iter().sum::<u64>();
        let done = till.operate(&id, what, &with(priorities, &of(amount))).await;
        let parts = last(&done, what).1.into_iter().map(|(_, amount, _)| amount).collect::<Vec<_>>();
        assert_eq!(parts, expected.into_iter().filter(|part| *part > 0).collect::<Vec<_>>(), "{what}");
    }
}

async fn what_no_priority_admits_is_left_out_and_nothing_moves_if_that_is_too_little(shop: &Shop) {
    let till = Till::open(shop).await;
    let (id, illicado) = example(&till, VISA).await;
    let entry = |partner: &str, method: &str| json!({ "partner": partner, "method": method });
    let refused = |what: &'static str, priorities: Value, amount: Option<u64>, detail: &'static str| {
        let (till, id) = (&till, &id);
        async move {
            let before = till.payment(id).await;
            let mut body = json!({ "priorities": priorities });
            body.as_object_mut().unwrap().extend(amount.map(|amount| ("amount".to_owned(), json!(amount))));
            let refused = till.ask(id, what, &body).await;
            assert_eq!(problem(&refused), (422, "priorities_too_narrow".to_owned()), "{what} {body}");
            assert!(refused.text_at("/detail").contains(detail), "{}", refused.text);
            assert_eq!(till.payment(id).await, before, "{what} {body}");
        }
    };
    for what in ["captures", "voids"] {
        let cards = json!([entry("*", "creditcard")]);
        refused(what, cards.clone(), Some(10_001), "EUR 100.01 is more than what is available").await;
        refused(what, cards, None, "EUR 120.00 is more than what is available").await;
        refused(what, json!([entry("edenred", "*")]), Some(1), "admit, EUR 0.00").await;
        refused(what, json!([entry("illicado", "creditcard"), entry("sandbox", "ideal")]), Some(1), "").await;
        refused(what, json!([]), Some(1), "").await;
    }
    till.operate(&id, "captures", &of(11_999)).await;
    refused("refunds", json!([entry("sandbox", "*")]), Some(10_000), "admit, EUR 99.99").await;
    refused("refunds", json!([entry("*", "giftcard")]), None, "admit, EUR 20.00").await;
    refused("voids", json!([entry("*", "giftcard")]), None, "EUR 0.01 is more than").await;
    assert_eq!(held(shop, &illicado).await, [0, 2_000, 0, 0]);
    // What is admitted is enough.
    let priorities = json!({ "priorities": [entry("*", "giftcard")] });
    let refunded = till.operate(&id, "refunds", &with(priorities, &of(2_000))).await;
    assert_eq!(last(&refunded, "refunds"), ("SUCCESS", vec![("illicado", 2_000, "SUCCESS")]));
}

async fn a_void_releases_cards_first(shop: &Shop) {
    let till = Till::open(shop).await;
    let (id, illicado) = example(&till, VISA).await;
    let voided = till.operate(&id, "voids", &of(11_000)).await;
    let parts = vec![("sandbox", 10_000, "SUCCESS"), ("illicado", 1_000, "SUCCESS")];
    assert_eq!(last(&voided, "voids"), ("SUCCESS", parts));
    assert_eq!(amounts(&voided), [0, 12_000, 0, 1_000, 0, 0, 11_000, 1_000]);
    assert_eq!(overview(&voided), ["PARTIALLY", "NOT", "PARTIALLY", "NOT"]);
    assert_eq!(links(&voided), ["capture", "void"]);
    assert_eq!(held(shop, &illicado).await, [1_000, 0, 1_000, 0]);

    let captured = till.operate(&id, "captures", &json!({})).await;
    assert_eq!(amounts(&captured), [0, 12_000, 1_000, 0, 0, 1_000, 11_000, 0]);
    assert_eq!(overview(&captured), ["TOTALLY", "PARTIALLY", "PARTIALLY", "NOT"]);
    assert_eq!(links(&captured), ["refund"]);
    let refunded = till.operate(&id, "refunds", &json!({})).await;
    assert_eq!(overview(&refunded), ["TOTALLY", "PARTIALLY", "PARTIALLY", "TOTALLY"]);
    assert_eq!(links(&refunded), [""; 0]);
    assert_eq!(held(shop, &illicado).await, [0, 1_000, 1_000, 1_000]);
}

async fn an_amount_that_is_left_out_is_all_that_is_available(shop: &Shop) {
    let till = Till::open(shop).await;
    let (id, _) = example(&till, VISA).await;
    till.operate(&id, "captures", &of(500)).await;
    // No body at all is a body without an amount.
    for (what, expected) in
        [("captures", [0, 12_000, 12_000, 0, 0, 12_000, 0, 0]), ("refunds", [0, 12_000, 12_000, 0, 12_000, 0, 0, 0])]
    {
        let done = shop.send(till.request(reqwest::Method::POST, &path(&id, what))).await;
        assert_eq!((done.status, amounts(&balanced(done.json()))), (200, expected), "{}", done.text);
    }
    let (id, _) = example(&till, VISA).await;
    let voided = till.operate(&id, "voids", &json!({})).await;
    assert_eq!(amounts(&voided), [0, 12_000, 0, 0, 0, 0, 12_000, 0]);
    assert_eq!(overview(&voided), ["TOTALLY", "NOT", "TOTALLY", "NOT"]);
}

async fn more_than_is_available_is_refused_and_nothing_moves(shop: &Shop) {
    let till = Till::open(shop).await;
    let (id, illicado) = example(&till, VISA).await;
    let nothing = (422, "nothing_available".to_owned());
    let too_much = (422, "amount_not_available".to_owned());
    assert_eq!(problem(&till.ask(&id, "refunds", &of(1)).await), nothing, "nothing was captured");
    till.operate(&id, "captures", &of(6_000)).await;
    let before = till.payment(&id).await;
    for (what, amount) in [("captures", 6_001), ("voids", 6_001), ("refunds", 6_001), ("captures", 999_999_999_999_999)]
    {
        let refused = till.ask(&id, what, &of(amount)).await;
        assert_eq!(problem(&refused), too_much, "{what} {amount}");
        assert!(refused.text_at("/detail").contains("EUR 60.00"), "what there is: {}", refused.text);
    }
    assert_eq!((till.payment(&id).await, held(shop, &illicado).await), (before, [0, 2_000, 0, 0]));
    till.operate(&id, "captures", &of(6_000)).await;
    till.operate(&id, "refunds", &of(12_000)).await;
    for what in ["captures", "voids", "refunds"] {
        for body in [of(1), json!({})] {
            assert_eq!(problem(&till.ask(&id, what, &body).await), nothing, "{what} {body}");
        }
    }
}

/// Follows every link that is offered, and those that are not.
async fn a_link_is_there_while_it_can_be_followed(shop: &Shop) {
    let till = Till::open(shop).await;
    let steps: &[(&str, u64)] =
        &[("captures", 400), ("voids", 300), ("refunds", 100), ("voids", 0), ("refunds", 0), ("captures", 0)];
    for steps in (0..=steps.len()).map(|length| &steps[..length]) {
        let (mut offered, mut followed) = (Vec::new(), Vec::new());
        for name in ALL_LINKS {
            let gift_card = issue(shop, "illicado", "EUR", 200).await;
            let id = till.sell(&session_of(1_000), &[(200, gift_card), (800, card(VISA))]).await;
            for (what, amount) in steps {
                let body = if *amount == 0 { json!({}) } else { of(*amount) };
                till.ask(&id, what, &body).await;
            }
            let paid = till.payment(&id).await;
            offered = links(&paid).into_iter().map(str::to_owned).collect();
            let link = json!({ "href": path(&id, &format!("{name}s")), "method": "POST" });
            let told = &paid["links"][name];
            assert!(told.is_null() || *told == link, "{told}");
            let done = till.post(link["href"].as_str().unwrap(), &of(1)).await;
            if done.status == 200 {
                followed.push(name);
            } else {
                assert_eq!(problem(&done), (422, "nothing_available".to_owned()), "{name} after {steps:?}");
            }
            assert_eq!(till.get(paid["links"]["self"]["href"].as_str().unwrap()).await.json()["id"], json!(id));
        }
        assert_eq!(offered, followed, "after {steps:?}");
    }
}

async fn of_a_cancelled_order_no_capture_is_offered_or_taken(shop: &Shop) {
    let till = Till::open(shop).await;
    let session = till.session(&session_of(1_000)).await;
    let paid = pay(shop, &checkout_order(&session), "EUR", &[(600, card(VISA))]).await;
    let id = session.text_at("/id");
    till.operate(&id, "captures", &of(100)).await;
    // What was authorised is on its way back: the worker has not come yet.
    let cancel = json!({ "merchantAccount": local::TEST_MERCHANT, "order": paid[0].order() });
    assert_eq!(shop.post("/v72/orders/cancel", &cancel).await.status, 200);
    for what in ["captures", "voids", "refunds"] {
        let refused = till.ask(&id, what, &of(1)).await;
        let code = if what == "captures" { "order_cancelled" } else { "nothing_available" };
        assert_eq!(problem(&refused), (422, code.to_owned()), "{what}");
    }
    let released = till.payment(&id).await;
    assert_eq!((amounts(&released), links(&released)), ([0, 600, 100, 0, 100, 0, 500, 0], vec![]));
    assert_eq!(released["voids"][0]["triggered_by"], "SYSTEM", "nobody asked for that void");
    assert_eq!(released["authorization"]["status"], "ABORTED");
}

async fn the_version_only_grows(shop: &Shop) {
    let till = Till::open(shop).await;
    let (id, _) = example(&till, VISA).await;
    let version = |paid: &Value| paid["version"].as_u64().unwrap();
    let mut before = till.payment(&id).await;
    for (what, amount) in [("captures", 6_000), ("refunds", 1_000), ("voids", 1), ("captures", 10), ("refunds", 20)] {
        assert_eq!(till.payment(&id).await, before, "to look at it changes nothing");
        let after = till.operate(&id, what, &of(amount)).await;
        assert!(version(&after) > version(&before), "{what}");
        assert_eq!(problem(&till.ask(&id, what, &of(100_000)).await).0, 422);
        before = after;
    }
}

/// By three tenders each, in currencies of two, no and three decimals: the last minor unit is neither lost nor given
/// twice.
async fn a_refund_over_three_tenders_sums_to_the_last_minor_unit(shop: &Shop) {
    let till = Till::open(shop).await;
    for (currency, paid_with, parts) in [
        ("EUR", "ideal", [1_999, 10_001, 3_333]),
        ("EUR", "giftcard", [1, 9_998, 1]),
        ("JPY", "giftcard", [333, 10_000, 667]),
        ("KWD", "giftcard", [12_345, 1, 9_999]),
    ] {
        let total = parts.iter().sum::<u64>();
        let first = issue(shop, "illicado", currency, parts[0]).await;
        let third = issue(shop, "givex", currency, parts[2]).await;
        let session = till.session(&session_in(currency, total)).await;
        let id = session.text_at("/id");
        let tenders = [(parts[0], first.clone()), (parts[1], card(VISA))];
        let answers = pay(shop, &checkout_order(&session), currency, &tenders).await;
        if paid_with == "ideal" {
            let page = shop.redirect(Some(&answers[1].order()), parts[2], &json!({})).await;
            shop.press(&page, "approve").await;
            shop.after(std::time::Duration::from_secs(1)).await;
        } else {
            let last = pay(shop, &answers[1].order(), currency, &[(parts[2], third.clone())]).await;
            assert_eq!(last[0].text_at("/resultCode"), "Authorised", "{}", last[0].text);
        }
        let captured = till.operate(&id, "captures", &json!({})).await;
        assert_eq!((&captured["currency"], amounts(&captured)[2]), (&json!(currency), total));
        // A part that does not come out even, then all the rest.
        let part = total / 3 + 1;
        let mut of_each = [0; 3];
        for (body, expected) in [(of(part), part), (json!({}), total - part)] {
            let refunded = till.operate(&id, "refunds", &body).await;
            let (status, parts) = last(&refunded, "refunds");
            assert_eq!((status, parts.iter().map(|(_, amount, _)| amount).sum::<u64>()), ("SUCCESS", expected));
            let operation = refunded["refunds"].as_array().and_then(|all| all.last()).unwrap();
            assert_eq!(operation["amount"], expected, "{currency}");
            for told in operation["partner_transactions"].as_array().unwrap() {
                let place = match (told["partner"].as_str().unwrap(), told["method"].as_str().unwrap()) {
                    ("illicado", _) => 0,
                    (_, "creditcard") => 1,
                    _ => 2,
                };
                of_each[place] += told["amount"].as_u64().unwrap();
            }
        }
        assert_eq!(of_each, parts, "{currency}: to each what came from it");
        let refunded = till.payment(&id).await;
        assert_eq!(amounts(&refunded), [0, total, total, 0, total, 0, 0, 0]);
        assert_eq!(held(shop, &first).await, [0, parts[0], 0, parts[0]]);
        let book = booked(shop, &refunded["authorization"]["partner_transactions"][1]).await;
        assert_eq!((book.captured, book.refunded), (parts[1], parts[1]));
        if paid_with == "giftcard" {
            assert_eq!(held(shop, &third).await, [0, parts[2], 0, parts[2]]);
        }
    }
}

async fn what_is_left_of_a_transaction_is_told(shop: &Shop) {
    let till = Till::open(shop).await;
    let (id, _) = example(&till, VISA).await;
    till.operate(&id, "captures", &of(5_000)).await;
    till.operate(&id, "captures", &of(2_000)).await;
    let paid = till.operate(&id, "refunds", &of(3_500)).await;
    let left = |transactions: &Value| {
        let left = transactions.as_array().unwrap().iter().map(|told| told["remaining_amount"].as_u64().unwrap());
        left.collect::<Vec<_>>()
    };
    assert_eq!(left(&paid["authorization"]["partner_transactions"]), [0, 5_000], "what can be captured of each");
    // 30.00 of the card's first capture and 5.00 of its second went back.
    assert_eq!(left(&paid["captures"][0]["partner_transactions"]), [2_000, 0]);
    assert_eq!(left(&paid["captures"][1]["partner_transactions"]), [1_500]);
    assert_eq!(left(&paid["refunds"][0]["partner_transactions"]), [0]);
}

crate::on_both_stores!(
    a_capture_takes_gift_cards_first_and_a_refund_cards_first,
    a_list_of_priorities_is_followed,
    payments_of_one_rank_keep_the_order_they_were_made_in,
    what_no_priority_admits_is_left_out_and_nothing_moves_if_that_is_too_little,
    a_void_releases_cards_first,
    an_amount_that_is_left_out_is_all_that_is_available,
    more_than_is_available_is_refused_and_nothing_moves,
    a_link_is_there_while_it_can_be_followed,
    of_a_cancelled_order_no_capture_is_offered_or_taken,
    the_version_only_grows,
    a_refund_over_three_tenders_sums_to_the_last_minor_unit,
    what_is_left_of_a_transaction_is_told,
);
