//! Spends at once: together they never come to more than the limit.

use futures_util::future::join_all;
use tests::{
    lender::{CUSTOMER, Lender, in_parts, of, spend, trusting},
    shop::{Answer, Shop},
};

use super::problem;

/// Too many came at once, and nothing was done: it is to be sent again.
fn is_crowded(answer: &Answer) -> bool {
    answer.status == 409 && problem(answer).1 == "contended"
}

async fn many_authorisations_at_once_never_exceed_the_limit(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let path = format!("/{CUSTOMER}/authorisation");
    let asked = (0..32).map(|number| {
        let (lender, path) = (&lender, &path);
        async move { (number, lender.keyed(path, number, &spend(9_000)).await) }
    });
    let mut authorised = 0;
    for (number, answer) in join_all(asked).await {
        // Whoever was in too large a crowd, or waits, asks again.
        let answer = if answer.status == 200 { answer } else { lender.keyed(&path, number, &spend(9_000)).await };
        assert_eq!(answer.status, 200, "{}", answer.text);
        if answer.text_at("/result") == "Authorised" {
            authorised += 1;
        } else {
            assert_eq!(answer.text_at("/declineReason"), "NotEnoughCredit", "{}", answer.text);
        }
    }
    assert_eq!(authorised, 11, "as many as fit into the limit");
    assert_eq!(lender.books().await, (100_000 - 9_000 * authorised, 9_000 * authorised, 0));
}

async fn one_authentication_is_one_spend_however_many_ask(shop: &Shop) {
    let lender = Lender::open(shop, &in_parts()).await;
    let token = lender.initiate(&of(20_000)).await.text_at("/scaToken");
    lender.authenticate(&token).await;
    let asked = (0..8).map(|number| {
        let (lender, token) = (&lender, &token);
        async move { lender.authorise_with(number, token, &spend(20_000)).await }
    });
    let answers = join_all(asked).await;
    let authorised = answers.iter().filter(|answer| answer.status == 200 && answer.text.contains("Authorised")).count();
    assert_eq!(authorised, 1, "{answers:?}");
    for answer in &answers {
        let is_refused = answer.status == 403 && problem(answer).1 == "authentication_invalid";
        let is_declined = answer.status == 200 && answer.text.contains("\"declineReason\":\"");
        let is_taken = answer.status == 200 && answer.text.contains("Authorised");
        assert!(is_refused || is_declined || is_taken || is_crowded(answer), "{answer:?}");
    }
    assert_eq!(lender.books().await, (80_000, 20_000, 0));
}

async fn settled_reversed_and_refunded_at_once_it_stays_what_it_was(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let id = lender.authorised(1_000, 10_000).await;
    let settled = lender.of(&id, "settle", 1_001, 3_000).await;
    let transaction = settled.text_at("/transactionId");
    let asked = (0..24_u64).map(|number| {
        let (lender, id, transaction) = (&lender, &id, &transaction);
        async move {
            let answer = match number % 3 {
                0 => lender.of(id, "settle", number, 1_100).await,
                1 => lender.of(id, "reverse", number, 900).await,
                _ => lender.refund(transaction, number, 700).await,
            };
            (number % 3, answer)
        }
    });
    let mut done = [0_u64; 3];
    for (what, answer) in join_all(asked).await {
        match answer.status {
            200 => done[usize::try_from(what).unwrap()] += 1,
            422 => assert!(["amount_not_available", "nothing_available"].contains(&problem(&answer).1.as_str())),
            _ => assert!(is_crowded(&answer), "{answer:?}"),
        }
    }
    let [settled, reversed, refunded] = [3_000 + 1_100 * done[0], 900 * done[1], 700 * done[2]];
    assert!(settled + reversed <= 10_000 && refunded <= 3_000, "{done:?}");
    let (held, outstanding) = (10_000 - settled - reversed, settled - refunded);
    assert_eq!(lender.books().await, (100_000 - held - outstanding, held, outstanding));
}

crate::on_both_stores!(
    many_authorisations_at_once_never_exceed_the_limit,
    one_authentication_is_one_spend_however_many_ask,
    settled_reversed_and_refunded_at_once_it_stays_what_it_was,
);
