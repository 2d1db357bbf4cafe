//! What a merchant's receiver is told, in which order and how often, and how it knows who says so.

use std::time::Duration;

use app::{
    ports::{Clock, Deliver, Job, Queue, Scheduled},
    webhooks::NewEndpoint,
};
use domain::{
    Action, MerchantAccount, Time, Version,
    limits::{DELIVERY_TIME_MAX, KEY_OVERLAP, SHOPPER_TIME_DEFAULT},
    order::Format,
};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    hook::{Hook, Keys},
    receiver::{Behaviour, Received, Receiver},
    shop::{Shop, euro, order_key, order_of, payment, test_merchant},
};

const VISA: &str = "4111111111111111";
const REFUSED: &str = "4000000000000002";

const MILLISECOND: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
/// Longer than any wait for the next try.
const ONE_TRY: Duration = Duration::from_secs(10 * 3_600);

const FAILS: Behaviour = Behaviour::Status(500, None);
const TAKES: Behaviour = Behaviour::Status(202, None);

/// What the order's commit of that version is called.
fn at(order: &Value, version: u16) -> String {
    order_key(order).id.at(Version::try_new(version).unwrap()).to_string()
}

/// What every notification of an order says of it: from the commit of a version, its event at `index`.
fn about(order: &Value, sequence: u32, version: u16, index: u16) -> Value {
    json!({
        "tender.orderPspReference": at(order, 0),
        "tender.orderVersion": version.to_string(),
        "tender.sequence": sequence.to_string(),
        "tender.eventId": format!("evt_{}_{index}", at(order, version)),
    })
}

fn with(mut all: Value, more: &Value) -> Value {
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

/// The items of Adyen's notifications, without the signatures, which were checked on arrival.
fn items(received: &[Received]) -> Vec<Value> {
    let unsigned = |one: &Received| {
        let mut item = one.item();
        item["additionalData"].as_object_mut().unwrap().remove("hmacSignature").unwrap();
        item
    };
    received.iter().map(unsigned).collect()
}

fn sequences(received: &[Received]) -> Vec<u64> {
    received.iter().map(Received::sequence).collect()
}

fn ids(received: &[Received]) -> Vec<&str> {
    received.iter().map(|one| one.header("webhook-id")).collect()
}

/// Moves the clock by `wait`, and finds that the one try comes then, and not a millisecond sooner.
async fn is_tried_after(shop: &Shop, hook: &Hook, wait: Duration) -> Received {
    shop.after(wait - MILLISECOND).await;
    assert_eq!(hook.take_events(), [""; 0], "before {wait:?}");
    shop.after(MILLISECOND).await;
    let mut received = hook.take();
    assert_eq!(received.len(), 1, "after {wait:?}");
    received.remove(0)
}

async fn who_knows_only_the_keys_can_verify_and_follow_a_whole_life_in_adyens_words(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let opened = shop.open_order(10_000).await;
    let order = opened.order();
    shop.clock.advance(MINUTE);
    let first = shop.pay_gift_card(&order, 2_000).await;
    shop.clock.advance(MINUTE);
    let second = shop.pay_card(&first.order(), 8_000, VISA).await;
    shop.clock.advance(MINUTE);
    shop.settle().await;

    let told = hook.take();
    let of_order = json!({
        "merchantAccountCode": local::TEST_MERCHANT, "merchantReference": "order-1",
        "pspReference": opened.at("/pspReference"), "amount": euro(10_000), "reason": "", "success": "true",
    });
    let of_payment = json!({
        "merchantAccountCode": local::TEST_MERCHANT, "merchantReference": "payment-1", "eventCode": "AUTHORISATION",
        "operations": ["CANCEL", "CAPTURE", "REFUND"], "reason": "", "success": "true",
    });
    let closed = json!({
        "order-1-pspReference": first.at("/pspReference"), "order-1-paymentAmount": "EUR 20.00",
        "order-1-paymentMethod": "givex", "order-1-success": "true",
        "order-2-pspReference": second.at("/pspReference"), "order-2-paymentAmount": "EUR 80.00",
        "order-2-paymentMethod": "visa", "order-2-success": "true",
    });
    let expected = [
        with(
            json!({
                "eventCode": "ORDER_OPENED", "eventDate": "2026-01-31T12:00:00+00:00",
                "additionalData": about(&order, 1, 0, 0),
            }),
            &of_order,
        ),
        with(
            json!({
                "eventDate": "2026-01-31T12:01:00+00:00", "pspReference": first.at("/pspReference"),
                "amount": euro(2_000), "paymentMethod": "givex", "additionalData": about(&order, 2, 2, 0),
            }),
            &of_payment,
        ),
        with(
            json!({
                "eventDate": "2026-01-31T12:02:00+00:00", "pspReference": second.at("/pspReference"),
                "amount": euro(8_000), "paymentMethod": "visa", "additionalData": about(&order, 3, 4, 0),
            }),
            &of_payment,
        ),
        with(
            json!({
                "eventCode": "ORDER_CLOSED", "eventDate": "2026-01-31T12:02:00+00:00",
                "additionalData": with(about(&order, 4, 4, 1), &closed),
            }),
            &of_order,
        ),
    ];
    assert_eq!(items(&told), expected);
    for one in &told {
        assert_eq!(one.json()["live"], "false");
        assert_eq!(one.json()["notificationItems"].as_array().map(Vec::len), Some(1));
        assert_eq!(one.header("webhook-id"), one.item()["additionalData"]["tender.eventId"]);
        assert_eq!(Time::from_unix_s(one.sent_at()), shop.clock.now(), "the time of the try, not of the event");
        assert_eq!(one.header("content-type"), "application/json");
    }

    // The signatures are of these keys, and of this body.
    let other = Hook::create(shop, "checkout").await;
    let mut forged = told[3].clone();
    forged.body = forged.body.replace("\"success\":\"true\"", "\"success\":\"false\"");
    for (keys, received) in [(&other.keys, &told[3]), (&hook.keys, &forged)] {
        assert!(!keys.have_signed(received) && !keys.have_signed_body(received) && !keys.have_signed_item(received));
    }
}

async fn who_knows_only_the_keys_can_verify_and_follow_a_whole_life_in_our_words(shop: &Shop) {
    let hook = Hook::create(shop, "tender").await;
    let opened = shop.open_order(10_000).await;
    let order = opened.order();
    let first = shop.pay_gift_card(&order, 2_000).await;
    let second = shop.pay_card(&first.order(), 8_000, VISA).await;
    shop.clock.advance(MINUTE);
    shop.settle().await;

    let told = hook.take();
    let expected = [
        ("order.opened", 0, 0, 10_000, Value::Null),
        ("payment.reserved", 1, 0, 8_000, json!("received")),
        ("payment.authorised", 2, 0, 8_000, json!("authorised")),
        ("payment.reserved", 3, 0, 0, json!("received")),
        ("payment.authorised", 4, 0, 0, json!("authorised")),
        ("order.closed", 4, 1, 0, Value::Null),
    ];
    assert_eq!(told.len(), expected.len());
    for ((one, sequence), (name, version, index, remaining, status)) in told.iter().zip(1_u64..).zip(expected) {
        let event = one.json();
        let id = format!("evt_{}_{index}", at(&order, version));
        assert_eq!((&event["type"], &event["sequence"]), (&json!(name), &json!(sequence)));
        assert_eq!((&event["id"], one.header("webhook-id")), (&json!(id), id.as_str()));
        assert_eq!(event["timestamp"], "2026-01-31T12:00:00Z");
        assert_eq!(event["merchantAccount"], local::TEST_MERCHANT);
        let data = &event["data"];
        assert_eq!(data["order"]["pspReference"], opened.at("/pspReference"));
        assert_eq!((&data["order"]["version"], &data["order"]["remainingAmount"]), (&json!(version), &euro(remaining)));
        assert_eq!(data["payment"]["status"], status, "as it was right after the event");
        assert_eq!(Time::from_unix_s(one.sent_at()), shop.clock.now());
    }
    for (place, paid) in [(2, &first), (4, &second)] {
        assert_eq!(told[place].json()["data"]["payment"]["pspReference"], paid.at("/pspReference"));
    }
    let closed = told[5].json()["data"]["order"].clone();
    assert_eq!(
        (&closed["status"], &closed["success"], &closed["reason"]),
        (&json!("closed"), &json!(true), &json!("paid"))
    );
}

async fn an_order_that_expires_tells_of_each_released_part_before_its_end(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let order = shop.open_order_for(10_000, HOUR).await.order();
    let paid = shop.pay_gift_card(&order, 2_000).await;
    shop.settle().await;
    assert_eq!(hook.take_events(), ["ORDER_OPENED", "AUTHORISATION"]);
    assert_eq!(shop.gift_card_balance().await, 3_000);

    shop.after(HOUR).await;
    let told = items(&hook.take());
    let cancelled = json!({
        "eventCode": "CANCELLATION", "eventDate": "2026-01-31T13:00:00+00:00",
        "merchantAccountCode": local::TEST_MERCHANT, "merchantReference": "payment-1",
        "pspReference": at(&order, 3), "originalReference": paid.at("/pspReference"), "amount": euro(2_000),
        "paymentMethod": "givex", "reason": "", "success": "true",
        "additionalData": with(about(&order, 3, 4, 0), &json!({ "tender.operationPspReference": at(&order, 3) })),
    });
    let payments = json!({
        "order-1-pspReference": paid.at("/pspReference"), "order-1-paymentAmount": "EUR 20.00",
        "order-1-paymentMethod": "givex", "order-1-success": "true",
    });
    let closed = json!({
        "eventCode": "ORDER_CLOSED", "eventDate": "2026-01-31T13:00:00+00:00",
        "merchantAccountCode": local::TEST_MERCHANT, "merchantReference": "order-1",
        "pspReference": at(&order, 0), "amount": euro(10_000), "reason": "expired", "success": "false",
        "additionalData": with(about(&order, 4, 4, 1), &payments),
    });
    assert_eq!(told, [cancelled, closed]);
    assert_eq!(shop.gift_card_balance().await, 5_000);
}

async fn a_cancelled_order_tells_of_every_part_that_was_given_back_before_its_end(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let order = shop.open_order(10_000).await.order();
    let gift_card = shop.pay_gift_card(&order, 2_000).await;
    let refused = shop.pay_card(&gift_card.order(), 3_000, REFUSED).await;
    let card = shop.pay_card(&refused.order(), 5_000, VISA).await;
    shop.perform(&order, 1, Action::Capture, 1_500).await;
    shop.settle().await;
    let told = hook.take();
    let before = ["ORDER_OPENED", "AUTHORISATION", "AUTHORISATION failed", "AUTHORISATION", "CAPTURE"];
    assert_eq!(told.iter().map(Received::event).collect::<Vec<_>>(), before);
    let failed = told[2].item();
    assert_eq!((&failed["reason"], &failed["pspReference"]), (&json!("Refused"), &refused.at("/pspReference")));
    assert_eq!((failed.get("operations"), &failed["amount"]), (None, &euro(3_000)));

    shop.cancel(&card.order()).await;
    let told = hook.take();
    assert_eq!(sequences(&told), [6, 7, 8, 9]);
    let part = |item: &Value| (item["eventCode"].clone(), item["originalReference"].clone(), item["amount"].clone());
    let mut parts = told[..3].iter().map(|one| part(&one.item())).collect::<Vec<_>>();
    parts.sort_by_key(|(code, payment, _)| format!("{code} {payment}"));
    let gift_card = gift_card.at("/pspReference");
    assert_eq!(
        parts,
        [
            (json!("CANCELLATION"), gift_card.clone(), euro(500)),
            (json!("CANCELLATION"), card.at("/pspReference"), euro(5_000)),
            (json!("REFUND"), gift_card, euro(1_500)),
        ]
    );
    assert!(told[..3].iter().all(|one| one.item()["success"] == "true"));
    let mut references = told[..3].iter().map(|one| one.item()["pspReference"].to_string()).collect::<Vec<_>>();
    references.sort();
    references.dedup();
    assert_eq!(references.len(), 3, "receivers know what came twice by its pspReference and eventCode");
    let closed = told[3].item();
    assert_eq!(told[3].event(), "ORDER_CLOSED failed");
    assert_eq!((&closed["reason"], &closed["amount"]), (&json!("cancelled"), &euro(10_000)));
    let successes = [1, 2, 3].map(|n| closed["additionalData"][format!("order-{n}-success")].clone());
    assert_eq!(successes, ["true", "false", "true"], "whether it was authorised");
    assert_eq!(shop.gift_card_balance().await, 5_000);
}

async fn a_shopper_who_walks_away_is_told_of_and_frees_the_part(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let order = shop.open_order(10_000).await.order();
    let paid = shop.pay_gift_card(&order, 2_000).await;
    shop.redirect(Some(&paid.order()), 8_000, &json!({})).await;
    shop.settle().await;
    assert_eq!(hook.take_events(), ["ORDER_OPENED", "AUTHORISATION"]);
    let told = is_tried_after(shop, &hook, SHOPPER_TIME_DEFAULT).await;
    let expected = json!({
        "eventCode": "OFFER_CLOSED", "eventDate": "2026-01-31T12:30:00+00:00",
        "merchantAccountCode": local::TEST_MERCHANT, "merchantReference": "payment-1", "pspReference": at(&order, 3),
        "amount": euro(8_000), "paymentMethod": "ideal", "reason": "", "success": "true",
        // The time that was up, the partner's word that it is void.
        "additionalData": about(&order, 3, 6, 0),
    });
    assert_eq!(items(&[told]), [expected]);

    let now = shop.order(&order).await;
    assert_eq!((&now["status"], &now["remainingAmount"]), (&json!("open"), &euro(8_000)));
    let again = json!({ "pspReference": now["pspReference"], "orderData": now["orderData"] });
    assert_eq!(shop.pay_card(&again, 8_000, VISA).await.text_at("/resultCode"), "Authorised");
    shop.settle().await;
    let told = hook.take();
    assert_eq!(told.iter().map(Received::event).collect::<Vec<_>>(), ["AUTHORISATION", "ORDER_CLOSED"]);
    let closed = told[1].item();
    let successes = [1, 2, 3].map(|n| closed["additionalData"][format!("order-{n}-success")].clone());
    assert_eq!(successes, ["true", "false", "true"]);
    assert_eq!(shop.next_job(), None);
}

async fn a_shop_may_give_its_shopper_less_time_but_never_more_than_the_order_has(shop: &Shop) {
    let hook = Hook::create_for(shop, "checkout", &["OFFER_CLOSED", "ORDER_CLOSED"]).await;
    let until = |time| json!({ "sessionValidity": api::clock::render(shop.clock.now().plus(time)) });
    let order = shop.open_order(1_000).await.order();
    shop.redirect(Some(&order), 1_000, &until(10 * MINUTE)).await;
    let told = is_tried_after(shop, &hook, 10 * MINUTE).await;
    assert_eq!(told.event(), "OFFER_CLOSED");

    // Of the whole order and of a part of it; with a time of its own and without.
    for (value, more) in [(1_000, json!({})), (400, until(20 * MINUTE))] {
        let order = shop.open_order_for(1_000, 5 * MINUTE).await.order();
        shop.redirect(Some(&order), value, &more).await;
        shop.after(5 * MINUTE - MILLISECOND).await;
        assert_eq!(hook.take_events(), [""; 0]);
        shop.after(MILLISECOND).await;
        assert_eq!(hook.take_events(), ["OFFER_CLOSED", "ORDER_CLOSED failed"], "{value} of it");
        assert_eq!(shop.state(&order).await.covered(), 0);
    }
}

async fn an_order_that_was_paid_is_not_told_closed_before_it_was_told_opened(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    hook.receiver.answer(FAILS);
    let order = shop.open_order(1_000).await.order();
    shop.settle().await;
    shop.pay_card(&order, 1_000, VISA).await;
    shop.settle().await;
    for _ in 0..9 {
        shop.after(ONE_TRY).await;
    }
    assert_eq!(hook.take_events(), ["ORDER_OPENED"; 10], "the first of them, however often it fails");
    hook.receiver.answer(TAKES);
    shop.after(ONE_TRY).await;
    let told = hook.take();
    let events = told.iter().map(Received::event).collect::<Vec<_>>();
    assert_eq!(events, ["ORDER_OPENED", "AUTHORISATION", "ORDER_CLOSED"]);
    assert_eq!(sequences(&told), [1, 2, 3]);
    assert_eq!((shop.settle().await, shop.next_job()), (0, None));
}

async fn an_order_waits_for_no_other_and_an_endpoint_for_no_other(shop: &Shop) {
    let (slow, quick) = (Hook::create(shop, "checkout").await, Hook::create(shop, "checkout").await);
    slow.receiver.next([FAILS]);
    let first = shop.open_order(1_000).await.order();
    shop.settle().await;
    let second = shop.open_order(1_000).await.order();
    shop.settle().await;
    let both = [format!("evt_{}_0", at(&first, 0)), format!("evt_{}_0", at(&second, 0))];
    for hook in [&slow, &quick] {
        assert_eq!(ids(&hook.take()), both);
    }
    shop.after(ONE_TRY).await;
    assert_eq!((ids(&slow.take()), ids(&quick.take())), (vec![both[0].as_str()], vec![]));
}

/// The waits between tries, in seconds.
const PLAN: [u64; 13] = [2, 5, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800, 28_800];

async fn what_fails_is_tried_again_at_the_times_of_the_plan(shop: &Shop) {
    let hook = Hook::create(shop, "tender").await;
    hook.receiver.answer(FAILS);
    shop.open_order(1_000).await;
    shop.settle().await;
    let mut tries = hook.take();
    assert_eq!(tries.len(), 1);
    for wait in PLAN.map(Duration::from_secs) {
        shop.after(wait * 4 / 5 - MILLISECOND).await;
        assert_eq!(hook.take_events(), [""; 0], "{wait:?}: not more than a fifth sooner");
        shop.after(wait * 2 / 5 + MILLISECOND).await;
        let now = hook.take();
        assert_eq!(now.len(), 1, "{wait:?}: not more than a fifth later");
        assert_eq!(Time::from_unix_s(now[0].sent_at()), Time::from_unix_s(shop.clock.now().unix_s()));
        tries.extend(now);
    }
    assert!(tries[2].sent_at() - tries[0].sent_at() <= 30, "three tries within 30 seconds");
    for pair in tries.windows(2) {
        assert_eq!((pair[0].header("webhook-id"), &pair[0].body), (pair[1].header("webhook-id"), &pair[1].body));
        assert!(pair[0].sent_at() < pair[1].sent_at(), "each has the time of its own try");
    }
}

async fn an_endpoint_that_asks_for_more_time_gets_it_up_to_eight_hours(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let busy = |after| Behaviour::Status(503, Some(after));
    hook.receiver.next([busy("600"), Behaviour::Status(429, Some("999999")), busy("1")]);
    shop.open_order(1_000).await;
    shop.settle().await;
    assert_eq!(hook.take().len(), 1);
    is_tried_after(shop, &hook, 10 * MINUTE).await;
    is_tried_after(shop, &hook, 8 * HOUR).await;
    // Less than the plan is not granted: the third wait is 2 minutes.
    shop.after(Duration::from_secs(96) - MILLISECOND).await;
    assert_eq!(hook.take_events(), [""; 0]);
    hook.receiver.next([busy("Sat, 31 Jan 2026 21:00:00 GMT")]);
    shop.after(Duration::from_secs(48) + MILLISECOND).await;
    assert_eq!(hook.take().len(), 1);
    let until = api::clock::parse("2026-01-31T21:00:00Z").unwrap().since(shop.clock.now());
    assert_eq!(until, Duration::from_secs(47 * 60 + 36));
    is_tried_after(shop, &hook, until).await;
    assert_eq!((shop.settle().await, hook.take_events()), (0, vec![]), "and was taken then");
}

async fn what_fails_for_thirty_days_is_given_up_listed_and_sent_again_on_request(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    hook.receiver.answer(FAILS);
    let order = shop.open_order_for(1_000, 2 * DELIVERY_TIME_MAX).await.order();
    shop.pay_card(&order, 400, VISA).await;
    shop.settle().await;
    let begun = shop.clock.now();
    let (opened, authorised) = (format!("evt_{}_0", at(&order, 0)), format!("evt_{}_0", at(&order, 2)));
    let mut tries = hook.take();
    while tries.last().is_some_and(|last| last.header("webhook-id") == opened) {
        let newest = shop.get(&hook.path("/deliveries?limit=1")).await;
        let next = api::clock::parse(&newest.text_at("/deliveries/0/nextAttemptAt")).unwrap();
        assert!(next <= begun.plus(DELIVERY_TIME_MAX), "{}", newest.text);
        // It is listed in whole seconds.
        shop.after(next.plus(Duration::from_secs(1)).since(shop.clock.now())).await;
        tries.extend(hook.take());
    }
    assert_eq!(tries.pop().map(|last| last.header("webhook-id").to_owned()), Some(authorised.clone()));
    assert!((90..=110).contains(&tries.len()), "{} tries: every 8 hours for 30 days", tries.len());
    let last = Time::from_unix_s(tries.last().unwrap().sent_at());
    assert!(begun.plus(DELIVERY_TIME_MAX - 8 * HOUR * 6 / 5) < last && last <= begun.plus(DELIVERY_TIME_MAX));

    let dead = hook.deliveries(shop, Some("givenUp")).await;
    assert_eq!(dead.len(), 1);
    let [letter] = dead.as_slice() else { return };
    assert_eq!((&letter["eventId"], &letter["event"]), (&json!(opened), &json!("ORDER_OPENED")));
    assert_eq!((&letter["attempt"], &letter["status"]), (&json!(tries.len()), &json!(500)));
    assert_eq!(letter.get("nextAttemptAt"), None);
    let failed = hook.deliveries(shop, Some("failed")).await;
    assert_eq!(failed.len(), tries.len(), "all but the last, and the first of the next event");

    hook.receiver.answer(TAKES);
    assert_eq!(hook.redeliver(shop, &json!({ "eventId": opened })).await, 1);
    shop.settle().await;
    assert_eq!(ids(&hook.take()), [opened.as_str()], "what comes next waits for its own time");
    shop.after(ONE_TRY).await;
    assert_eq!(ids(&hook.take()), [authorised.as_str()]);
    let acknowledged = hook.deliveries(shop, Some("acknowledged")).await;
    assert_eq!(acknowledged.iter().map(|one| one["attempt"].clone()).collect::<Vec<_>>(), [2, 1]);
}

async fn an_endpoint_that_is_gone_is_told_nothing_until_it_is_enabled_and_then_all_of_it_in_order(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let first = shop.open_order(1_000).await.order();
    hook.receiver.next([Behaviour::Status(410, None)]);
    shop.after(MINUTE).await;
    assert_eq!(hook.take_events(), ["ORDER_OPENED"]);
    let shown = hook.shown(shop).await;
    let disabled = (&shown["status"], &shown["disabledReason"], &shown["disabledAt"]);
    assert_eq!(disabled, (&json!("disabled"), &json!("gone"), &json!("2026-01-31T12:01:00Z")));

    shop.after(MINUTE).await;
    let second = shop.open_order(1_000).await.order();
    let third = shop.open_order(1_000).await.order();
    shop.pay_card(&first, 1_000, VISA).await;
    shop.pay_card(&second, 1_000, VISA).await;
    shop.settle().await;
    shop.after(30 * 24 * HOUR).await;
    assert_eq!(hook.take_events(), [""; 0], "nothing is sent meanwhile");
    let withheld = hook.deliveries(shop, Some("withheld")).await;
    let mut orders = withheld.iter().map(|one| one["orderPspReference"].clone()).collect::<Vec<_>>();
    orders.sort_by_key(Value::to_string);
    let mut expected = [&first, &second, &third].map(|order| json!(at(order, 0))).to_vec();
    expected.sort_by_key(Value::to_string);
    assert_eq!(orders, expected, "each order is listed once, where it was left off");
    for one in &withheld {
        assert_eq!((&one["event"], &one["sequence"]), (&json!("ORDER_OPENED"), &json!(1)));
        let by_it = one["orderPspReference"] == json!(at(&first, 0));
        let (status, attempt) = if by_it { (Some(&json!(410)), 1) } else { (None, 0) };
        assert_eq!((one.get("status"), &one["attempt"]), (status, &json!(attempt)), "{one}");
        assert_eq!(one.get("nextAttemptAt"), None);
    }
    for (path, body) in [("/test", json!({})), ("/redeliver", json!({ "since": "2026-01-31T12:00:00Z" }))] {
        let refused = shop.post(&hook.path(path), &body).await;
        assert_eq!((refused.status, refused.text_at("/code")), (422, "endpoint_disabled".to_owned()));
    }

    let enabled = shop.ask(&hook.path("/enable")).await;
    assert_eq!((enabled.status, enabled.text_at("/status")), (200, "active".to_owned()));
    assert_eq!(hook.shown(shop).await.get("disabledAt"), None);
    shop.settle().await;
    assert_eq!(hook.take_events(), [""; 0], "what was withheld is asked for");
    assert_eq!(hook.redeliver(shop, &json!({ "since": "2026-01-31T12:01:00Z" })).await, 3);
    shop.settle().await;
    let told = hook.take();
    // The third was opened, and expired while nobody was told.
    let ended = "ORDER_CLOSED failed";
    for (order, events) in [
        (&first, &["ORDER_OPENED", "AUTHORISATION", "ORDER_CLOSED"][..]),
        (&second, &["ORDER_OPENED", "AUTHORISATION", "ORDER_CLOSED"]),
        (&third, &["ORDER_OPENED", ended]),
    ] {
        let reference = json!(at(order, 0));
        let of_order = |one: &&Received| one.item()["additionalData"]["tender.orderPspReference"] == reference;
        assert_eq!(told.iter().filter(of_order).map(Received::event).collect::<Vec<_>>(), events);
    }
    assert_eq!(told.len(), 8);
    assert_eq!((shop.settle().await, shop.next_job()), (0, None));
}

async fn what_was_withheld_is_told_when_its_order_changes(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    hook.receiver.next([Behaviour::Status(410, None)]);
    shop.open_order(1_000).await;
    shop.settle().await;
    let order = shop.open_order(1_000).await.order();
    shop.settle().await;
    shop.ask(&hook.path("/enable")).await;
    hook.take();
    shop.pay_card(&order, 400, VISA).await;
    shop.settle().await;
    assert_eq!(hook.take_events(), ["ORDER_OPENED", "AUTHORISATION"]);
}

async fn only_a_2xx_acknowledges_and_a_redirect_is_not_followed(shop: &Shop) {
    let hook = Hook::create_for(shop, "checkout", &["ORDER_OPENED"]).await;
    let elsewhere = Receiver::start().await;
    for status in [200, 201, 202, 204, 299] {
        hook.receiver.next([Behaviour::Status(status, None)]);
        shop.open_order(1_000).await;
        shop.settle().await;
        shop.after(ONE_TRY).await;
        assert_eq!(hook.take_events(), ["ORDER_OPENED"], "{status}");
    }
    let redirects = [301, 302, 307, 308].map(|status| Behaviour::Elsewhere(status, elsewhere.url.clone()));
    let failures = [304, 400, 404, 500].map(|status| Behaviour::Status(status, None));
    for failure in redirects.into_iter().chain(failures).chain([Behaviour::HangUp]) {
        hook.receiver.next([failure.clone()]);
        shop.clock.advance(MINUTE);
        shop.open_order(1_000).await;
        shop.settle().await;
        let newest = shop.get(&hook.path("/deliveries?limit=1")).await;
        let (outcome, status) = (newest.text_at("/deliveries/0/outcome"), newest.at("/deliveries/0/status"));
        let expected = match failure {
            Behaviour::Status(status, _) | Behaviour::Elsewhere(status, _) | Behaviour::Slow(status) => json!(status),
            Behaviour::HangUp | Behaviour::Hang => Value::Null,
        };
        assert_eq!((outcome, status), ("failed".to_owned(), expected));
        shop.after(ONE_TRY).await;
        assert_eq!(hook.take_events(), ["ORDER_OPENED"; 2], "{failure:?}");
    }
    assert!(elsewhere.received().is_empty());
}

async fn each_endpoint_is_told_its_own_in_its_own_words_and_nothing_of_other_merchants(shop: &Shop) {
    let all = Hook::create(shop, "checkout").await;
    let ours = Hook::create(shop, "tender").await;
    let ends = Hook::create_for(shop, "checkout", &["ORDER_CLOSED", "CAPTURE"]).await;
    let paid = Hook::create_for(shop, "tender", &["payment.authorised"]).await;
    let never = Hook::create_for(shop, "checkout", &["REFUND"]).await;

    let theirs = shop.second(&["payments"]).await;
    let mut order = order_of(1_000);
    order["merchantAccount"] = json!("Second");
    let opened = shop.as_key(&theirs, Method::POST, "/v72/orders", Some(&order)).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    shop.settle().await;

    let order = shop.open_order(1_000).await.order();
    let first = shop.pay_gift_card(&order, 400).await;
    shop.pay_card(&first.order(), 600, VISA).await;
    shop.perform(&order, 3, Action::Capture, 600).await;
    shop.settle().await;
    let expected: [(&Hook, &[(&str, u64)]); 5] = [
        (&all, &[("ORDER_OPENED", 1), ("AUTHORISATION", 2), ("AUTHORISATION", 3), ("ORDER_CLOSED", 4), ("CAPTURE", 5)]),
        (
            &ours,
            &[
                ("order.opened", 1),
                ("payment.reserved", 2),
                ("payment.authorised", 3),
                ("payment.reserved", 4),
                ("payment.authorised", 5),
                ("order.closed", 6),
                ("operation.requested", 7),
                ("capture.done", 8),
            ],
        ),
        (&ends, &[("ORDER_CLOSED", 4), ("CAPTURE", 5)]),
        (&paid, &[("payment.authorised", 3), ("payment.authorised", 5)]),
        (&never, &[]),
    ];
    for (hook, expected) in expected {
        let told = hook.take();
        let told = told.iter().map(|one| (one.event(), one.sequence())).collect::<Vec<_>>();
        let expected = expected.iter().map(|(name, sequence)| ((*name).to_owned(), *sequence)).collect::<Vec<_>>();
        assert_eq!(told, expected, "numbered as if everything were told");
    }
}

async fn for_a_day_after_a_rotation_both_keys_are_good_and_after_it_the_new_one_alone(shop: &Shop) {
    let hook = Hook::create_for(shop, "checkout", &["ORDER_OPENED"]).await;
    let (old, new) = (&hook.keys, hook.rotate(shop).await);
    let rotated = shop.clock.now();
    hook.receiver.next([FAILS, FAILS, FAILS]);
    shop.open_order(1_000).await;
    shop.settle().await;
    for wait in [3, 6, 144].map(Duration::from_secs) {
        shop.after(wait).await;
    }
    let tries = hook.receiver.take();
    assert_eq!(tries.len(), 4);
    let is_adyens = |keys: &Keys, one: &Received| keys.have_signed_body(one) && keys.have_signed_item(one);
    let is_not_adyens = |keys: &Keys, one: &Received| !keys.have_signed_body(one) && !keys.have_signed_item(one);
    for (one, (signer, other)) in tries.iter().zip([(old, &new), (&new, old), (old, &new), (&new, old)]) {
        assert!(old.have_signed(one) && new.have_signed(one), "both have signed every try");
        assert!(is_adyens(signer, one) && is_not_adyens(other, one), "the old one odd tries, the new one even ones");
    }

    for (time, is_old_good) in [(KEY_OVERLAP - MILLISECOND, true), (KEY_OVERLAP, false)] {
        shop.clock.advance(rotated.plus(time).since(shop.clock.now()));
        shop.open_order(1_000).await;
        shop.settle().await;
        let told = hook.receiver.take();
        assert_eq!(told.iter().map(Received::event).collect::<Vec<_>>(), ["ORDER_OPENED"]);
        assert_eq!((old.have_signed(&told[0]), new.have_signed(&told[0])), (is_old_good, true));
        let (signer, other) = if is_old_good { (old, &new) } else { (&new, old) };
        assert!(is_adyens(signer, &told[0]) && is_not_adyens(other, &told[0]));
        let signatures = told[0].header("webhook-signature").split(' ').count();
        assert_eq!(signatures, 1 + usize::from(is_old_good));
        shop.after(MILLISECOND).await;
    }
}

async fn a_second_rotation_within_a_day_ends_the_first_keys(shop: &Shop) {
    let hook = Hook::create(shop, "tender").await;
    let second = hook.rotate(shop).await;
    shop.clock.advance(HOUR);
    let third = hook.rotate(shop).await;
    shop.open_order(1_000).await;
    shop.settle().await;
    let told = hook.receiver.take();
    let signed = [&hook.keys, &second, &third].map(|keys| keys.have_signed(&told[0]));
    assert_eq!((signed, second.have_signed_body(&told[0])), ([false, true, true], true));
}

async fn a_test_is_told_and_listed_and_is_about_no_order(shop: &Shop) {
    for (format, name) in [("checkout", "TEST"), ("tender", "test")] {
        let hook = Hook::create(shop, format).await;
        hook.receiver.next([FAILS]);
        let failed = shop.ask(&hook.path("/test")).await;
        shop.settle().await;
        shop.after(ONE_TRY).await;
        let id = failed.text_at("/eventId");
        assert_eq!(ids(&hook.take()), [id.as_str()], "whoever asked for a test looks at what came of it");
        let asked = shop.ask(&hook.path("/test")).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        let id = asked.text_at("/eventId");
        shop.settle().await;
        let told = hook.take();
        assert_eq!(told.iter().map(Received::event).collect::<Vec<_>>(), [name]);
        assert_eq!((ids(&told), sequences(&told)), (vec![id.as_str()], vec![0]));
        if format == "tender" {
            assert_eq!(told[0].json()["data"], json!({}));
        } else {
            let additional = told[0].item()["additionalData"].clone();
            assert_eq!((&additional["tender.eventId"], additional.get("tender.orderPspReference")), (&json!(id), None));
        }
        let listed = hook.deliveries(shop, None).await;
        let outcomes = listed.iter().map(|one| (&one["outcome"], &one["attempt"])).collect::<Vec<_>>();
        assert_eq!(outcomes, [(&json!("acknowledged"), &json!(1)), (&json!("givenUp"), &json!(1))]);
        assert_eq!((&listed[0]["eventId"], &listed[1]["eventId"]), (&json!(id), &failed.at("/eventId")));
        for one in &listed {
            assert_eq!((&one["event"], &one["sequence"]), (&json!(name), &json!(0)));
            assert_eq!(one.get("orderPspReference"), None);
        }
    }
}

async fn every_try_is_listed_with_its_time_its_outcome_and_what_comes_next(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    hook.receiver.next([Behaviour::HangUp, Behaviour::Status(503, Some("60"))]);
    let order = shop.open_order(1_000).await.order();
    shop.settle().await;
    shop.after(Duration::from_secs(3)).await;
    shop.after(MINUTE).await;
    let mut listed = hook.deliveries(shop, None).await;
    listed.reverse();
    for one in &mut listed {
        let took = one.as_object_mut().unwrap().remove("durationMs").unwrap();
        assert!(took.as_u64().is_some_and(|took| took < 10_000), "{took}");
    }
    let first = listed[0].as_object_mut().unwrap().remove("nextAttemptAt").unwrap();
    assert!(["2026-01-31T12:00:01Z", "2026-01-31T12:00:02Z"].map(Value::from).contains(&first), "{first}");
    let every = json!({
        "eventId": format!("evt_{}_0", at(&order, 0)), "orderPspReference": at(&order, 0), "event": "ORDER_OPENED",
        "sequence": 1,
    });
    let expected = [
        json!({
            "attempt": 1, "at": "2026-01-31T12:00:00Z", "outcome": "failed",
            "error": "the connection was closed before an answer came",
        }),
        json!({
            "attempt": 2, "at": "2026-01-31T12:00:03Z", "outcome": "failed", "status": 503,
            "nextAttemptAt": "2026-01-31T12:01:03Z",
        }),
        json!({ "attempt": 3, "at": "2026-01-31T12:01:03Z", "outcome": "acknowledged", "status": 202 }),
    ];
    assert_eq!(listed, expected.map(|one| with(one, &every)));
}

async fn a_deleted_endpoint_is_told_nothing_more(shop: &Shop) {
    let (deleted, kept) = (Hook::create(shop, "checkout").await, Hook::create(shop, "checkout").await);
    deleted.receiver.next([FAILS]);
    let order = shop.open_order(1_000).await.order();
    shop.settle().await;
    assert_eq!(deleted.take().len(), 1);
    deleted.delete(shop).await;
    shop.pay_card(&order, 1_000, VISA).await;
    shop.settle().await;
    shop.after(ONE_TRY).await;
    assert_eq!(deleted.take_events(), [""; 0]);
    assert_eq!(kept.take_events(), ["ORDER_OPENED", "AUTHORISATION", "ORDER_CLOSED"]);
    assert_eq!(shop.next_job(), None);
}

async fn an_endpoint_created_in_an_orders_life_is_told_it_from_its_beginning_once_it_changes(shop: &Shop) {
    let order = shop.open_order(1_000).await.order();
    let over = shop.post("/v72/payments", &payment(None, 100, tests::shop::card(VISA))).await;
    assert_eq!(over.text_at("/resultCode"), "Authorised");
    let first = shop.pay_gift_card(&order, 400).await;
    shop.after(MINUTE).await;
    let hook = Hook::create(shop, "checkout").await;
    shop.after(MINUTE).await;
    assert_eq!(hook.take_events(), [""; 0]);
    shop.pay_card(&first.order(), 600, VISA).await;
    shop.settle().await;
    let told = hook.take();
    let events = told.iter().map(Received::event).collect::<Vec<_>>();
    assert_eq!(events, ["ORDER_OPENED", "AUTHORISATION", "AUTHORISATION", "ORDER_CLOSED"]);
    assert_eq!(sequences(&told), [1, 2, 3, 4]);
}

async fn an_order_of_many_commits_is_told_without_a_gap_to_an_endpoint_that_was_down_all_the_time(shop: &Shop) {
    const CAPTURES: u16 = 40;
    let (adyens, ours) = (Hook::create(shop, "checkout").await, Hook::create(shop, "tender").await);
    for hook in [&adyens, &ours] {
        hook.receiver.answer(FAILS);
    }
    let order = shop.open_order(10_000).await.order();
    shop.pay_card(&order, 10_000, VISA).await;
    for _ in 0..CAPTURES {
        shop.perform(&order, 1, Action::Capture, 100).await;
        shop.after(MINUTE).await;
    }
    let version = shop.state(&order).await.version.get();
    assert!(version > 64, "more than two snapshots: {version}");
    for (hook, first) in [(&adyens, "ORDER_OPENED"), (&ours, "order.opened")] {
        assert!(hook.take_events().iter().all(|event| event == first));
        hook.receiver.answer(TAKES);
    }
    shop.after(ONE_TRY).await;

    let mut expected = vec!["ORDER_OPENED", "AUTHORISATION", "ORDER_CLOSED"];
    expected.extend(["CAPTURE"; CAPTURES as usize]);
    let told = adyens.take();
    assert_eq!(told.iter().map(Received::event).collect::<Vec<_>>(), expected);
    let last = told.last().map(|one| one.item()["additionalData"]["tender.orderVersion"].clone());
    assert_eq!(last, Some(json!(version.to_string())));
    let mut expected = vec!["order.opened", "payment.reserved", "payment.authorised", "order.closed"];
    expected.extend([["operation.requested", "capture.done"]; CAPTURES as usize].concat());
    let in_ours = ours.take();
    assert_eq!(in_ours.iter().map(Received::event).collect::<Vec<_>>(), expected);
    let versions = in_ours.iter().map(|one| one.json()["data"]["order"]["version"].as_u64().unwrap());
    let every = (0..3).chain([2]).chain(3..=u64::from(version));
    assert!(versions.eq(every), "each with the order as it was then");
    for told in [&told, &in_ours] {
        assert!(sequences(told).into_iter().eq(1..=told.len() as u64));
    }
}

async fn a_job_that_comes_twice_tells_nothing_twice(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let order = shop.open_order(1_000).await.order();
    shop.settle().await;
    assert_eq!(hook.take_events(), ["ORDER_OPENED"]);
    let deliver =
        Deliver { merchant: test_merchant(), endpoint: hook.id.clone(), order: Some(order_key(&order).id.reference()) };
    let again = Scheduled { job: Job::Deliver(deliver), due: shop.clock.now() };
    shop.jobs.send(&[again]).await.unwrap();
    assert_eq!(shop.settle().await, 1);
    assert_eq!(hook.take_events(), [""; 0]);
}

async fn nothing_is_sent_to_a_private_address_for_a_merchant_who_is_no_test_merchant(shop: &Shop) {
    let receiver = Receiver::start().await;
    let theirs = shop.second(&["admin", "payments"]).await;
    let https = receiver.url.replace("http://", "https://");
    let named = https.replace("127.0.0.1", "localhost");
    let cases = [
        (&receiver.url, "it does not begin with https://"),
        (&https, "its host 127.0.0.1 is not a public address"),
        (&named, "its host 'localhost' is not a public name"),
    ];
    let merchant = MerchantAccount::try_new("Second").unwrap();
    let mut ids = Vec::new();
    for (url, _) in cases {
        let body = json!({ "merchantAccount": "Second", "url": url, "format": "tender" });
        let refused = shop.as_key(&theirs, Method::POST, "/admin/v1/webhooks", Some(&body)).await;
        assert_eq!((refused.status, refused.text_at("/code")), (422, "field_invalid".to_owned()), "{url}");
        // Stored all the same, as if the rules had been others then.
        let new = NewEndpoint { url: url.clone(), format: Format::Tender, events: Vec::new(), key: None };
        ids.push(shop.engine.webhooks.create(&merchant, new).await.unwrap().0.id);
    }
    let mut order = order_of(1_000);
    order["merchantAccount"] = json!("Second");
    assert_eq!(shop.as_key(&theirs, Method::POST, "/v72/orders", Some(&order)).await.status, 200);
    shop.settle().await;
    for (id, (url, fault)) in ids.iter().zip(cases) {
        let path = format!("/admin/v1/webhooks/{id}/deliveries");
        let listed = shop.as_key(&theirs, Method::GET, &path, None).await;
        let tried = listed.at("/deliveries/0");
        assert_eq!((&tried["outcome"], tried.get("status")), (&json!("failed"), None), "{url}");
        assert_eq!(tried["error"], format!("nothing is sent to this URL: {fault}"));
    }
    assert!(receiver.received().is_empty());
}

/// What is asked for while a try is under way does not take its result away.
async fn a_try_is_listed_whatever_was_asked_for_meanwhile(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let order = shop.open_order(1_000).await.order();
    hook.receiver.next([Behaviour::Slow(500)]);
    let asking = async {
        // It is told, and has not answered.
        hook.receiver.wait_for(|received| !received.is_empty()).await;
        assert_eq!(hook.redeliver(shop, &json!({ "eventId": format!("evt_{}_0", at(&order, 0)) })).await, 1);
        hook.receiver.go_on();
    };
    tokio::join!(shop.settle(), asking);
    shop.after(ONE_TRY).await;
    assert_eq!(hook.take_events(), ["ORDER_OPENED"; 2]);
    let listed = hook.deliveries(shop, None).await;
    let tries = listed.iter().map(|one| (one["attempt"].clone(), one["outcome"].clone()));
    let expected = [(json!(2), json!("acknowledged")), (json!(1), json!("failed"))];
    assert_eq!(tries.collect::<Vec<_>>(), expected);
}

/// Else asking for everything, page by page, would never end.
async fn what_was_told_again_is_not_told_again_by_asking_for_everything(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let order = shop.open_order(1_000).await.order();
    shop.pay_card(&order, 1_000, VISA).await;
    shop.settle().await;
    assert_eq!(hook.take_events().len(), 3);
    let since = json!({ "since": "2026-01-31T12:00:00Z" });
    assert_eq!(hook.redeliver(shop, &since).await, 3);
    shop.settle().await;
    assert_eq!(hook.take_events().len(), 3);
    shop.clock.advance(MINUTE);
    assert_eq!(hook.redeliver(shop, &json!({ "since": "2026-01-31T12:00:01Z" })).await, 0, "they were sent again");
    let listed = hook.deliveries(shop, None).await;
    assert_eq!(listed.iter().filter(|one| one["redelivery"] == true).count(), 3);
    assert_eq!(listed.len(), 6);
}

/// A redelivery that finds the endpoint gone is withheld like anything else, and does not make what is next
/// be forgotten.
async fn what_was_withheld_while_it_was_told_again_is_told_when_it_is_asked_for(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let order = shop.open_order(1_000).await.order();
    shop.settle().await;
    assert_eq!(hook.take_events(), ["ORDER_OPENED"]);
    hook.receiver.answer(FAILS);
    shop.pay_card(&order, 1_000, VISA).await;
    shop.settle().await;
    assert_eq!(hook.take_events(), ["AUTHORISATION"], "that waits for its next try");
    hook.receiver.next([Behaviour::Status(410, None)]);
    hook.redeliver(shop, &json!({ "eventId": format!("evt_{}_0", at(&order, 0)) })).await;
    shop.settle().await;
    assert_eq!(hook.take_events(), ["ORDER_OPENED"]);
    shop.after(ONE_TRY).await;
    assert_eq!(hook.take_events(), [""; 0]);
    hook.receiver.answer(TAKES);
    let disabled_at = hook.shown(shop).await["disabledAt"].clone();
    shop.ask(&hook.path("/enable")).await;
    hook.redeliver(shop, &json!({ "since": disabled_at })).await;
    shop.settle().await;
    let mut told = hook.take_events();
    told.sort();
    assert_eq!(told, ["AUTHORISATION", "ORDER_CLOSED", "ORDER_OPENED"]);
}

super::on_both_stores!(
    what_was_withheld_while_it_was_told_again_is_told_when_it_is_asked_for,
    a_try_is_listed_whatever_was_asked_for_meanwhile,
    what_was_told_again_is_not_told_again_by_asking_for_everything,
    who_knows_only_the_keys_can_verify_and_follow_a_whole_life_in_adyens_words,
    who_knows_only_the_keys_can_verify_and_follow_a_whole_life_in_our_words,
    an_order_that_expires_tells_of_each_released_part_before_its_end,
    a_cancelled_order_tells_of_every_part_that_was_given_back_before_its_end,
    a_shopper_who_walks_away_is_told_of_and_frees_the_part,
    a_shop_may_give_its_shopper_less_time_but_never_more_than_the_order_has,
    an_order_that_was_paid_is_not_told_closed_before_it_was_told_opened,
    an_order_waits_for_no_other_and_an_endpoint_for_no_other,
    what_fails_is_tried_again_at_the_times_of_the_plan,
    an_endpoint_that_asks_for_more_time_gets_it_up_to_eight_hours,
    what_fails_for_thirty_days_is_given_up_listed_and_sent_again_on_request,
    an_endpoint_that_is_gone_is_told_nothing_until_it_is_enabled_and_then_all_of_it_in_order,
    what_was_withheld_is_told_when_its_order_changes,
    only_a_2xx_acknowledges_and_a_redirect_is_not_followed,
    each_endpoint_is_told_its_own_in_its_own_words_and_nothing_of_other_merchants,
    for_a_day_after_a_rotation_both_keys_are_good_and_after_it_the_new_one_alone,
    a_second_rotation_within_a_day_ends_the_first_keys,
    a_test_is_told_and_listed_and_is_about_no_order,
    every_try_is_listed_with_its_time_its_outcome_and_what_comes_next,
    a_deleted_endpoint_is_told_nothing_more,
    an_endpoint_created_in_an_orders_life_is_told_it_from_its_beginning_once_it_changes,
    an_order_of_many_commits_is_told_without_a_gap_to_an_endpoint_that_was_down_all_the_time,
    a_job_that_comes_twice_tells_nothing_twice,
    nothing_is_sent_to_a_private_address_for_a_merchant_who_is_no_test_merchant,
);
