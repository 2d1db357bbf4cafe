//! At once: a line is never captured for more than it is, a draft becomes one order, and lines are added one by one.

use futures_util::future::join_all;
use serde_json::json;
use tests::shop::{Shop, card};

use super::{
    VISA, at, books, complete, done, draft_of, drafted, error, item, money, operate, ordered, paid, shown, update_of,
};

async fn captures_at_once_never_exceed_their_line(shop: &Shop) {
    for is_ours in [false, true] {
        let order = ordered(shop, &[item(1, "chair", 1_000, 201)]).await;
        let payment = if is_ours { paid(shop, &order, 1_000, card(VISA)).await } else { "PID_123".to_owned() };
        done(shop, &order, "authorizations", &payment, &[(1, 1_000)]).await;
        let entry = [(1, 300)];
        let captures = join_all((0..16).map(|_| operate(shop, &order, "captures", &payment, &entry))).await;
        let taken = captures.iter().filter(|answer| answer.status == 201).collect::<Vec<_>>();
        for refused in captures.iter().filter(|answer| answer.status != 201) {
            let (status, code, _) = error(refused);
            // Too many at once have to come again.
            assert!(
                [(400, "line_exceeded"), (409, "contended")].contains(&(status, code.as_str())),
                "{}",
                refused.text
            );
        }
        assert!((1..=3).contains(&taken.len()), "{}", taken.len());
        let order_now = shown(shop, &order).await;
        let [_, _, captured, tax, _, _] = books(&order_now, 1);
        assert_eq!((captured, money(&order_now).2), (300 * i64::try_from(taken.len()).unwrap(), captured));
        let taxes = taken.iter().map(|answer| answer.at("/items/0/tax_amount").as_i64().unwrap());
        assert_eq!(taxes.sum::<i64>(), tax, "each cent of the tax is in one of them");
    }
}

async fn completing_a_draft_at_once_gives_one_order(shop: &Shop) {
    for options in [json!({}), json!({ "generate_order_id": "ALPHANUMERIC_9" }), json!({ "order_id": "cart-1" })] {
        let mut body = draft_of(&[item(1, "chair", 1_000, 200)]);
        body["options"] = options;
        let draft = drafted(shop, &body).await;
        // Half of them by another process, which has locks of its own.
        let another = shop.another().await;
        let shops = [shop, &another];
        let answers = join_all((0..8).map(|nth| complete(shops[nth % 2], &draft))).await;
        let mut ids = answers.iter().filter(|answer| answer.status == 200).map(|answer| answer.text_at("/orders/0/id"));
        let first = ids.next().expect("one of them");
        assert!(ids.all(|id| id == first));
        assert!(answers.iter().all(|answer| [200, 409].contains(&answer.status)));
        assert_eq!(complete(shop, &draft).await.text_at("/orders/0/id"), first);
    }
    assert_eq!(shop.get(&at("orders")).await.at("/orders").as_array().unwrap().len(), 3);
}

async fn lines_added_at_once_are_all_there(shop: &Shop) {
    let order = ordered(shop, &[item(1, "chair", 1_000, 200)]).await;
    let drafts = join_all((2..10).map(|line| drafted_line(shop, &order, line))).await;
    let answers = join_all(drafts.iter().map(|draft| complete(shop, draft))).await;
    for (draft, answer) in drafts.iter().zip(&answers) {
        // Whoever lost too many races comes again.
        assert!(answer.status == 200 || error(answer).1 == "contended", "{}", answer.text);
        assert_eq!(complete(shop, draft).await.status, 200);
    }
    let order_now = shown(shop, &order).await;
    assert_eq!((&order_now["gross_amount"], &order_now["tax_amount"]), (&json!(1_800), &json!(360)));
    assert_eq!(order_now["items"].as_array().unwrap().len(), 9);

    // Of one number, one is taken.
    let drafts = join_all((0..4).map(|_| drafted_line(shop, &order, 50))).await;
    join_all(drafts.iter().map(|draft| complete(shop, draft))).await;
    let mut codes = Vec::new();
    for draft in &drafts {
        let answer = complete(shop, draft).await;
        codes.push(if answer.status == 200 { "taken".to_owned() } else { error(&answer).1 });
    }
    codes.sort_unstable();
    assert_eq!(codes, ["line_duplicate", "line_duplicate", "line_duplicate", "taken"]);
    assert_eq!(shown(shop, &order).await["gross_amount"], 1_900);
}

async fn drafted_line(shop: &Shop, order: &str, line: u32) -> String {
    drafted(shop, &update_of(order, &[item(line, "stool", 100, 20)])).await
}

/// Each draft tells one thing more: none of it is lost, whichever comes first.
async fn what_drafts_tell_at_once_is_all_told(shop: &Shop) {
    let told = [
        ("customer", json!({ "name": "Ada" })),
        ("billing_address", json!({ "city": "Oslo" })),
        ("shipping_address", json!({ "city": "Bergen" })),
        ("shipping_option", json!({ "id": "express" })),
        ("store", json!({ "id": "s1" })),
        ("metadata", json!({ "cart": 7 })),
    ];
    let another = shop.another().await;
    for _ in 0..4 {
        let order = ordered(shop, &[item(1, "chair", 1_000, 200)]).await;
        let drafts = told.iter().zip(2..).map(async |((name, value), line)| {
            let mut body = update_of(&order, &[item(line, "stool", 100, 20)]);
            body["order"][name] = value.clone();
            drafted(shop, &body).await
        });
        let drafts = join_all(drafts).await;
        let shops = [shop, &another];
        join_all(drafts.iter().zip(0..).map(|(draft, nth)| complete(shops[nth % 2], draft))).await;
        for draft in &drafts {
            // Whoever lost too many races comes again.
            assert_eq!(complete(shop, draft).await.status, 200);
        }
        let now = shown(shop, &order).await;
        for (name, value) in &told {
            assert_eq!(now[name], *value, "{name}: {now}");
        }
    }
}

crate::on_both_stores!(
    what_drafts_tell_at_once_is_all_told,
    captures_at_once_never_exceed_their_line,
    completing_a_draft_at_once_gives_one_order,
    lines_added_at_once_are_all_there,
);
