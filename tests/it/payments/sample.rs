//! The published sample responses of a capture, a refund and a void, compared with what is answered: every field of
//! theirs is there under the same name and with the same type.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{
    payments::{Till, path, session_of},
    shop::{Shop, card},
};

use super::{VISA, with};

/// The fields of the sample responses, which are the same in all three, in their order. What `captures[]` stands for
/// stands for `voids[]` and `refunds[]` too.
const SAMPLE: &[(&str, &str)] = &[
    ("id", "text"),
    ("created_at", "text"),
    ("overview.consumed", "text"),
    ("overview.captured", "text"),
    ("overview.voided", "text"),
    ("overview.refunded", "text"),
    ("client_session_id", "text"),
    ("entity_id", "text"),
    ("version", "number"),
    ("order_reference", "text"),
    ("amount", "number"),
    ("currency", "text"),
    ("capture_mode", "text"),
    ("captures[].id", "text"),
    ("captures[].amount", "number"),
    ("captures[].created_at", "text"),
    ("captures[].updated_at", "text"),
    ("captures[].triggered_by", "text"),
    ("captures[].merchant_reference", "text"),
    ("captures[].status", "text"),
    ("captures[].partner_transactions[].id", "text"),
    ("captures[].partner_transactions[].created_at", "text"),
    ("captures[].partner_transactions[].updated_at", "text"),
    ("captures[].partner_transactions[].amount", "number"),
    ("captures[].partner_transactions[].partner", "text"),
    ("captures[].partner_transactions[].method", "text"),
    ("captures[].partner_transactions[].partner_reference", "text"),
    ("captures[].partner_transactions[].partner_status", "text"),
    ("captures[].partner_transactions[].partner_status_description", "text"),
    ("captures[].partner_transactions[].partner_token", "text"),
    ("captures[].partner_transactions[].status", "text"),
    ("captures[].partner_transactions[].remaining_amount", "number"),
    ("captures[].order.shipments[].net_amount", "number"),
    ("captures[].order.shipments[].item_lines[].type", "text"),
    ("captures[].order.shipments[].item_lines[].sku_reference", "text"),
    ("captures[].order.shipments[].item_lines[].name", "text"),
    ("captures[].order.shipments[].item_lines[].brand", "text"),
    ("captures[].order.shipments[].item_lines[].unit_gross_price", "number"),
    ("captures[].order.shipments[].item_lines[].net_amount", "number"),
    ("captures[].order.shipments[].item_lines[].discount_amount", "number"),
    ("captures[].order.shipments[].item_lines[].quantity", "number"),
    ("captures[].order.shipments[].item_lines[].tax_amount", "number"),
    ("captures[].order.shipments[].item_lines[].tax_rate", "number"),
    ("captures[].order.shipments[].item_lines[].seller_reference", "text"),
    ("captures[].order.shipments[].item_lines[].seller_name", "text"),
    ("captures[].order.shipments[].item_lines[].is_marketplace_seller", "flag"),
    ("authorization.updated_at", "text"),
    ("authorization.status", "text"),
    ("authorization.partner_transactions[].id", "text"),
    ("authorization.partner_transactions[].created_at", "text"),
    ("authorization.partner_transactions[].updated_at", "text"),
    ("authorization.partner_transactions[].amount", "number"),
    ("authorization.partner_transactions[].partner", "text"),
    ("authorization.partner_transactions[].method", "text"),
    ("authorization.partner_transactions[].partner_reference", "text"),
    ("authorization.partner_transactions[].partner_status", "text"),
    ("authorization.partner_transactions[].partner_status_description", "text"),
    ("authorization.partner_transactions[].partner_token", "text"),
    ("authorization.partner_transactions[].status", "text"),
    ("authorization.partner_transactions[].card.bin", "text"),
    ("authorization.partner_transactions[].card.last_four_digits", "text"),
    ("authorization.partner_transactions[].card.holder_name", "text"),
    ("authorization.partner_transactions[].card.expiry_month", "text"),
    ("authorization.partner_transactions[].card.expiry_year", "text"),
    ("authorization.partner_transactions[].card.selected_network", "text"),
    ("authorization.partner_transactions[].card.three_ds.eci", "text"),
    ("authorization.partner_transactions[].card.three_ds.version", "text"),
    ("authorization.partner_transactions[].card.three_ds.flow", "text"),
    ("authorization.partner_transactions[].card.three_ds.ds_transaction_id", "text"),
    ("authorization.partner_transactions[].card.three_ds.acs_transaction_id", "text"),
    ("authorization.partner_transactions[].remaining_amount", "number"),
    ("amounts.total_authorized", "number"),
    ("amounts.total_voided", "number"),
    ("amounts.available_to_void", "number"),
    ("amounts.total_captured", "number"),
    ("amounts.available_to_capture", "number"),
    ("amounts.total_refunded", "number"),
    ("amounts.available_to_refund", "number"),
    ("links.self.href", "text"),
    ("links.self.method", "text"),
    ("links.capture.href", "text"),
    ("links.capture.method", "text"),
    ("links.refund.href", "text"),
    ("links.refund.method", "text"),
    ("links.void.href", "text"),
    ("links.void.method", "text"),
    ("split[].partner", "text"),
    ("split[].method", "text"),
    ("split[].amount", "number"),
    ("split[].parent_partner_transaction_id", "text"),
    ("split[].parent_payment_id", "text"),
    ("split[].parent_partner_token", "text"),
    ("split[].parent_partner_reference", "number"),
    ("webhook.url", "text"),
    ("webhook.headers[].name", "text"),
    ("webhook.headers[].values[]", "number"),
];

/// What begins so is left out of an answer, because the engine does not have it.
const LEFT_OUT: &[&str] = &[
    // Of a card nothing is kept but its network and its last four digits.
    "authorization.partner_transactions[].card.bin",
    "authorization.partner_transactions[].card.holder_name",
    "authorization.partner_transactions[].card.expiry_month",
    "authorization.partner_transactions[].card.expiry_year",
    "authorization.partner_transactions[].card.three_ds.",
    // No payment has a parent.
    "split[].parent_",
];

/// What stands in an answer and not in the samples: the documents' own table of amounts has it.
const BESIDE: &[(&str, &str)] = &[("amounts.authorize_pending", "number")];

fn sample() -> BTreeSet<(String, &'static str)> {
    let of_kind = |kind: &str, path: &str| path.replacen("captures[]", &format!("{kind}[]"), 1);
    let fields = SAMPLE.iter().flat_map(|(path, kind)| {
        let kinds = ["captures", "voids", "refunds"].map(|operations| (of_kind(operations, path), *kind));
        kinds.into_iter()
    });
    fields.collect()
}

/// The leaves of some JSON: their paths and their types.
fn leaves(path: &str, value: &Value, found: &mut BTreeSet<(String, &'static str)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(&path, value, found);
            }
        }
        Value::Array(elements) => {
            let path = format!("{path}[]");
            elements.iter().for_each(|element| leaves(&path, element, found));
        }
        Value::String(_) => _ = found.insert((path.to_owned(), "text")),
        Value::Number(_) => _ = found.insert((path.to_owned(), "number")),
        Value::Bool(_) => _ = found.insert((path.to_owned(), "flag")),
        Value::Null => _ = found.insert((path.to_owned(), "null")),
    }
}

fn shape(answer: &Value) -> BTreeSet<(String, &'static str)> {
    let mut found = BTreeSet::new();
    leaves("", answer, &mut found);
    found
}

/// An operation with everything that can be told about it.
fn told(amount: u64, reference: &str) -> Value {
    let line = json!({
        "type": "PHYSICAL", "sku_reference": "SKU_01", "name": "My awesome product", "brand": "My awesome brand",
        "unit_gross_price": 1_099, "net_amount": amount, "discount_amount": 0, "quantity": 4, "tax_amount": 399,
        "tax_rate": 20, "seller_reference": "SELLER_01", "seller_name": "My awesome seller",
        "is_marketplace_seller": true,
    });
    json!({
        "amount": amount,
        "merchant_reference": reference,
        "order": { "shipments": [{ "net_amount": amount, "item_lines": [line] }] },
    })
}

async fn every_answer_has_all_fields_of_the_published_samples(shop: &Shop) {
    let till = Till::open(shop).await;
    // As in the samples: paid by one card, with a webhook whose header is a number.
    let headers = json!([{ "name": "x-order-id", "values": [123_456_789] }]);
    let webhook = json!({ "url": "https://www.example.org/payment-hook?order_id=123456789", "headers": headers });
    let body = with(session_of(4_299), &json!({ "webhook": webhook, "order": { "reference": "order_01" } }));
    let id = till.sell(&body, &[(4_299, card(VISA))]).await;
    let asked =
        [("captures", 3_000), ("voids", 299), ("refunds", 1_000), ("captures", 5), ("voids", 6), ("refunds", 7)];
    let mut answers = Vec::new();
    for (what, amount) in asked {
        answers.push(till.operate(&id, what, &told(amount, &format!("{what}#{amount}"))).await);
    }
    answers.push(till.payment(&id).await);

    let sample = sample();
    assert_eq!(sample.len(), SAMPLE.len() + 2 * 33, "of operations there are three kinds");
    let is_left_out = |(path, _): &&(String, &str)| LEFT_OUT.iter().any(|left_out| path.starts_with(left_out));
    let left_out = sample.iter().filter(is_left_out).count();
    assert_eq!(left_out, 13, "nothing else is left out");
    let beside = BESIDE.iter().map(|(path, kind)| ((*path).to_owned(), *kind));
    let expected = sample.iter().filter(|field| !is_left_out(field)).cloned().chain(beside).collect::<BTreeSet<_>>();
    // Before it was refunded, there is no refund to be told.
    for answer in &answers[2..] {
        assert_eq!(shape(answer), expected);
    }
    for (answer, lacks) in [(&answers[0], &["voids[]", "refunds[]"][..]), (&answers[1], &["refunds[]"])] {
        let expected = expected.iter().filter(|(path, _)| !lacks.iter().any(|lacks| path.starts_with(lacks)));
        assert_eq!(shape(answer), expected.cloned().collect());
    }

    let last = &answers[6];
    assert_eq!(last, &answers[5], "the answer of an operation is the payment");
    let named = |kind: &str| {
        let named = last[kind].as_array().unwrap().iter().map(|told| told["merchant_reference"].as_str().unwrap());
        named.collect::<Vec<_>>()
    };
    assert_eq!(named("captures"), ["captures#3000", "captures#5"]);
    assert_eq!(named("voids"), ["voids#299", "voids#6"]);
    assert_eq!(named("refunds"), ["refunds#1000", "refunds#7"]);
    assert_eq!(last["captures"][0]["order"], told(3_000, "")["order"], "told back as it came");
    assert_eq!(last["refunds"][1]["order"], told(7, "")["order"]);
    let card = &last["authorization"]["partner_transactions"][0]["card"];
    assert_eq!(card, &json!({ "last_four_digits": "1111", "selected_network": "VISA" }));
    assert_eq!(last["webhook"], webhook);
    assert_eq!(last["links"]["self"], json!({ "href": path(&id, ""), "method": "GET" }));
    let identity = (&last["id"], &last["client_session_id"], &last["entity_id"], &last["order_reference"]);
    assert_eq!(identity, (&json!(id), &json!(id), &json!(tests::payments::entity_id()), &json!("order_01")));
    assert_eq!(last["split"], json!([{ "partner": "sandbox", "method": "creditcard", "amount": 4_299 }]));
}

crate::on_both_stores!(every_answer_has_all_fields_of_the_published_samples);
