//! An order that ends unpaid gives every part back.

use serde_json::json;
use tests::shop::{Shop, card, euro, order_key, payment};

async fn every_part_is_released(shop: &Shop) {
    let opened = shop.open_order(10_000).await;
    let gift_card = shop.pay_gift_card(&opened.order(), 2_000).await;
    let card = shop.pay_card(&gift_card.order(), 5_000, "4111111111111111").await;
    assert_eq!(shop.gift_card_balance().await, 3_000);

    let cancelled = shop.cancel(&card.order()).await;
    assert_eq!((cancelled.status, cancelled.text_at("/resultCode")), (200, "Received".to_owned()));
    assert_ne!(
        cancelled.at("/pspReference"),
        opened.at("/pspReference"),
        "the cancellation has a reference of its own"
    );

    assert_eq!(shop.gift_card_balance().await, 5_000, "the gift card is whole again");
    let order = shop.order(&opened.order()).await;
    assert_eq!(
        (&order["status"], &order["success"], &order["reason"]),
        (&json!("closed"), &json!(false), &json!("cancelled"))
    );
    assert_eq!(order["remainingAmount"], euro(10_000));
    assert_eq!(order["cancellation"]["pspReference"], cancelled.at("/pspReference"));
    assert_eq!(order["payments"][0]["cancelledAmount"], euro(2_000));
    assert_eq!(order["payments"][1]["cancelledAmount"], euro(5_000));
    assert_eq!(order["operations"][0]["legs"][1]["action"], "cancel");
    assert_eq!(order["operations"][0]["legs"][1]["status"], "done");
}

async fn twice_is_the_same_as_once(shop: &Shop) {
    let opened = shop.open_order(10_000).await;
    let paid = shop.pay_gift_card(&opened.order(), 2_000).await;
    let first = shop.cancel(&paid.order()).await;
    let commits = shop.state(&opened.order()).await.version;
    let second = shop.cancel(&paid.order()).await;
    assert_eq!((first.status, &first.text), (second.status, &second.text));
    assert_eq!(shop.state(&opened.order()).await.version, commits, "nothing was written");
    assert_eq!(shop.gift_card_balance().await, 5_000);
}

async fn a_cancelled_order_takes_no_payment(shop: &Shop) {
    let opened = shop.open_order(10_000).await;
    shop.cancel(&opened.order()).await;
    let stale = shop.pay_card(&opened.order(), 1_000, "4111111111111111").await;
    assert_eq!(stale.error(), (422, "order_cancelled".to_owned()));
    let fresh = shop.order(&opened.order()).await;
    let fresh = json!({ "pspReference": fresh["pspReference"], "orderData": fresh["orderData"] });
    assert_eq!(shop.pay_card(&fresh, 1_000, "4111111111111111").await.error(), (422, "order_cancelled".to_owned()));
}

async fn a_paid_order_is_not_cancelled_so(shop: &Shop) {
    let opened = shop.open_order(1_000).await;
    let paid = shop.pay_card(&opened.order(), 1_000, "4111111111111111").await;
    assert_eq!(shop.cancel(&paid.order()).await.error(), (422, "order_closed".to_owned()));
    assert_eq!(shop.order(&opened.order()).await["success"], json!(true));
}

async fn a_token_that_was_overtaken_still_cancels(shop: &Shop) {
    let opened = shop.open_order(10_000).await;
    shop.pay_gift_card(&opened.order(), 2_000).await;
    assert_eq!(shop.cancel(&opened.order()).await.status, 200);
    assert_eq!(shop.gift_card_balance().await, 5_000);
}

async fn a_pending_payment_is_ended(shop: &Shop) {
    let opened = shop.open_order(10_000).await;
    let pending = shop.pay_card(&opened.order(), 10_000, "4000000000000077").await;
    assert_eq!(pending.text_at("/resultCode"), "Pending");
    shop.cancel(&pending.order()).await;
    let order = shop.order(&opened.order()).await;
    assert_eq!((&order["status"], &order["payments"][0]["status"]), (&json!("closed"), &json!("cancelled")));
    shop.clock.advance(std::time::Duration::from_secs(10));
    assert_eq!(shop.order(&opened.order()).await, order, "the late result changes nothing");
}

async fn an_uncertain_payment_is_released_once_it_is_known(shop: &Shop) {
    let opened = shop.open_order(10_000).await;
    let uncertain = shop.pay_card(&opened.order(), 10_000, "4000000000000119").await;
    assert_eq!(uncertain.text_at("/resultCode"), "Pending");
    shop.cancel(&uncertain.order()).await;
    let order = shop.order(&opened.order()).await;
    assert_eq!((&order["status"], &order["payments"][0]["status"]), (&json!("open"), &json!("uncertain")));
    shop.clock.advance(std::time::Duration::from_secs(1));
    let order = shop.order(&opened.order()).await;
    assert_eq!((&order["status"], &order["reason"]), (&json!("closed"), &json!("cancelled")));
    assert_eq!(order["payments"][0]["cancelledAmount"], euro(10_000));
}

/// The partner is asked between two commits; the order is cancelled in between.
async fn a_payment_under_way_is_released_when_it_lands(shop: &Shop) {
    let opened = shop.open_order(10_000).await;
    let key = order_key(&opened.order());
    let view = shop.state(&opened.order()).await.view();
    let reserve = domain::order::Reserve {
        seen: view.version,
        amount: domain::Money::try_new("EUR".parse().unwrap(), 1_000).unwrap(),
        reference: "slow".into(),
        method: domain::order::Method { kind: domain::order::MethodKind::Card, brand: "visa".into(), last4: None },
        partner: domain::order::PartnerId::Sandbox,
        token: "sandbox-visa-1111".into(),
        act_by: None,
        key: None,
    };
    let command = domain::order::Command::Reserve(reserve);
    shop.engine.app.carry_out(&key, None, &command).await.unwrap();
    shop.cancel(&opened.order()).await;
    assert_eq!(shop.order(&opened.order()).await["status"], "open", "who reserved may still be calling the partner");
    shop.clock.advance(domain::limits::AUTHORISE_DEADLINE);
    let order = shop.order(&opened.order()).await;
    assert_eq!((&order["status"], &order["payments"][0]["status"]), (&json!("closed"), &json!("error")));
}

async fn a_captured_part_is_refunded(shop: &Shop) {
    let opened = shop.open_order(10_000).await;
    let paid = shop.pay_gift_card(&opened.order(), 2_000).await;
    shop.perform(&opened.order(), 1, domain::Action::Capture, 1_500).await;
    shop.cancel(&paid.order()).await;
    let order = shop.order(&opened.order()).await;
    assert_eq!(order["status"], "closed");
    assert_eq!(order["payments"][0]["cancelledAmount"], euro(500));
    assert_eq!(order["payments"][0]["refundedAmount"], euro(1_500));
    assert_eq!(shop.gift_card_balance().await, 5_000);
}

async fn another_orders_cancellation_needs_its_own_token(shop: &Shop) {
    let (mine, other) = (shop.open_order(1_000).await, shop.open_order(1_000).await);
    let mixed = json!({ "pspReference": mine.at("/pspReference"), "orderData": other.at("/orderData") });
    assert_eq!(shop.cancel(&mixed).await.error(), (422, "order_data_other_order".to_owned()));
    let single = shop.post("/v72/payments", &payment(None, 100, card("4111111111111111"))).await;
    assert_eq!(single.status, 200);
}

super::on_both_stores!(
    every_part_is_released,
    twice_is_the_same_as_once,
    a_cancelled_order_takes_no_payment,
    a_paid_order_is_not_cancelled_so,
    a_token_that_was_overtaken_still_cancels,
    a_pending_payment_is_ended,
    an_uncertain_payment_is_released_once_it_is_known,
    a_payment_under_way_is_released_when_it_lands,
    a_captured_part_is_refunded,
    another_orders_cancellation_needs_its_own_token,
);
