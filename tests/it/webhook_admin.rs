//! Webhook endpoints and work that needs attention, as an administrator deals with them.

use std::time::Duration;

use app::StreamId;
use data_encoding::{BASE64, HEXUPPER};
use domain::{
    Aggregate, Time, Version,
    attention::{Attention, AttentionEvent},
    feed::{Attempt, Feed, FeedEvent, Outcome},
    limits::{ENDPOINTS_PER_MERCHANT_MAX, KEY_OVERLAP},
    order::Position,
    webhook::{DisabledReason, EndpointEvent, Endpoints},
};
use reqwest::Method;
use serde_json::{Value, json};
use tests::shop::{Answer, OPERATOR_KEY, Shop, order_key, test_merchant};

const WEBHOOKS: &str = "/admin/v1/webhooks";
const URL: &str = "https://hooks.shop.example/tender?shop=1";

fn endpoint() -> Value {
    json!({ "merchantAccount": local::TEST_MERCHANT, "url": URL, "format": "checkout" })
}

async fn create(shop: &Shop, body: &Value) -> Answer {
    let created = shop.post(WEBHOOKS, body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    created
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.text_at("/code"))
}

async fn an_endpoint_is_created_looked_at_and_deleted(shop: &Shop) {
    let mut body = endpoint();
    body["events"] = json!(["AUTHORISATION", "ORDER_CLOSED"]);
    let created = create(shop, &body).await;
    let id = created.text_at("/id");
    let (secret, hmac) = (created.text_at("/secret"), created.text_at("/hmacKey"));
    assert_eq!(BASE64.decode(secret.strip_prefix("whsec_").unwrap().as_bytes()).unwrap().len(), 32);
    assert_eq!(HEXUPPER.decode(hmac.as_bytes()).unwrap().len(), 32);

    let path = format!("{WEBHOOKS}/{id}");
    let one = shop.get(&path).await;
    let expected = json!({
        "id": id,
        "merchantAccount": local::TEST_MERCHANT,
        "url": URL,
        "format": "checkout",
        "events": ["AUTHORISATION", "ORDER_CLOSED"],
        "status": "active",
        "createdAt": "2026-01-31T12:00:00Z",
    });
    assert_eq!((one.status, one.json()), (200, expected.clone()));
    let mut shown = created.json();
    for key in ["secret", "hmacKey"] {
        shown.as_object_mut().unwrap().remove(key);
    }
    assert_eq!(shown, expected, "what is created is told as it is listed");

    let other = json!({ "merchantAccount": local::TEST_MERCHANT, "url": URL, "format": "tender", "events": [] });
    let other = create(shop, &other).await;
    assert_ne!((other.at("/secret"), other.at("/hmacKey")), (created.at("/secret"), created.at("/hmacKey")));
    let listed = shop.get(WEBHOOKS).await;
    assert_eq!(listed.at("/webhooks/0"), expected);
    assert_eq!((listed.at("/webhooks/1/id"), listed.at("/webhooks/1/events")), (other.at("/id"), json!([])));
    for text in [&one.text, &listed.text] {
        assert!(!text.contains(&secret) && !text.contains(&hmac), "keys are shown once");
    }

    for _ in 0..2 {
        assert_eq!(shop.send(shop.request(Method::DELETE, &path)).await.status, 204, "twice is once");
    }
    assert_eq!(code(&shop.get(&path).await), (404, "not_found".to_owned()));
    let left = shop.get(WEBHOOKS).await;
    assert_eq!(left.at("/webhooks").as_array().map(Vec::len), Some(1));
    assert_eq!(left.at("/webhooks/0/id"), other.at("/id"));
}

async fn each_bad_field_of_an_endpoint_is_named(shop: &Shop) {
    let every_topic = domain::order::Topic::ALL.iter().map(|topic| topic.code()).collect::<Vec<_>>();
    let mut one_too_many = every_topic.clone();
    one_too_many.push("AUTHORISATION");
    for (field, value, status, expected) in [
        ("merchantAccount", json!(null), 422, "field_missing"),
        ("merchantAccount", json!("Nobody"), 403, "merchant_forbidden"),
        ("merchantAccount", json!(7), 400, "body_invalid"),
        ("url", json!(null), 422, "field_missing"),
        ("url", json!(""), 422, "field_invalid"),
        ("url", json!("hooks.shop.example"), 422, "field_invalid"),
        ("url", json!("ftp://hooks.shop.example/"), 422, "field_invalid"),
        ("url", json!("https://user:secret@hooks.shop.example/"), 422, "field_invalid"),
        ("url", json!("javascript:alert(1)"), 422, "field_invalid"),
        ("url", json!(format!("https://hooks.shop.example/{}", "x".repeat(1_024))), 422, "field_invalid"),
        ("url", json!(["https://hooks.shop.example/"]), 400, "body_invalid"),
        ("format", json!(null), 422, "field_missing"),
        ("format", json!("soap"), 422, "field_invalid"),
        ("format", json!(3), 400, "body_invalid"),
        ("format", json!({ "checkout": null }), 400, "body_invalid"),
        ("events", json!("AUTHORISATION"), 400, "body_invalid"),
        ("events", json!([7]), 400, "body_invalid"),
        ("events", json!(["AUTHORISATION", "order.opened"]), 422, "field_invalid"),
        ("events", json!(["4111111111111111"]), 422, "field_invalid"),
        ("events", json!(["REFUND", "REFUND"]), 422, "field_invalid"),
        ("events", json!(one_too_many), 422, "field_invalid"),
    ] {
        let mut bad = endpoint();
        bad[field] = value.clone();
        let refused = shop.post(WEBHOOKS, &bad).await;
        assert_eq!(code(&refused), (status, expected.to_owned()), "{field} = {value}: {}", refused.text);
        assert_eq!(refused.headers["content-type"], "application/problem+json");
        if status != 403 {
            assert!(refused.text_at("/detail").contains(field), "the detail names {field}: {}", refused.text);
        }
        assert!(!refused.text.contains("4111"), "what may be a card's number is not told back: {}", refused.text);
    }
    let mut bad = endpoint();
    bad["events"] = json!(["AUTHORISATION", "order.opened"]);
    let refused = shop.post(WEBHOOKS, &bad).await;
    let detail = refused.text_at("/detail");
    assert!(detail.contains("events[1]") && detail.contains("'order.opened'") && detail.contains("ORDER_OPENED"));

    let mut all = endpoint();
    all["events"] = json!(every_topic);
    create(shop, &all).await;
    all["format"] = json!("tender");
    assert_eq!(code(&shop.post(WEBHOOKS, &all).await), (422, "field_invalid".to_owned()), "names are of a format");
    all["events"] = json!(domain::order::CHANGE_NAMES);
    create(shop, &all).await;
    assert_eq!(shop.get(WEBHOOKS).await.at("/webhooks").as_array().map(Vec::len), Some(2));
}

async fn only_a_test_merchant_has_endpoints_on_this_machine(shop: &Shop) {
    let key = shop.second(&["admin"]).await;
    for url in ["http://127.0.0.1:9/hook", "http://localhost:9/hook"] {
        let mut body = endpoint();
        body["url"] = json!(url);
        create(shop, &body).await;
        body["merchantAccount"] = json!("Second");
        let refused = shop.as_key(&key, Method::POST, WEBHOOKS, Some(&body)).await;
        assert_eq!(code(&refused), (422, "field_invalid".to_owned()), "{url}");
    }
    for url in [
        "http://hooks.shop.example/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/",
        "https://[::1]/",
    ] {
        let body = json!({ "merchantAccount": "Second", "url": url, "format": "tender" });
        let refused = shop.as_key(&key, Method::POST, WEBHOOKS, Some(&body)).await;
        assert_eq!(code(&refused), (422, "field_invalid".to_owned()), "{url}");
        assert!(refused.text_at("/detail").contains("url"), "{}", refused.text);
    }
}

async fn nobody_sees_another_merchants_endpoints(shop: &Shop) {
    let id = create(shop, &endpoint()).await.text_at("/id");
    let key = shop.second(&["admin"]).await;
    let payments = shop.second(&["payments"]).await;
    let paths = |path: &str| match path {
        "" => WEBHOOKS.to_owned(),
        path => format!("{WEBHOOKS}/{id}{path}"),
    };
    let body = json!({ "since": "2026-01-31T12:00:00Z" });
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/deliveries"),
        (Method::POST, "/rotate"),
        (Method::POST, "/enable"),
        (Method::POST, "/test"),
        (Method::POST, "/redeliver"),
        (Method::DELETE, "/"),
        (Method::GET, ""),
    ] {
        let path = paths(path).trim_end_matches('/').to_owned();
        let body = (method == Method::POST).then_some(&body);
        let own = shop.as_key(&key, method.clone(), &path, body).await;
        let expected = match (&method, path.as_str()) {
            (_, WEBHOOKS) => 200,
            (&Method::DELETE, _) => 204,
            _ => 404,
        };
        assert_eq!(own.status, expected, "{method} {path}: {}", own.text);
        for account in [local::TEST_MERCHANT, "Nobody"] {
            let path = format!("{path}?merchantAccount={account}");
            let forbidden = shop.as_key(&key, method.clone(), &path, body).await;
            assert_eq!(code(&forbidden), (403, "merchant_forbidden".to_owned()), "{method} {path}");
        }
        let refused = shop.as_key(&payments, method.clone(), &path, body).await;
        assert_eq!(code(&refused), (403, "role_missing".to_owned()), "{method} {path}");
    }
    assert_eq!(shop.get(&format!("{WEBHOOKS}/{id}")).await.status, 200, "it is still there");
    let refused = shop.as_key(&key, Method::POST, WEBHOOKS, Some(&endpoint())).await;
    assert_eq!(code(&refused), (403, "merchant_forbidden".to_owned()));

    let path = format!("{WEBHOOKS}?merchantAccount={}", local::TEST_MERCHANT);
    assert_eq!(shop.as_key(OPERATOR_KEY, Method::GET, &path, None).await.at("/webhooks/0/id"), json!(id));
    let missing = shop.as_key(OPERATOR_KEY, Method::GET, WEBHOOKS, None).await;
    assert_eq!(code(&missing), (422, "field_missing".to_owned()), "the operator says which merchant account");
    let mut ghost = endpoint();
    ghost["merchantAccount"] = json!("Ghost");
    let answers = [
        shop.as_key(OPERATOR_KEY, Method::POST, WEBHOOKS, Some(&ghost)).await,
        shop.as_key(OPERATOR_KEY, Method::GET, &format!("{WEBHOOKS}?merchantAccount=Ghost"), None).await,
        shop.as_key(OPERATOR_KEY, Method::GET, "/admin/v1/work?merchantAccount=Ghost", None).await,
    ];
    for answer in answers {
        assert_eq!(code(&answer), (404, "not_found".to_owned()), "{}", answer.text);
    }
}

async fn one_endpoint_too_many_is_refused(shop: &Shop) {
    let mut id = String::new();
    for _ in 0..ENDPOINTS_PER_MERCHANT_MAX {
        id = create(shop, &endpoint()).await.text_at("/id");
    }
    assert_eq!(code(&shop.post(WEBHOOKS, &endpoint()).await), (422, "list_full".to_owned()));
    shop.send(shop.request(Method::DELETE, &format!("{WEBHOOKS}/{id}"))).await;
    create(shop, &endpoint()).await;
}

async fn keys_are_rotated(shop: &Shop) {
    let created = create(shop, &endpoint()).await;
    let path = format!("{WEBHOOKS}/{}", created.text_at("/id"));
    shop.clock.advance(Duration::from_secs(60));
    let rotated = shop.ask(&format!("{path}/rotate")).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    assert_eq!(rotated.text_at("/previousKeyValidUntil"), "2026-02-01T12:01:00Z");
    let with_body = shop.post(&format!("{path}/rotate"), &json!({})).await;
    assert_eq!(with_body.status, 200, "{}", with_body.text);
    for field in ["secret", "hmacKey"] {
        let texts = [&created, &rotated, &with_body].map(|answer| answer.text_at(&format!("/{field}")));
        assert!(texts.iter().all(|text| text.len() == texts[0].len()));
        assert!(texts[0] != texts[1] && texts[1] != texts[2] && texts[0] != texts[2], "each rotation makes new ones");
    }
    for field in ["id", "merchantAccount", "url", "format", "events", "status", "createdAt"] {
        assert_eq!(rotated.at(&format!("/{field}")), created.at(&format!("/{field}")));
    }
    for body in ["[]", "nonsense", "null"] {
        let refused = shop.send(shop.request(Method::POST, &format!("{path}/rotate")).body(body)).await;
        assert_eq!(code(&refused), (400, "body_invalid".to_owned()), "{body}");
    }
    assert_eq!(code(&shop.ask(&format!("{WEBHOOKS}/we_none/rotate")).await), (404, "not_found".to_owned()));
    assert_eq!(shop.get(&path).await.json().get("secret"), None);
}

async fn a_disabled_endpoint_is_enabled_again(shop: &Shop) {
    let id = create(shop, &endpoint()).await.text_at("/id");
    let path = format!("{WEBHOOKS}/{id}");
    let active = shop.get(&path).await;
    assert_eq!(shop.ask(&format!("{path}/enable")).await.json(), active.json(), "it was not disabled");
    shop.clock.advance(Duration::from_secs(60));
    let disabled = EndpointEvent::EndpointDisabled { id: id.clone(), reason: DisabledReason::Gone };
    let stream = StreamId::owned(&test_merchant(), "webhooks", "endpoints");
    let decide = |_: Option<&Endpoints>| Ok::<_, std::convert::Infallible>(vec![disabled.clone()]);
    shop.engine.app.streams.change(&stream, decide).await.unwrap();
    for seen in [shop.get(&path).await.json(), shop.get(WEBHOOKS).await.at("/webhooks/0")] {
        assert_eq!(
            (&seen["status"], &seen["disabledReason"], &seen["disabledAt"]),
            (&json!("disabled"), &json!("gone"), &json!("2026-01-31T12:01:00Z"))
        );
    }
    for _ in 0..2 {
        let enabled = shop.ask(&format!("{path}/enable")).await;
        assert_eq!((enabled.status, enabled.json()), (200, active.json()));
    }
    assert_eq!(code(&shop.ask(&format!("{WEBHOOKS}/we_none/enable")).await), (404, "not_found".to_owned()));
}

async fn a_creation_is_repeated_under_its_key(shop: &Shop) {
    let body = endpoint();
    let first = shop.post_keyed(WEBHOOKS, "create", &body).await;
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(shop.post_keyed(WEBHOOKS, "create", &body).await.text, first.text);
    let path = format!("{WEBHOOKS}/{}", first.text_at("/id"));
    shop.ask(&format!("{path}/rotate")).await;
    shop.clock.advance(KEY_OVERLAP);
    let again = shop.post_keyed(WEBHOOKS, "create", &body).await;
    assert_eq!((again.status, &again.text), (201, &first.text), "the first answer, byte for byte");
    let mut other = body.clone();
    other["format"] = json!("tender");
    let reused = shop.post_keyed(WEBHOOKS, "create", &other).await;
    assert_eq!(code(&reused), (422, "idempotency_key_reused".to_owned()));
    assert_eq!(shop.get(WEBHOOKS).await.at("/webhooks").as_array().map(Vec::len), Some(1));

    // A key is the merchant account's.
    let key = shop.second(&["admin"]).await;
    let mut theirs = body.clone();
    theirs["merchantAccount"] = json!("Second");
    let request = shop.bare(Method::POST, WEBHOOKS).header("X-API-Key", key).header("Idempotency-Key", "create");
    let theirs = shop.send(request.json(&theirs)).await;
    assert_eq!(theirs.status, 201, "{}", theirs.text);
    assert_ne!(theirs.at("/id"), first.at("/id"));

    // It is known for as long as the endpoint is; also if there is no room for another.
    for _ in 1..ENDPOINTS_PER_MERCHANT_MAX {
        create(shop, &body).await;
    }
    assert_eq!(shop.post_keyed(WEBHOOKS, "create", &body).await.text, first.text);
    shop.send(shop.request(Method::DELETE, &path)).await;
    let anew = shop.post_keyed(WEBHOOKS, "create", &other).await;
    assert_eq!(anew.status, 201, "{}", anew.text);
    assert!(anew.at("/id") != first.at("/id") && anew.at("/secret") != first.at("/secret"));
}

async fn a_rotation_is_repeated_under_its_key(shop: &Shop) {
    let created = create(shop, &endpoint()).await;
    let path = format!("{WEBHOOKS}/{}/rotate", created.text_at("/id"));
    let rotate = |key: &'static str| shop.send(shop.request(Method::POST, &path).header("Idempotency-Key", key));
    let first = rotate("rotate").await;
    shop.clock.advance(Duration::from_secs(60));
    let again = rotate("rotate").await;
    assert_eq!((first.status, &first.text), (200, &again.text), "the keys before go on signing");
    let reused = shop.post_keyed(&path, "rotate", &json!({ "really": true })).await;
    assert_eq!(code(&reused), (422, "idempotency_key_reused".to_owned()));
    let next = rotate("rotate-2").await;
    assert_eq!(next.status, 200);
    assert_ne!(next.at("/secret"), first.at("/secret"));
}

async fn tests_and_redeliveries_are_asked_for(shop: &Shop) {
    let before = shop.open_order(1_000).await;
    shop.clock.advance(Duration::from_secs(1));
    let mut body = endpoint();
    body["events"] = json!(["ORDER_OPENED"]);
    let id = create(shop, &body).await.text_at("/id");
    let path = format!("{WEBHOOKS}/{id}");
    let test = shop.ask(&format!("{path}/test")).await;
    assert_eq!((test.status, test.text_at("/eventId")), (202, format!("evt_test_{id}_0")));
    assert_eq!(code(&shop.ask(&format!("{WEBHOOKS}/we_none/test")).await), (404, "not_found".to_owned()));

    let redeliver = format!("{path}/redeliver");
    let after = shop.open_order(1_000).await;
    shop.cancel(&after.order()).await;
    let event = |order: &Answer, version: u16, index: u16| {
        let order = order_key(&order.order()).id.at(Version::try_new(version).unwrap());
        json!({ "eventId": format!("evt_{order}_{index}") })
    };
    let asked = shop.post(&redeliver, &event(&after, 0, 0)).await;
    assert_eq!((asked.status, asked.json()), (202, json!({ "events": 1 })), "{}", asked.text);
    for (body, what) in [
        (event(&after, 0, 1), "no such place in the commit"),
        (event(&after, 1, 0), "not one of the endpoint's events"),
        (event(&after, 9, 0), "no such commit"),
        (json!({ "eventId": "evt_0000000000000000_0" }), "no such order"),
    ] {
        assert_eq!(code(&shop.post(&redeliver, &body).await), (404, "not_found".to_owned()), "{what}");
    }
    // What was before the endpoint is told to whoever asks for it.
    assert_eq!(shop.post(&redeliver, &event(&before, 0, 0)).await.status, 202);
    let nothing = shop.post(&redeliver, &json!({ "since": "2027-01-31T12:00:00Z" })).await;
    assert_eq!((nothing.status, nothing.json()), (202, json!({ "events": 0 })), "{}", nothing.text);
    for (body, status, expected, named) in [
        (json!({}), 422, "field_missing", "eventId"),
        (json!({ "eventId": test.at("/eventId") }), 422, "field_invalid", "eventId"),
        (json!({ "eventId": "evt_" }), 422, "field_invalid", "eventId"),
        (json!({ "eventId": 7 }), 400, "body_invalid", "eventId"),
        (json!({ "since": "yesterday" }), 422, "field_invalid", "since"),
        (json!({ "since": 1_769_860_800 }), 400, "body_invalid", "since"),
        (
            json!({ "eventId": "evt_0000000000000000_0", "since": "2026-01-31T12:00:00Z" }),
            422,
            "field_invalid",
            "since",
        ),
        (json!(null), 400, "body_invalid", "body"),
    ] {
        let refused = shop.post(&redeliver, &body).await;
        assert_eq!(code(&refused), (status, expected.to_owned()), "{body}: {}", refused.text);
        assert!(refused.text_at("/detail").contains(named), "{}", refused.text);
    }
    assert_eq!(code(&shop.ask(&redeliver).await), (400, "body_invalid".to_owned()), "it needs a body");
}

async fn bad_pages_of_deliveries_are_named(shop: &Shop) {
    let id = create(shop, &endpoint()).await.text_at("/id");
    let path = format!("{WEBHOOKS}/{id}/deliveries");
    for query in ["", "?limit=1", "?limit=100", "?outcome=givenUp", "?limit=5&outcome=acknowledged"] {
        let listed = shop.get(&format!("{path}{query}")).await;
        assert_eq!((listed.status, listed.json()), (200, json!({ "deliveries": [] })), "{query}");
    }
    for (query, field) in [
        ("?limit=0", "limit"),
        ("?limit=101", "limit"),
        ("?limit=ten", "limit"),
        ("?limit=", "limit"),
        ("?outcome=lost", "outcome"),
        ("?outcome=", "outcome"),
        ("?cursor=nonsense", "cursor"),
        ("?cursor=", "cursor"),
        ("?cursor=e30", "cursor"),
    ] {
        let refused = shop.get(&format!("{path}{query}")).await;
        assert_eq!(code(&refused), (422, "field_invalid".to_owned()), "{query}: {}", refused.text);
        assert!(refused.text_at("/detail").contains(field), "{}", refused.text);
    }
    assert_eq!(code(&shop.get(&format!("{WEBHOOKS}/we_none/deliveries")).await), (404, "not_found".to_owned()));
}

/// A walk through all pages of a query.
async fn pages(shop: &Shop, path: &str) -> Vec<Vec<Value>> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let listed = shop.get(&format!("{path}{cursor}")).await;
        assert_eq!(listed.status, 200, "{}", listed.text);
        pages.push(listed.at("/deliveries").as_array().unwrap().clone());
        match listed.at("/cursor").as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return pages,
        }
    }
}

async fn deliveries_are_listed_newest_first(shop: &Shop) {
    let id = create(shop, &endpoint()).await.text_at("/id");
    let merchant = test_merchant();
    let opened = shop.open_order(1_000).await;
    let order = order_key(&opened.order()).id;
    let next = Time::from_unix_s(1_769_860_800 + 3_600);
    // Two feeds, in turn; each pair of attempts ends in the same millisecond.
    let outcomes = [Outcome::Failed { next }, Outcome::GivenUp, Outcome::Withheld, Outcome::Acknowledged];
    let mut feeds = [(order.to_string(), None), ("test".to_owned(), None)];
    for (outcome, tries) in outcomes.into_iter().zip(1..) {
        for (feed, base) in &mut feeds {
            let attempt = Attempt {
                position: Position::default(),
                name: "ORDER_OPENED".to_owned(),
                sequence: 1,
                tries,
                outcome,
                status: (outcome == Outcome::Acknowledged).then_some(202),
                error: (outcome != Outcome::Acknowledged).then(|| "connection refused".to_owned()),
                duration_ms: 12,
                is_again: false,
            };
            let stream = StreamId::owned(&merchant, "feed", &format!("{id}-{feed}"));
            let list = Some(format!("{merchant}/feed-{id}"));
            let events = [FeedEvent::Attempted { attempt }];
            let streams = &shop.engine.app.streams;
            *base = Some(streams.append_listed::<Feed>(&stream, base.take(), &events, list).await.unwrap());
        }
        shop.clock.advance(Duration::from_secs(1));
    }

    let path = format!("{WEBHOOKS}/{id}/deliveries");
    let all = shop.get(&path).await;
    assert_eq!(all.json().get("cursor"), None);
    let all = all.at("/deliveries").as_array().unwrap().clone();
    let tries = all.iter().map(|delivery| delivery["attempt"].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(tries, [4, 4, 3, 3, 2, 2, 1, 1]);
    let of_order = |attempt: u64| {
        let of_order =
            |delivery: &&Value| delivery["attempt"] == attempt && delivery.get("orderPspReference").is_some();
        all.iter().find(of_order).unwrap()
    };
    let reference = opened.at("/pspReference");
    let event = format!("evt_{}_0", opened.text_at("/pspReference"));
    let failed = json!({
        "eventId": event, "orderPspReference": reference, "event": "ORDER_OPENED", "sequence": 1, "attempt": 1,
        "at": "2026-01-31T12:00:00Z", "outcome": "failed", "durationMs": 12, "error": "connection refused",
        "nextAttemptAt": "2026-01-31T13:00:00Z",
    });
    assert_eq!(*of_order(1), failed);
    let acknowledged = json!({
        "eventId": event, "orderPspReference": reference, "event": "ORDER_OPENED", "sequence": 1, "attempt": 4,
        "at": "2026-01-31T12:00:03Z", "outcome": "acknowledged", "status": 202, "durationMs": 12,
    });
    assert_eq!(*of_order(4), acknowledged);
    let test = all.iter().find(|delivery| delivery.get("orderPspReference").is_none()).unwrap();
    assert_eq!(test["eventId"], format!("evt_test_{id}_0"));

    for limit in 1..=9 {
        let pages = pages(shop, &format!("{path}?limit={limit}")).await;
        assert_eq!(pages.concat(), all, "each once, in the same order, in pages of {limit}");
        assert!(pages.iter().all(|page| page.len() <= limit));
    }
    for outcome in ["acknowledged", "failed", "givenUp", "withheld"] {
        let pages = pages(shop, &format!("{path}?limit=3&outcome={outcome}")).await;
        let found = all.iter().filter(|delivery| delivery["outcome"] == outcome).cloned().collect::<Vec<_>>();
        assert_eq!((pages.concat(), found.len()), (found, 2), "{outcome}");
    }
    // A cursor leads nowhere but into the list it is used with.
    let cursor = shop.get(&format!("{path}?limit=1")).await.text_at("/cursor");
    let other = create(shop, &endpoint()).await.text_at("/id");
    let elsewhere = shop.get(&format!("{WEBHOOKS}/{other}/deliveries?cursor={cursor}")).await;
    assert_eq!(elsewhere.json(), json!({ "deliveries": [] }));

    // Everything since then is one event of an order; tests are not sent again.
    let redeliver = format!("{WEBHOOKS}/{id}/redeliver");
    for body in [json!({ "since": "2026-01-31T12:00:03Z" }), json!({ "eventId": event }), json!({ "eventId": event })] {
        let asked = shop.post(&redeliver, &body).await;
        assert_eq!((asked.status, asked.json()), (202, json!({ "events": 1 })), "{body}");
    }
    let later = shop.post(&redeliver, &json!({ "since": "2026-01-31T12:00:04Z" })).await;
    assert_eq!((later.status, later.json()), (202, json!({ "events": 0 })));
}

#[test]
fn what_waits_to_be_told_again_is_tried_now_if_it_is_asked_for_again() {
    let (position, now) = (Position::default(), Time::from_unix_s(1_769_860_800));
    let attempted = |outcome| {
        let (name, status, error) = ("ORDER_OPENED".to_owned(), None, None);
        FeedEvent::Attempted {
            attempt: Attempt {
                position,
                name,
                sequence: 1,
                tries: 1,
                outcome,
                status,
                error,
                duration_ms: 0,
                is_again: false,
            },
        }
    };
    let next = now.plus(Duration::from_secs(8 * 3_600));
    let events = [
        attempted(Outcome::Acknowledged),
        FeedEvent::AskedAgain { positions: vec![position] },
        attempted(Outcome::Failed { next }),
    ];
    let feed = Feed::evolve_all(None, &events, Version::FIRST, now).unwrap();
    assert_eq!(feed.next_again().unwrap().progress.due, next);
    let asked = feed.ask_again(&[position]);
    assert_eq!(asked, [FeedEvent::Woken]);
    let woken = Feed::evolve_all(Some(feed), &asked, Version::FIRST, now).unwrap();
    assert_eq!((woken.again.len(), woken.next_again().unwrap().progress.due), (1, now));
}

async fn work_that_fails_for_long_is_listed_and_retried(shop: &Shop) {
    assert_eq!(shop.get("/admin/v1/work").await.json(), json!({ "work": [] }));
    let opened = shop.open_order(1_000).await;
    let reference = opened.text_at("/pspReference");
    let retry = format!("/admin/v1/work/{reference}/retry");
    assert_eq!(code(&shop.ask(&retry).await), (404, "not_found".to_owned()), "nothing is wrong with it");

    // A payment that is pending for good, as long as nobody asks.
    assert_eq!(shop.pay_card(&opened.order(), 1_000, "4000000000000077").await.status, 200);
    let key = order_key(&opened.order());
    let (stream, list) = (StreamId::owned(&key.merchant, "attention", &key.id.to_string()), "TestMerchant/attention");
    let raised = [AttentionEvent::Raised { reason: "no answer".to_owned() }];
    let streams = &shop.engine.app.streams;
    streams.append_listed::<Attention>(&stream, None, &raised, Some(list.to_owned())).await.unwrap();
    let mut expected =
        json!({ "orderPspReference": reference, "since": "2026-01-31T12:00:00Z", "reason": "no answer" });
    let listed = shop.get("/admin/v1/work").await;
    assert_eq!((listed.status, listed.json()), (200, json!({ "work": [expected] })));

    shop.clock.advance(Duration::from_secs(60));
    let asked = shop.ask(&retry).await;
    assert_eq!((asked.status, asked.json()), (202, json!({ "orderPspReference": reference })));
    expected["retriedAt"] = json!("2026-01-31T12:01:00Z");
    assert_eq!(shop.get("/admin/v1/work").await.json(), json!({ "work": [expected] }));

    let part = reference.replace("000", "001");
    for unknown in ["0000000000000000", "nonsense", part.as_str()] {
        let answer = shop.ask(&format!("/admin/v1/work/{unknown}/retry")).await;
        assert_eq!(code(&answer), (404, "not_found".to_owned()), "{unknown}");
    }
    let other = shop.second(&["admin"]).await;
    let theirs = shop.as_key(&other, Method::GET, "/admin/v1/work", None).await;
    assert_eq!(theirs.json(), json!({ "work": [] }), "it is not theirs");
    assert_eq!(shop.as_key(&other, Method::POST, &retry, None).await.status, 404);
    let forbidden = shop.as_key(&other, Method::GET, "/admin/v1/work?merchantAccount=TestMerchant", None).await;
    assert_eq!(code(&forbidden), (403, "merchant_forbidden".to_owned()));
    let payments = shop.second(&["payments"]).await;
    for (method, path) in [(Method::GET, "/admin/v1/work"), (Method::POST, retry.as_str())] {
        let refused = shop.as_key(&payments, method, path, None).await;
        assert_eq!(code(&refused), (403, "role_missing".to_owned()));
    }
}

super::on_both_stores!(
    an_endpoint_is_created_looked_at_and_deleted,
    each_bad_field_of_an_endpoint_is_named,
    only_a_test_merchant_has_endpoints_on_this_machine,
    nobody_sees_another_merchants_endpoints,
    one_endpoint_too_many_is_refused,
    keys_are_rotated,
    a_disabled_endpoint_is_enabled_again,
    a_creation_is_repeated_under_its_key,
    a_rotation_is_repeated_under_its_key,
    tests_and_redeliveries_are_asked_for,
    bad_pages_of_deliveries_are_named,
    deliveries_are_listed_newest_first,
    work_that_fails_for_long_is_listed_and_retried,
);
