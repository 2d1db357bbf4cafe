//! A shopper who has to leave the shop: pays, cancels, or walks away.

use reqwest::Method;
use serde_json::{Value, json};
use tests::shop::{Answer, Shop, card, euro, order_key, payment};

const AUTHENTICATED: &str = "4000000000003220";

/// Starts a payment that redirects; its answer and the path of its page.
async fn start(shop: &Shop, order: Option<&Value>, method: Value) -> (Answer, String) {
    let started = shop.post("/v72/payments", &payment(order, 1_000, method)).await;
    assert_eq!(
        (started.status, started.text_at("/resultCode")),
        (200, "RedirectShopper".to_owned()),
        "{}",
        started.text
    );
    assert_eq!(started.at("/pspReference"), json!(null), "the reference comes with the details");
    assert_eq!((started.text_at("/action/type"), started.text_at("/action/method")), ("redirect".into(), "GET".into()));
    let url = started.text_at("/action/url");
    let path = url.strip_prefix(&shop.url).expect("a page of this engine").to_owned();
    (started, path)
}

fn redirect_result(location: &str) -> String {
    let url = reqwest::Url::parse(location).unwrap();
    assert_eq!((url.host_str(), url.path()), (Some("shop.example"), "/return"));
    assert_eq!(url.query_pairs().next().unwrap().1, "1", "the shop's own query is kept");
    url.query_pairs().find(|(name, _)| name == "redirectResult").unwrap().1.into_owned()
}

async fn details(shop: &Shop, result: &str) -> Answer {
    shop.post("/v72/payments/details", &json!({ "details": { "redirectResult": result } })).await
}

async fn a_shopper_who_pays_comes_back_authorised(shop: &Shop) {
    for method in [card(AUTHENTICATED), json!({ "type": "ideal" })] {
        let opened = shop.open_order(1_000).await;
        let (started, page) = start(shop, Some(&opened.order()), method.clone()).await;
        assert_eq!(started.at("/order/remainingAmount"), euro(0), "the part is set aside");
        let shown = shop.send(shop.bare(Method::GET, &page)).await;
        assert_eq!(shown.headers["content-type"], "text/html; charset=utf-8");
        assert!(shown.text.contains("EUR 10.00") && shown.text.contains("/approve\""), "{}", shown.text);
        let result = redirect_result(&shop.press(&page, "approve").await);
        let paid = details(shop, &result).await;
        assert_eq!((paid.status, paid.text_at("/resultCode")), (200, "Authorised".to_owned()));
        assert_eq!(paid.text_at("/paymentMethod/type"), method["type"].as_str().unwrap());
        assert_eq!(shop.order(&opened.order()).await["success"], json!(true));
        let again = details(shop, &result).await;
        assert_eq!((again.status, again.text), (paid.status, paid.text), "asked again, answered again");
    }
}

async fn a_shopper_who_says_no_frees_the_part(shop: &Shop) {
    for (method, code, reason) in [
        (card(AUTHENTICATED), "Refused", "3D Not Authenticated"),
        (json!({ "type": "ideal" }), "Cancelled", "Shopper Cancelled"),
    ] {
        let opened = shop.open_order(1_000).await;
        let (_, page) = start(shop, Some(&opened.order()), method).await;
        let answer = details(shop, &redirect_result(&shop.press(&page, "refuse").await)).await;
        assert_eq!((answer.text_at("/resultCode"), answer.text_at("/refusalReason")), (code.into(), reason.into()));
        assert_eq!(answer.at("/order/remainingAmount"), euro(1_000));
        let paid = shop.pay_card(&answer.order(), 1_000, "4111111111111111").await;
        assert_eq!(paid.text_at("/resultCode"), "Authorised", "a token overtaken by nothing pays");
    }
}

async fn a_shopper_who_walks_away_leaves_the_payment_open(shop: &Shop) {
    let opened = shop.open_order(1_000).await;
    let (_, page) = start(shop, Some(&opened.order()), json!({ "type": "ideal" })).await;
    let left = shop.press(&page, "leave").await;
    let left = left.strip_prefix(&shop.url).expect("a page of this engine");
    assert!(shop.send(shop.bare(Method::GET, left)).await.text.contains("walked away"));
    shop.clock.advance(std::time::Duration::from_secs(600));
    assert_eq!(shop.order(&opened.order()).await["payments"][0]["status"], "redirectShopper");
    let cancelled = shop.cancel(&opened.order()).await;
    assert_eq!(cancelled.status, 200);
    assert_eq!(shop.order(&opened.order()).await["status"], "closed");
    let shown = shop.send(shop.bare(Method::GET, &page)).await;
    assert!(shown.text.contains("has ended") && !shown.text.contains("/approve"), "the page takes no payment any more");
    shop.press(&page, "approve").await;
    assert_eq!(shop.order(&opened.order()).await["payments"][0]["status"], "cancelled");
}

async fn who_pays_and_never_comes_back_has_paid(shop: &Shop) {
    let opened = shop.open_order(1_000).await;
    let (_, page) = start(shop, Some(&opened.order()), card(AUTHENTICATED)).await;
    shop.press(&page, "approve").await;
    shop.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(shop.order(&opened.order()).await["success"], json!(true));
}

async fn the_first_choice_stands(shop: &Shop) {
    let (_, page) = start(shop, None, json!({ "type": "ideal" })).await;
    shop.press(&page, "refuse").await;
    let result = redirect_result(&shop.press(&page, "approve").await);
    assert_eq!(details(shop, &result).await.text_at("/resultCode"), "Cancelled");
}

async fn a_result_without_a_choice_is_still_pending(shop: &Shop) {
    let opened = shop.open_order(1_000).await;
    start(shop, Some(&opened.order()), json!({ "type": "ideal" })).await;
    let key = order_key(&opened.order());
    let result = shop.engine.tokens.seal_return(&key.merchant, key.id.at(domain::Version::try_new(1).unwrap()));
    assert_eq!(details(shop, &result).await.text_at("/resultCode"), "RedirectShopper");
}

async fn results_that_are_none_are_refused(shop: &Shop) {
    let invalid = (422, "redirect_result_invalid".to_owned());
    let opened = shop.open_order(1_000).await;
    for result in ["", "x", "eyJhbGciOiJub25lIn0", &opened.text_at("/orderData")] {
        assert_eq!(details(shop, result).await.error(), invalid);
    }
    let missing = shop.post("/v72/payments/details", &json!({ "details": {} })).await;
    assert_eq!(missing.error(), (422, "130".to_owned()));
    assert!(missing.text_at("/message").contains("details.redirectResult"));
    assert_eq!(shop.post("/v72/payments/details", &json!({})).await.error(), (422, "100".to_owned()));
    let page = shop.send(shop.bare(Method::GET, "/sandbox/TestMerchant/0000000000000000")).await;
    assert_eq!(page.status, 404);
}

/// The worker's looks are far apart by then; the last one comes before the payment is given up.
async fn a_shopper_who_paid_in_time_and_never_came_back_has_paid(shop: &Shop) {
    let opened = shop.open_order(1_000).await;
    let (_, page) = start(shop, Some(&opened.order()), json!({ "type": "ideal" })).await;
    for minute in 0..30 {
        if minute == 29 {
            shop.press(&page, "approve").await;
        }
        shop.after(std::time::Duration::from_secs(60)).await;
    }
    let order = shop.state(&opened.order()).await;
    assert!(order.payments[0].is_authorised() && !order.payments[0].is_timed_out, "{order:?}");
    assert!(order.closed.is_some_and(|closed| closed.is_success()));
}

super::on_both_stores!(
    a_shopper_who_paid_in_time_and_never_came_back_has_paid,
    a_shopper_who_pays_comes_back_authorised,
    a_shopper_who_says_no_frees_the_part,
    a_shopper_who_walks_away_leaves_the_payment_open,
    who_pays_and_never_comes_back_has_paid,
    the_first_choice_stands,
    a_result_without_a_choice_is_still_pending,
    results_that_are_none_are_refused,
);
