//! An authorisation is an order with one payment: read in every family, and told by webhooks.

use serde_json::json;
use tests::{
    hook::Hook,
    lender::{CUSTOMER, Lender, amount, reference, trusting},
    payments::{Till, amounts},
    shop::Shop,
};

async fn an_authorisation_is_an_order_in_every_family(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let body = json!({ "amount": amount(6_000), "orderReference": "order-1", "description": "A bicycle" });
    let answer = lender.keyed(&format!("/{CUSTOMER}/authorisation"), 1, &body).await;
    let authorisation = answer.text_at("/authorisationId");
    let payment = reference(&authorisation);
    let order = payment.order().reference();

    let shown = shop.get(&format!("/v72/orders/{order}")).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert_eq!(shown.at("/payments/0/pspReference"), json!(payment));
    assert_eq!(shown.at("/payments/0/paymentMethod/type"), "credit");
    assert_eq!((shown.at("/reference"), shown.at("/status")), (json!("order-1"), json!("closed")));

    let till = Till::open(shop).await;
    let paid = till.payment(&order.to_uuid().to_string()).await;
    assert_eq!(amounts(&paid), [0, 6_000, 0, 6_000, 0, 0, 0, 6_000]);
    let part = &paid["authorization"]["partner_transactions"][0];
    assert_eq!((&part["id"], &part["partner"]), (&json!(authorisation), &json!("credit")));
    let split = &paid["split"][0];
    assert_eq!((&split["partner"], &split["method"]), (&json!("credit"), &json!("credit")), "{paid:#}");

    let sold = shop.get(&format!("/psp/paymentorders/{}", order.to_uuid())).await;
    assert_eq!(
        (sold.status, sold.text_at("/paymentorder/description")),
        (200, "A bicycle".to_owned()),
        "{}",
        sold.text
    );
    let exchanged = till.get(&format!("/v1/accounts/{}/shopping/orders/{order}", local::TEST_MERCHANT)).await;
    assert_eq!(exchanged.status, 200, "{}", exchanged.text);

    // What is done here is seen there.
    lender.of(&authorisation, "settle", 2, 4_000).await;
    lender.of(&authorisation, "reverse", 3, 1_000).await;
    assert_eq!(amounts(&till.payment(&order.to_uuid().to_string()).await)[..4], [0, 6_000, 4_000, 1_000]);
    let shown = shop.get(&format!("/v72/orders/{order}")).await;
    let kinds =
        shown.json()["operations"].as_array().unwrap().iter().map(|told| told["kind"].clone()).collect::<Vec<_>>();
    assert_eq!(kinds, [json!("capture"), json!("cancel")]);
}

async fn every_step_is_told(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let hook = Hook::create(shop, "checkout").await;
    let authorisation = lender.authorised(1, 6_000).await;
    let settled = lender.of(&authorisation, "settle", 2, 4_000).await;
    lender.of(&authorisation, "reverse", 3, 2_000).await;
    lender.refund(&settled.text_at("/transactionId"), 4, 4_000).await;
    shop.settle().await;
    let received = hook.take();
    let told = received.iter().map(|received| {
        assert!(hook.keys.have_signed(received));
        let item = received.json()["notificationItems"][0]["NotificationRequestItem"].clone();
        let names = ["eventCode", "pspReference", "paymentMethod", "success"];
        names.map(|name| item[name].as_str().unwrap_or_default().to_owned())
    });
    let told = told.collect::<Vec<_>>();
    let events = told.iter().map(|[event, ..]| event.as_str()).collect::<Vec<_>>();
    assert_eq!(events, ["AUTHORISATION", "CAPTURE", "CANCELLATION", "REFUND"], "{told:?}");
    assert!(told.iter().all(|[_, _, method, success]| method == "credit" && success == "true"), "{told:?}");
    assert_eq!(told[0][1], reference(&authorisation).to_string());
    assert_eq!(told[1][1], reference(&settled.text_at("/transactionId")).to_string());
}

async fn a_customers_name_is_neither_in_the_store_nor_told(shop: &Shop) {
    let lender = Lender::open(shop, &trusting()).await;
    let authorisation = lender.authorised(1, 6_000).await;
    let order = shop.get(&format!("/v72/orders/{}", reference(&authorisation).order().reference())).await;
    assert!(!order.text.contains(CUSTOMER), "{}", order.text);
    let key = app::OrderKey { merchant: lender.merchant.clone(), id: reference(&authorisation).order() };
    let stored = format!("{:?}", shop.log.load(&key.stream(), None).await.unwrap());
    assert!(!stored.contains(CUSTOMER), "{stored}");
}

crate::on_both_stores!(
    an_authorisation_is_an_order_in_every_family,
    every_step_is_told,
    a_customers_name_is_neither_in_the_store_nor_told,
);
