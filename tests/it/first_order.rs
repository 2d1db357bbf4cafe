//! The promise of the product: an order paid in parts.

use serde_json::json;
use tests::shop::{Shop, card, euro, gift_card, order_of, payment};

async fn a_gift_card_and_a_card_pay_an_order(shop: &Shop) {
    let opened = shop.open_order(10_000).await;
    assert_eq!(opened.at("/resultCode"), "Success");
    assert_eq!(opened.at("/remainingAmount"), euro(10_000));
    assert_eq!(opened.at("/reference"), "order-1");
    assert_eq!(opened.at("/expiresAt"), "2026-02-01T12:00:00Z");
    assert_eq!(opened.headers["pspReference"], opened.text_at("/pspReference"));

    let gift_card = shop.pay_gift_card(&opened.order(), 2_000).await;
    assert_eq!((gift_card.status, gift_card.text_at("/resultCode")), (200, "Authorised".to_owned()));
    assert_eq!(gift_card.at("/paymentMethod"), json!({ "type": "giftcard", "brand": "givex" }));
    assert_eq!(gift_card.at("/merchantReference"), "payment-1");
    assert_eq!(gift_card.at("/amount"), euro(2_000));
    assert_eq!(gift_card.at("/order/remainingAmount"), euro(8_000));
    assert_ne!(gift_card.at("/order/orderData"), opened.at("/orderData"));
    assert_eq!(shop.gift_card_balance().await, 3_000);

    let card = shop.pay_card(&gift_card.order(), 8_000, "4111111111111111").await;
    assert_eq!(card.text_at("/resultCode"), "Authorised");
    assert_eq!(card.at("/order/remainingAmount"), euro(0));

    let order = shop.order(&opened.order()).await;
    assert_eq!(
        (&order["status"], &order["success"], &order["reason"]),
        (&json!("closed"), &json!(true), &json!("paid"))
    );
    assert_eq!(order["payments"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        order["payments"][0]["paymentMethod"],
        json!({ "type": "giftcard", "brand": "givex", "lastFour": "0000" })
    );
    assert_eq!(order["payments"][1]["status"], "authorised");
    assert_eq!(order["payments"][1]["pspReference"], card.at("/pspReference"));
}

async fn a_payment_without_an_order_opens_one_of_its_own(shop: &Shop) {
    let paid = shop.post("/v72/payments", &payment(None, 4_200, card("5555444433331111"))).await;
    assert_eq!((paid.status, paid.text_at("/resultCode")), (200, "Authorised".to_owned()));
    assert_eq!(paid.at("/order"), json!(null), "an order is answered only if one was sent");
    let order = shop.order(&json!({ "pspReference": paid.at("/pspReference") })).await;
    assert_eq!((&order["status"], &order["success"]), (&json!("closed"), &json!(true)));
    assert_eq!(order["payments"][0]["paymentMethod"]["brand"], "mc");

    let refused = shop.post("/v72/payments", &payment(None, 4_200, card("4000000000000002"))).await;
    assert_eq!(refused.text_at("/resultCode"), "Refused");
    let order = shop.order(&json!({ "pspReference": refused.at("/pspReference") })).await;
    assert_eq!(
        (&order["status"], &order["success"], &order["reason"]),
        (&json!("closed"), &json!(false), &json!("paymentFailed"))
    );
}

async fn an_order_is_found_by_its_uuid_too(shop: &Shop) {
    let opened = shop.open_order(100).await;
    let order = shop.order(&opened.order()).await;
    let by_uuid = shop.get(&format!("/v72/orders/{}", order["id"].as_str().unwrap())).await;
    assert_eq!(by_uuid.json(), order);
}

async fn a_refused_payment_gives_its_part_back(shop: &Shop) {
    let opened = shop.open_order(10_000).await;
    let refused = shop.pay_card(&opened.order(), 10_000, "4000000000000002").await;
    assert_eq!(
        (refused.text_at("/resultCode"), refused.text_at("/refusalReason")),
        ("Refused".into(), "Refused".into())
    );
    assert_eq!(refused.at("/order/remainingAmount"), euro(10_000));
    let paid = shop.pay_card(&refused.order(), 10_000, "4111111111111111").await;
    assert_eq!(paid.text_at("/resultCode"), "Authorised");
}

async fn a_gift_card_never_pays_more_than_it_has(shop: &Shop) {
    let opened = shop.open_order(10_000).await;
    let too_much = shop.pay_gift_card(&opened.order(), 5_001).await;
    assert_eq!(too_much.text_at("/refusalReason"), "Not enough balance");
    assert_eq!(too_much.text_at("/refusalReasonCode"), "12");
    let all = shop.pay_gift_card(&too_much.order(), 5_000).await;
    assert_eq!(all.text_at("/resultCode"), "Authorised");
    assert_eq!(shop.gift_card_balance().await, 0);
    let more = shop.pay_gift_card(&all.order(), 1).await;
    assert_eq!(more.text_at("/refusalReason"), "Not enough balance");
}

async fn an_expired_order_takes_no_payment(shop: &Shop) {
    let opened = shop.open_order(10_000).await;
    let first = shop.pay_gift_card(&opened.order(), 2_000).await;
    shop.clock.advance(std::time::Duration::from_secs(24 * 3_600));
    let late = shop.pay_card(&first.order(), 8_000, "4111111111111111").await;
    assert_eq!(late.error(), (422, "order_expired".to_owned()));
    // Looked at, it is found to have expired, and what was paid is released.
    let order = shop.order(&opened.order()).await;
    assert_eq!((&order["expired"], &order["remainingAmount"]), (&json!(true), &euro(10_000)));
    assert_eq!((&order["success"], &order["reason"]), (&json!(false), &json!("expired")));
    assert_eq!(shop.gift_card_balance().await, 5_000);
}

super::on_both_stores!(
    a_gift_card_and_a_card_pay_an_order,
    a_payment_without_an_order_opens_one_of_its_own,
    an_order_is_found_by_its_uuid_too,
    a_refused_payment_gives_its_part_back,
    a_gift_card_never_pays_more_than_it_has,
    an_expired_order_takes_no_payment,
);

#[tokio::test]
async fn every_version_and_both_prefixes_are_served() {
    let shop = Shop::open(tests::shop::On::Embedded).await;
    for prefix in ["", "/checkout"] {
        for version in 68..=72 {
            let opened = shop.post(&format!("{prefix}/v{version}/orders"), &order_of(100)).await;
            assert_eq!(opened.status, 200, "{prefix}/v{version}: {}", opened.text);
        }
        for version in ["v67", "v73", "v72x", "72", "v", "v+72", "v072"] {
            let opened = shop.post(&format!("{prefix}/{version}/orders"), &order_of(100)).await;
            assert_eq!(opened.error(), (404, "route_not_found".to_owned()), "{prefix}/{version}");
        }
    }
}

#[tokio::test]
async fn fields_as_official_clients_send_them_are_tolerated() {
    let shop = Shop::open(tests::shop::On::Embedded).await;
    let opened = shop.open_order(5_000).await;
    let mut body = payment(
        Some(&opened.order()),
        1_000,
        json!({
            "type": "givex", "encryptedCardNumber": "test_6036 2800 0000 0000 000", "encryptedSecurityCode": "test_123",
            "checkoutAttemptId": "x", "holderName": "S. Hopper",
        }),
    );
    body["applicationInfo"] = json!({ "adyenLibrary": { "name": "adyen-python-api-library", "version": "16.0.0" } });
    body["browserInfo"] = json!({ "userAgent": "x", "javaEnabled": true });
    body["shopperInteraction"] = json!("Ecommerce");
    body["channel"] = json!("Web");
    let paid = shop.post("/v71/payments", &body).await;
    assert_eq!((paid.status, paid.text_at("/resultCode")), (200, "Authorised".to_owned()), "{}", paid.text);
    let mut rest = payment(Some(&paid.order()), 4_000, gift_card());
    rest["paymentMethod"]["brand"] = json!("givex");
    assert_eq!(shop.post("/v71/payments", &rest).await.text_at("/resultCode"), "Authorised");
}
