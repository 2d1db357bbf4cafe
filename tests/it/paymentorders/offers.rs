//! What an answer offers can be done, and nothing else: whatever has happened before.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::shop::{Answer, Shop, card, gift_card};

use super::{
    CAPTURE_PENDING, Desk, PENDING, REFUSED, VISA, abort, abort_attempt, cancellation, checkout, item, pay, purchase,
    transaction, update,
};

/// Steps of each walk.
const STEPS: u64 = 24;

/// A generator of numbers that go this way and that, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Every deed, by its name in versions 2.0 and 3.
const DEEDS: [(&str, &str); 6] = [
    ("update-paymentorder-updateorder", "update-order"),
    ("update-paymentorder-abort", "abort"),
    ("", "abort-paymentattempt"),
    ("create-paymentorder-capture", "capture"),
    ("create-paymentorder-cancel", "cancel"),
    ("create-paymentorder-reversal", "reversal"),
];

/// The request of a deed, that asks for no more than there is: where, and with what.
fn request(deed: &str, id: &str, step: u64, order: &Value) -> (Method, String, Value) {
    let left = |name: &str| order[name].as_i64().filter(|left| *left > 0).unwrap_or(100);
    let reference = format!("step-{step}");
    match deed {
        "update-order" => {
            let amount = 1_000 + 100 * i64::try_from(step % 7).unwrap();
            (Method::PATCH, id.to_owned(), update(amount, 0, &json!([item("P1", amount, 0)])))
        }
        "abort" => (Method::PATCH, id.to_owned(), abort()),
        "abort-paymentattempt" => (Method::PATCH, id.to_owned(), abort_attempt()),
        "capture" => {
            let amount = (left("remainingCaptureAmount") / 2).max(1);
            (Method::POST, format!("{id}/captures"), transaction(&reference, amount, 0))
        }
        "cancel" => (Method::POST, format!("{id}/cancellations"), cancellation(&reference)),
        _ => {
            let amount = (left("remainingReversalAmount") / 2).max(1);
            (Method::POST, format!("{id}/reversals"), transaction(&reference, amount, 0))
        }
    }
}

/// Something that a shopper, or time, does.
async fn something_happens(shop: &Shop, id: &str, dice: &mut Dice) {
    let order = checkout(shop, id).await;
    let uuid = id.rsplit('/').next().unwrap();
    let remaining = shop.get(&format!("/v72/orders/{uuid}")).await.at("/remainingAmount/value").as_u64().unwrap();
    let part = if dice.roll(2) == 0 { remaining } else { remaining / 2 };
    match dice.roll(7) {
        0 => shop.clock.advance(Duration::from_secs(5)),
        _ if part == 0 => shop.clock.advance(Duration::from_secs(1)),
        1 => _ = pay(shop, id, &[(part.min(500), gift_card())]).await,
        2 => _ = pay(shop, id, &[(part, card(REFUSED))]).await,
        3 => _ = pay(shop, id, &[(part, card(PENDING))]).await,
        4 => {
            let body = tests::shop::payment(Some(&order), part, json!({ "type": "ideal" }));
            shop.post("/v72/payments", &body).await;
        }
        5 => _ = pay(shop, id, &[(part, card(CAPTURE_PENDING))]).await,
        _ => _ = pay(shop, id, &[(part, card(VISA))]).await,
    }
}

/// Walks at random, and checks at each step that exactly what is offered can be done.
async fn walk(shop: &Shop, version: &'static str, seed: u64) -> [u64; 2] {
    let desk = Desk::new(shop, version);
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let id = desk.open(&purchase(&format!("walk-{}-{seed}", version.replace('.', "")))).await;
    let mut counts = [0, 0];
    for step in 0..STEPS {
        // Half of the steps are somebody else's, so that all standings are met.
        if dice.roll(2) == 0 {
            something_happens(shop, &id, &mut dice).await;
        }
        let before = desk.read(&id).await;
        let offered = before.at("/operations").as_array().cloned().unwrap();
        let (in_2, in_3) = DEEDS[usize::try_from(dice.roll(6)).unwrap()];
        let name = if version == "2.0" { in_2 } else { in_3 };
        // Few walks would come far if they ended as soon as they can.
        if in_3 == "abort" && dice.roll(4) > 0 {
            continue;
        }
        let (method, path, body) = request(in_3, &id, step, &before.at("/paymentorder"));
        let offer = offered.iter().find(|offer| !name.is_empty() && offer["rel"] == name);
        let path = match offer {
            Some(offer) => {
                assert_eq!(offer["method"], method.as_str());
                offer["href"].as_str().unwrap().strip_prefix(&shop.url).unwrap().to_owned()
            }
            None => path,
        };
        let answer: Answer = desk.send(desk.request(method, &path).json(&body)).await;
        let at = format!("seed {seed}, step {step}, {name}: {} {}\n{}", answer.status, answer.text, before.text);
        if offer.is_some() {
            assert!([200, 202].contains(&answer.status), "offered and refused: {at}");
            counts[0] += 1;
        } else {
            assert!([400, 403].contains(&answer.status), "not offered and done: {at}");
            assert!(answer.text_at("/detail").len() > 10, "without a reason: {at}");
            let mut after = desk.read(&id).await;
            // What was pending may have ended by itself meanwhile, but not for this.
            if after.text != before.text {
                after = desk.read(&id).await;
            }
            assert_eq!(after.text, before.text, "{at}");
            counts[1] += 1;
        }
    }
    counts
}

async fn walks(shop: &Shop, seeds: std::ops::Range<u64>) {
    let mut all = [0, 0];
    for seed in seeds {
        for version in ["2.0", "3.0", "3.1"] {
            let counts = walk(shop, version, seed).await;
            all = [all[0] + counts[0], all[1] + counts[1]];
        }
    }
    assert!(all[0] > 20 && all[1] > 20, "both kinds are met: {all:?}");
}

async fn what_is_offered_can_be_done_and_nothing_else(shop: &Shop) {
    walks(shop, 1..9).await;
}

crate::on_both_stores!(what_is_offered_can_be_done_and_nothing_else);

/// The reason why something is not offered is told to whoever asks for it all the same.
#[tokio::test]
async fn what_is_not_offered_is_refused_with_its_reason() {
    let shop = Shop::open(tests::shop::On::Embedded).await;
    let desk = Desk::new(&shop, "3.1");
    let code = |answer: &Answer| {
        assert_eq!(answer.status, 403, "{}", answer.text);
        assert!(answer.text_at("/type").ends_with("/paymentorders/forbidden"), "{}", answer.text);
        answer.text_at("/code")
    };
    let id = desk.open(&purchase("reason-1")).await;
    assert_eq!(code(&desk.capture(&id, &transaction("r1", 100, 0)).await), "not_offered", "nobody has paid");
    assert_eq!(code(&desk.cancel(&id, "r2").await), "not_offered");
    assert_eq!(code(&desk.reverse(&id, &transaction("r3", 100, 0)).await), "not_offered");
    assert_eq!(code(&desk.patch(&id, &abort_attempt()).await), "not_offered", "no attempt is under way");
    pay(&shop, &id, &[(1_500, card(PENDING))]).await;
    let read = desk.read(&id).await;
    assert_eq!(super::deeds(&read), ["abort-paymentattempt"]);
    let items = json!([item("P1", 1_000, 0)]);
    assert_eq!(code(&desk.update(&id, &update(1_000, 0, &items)).await), "order_attempted");
    assert_eq!(code(&desk.abort(&id).await), "operation_in_flight");
    shop.clock.advance(Duration::from_secs(5));
    assert_eq!(super::deeds(&desk.read(&id).await), ["capture", "cancel"], "paid meanwhile");
    assert_eq!(code(&desk.abort(&id).await), "order_closed");
    assert_eq!(code(&desk.patch(&id, &abort_attempt()).await), "order_closed");
    assert_eq!(code(&desk.reverse(&id, &transaction("r4", 100, 0)).await), "nothing_available");
    assert_eq!(desk.cancel(&id, "r5").await.status, 200);
    assert_eq!(code(&desk.capture(&id, &transaction("r6", 100, 0)).await), "nothing_available");
    // In version 2.0 attempts are not aborted.
    let desk = Desk::new(&shop, "2.0");
    let id = desk.open(&purchase("reason-2")).await;
    pay(&shop, &id, &[(1_500, card(PENDING))]).await;
    assert_eq!(desk.read(&id).await.text_at("/paymentorder/state"), "Pending");
    assert_eq!(code(&desk.patch(&id, &abort_attempt()).await), "not_offered");
}

/// An attempt at a page is given up, and the shopper's choice comes too late; one that was approved first stays.
#[tokio::test]
async fn an_attempt_that_is_aborted_ends_and_the_order_goes_on() {
    let shop = Shop::open(tests::shop::On::Embedded).await;
    let desk = Desk::new(&shop, "3.1");
    let id = desk.open(&purchase("attempt-1")).await;
    pay(&shop, &id, &[(500, gift_card())]).await;
    let page = shop.redirect(Some(&checkout(&shop, &id).await), 1_000, &json!({})).await;
    assert_eq!(super::deeds(&desk.read(&id).await), ["abort-paymentattempt"]);
    let aborted = desk.patch(&id, &abort_attempt()).await;
    assert_eq!((aborted.status, aborted.text_at("/paymentorder/status")), (200, "Initialized".to_owned()));
    assert_eq!(super::deeds(&aborted), ["abort"], "another attempt can be made, or none");
    let failed = desk.part(&id, "failedattempts").await;
    assert_eq!(failed["failedAttemptList"][0]["status"], "Aborted");
    assert_eq!(shop.send(shop.bare(Method::GET, &page)).await.status, 200);
    pay(&shop, &id, &[(1_000, card(VISA))]).await;
    assert_eq!(desk.read(&id).await.text_at("/paymentorder/status"), "Paid");

    // The shopper was faster: what is paid stays paid.
    let id = desk.open(&purchase("attempt-2")).await;
    let page = shop.redirect(Some(&checkout(&shop, &id).await), 1_500, &json!({})).await;
    shop.press(&page, "approve").await;
    let late = desk.patch(&id, &abort_attempt()).await;
    let status = desk.read(&id).await.text_at("/paymentorder/status");
    // Whoever comes first: it is either paid or aborted, and never both.
    let expected = if late.status == 200 { "Initialized" } else { "Paid" };
    assert_eq!(status, expected, "{}", late.text);
}
