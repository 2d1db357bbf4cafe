//! One order, two families: what is opened or done in one is seen and worked on in the other.

use domain::Reference;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    hook::Hook,
    payments::{SESSIONS, Till, amounts, balanced, checkout_order, last, path, pay, session_of},
    receiver::{Received, Receiver},
    shop::{OPERATOR_KEY, Shop, card, euro, gift_card, payment},
};

use super::{VISA, example, of, problem, with};

fn uuid(reference: &Value) -> String {
    reference.as_str().unwrap().parse::<Reference>().unwrap().to_uuid().to_string()
}

async fn an_order_of_the_checkout_family_is_a_payment_here(shop: &Shop) {
    let till = Till::open(shop).await;
    let opened = shop.open_order(10_000).await;
    let id = uuid(&opened.at("/pspReference"));
    assert_eq!(problem(&till.get(&path(&id, "")).await), (404, "not_found".to_owned()), "nobody has begun to pay");
    let first = shop.pay_gift_card(&opened.order(), 2_000).await;
    let second = shop.pay_card(&first.order(), 8_000, VISA).await;
    assert_eq!(shop.order(&opened.order()).await["id"], id);

    let paid = till.payment(&id).await;
    assert_eq!((&paid["order_reference"], &paid["amount"]), (&json!("order-1"), &json!(10_000)));
    assert_eq!((&paid["capture_mode"], paid.get("webhook")), (&json!("MANUAL"), None));
    assert_eq!(amounts(&paid), [0, 10_000, 0, 10_000, 0, 0, 0, 10_000]);
    let transactions = paid["authorization"]["partner_transactions"].as_array().unwrap();
    for (told, answer) in transactions.iter().zip([&first, &second]) {
        assert_eq!(told["partner_reference"], answer.at("/pspReference"));
        assert_eq!(told["id"], uuid(&answer.at("/pspReference")));
    }
    assert_eq!(problem(&till.get(&format!("{SESSIONS}/{id}")).await).0, 404, "it was no session");

    let captured = till.operate(&id, "captures", &with(of(3_000), &json!({ "merchant_reference": "CAP-1" }))).await;
    assert_eq!(last(&captured, "captures").1, [("givex", 2_000, "SUCCESS"), ("sandbox", 1_000, "SUCCESS")]);
    till.operate(&id, "refunds", &of(1_500)).await;
    till.operate(&id, "voids", &json!({})).await;
    // It is seen in the other family.
    let order = shop.order(&opened.order()).await;
    let books = |payment: &Value| {
        ["authorisedAmount", "capturedAmount", "cancelledAmount", "refundedAmount"]
            .map(|name| payment[name]["value"].as_u64().unwrap())
    };
    assert_eq!(books(&order["payments"][0]), [2_000, 2_000, 0, 500]);
    assert_eq!(books(&order["payments"][1]), [8_000, 1_000, 7_000, 1_000]);
    let operations = order["operations"].as_array().unwrap();
    let kinds = operations.iter().map(|told| told["kind"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!((kinds, &operations[0]["reference"]), (vec!["capture", "refund", "cancel"], &json!("CAP-1")));
    assert_eq!(uuid(&operations[0]["pspReference"]), captured["captures"][0]["id"].as_str().unwrap());
}

async fn a_reference_of_sixteen_characters_will_do(shop: &Shop) {
    let till = Till::open(shop).await;
    let (id, _) = example(&till, VISA).await;
    let reference = id.parse::<Reference>().unwrap();
    let paid = till.payment(&id).await;
    assert_eq!(till.payment(&reference.to_string()).await, paid);
    assert_eq!(till.payment(&id.to_uppercase()).await, paid);
    let captured = till.operate(&reference.to_string(), "captures", &of(100)).await;
    assert_eq!((&captured["id"], amounts(&captured)[2]), (&json!(id), 100), "told by its UUID all the same");
    let session = till.get(&format!("{SESSIONS}/{reference}")).await;
    assert_eq!((session.status, session.text_at("/id")), (200, id.clone()));
    // That of a part of it is not the payment's.
    let part = &paid["authorization"]["partner_transactions"][0];
    for name in [&part["partner_reference"], &part["id"]] {
        let answer = till.get(&path(name.as_str().unwrap(), "")).await;
        assert_eq!(problem(&answer), (404, "not_found".to_owned()), "{name}");
    }
}

async fn a_payment_without_an_order_is_one_here_too(shop: &Shop) {
    let till = Till::open(shop).await;
    let paid = shop.post("/v72/payments", &payment(None, 4_200, card(VISA))).await;
    let order = shop.order(&json!({ "pspReference": paid.at("/pspReference") })).await;
    let id = order["id"].as_str().unwrap();
    let captured = till.operate(id, "captures", &json!({})).await;
    assert_eq!((amounts(&captured)[2], &captured["order_reference"]), (4_200, &json!("payment-1")));
}

async fn a_session_is_an_order_of_the_checkout_family(shop: &Shop) {
    let till = Till::open(shop).await;
    let session = till.session(&session_of(12_000)).await;
    let id = session.text_at("/id");
    let order = shop.order(&checkout_order(&session)).await;
    assert_eq!((&order["id"], &order["reference"], &order["status"]), (&json!(id), &json!("order-1"), &json!("open")));
    assert_eq!(order["orderData"], session.at("/checkout/orderData"));
    assert_eq!(shop.get(&format!("/v72/orders/{id}")).await.json(), order);
    let parts = [(2_000, gift_card()), (10_000, card(VISA))];
    pay(shop, &checkout_order(&session), "EUR", &parts).await;
    let order = shop.order(&checkout_order(&session)).await;
    assert_eq!((&order["status"], &order["reason"]), (&json!("closed"), &json!("paid")));

    // Modified there, by payment; seen here.
    let card = order["payments"][1]["pspReference"].as_str().unwrap();
    let modify = |what: &str, amount: Option<u64>| {
        let mut body = json!({ "merchantAccount": local::TEST_MERCHANT, "reference": format!("{what}-1") });
        if let Some(amount) = amount {
            body["amount"] = euro(amount);
        }
        let path = format!("/v72/payments/{card}/{what}");
        async move {
            let taken = shop.post(&path, &body).await;
            assert_eq!((taken.status, taken.text_at("/status")), (201, "received".to_owned()), "{}", taken.text);
            taken
        }
    };
    let taken = modify("captures", Some(4_000)).await;
    let pending = till.payment(&id).await;
    assert_eq!(amounts(&pending)[2], 4_000, "who looks has it done");
    shop.settle().await;
    let captured = till.payment(&id).await;
    assert_eq!(last(&captured, "captures"), ("SUCCESS", vec![("sandbox", 4_000, "SUCCESS")]));
    assert_eq!(captured["captures"][0]["merchant_reference"], "captures-1");
    assert_eq!(captured["captures"][0]["id"], uuid(&taken.at("/pspReference")));
    modify("refunds", Some(1_000)).await;
    modify("cancels", None).await;
    shop.settle().await;
    assert_eq!(amounts(&till.payment(&id).await), [0, 12_000, 4_000, 2_000, 1_000, 3_000, 6_000, 2_000]);

    // Given back as a whole: what of it is a void stands among the voids, what is a refund among the refunds.
    let reference = session.text_at("/checkout/pspReference");
    let reversal = json!({ "merchantAccount": local::TEST_MERCHANT, "reference": "reversal-1" });
    let taken = shop.post(&format!("/v72/payments/{reference}/reversals"), &reversal).await;
    assert_eq!(taken.status, 201, "{}", taken.text);
    shop.settle().await;
    let reversed = till.payment(&id).await;
    assert_eq!(amounts(&reversed), [0, 12_000, 4_000, 0, 4_000, 0, 8_000, 0]);
    assert_eq!(last(&reversed, "voids"), ("SUCCESS", vec![("givex", 2_000, "SUCCESS")]));
    assert_eq!(last(&reversed, "refunds"), ("SUCCESS", vec![("sandbox", 3_000, "SUCCESS")]));
    let id = uuid(&taken.at("/pspReference"));
    for kind in ["voids", "refunds"] {
        let last = reversed[kind].as_array().and_then(|all| all.last()).unwrap();
        assert_eq!((&last["id"], &last["merchant_reference"]), (&json!(id), &json!("reversal-1")));
    }
}

/// The merchant's endpoints are told in their words of what was done here, and the order's own webhook of what was
/// done there.
async fn what_is_done_in_one_family_is_told_in_the_words_of_each(shop: &Shop) {
    let hook = Hook::create_for(shop, "checkout", &["CAPTURE", "REFUND", "CANCELLATION"]).await;
    let (till, own) = (Till::open(shop).await, Receiver::start().await);
    let body = with(session_of(12_000), &json!({ "webhook": { "url": own.url } }));
    let id = till.sell(&body, &[(2_000, gift_card()), (10_000, card(VISA))]).await;
    shop.settle().await;
    own.take();
    let captured = till.operate(&id, "captures", &with(of(6_000), &json!({ "merchant_reference": "CAP-1" }))).await;
    shop.settle().await;
    let told = hook.take();
    assert_eq!(told.iter().map(Received::event).collect::<Vec<_>>(), ["CAPTURE"; 2]);
    let mut parts = told.iter().map(|one| one.item()["amount"].clone()).collect::<Vec<_>>();
    parts.sort_by_key(|amount| amount["value"].as_u64());
    assert_eq!(parts, [euro(2_000), euro(4_000)], "one for each part");
    own.take();

    let card = captured["authorization"]["partner_transactions"][1]["partner_reference"].as_str().unwrap();
    let refund = json!({ "merchantAccount": local::TEST_MERCHANT, "amount": euro(1_000) });
    assert_eq!(shop.post(&format!("/v72/payments/{card}/refunds"), &refund).await.status, 201);
    shop.settle().await;
    assert_eq!(hook.take_events(), ["REFUND"]);
    let told = own.take().iter().map(|one| amounts(&balanced(one.json()))).collect::<Vec<_>>();
    let asked = [0, 12_000, 6_000, 6_000, 0, 5_000, 0, 6_000];
    assert_eq!(told, [asked, [0, 12_000, 6_000, 6_000, 1_000, 5_000, 0, 6_000]]);
}

async fn who_has_several_merchant_accounts_may_say_which_is_meant(shop: &Shop) {
    let second = shop.second(&["payments"]).await;
    let body = json!({ "merchantAccounts": [local::TEST_MERCHANT, "Second"], "roles": ["payments"] });
    let made = shop.as_key(OPERATOR_KEY, Method::POST, "/admin/v1/apiKeys", Some(&body)).await;
    let (both, mine) = (Till::with_key(shop, &made.text_at("/apiKey")).await, Till::open(shop).await);
    let theirs = Till::with_key(shop, &second).await;
    let listed = shop.as_key(OPERATOR_KEY, Method::GET, "/admin/v1/merchants", None).await;
    let merchants = listed.at("/merchants").as_array().unwrap().clone();
    let entity = merchants.iter().find(|one| one["merchantAccount"] == "Second").unwrap()["entityId"].clone();
    let entity = entity.as_str().unwrap();

    let id = mine.sell(&session_of(1_000), &[(1_000, card(VISA))]).await;
    let session = both.session(&with(session_of(500), &json!({ "entity_id": entity }))).await;
    let other = session.text_at("/id");
    let mut paid = payment(Some(&checkout_order(&session)), 500, card(VISA));
    paid["merchantAccount"] = json!("Second");
    assert_eq!(shop.as_key(&second, Method::POST, "/v72/payments", Some(&paid)).await.status, 200);

    let not_found = (404, "not_found".to_owned());
    let nobodys = uuid(&json!("0000000000000000"));
    for (id, known, stranger) in [(&id, &mine, &theirs), (&other, &theirs, &mine)] {
        let told = known.payment(id).await;
        assert_eq!(both.payment(id).await, told, "each of its accounts is looked at");
        for what in ["captures", "voids", "refunds"] {
            let (answer, absent) = (stranger.ask(id, what, &of(1)).await, stranger.ask(&nobodys, what, &of(1)).await);
            assert_eq!(problem(&answer), not_found, "{what}");
            assert_eq!(answer.text.replace(id, &nobodys), absent.text, "whether there is one is not told");
        }
        let (answer, absent) = (stranger.get(&path(id, "")).await, stranger.get(&path(&nobodys, "")).await);
        assert_eq!((problem(&answer), answer.text.replace(id, &nobodys)), (not_found.clone(), absent.text));
        assert_eq!(problem(&stranger.get(&format!("{SESSIONS}/{id}")).await), not_found);
        assert_eq!(known.payment(id).await, told);
    }
    let at = |id: &str, entity: &str| format!("{}?entity_id={entity}", path(id, ""));
    assert_eq!(both.get(&at(&other, entity)).await.json(), theirs.payment(&other).await);
    assert_eq!(problem(&both.get(&at(&id, entity)).await), not_found, "it is not that one's");
    assert_eq!(problem(&both.get(&at(&id, "7")).await), (422, "field_invalid".to_owned()));
    assert_eq!(problem(&mine.get(&at(&id, entity)).await), (403, "merchant_forbidden".to_owned()));
    let captured = both.post(&format!("{}?entity_id={entity}", path(&other, "captures")), &of(1)).await;
    assert_eq!(captured.status, 200, "{}", captured.text);
}

crate::on_both_stores!(
    an_order_of_the_checkout_family_is_a_payment_here,
    a_reference_of_sixteen_characters_will_do,
    a_payment_without_an_order_is_one_here_too,
    a_session_is_an_order_of_the_checkout_family,
    what_is_done_in_one_family_is_told_in_the_words_of_each,
    who_has_several_merchant_accounts_may_say_which_is_meant,
);
