//! Requests at once: one wins, and no set of them ever takes more than the order's amount.

use serde_json::json;
use tests::shop::{Shop, order_key};
use tokio::task::JoinSet;

const ROUNDS: usize = 64;

async fn of_two_requests_with_one_token_one_is_accepted(shop: &Shop) {
    for round in 0..ROUNDS {
        let order = shop.open_order(10_000).await.order();
        let (left, right) = tokio::join!(
            shop.pay_card(&order, 6_000, "4111111111111111"),
            shop.pay_card(&order, 6_000, "5555444433331111"),
        );
        let (won, lost) = if left.status == 200 { (left, right) } else { (right, left) };
        assert_eq!(won.text_at("/resultCode"), "Authorised", "round {round}");
        assert_eq!(lost.error(), (422, "order_data_stale".to_owned()), "round {round}: {}", lost.text);
        let state = shop.state(&order).await;
        assert_eq!((state.covered(), state.remaining), (6_000, 4_000), "round {round}");
    }
}

async fn many_payers_with_fresh_tokens_never_take_too_much(shop: &Shop) {
    let order = shop.open_order(1_000).await.order();
    let mut payers = JoinSet::new();
    for _ in 0..16 {
        let (app, tokens, key) = (shop.engine.app.clone(), shop.engine.tokens.clone(), order_key(&order));
        let (url, reference) = (shop.url.clone(), order["pspReference"].clone());
        payers.spawn(async move {
            let client = reqwest::Client::new();
            let mut taken = 0_u64;
            for _ in 0..4 {
                // Always the newest token: the payers race all the same.
                let state = app.find(&key).await.unwrap();
                let token = tokens.seal(&key.merchant, key.id, &state);
                let order = json!({ "pspReference": reference, "orderData": token });
                let body = tests::shop::payment(Some(&order), 300, tests::shop::card("4111111111111111"));
                let request = client.post(format!("{url}/v72/payments")).header("X-API-Key", tests::shop::API_KEY);
                if request.json(&body).send().await.unwrap().status() == 200 {
                    taken += 300;
                }
            }
            taken
        });
    }
    let taken = payers.join_all().await.into_iter().sum::<u64>();
    let state = shop.state(&order).await;
    assert_eq!((taken, state.covered(), state.remaining), (900, 900, 100));
}

async fn a_gift_card_is_not_spent_twice_by_two_orders(shop: &Shop) {
    let (left, right) = (shop.open_order(5_000).await.order(), shop.open_order(5_000).await.order());
    let (left, right) = tokio::join!(shop.pay_gift_card(&left, 5_000), shop.pay_gift_card(&right, 5_000));
    let mut codes = [left.text_at("/resultCode"), right.text_at("/resultCode")];
    codes.sort();
    assert_eq!(codes, ["Authorised", "Refused"]);
    assert_eq!(shop.gift_card_balance().await, 0);
}

async fn many_orders_share_a_gift_card_at_once(shop: &Shop) {
    let mut orders = Vec::new();
    for _ in 0..100 {
        orders.push(shop.open_order(1_000).await.order());
    }
    let payments = orders.iter().map(|order| shop.pay_gift_card(order, 50));
    let paid = futures_util::future::join_all(payments).await;
    assert!(paid.iter().all(|paid| paid.text_at("/resultCode") == "Authorised"), "{paid:?}");
    assert_eq!(shop.gift_card_balance().await, 0);
}

async fn cancelling_while_paying_ends_in_nothing_held(shop: &Shop) {
    for _ in 0..16 {
        let order = shop.open_order(5_000).await.order();
        let (paid, cancelled) = tokio::join!(shop.pay_gift_card(&order, 3_000), shop.cancel(&order));
        assert_eq!(cancelled.status, 200);
        assert!(paid.status == 200 || paid.error() == (422, "order_cancelled".to_owned()), "{}", paid.text);
        let order = shop.order(&order).await;
        assert_eq!((&order["status"], &order["success"]), (&json!("closed"), &json!(false)));
        assert_eq!(shop.gift_card_balance().await, 5_000);
    }
}

super::on_both_stores!(
    of_two_requests_with_one_token_one_is_accepted,
    many_payers_with_fresh_tokens_never_take_too_much,
    a_gift_card_is_not_spent_twice_by_two_orders,
    many_orders_share_a_gift_card_at_once,
    cancelling_while_paying_ends_in_nothing_held,
);
