//! The four stories of the published samples, as their texts mean them, each with a payment of somebody else's, which is
//! a fact, and with one of the engine's, whose money moves.

use serde_json::{Value, json};
use tests::shop::{Shop, card, gift_card};

use super::{VISA, added, books, done, item, money, of, ordered, paid, reversal, shown, taken};

/// The money of a payment as the checkout family shows it: authorised, captured, voided, refunded.
async fn moved(shop: &Shop, order: &str, payment: &str) -> [u64; 4] {
    let reference = shown(shop, order).await["checkout"].clone();
    let order = shop.order(&reference).await;
    let payments = order["payments"].as_array().unwrap();
    let payment = payments.iter().find(|known| known["pspReference"] == payment).unwrap();
    ["authorised", "captured", "cancelled", "refunded"]
        .map(|name| payment[format!("{name}Amount")]["value"].as_u64().unwrap())
}

/// What moved for an operation.
fn movements(operation: &Value) -> Vec<(&str, u64, &str)> {
    let moved = operation["movements"].as_array().unwrap().iter();
    moved
        .map(|told| {
            (told["action"].as_str().unwrap(), told["amount"].as_u64().unwrap(), told["status"].as_str().unwrap())
        })
        .collect()
}

async fn a_swap_at_the_same_price_moves_no_money(shop: &Shop) {
    let (first, new) = (item(1, "chair", 4_000, 800), item(3, "stool", 4_000, 800));
    let back = reversal(2, 1, "chair", -4_000, -800);
    for is_ours in [false, true] {
        let order = ordered(shop, std::slice::from_ref(&first)).await;
        let payment = if is_ours { paid(shop, &order, 4_000, gift_card()).await } else { "PID_123".to_owned() };
        taken(shop, &order, &payment, &[(1, 4_000)]).await;
        let balance = shop.gift_card_balance().await;
        let swapped = added(shop, &order, &[back.clone(), new.clone()]).await;
        assert_eq!(money(&swapped), ("paid", 4_000, 4_000, 0, 0));
        for (line, amount) in [(2, -4_000), (3, 4_000)] {
            let captured = taken(shop, &order, &payment, &[(line, amount)]).await;
            assert_eq!((movements(&captured), &captured["success"]), (vec![], &json!(true)));
            assert_eq!(captured["status"], if is_ours { "done" } else { "recorded" });
        }
        let order_now = shown(shop, &order).await;
        assert_eq!(money(&order_now), ("paid", 4_000, 4_000, 0, 0));
        assert_eq!(books(&order_now, 1), [4_000, 0, 4_000, 800, 0, 0]);
        assert_eq!(books(&order_now, 2), [-4_000, 0, -4_000, -800, 0, 0]);
        assert_eq!(books(&order_now, 3), [4_000, 0, 4_000, 800, 0, 0]);
        assert_eq!(shop.gift_card_balance().await, balance, "what was paid stays where it is");
        if is_ours {
            assert_eq!(moved(shop, &order, &payment).await, [4_000, 4_000, 0, 0]);
        }
    }
}

async fn a_cheaper_replacement_with_a_balancing_line_is_refunded(shop: &Shop) {
    let back = reversal(2, 1, "chair", -4_000, -800);
    // "An additional item is included in the draft update if the original authorization is higher than the new items."
    let new = [item(3, "stool", 3_000, 600), item(4, "difference", 1_000, 200)];
    for is_ours in [false, true] {
        let order = ordered(shop, &[item(1, "chair", 4_000, 800)]).await;
        let payment = if is_ours { paid(shop, &order, 4_000, gift_card()).await } else { "PID_123".to_owned() };
        let balance = shop.gift_card_balance().await;
        taken(shop, &order, &payment, &[(1, 4_000)]).await;
        added(shop, &order, &[back.clone(), new[0].clone(), new[1].clone()]).await;
        taken(shop, &order, &payment, &[(2, -4_000)]).await;
        taken(shop, &order, &payment, &[(3, 3_000), (4, 1_000)]).await;
        let refund = done(shop, &order, "refunds", &payment, &[(4, 1_000)]).await;
        assert_eq!(refund["items"], json!([{ "line_id": 4, "amount": 1_000, "tax_amount": 200 }]));
        let expected = if is_ours { vec![("refund", 1_000, "done")] } else { vec![] };
        assert_eq!(movements(&refund), expected);
        let order_now = shown(shop, &order).await;
        assert_eq!(money(&order_now), ("partially_refunded", 4_000, 3_000, 0, 0));
        assert_eq!(books(&order_now, 4), [1_000, 0, 1_000, 200, 1_000, 200]);
        if is_ours {
            assert_eq!(moved(shop, &order, &payment).await, [4_000, 4_000, 0, 1_000]);
            assert_eq!(shop.gift_card_balance().await, balance + 1_000);
        }
    }
}

async fn a_cheaper_replacement_without_one_gives_the_difference_back(shop: &Shop) {
    let back = [reversal(2, 1, "chair", -4_000, -800), item(3, "stool", 3_000, 600)];
    for is_ours in [false, true] {
        let order = ordered(shop, &[item(1, "chair", 4_000, 800)]).await;
        let payment = if is_ours { paid(shop, &order, 4_000, gift_card()).await } else { "PID_123".to_owned() };
        let balance = shop.gift_card_balance().await;
        taken(shop, &order, &payment, &[(1, 4_000)]).await;
        let changed = added(shop, &order, &back).await;
        assert_eq!(money(&changed), ("paid", 3_000, 4_000, 0, 1_000), "the difference is to be given back");
        done(shop, &order, "authorizations", &payment, &[(2, -4_000)]).await;
        let given_back = done(shop, &order, "captures", &payment, &[(2, -4_000)]).await;
        let expected = if is_ours { vec![("refund", 1_000, "done")] } else { vec![] };
        assert_eq!(movements(&given_back), expected);
        let captured = taken(shop, &order, &payment, &[(3, 3_000)]).await;
        assert_eq!(movements(&captured), [], "it is paid with what is left of the first");
        let order_now = shown(shop, &order).await;
        assert_eq!(money(&order_now), ("paid", 3_000, 3_000, 0, 0));
        if is_ours {
            assert_eq!(moved(shop, &order, &payment).await, [4_000, 4_000, 0, 1_000]);
            assert_eq!(shop.gift_card_balance().await, balance + 1_000);
        }
    }
}

async fn a_dearer_replacement_takes_another_payment_on_the_same_line(shop: &Shop) {
    let back = [reversal(2, 1, "chair", -4_000, -800), item(3, "sofa", 5_000, 1_001)];
    for is_ours in [false, true] {
        let order = ordered(shop, &[item(1, "chair", 4_000, 800)]).await;
        let first = if is_ours { paid(shop, &order, 4_000, gift_card()).await } else { "PID_123".to_owned() };
        taken(shop, &order, &first, &[(1, 4_000)]).await;
        let changed = added(shop, &order, &back).await;
        assert_eq!(money(&changed), ("partially_paid", 5_000, 4_000, 1_000, 0));
        taken(shop, &order, &first, &[(2, -4_000)]).await;
        let part = taken(shop, &order, &first, &[(3, 4_000)]).await;
        let second = if is_ours { paid(shop, &order, 1_000, card(VISA)).await } else { "PID_321".to_owned() };
        let rest = taken(shop, &order, &second, &[(3, 1_000)]).await;
        let expected = if is_ours { vec![("capture", 1_000, "done")] } else { vec![] };
        assert_eq!(movements(&rest), expected);
        // 1001 of 5000: 4000 have 800.8 of it, and the last part has what is left.
        let taxes = [&part, &rest].map(|operation| operation["items"][0]["tax_amount"].as_i64().unwrap());
        assert_eq!(taxes, [801, 200]);
        let order_now = shown(shop, &order).await;
        assert_eq!(money(&order_now), ("paid", 5_000, 5_000, 0, 0));
        assert_eq!(books(&order_now, 3), [5_000, 0, 5_000, 1_001, 0, 0]);
        assert_eq!(order_now["payments"].as_array().unwrap().len(), 2);
        if is_ours {
            assert_eq!(moved(shop, &order, &first).await, [4_000, 4_000, 0, 0]);
            assert_eq!(moved(shop, &order, &second).await, [1_000, 1_000, 0, 0]);
        }
    }
}

async fn lines_are_captured_in_parts_and_what_is_not_delivered_is_cancelled(shop: &Shop) {
    for is_ours in [false, true] {
        let order = ordered(shop, &[item(1, "chair", 3_000, 601), item(2, "stool", 1_000, 200)]).await;
        let payment = if is_ours { paid(shop, &order, 4_000, card(VISA)).await } else { "PID_123".to_owned() };
        assert_eq!(money(&shown(shop, &order).await).0, "pending", "what is only held is not paid");
        done(shop, &order, "authorizations", &payment, &[(1, 3_000), (2, 1_000)]).await;
        let mut taxes = Vec::new();
        for amount in [1_000, 1_000, 1_000] {
            let captured = done(shop, &order, "captures", &payment, &[(1, amount)]).await;
            taxes.push(captured["items"][0]["tax_amount"].as_i64().unwrap());
        }
        assert_eq!(taxes, [200, 201, 200], "the sum is the line's, whatever the parts");
        assert_eq!(money(&shown(shop, &order).await), ("partially_paid", 4_000, 3_000, 0, 0));
        let cancelled = done(shop, &order, "cancellations", &payment, &[(2, 1_000)]).await;
        let expected = if is_ours { vec![("cancel", 1_000, "done")] } else { vec![] };
        assert_eq!(movements(&cancelled), expected);
        let order_now = shown(shop, &order).await;
        assert_eq!(books(&order_now, 1), [3_000, 0, 3_000, 601, 0, 0]);
        assert_eq!(books(&order_now, 2), [1_000, 1_000, 0, 0, 0, 0]);
        assert_eq!(money(&order_now), ("partially_paid", 4_000, 3_000, 1_000, 0));
        if is_ours {
            assert_eq!(moved(shop, &order, &payment).await, [4_000, 3_000, 1_000, 0]);
        }
        // What was done is found again by its kind.
        let captures = shop.get(&of(&order, "captures?limit=2")).await;
        assert_eq!(captures.at("/operations").as_array().unwrap().len(), 2);
        let next = captures.text_at("/next_page_token");
        let rest = shop.get(&of(&order, &format!("captures?page_token={next}"))).await;
        assert_eq!(rest.at("/operations").as_array().unwrap().len(), 1, "{}", rest.text);
        let id = rest.text_at("/operations/0/id");
        assert_eq!(shop.get(&of(&order, &format!("captures/{id}"))).await.json(), rest.at("/operations/0"));
        assert_eq!(shop.get(&of(&order, &format!("refunds/{id}"))).await.status, 404);
    }
}

async fn all_comes_back(shop: &Shop) {
    for is_ours in [false, true] {
        let order = ordered(shop, &[item(1, "chair", 4_000, 800)]).await;
        let payment = if is_ours { paid(shop, &order, 4_000, gift_card()).await } else { "PID_123".to_owned() };
        let balance = shop.gift_card_balance().await;
        taken(shop, &order, &payment, &[(1, 4_000)]).await;
        let changed = added(shop, &order, &[reversal(2, 1, "chair", -4_000, -800)]).await;
        assert_eq!(money(&changed), ("paid", 0, 4_000, 0, 4_000));
        taken(shop, &order, &payment, &[(2, -4_000)]).await;
        assert_eq!(money(&shown(shop, &order).await), ("refunded", 0, 0, 0, 0));
        if is_ours {
            assert_eq!(shop.gift_card_balance().await, balance + 4_000);
        }
    }
}

crate::on_both_stores!(
    a_swap_at_the_same_price_moves_no_money,
    a_cheaper_replacement_with_a_balancing_line_is_refunded,
    a_cheaper_replacement_without_one_gives_the_difference_back,
    a_dearer_replacement_takes_another_payment_on_the_same_line,
    lines_are_captured_in_parts_and_what_is_not_delivered_is_cancelled,
    all_comes_back,
);
