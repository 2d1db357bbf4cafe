//! What is refused: each with its status, its code, the field, and what was expected and what came. Nothing is changed
//! by any of it.

use reqwest::Method;
use serde_json::{Value, json};
use tests::shop::{Shop, card};

use super::{
    VISA, at, complete, done, draft_of, drafted, error, item, of, operation, ordered, paid, reversal, shown, taken,
    update_of,
};

/// How a request is made.
enum Ask {
    /// A body, to a path.
    Send(Method, String, Value),
    /// A draft of these items is added to the order.
    Add(Vec<Value>),
    /// This draft is completed.
    Complete(Value),
    /// An operation on the order.
    Operate(&'static str, Value),
}

/// A request, and how it is refused: status, code, field, and what the message says.
struct Case(&'static str, Ask, u16, &'static str, &'static str, &'static str);

fn with(mut value: Value, pointer: &str, new: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap();
    if new.is_null() {
        parent.as_object_mut().unwrap().remove(name);
    } else {
        parent[name] = new;
    }
    value
}

/// Of drafts, as they are created and completed.
fn of_drafts(order: &str) -> Vec<Case> {
    let create = |body: Value| Ask::Send(Method::POST, at("draft_orders"), body);
    let one = || draft_of(&[item(1, "chair", 1_000, 200)]);
    let chair = |pointer: &str, new: Value| create(with(one(), &format!("/order/items/0{pointer}"), new));
    let options = |options: Value| create(json!({ "options": options, "order": { "currency": "EUR" } }));
    let tax = |amount: i64| chair("/tax_lines/0/amount", json!(amount));
    vec![
        Case("no order", create(json!({})), 400, "field_missing", "order", "not provided"),
        Case("no currency", create(json!({ "order": {} })), 400, "field_missing", "order.currency", "not provided"),
        Case(
            "a currency that is none",
            create(json!({ "order": { "currency": "XYZ" } })),
            400,
            "currency_unknown",
            "order.currency",
            "not valid",
        ),
        Case(
            "another generator",
            options(json!({ "generate_order_id": "UUID" })),
            400,
            "field_invalid",
            "options.generate_order_id",
            "expected ALPHANUMERIC_9",
        ),
        Case(
            "two names",
            options(json!({ "generate_order_id": "ALPHANUMERIC_9", "order_id": "a" })),
            400,
            "field_invalid",
            "options.generate_order_id",
            "got both",
        ),
        Case(
            "no name",
            options(json!({ "order_id": "" })),
            400,
            "field_invalid",
            "options.order_id",
            "expected 1 to 64 characters, got 0",
        ),
        Case(
            "a name for no path",
            options(json!({ "order_id": "a/b" })),
            400,
            "field_invalid",
            "options.order_id",
            "letters, digits",
        ),
        Case(
            "a replacement of nothing",
            options(json!({ "replace": "order" })),
            400,
            "field_invalid",
            "options.replace",
            "got none",
        ),
        Case(
            "another replacement",
            options(json!({ "order_id": "a", "replace": "items" })),
            400,
            "field_invalid",
            "options.replace",
            "expected order",
        ),
        Case(
            "no line_id",
            chair("/line_id", Value::Null),
            400,
            "field_missing",
            "order.items[0].line_id",
            "not provided",
        ),
        Case("no id", chair("/id", Value::Null), 400, "field_missing", "order.items[0].id", "not provided"),
        Case(
            "no gross_amount",
            chair("/gross_amount", Value::Null),
            400,
            "field_missing",
            "order.items[0].gross_amount",
            "not provided",
        ),
        Case(
            "no tax_lines",
            chair("/tax_lines", Value::Null),
            400,
            "field_missing",
            "order.items[0].tax_lines",
            "not provided",
        ),
        Case(
            "no rate",
            chair("/tax_lines/0/percentage", Value::Null),
            400,
            "field_missing",
            "order.items[0].tax_lines[0].percentage",
            "not provided",
        ),
        Case(
            "line 0",
            chair("/line_id", json!(0)),
            400,
            "field_invalid",
            "order.items[0].line_id",
            "from 1 to 2147483647, got 0",
        ),
        Case("a negative line", chair("/line_id", json!(-1)), 400, "field_invalid", "order.items[0].line_id", "got -1"),
        Case(
            "a text for an amount",
            chair("/gross_amount", json!("1000")),
            400,
            "body_invalid",
            "order.items[0].gross_amount",
            "expected i64, got string",
        ),
        Case(
            "part of a cent",
            chair("/gross_amount", json!(10.5)),
            400,
            "body_invalid",
            "order.items[0].gross_amount",
            "expected i64, got floating point",
        ),
        Case(
            "a text for a quantity",
            chair("/quantity", json!("2")),
            400,
            "body_invalid",
            "order.items[0].quantity",
            "expected a number, got string",
        ),
        Case(
            "a negative quantity",
            chair("/quantity", json!(-2)),
            400,
            "field_invalid",
            "order.items[0].quantity",
            "expected a number of 0 or more",
        ),
        Case(
            "five decimals",
            chair("/quantity", json!(0.12345)),
            400,
            "field_invalid",
            "order.items[0].quantity",
            "more than 4 decimals",
        ),
        Case(
            "a rate of five decimals",
            chair("/tax_lines/0/percentage", json!(25.12345)),
            400,
            "field_invalid",
            "order.items[0].tax_lines[0].percentage",
            "more than 4 decimals",
        ),
        Case(
            "tax of the other sign",
            tax(-200),
            400,
            "tax_invalid",
            "order.items[0].tax_lines",
            "expected a tax between 0 and the line's amount, 1000, got -200",
        ),
        Case("more tax than price", tax(1_001), 400, "tax_invalid", "order.items[0].tax_lines", "1000, got 1001"),
        Case(
            "tax that is not in the price",
            chair("/tax_lines/0/included_in_price", json!(false)),
            400,
            "field_invalid",
            "order.items[0].tax_lines[0].included_in_price",
            "got false",
        ),
        Case(
            "an amount beyond all limits",
            chair("/gross_amount", json!(1_000_000_000_000_000_i64)),
            400,
            "line_invalid",
            "order.items[0].gross_amount",
            "at most 999999999999999",
        ),
        Case(
            "another relation",
            chair("/related_item", json!({ "line_id": 1, "type": "gift" })),
            400,
            "field_invalid",
            "order.items[0].related_item.type",
            "expected reversed",
        ),
        Case(
            "a relation to nothing",
            chair("/related_item", json!({ "type": "reversed" })),
            400,
            "field_missing",
            "order.items[0].related_item.line_id",
            "not provided",
        ),
        Case(
            "one number twice",
            create(draft_of(&[item(1, "a", 1, 0), item(1, "b", 1, 0)])),
            400,
            "line_duplicate",
            "order.items[1].line_id",
            "that the order does not have yet, got 1",
        ),
        Case(
            "an id that is too long",
            chair("/id", json!("x".repeat(81))),
            400,
            "field_invalid",
            "order.items[0].id",
            "expected 1 to 80 characters, got 81",
        ),
        Case(
            "a customer that is none",
            create(with(one(), "/order/customer", json!("Ada"))),
            400,
            "body_invalid",
            "order.customer",
            "expected an object, got string",
        ),
        Case(
            "a customer that is too long",
            create(with(one(), "/order/customer", json!({ "name": "x".repeat(25_000) }))),
            400,
            "details_too_long",
            "",
            "more than 24576",
        ),
        Case(
            "items that are no list",
            create(with(one(), "/order/items", json!({}))),
            400,
            "body_invalid",
            "order.items",
            "expected a sequence, got map",
        ),
        Case(
            "no draft",
            Ask::Send(Method::PUT, at("draft_orders/x/complete"), json!({})),
            404,
            "not_found",
            "",
            "no such draft",
        ),
        // When they are completed.
        Case(
            "nothing",
            Ask::Complete(draft_of(&[])),
            400,
            "lines_missing",
            "order.items",
            "expected at least one line, got none",
        ),
        Case(
            "for nothing",
            Ask::Complete(draft_of(&[item(1, "a", 0, 0)])),
            400,
            "amount_invalid",
            "order.items",
            "more than 0 minor units, got 0",
        ),
        Case(
            "less than nothing",
            Ask::Complete(draft_of(&[item(1, "a", -1, 0)])),
            400,
            "line_invalid",
            "order.items",
            "got -1",
        ),
        Case(
            "a reversal of nothing",
            Ask::Complete(draft_of(&[item(1, "a", 2, 0), reversal(2, 1, "a", -1, 0)])),
            400,
            "line_unknown",
            "order.items[1].line_id",
            "got 1",
        ),
        Case(
            "another currency",
            Ask::Complete(with(update_of(order, &[item(9, "x", 1, 0)]), "/order/currency", json!("NOK"))),
            400,
            "currency_mismatch",
            "order.currency",
            "expected the order's currency, EUR, got NOK",
        ),
        Case(
            "no currency for a new one",
            Ask::Complete(update_of("new-one", &[item(9, "x", 1, 0)])),
            400,
            "field_missing",
            "order.currency",
            "not provided",
        ),
        Case(
            "no such order",
            Ask::Complete(update_of("0000000000001000", &[item(9, "x", 1, 0)])),
            404,
            "order_not_found",
            "",
            "no such order",
        ),
        Case(
            "replaced too late",
            Ask::Complete(with(update_of(order, &[item(9, "x", 1, 0)]), "/options/replace", json!("order"))),
            409,
            "order_attempted",
            "",
            "something was done",
        ),
    ]
}

/// Of items that come back, and of the order itself.
fn of_updates(order: &str) -> Vec<Case> {
    let back = |gross: i64, tax: i64| Ask::Add(vec![reversal(9, 1, "chair", gross, tax)]);
    let replace = |body: Value| Ask::Send(Method::PUT, of(order, ""), body);
    vec![
        Case(
            "a number that is taken",
            Ask::Add(vec![item(2, "x", 1, 0)]),
            400,
            "line_duplicate",
            "order.items[0].line_id",
            "got 2",
        ),
        Case(
            "of an unknown line",
            Ask::Add(vec![reversal(9, 8, "chair", -1, 0)]),
            400,
            "line_unknown",
            "order.items[0].line_id",
            "on the order, got 8",
        ),
        Case(
            "of a line of the same draft",
            Ask::Add(vec![item(8, "x", 5, 0), reversal(9, 8, "x", -5, 0)]),
            400,
            "line_unknown",
            "order.items[1].line_id",
            "got 8",
        ),
        Case(
            "of a reversal",
            Ask::Add(vec![reversal(9, 3, "stool", 1, 0)]),
            400,
            "reversal_invalid",
            "order.items[0].related_item.line_id",
            "no reversal itself, got 3",
        ),
        Case(
            "of another SKU",
            Ask::Add(vec![reversal(9, 1, "stool", -1, 0)]),
            400,
            "reversal_invalid",
            "order.items[0].id",
            "chair, got stool",
        ),
        Case(
            "with another rate",
            Ask::Add(vec![with(reversal(9, 1, "chair", -1_000, -200), "/tax_lines/0/percentage", json!(15))]),
            400,
            "reversal_invalid",
            "order.items[0].tax_lines",
            "25, got 15",
        ),
        Case(
            "with more tax",
            back(-999, -201),
            400,
            "reversal_invalid",
            "order.items[0].tax_lines",
            "at most -200, got -201",
        ),
        Case(
            "of too much",
            back(-1_001, -200),
            400,
            "reversal_invalid",
            "order.items[0].gross_amount",
            "line 1, -1000, got -1001",
        ),
        Case(
            "that is positive",
            back(1_000, 200),
            400,
            "reversal_invalid",
            "order.items[0].gross_amount",
            "-1000, got 1000",
        ),
        Case("that is zero", back(0, 0), 400, "reversal_invalid", "order.items[0].gross_amount", "-1000, got 0"),
        Case(
            "twice in one draft",
            Ask::Add(vec![reversal(8, 1, "chair", -600, 0), reversal(9, 1, "chair", -600, 0)]),
            400,
            "reversal_invalid",
            "order.items[1].gross_amount",
            "-400, got -600",
        ),
        Case("below nothing", Ask::Add(vec![item(9, "x", -1_501, 0)]), 400, "line_invalid", "order.items", "got -"),
        Case(
            "replaced after an operation",
            replace(json!({ "items": [item(1, "x", 1, 0)] })),
            409,
            "order_attempted",
            "",
            "something was done",
        ),
        Case(
            "replaced by another currency",
            replace(json!({ "currency": "XYZ", "items": [item(1, "x", 1, 0)] })),
            400,
            "currency_unknown",
            "currency",
            "not valid",
        ),
        Case("replaced by nothing", replace(json!({})), 400, "lines_missing", "items", "got none"),
        Case(
            "replaced by less than nothing",
            replace(json!({ "items": [item(1, "x", -1, 0)] })),
            400,
            "line_invalid",
            "items",
            "got -1",
        ),
        Case(
            "replaced by an item without a price",
            replace(json!({ "items": [{ "line_id": 1, "id": "x" }] })),
            400,
            "field_missing",
            "items[0].gross_amount",
            "not provided",
        ),
        Case(
            "cancelled",
            Ask::Send(Method::POST, of(order, "cancel"), json!({})),
            409,
            "order_captured",
            "",
            "was captured",
        ),
    ]
}

/// Of operations: `own` is a payment of the order, with 500 on it; `other` is one of another order, `declined` one that
/// was not authorised.
fn of_operations(own: &str, other: &str, declined: &str) -> Vec<Case> {
    let op = |kind, payment: &str, items: &[(u32, i64)]| Ask::Operate(kind, operation(payment, items));
    let told = |pointer: &str, new: Value| Ask::Operate("captures", with(operation("PID_1", &[(1, 1)]), pointer, new));
    vec![
        Case("no items", told("/items", Value::Null), 400, "field_missing", "items", "not provided"),
        Case("an empty list", told("/items", json!([])), 400, "lines_missing", "items", "at least one line"),
        Case(
            "no payment",
            told("/payment_details", Value::Null),
            400,
            "field_missing",
            "payment_details",
            "not provided",
        ),
        Case(
            "a payment without a name",
            told("/payment_details", json!({})),
            400,
            "field_missing",
            "payment_details.payment_id",
            "not provided",
        ),
        Case(
            "a name that is too long",
            told("/payment_details/payment_id", json!("x".repeat(65))),
            400,
            "field_invalid",
            "payment_details.payment_id",
            "1 to 64 characters, got 65",
        ),
        Case(
            "a number for a name",
            told("/payment_details/payment_id", json!(7)),
            400,
            "body_invalid",
            "payment_details.payment_id",
            "got integer",
        ),
        Case(
            "a text for success",
            told("/success", json!("yes")),
            400,
            "body_invalid",
            "success",
            "expected a boolean, got string",
        ),
        Case(
            "no amount",
            told("/items/0/amount", Value::Null),
            400,
            "field_missing",
            "items[0].amount",
            "not provided",
        ),
        Case(
            "part of a cent",
            told("/items/0/amount", json!(0.5)),
            400,
            "body_invalid",
            "items[0].amount",
            "got floating point",
        ),
        Case(
            "no line",
            told("/items/0/line_id", Value::Null),
            400,
            "field_missing",
            "items[0].line_id",
            "not provided",
        ),
        Case(
            "an unknown line",
            op("captures", "PID_1", &[(1, 1), (9, 1)]),
            400,
            "line_unknown",
            "items[1].line_id",
            "on the order, got 9",
        ),
        Case("zero", op("captures", "PID_1", &[(1, 0)]), 400, "line_invalid", "items[0].amount", "other than 0, got 0"),
        Case(
            "against its line",
            op("captures", "PID_1", &[(1, -1)]),
            400,
            "line_invalid",
            "items[0].amount",
            "the sign of line 1, got -1",
        ),
        Case(
            "both signs",
            op("authorizations", "PID_1", &[(2, 1), (3, -1)]),
            400,
            "line_invalid",
            "items",
            "of one sign",
        ),
        Case(
            "too much authorised",
            op("authorizations", "PID_1", &[(2, 501)]),
            400,
            "line_exceeded",
            "items[0].amount",
            "line 2, 500, got 501",
        ),
        Case(
            "too much of it in two entries",
            op("authorizations", "PID_1", &[(2, 300), (2, 300)]),
            400,
            "line_exceeded",
            "items[1].amount",
            "line 2, 200, got 300",
        ),
        Case(
            "captured without being authorised",
            op("captures", "PID_1", &[(2, 1)]),
            400,
            "line_exceeded",
            "items[0].amount",
            "line 2, 0, got 1",
        ),
        Case(
            "too much captured",
            op("captures", "PID_1", &[(1, 401)]),
            400,
            "line_exceeded",
            "items[0].amount",
            "line 1, 400, got 401",
        ),
        Case(
            "captured with another payment",
            op("captures", "PID_2", &[(1, 400)]),
            400,
            "payment_exceeded",
            "items",
            "with this payment, 0, got 400",
        ),
        Case(
            "too much refunded",
            op("refunds", "PID_1", &[(1, 601)]),
            400,
            "line_exceeded",
            "items[0].amount",
            "line 1, 600, got 601",
        ),
        Case(
            "refunded with another payment",
            op("refunds", "PID_2", &[(1, 1)]),
            400,
            "payment_exceeded",
            "items",
            "with this payment, 0, got 1",
        ),
        Case(
            "too much cancelled",
            op("cancellations", "PID_1", &[(1, 401)]),
            400,
            "line_exceeded",
            "items[0].amount",
            "line 1, 400, got 401",
        ),
        Case(
            "cancelled with another payment",
            op("cancellations", "PID_2", &[(1, 1)]),
            400,
            "payment_exceeded",
            "items",
            "with this payment, 0, got 1",
        ),
        Case(
            "a refund of what came back",
            op("refunds", "PID_1", &[(3, -1)]),
            400,
            "line_invalid",
            "items[0].line_id",
            "a positive amount, got line 3",
        ),
        Case(
            "a cancellation of what came back",
            op("cancellations", "PID_1", &[(3, -1)]),
            400,
            "line_invalid",
            "items[0].line_id",
            "got line 3",
        ),
        Case(
            "given back beyond what a payment has",
            op("authorizations", "PID_2", &[(3, -1)]),
            400,
            "payment_exceeded",
            "items",
            "with this payment, 0, got -1",
        ),
        Case(
            "a payment of ours that has less",
            op("authorizations", own, &[(2, 500), (4, 1)]),
            400,
            "payment_exceeded",
            "items",
            "with this payment, 500, got 501",
        ),
        Case(
            "a payment of another order",
            op("authorizations", other, &[(2, 1)]),
            400,
            "payment_unknown",
            "payment_details.payment_id",
            "got one of the order",
        ),
        Case(
            "a payment that was not authorised",
            op("authorizations", declined, &[(2, 1)]),
            400,
            "payment_not_authorised",
            "payment_details.payment_id",
            "was not authorised",
        ),
        Case(
            "a payment that is none",
            op("authorizations", &format!("{}ZZZ", &own[..13]), &[(2, 1)]),
            400,
            "payment_unknown",
            "payment_details.payment_id",
            "no such payment",
        ),
        Case(
            "more items than lines can be",
            Ask::Operate(
                "captures",
                json!({
                    "items": (1..=501).map(|line| json!({ "line_id": line, "amount": 1 })).collect::<Vec<_>>(),
                    "payment_details": { "payment_id": "PID_1" },
                }),
            ),
            400,
            "lines_too_many",
            "items",
            "at most 500",
        ),
    ]
}

async fn whatever_is_wrong_is_refused_and_changes_nothing(shop: &Shop) {
    let items = [item(1, "chair", 1_000, 200), item(2, "stool", 500, 100), item(4, "lamp", 100, 20)];
    let order = ordered(shop, &items).await;
    let other = ordered(shop, &items).await;
    let other = paid(shop, &other, 100, card(VISA)).await;
    // Line 1: 1000 authorised and 600 captured by PID_1; line 3 takes a part of line 2 back. 500 of ours, for nothing yet.
    done(shop, &order, "authorizations", "PID_1", &[(1, 1_000)]).await;
    done(shop, &order, "captures", "PID_1", &[(1, 600)]).await;
    let own = paid(shop, &order, 500, card(VISA)).await;
    let declined = {
        let order = shown(shop, &order).await;
        let checkout = &order["checkout"];
        let checkout = json!({ "pspReference": checkout["pspReference"], "orderData": checkout["orderData"] });
        let refused = shop.pay_card(&checkout, 50, "4000000000000002").await;
        assert_eq!(refused.text_at("/resultCode"), "Refused", "{}", refused.text);
        refused.text_at("/pspReference")
    };
    super::added(shop, &order, &[reversal(3, 2, "stool", -100, -20)]).await;

    let before = shown(shop, &order).await;
    let cases = [of_drafts(&order), of_updates(&order), of_operations(&own, &other, &declined)];
    let mut count = 0;
    for Case(name, ask, status, code, field, says) in cases.into_iter().flatten() {
        let answer = match ask {
            Ask::Send(method, path, body) => shop.send(shop.request(method, &path).json(&body)).await,
            Ask::Add(items) => complete(shop, &drafted(shop, &update_of(&order, &items)).await).await,
            Ask::Complete(body) => complete(shop, &drafted(shop, &body).await).await,
            Ask::Operate(kind, body) => shop.post(&of(&order, kind), &body).await,
        };
        let expected = (status, code.to_owned(), field.to_owned());
        assert_eq!(error(&answer), expected, "{name}: {}", answer.text);
        assert!(answer.text_at("/error/message").contains(says), "{name}: {says:?} is not said by {}", answer.text);
        assert_eq!(shown(shop, &order).await, before, "{name}: nothing is changed");
        count += 1;
    }
    assert!(count >= 80, "{count}");
    // What is left is as it was: all of it can still be done.
    taken(shop, &order, &own, &[(2, 400), (4, 100)]).await;
    done(shop, &order, "captures", "PID_1", &[(1, 400)]).await;
}

crate::on_both_stores!(whatever_is_wrong_is_refused_and_changes_nothing);
