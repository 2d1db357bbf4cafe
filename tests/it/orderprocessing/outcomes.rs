//! Books that do not answer: what is asked for is taken once, and told when it is known.

use serde_json::json;
use tests::{
    lender::{CUSTOMER, Lender, spend, trusting},
    shop::Shop,
};

use super::problem;

/// The stream of a customer's credit.
const BOOKS: &str = "/credit-";

async fn an_authorisation_whose_outcome_is_not_known_is_told_when_it_is(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let path = format!("/{CUSTOMER}/authorisation");
    shop.faults.break_streams(Some(BOOKS));
    let pending = lender.keyed(&path, 1, &spend(4_000)).await;
    assert_eq!((pending.status, pending.text_at("/result")), (202, "Pending".to_owned()), "{}", pending.text);
    assert_eq!(lender.keyed(&path, 1, &spend(4_000)).await.text, pending.text);
    shop.faults.break_streams(None);
    shop.clock.advance(std::time::Duration::from_secs(120));
    // The books were never written: whoever asks finds that out, and it does not happen any more.
    let told = lender.keyed(&path, 1, &spend(4_000)).await;
    assert_eq!((told.status, told.text_at("/result")), (200, "Declined".to_owned()), "{}", told.text);
    assert_eq!(told.text_at("/declineReason"), "Error");
    assert_eq!(told.at("/authorisationId"), pending.at("/authorisationId"));
    assert_eq!(lender.keyed(&path, 1, &spend(4_000)).await.text, told.text);
    assert_eq!(lender.books().await, (100_000, 0, 0));
}

/// What was not held has not used the authentication up.
async fn an_authentication_outlives_an_authorisation_that_failed(shop: &Shop) {
    let lender = Lender::open(shop, &tests::lender::in_parts()).await;
    let token = lender.initiate(&tests::lender::of(12_000)).await.text_at("/scaToken");
    lender.authenticate(&token).await;
    shop.faults.break_streams(Some(BOOKS));
    assert_eq!(lender.authorise_with(1, &token, &spend(12_000)).await.status, 202);
    shop.faults.break_streams(None);
    shop.clock.advance(std::time::Duration::from_secs(120));
    assert_eq!(lender.authorise_with(1, &token, &spend(12_000)).await.text_at("/result"), "Declined");
    let anew = lender.authorise_with(2, &token, &spend(12_000)).await;
    assert_eq!(anew.text_at("/result"), "Authorised", "{}", anew.text);
    assert_eq!(problem(&lender.authorise_with(3, &token, &spend(12_000)).await).1, "authentication_invalid");
    assert_eq!(lender.books().await, (88_000, 12_000, 0));
}

async fn what_is_asked_of_books_that_do_not_answer_is_done_once_they_do(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let id = lender.authorised(1, 4_000).await;
    for (number, what, minor) in [(2, "upward-adjustment", 6_000), (3, "settle", 5_000), (4, "reverse", 1_000)] {
        shop.faults.break_streams(Some(BOOKS));
        let taken = lender.of(&id, what, number, minor).await;
        assert_eq!(taken.status, 202, "{what}: {}", taken.text);
        shop.faults.break_streams(None);
        shop.pass(std::time::Duration::from_secs(120)).await;
        let done = lender.of(&id, what, number, minor).await;
        assert_eq!(done.status, 200, "{what}: {}", done.text);
    }
    assert_eq!(lender.books().await, (95_000, 0, 5_000));
    let transaction = lender.of(&id, "settle", 3, 5_000).await.text_at("/transactionId");
    shop.faults.break_streams(Some(BOOKS));
    let taken = lender.refund(&transaction, 5, 2_000).await;
    assert_eq!(taken.status, 202, "refund: {}", taken.text);
    // Not twice, meanwhile.
    let beyond = lender.refund(&transaction, 6, 3_001).await;
    assert_eq!(problem(&beyond), (422, "amount_not_available".to_owned()));
    shop.faults.break_streams(None);
    shop.pass(std::time::Duration::from_secs(120)).await;
    let done = lender.refund(&transaction, 5, 2_000).await;
    assert_eq!((done.status, done.at("/refundTransactionId")), (200, taken.at("/refundTransactionId")));
    assert_eq!(lender.books().await, (97_000, 0, 3_000));
    assert_eq!(done.json().as_object().map(serde_json::Map::len), Some(1), "{}", json!(done.text));
}

crate::on_both_stores!(
    an_authorisation_whose_outcome_is_not_known_is_told_when_it_is,
    an_authentication_outlives_an_authorisation_that_failed,
    what_is_asked_of_books_that_do_not_answer_is_done_once_they_do,
);
