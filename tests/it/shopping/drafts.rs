//! Drafts: put together, changed, completed into orders that are new, named, or there already.

use domain::limits::{DRAFT_BYTES_MAX, DRAFT_CHANGES_MAX};
use reqwest::Method;
use serde_json::{Value, json};
use tests::shop::Shop;

use super::{
    added, at, complete, delete, draft_of, drafted, error, item, money, ordered, put, reversal, shown, update_of,
};

fn of_draft(id: &str, path: &str) -> String {
    at(&format!("draft_orders/{id}{path}"))
}

fn lines(draft: &Value) -> Vec<u64> {
    draft["order"]["items"].as_array().unwrap().iter().map(|item| item["line_id"].as_u64().unwrap()).collect()
}

async fn a_draft_is_put_together_step_by_step(shop: &Shop) {
    let draft = drafted(shop, &json!({ "order": { "currency": "EUR" } })).await;
    let mut chair = item(1, "chair", 1_250, 250);
    // Neither a decimal nor anything that is told is lost.
    chair["quantity"] = serde_json::from_str("2.5000").unwrap();
    chair["tax_lines"][0] = json!({
        "amount": 250, "percentage": 25.125, "tax_basis": 1_000, "tax_code": "A", "tax_group": "B", "exempt": false,
        "included_in_price": true, "amount_dwh": "2.5000", "tax_basis_dwh": "10.0000",
    });
    chair["discount_lines"] = json!([{ "amount": 10, "discount_type": "manual" }]);
    chair["metadata"] = json!({ "weight": 1.10 });
    chair["external_id"] = json!("x-1");
    let one = shop.post(&of_draft(&draft, "/items"), &chair).await;
    assert_eq!(one.status, 201, "{}", one.text);
    let two = shop.post(&of_draft(&draft, "/items"), &item(2, "stool", 1_000, 200)).await;
    assert_eq!(lines(&two.json()), [1, 2]);
    assert!(two.text.contains("\"quantity\":2.5,"), "{}", two.text);
    let mut told = two.at("/order/items/0");
    assert_eq!(told.as_object_mut().unwrap().remove("tax_amount"), Some(json!(250)));
    assert_eq!(told, chair, "told back as it came");
    assert_eq!((two.at("/order/gross_amount"), two.at("/order/net_amount")), (json!(2_250), json!(1_800)));

    let renumbered = put(shop, &of_draft(&draft, "/items/2"), &item(5, "stool", 900, 180)).await;
    assert_eq!((renumbered.status, lines(&renumbered.json())), (200, vec![1, 5]), "{}", renumbered.text);
    let removed = delete(shop, &of_draft(&draft, "/items/1")).await;
    assert_eq!((removed.status, lines(&removed.json())), (200, vec![5]), "{}", removed.text);
    assert_eq!(delete(shop, &of_draft(&draft, "/items/1")).await.status, 404);
    assert_eq!(put(shop, &of_draft(&draft, "/items/7"), &item(7, "stool", 900, 180)).await.status, 404);
    assert_eq!(shop.get(&of_draft(&draft, "")).await.json(), removed.json());
    let customer = json!({ "name": "Ada", "height": 1.50 });
    let mut whole = draft_of(&[item(1, "lamp", 500, 100)]);
    whole["order"]["customer"] = customer.clone();
    whole["order"]["merchant_reference"] = json!("cart-7");
    let replaced = put(shop, &of_draft(&draft, ""), &whole).await;
    assert_eq!((replaced.status, lines(&replaced.json())), (200, vec![1]), "{}", replaced.text);
    let completed = complete(shop, &draft).await;
    let order = completed.at("/orders/0");
    assert_eq!((&order["customer"], &order["merchant_reference"]), (&customer, &json!("cart-7")));
    assert_eq!((&order["draft_id"], &order["order_id"]), (&json!(draft), &order["checkout"]["pspReference"]));
    let draft_now = shop.get(&of_draft(&draft, "")).await;
    assert_eq!((draft_now.at("/status"), draft_now.at("/order_ids")), (json!("completed"), json!([order["order_id"]])));
    assert_eq!(complete(shop, &draft).await.json(), completed.json(), "completing it again changes nothing");
}

async fn an_order_has_the_name_it_was_given(shop: &Shop) {
    let body = |split: bool| {
        json!({
            "options": { "order_id": "cart-2024:7", "split_draft": split },
            "order": { "currency": "EUR", "items": [item(1, "chair", 1_000, 200)] },
        })
    };
    let draft = drafted(shop, &body(true)).await;
    let completed = complete(shop, &draft).await;
    assert_eq!(completed.at("/orders").as_array().unwrap().len(), 1, "{}", completed.text);
    assert_eq!(completed.text_at("/orders/0/order_id"), "cart-2024:7");
    let order = shown(shop, "cart-2024:7").await;
    let (reference, uuid) = (order["checkout"]["pspReference"].clone(), order["id"].clone());
    for name in [&reference, &uuid] {
        assert_eq!(shown(shop, name.as_str().unwrap()).await, order);
    }
    // The name is taken: a draft of that name adds to it, by whichever of its names.
    assert_eq!(error(&complete(shop, &drafted(shop, &body(false)).await).await).1, "line_duplicate");
    let changed = added(shop, "cart-2024:7", &[item(2, "stool", 500, 100)]).await;
    assert_eq!(changed["gross_amount"], 1_500);
    let changed = added(shop, reference.as_str().unwrap(), &[item(3, "stool", 500, 100)]).await;
    assert_eq!((&changed["gross_amount"], &changed["order_id"]), (&json!(2_000), &json!("cart-2024:7")));

    // A reference names an order that is there.
    let unknown = drafted(shop, &update_of("0000000000001000", &[item(1, "chair", 1_000, 200)])).await;
    assert_eq!(error(&complete(shop, &unknown).await).1, "order_not_found");
    // Another merchant account's names are its own.
    let key = shop.second(&["payments"]).await;
    let path = "/v1/accounts/Second/shopping/orders/cart-2024:7";
    assert_eq!(shop.as_key(&key, Method::GET, path, None).await.status, 404);
}

async fn what_is_told_is_kept_until_it_is_told_anew(shop: &Shop) {
    let mut body = draft_of(&[item(1, "chair", 1_000, 200)]);
    body["order"]["customer"] = json!({ "name": "Ada" });
    body["order"]["store"] = json!({ "id": "s1" });
    let order = complete(shop, &drafted(shop, &body).await).await.text_at("/orders/0/order_id");
    let mut body = update_of(&order, &[item(2, "stool", 500, 100)]);
    body["order"]["customer"] = json!({ "name": "Grace" });
    complete(shop, &drafted(shop, &body).await).await;
    let now = shown(shop, &order).await;
    assert_eq!((&now["customer"], &now["store"]), (&json!({ "name": "Grace" }), &json!({ "id": "s1" })));
    // A replacement replaces it as well.
    let mut body = update_of(&order, &[item(9, "lamp", 700, 140)]);
    body["options"]["replace"] = json!("order");
    let replaced = complete(shop, &drafted(shop, &body).await).await;
    let replaced = replaced.at("/orders/0");
    assert_eq!((replaced["items"].as_array().unwrap().len(), money(&replaced)), (1, ("pending", 700, 0, 700, 0)));
    assert_eq!((replaced.get("customer"), replaced.get("store")), (None, None));
    assert_eq!(shop.get(&super::of(&order, "events")).await.at("/events/2/changes/0/type"), "items_replaced");
}

async fn a_draft_that_its_order_refuses_can_be_changed(shop: &Shop) {
    let order = ordered(shop, &[item(1, "chair", 1_000, 200)]).await;
    let draft = drafted(shop, &update_of(&order, &[reversal(2, 1, "chair", -1_001, -200)])).await;
    let before = shown(shop, &order).await;
    let refused = complete(shop, &draft).await;
    let field = "order.items[0].gross_amount".to_owned();
    assert_eq!(error(&refused), (400, "reversal_invalid".to_owned(), field), "{}", refused.text);
    assert_eq!(shown(shop, &order).await, before);
    let changed = put(shop, &of_draft(&draft, "/items/2"), &reversal(2, 1, "chair", -1_000, -200)).await;
    assert_eq!((changed.status, changed.text_at("/status").as_str()), (200, "open"), "{}", changed.text);
    assert_eq!(complete(shop, &draft).await.at("/orders/0/gross_amount"), 0);
    for (edit, body) in [("/items", &item(3, "x", 1, 0)), ("", &update_of(&order, &[]))] {
        let method = if edit.is_empty() { Method::PUT } else { Method::POST };
        let refused = shop.send(shop.request(method, &of_draft(&draft, edit)).json(body)).await;
        assert_eq!(error(&refused), (409, "draft_frozen".to_owned(), String::new()), "{}", refused.text);
    }
    assert_eq!(error(&delete(shop, &of_draft(&draft, "/items/2")).await).1, "draft_frozen");
}

async fn the_same_request_is_done_once(shop: &Shop) {
    let body = draft_of(&[item(1, "chair", 1_000, 200)]);
    let [first, again] = [
        shop.post_keyed(&at("draft_orders"), "draft-1", &body).await,
        shop.post_keyed(&at("draft_orders"), "draft-1", &body).await,
    ];
    assert_eq!((first.status, first.json()), (201, again.json()));
    let other = draft_of(&[item(1, "chair", 1_001, 200)]);
    assert_eq!(error(&shop.post_keyed(&at("draft_orders"), "draft-1", &other).await).1, "idempotency_key_reused");
    let id = first.text_at("/id");
    for _ in 0..2 {
        let added = shop.post_keyed(&of_draft(&id, "/items"), "item-1", &item(2, "stool", 1, 0)).await;
        assert_eq!((added.status, lines(&added.json())), (201, vec![1, 2]), "{}", added.text);
    }
    let order = complete(shop, &id).await.text_at("/orders/0/order_id");
    let body = super::operation("PID_1", &[(1, 600)]);
    let path = super::of(&order, "authorizations");
    let [first, again] = [shop.post_keyed(&path, "a-1", &body).await, shop.post_keyed(&path, "a-1", &body).await];
    assert_eq!((first.status, first.json()), (201, again.json()));
    assert_eq!(super::books(&shown(shop, &order).await, 1)[0], 600);
    let other = super::operation("PID_1", &[(1, 400)]);
    assert_eq!(error(&shop.post_keyed(&path, "a-1", &other).await).1, "idempotency_key_reused");
}

async fn a_draft_has_limits(shop: &Shop) {
    // Text that JSON escapes once more where it is kept: no draft outgrows an item of the store.
    let big = |line: u32| {
        let mut item = item(line, "chair", 1, 0);
        item["metadata"] = json!({ "text": "\"\\".repeat(2_000) });
        item
    };
    let id = drafted(shop, &draft_of(&[])).await;
    let mut taken = 0;
    for line in 1..100 {
        let answer = shop.post(&of_draft(&id, "/items"), &big(line)).await;
        if answer.status != 201 {
            let expected = (400, "lines_too_many".to_owned(), "order.items".to_owned());
            assert_eq!(error(&answer), expected, "{}", answer.text);
            break;
        }
        taken = line;
    }
    assert!((5..40).contains(&taken), "{taken} of them make {DRAFT_BYTES_MAX} bytes");
    // With its snapshots: whatever is changed from here on.
    for _ in 0..40 {
        let changed = put(shop, &of_draft(&id, "/items/1"), &big(1)).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
    }
    assert_eq!(complete(shop, &id).await.status, 200);

    let many = (1..=501).map(|line| item(line, "x", 1, 0)).collect::<Vec<_>>();
    let refused = shop.post(&at("draft_orders"), &draft_of(&many)).await;
    assert_eq!(error(&refused), (400, "lines_too_many".to_owned(), "order.items".to_owned()));
    assert_eq!(ordered(shop, &many[..500]).await.len(), 16);
}

/// What cannot be added up is refused before it is written: a draft can always be read.
async fn a_draft_that_comes_to_too_much_is_not_kept(shop: &Shop) {
    let most = i64::try_from(domain::limits::AMOUNT_MINOR_MAX).unwrap();
    let refused =
        shop.post_keyed(&at("draft_orders"), "much", &draft_of(&[item(1, "a", most, 0), item(2, "b", most, 0)])).await;
    let expected = (400, "line_invalid".to_owned(), "order.items".to_owned());
    assert_eq!(error(&refused), expected, "{}", refused.text);
    let less = draft_of(&[item(1, "a", most, 0)]);
    let created = shop.post_keyed(&at("draft_orders"), "much", &less).await;
    assert_eq!(created.status, 201, "nothing was written under the key: {}", created.text);
    let id = created.text_at("/id");
    let before = shop.get(&of_draft(&id, "")).await;
    let added = shop.post(&of_draft(&id, "/items"), &item(2, "b", most, 0)).await;
    assert_eq!(error(&added).1, "line_invalid", "{}", added.text);
    let replaced = put(shop, &of_draft(&id, ""), &draft_of(&[item(1, "a", most, 0), item(2, "b", most, 0)])).await;
    assert_eq!(error(&replaced).1, "line_invalid", "{}", replaced.text);
    assert_eq!(shop.get(&of_draft(&id, "")).await, before);
}

/// A name of the merchant's own may look like a reference: it is one if there is such an order, and a name if not.
async fn a_name_that_looks_like_a_reference_is_a_name(shop: &Shop) {
    let name = "2024013100001000";
    assert!(name.parse::<domain::Reference>().is_ok());
    let unknown = drafted(shop, &update_of(name, &[item(1, "chair", 1_000, 200)])).await;
    assert_eq!(error(&complete(shop, &unknown).await), (404, "order_not_found".to_owned(), String::new()));
    let mut body = draft_of(&[item(1, "chair", 1_000, 200)]);
    body["options"] = json!({ "order_id": name });
    let draft = drafted(shop, &body).await;
    let completed = complete(shop, &draft).await;
    assert_eq!((completed.status, completed.text_at("/orders/0/order_id").as_str()), (200, name), "{}", completed.text);
    assert_eq!(complete(shop, &draft).await.json(), completed.json());
    assert_eq!(shown(shop, name).await, completed.at("/orders/0"));
    let changed = added(shop, name, &[item(2, "stool", 500, 100)]).await;
    assert_eq!(changed["gross_amount"], 1_500);
    assert_eq!(super::done(shop, name, "authorizations", "PID_1", &[(1, 1_000)]).await["success"], true);
    // The reference of an order that is there stands for that.
    let other = ordered(shop, &[item(1, "chair", 1_000, 200)]).await;
    body["options"] = json!({ "order_id": other });
    body["order"]["items"] = json!([item(2, "stool", 500, 100)]);
    assert_eq!(complete(shop, &drafted(shop, &body).await).await.at("/orders/0/gross_amount"), 1_500);
}

/// The rules alone: it takes too many requests.
#[test]
fn a_draft_is_not_changed_for_ever() {
    use domain::{
        Aggregate, Time, Version,
        draft::{Content, Draft, DraftRefusal, Edit},
    };
    let write = Edit::Write(Content::default());
    let mut draft = None;
    for _ in 0..DRAFT_CHANGES_MAX {
        let events = Draft::edit(draft.as_ref(), &write, None).unwrap();
        draft = Draft::evolve_all(draft, &events, Version::FIRST, Time::default());
    }
    assert_eq!(Draft::edit(draft.as_ref(), &write, None), Err(DraftRefusal::TooManyChanges));
}

crate::on_both_stores!(
    a_draft_is_put_together_step_by_step,
    an_order_has_the_name_it_was_given,
    what_is_told_is_kept_until_it_is_told_anew,
    a_draft_that_its_order_refuses_can_be_changed,
    the_same_request_is_done_once,
    a_draft_has_limits,
    a_draft_that_comes_to_too_much_is_not_kept,
    a_name_that_looks_like_a_reference_is_a_name,
);
