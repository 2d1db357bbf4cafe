//! A draft and its order are two streams: whatever fails between their commits, the order has the draft once.

use domain::draft::{Draft, DraftRefusal};
use serde_json::{Value, json};
use tests::shop::Shop;

use super::{at, complete, draft_of, drafted, error, item, of, ordered, put, reversal, shown, update_of};

/// Tries of one write.
const TRIES: i64 = app::streams::APPEND_TRIES_MAX as i64;

/// Commits of a completion: it began, the order, it is completed.
const COMMITS: i64 = 3;

/// Lines that are kept beside their order, which takes one commit more.
fn many() -> Vec<Value> {
    (1..=60).map(|line| item(line, "chair", 100, 20)).collect()
}

/// Completes a draft whose commit number `nth` fails, and then once more; what the order is after that.
async fn interrupted(shop: &Shop, draft: &str, nth: i64) -> Value {
    shop.faults.fail(nth, TRIES);
    let failed = complete(shop, draft).await;
    shop.faults.fail(i64::MAX, 0);
    assert_eq!(error(&failed).1, "unavailable", "commit {nth}: {}", failed.text);
    if nth > 0 {
        // It is not known whether the order has it: nobody may change it.
        let edit = put(shop, &at(&format!("draft_orders/{draft}")), &draft_of(&[item(9, "x", 1, 0)])).await;
        assert_eq!(error(&edit).1, "draft_frozen", "commit {nth}");
    }
    let resumed = complete(shop, draft).await;
    assert_eq!(resumed.status, 200, "commit {nth}: {}", resumed.text);
    assert_eq!(complete(shop, draft).await.json(), resumed.json());
    assert_eq!(shop.get(&at(&format!("draft_orders/{draft}"))).await.at("/status"), "completed");
    resumed.at("/orders/0")
}

async fn a_completion_that_was_interrupted_goes_on(shop: &Shop) {
    for (options, items, commits) in [
        (json!({}), vec![item(1, "chair", 1_000, 200)], COMMITS),
        (json!({ "generate_order_id": "ALPHANUMERIC_9" }), many(), COMMITS + 1),
    ] {
        for nth in 0..commits {
            let draft =
                drafted(shop, &json!({ "options": options, "order": { "currency": "EUR", "items": items } })).await;
            let order = interrupted(shop, &draft, nth).await;
            assert_eq!(order["items"].as_array().unwrap().len(), items.len());
            assert_eq!(order["version"], 0);
        }
    }
    let listed = shop.get(&at("orders?limit=100")).await;
    assert_eq!(listed.at("/orders").as_array().unwrap().len(), 7, "each draft became one order");
}

async fn an_update_that_was_interrupted_goes_on(shop: &Shop) {
    for nth in 0..COMMITS {
        for is_replacement in [false, true] {
            let order = ordered(shop, &[item(1, "chair", 1_000, 200)]).await;
            let mut update = update_of(&order, &[item(2, "stool", 500, 100)]);
            if is_replacement {
                update["options"]["replace"] = json!("order");
            }
            let after = interrupted(shop, &drafted(shop, &update).await, nth).await;
            let expected = if is_replacement { 500 } else { 1_500 };
            assert_eq!((&after["gross_amount"], &after["version"]), (&json!(expected), &json!(1)));
        }
    }
}

/// Of the refusal and of the release: the draft can be changed once it is known that the order does not have it.
async fn a_refusal_that_was_interrupted_is_found_again(shop: &Shop) {
    let order = ordered(shop, &[item(1, "chair", 1_000, 200)]).await;
    let draft = drafted(shop, &update_of(&order, &[reversal(2, 1, "chair", -2_000, -400)])).await;
    // The first commit is that its completion began; the next would let go of it.
    shop.faults.fail(1, TRIES);
    assert_eq!(error(&complete(shop, &draft).await).1, "unavailable");
    shop.faults.fail(i64::MAX, 0);
    let path = at(&format!("draft_orders/{draft}/items/2"));
    let right = reversal(2, 1, "chair", -1_000, -200);
    assert_eq!(error(&put(shop, &path, &right).await).1, "draft_frozen");
    assert_eq!(error(&complete(shop, &draft).await).1, "reversal_invalid");
    assert_eq!(put(shop, &path, &right).await.status, 200);
    assert_eq!(complete(shop, &draft).await.at("/orders/0/gross_amount"), 0);
    assert_eq!(shown(shop, &order).await["version"], 1);
}

/// An operation whose outcome cannot be written was taken, and is found done.
async fn an_operation_that_was_interrupted_is_found_done(shop: &Shop) {
    let order = ordered(shop, &[item(1, "chair", 1_000, 200)]).await;
    let payment = super::paid(shop, &order, 1_000, tests::shop::card(super::VISA)).await;
    super::done(shop, &order, "authorizations", &payment, &[(1, 1_000)]).await;
    shop.faults.fail(1, TRIES);
    let taken = super::done(shop, &order, "captures", &payment, &[(1, 1_000)]).await;
    shop.faults.fail(i64::MAX, 0);
    assert_eq!(taken["status"], "pending", "{taken}");
    shop.pass(std::time::Duration::from_secs(60)).await;
    let id = taken["id"].as_str().unwrap();
    let found = shop.get(&of(&order, &format!("captures/{id}"))).await;
    assert_eq!((found.text_at("/status").as_str(), found.at("/movements/0/status")), ("done", json!("done")));
    assert_eq!(super::money(&shown(shop, &order).await), ("paid", 1_000, 1_000, 0, 0));
}

/// Two complete a draft at once: one is refused and lets go of it, while the order takes it from the other, who dies.
async fn a_draft_that_was_changed_after_its_order_had_it_is_told_so(shop: &Shop) {
    let order = ordered(shop, &[item(1, "chair", 1_000, 200)]).await;
    let draft = drafted(shop, &update_of(&order, &[item(2, "stool", 500, 100)])).await;
    shop.faults.fail(2, TRIES);
    assert_eq!(error(&complete(shop, &draft).await).1, "unavailable");
    shop.faults.fail(i64::MAX, 0);
    let id = draft.parse::<domain::Reference>().unwrap().order().to_string();
    let stream = app::StreamId::owned(&tests::shop::test_merchant(), "draft", &id);
    let release = |known: Option<&Draft>| Ok::<_, DraftRefusal>(known.unwrap().release());
    shop.engine.app.streams.change(&stream, release).await.unwrap();
    let edit = item(3, "lamp", 100, 20);
    assert_eq!(shop.post(&at(&format!("draft_orders/{draft}/items")), &edit).await.status, 201);
    let told = complete(shop, &draft).await;
    assert_eq!(error(&told), (409, "draft_frozen".to_owned(), String::new()), "{}", told.text);
    assert!(told.text_at("/error/message").contains("before it was changed last"), "{}", told.text);
    assert_eq!(shown(shop, &order).await["gross_amount"], 1_500, "the order has it once");
    assert_eq!(complete(shop, &draft).await.at("/orders/0/gross_amount"), 1_500);
}

crate::on_both_stores!(
    a_draft_that_was_changed_after_its_order_had_it_is_told_so,
    a_completion_that_was_interrupted_goes_on,
    an_update_that_was_interrupted_goes_on,
    a_refusal_that_was_interrupted_is_found_again,
    an_operation_that_was_interrupted_is_found_done,
);
