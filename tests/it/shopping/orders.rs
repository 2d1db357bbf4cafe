//! Orders: listed, replaced, ended and gone on with, and those of other families.

use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tests::{
    payments::{Till, session_of},
    shop::{API_KEY, Answer, OPERATOR_KEY, Shop, card, gift_card},
};

use super::{VISA, added, at, done, error, item, money, of, operate, ordered, paid, put, reversal, shown, taken};

async fn orders_are_listed_newest_first(shop: &Shop) {
    let mut opened = Vec::new();
    for _ in 0..5 {
        opened.push(ordered(shop, &[item(1, "chair", 1_000, 200)]).await);
        shop.clock.advance(std::time::Duration::from_millis(5));
    }
    opened.reverse();
    let mut path = "orders?limit=2".to_owned();
    let (mut seen, mut pages) = (Vec::<String>::new(), 0);
    loop {
        let page = shop.get(&at(&path)).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let orders = page.at("/orders");
        assert!(orders.as_array().unwrap().iter().all(|order| order.get("items").is_none()));
        seen.extend(orders.as_array().unwrap().iter().map(|order| order["order_id"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(next) = page.at("/next_page_token").as_str().map(str::to_owned) else { break };
        path = format!("orders?limit=2&page_token={next}");
    }
    assert_eq!((seen, pages), (opened, 3));
    for query in ["limit=0", "limit=101", "limit=x", "page_token=x", "page_token=W10"] {
        let refused = shop.get(&at(&format!("orders?{query}"))).await;
        let field = query.split('=').next().unwrap().to_owned();
        assert_eq!(error(&refused), (400, "field_invalid".to_owned(), field), "{}", refused.text);
    }
}

async fn an_order_is_replaced_until_something_is_done(shop: &Shop) {
    let order = ordered(shop, &[item(1, "chair", 1_000, 200)]).await;
    let body = json!({ "currency": "EUR", "items": [item(7, "lamp", 300, 60)], "merchant_reference": "r-1" });
    let replaced = put(shop, &of(&order, ""), &body).await;
    assert_eq!(replaced.status, 200, "{}", replaced.text);
    assert_eq!(money(&replaced.json()), ("pending", 300, 0, 300, 0));
    assert_eq!((replaced.at("/merchant_reference"), replaced.at("/version")), (json!("r-1"), json!(1)));
    let keyed = async |key: &str| {
        shop.send(shop.request(Method::PUT, &of(&order, "")).header("Idempotency-Key", key).json(&body)).await
    };
    assert_eq!(keyed("r").await.json(), keyed("r").await.json());
    assert_eq!(shown(shop, &order).await["version"], 2);
    done(shop, &order, "authorizations", "PID_1", &[(7, 100)]).await;
    let refused = put(shop, &of(&order, ""), &body).await;
    assert_eq!(error(&refused), (409, "order_attempted".to_owned(), String::new()), "{}", refused.text);
}

async fn an_order_is_closed_and_opened_again(shop: &Shop) {
    let order = ordered(shop, &[item(1, "chair", 1_000, 200), item(2, "stool", 500, 100)]).await;
    taken(shop, &order, "PID_1", &[(1, 1_000)]).await;
    done(shop, &order, "authorizations", "PID_1", &[(2, 500)]).await;
    for _ in 0..2 {
        let closed = shop.ask(&of(&order, "close")).await;
        let expected = (json!("closed"), json!("merchant"), json!("2026-01-31T12:00:00Z"));
        assert_eq!((closed.at("/status"), closed.at("/closed_by"), closed.at("/closed_at")), expected);
    }
    for kind in ["authorizations", "captures"] {
        let refused = operate(shop, &order, kind, "PID_1", &[(2, 500)]).await;
        assert_eq!(error(&refused), (409, "order_closed".to_owned(), String::new()), "{}", refused.text);
    }
    let draft = super::drafted(shop, &super::update_of(&order, &[item(3, "x", 1, 0)])).await;
    assert_eq!(error(&super::complete(shop, &draft).await).1, "order_closed");
    // What gives back is always possible.
    done(shop, &order, "refunds", "PID_1", &[(1, 100)]).await;
    done(shop, &order, "cancellations", "PID_1", &[(2, 100)]).await;
    let opened = shop.ask(&of(&order, "open")).await;
    assert_eq!((opened.status, opened.text_at("/status").as_str()), (200, "open"), "{}", opened.text);
    assert_eq!(opened.at("/closed_at"), Value::Null);
    assert_eq!(super::complete(shop, &draft).await.status, 200);
    let refused = shop.ask(&of(&order, "cancel")).await;
    assert_eq!(error(&refused), (409, "order_captured".to_owned(), String::new()), "{}", refused.text);
}

async fn a_cancelled_order_releases_what_is_held(shop: &Shop) {
    let order = ordered(shop, &[item(1, "chair", 2_000, 400)]).await;
    let balance = shop.gift_card_balance().await;
    let payment = paid(shop, &order, 1_500, gift_card()).await;
    done(shop, &order, "authorizations", &payment, &[(1, 1_500)]).await;
    assert_eq!(shop.gift_card_balance().await, balance - 1_500);
    let cancelled = shop.ask(&of(&order, "cancel")).await;
    assert_eq!((cancelled.status, cancelled.text_at("/status").as_str()), (200, "cancelled"), "{}", cancelled.text);
    shop.settle().await;
    assert_eq!(shop.gift_card_balance().await, balance);
    let now = shop.ask(&of(&order, "cancel")).await.json();
    assert_eq!((&now["cancelled_by"], &now["cancelled_reason"]), (&json!("merchant"), &json!("cancelled")));
    assert_eq!(now["cancelled_at"], "2026-01-31T12:00:00Z");
    let refused = operate(shop, &order, "captures", &payment, &[(1, 1)]).await;
    assert_eq!(error(&refused).1, "order_cancelled", "{}", refused.text);
    assert_eq!(error(&shop.ask(&of(&order, "open")).await).1, "order_cancelled");
    assert_eq!(error(&shop.ask(&of(&order, "close")).await).1, "order_cancelled");
}

/// Both are one endpoint, and not one request.
async fn closing_and_opening_are_two_requests(shop: &Shop) {
    let order = ordered(shop, &[item(1, "chair", 1_000, 200)]).await;
    let uuid = shown(shop, &order).await["id"].as_str().unwrap().to_owned();
    let closed = shop.post_keyed(&of(&order, "close"), "once", &json!({})).await;
    assert_eq!((closed.status, closed.text_at("/status").as_str()), (200, "closed"), "{}", closed.text);
    assert_eq!(shop.post_keyed(&of(&order, "close"), "once", &json!({})).await.json(), closed.json());
    let refused = shop.post_keyed(&of(&order, "open"), "once", &json!({})).await;
    assert_eq!(error(&refused), (409, "idempotency_key_reused".to_owned(), String::new()), "{}", refused.text);
    assert_eq!(shown(shop, &uuid).await["status"], "closed");
    assert_eq!(shop.post_keyed(&of(&order, "open"), "twice", &json!({})).await.text_at("/status"), "open");
}

/// Orders of other families end with all their money given back where they are cancelled there; not here.
async fn an_order_of_which_something_is_captured_is_not_cancelled(shop: &Shop) {
    let opened = shop.open_order(3_000).await;
    shop.pay_gift_card(&opened.order(), 1_000).await;
    let order = shop.order(&opened.order()).await;
    let id = order["id"].as_str().unwrap();
    Till::open(shop).await.operate(id, "captures", &json!({ "amount": 500 })).await;
    let before = shown(shop, id).await;
    let refused = shop.ask(&of(id, "cancel")).await;
    assert_eq!(error(&refused), (409, "order_captured".to_owned(), String::new()), "{}", refused.text);
    assert_eq!(shown(shop, id).await, before);
    // What is held only is released, and asking again changes nothing.
    let opened = shop.open_order(3_000).await;
    shop.pay_gift_card(&opened.order(), 1_000).await;
    let reference = opened.text_at("/pspReference");
    let cancelled = shop.ask(&of(&reference, "cancel")).await;
    assert_eq!((cancelled.status, cancelled.text_at("/status").as_str()), (200, "cancelled"), "{}", cancelled.text);
    assert_eq!(shop.ask(&of(&reference, "cancel")).await.status, 200);
}

async fn what_did_not_succeed_is_on_record_and_moves_nothing(shop: &Shop) {
    let order = ordered(shop, &[item(1, "chair", 1_000, 200)]).await;
    let payment = paid(shop, &order, 1_000, card(VISA)).await;
    done(shop, &order, "authorizations", &payment, &[(1, 1_000)]).await;
    let before = shown(shop, &order).await;
    for payment in [payment.as_str(), "PID_1"] {
        let mut body = super::operation(payment, &[(1, 1_000)]);
        body["success"] = json!(false);
        body["processed_at"] = json!("2026-01-31T11:00:00Z");
        body["metadata"] = json!({ "attempt": 1.50 });
        body["payment_details"]["psp"] = json!("other");
        let told = shop.post(&of(&order, "captures"), &body).await;
        assert_eq!(told.status, 201, "{}", told.text);
        let expected = (json!(false), json!("recorded"), json!({ "attempt": 1.50 }), json!("2026-01-31T11:00:00Z"));
        let of_told = |path: &str| told.at(path);
        assert_eq!((of_told("/success"), of_told("/status"), of_told("/metadata"), of_told("/processed_at")), expected);
        assert_eq!(told.at("/payment_details"), json!({ "payment_id": payment, "psp": "other" }));
    }
    let after = shown(shop, &order).await;
    assert_eq!((&after["items"], money(&after)), (&before["items"], money(&before)));
    // A capture that the partner declines was taken, and says so.
    let order = ordered(shop, &[item(1, "chair", 1_000, 200)]).await;
    let payment = paid(shop, &order, 1_000, card("4000000000000341")).await;
    done(shop, &order, "authorizations", &payment, &[(1, 1_000)]).await;
    let declined = done(shop, &order, "captures", &payment, &[(1, 1_000)]).await;
    assert_eq!((&declined["success"], &declined["status"]), (&json!(false), &json!("declined")));
    assert_eq!(super::books(&shown(shop, &order).await, 1), [1_000, 0, 0, 0, 0, 0]);
}

async fn orders_of_other_families_are_shown(shop: &Shop) {
    let opened = shop.open_order(3_000).await;
    shop.pay_card(&opened.order(), 3_000, VISA).await;
    let reference = opened.text_at("/pspReference");
    let order = shown(shop, &reference).await;
    assert_eq!(
        (&order["order_id"], &order["items"], &order["status"]),
        (&json!(reference), &json!([]), &json!("closed"))
    );
    assert_eq!((&order["closed_by"], &order["merchant_reference"]), (&json!("engine"), &json!("order-1")));
    assert_eq!(
        order["payments"][0]["method"],
        json!({ "type": "scheme", "brand": "visa", "last_four_digits": "1111" })
    );
    assert_eq!(money(&order), ("pending", 3_000, 0, 0, 0), "it is held, and nothing is captured");
    let refused = operate(shop, &reference, "captures", "PID_1", &[(1, 1)]).await;
    assert_eq!(error(&refused).1, "lines_missing", "{}", refused.text);
    assert_eq!(shop.ask(&of(&reference, "close")).await.json(), order, "it has ended already");
    let open = shop.open_order(3_000).await.text_at("/pspReference");
    let refused = shop.ask(&of(&open, "close")).await;
    assert_eq!(error(&refused), (409, "order_ends_by_itself".to_owned(), String::new()), "{}", refused.text);

    let till = Till::open(shop).await;
    let id = till.sell(&session_of(2_000), &[(2_000, card(VISA))]).await;
    till.operate(&id, "captures", &json!({ "amount": 500 })).await;
    assert_eq!(money(&shown(shop, &id).await), ("partially_paid", 2_000, 500, 0, 0));
    // And the other way: this family's are shown there.
    let order = ordered(shop, &[item(1, "chair", 1_000, 200)]).await;
    let payment = paid(shop, &order, 1_000, card(VISA)).await;
    taken(shop, &order, &payment, &[(1, 1_000)]).await;
    added(shop, &order, &[reversal(2, 1, "chair", -400, -80)]).await;
    taken(shop, &order, &payment, &[(2, -400)]).await;
    let told = till.payment(shown(shop, &order).await["id"].as_str().unwrap()).await;
    assert_eq!((&told["amounts"]["total_captured"], &told["amounts"]["total_refunded"]), (&json!(1_000), &json!(400)));
}

async fn ask_token(shop: &Shop, account: &str, client: &str, key: &str, body: &Value) -> Answer {
    let request = shop.bare(Method::POST, &format!("/v1/accounts/{account}/auth/token"));
    shop.send(request.basic_auth(client, Some(key)).json(body)).await
}

async fn an_access_token_is_issued_for_the_account(shop: &Shop) {
    let body = json!({ "grant_type": "client_credentials", "audience": "https://api.example/v1/accounts/T1" });
    let issued = ask_token(shop, local::TEST_MERCHANT, local::TEST_MERCHANT, API_KEY, &body).await;
    assert_eq!((issued.status, issued.text_at("/token_type").as_str()), (200, "Bearer"), "{}", issued.text);
    assert_eq!(issued.at("/expires_in"), 3_600);
    assert_eq!(issued.headers["cache-control"], "no-store");
    let token = secrecy::SecretString::from(issued.text_at("/access_token"));
    let listed = shop.send(shop.bare(Method::GET, &at("orders")).bearer_auth(token.expose_secret())).await;
    assert_eq!(listed.status, 200, "{}", listed.text);

    let second = shop.second(&["payments"]).await;
    let cases = [
        (local::TEST_MERCHANT, local::TEST_MERCHANT, "wrong"),
        (local::TEST_MERCHANT, "Another", API_KEY),
        (local::TEST_MERCHANT, local::TEST_MERCHANT, second.as_str()),
        ("Second", "Second", API_KEY),
        ("Nobody", "Nobody", API_KEY),
        (local::TEST_MERCHANT, local::TEST_MERCHANT, OPERATOR_KEY),
    ];
    for (account, client, key) in cases {
        let refused = ask_token(shop, account, client, key, &body).await;
        assert_eq!(error(&refused), (401, "unauthorised".to_owned(), String::new()), "{account} {client}");
    }
    let path = format!("/v1/accounts/{}/auth/token", local::TEST_MERCHANT);
    assert_eq!(shop.send(shop.bare(Method::POST, &path).json(&body)).await.status, 401);
    let other = json!({ "grant_type": "password" });
    let refused = ask_token(shop, local::TEST_MERCHANT, local::TEST_MERCHANT, API_KEY, &other).await;
    assert_eq!(error(&refused), (400, "unsupported_grant_type".to_owned(), "grant_type".to_owned()));
    // Another's account is nobody's to look into.
    let refused = shop.as_key(&second, Method::GET, &at("orders"), None).await;
    assert_eq!(error(&refused), (403, "merchant_forbidden".to_owned(), String::new()));
}

async fn what_happened_is_told_page_by_page(shop: &Shop) {
    let order = ordered(shop, &[item(1, "chair", 1_000, 200)]).await;
    let payment = paid(shop, &order, 1_000, card(VISA)).await;
    taken(shop, &order, &payment, &[(1, 600)]).await;
    shop.ask(&of(&order, "close")).await;
    let all = shop.get(&of(&order, "events?limit=100")).await.at("/events");
    let types = all.as_array().unwrap().iter().flat_map(|event| event["changes"].as_array().unwrap());
    let types = types.map(|change| change["type"].as_str().unwrap()).collect::<Vec<_>>();
    let expected = [
        "opened",
        "payment_begun",
        "payment_resolved",
        "operation_recorded",
        "operation_begun",
        "operation_resolved",
        "closed",
    ];
    assert_eq!(types, expected);
    assert_eq!(all[4]["changes"][0]["payment_id"], json!(payment));
    let (mut paged, mut path) = (Vec::new(), "events?limit=3".to_owned());
    for _ in 0..4 {
        let page = shop.get(&of(&order, &path)).await;
        paged.extend(page.at("/events").as_array().unwrap().clone());
        let Some(next) = page.at("/next_page_token").as_str().map(str::to_owned) else { break };
        path = format!("events?limit=3&page_token={next}");
    }
    assert_eq!(json!(paged), all);
}

crate::on_both_stores!(
    orders_are_listed_newest_first,
    an_order_is_replaced_until_something_is_done,
    an_order_is_closed_and_opened_again,
    a_cancelled_order_releases_what_is_held,
    closing_and_opening_are_two_requests,
    an_order_of_which_something_is_captured_is_not_cancelled,
    what_did_not_succeed_is_on_record_and_moves_nothing,
    orders_of_other_families_are_shown,
    an_access_token_is_issued_for_the_account,
    what_happened_is_told_page_by_page,
);
