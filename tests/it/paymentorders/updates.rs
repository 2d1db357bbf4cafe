//! Updating a payment order: before anybody has tried to pay it, and never after.

use serde_json::json;
use tests::shop::{Shop, card, gift_card};

use super::{Desk, PENDING, REFUSED, VISA, checkout, deeds, item, pay, problem, purchase, update, with};

async fn an_order_nobody_tried_to_pay_is_updated_and_read_as_answered(shop: &Shop) {
    for version in ["2.0", "3.0", "3.1"] {
        let desk = Desk::new(shop, version);
        let id = desk.open(&purchase(&format!("update-{}", version.replace('.', "")))).await;
        for (amount, tax) in [(2_000, 500), (700, 0), (1_500, 1_500)] {
            let items = json!([item("P9", amount + 100, tax), with(item("D1", -100, 0), "/type", &json!("DISCOUNT"))]);
            let answer = desk.update(&id, &update(amount, tax, &items)).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert_eq!(
                (&answer.at("/paymentorder/amount"), &answer.at("/paymentorder/vatAmount")),
                (&json!(amount), &json!(tax))
            );
            assert_eq!(desk.read(&id).await.text, answer.text, "GET is the same");
            let read = desk.part(&id, "orderItems").await;
            let references = read["orderItemList"].as_array().unwrap().iter().map(|item| item["reference"].clone());
            assert_eq!(references.collect::<Vec<_>>(), ["P9", "D1"]);
        }
        // Twice is once.
        let items = json!([item("P1", 900, 0)]);
        let body = json!({ "paymentOrder": update(900, 0, &items)["paymentorder"] });
        assert_eq!(desk.update(&id, &body).await.status, 200, "written as answers may write it");
        assert_eq!(desk.update(&id, &body).await.status, 200);
        pay(shop, &id, &[(900, card(VISA))]).await;
        assert_eq!(deeds(&desk.read(&id).await).len(), 2, "paid");
    }
}

/// A stale href: what was offered before is refused, with the reason, and nothing changes.
async fn an_order_somebody_tried_to_pay_is_not_updated(shop: &Shop) {
    let desk = Desk::new(shop, "3.0");
    for (name, method, amount) in
        [("paid-in-part", gift_card(), 500), ("failed", card(REFUSED), 500), ("running", card(PENDING), 500)]
    {
        let opened = desk.post(super::ORDERS, &purchase(&format!("stale-{name}"))).await;
        let id = opened.text_at("/paymentorder/id");
        let offer =
            opened.at("/operations").as_array().unwrap().iter().find(|offer| offer["rel"] == "update-order").cloned();
        let stale = offer.unwrap()["href"].as_str().unwrap().strip_prefix(&shop.url).unwrap().to_owned();
        pay(shop, &id, &[(amount, method)]).await;
        let before = desk.read(&id).await;
        assert!(!deeds(&before).contains(&"update-order".to_owned()), "{name}: {}", before.text);
        let answer = desk.update(&stale, &update(1_000, 0, &json!([item("P1", 1_000, 0)]))).await;
        assert_eq!(problem(&answer), (403, "order_attempted".to_owned(), String::new()), "{name}");
        assert!(answer.text_at("/detail").contains("attempted to pay"), "{}", answer.text);
        assert!(answer.text_at("/type").ends_with("/forbidden") && answer.text_at("/instance") == id);
        assert_eq!(desk.read(&id).await.text, before.text, "{name}");
    }
    // When the attempt is over, it stays so.
    shop.clock.advance(std::time::Duration::from_secs(5));
}

/// The shopper's token is of the order as it was: after an update it is stale, and the shopper never pays what was.
async fn a_token_of_before_an_update_is_stale(shop: &Shop) {
    let desk = Desk::new(shop, "3.1");
    let id = desk.open(&purchase("token-1")).await;
    let before = checkout(shop, &id).await;
    assert_eq!(desk.update(&id, &update(2_000, 0, &json!([item("P1", 2_000, 0)]))).await.status, 200);
    let paid = shop.pay_card(&before, 1_500, VISA).await;
    assert_eq!(paid.error(), (422, "order_data_stale".to_owned()), "{}", paid.text);
    assert!(paid.text_at("/message").contains("Use the orderData of the most recent response"), "{}", paid.text);
    let paid = shop.pay_card(&checkout(shop, &id).await, 2_000, VISA).await;
    assert_eq!(paid.text_at("/resultCode"), "Authorised");
    assert_eq!(desk.read(&id).await.text_at("/paymentorder/status"), "Paid");
}

crate::on_both_stores!(
    an_order_nobody_tried_to_pay_is_updated_and_read_as_answered,
    an_order_somebody_tried_to_pay_is_not_updated,
    a_token_of_before_an_update_is_stale,
);
