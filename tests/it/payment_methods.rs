//! What a shopper can pay with, and what is left on a gift card.

use serde_json::{Value, json};
use tests::shop::{On, Shop, card, euro, gift_card};

async fn kinds(shop: &Shop, body: Value) -> Vec<String> {
    let mut body = body;
    body["merchantAccount"] = json!(local::TEST_MERCHANT);
    let answer = shop.post("/v72/paymentMethods", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let methods = answer.at("/paymentMethods");
    let mut kinds = methods
        .as_array()
        .unwrap()
        .iter()
        .map(|method| method["type"].as_str().unwrap().to_owned())
        .collect::<Vec<_>>();
    kinds.dedup();
    kinds
}

#[tokio::test]
async fn methods_follow_the_order_and_the_currency() {
    let shop = Shop::open(On::Embedded).await;
    assert_eq!(kinds(&shop, json!({})).await, ["scheme", "ideal", "giftcard"]);
    assert_eq!(kinds(&shop, json!({ "amount": { "currency": "USD", "value": 1 } })).await, ["scheme", "giftcard"]);
    assert_eq!(kinds(&shop, json!({ "allowedPaymentMethods": ["scheme", "givex"] })).await, ["scheme", "giftcard"]);
    assert_eq!(kinds(&shop, json!({ "blockedPaymentMethods": ["giftcard"] })).await, ["scheme", "ideal"]);
    let opened = shop.open_order(1_000).await;
    assert_eq!(kinds(&shop, json!({ "order": opened.order() })).await, ["scheme", "ideal", "giftcard"]);
    let paid = shop.pay_card(&opened.order(), 1_000, "4111111111111111").await;
    assert!(kinds(&shop, json!({ "order": paid.order() })).await.is_empty(), "nothing is left to pay");
    let later = shop.open_order(1_000).await;
    shop.clock.advance(std::time::Duration::from_secs(24 * 3_600));
    assert!(kinds(&shop, json!({ "order": later.order() })).await.is_empty(), "it has expired");
    let forged = json!({ "merchantAccount": local::TEST_MERCHANT, "order": { "pspReference": opened.at("/pspReference"), "orderData": "x" } });
    assert_eq!(shop.post("/v72/paymentMethods", &forged).await.error().1, "order_data_malformed");
}

async fn balance(shop: &Shop, method: Value, amount: Value) -> (String, Value, String) {
    let body = json!({ "merchantAccount": local::TEST_MERCHANT, "amount": amount, "paymentMethod": method });
    let answer = shop.post("/v72/paymentMethods/balance", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    (answer.text_at("/resultCode"), answer.at("/balance"), answer.text_at("/refusalReason"))
}

#[tokio::test]
async fn a_balance_is_told_to_who_knows_the_code() {
    let shop = Shop::open(On::Embedded).await;
    assert_eq!(balance(&shop, gift_card(), euro(5_000)).await, ("Success".into(), euro(5_000), String::new()));
    assert_eq!(balance(&shop, gift_card(), euro(5_001)).await, ("NotEnoughBalance".into(), euro(5_000), String::new()));
    let dollars = json!({ "currency": "USD", "value": 1 });
    assert_eq!(balance(&shop, gift_card(), dollars).await.0, "NotEnoughBalance");
    let bare = json!({ "type": "givex", "number": local::TEST_GIFT_CARD, "cvc": "123" });
    assert_eq!(balance(&shop, bare, euro(1)).await.0, "Success");
    let mut wrong = gift_card();
    wrong["cvc"] = json!("321");
    assert_eq!(balance(&shop, wrong, euro(1)).await, ("Failed".into(), euro(0), "CVC Declined".into()));
    let other_brand = json!({ "type": "svs", "number": local::TEST_GIFT_CARD, "cvc": "123" });
    assert_eq!(balance(&shop, other_brand, euro(1)).await.0, "Failed", "as a payment with it is");
    let unknown = json!({ "type": "giftcard", "brand": "givex", "number": "6036280000000000001", "cvc": "123" });
    assert_eq!(balance(&shop, unknown, euro(1)).await, ("Failed".into(), euro(0), "Invalid Card Number".into()));
    let card = json!({ "merchantAccount": local::TEST_MERCHANT, "amount": euro(1), "paymentMethod": card("4111111111111111") });
    assert_eq!(shop.post("/v72/paymentMethods/balance", &card).await.error(), (422, "14_007".to_owned()));
}

#[tokio::test]
async fn guessing_a_code_comes_to_an_end() {
    let shop = Shop::open(On::Embedded).await;
    let opened = shop.open_order(10_000).await;
    let mut last = opened.order();
    for guess in 0..domain::limits::WRONG_CODES_MAX {
        let mut method = gift_card();
        method["cvc"] = json!(format!("90{guess}"));
        if guess % 2 == 0 {
            assert_eq!(
                balance(&shop, method, euro(1)).await.2,
                if guess == 9 { "Pin tries exceeded" } else { "CVC Declined" }
            );
        } else {
            let paid = shop.post("/v72/payments", &tests::shop::payment(Some(&last), 1, method)).await;
            assert_eq!(paid.text_at("/refusalReason"), "CVC Declined");
            last = paid.order();
        }
    }
    assert_eq!(balance(&shop, gift_card(), euro(1)).await, ("Failed".into(), euro(0), "Pin tries exceeded".into()));
    let paid = shop.pay_gift_card(&last, 1).await;
    assert_eq!(paid.text_at("/refusalReason"), "Pin tries exceeded", "the right code comes too late");
    shop.clock.advance(domain::limits::CODE_LOCK);
    assert_eq!(balance(&shop, gift_card(), euro(1)).await.0, "Success", "but not for ever");
}

#[tokio::test]
async fn a_right_code_makes_wrong_ones_forgotten() {
    let shop = Shop::open(On::Embedded).await;
    let mut wrong = gift_card();
    wrong["cvc"] = json!("321");
    for _ in 0..3 * domain::limits::WRONG_CODES_MAX {
        assert_eq!(balance(&shop, wrong.clone(), euro(1)).await.2, "CVC Declined");
        assert_eq!(balance(&shop, gift_card(), euro(1)).await.0, "Success");
    }
}
