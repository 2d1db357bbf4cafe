//! What is wrong with a request is told by field, with what was expected and what came, and changes nothing.

use serde_json::{Value, json};
use tests::shop::{Answer, On, Shop};

use super::{Desk, VISA, abort, cancellation, item, purchase, transaction, transaction_of, update, with};

/// Where a field is, what it is set to (null: left out), and what is said: status, code, name, and pieces of the text.
type Row = (&'static str, Value, u16, &'static str, &'static str, &'static [&'static str]);

fn text_of(length: usize) -> Value {
    json!("x".repeat(length))
}

/// Rows of `POST /psp/paymentorders`, in version 2.0.
fn creating() -> Vec<Row> {
    let at = "/paymentorder";
    assert_eq!(at.len(), 13);
    vec![
        ("/paymentorder", json!(null), 400, "field_missing", "paymentorder", &["not provided"]),
        ("/paymentorder", json!([1]), 400, "body_invalid", "paymentorder", &["expected an object", "sequence"]),
        ("/paymentorder/operation", json!(null), 400, "field_missing", "operation", &[]),
        (
            "/paymentorder/operation",
            json!("Verify"),
            400,
            "field_invalid",
            "operation",
            &["expected Purchase", "only operation offered"],
        ),
        ("/paymentorder/operation", json!("Buy"), 400, "field_invalid", "operation", &["expected Purchase"]),
        ("/paymentorder/currency", json!(null), 400, "field_missing", "currency", &[]),
        (
            "/paymentorder/currency",
            json!("EURO"),
            400,
            "currency_unknown",
            "currency",
            &["expected the code of a currency", "EURO"],
        ),
        ("/paymentorder/amount", json!(null), 400, "field_missing", "amount", &[]),
        (
            "/paymentorder/amount",
            json!(0),
            400,
            "amount_invalid",
            "amount",
            &["expected 1 to 999999999999999", "got 0"],
        ),
        ("/paymentorder/amount", json!(-1), 400, "amount_invalid", "amount", &["got -1"]),
        (
            "/paymentorder/amount",
            json!(1_000_000_000_000_000_u64),
            400,
            "amount_invalid",
            "amount",
            &["got 1000000000000000"],
        ),
        ("/paymentorder/amount", json!(15.5), 400, "body_invalid", "amount", &["expected i64", "floating point"]),
        ("/paymentorder/amount", json!("1500"), 400, "body_invalid", "amount", &["expected i64", "string"]),
        ("/paymentorder/vatAmount", json!(null), 400, "field_missing", "vatAmount", &[]),
        (
            "/paymentorder/vatAmount",
            json!(1_501),
            400,
            "tax_invalid",
            "vatAmount",
            &["expected 0 to the amount, 1500", "got 1501"],
        ),
        ("/paymentorder/vatAmount", json!(-1), 400, "tax_invalid", "vatAmount", &["got -1"]),
        ("/paymentorder/description", json!(null), 400, "field_missing", "description", &[]),
        (
            "/paymentorder/description",
            text_of(41),
            400,
            "field_invalid",
            "description",
            &["1 to 40 characters", "got 41"],
        ),
        ("/paymentorder/description", json!(""), 400, "field_invalid", "description", &["got 0"]),
        (
            "/paymentorder/description",
            json!("a\nb"),
            400,
            "field_invalid",
            "description",
            &["without control characters"],
        ),
        ("/paymentorder/userAgent", json!(null), 400, "field_missing", "userAgent", &[]),
        ("/paymentorder/userAgent", text_of(513), 400, "field_invalid", "userAgent", &["512", "513"]),
        ("/paymentorder/language", json!(null), 400, "field_missing", "language", &[]),
        ("/paymentorder/urls", json!(null), 400, "field_missing", "urls", &[]),
        ("/paymentorder/urls/hostUrls", json!(null), 400, "field_missing", "urls.hostUrls", &[]),
        ("/paymentorder/urls/hostUrls", json!([]), 400, "field_invalid", "urls.hostUrls", &["1 to 10", "got 0"]),
        (
            "/paymentorder/urls/hostUrls",
            json!(["https://a.example", "ftp://b.example"]),
            400,
            "field_invalid",
            "urls.hostUrls[1]",
            &["http or https", "'ftp'"],
        ),
        ("/paymentorder/urls/completeUrl", json!(null), 400, "field_missing", "urls.completeUrl", &[]),
        (
            "/paymentorder/urls/completeUrl",
            json!("javascript:alert(1)"),
            400,
            "field_invalid",
            "urls.completeUrl",
            &["'javascript'"],
        ),
        ("/paymentorder/urls/cancelUrl", json!("cart"), 400, "field_invalid", "urls.cancelUrl", &["an absolute URL"]),
        (
            "/paymentorder/urls/logoUrl",
            json!(format!("https://a.example/{}", "x".repeat(1_024))),
            400,
            "field_invalid",
            "urls.logoUrl",
            &["at most 1024", "got 1042"],
        ),
        (
            "/paymentorder/urls/callbackUrl",
            json!("https://10.0.0.1/hook"),
            400,
            "field_invalid",
            "urls.callbackUrl",
            &["public", "10.0.0.1"],
        ),
        (
            "/paymentorder/urls/callbackUrl",
            json!("shop"),
            400,
            "field_invalid",
            "urls.callbackUrl",
            &["expected a public URL"],
        ),
        ("/paymentorder/payeeInfo", json!(null), 400, "field_missing", "payeeInfo", &[]),
        ("/paymentorder/payeeInfo/payeeId", json!(null), 400, "field_missing", "payeeInfo.payeeId", &[]),
        (
            "/paymentorder/payeeInfo/payeeId",
            json!("nobody"),
            403,
            "merchant_forbidden",
            "payeeInfo.payeeId",
            &["expected a merchant account"],
        ),
        ("/paymentorder/payeeInfo/payeeReference", json!(null), 400, "field_missing", "payeeInfo.payeeReference", &[]),
        (
            "/paymentorder/payeeInfo/payeeReference",
            text_of(51),
            400,
            "field_invalid",
            "payeeInfo.payeeReference",
            &["1 to 50", "got 51"],
        ),
        (
            "/paymentorder/payeeInfo/payeeReference",
            json!("a_b"),
            400,
            "field_invalid",
            "payeeInfo.payeeReference",
            &["letters, digits and hyphens", "'_'"],
        ),
        (
            "/paymentorder/payeeInfo/orderReference",
            text_of(51),
            400,
            "field_invalid",
            "payeeInfo.orderReference",
            &["got 51"],
        ),
        ("/paymentorder/metadata", json!({ "id": 1 }), 400, "field_invalid", "metadata", &["'id'"]),
        ("/paymentorder/metadata", json!({ "a": {} }), 400, "field_invalid", "metadata.a", &["an object or a list"]),
        ("/paymentorder/payer", json!({ "a": "x".repeat(25_000) }), 400, "details_too_long", "metadata", &["24576"]),
        ("/paymentorder/orderItems", json!(null), 400, "field_missing", "orderItems", &[]),
        ("/paymentorder/orderItems", json!([]), 400, "lines_missing", "orderItems", &["at least one"]),
        (
            "/paymentorder/orderItems",
            json!([item("P1", 1_500, 374)]),
            400,
            "lines_sum_mismatch",
            "orderItems",
            &["expected lines whose tax comes to 375", "got 374"],
        ),
        (
            "/paymentorder/orderItems",
            json!([item("P1", 1_499, 375)]),
            400,
            "lines_sum_mismatch",
            "orderItems",
            &["expected lines that come to 1500", "got 1499"],
        ),
        ("/paymentorder/orderItems/1/reference", json!(null), 400, "field_missing", "orderItems[1].reference", &[]),
        (
            "/paymentorder/orderItems/1/reference",
            text_of(51),
            400,
            "field_invalid",
            "orderItems[1].reference",
            &["1 to 50", "got 51"],
        ),
        ("/paymentorder/orderItems/0/name", json!(null), 400, "field_missing", "orderItems[0].name", &[]),
        (
            "/paymentorder/orderItems/0/type",
            json!("GIFT"),
            400,
            "field_invalid",
            "orderItems[0].type",
            &["PRODUCT, SERVICE", "got another text"],
        ),
        (
            "/paymentorder/orderItems/0/class",
            json!("Product Group"),
            400,
            "field_invalid",
            "orderItems[0].class",
            &[r"[\w-]*", "' '"],
        ),
        (
            "/paymentorder/orderItems/0/itemUrl",
            json!("ftp://a.example"),
            400,
            "field_invalid",
            "orderItems[0].itemUrl",
            &["'ftp'"],
        ),
        (
            "/paymentorder/orderItems/0/description",
            text_of(41),
            400,
            "field_invalid",
            "orderItems[0].description",
            &["got 41"],
        ),
        ("/paymentorder/orderItems/0/quantity", json!(null), 400, "field_missing", "orderItems[0].quantity", &[]),
        (
            "/paymentorder/orderItems/0/quantity",
            json!(1.00001),
            400,
            "field_invalid",
            "orderItems[0].quantity",
            &["at most 4 decimals", "more than 4 decimals"],
        ),
        (
            "/paymentorder/orderItems/0/quantity",
            json!(-1),
            400,
            "field_invalid",
            "orderItems[0].quantity",
            &["0 or more"],
        ),
        (
            "/paymentorder/orderItems/0/quantity",
            json!("1"),
            400,
            "field_invalid",
            "orderItems[0].quantity",
            &["a number"],
        ),
        (
            "/paymentorder/orderItems/0/quantityUnit",
            json!(null),
            400,
            "field_missing",
            "orderItems[0].quantityUnit",
            &[],
        ),
        ("/paymentorder/orderItems/0/unitPrice", json!(null), 400, "field_missing", "orderItems[0].unitPrice", &[]),
        (
            "/paymentorder/orderItems/0/unitPrice",
            json!(-5),
            400,
            "field_invalid",
            "orderItems[0].unitPrice",
            &["0 or more", "got -5"],
        ),
        (
            "/paymentorder/orderItems/0/vatPercent",
            json!(10_001),
            400,
            "field_invalid",
            "orderItems[0].vatPercent",
            &["0 to 10000", "got 10001"],
        ),
        ("/paymentorder/orderItems/0/amount", json!(null), 400, "field_missing", "orderItems[0].amount", &[]),
        (
            "/paymentorder/orderItems/0/amount",
            json!(-1_000),
            400,
            "line_invalid",
            "orderItems[0].amount",
            &["expected 0 or more", "got -1000"],
        ),
        (
            "/paymentorder/orderItems/1/vatAmount",
            json!(501),
            400,
            "tax_invalid",
            "orderItems[1].vatAmount",
            &["500", "got 501"],
        ),
        ("/paymentorder/orderItems/1/vatAmount", json!(-1), 400, "tax_invalid", "orderItems[1].vatAmount", &["got -1"]),
        (
            "/paymentorder/orderItems/1/amount",
            json!("5"),
            400,
            "body_invalid",
            "orderItems[1].amount",
            &["expected i64"],
        ),
    ]
}

/// Rows of `PATCH /psp/paymentorders/{id}`.
fn updating() -> Vec<Row> {
    vec![
        ("/paymentorder/operation", json!(null), 400, "field_missing", "operation", &[]),
        (
            "/paymentorder/operation",
            json!("Update"),
            400,
            "field_invalid",
            "operation",
            &["UpdateOrder, Abort, PaymentAttemptAborted", "'Update'"],
        ),
        ("/paymentorder/amount", json!(null), 400, "field_missing", "amount", &[]),
        ("/paymentorder/amount", json!(0), 400, "amount_invalid", "amount", &["got 0"]),
        ("/paymentorder/vatAmount", json!(2_000), 400, "tax_invalid", "vatAmount", &["got 2000"]),
        (
            "/paymentorder/abortReason",
            json!("CancelledByConsumer"),
            400,
            "field_invalid",
            "abortReason",
            &["nothing is aborted"],
        ),
        ("/paymentorder/orderItems", json!(null), 400, "lines_missing", "orderItems", &["at least one line"]),
        ("/paymentorder/orderItems/0/amount", json!(999), 400, "lines_sum_mismatch", "orderItems", &["1000", "999"]),
        ("/paymentorder/description", text_of(41), 400, "field_invalid", "description", &["got 41"]),
    ]
}

/// Rows of `POST /psp/paymentorders/{id}/captures`, and of reversals.
fn moving() -> Vec<Row> {
    vec![
        ("/transaction", json!(null), 400, "field_missing", "transaction", &[]),
        ("/transaction/description", json!(null), 400, "field_missing", "transaction.description", &[]),
        (
            "/transaction/description",
            text_of(41),
            400,
            "field_invalid",
            "transaction.description",
            &["1 to 40", "got 41"],
        ),
        ("/transaction/amount", json!(null), 400, "field_missing", "transaction.amount", &[]),
        ("/transaction/amount", json!(0), 400, "amount_invalid", "transaction.amount", &["got 0"]),
        ("/transaction/amount", json!(1e3), 400, "body_invalid", "transaction.amount", &["expected i64"]),
        ("/transaction/vatAmount", json!(null), 400, "field_missing", "transaction.vatAmount", &[]),
        ("/transaction/vatAmount", json!(101), 400, "tax_invalid", "transaction.vatAmount", &["100", "got 101"]),
        ("/transaction/payeeReference", json!(null), 400, "field_missing", "transaction.payeeReference", &[]),
        (
            "/transaction/payeeReference",
            text_of(31),
            400,
            "field_invalid",
            "transaction.payeeReference",
            &["1 to 30", "got 31"],
        ),
        ("/transaction/payeeReference", json!("a b"), 400, "field_invalid", "transaction.payeeReference", &["' '"]),
        (
            "/transaction/receiptReference",
            text_of(31),
            400,
            "field_invalid",
            "transaction.receiptReference",
            &["got 31"],
        ),
        (
            "/transaction/orderItems",
            json!([item("P1", 99, 25)]),
            400,
            "lines_sum_mismatch",
            "transaction.orderItems",
            &["100", "99"],
        ),
        (
            "/transaction/orderItems",
            json!([item("P1", 100, 24)]),
            400,
            "lines_sum_mismatch",
            "transaction.orderItems",
            &["25", "24"],
        ),
        (
            "/transaction/orderItems",
            json!([item("P8", 100, 25)]),
            400,
            "line_unknown",
            "transaction.orderItems[0].reference",
            &["on the order", "'P8'"],
        ),
        ("/transaction/orderItems", json!([]), 400, "lines_missing", "transaction.orderItems", &["at least one"]),
        (
            "/transaction/orderItems/0/quantity",
            json!(0.12345),
            400,
            "field_invalid",
            "transaction.orderItems[0].quantity",
            &["4 decimals"],
        ),
    ]
}

fn check(row: &Row, answer: &Answer) {
    let (field, value, status, code, name, pieces) = row;
    let at = format!("{field} = {value}: {}", answer.text);
    let found = super::problem(answer);
    assert_eq!((found.0, found.1.as_str(), found.2.as_str()), (*status, *code, *name), "{at}");
    let text = answer.text_at("/problems/0/description");
    for piece in *pieces {
        assert!(text.contains(piece), "{piece:?} is not said: {at}");
    }
    if *status == 400 {
        assert_eq!(answer.text_at("/detail"), "Input validation failed, error description in problems node!");
        assert_eq!(answer.text_at("/action"), "RetryNewData");
        assert!(answer.text_at("/type").ends_with("/paymentorders/inputerror"), "{at}");
    }
}

#[tokio::test]
async fn every_fault_is_told_by_its_field_and_changes_nothing() {
    let shop = Shop::open(On::Embedded).await;
    let desk = Desk::new(&shop, "2.0");
    let rows = creating();
    for row in &rows {
        check(row, &desk.post(super::ORDERS, &with(purchase("faulty"), row.0, &row.1)).await);
    }
    // None of them has used the reference up.
    let id = desk.open(&purchase("faulty")).await;
    let before = desk.read(&id).await;
    let updates = updating();
    for row in &updates {
        let body = with(update(1_000, 0, &json!([item("P1", 1_000, 0)])), row.0, &row.1);
        check(row, &desk.update(&id, &body).await);
        assert_eq!(desk.read(&id).await.text, before.text);
    }
    let reason = with(abort(), "/paymentorder/abortReason", &json!("Because"));
    let row: Row = (
        "/paymentorder/abortReason",
        json!("Because"),
        400,
        "field_invalid",
        "abortReason",
        &["CancelledByConsumer, CancelledByCustomer", "'Because'"],
    );
    check(&row, &desk.patch(&id, &reason).await);
    assert_eq!(desk.read(&id).await.text, before.text);

    let id = desk.sell("faulty-2", VISA).await;
    assert_eq!(desk.capture(&id, &transaction("some", 500, 125)).await.status, 200);
    let before = desk.read(&id).await;
    let moves = moving();
    for what in ["captures", "reversals"] {
        for row in &moves {
            let body = transaction_of("faulty", 100, 25, &json!([item("P1", 100, 25)]));
            check(row, &desk.post(&format!("{id}/{what}"), &with(body, row.0, &row.1)).await);
            assert_eq!(desk.read(&id).await.text, before.text);
        }
    }
    let cancels: [Row; 4] = [
        ("/transaction", json!(null), 400, "field_missing", "transaction", &[]),
        ("/transaction/description", json!(null), 400, "field_missing", "transaction.description", &[]),
        ("/transaction/payeeReference", json!("a/b"), 400, "field_invalid", "transaction.payeeReference", &["'/'"]),
        ("/transaction/amount", json!(999), 400, "field_invalid", "transaction.amount", &["1000", "got 999"]),
    ];
    for row in &cancels {
        check(row, &desk.post(&format!("{id}/cancellations"), &with(cancellation("faulty"), row.0, &row.1)).await);
        assert_eq!(desk.read(&id).await.text, before.text);
    }
    let count = rows.len() + updates.len() + 1 + 2 * moves.len() + cancels.len();
    assert!(count >= 45, "{count}");
}

#[tokio::test]
async fn what_is_unusual_is_taken() {
    let shop = Shop::open(On::Embedded).await;
    let desk = Desk::new(&shop, "3.0");
    let taken = [
        ("/paymentorder/language", json!("xx-YY")),
        ("/paymentorder/orderItems/0/class", json!("")),
        ("/paymentorder/orderItems/0/reference", json!("P2")),
        ("/paymentorder/orderItems/0/quantity", json!(0)),
        // Neither the price of one nor the rate of the tax has to give what the item comes to.
        ("/paymentorder/orderItems/0/unitPrice", json!(7)),
        ("/paymentorder/orderItems/0/vatPercent", json!(600)),
        ("/paymentorder/productName", json!("Checkout3")),
    ];
    for (count, (field, value)) in taken.iter().enumerate() {
        let opened = desk.post(super::ORDERS, &with(purchase(&format!("unusual-{count}")), field, value)).await;
        assert_eq!(opened.status, 200, "{field} = {value}: {}", opened.text);
        let language = if field.ends_with("language") { "en-US" } else { "nb-NO" };
        assert_eq!(opened.text_at("/paymentorder/language"), language);
    }
    // Many items are kept beside the order.
    let items = (0..200).map(|count| item(&format!("P{count}"), 10, 2)).collect::<Value>();
    let id = desk.open(&super::purchase_of("many", 2_000, 400, &items)).await;
    let read = desk.part(&id, "orderitems").await;
    assert_eq!(read["orderItemList"].as_array().unwrap().len(), 200);
    super::pay(&shop, &id, &[(2_000, tests::shop::card(VISA))]).await;
    let captured = desk.capture(&id, &transaction_of("many-c", 2_000, 400, &items)).await;
    assert_eq!(captured.status, 200, "{}", captured.text);
}
