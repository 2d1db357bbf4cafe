//! What an operation is called whose parts do not all end alike, and what becomes of it.

use std::time::Duration;

use domain::limits::ASK_AGAIN_AFTER;
use partners::sandbox::PENDING_FOR;
use serde_json::{Value, json};
use tests::{
    payments::{
        Till, amounts, balanced, booked, checkout_order, held, issue, last, links, overview, path, pay, session_of,
    },
    receiver::Receiver,
    shop::{Shop, card},
};

use super::{
    CAPTURE_DECLINED, CAPTURE_PENDING, CAPTURE_TIMES_OUT, MASTERCARD, PENDING, REFUND_DECLINED, VISA, example, of,
    problem, with,
};

const MILLISECOND: Duration = Duration::from_millis(1);

async fn a_capture_that_one_part_declines_is_a_conflict_and_the_other_stands(shop: &Shop) {
    let till = Till::open(shop).await;
    let (id, illicado) = example(&till, CAPTURE_DECLINED).await;
    let captured = till.operate(&id, "captures", &of(6_000)).await;
    let parts = vec![("illicado", 2_000, "SUCCESS"), ("sandbox", 4_000, "FAILURE")];
    assert_eq!(last(&captured, "captures"), ("CONFLICT", parts));
    assert_eq!(captured["captures"][0]["partner_transactions"][1]["partner_status_description"], "Refused");
    // The gift card's part stands, and the card's is available again.
    assert_eq!(amounts(&captured), [0, 12_000, 2_000, 10_000, 0, 2_000, 0, 10_000]);
    assert_eq!(overview(&captured), ["PARTIALLY", "PARTIALLY", "NOT", "NOT"]);
    assert_eq!(held(shop, &illicado).await, [0, 2_000, 0, 0]);
    assert_eq!(booked(shop, &captured["authorization"]["partner_transactions"][1]).await.captured, 0);

    // Whoever tries the rest of it again has it declined once more: nothing was done, nothing is taken.
    let failed = till.operate(&id, "captures", &of(4_000)).await;
    assert_eq!(last(&failed, "captures"), ("FAILURE", vec![("sandbox", 4_000, "FAILURE")]));
    assert_eq!(amounts(&failed), amounts(&captured));
    assert_eq!(
        (failed["captures"].as_array().map(Vec::len), &failed["captures"][0]),
        (Some(2), &captured["captures"][0])
    );
    assert_eq!(links(&failed), ["capture", "refund", "void"]);
    // It can still be given back, as can what was captured.
    let voided = till.operate(&id, "voids", &json!({})).await;
    assert_eq!(last(&voided, "voids"), ("SUCCESS", vec![("sandbox", 10_000, "SUCCESS")]));
    let refunded = till.operate(&id, "refunds", &of(2_000)).await;
    assert_eq!(amounts(&refunded), [0, 12_000, 2_000, 0, 2_000, 0, 10_000, 0]);
}

async fn what_one_card_declined_another_part_is_captured_for(shop: &Shop) {
    let till = Till::open(shop).await;
    let illicado = issue(shop, "illicado", "EUR", 2_000).await;
    let parts = [(2_000, illicado), (4_000, card(CAPTURE_DECLINED)), (6_000, card(VISA))];
    let id = till.sell(&session_of(12_000), &parts).await;
    let captured = till.operate(&id, "captures", &of(6_000)).await;
    assert_eq!(last(&captured, "captures").0, "CONFLICT");
    assert_eq!(amounts(&captured)[2..4], [2_000, 10_000]);
    // Without the part that was declined, the second attempt captures the rest.
    let first = till.operate(&id, "voids", &of(4_000)).await;
    assert_eq!(last(&first, "voids"), ("SUCCESS", vec![("sandbox", 4_000, "SUCCESS")]));
    let second = till.operate(&id, "captures", &of(4_000)).await;
    assert_eq!(last(&second, "captures"), ("SUCCESS", vec![("sandbox", 4_000, "SUCCESS")]));
    assert_eq!(amounts(&second), [0, 12_000, 6_000, 2_000, 0, 6_000, 4_000, 2_000]);
}

/// A sale of the example by a card, with a webhook of its own. What was told before is taken.
async fn told_sale(till: &Till<'_>, receiver: &Receiver, card_number: &str) -> String {
    let illicado = issue(till.shop, "illicado", "EUR", 2_000).await;
    let body = with(session_of(12_000), &json!({ "webhook": { "url": receiver.url } }));
    let id = till.sell(&body, &[(2_000, illicado), (10_000, card(card_number))]).await;
    till.shop.settle().await;
    receiver.take();
    id
}

/// What arrived since the last call: of each its version, its amounts, and the status of the last capture.
fn arrived(receiver: &Receiver) -> Vec<(u64, [u64; 8], String)> {
    let told = receiver.take().into_iter().map(|one| {
        let paid = balanced(one.json());
        let status = last(&paid, "captures").0.to_owned();
        (paid["version"].as_u64().unwrap(), amounts(&paid), status)
    });
    told.collect()
}

async fn a_capture_that_may_have_been_done_is_uncertain_and_found_out(shop: &Shop) {
    let (till, receiver) = (Till::open(shop).await, Receiver::start().await);
    let id = told_sale(&till, &receiver, CAPTURE_TIMES_OUT).await;
    let captured = till.operate(&id, "captures", &of(6_000)).await;
    let parts = vec![("illicado", 2_000, "SUCCESS"), ("sandbox", 4_000, "UNCERTAIN")];
    assert_eq!(last(&captured, "captures"), ("UNCERTAIN", parts));
    // What may have been captured is not available, for whatever.
    let uncertain = [0, 12_000, 2_000, 6_000, 0, 2_000, 0, 6_000];
    assert_eq!(amounts(&captured), uncertain);
    assert_eq!(problem(&till.ask(&id, "captures", &of(6_001)).await), (422, "amount_not_available".to_owned()));
    shop.settle().await;
    let asked = [0, 12_000, 0, 6_000, 0, 0, 0, 6_000];
    let version = captured["version"].as_u64().unwrap();
    let told = [(version - 1, asked, "PENDING".to_owned()), (version, uncertain, "UNCERTAIN".to_owned())];
    assert_eq!(arrived(&receiver), told);

    // Nobody asks; the worker finds it out, and tells it.
    shop.after(ASK_AGAIN_AFTER - MILLISECOND).await;
    assert_eq!(arrived(&receiver), []);
    shop.after(MILLISECOND).await;
    let done = [0, 12_000, 6_000, 6_000, 0, 6_000, 0, 6_000];
    assert_eq!(arrived(&receiver), [(version + 1, done, "SUCCESS".to_owned())]);
    let paid = till.payment(&id).await;
    assert_eq!((paid["version"].as_u64(), amounts(&paid)), (Some(version + 1), done));
    assert_eq!(booked(shop, &paid["authorization"]["partner_transactions"][1]).await.captured, 4_000, "once");
    assert_eq!((shop.next_job(), paid["captures"][0]["id"].clone()), (None, captured["captures"][0]["id"].clone()));
}

async fn a_capture_that_takes_its_time_is_pending_and_told_when_it_is_done(shop: &Shop) {
    let (till, receiver) = (Till::open(shop).await, Receiver::start().await);
    let id = told_sale(&till, &receiver, CAPTURE_PENDING).await;
    let captured = till.operate(&id, "captures", &of(6_000)).await;
    let parts = vec![("illicado", 2_000, "SUCCESS"), ("sandbox", 4_000, "PENDING")];
    assert_eq!(last(&captured, "captures"), ("PENDING", parts));
    let pending = [0, 12_000, 2_000, 6_000, 0, 2_000, 0, 6_000];
    assert_eq!(amounts(&captured), pending);
    shop.settle().await;
    assert_eq!(
        arrived(&receiver).last().map(|(_, amounts, status)| (*amounts, status.as_str())),
        Some((pending, "PENDING"))
    );
    shop.pass(PENDING_FOR - MILLISECOND).await;
    assert_eq!(
        (arrived(&receiver), till.payment(&id).await),
        (vec![], captured.clone()),
        "a look at it changes nothing"
    );
    shop.pass(2 * ASK_AGAIN_AFTER).await;
    let version = captured["version"].as_u64().unwrap() + 1;
    let done = [0, 12_000, 6_000, 6_000, 0, 6_000, 0, 6_000];
    assert_eq!(arrived(&receiver), [(version, done, "SUCCESS".to_owned())]);
    assert_eq!(amounts(&till.payment(&id).await), done);
    assert_eq!(shop.next_job(), None);
}

async fn who_looks_at_a_payment_learns_what_became_of_it(shop: &Shop) {
    let till = Till::open(shop).await;
    for (number, after, first) in
        [(CAPTURE_TIMES_OUT, ASK_AGAIN_AFTER, "UNCERTAIN"), (CAPTURE_PENDING, PENDING_FOR, "PENDING")]
    {
        let id = till.sell(&session_of(1_000), &[(1_000, card(number))]).await;
        assert_eq!(last(&till.operate(&id, "captures", &of(700)).await, "captures").0, first);
        shop.clock.advance(after - MILLISECOND);
        assert_eq!(last(&till.payment(&id).await, "captures").0, first);
        shop.clock.advance(MILLISECOND);
        let paid = till.payment(&id).await;
        assert_eq!((last(&paid, "captures").0, amounts(&paid)), ("SUCCESS", [0, 1_000, 700, 300, 0, 700, 0, 300]));
    }
}

async fn a_declined_refund_leaves_the_money_captured(shop: &Shop) {
    let till = Till::open(shop).await;
    let (id, illicado) = example(&till, REFUND_DECLINED).await;
    till.operate(&id, "captures", &json!({})).await;
    let failed = till.operate(&id, "refunds", &of(4_000)).await;
    assert_eq!(last(&failed, "refunds"), ("FAILURE", vec![("sandbox", 4_000, "FAILURE")]));
    assert_eq!((amounts(&failed), overview(&failed)[3]), ([0, 12_000, 12_000, 0, 0, 12_000, 0, 0], "NOT"));
    let conflict = till.operate(&id, "refunds", &of(11_000)).await;
    let parts = vec![("sandbox", 10_000, "FAILURE"), ("illicado", 1_000, "SUCCESS")];
    assert_eq!(last(&conflict, "refunds"), ("CONFLICT", parts));
    assert_eq!(amounts(&conflict), [0, 12_000, 12_000, 0, 1_000, 11_000, 0, 0]);
    assert_eq!(held(shop, &illicado).await, [0, 2_000, 0, 1_000]);
    // Who knows that card gives the rest back by the gift card.
    let priorities = json!({ "priorities": [{ "partner": "illicado", "method": "*" }] });
    let given = till.operate(&id, "refunds", &with(priorities, &of(1_000))).await;
    assert_eq!(last(&given, "refunds"), ("SUCCESS", vec![("illicado", 1_000, "SUCCESS")]));
}

async fn an_authorisation_is_pending_until_it_is_decided(shop: &Shop) {
    let till = Till::open(shop).await;
    let illicado = issue(shop, "illicado", "EUR", 2_000).await;
    let session = till.session(&session_of(12_000)).await;
    let id = session.text_at("/id");
    let status = |paid: &Value| paid["authorization"]["status"].as_str().unwrap().to_owned();
    let first = pay(shop, &checkout_order(&session), "EUR", &[(2_000, illicado)]).await;
    let paid = till.payment(&id).await;
    assert_eq!((amounts(&paid), status(&paid)), ([0, 2_000, 0, 2_000, 0, 0, 0, 2_000], "PENDING".to_owned()));

    let pending = pay(shop, &first[0].order(), "EUR", &[(10_000, card(PENDING))]).await;
    assert_eq!(pending[0].text_at("/resultCode"), "Pending");
    let paid = till.payment(&id).await;
    assert_eq!((amounts(&paid), status(&paid)), ([10_000, 2_000, 0, 2_000, 0, 0, 0, 2_000], "PENDING".to_owned()));
    assert_eq!(paid["authorization"]["partner_transactions"][1]["status"], "PENDING");
    // What is not authorised cannot be captured.
    assert_eq!(problem(&till.ask(&id, "captures", &of(2_001)).await), (422, "amount_not_available".to_owned()));
    let captured = till.operate(&id, "captures", &json!({})).await;
    assert_eq!(last(&captured, "captures"), ("SUCCESS", vec![("illicado", 2_000, "SUCCESS")]));
    shop.pass(Duration::from_secs(3)).await;
    let paid = till.payment(&id).await;
    assert_eq!(
        (amounts(&paid), status(&paid)),
        ([0, 12_000, 2_000, 10_000, 0, 2_000, 0, 10_000], "AUTHORIZED".to_owned())
    );
}

async fn a_card_that_was_refused_is_told_and_is_no_part_of_the_split(shop: &Shop) {
    let till = Till::open(shop).await;
    let session = till.session(&session_of(1_000)).await;
    let id = session.text_at("/id");
    pay(shop, &checkout_order(&session), "EUR", &[(1_000, card("4000000000000002"))]).await;
    let refused = till.payment(&id).await;
    assert_eq!((&refused["authorization"]["status"], &refused["split"]), (&json!("REFUSED"), &json!([])));
    assert_eq!(refused["authorization"]["partner_transactions"][0]["partner_status_description"], "Refused");
    assert_eq!((amounts(&refused), links(&refused)), ([0; 8], vec![]));
    assert_eq!(problem(&till.ask(&id, "captures", &json!({})).await), (422, "nothing_available".to_owned()));
    let order = checkout_order(&till.get(&format!("/payment/v2/client-sessions/{id}")).await);
    pay(shop, &order, "EUR", &[(1_000, card(MASTERCARD))]).await;
    let paid = till.payment(&id).await;
    assert_eq!((paid["authorization"]["status"].clone(), amounts(&paid)[1]), (json!("AUTHORIZED"), 1_000));
    let statuses = paid["authorization"]["partner_transactions"].as_array().unwrap().iter().map(|one| &one["status"]);
    assert_eq!(statuses.collect::<Vec<_>>(), ["REFUSED", "AUTHORIZED"]);
    assert_eq!(paid["authorization"]["partner_transactions"][1]["card"]["selected_network"], "MASTERCARD");
}

/// The store fails right after an operation was taken. Were that told as a failure, it would be asked for again.
async fn what_was_taken_and_could_not_be_finished_is_left_to_the_worker(shop: &Shop) {
    let till = Till::open(shop).await;
    for (what, captured) in [("captures", 700), ("voids", 0)] {
        let id = till.sell(&session_of(1_000), &[(1_000, card(VISA))]).await;
        shop.settle().await;
        shop.faults.fail(1, 1_000);
        let taken = till.post_keyed(&path(&id, what), "key", &of(700)).await;
        shop.faults.fail(i64::MAX, 0);
        let paid = balanced(taken.json());
        assert_eq!((taken.status, last(&paid, what)), (200, ("PENDING", vec![("sandbox", 700, "PENDING")])));
        assert_eq!(amounts(&paid), [0, 1_000, 0, 300, 0, 0, 0, 300], "it is in flight");
        let again = till.post_keyed(&path(&id, what), "key", &of(700)).await;
        assert_eq!((problem(&again).0, again.at("/resource_id")), (409, paid[what][0]["id"].clone()));
        shop.pass(Duration::from_secs(60)).await;
        let done = till.payment(&id).await;
        assert_eq!(last(&done, what), ("SUCCESS", vec![("sandbox", 700, "SUCCESS")]));
        assert_eq!(booked(shop, &done["authorization"]["partner_transactions"][0]).await.captured, captured, "once");
        assert_eq!(shop.next_job(), None);
    }
}

crate::on_both_stores!(
    what_was_taken_and_could_not_be_finished_is_left_to_the_worker,
    a_capture_that_one_part_declines_is_a_conflict_and_the_other_stands,
    what_one_card_declined_another_part_is_captured_for,
    a_capture_that_may_have_been_done_is_uncertain_and_found_out,
    a_capture_that_takes_its_time_is_pending_and_told_when_it_is_done,
    who_looks_at_a_payment_learns_what_became_of_it,
    a_declined_refund_leaves_the_money_captured,
    an_authorisation_is_pending_until_it_is_decided,
    a_card_that_was_refused_is_told_and_is_no_part_of_the_split,
);
