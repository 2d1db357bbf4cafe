//! Many at once: no more is captured than there is, and an update and a payment never both win.

use futures_util::future::join_all;
use serde_json::json;
use tests::shop::{Shop, card};

use super::{Desk, VISA, checkout, item, pay, purchase, remaining, transaction, update};

async fn captures_at_once_never_exceed(shop: &Shop) {
    let desk = Desk::new(shop, "3.1");
    let id = desk.sell("race-1", VISA).await;
    let bodies = (0..16).map(|count| transaction(&format!("race-{count}"), 200, 50)).collect::<Vec<_>>();
    let answers = join_all(bodies.iter().map(|body| desk.capture(&id, body))).await;
    let mut done = answers.iter().filter(|answer| answer.status == 200).count();
    for answer in &answers {
        assert!([200, 202, 400, 403, 409].contains(&answer.status), "{}", answer.text);
    }
    // Those that met another under way ask again, one after another.
    for body in &bodies {
        done += usize::from(desk.capture(&id, body).await.status == 200);
    }
    assert!(done >= 7, "{done}");
    let [capture, cancel, reversal] = remaining(&desk.read(&id).await.at("/paymentorder"));
    assert_eq!((capture, cancel), (100, 100));
    assert_eq!(reversal, 1_400, "seven of them, once each");
    let list = desk.part(&id, "financialtransactions").await;
    let captures =
        list["financialTransactionsList"].as_array().unwrap().iter().filter(|told| told["type"] == "Capture");
    assert_eq!(captures.count(), 7);
}

async fn the_same_capture_at_once_is_done_once(shop: &Shop) {
    let desk = Desk::new(shop, "2.0");
    let id = desk.sell("race-2", VISA).await;
    let body = transaction("same", 500, 125);
    let answers = join_all((0..16).map(|_| desk.capture(&id, &body))).await;
    assert!(answers.iter().all(|answer| [200, 202, 409].contains(&answer.status)), "{answers:?}");
    assert_eq!(remaining(&desk.read(&id).await.at("/paymentorder")), [1_000, 1_000, 500]);
    let opened = join_all((0..8).map(|_| async { desk.post(super::ORDERS, &purchase("race-3")).await.text })).await;
    assert!(opened.iter().all(|text| *text == opened[0]), "one order: {opened:?}");
}

/// Whoever comes first wins: the order is paid as it was, or changed and not paid.
async fn an_update_and_a_payment_never_both_win(shop: &Shop) {
    let desk = Desk::new(shop, "3.1");
    for round in 0..12 {
        let id = desk.open(&purchase(&format!("race-u{round}"))).await;
        let order = checkout(shop, &id).await;
        let body = update(2_000, 0, &json!([item("P1", 2_000, 0)]));
        let (updated, paid) = tokio::join!(desk.update(&id, &body), shop.pay_card(&order, 1_500, VISA));
        let read = desk.read(&id).await;
        let (amount, status) = (read.at("/paymentorder/amount"), read.text_at("/paymentorder/status"));
        match (updated.status, paid.status) {
            (200, 422) => {
                assert_eq!(paid.text_at("/errorCode"), "order_data_stale");
                assert_eq!((amount, status.as_str()), (json!(2_000), "Initialized"));
                pay(shop, &id, &[(2_000, card(VISA))]).await;
            }
            (403, 200) => assert_eq!((amount, status.as_str()), (json!(1_500), "Paid")),
            other => assert_eq!(other, (0, 0), "{} {}", updated.text, paid.text),
        }
        let books = remaining(&desk.read(&id).await.at("/paymentorder"));
        assert_eq!(books[0], desk.read(&id).await.at("/paymentorder/amount").as_u64().unwrap(), "paid as it is");
    }
}

crate::on_both_stores!(
    captures_at_once_never_exceed,
    the_same_capture_at_once_is_done_once,
    an_update_and_a_payment_never_both_win,
);
