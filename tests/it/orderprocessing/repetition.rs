//! Requests that come again with their idempotency key: the first answer, and nothing twice.

use serde_json::json;
use tests::{
    lender::{CUSTOMER, Lender, amount, euros, of, spend, trusting},
    shop::Shop,
};

use super::problem;

async fn what_comes_again_is_answered_as_it_was(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let path = format!("/{CUSTOMER}/authorisation");
    let authorised = lender.keyed(&path, 1, &spend(4_000)).await;
    let id = authorised.text_at("/authorisationId");
    let raised = lender.of(&id, "upward-adjustment", 2, 5_000).await;
    let settled = lender.of(&id, "settle", 3, 1_000).await;
    let reversed = lender.of(&id, "reverse", 4, 1_000).await;
    let refunded = lender.refund(&settled.text_at("/transactionId"), 5, 400).await;
    // Everything else happens, and then all of it comes again.
    lender.of(&id, "settle", 6, 3_000).await;
    let books = lender.books().await;
    assert_eq!(books, (100_000 - 3_600, 0, 3_600));
    for _ in 0..2 {
        assert_eq!(lender.keyed(&path, 1, &spend(4_000)).await.text, authorised.text);
        assert_eq!(lender.of(&id, "upward-adjustment", 2, 5_000).await.text, raised.text);
        assert_eq!(lender.of(&id, "settle", 3, 1_000).await.text, settled.text);
        assert_eq!(lender.of(&id, "reverse", 4, 1_000).await.text, reversed.text, "what was left then");
        assert_eq!(lender.refund(&settled.text_at("/transactionId"), 5, 400).await.text, refunded.text);
    }
    assert_eq!(lender.books().await, books);
    assert_eq!(reversed.at("/remainingFloat/value"), json!(30.0));
}

/// However a UUID is written.
async fn a_key_is_the_same_however_it_is_written(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let path = format!("/{CUSTOMER}/authorisation");
    let ask = async |key: &str| {
        let request = lender.request(reqwest::Method::POST, &path).header("idempotency-key", key);
        shop.send(request.json(&spend(4_000))).await
    };
    let first = ask("0a1b2c3d-0000-4000-8000-00000000abcd").await;
    for key in ["0A1B2C3D-0000-4000-8000-00000000ABCD", "0a1b2c3d00004000800000000000abcd"] {
        assert_eq!(ask(key).await.text, first.text);
    }
    assert_eq!(lender.books().await, (96_000, 4_000, 0));
}

/// A key of what is asked of an authorisation is that authorisation's: another's is another request.
async fn a_key_is_of_one_authorisation(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let (first, second) = (lender.authorised(1, 4_000).await, lender.authorised(2, 4_000).await);
    for id in [&first, &second] {
        assert_eq!(lender.of(id, "settle", 3, 1_000).await.status, 200);
    }
    assert_eq!(lender.books().await, (92_000, 6_000, 2_000));
}

async fn a_key_is_of_one_request(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let id = lender.authorised(1, 4_000).await;
    let reused = (422, "idempotency_key_reused".to_owned());
    assert_eq!(problem(&lender.keyed(&format!("/{CUSTOMER}/authorisation"), 1, &spend(4_001)).await), reused);
    assert_eq!(lender.of(&id, "settle", 2, 1_000).await.status, 200);
    assert_eq!(problem(&lender.of(&id, "settle", 2, 1_001).await), reused);
    assert_eq!(problem(&lender.of(&id, "reverse", 2, 1_000).await), reused);
    assert_eq!(lender.books().await, (96_000, 3_000, 1_000));
}

/// What was taken is answered again also if it could not be taken any more.
async fn the_first_answer_counts_whatever_has_changed(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let path = format!("/{CUSTOMER}/authorisation");
    let option = lender.option(CUSTOMER, "zero");
    let body = json!({ "amount": amount(4_000), "orderReference": "order-1", "spendOptionId": option });
    let authorised = lender.keyed(&path, 1, &body).await;
    let declined = lender.keyed(&path, 2, &spend(96_001)).await;
    assert_eq!(declined.text_at("/result"), "Declined");
    // The offer ends, authentication is asked for, and the limit is raised.
    shop.clock.advance(std::time::Duration::from_secs(86_400));
    lender.agree(&domain::credit::Settings::default()).await;
    shop.engine.credits.set_limit(&lender.merchant, CUSTOMER, "flex", euros(500_000)).await.unwrap();
    assert_eq!(lender.keyed(&path, 1, &body).await.text, authorised.text);
    assert_eq!(lender.keyed(&path, 2, &spend(96_001)).await.text, declined.text);
    assert_eq!(problem(&lender.keyed(&path, 3, &body).await), (422, "spend_option_unavailable".to_owned()));
    assert_eq!(problem(&lender.keyed(&path, 3, &spend(1)).await), (403, "authentication_required".to_owned()));
    assert_eq!(lender.books().await, (496_000, 4_000, 0));
    // What was refused before anything was begun used no key up.
    lender.agree(&trusting()).await;
    lender.authorised(3, 1).await;
    assert_eq!(of(1)["amount"], amount(1));
}

crate::on_both_stores!(
    what_comes_again_is_answered_as_it_was,
    a_key_is_of_one_request,
    a_key_is_the_same_however_it_is_written,
    a_key_is_of_one_authorisation,
    the_first_answer_counts_whatever_has_changed,
);
