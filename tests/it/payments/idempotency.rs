//! A key that comes again is a conflict, whatever it comes with: what the first request made is named, not told again.

use domain::Reference;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tests::{
    payments::{SESSIONS, Till, amounts, checkout_order, path, pay, session_of},
    shop::{Answer, Shop, card},
};

use super::{VISA, example, of, problem};

/// It is the conflict of the family's documents, about what `made` names.
fn is_conflict(answer: &Answer, at: &str, made: &str) {
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let mut told = answer.json();
    let detail = told.as_object_mut().unwrap().remove("detail").unwrap();
    assert!(detail.as_str().is_some_and(|detail| detail.contains("x-idempotency-key")), "{detail}");
    let expected = json!({
        "type": "urn:eu.purse:write-conflict", "title": "Idempotency violation", "status": 409,
        "code": "write_conflict", "instance": at, "resource_id": made,
    });
    assert_eq!((answer.status, told), (409, expected));
    assert_eq!(answer.headers.get("transient-error"), None, "it would be the same again");
}

async fn a_key_that_comes_again_is_a_conflict_that_names_what_it_made(shop: &Shop) {
    let till = Till::open(shop).await;
    let (id, _) = example(&till, VISA).await;
    for (what, key) in [("captures", "key-1"), ("refunds", "key-1"), ("voids", "key-1"), ("captures", "key-2")] {
        let at = path(&id, what);
        let done = till.post_keyed(&at, key, &of(500)).await;
        assert_eq!(done.status, 200, "a key of one endpoint is none of another's: {}", done.text);
        let made = done.at(&format!("/{what}")).as_array().and_then(|all| all.last()).unwrap()["id"].clone();
        let before = till.payment(&id).await;
        for body in [of(500), of(1), json!({}), of(1_000_000), json!({ "currency": "USD" })] {
            is_conflict(&till.post_keyed(&at, key, &body).await, &at, made.as_str().unwrap());
        }
        // The path says the same in another way.
        let other = path(&id.parse::<Reference>().unwrap().to_string(), what);
        is_conflict(&till.post_keyed(&other, key, &of(500)).await, &other, made.as_str().unwrap());
        assert_eq!(till.payment(&id).await, before, "nothing moved");
    }
    assert_eq!(amounts(&till.payment(&id).await), [0, 12_000, 1_000, 10_500, 500, 500, 500, 10_500]);
    // What it made is found in the payment, whose answer was perhaps lost.
    let paid = till.payment(&id).await;
    let again = till.post_keyed(&path(&id, "captures"), "key-1", &of(500)).await;
    assert_eq!(again.at("/resource_id"), paid["captures"][0]["id"]);
}

async fn a_key_is_of_one_payment(shop: &Shop) {
    let till = Till::open(shop).await;
    for _ in 0..2 {
        let (id, _) = example(&till, VISA).await;
        let done = till.post_keyed(&path(&id, "captures"), "key", &of(500)).await;
        assert_eq!(done.status, 200, "{}", done.text);
    }
}

async fn of_twins_at_once_one_is_done(shop: &Shop) {
    let till = Till::open(shop).await;
    for what in ["captures", "voids"] {
        let (id, _) = example(&till, VISA).await;
        let (at, body) = (path(&id, what), of(500));
        let answers = join_all((0..8).map(|_| till.post_keyed(&at, "twin", &body))).await;
        let (done, rest) = answers.into_iter().partition::<Vec<_>, _>(|answer| answer.status == 200);
        assert_eq!(done.len(), 1);
        let made = done[0].text_at(&format!("/{what}/0/id"));
        rest.iter().for_each(|answer| is_conflict(answer, &at, &made));
        let paid = till.payment(&id).await;
        assert_eq!((paid[what].as_array().map(Vec::len), paid[what][0]["amount"].clone()), (Some(1), json!(500)));
    }
    let body = session_of(1_000);
    let answers = join_all((0..8).map(|_| till.post_keyed(SESSIONS, "twin", &body))).await;
    let (done, rest) = answers.into_iter().partition::<Vec<_>, _>(|answer| answer.status == 200);
    assert_eq!(done.len(), 1);
    rest.iter().for_each(|answer| is_conflict(answer, SESSIONS, &done[0].text_at("/id")));
}

async fn a_session_is_opened_once(shop: &Shop) {
    let till = Till::open(shop).await;
    let opened = till.post_keyed(SESSIONS, "key", &session_of(1_000)).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    let id = opened.text_at("/id");
    pay(shop, &checkout_order(&opened), "EUR", &[(1_000, card(VISA))]).await;
    for body in [session_of(1_000), session_of(7)] {
        is_conflict(&till.post_keyed(SESSIONS, "key", &body).await, SESSIONS, &id);
    }
    // A payment's operations are other requests, as are those of other families.
    assert_eq!(till.post_keyed(&path(&id, "captures"), "key", &of(1)).await.status, 200);
    assert_eq!(shop.post_keyed("/v72/orders", "key", &tests::shop::order_of(1)).await.status, 200);
    assert_eq!(till.post_keyed(SESSIONS, "other", &session_of(1_000)).await.status, 200);
}

async fn a_refusal_uses_no_key_up(shop: &Shop) {
    let till = Till::open(shop).await;
    let (id, _) = example(&till, VISA).await;
    let at = path(&id, "captures");
    for body in [of(12_001), of(0), json!({ "amount": "1" }), json!({ "currency": "USD", "amount": 1 })] {
        let refused = till.post_keyed(&at, "key", &body).await;
        assert!(matches!(problem(&refused).0, 400 | 422), "{}", refused.text);
    }
    assert_eq!(problem(&till.post_keyed(&path(&id, "refunds"), "key", &of(1)).await).1, "nothing_available");
    assert_eq!(till.post_keyed(&at, "key", &of(100)).await.status, 200);
    assert_eq!(till.post_keyed(&path(&id, "refunds"), "key", &of(1)).await.status, 200);
    let zero = till.post_keyed(SESSIONS, "key", &session_of(0)).await;
    assert_eq!(problem(&zero), (422, "amount_invalid".to_owned()));
    assert_eq!(till.post_keyed(SESSIONS, "key", &session_of(1)).await.status, 200);
}

/// Whether a write that failed has landed is not known: only whoever has a key may safely come again.
async fn who_was_not_answered_comes_again_with_the_same_key(shop: &Shop) {
    let till = Till::open(shop).await;
    let (id, _) = example(&till, VISA).await;
    let at = path(&id, "captures");
    shop.faults.fail(0, 1_000);
    let keyed = till.post_keyed(&at, "key", &of(100)).await;
    let unkeyed = till.post(&at, &of(100)).await;
    shop.faults.fail(i64::MAX, 0);
    for (answer, is_safe) in [(&keyed, true), (&unkeyed, false)] {
        assert_eq!(problem(answer), (503, "unavailable".to_owned()));
        assert_eq!(answer.headers.get("transient-error").is_some(), is_safe);
        assert_eq!(answer.headers.get("x-idempotency-key").is_some(), is_safe, "it is told back");
    }
    assert_eq!(amounts(&till.payment(&id).await)[2], 0);
    let again = till.post_keyed(&at, "key", &of(100)).await;
    assert_eq!((again.status, again.headers["x-idempotency-key"].to_str().unwrap()), (200, "key"), "{}", again.text);
    assert_eq!(amounts(&again.json())[2], 100);
}

async fn the_other_familys_header_does_not_matter_here(shop: &Shop) {
    let till = Till::open(shop).await;
    let (id, _) = example(&till, VISA).await;
    for (path, body) in [(path(&id, "captures"), of(100)), (SESSIONS.to_owned(), session_of(1_000))] {
        for _ in 0..2 {
            let request = till.request(Method::POST, &path).header("Idempotency-Key", "key").json(&body);
            assert_eq!(shop.send(request).await.status, 200);
        }
    }
    assert_eq!(amounts(&till.payment(&id).await)[2], 200);
    // Nor does this one's there.
    let order = tests::shop::order_of(1_000);
    for _ in 0..2 {
        let request = shop.request(Method::POST, "/v72/orders").header("x-idempotency-key", "key").json(&order);
        assert_eq!(shop.send(request).await.status, 200);
    }
    for key in ["", &"k".repeat(65)] {
        let refused = till.post_keyed(&path(&id, "captures"), key, &of(1)).await;
        assert_eq!(problem(&refused), (422, "field_invalid".to_owned()));
        assert!(refused.text_at("/detail").contains("x-idempotency-key"), "{}", refused.text);
    }
    assert_eq!(till.post_keyed(&path(&id, "captures"), &"k".repeat(64), &of(1)).await.status, 200);
}

crate::on_both_stores!(
    a_key_that_comes_again_is_a_conflict_that_names_what_it_made,
    a_key_is_of_one_payment,
    of_twins_at_once_one_is_done,
    a_session_is_opened_once,
    a_refusal_uses_no_key_up,
    who_was_not_answered_comes_again_with_the_same_key,
    the_other_familys_header_does_not_matter_here,
);
