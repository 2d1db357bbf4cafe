//! An order's own webhook: what it is told, how often, with which headers, and how its receiver knows who says so.

use std::time::Duration;

use app::OrderKey;
use domain::{
    Order, Reference, Version,
    limits::{KEY_OVERLAP, OWN_HEADER_VALUES_MAX, OWN_HEADERS_MAX},
};
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};
use tests::{
    hook::{Hook, Keys},
    payments::{SESSIONS, Till, amounts, balanced, checkout_order, issue, last, path, pay, session_of},
    receiver::{Behaviour, Received, Receiver},
    shop::{Answer, Shop, card, test_merchant},
};

use super::{CAPTURE_DECLINED, CAPTURE_TIMES_OUT, PENDING, VISA, of, problem, with};

const DELIVERIES: &str = "/admin/v1/webhooks/payments/deliveries";
const REDELIVER: &str = "/admin/v1/webhooks/payments/redeliver";

const FAILS: Behaviour = Behaviour::Status(500, None);
const GONE: Behaviour = Behaviour::Status(410, None);

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3_600);

fn key(id: &str) -> OrderKey {
    OrderKey { merchant: test_merchant(), id: id.parse::<Reference>().unwrap().order() }
}

async fn state(shop: &Shop, id: &str, version: u16) -> Order {
    let loaded = shop.engine.app.streams.load::<Order>(&key(id).stream(), Version::try_new(version)).await.unwrap();
    loaded.unwrap().state
}

/// The payment as its endpoint showed it, or would have, after that commit.
async fn shown_at(shop: &Shop, id: &str, version: u64) -> Value {
    let order = state(shop, id, u16::try_from(version).unwrap()).await;
    let details = shop.engine.app.details(&key(id), &order).await.unwrap();
    serde_json::to_value(webhooks::format::payments::payment(&key(id), &order, &details).unwrap()).unwrap()
}

/// The commits of the order that changed its amounts.
async fn changed(shop: &Shop, id: &str) -> Vec<u64> {
    let newest = shop.engine.app.find(&key(id)).await.unwrap().version.get();
    let (mut changed, mut before) = (Vec::new(), state(shop, id, 0).await.books());
    for version in 1..=newest {
        let books = state(shop, id, version).await.books();
        if books != before {
            changed.push(u64::from(version));
        }
        before = books;
    }
    changed
}

fn versions(received: &[Received]) -> Vec<u64> {
    received.iter().map(|one| one.json()["version"].as_u64().unwrap()).collect()
}

/// Opens a session with a webhook that leads to the receiver.
async fn open(till: &Till<'_>, receiver: &Receiver) -> Answer {
    till.session(&with(session_of(12_000), &json!({ "webhook": { "url": receiver.url } }))).await
}

/// Opens such a session, and pays it by a card.
async fn sell(till: &Till<'_>, receiver: &Receiver) -> String {
    let session = open(till, receiver).await;
    pay(till.shop, &checkout_order(&session), "EUR", &[(12_000, card(VISA))]).await;
    session.text_at("/id")
}

/// All attempts that are listed, newest first.
async fn deliveries(shop: &Shop) -> Vec<Value> {
    let listed = shop.get(&format!("{DELIVERIES}?limit=100")).await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    listed.at("/deliveries").as_array().cloned().unwrap()
}

async fn every_change_of_the_amounts_is_told_once_as_get_shows_it(shop: &Shop) {
    let (till, receiver) = (Till::open(shop).await, Receiver::start().await);
    let session = open(&till, &receiver).await;
    let id = session.text_at("/id");
    shop.settle().await;
    assert_eq!(receiver.received().len(), 0, "nobody has begun to pay");

    // Each part begins to be authorised, and is or is not.
    let illicado = issue(shop, "illicado", "EUR", 2_000).await;
    let refused = (1_000, card("4000000000000002"));
    let parts = [(2_000, illicado), refused, (7_000, card(VISA)), (3_000, card(PENDING))];
    pay(shop, &checkout_order(&session), "EUR", &parts).await;
    shop.settle().await;
    let told = receiver.take();
    let pending = told.iter().map(|one| amounts(&balanced(one.json()))[..2].to_vec()).collect::<Vec<_>>();
    let expected = [
        [2_000, 0],
        [0, 2_000],
        [1_000, 2_000],
        [0, 2_000],
        [7_000, 2_000],
        [0, 9_000],
        // Pending at once, which changes no amounts any more.
        [3_000, 9_000],
    ];
    assert_eq!(pending, expected);
    let mut all = told;
    shop.pass(3 * SECOND).await;
    let told = receiver.take();
    assert_eq!(told.iter().map(|one| amounts(&one.json())[..2].to_vec()).collect::<Vec<_>>(), [[0, 12_000]]);
    all.extend(told);

    // An operation is told when it is asked for, with what is in flight, and when it is done.
    let shipments = json!({ "shipments": [{ "net_amount": 4_000 }, { "net_amount": 2_000, "item_lines": [] }] });
    let told_with = |amount| with(of(amount), &json!({ "merchant_reference": "name-1", "order": shipments }));
    for (what, body) in [("captures", told_with(6_000)), ("refunds", of(5_000)), ("voids", of(1)), ("captures", of(2))]
    {
        let done = till.operate(&id, what, &body).await;
        shop.settle().await;
        let told = receiver.take();
        assert_eq!(
            told.iter().map(|one| last(&one.json(), what).0.to_owned()).collect::<Vec<_>>(),
            ["PENDING", "SUCCESS"]
        );
        assert_eq!((told[1].json(), till.payment(&id).await), (done.clone(), done));
        all.extend(told);
    }
    let kept = all.last().unwrap().json();
    assert_eq!(
        (&kept["captures"][0]["order"], &kept["captures"][0]["merchant_reference"]),
        (&shipments, &json!("name-1"))
    );
    // What is refused changes nothing; what changes no amounts is not told.
    assert_eq!(till.ask(&id, "captures", &of(100_000)).await.status, 422);
    shop.pass(DAY).await;
    assert_eq!(receiver.received().len(), 0);

    assert_eq!(versions(&all), changed(shop, &id).await, "each commit that changed them, once, in order");
    for one in &all {
        let told = one.json();
        assert_eq!(told, shown_at(shop, &id, told["version"].as_u64().unwrap()).await);
        assert_eq!(balanced(told.clone())["id"], json!(id));
    }
}

async fn what_time_or_the_other_family_does_is_told_too(shop: &Shop) {
    let receiver = Receiver::start().await;
    // Captured by itself in part, and the rest given back; and one that expires.
    let till = Till::open(shop).await;
    let own = json!({ "webhook": { "url": receiver.url }, "capture_mode": "AUTOMATIC", "capture_delay": "PT10M" });
    let captured = till.sell(&with(session_of(900), &own), &[(500, card(VISA)), (400, card(CAPTURE_DECLINED))]).await;
    shop.pass(600 * SECOND).await;
    let reference = captured.parse::<Reference>().unwrap();
    let reversal = json!({ "merchantAccount": local::TEST_MERCHANT });
    assert_eq!(shop.post(&format!("/v72/payments/{reference}/reversals"), &reversal).await.status, 201);
    shop.settle().await;
    let told = receiver.take();
    assert_eq!(versions(&told), changed(shop, &captured).await);
    let last_told = balanced(told.last().unwrap().json());
    assert_eq!((amounts(&last_told), last_told), ([0, 900, 500, 0, 500, 0, 400, 0], till.payment(&captured).await));

    let expired =
        till.sell(&with(session_of(900), &json!({ "webhook": { "url": receiver.url } })), &[(500, card(VISA))]).await;
    shop.pass(DAY).await;
    let told = receiver.take();
    assert_eq!(versions(&told), changed(shop, &expired).await);
    assert_eq!(amounts(&told.last().unwrap().json()), [0, 500, 0, 0, 0, 0, 500, 0]);
    assert_eq!(shop.next_job(), None);
}

async fn who_knows_only_the_keys_of_the_session_can_verify_what_comes_with_its_headers(shop: &Shop) {
    let (till, receiver) = (Till::open(shop).await, Receiver::start().await);
    let headers = json!([
        { "name": "x-order-id", "values": [123_456_789] },
        { "name": "X-Tags", "values": ["gift, card", "-5", -5] },
        { "name": "Authorization", "values": ["Bearer of-the-shop"] },
    ]);
    let webhook = json!({ "url": receiver.url, "headers": headers });
    let session = till.session(&with(session_of(1_000), &json!({ "webhook": webhook }))).await;
    assert_eq!(session.at("/webhook"), webhook, "told back as given");
    let id = session.text_at("/id");
    pay(shop, &checkout_order(&session), "EUR", &[(1_000, card(VISA))]).await;
    till.operate(&id, "captures", &of(400)).await;
    shop.clock.advance(90 * SECOND);
    shop.settle().await;

    let (keys, told) = (Keys::told_in_session(&session), receiver.take());
    assert_eq!(told.len(), 4);
    let lines = |headers: &HeaderMap, name: &str| {
        let lines = headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned());
        lines.collect::<Vec<_>>()
    };
    for one in &told {
        assert!(keys.have_signed(one) && keys.have_signed_body(one), "{one:?}");
        assert_eq!(one.sent_at(), shop.engine.app.streams.now().unix_s(), "the time of the try");
        assert_eq!(lines(&one.headers, "x-order-id"), ["123456789"]);
        assert_eq!(lines(&one.headers, "x-tags"), ["gift, card", "-5", "-5"]);
        assert_eq!(lines(&one.headers, "authorization"), ["Bearer of-the-shop"]);
        assert_eq!(lines(&one.headers, "content-type"), ["application/json"]);
        assert_eq!(one.json()["webhook"], webhook);
    }
    let mut ids = told.iter().map(|one| one.header("webhook-id")).collect::<Vec<_>>();
    ids.dedup();
    assert_eq!(ids.len(), 4, "each has a name of its own");
    let mut forged = told[3].clone();
    forged.body = forged.body.replace("\"total_captured\":400", "\"total_captured\":401");
    assert_ne!(forged.body, told[3].body);
    assert!(!keys.have_signed(&forged) && !keys.have_signed_body(&forged));

    // The keys are the merchant account's, told to whoever opens a session that has a webhook, and never again.
    let again = open(&till, &receiver).await;
    assert_eq!(again.at("/webhook_keys"), session.at("/webhook_keys"));
    for shown in [till.get(&format!("{SESSIONS}/{id}")).await, till.session(&session_of(1)).await] {
        assert_eq!(shown.json().get("webhook_keys"), None);
    }
    for secret in ["secret", "hmac_key"].map(|name| session.text_at(&format!("/webhook_keys/{name}"))) {
        assert!(!till.get(&path(&id, "")).await.text.contains(&secret));
    }
    let endpoint = Hook::create(shop, "tender").await;
    assert!(!endpoint.keys.have_signed(&told[0]), "they are no other endpoint's");
}

async fn the_keys_of_all_sessions_are_rotated_together(shop: &Shop) {
    let (till, receiver) = (Till::open(shop).await, Receiver::start().await);
    let session = open(&till, &receiver).await;
    let id = session.text_at("/id");
    let rotated = shop.ask("/admin/v1/webhooks/payments/rotate").await;
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    assert!(rotated.json().get("createdAt").is_none(), "it stands for many: {}", rotated.text);
    let test = shop.ask("/admin/v1/webhooks/payments/test").await;
    assert_eq!(test.status, 404, "it has no URL of its own: {}", test.text);
    let (before, after) = (Keys::told_in_session(&session), Keys::told_in(&rotated));
    let next = open(&till, &receiver).await;
    let told = |name: &str, from: &str| (next.at(&format!("/webhook_keys/{name}")), rotated.at(&format!("/{from}")));
    for (told, rotated) in [told("secret", "secret"), told("hmac_key", "hmacKey")] {
        assert_eq!(told, rotated, "who opens a session now is told the new ones");
    }
    pay(shop, &checkout_order(&session), "EUR", &[(12_000, card(VISA))]).await;
    shop.settle().await;
    let told = receiver.take();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|one| before.have_signed(one) && after.have_signed(one)), "of a session of before, too");
    shop.pass(KEY_OVERLAP).await;
    Till::open(shop).await.operate(&id, "captures", &of(1)).await;
    shop.settle().await;
    let told = receiver.take();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|one| !before.have_signed(one) && after.have_signed(one)));
}

async fn headers_and_urls_that_are_not_the_merchants_to_give_are_refused(shop: &Shop) {
    let till = Till::open(shop).await;
    let header = |name: &str, value: Value| json!([{ "name": name, "values": [value] }]);
    let names = [
        "host",
        "Host",
        "connection",
        "content-length",
        "Content-Type",
        "content-anything",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "keep-alive",
        "user-agent",
        "proxy-authorization",
        "webhook-id",
        "webhook-signature",
        "webhook_timestamp",
        "hmacsignature",
        "HmacSignature",
        "",
        "x order",
        "x:order",
        "x\n",
        "ü",
    ];
    let values = ["line\nbreak", "carriage\rreturn", " leading", "trailing ", "ü", "\u{0}", "\u{7f}"];
    let long = "n".repeat(257);
    let refused = names.iter().map(|name| header(name, json!("1")));
    let refused = refused.chain(values.iter().map(|value| header("x-order", json!(value))));
    let refused = refused.chain([header(&long, json!("1")), header("x-order", json!(long))]);
    let refused = refused.chain([json!([{ "name": "x-order", "values": vec![1; OWN_HEADER_VALUES_MAX + 1] }])]);
    for headers in refused {
        let body =
            with(session_of(1), &json!({ "webhook": { "url": "https://shop.example/hook", "headers": headers } }));
        let answer = till.post(SESSIONS, &body).await;
        assert_eq!(problem(&answer), (422, "field_invalid".to_owned()), "{headers}");
        assert!(answer.text_at("/detail").contains("'webhook.headers[0]"), "{headers}: {}", answer.text);
    }
    for (headers, status, code, named) in [
        (json!([{ "values": [1] }]), 422, "field_missing", "webhook.headers[0].name"),
        (json!([{ "name": "x-order" }]), 422, "field_missing", "webhook.headers[0].values"),
        (json!([{ "name": "x-order", "values": "1" }]), 400, "body_invalid", "webhook.headers[0].values"),
        (json!([{ "name": "x-order", "values": [true] }]), 400, "body_invalid", "webhook.headers[0].values[0]"),
        (json!([{ "name": "x-order", "values": [1.5] }]), 400, "body_invalid", "webhook.headers[0].values[0]"),
        (json!([["x-order", ["1"]]]), 400, "body_invalid", "webhook.headers[0]"),
        (json!({ "x-order": "1" }), 400, "body_invalid", "webhook.headers"),
        (json!([{ "name": "x-order", "values": [] }]), 422, "field_invalid", "webhook.headers[0].values"),
        (
            json!(vec![json!({ "name": "x-order", "values": [1] }); OWN_HEADERS_MAX + 1]),
            422,
            "field_invalid",
            "webhook.headers",
        ),
    ] {
        let body =
            with(session_of(1), &json!({ "webhook": { "url": "https://shop.example/hook", "headers": headers } }));
        let answer = till.post(SESSIONS, &body).await;
        assert_eq!(problem(&answer), (status, code.to_owned()), "{headers}: {}", answer.text);
        assert!(answer.text_at("/detail").contains(&format!("'{named}'")), "{headers}: {}", answer.text);
    }
    for url in [
        "shop.example/hook",
        "",
        "ftp://shop.example/hook",
        "https://user:secret@shop.example/",
        "https://shop.example/#a",
        "https://shop.internal/hook",
        "file:///etc/passwd",
        "https://shop.example/ hook",
    ] {
        let answer = till.post(SESSIONS, &with(session_of(1), &json!({ "webhook": { "url": url } }))).await;
        assert_eq!(problem(&answer), (422, "field_invalid".to_owned()), "{url}");
        assert!(answer.text_at("/detail").contains("'webhook.url'"), "{}", answer.text);
    }
    for webhook in [json!({}), json!({ "headers": [] })] {
        let answer = till.post(SESSIONS, &with(session_of(1), &json!({ "webhook": webhook }))).await;
        assert_eq!(problem(&answer), (422, "field_missing".to_owned()), "{}", answer.text);
    }
    // Only a test merchant has receivers on this machine.
    let second = shop.second(&["payments"]).await;
    let listed = shop.as_key(&second, Method::GET, "/payment/v2/client-sessions", None).await;
    assert_eq!(listed.status, 405);
    let entity = domain::MerchantAccount::try_new("Second").unwrap().entity_id().to_string();
    for url in ["http://127.0.0.1:9/hook", "https://127.0.0.1/hook", "https://[::1]/", "http://shop.example/hook"] {
        let body = with(session_of(1), &json!({ "entity_id": entity, "webhook": { "url": url } }));
        let answer = shop.as_key(&second, Method::POST, SESSIONS, Some(&body)).await;
        assert_eq!(problem(&answer), (422, "field_invalid".to_owned()), "{url}: {}", answer.text);
    }
}

async fn what_fails_is_tried_again_and_what_comes_after_it_waits(shop: &Shop) {
    let (till, receiver) = (Till::open(shop).await, Receiver::start_as(FAILS).await);
    let id = sell(&till, &receiver).await;
    shop.settle().await;
    till.operate(&id, "captures", &of(100)).await;
    shop.settle().await;
    for wait in [3, 7] {
        shop.pass(wait * SECOND).await;
    }
    let tries = receiver.take();
    assert_eq!(versions(&tries), [1; 3], "the first of them, however often it fails");
    assert!(tries.windows(2).all(|pair| pair[0].body == pair[1].body && pair[0].sent_at() < pair[1].sent_at()));
    assert!(tries.windows(2).all(|pair| pair[0].header("webhook-id") == pair[1].header("webhook-id")));
    receiver.answer(Behaviour::Status(204, None));
    shop.pass(300 * SECOND).await;
    assert_eq!(versions(&receiver.take()), changed(shop, &id).await);
    assert_eq!(shop.next_job(), None);
    let listed = deliveries(shop).await;
    let outcomes =
        listed.iter().rev().map(|told| (told["outcome"].as_str().unwrap(), told["attempt"].as_u64().unwrap()));
    let expected = [("failed", 1), ("failed", 2), ("failed", 3), ("acknowledged", 4)];
    assert_eq!(outcomes.take(4).collect::<Vec<_>>(), expected);
}

async fn a_receiver_that_is_gone_is_told_nothing_more_of_that_order_alone(shop: &Shop) {
    let hook = Hook::create_for(shop, "checkout", &["CAPTURE"]).await;
    let (till, receiver) = (Till::open(shop).await, Receiver::start().await);
    let (gone, other) = (sell(&till, &receiver).await, sell(&till, &receiver).await);
    shop.settle().await;
    receiver.take();
    receiver.next([GONE]);
    till.operate(&gone, "captures", &of(100)).await;
    shop.settle().await;
    assert_eq!(receiver.take().len(), 1, "and nothing after it");
    till.operate(&gone, "captures", &of(100)).await;
    shop.pass(DAY).await;
    assert_eq!(receiver.take().len(), 0);
    let till = Till::open(shop).await;
    till.operate(&other, "captures", &of(100)).await;
    let third = sell(&till, &receiver).await;
    shop.settle().await;
    let told = receiver.take().iter().map(|one| one.json()["id"].clone()).collect::<Vec<_>>();
    assert_eq!(told.iter().filter(|id| **id == json!(other)).count(), 2);
    assert_eq!(told.iter().filter(|id| **id == json!(third)).count(), 2);
    assert_eq!(told.len(), 4);
    assert_eq!(hook.take_events(), ["CAPTURE"; 3], "the merchant's endpoints are others");

    // Until somebody asks for it again: then all of it comes, in order.
    let withheld = deliveries(shop).await.into_iter().filter(|told| told["outcome"] == "withheld").collect::<Vec<_>>();
    assert_eq!(withheld.last().unwrap()["status"], 410);
    let event = withheld.last().unwrap()["eventId"].clone();
    let asked = shop.post(REDELIVER, &json!({ "eventId": event })).await;
    assert_eq!((asked.status, asked.json()), (202, json!({ "events": 1 })), "{}", asked.text);
    shop.settle().await;
    let told = receiver.take();
    assert_eq!(told.first().map(|one| json!(one.header("webhook-id"))), Some(event));
    assert_eq!(versions(&told), changed(shop, &gone).await[2..], "{told:?}");
}

async fn attempts_are_listed_and_told_again_on_request(shop: &Shop) {
    let (till, receiver) = (Till::open(shop).await, Receiver::start().await);
    assert_eq!(deliveries(shop).await, [json!(null); 0]);
    receiver.next([FAILS]);
    let id = sell(&till, &receiver).await;
    shop.settle().await;
    shop.pass(3 * SECOND).await;
    let told = receiver.take();
    let mut listed = deliveries(shop).await;
    for entry in &mut listed {
        assert!(entry.as_object_mut().unwrap().remove("durationMs").is_some());
    }
    listed.reverse();
    let reference = id.parse::<Reference>().unwrap().to_string();
    let entry = |event: &Received, sequence, attempt: u64, at: &str, more: Value| {
        with(
            json!({
                "eventId": event.header("webhook-id"), "orderPspReference": reference, "event": "payment.amounts_changed",
                "sequence": sequence, "attempt": attempt, "at": at,
            }),
            &more,
        )
    };
    let next = listed[0]["nextAttemptAt"].clone();
    let taken = json!({ "outcome": "acknowledged", "status": 202 });
    let at = listed[1]["at"].as_str().unwrap();
    let expected = [
        entry(
            &told[0],
            1,
            1,
            "2026-01-31T12:00:00Z",
            json!({ "outcome": "failed", "status": 500, "nextAttemptAt": next }),
        ),
        entry(&told[1], 1, 2, at, taken.clone()),
        entry(&told[2], 2, 1, at, taken),
    ];
    assert_eq!(listed, expected);
    assert_eq!(told[0].header("webhook-id"), told[1].header("webhook-id"));

    // It is told as it was then, although more has happened since.
    till.operate(&id, "captures", &of(100)).await;
    shop.settle().await;
    receiver.take();
    let asked = shop.post(REDELIVER, &json!({ "eventId": told[1].header("webhook-id") })).await;
    assert_eq!((asked.status, asked.json()), (202, json!({ "events": 1 })));
    shop.settle().await;
    let again = receiver.take();
    assert_eq!((again.len(), &again[0].body), (1, &told[1].body));
    assert_eq!(again[0].header("webhook-id"), told[1].header("webhook-id"));
    assert_eq!(deliveries(shop).await[0]["redelivery"], true);
    let asked = shop.post(REDELIVER, &json!({ "since": "2026-01-31T12:00:00Z" })).await;
    assert_eq!(asked.json(), json!({ "events": 4 }), "{}", asked.text);
    shop.settle().await;
    let mut again = versions(&receiver.take());
    again.sort_unstable();
    assert_eq!(again, changed(shop, &id).await);
    // An event of its order that is not of its webhook is none of them, nor is one of an order without a webhook.
    let none = till.sell(&session_of(1), &[(1, card(VISA))]).await.parse::<Reference>().unwrap().to_string();
    for event in [format!("evt_{reference}_0"), format!("evt_{none}_0"), "evt_0000000000000000_0".to_owned()] {
        let refused = shop.post(REDELIVER, &json!({ "eventId": event })).await;
        assert_eq!((refused.status, refused.text_at("/code")), (404, "not_found".to_owned()), "{event}");
    }
    let second = shop.second(&["admin"]).await;
    let theirs = shop.as_key(&second, Method::GET, DELIVERIES, None).await;
    assert_eq!(theirs.json(), json!({ "deliveries": [] }), "they are not theirs");
    let body = json!({ "eventId": told[1].header("webhook-id") });
    assert_eq!(shop.as_key(&second, Method::POST, REDELIVER, Some(&body)).await.status, 404);
}

async fn an_uncertain_authorisation_is_told_as_pending_until_it_is_found_out(shop: &Shop) {
    let (till, receiver) = (Till::open(shop).await, Receiver::start().await);
    for (number, ends) in
        [("4000000000000119", [0, 12_000]), ("4000000000000127", [0, 0]), (CAPTURE_TIMES_OUT, [0, 12_000])]
    {
        let session = open(&till, &receiver).await;
        pay(shop, &checkout_order(&session), "EUR", &[(12_000, card(number))]).await;
        shop.pass(3 * SECOND).await;
        let told = receiver.take();
        let authorised = told.iter().map(|one| amounts(&balanced(one.json()))[..2].to_vec()).collect::<Vec<_>>();
        assert_eq!(authorised, [vec![12_000, 0], ends.to_vec()], "{number}");
        assert_eq!(versions(&told), changed(shop, &session.text_at("/id")).await);
    }
}

crate::on_both_stores!(
    every_change_of_the_amounts_is_told_once_as_get_shows_it,
    what_time_or_the_other_family_does_is_told_too,
    who_knows_only_the_keys_of_the_session_can_verify_what_comes_with_its_headers,
    the_keys_of_all_sessions_are_rotated_together,
    headers_and_urls_that_are_not_the_merchants_to_give_are_refused,
    what_fails_is_tried_again_and_what_comes_after_it_waits,
    a_receiver_that_is_gone_is_told_nothing_more_of_that_order_alone,
    attempts_are_listed_and_told_again_on_request,
    an_uncertain_authorisation_is_told_as_pending_until_it_is_found_out,
);
