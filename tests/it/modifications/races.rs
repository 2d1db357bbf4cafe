//! Modifications at once: together they never move more than there is, and the partners' own books agree.

use std::collections::BTreeMap;

use domain::{Reference, Tally};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{
    hook::Hook,
    shop::{Answer, Shop, gift_card, order_key, payment, test_merchant},
};

use super::{CAPTURE_PENDING, VISA, amount, books, order_of, sell_by_card, take, taken, told, unique};

/// Asks for them all at once, on two engines; those that were taken.
async fn at_once(shop: &Shop, other: &Shop, of: &str, asked: &[(&str, Value)]) -> Vec<String> {
    let shops = [shop, other].into_iter().cycle();
    let answers = join_all(shops.zip(asked).map(|(shop, (what, more))| shop.modify(of, what, more))).await;
    let (accepted, rest) = answers.iter().partition::<Vec<_>, _>(|answer| answer.status == 201);
    // Too many at once: nothing was done of it.
    let is_contended = |answer: &&Answer| answer.error() == (409, "704".to_owned());
    assert!(rest.iter().all(is_contended), "{rest:?}");
    accepted.into_iter().map(taken).collect()
}

/// A mix of modifications: each of them may be possible or not when its turn comes.
fn mix() -> Vec<(&'static str, Value)> {
    let kinds = [
        ("captures", amount(400)),
        ("refunds", amount(300)),
        ("captures", amount(700)),
        ("refunds", amount(900)),
        ("cancels", json!({})),
        ("captures", amount(100)),
        ("amountUpdates", amount(2_000)),
        ("reversals", json!({})),
    ];
    (0..4).flat_map(|_| kinds.clone()).collect()
}

/// The gift card's hold of a payment, as its issuer sees it: held, settled, released and refunded.
async fn held(shop: &Shop, payment: &str) -> [u64; 4] {
    let shown = shop.get(&format!("/admin/v1/giftCards/{}", local::TEST_GIFT_CARD)).await;
    let holds = shown.at("/holds");
    let hold = holds.as_array().unwrap().iter().find(|hold| hold["paymentPspReference"] == payment).unwrap();
    ["held", "settled", "released", "refunded"].map(|name| hold[name]["value"].as_u64().unwrap())
}

/// The acquirer's book of a payment.
async fn booked(shop: &Shop, payment: &str) -> Tally {
    let reference = payment.parse::<Reference>().unwrap();
    let book = shop.engine.sandbox.book(&test_merchant(), reference).await.unwrap().unwrap();
    book.tally(shop.engine.app.streams.now())
}

/// Every modification that was taken is told once, and nothing else under its name.
fn each_is_told_once(told: &[Value], taken: &[String]) {
    let mut times = taken.iter().map(|reference| (reference.as_str(), 0)).collect::<BTreeMap<_, _>>();
    for item in told {
        if let Some(times) = times.get_mut(item["pspReference"].as_str().unwrap()) {
            *times += 1;
        }
    }
    assert!(times.values().all(|times| *times == 1), "{times:?}");
}

/// What was told to have gone well.
fn moved(told: &[Value], code: &str) -> u64 {
    let done = told.iter().filter(|item| item["eventCode"] == code && item["success"] == "true");
    done.map(|item| item["amount"]["value"].as_u64().unwrap()).sum()
}

async fn many_modifications_of_a_gift_cards_payment_never_move_more_than_there_is(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let other = shop.another().await;
    for _ in 0..4 {
        let paid = shop.post("/v72/payments", &payment(None, 3_000, gift_card())).await.text_at("/pspReference");
        take(shop, &paid, "captures", &amount(900)).await;
        shop.settle().await;
        hook.take();
        let taken = at_once(shop, &other, &paid, &mix()).await;
        tokio::join!(shop.settle(), other.settle());
        let told = unique(told(&hook));
        each_is_told_once(&told, &taken);
        let order = order_of(&paid);
        let tally = shop.state(&order).await.payments[0].tally;
        assert!(tally.is_conserved() && tally.is_at_rest(), "{tally:?}");
        let Tally { authorised, captured, voided, refunded, .. } = tally;
        assert_eq!(held(shop, &paid).await, [tally.capturable(), captured, voided, refunded], "{tally:?}");
        assert_eq!((captured, moved(&told, "CAPTURE") + 900), (captured, captured), "what was told is what moved");
        assert_eq!(shop.gift_card_balance().await, 5_000 - authorised + voided + refunded);
        take(shop, &paid, "reversals", &json!({})).await;
        shop.settle().await;
        let [held, settled, _, refunded] = held(shop, &paid).await;
        assert_eq!((held, settled, shop.gift_card_balance().await, shop.next_job()), (0, refunded, 5_000, None));
    }
}

async fn many_modifications_of_a_cards_payment_never_move_more_than_there_is(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let other = shop.another().await;
    for number in [VISA, CAPTURE_PENDING] {
        let (order, card) = sell_by_card(shop, &hook, number).await;
        let asked = (0..32).map(|n| if n % 2 == 0 { ("captures", amount(600)) } else { ("refunds", amount(500)) });
        let taken = at_once(shop, &other, &card, &asked.collect::<Vec<_>>()).await;
        tokio::join!(shop.settle(), other.settle());
        shop.pass(std::time::Duration::from_secs(5)).await;
        let told = unique(told(&hook));
        each_is_told_once(&told, &taken);
        let [authorised, captured, voided, refunded] = books(shop, &order, 0).await;
        assert_eq!((authorised, voided), (8_000, 0));
        assert_eq!((captured, refunded), (moved(&told, "CAPTURE"), moved(&told, "REFUND")));
        assert!(captured <= 8_000 && captured.is_multiple_of(600) && refunded <= captured, "{captured} {refunded}");
        let book = booked(shop, &card).await;
        assert_eq!([book.authorised, book.captured, book.voided, book.refunded], [8_000, captured, 0, refunded]);
    }
}

async fn of_many_over_everything_one_is_done(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let other = shop.another().await;
    for (captured, what, more, code) in [
        (0, "captures", amount(8_000), "CAPTURE"),
        (0, "cancels", json!({}), "CANCELLATION"),
        (8_000, "refunds", amount(8_000), "REFUND"),
        (8_000, "reversals", json!({}), "CANCEL_OR_REFUND"),
        (3_000, "reversals", json!({}), "CANCEL_OR_REFUND"),
    ] {
        let (order, card) = sell_by_card(shop, &hook, VISA).await;
        if captured > 0 {
            take(shop, &card, "captures", &amount(captured)).await;
            shop.settle().await;
            hook.take();
        }
        let asked = (0..32).map(|_| (what, more.clone())).collect::<Vec<_>>();
        let taken = at_once(shop, &other, &card, &asked).await;
        shop.settle().await;
        let told = told(&hook);
        assert_eq!(told.len(), taken.len(), "{what}");
        each_is_told_once(&told, &taken);
        let went_well = told.iter().filter(|item| item["success"] == "true").collect::<Vec<_>>();
        assert_eq!((went_well.len(), moved(&told, code)), (1, 8_000), "{what}");
        let book = booked(shop, &card).await;
        assert_eq!(books(shop, &order, 0).await, [book.authorised, book.captured, book.voided, book.refunded]);
    }
}

async fn an_order_is_reversed_once_however_it_is_asked_for(shop: &Shop) {
    let hook = Hook::create(shop, "checkout").await;
    let other = shop.another().await;
    for _ in 0..8 {
        let order = shop.open_order(5_000).await.order();
        let first = shop.pay_gift_card(&order, 2_000).await;
        let second = shop.pay_card(&first.order(), 3_000, VISA).await;
        shop.settle().await;
        shop.perform(&order, 1, domain::Action::Capture, 1_300).await;
        let of_order = order_key(&order).id.reference().to_string();
        let payments = [&first, &second].map(|paid| paid.text_at("/pspReference"));
        let all = [&of_order, &payments[0], &payments[1], &of_order];
        let nothing = json!({});
        let asked = [shop, &other].into_iter().flat_map(|shop| all.iter().map(move |of| (shop, *of)));
        let answers = join_all(asked.map(|(shop, of)| shop.modify(of, "reversals", &nothing))).await;
        assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
        shop.settle().await;
        assert_eq!(moved(&told(&hook), "CANCEL_OR_REFUND"), 5_000);
        assert_eq!(books(shop, &order, 0).await, [2_000, 1_300, 700, 1_300]);
        assert_eq!(books(shop, &order, 1).await, [3_000, 0, 3_000, 0]);
        assert_eq!(shop.gift_card_balance().await, 5_000);
    }
}

crate::on_both_stores!(
    many_modifications_of_a_gift_cards_payment_never_move_more_than_there_is,
    many_modifications_of_a_cards_payment_never_move_more_than_there_is,
    of_many_over_everything_one_is_done,
    an_order_is_reversed_once_however_it_is_asked_for,
);
