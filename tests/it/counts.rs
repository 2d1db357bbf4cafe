//! What the path that takes money costs on DynamoDB, counted at DynamoDB's own API.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use app::PARTNER_CALL_MAX;
use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef},
    },
    error::BoxError,
    operation::{
        put_item::{PutItemError, PutItemInput},
        query::QueryInput,
    },
    types::AttributeValue,
};
use domain::{Action, Money, Version};
use serde_json::{Value, json};
use tests::{
    hook::Hook,
    lender::{CUSTOMER, Lender, amount, trusting},
    shop::{Answer, Shop, euro, operate, order_key},
};

/// Requests that reached DynamoDB, by the aggregate they are of.
#[derive(Debug, Clone, Default)]
struct Ledger {
    counts: Arc<Mutex<BTreeMap<&'static str, Count>>>,
    /// The units that listed items have in the index, by where they stand in the table.
    listed: Arc<Mutex<HashMap<[String; 2], usize>>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    writes: usize,
    /// DynamoDB charges one unit for each kilobyte of an item that is begun, also if the write's condition fails.
    write_units: usize,
    /// The same once more for the index that lists are read from, if the item is listed and was written.
    index_units: usize,
    reads: usize,
    /// Items that reads may have read.
    items: i32,
}

impl Count {
    fn writes(writes: usize) -> Self {
        Self { writes, write_units: writes, ..Self::default() }
    }

    /// Writes of a unit each, of which so many are listed.
    fn listed(writes: usize, index_units: usize) -> Self {
        Self { index_units, ..Self::writes(writes) }
    }

    /// Writes of a unit each and reads, of which each may have read as many items as lie between two snapshots.
    fn both(writes: usize, reads: usize) -> Self {
        Self { reads, items: 32 * i32::try_from(reads).unwrap(), ..Self::writes(writes) }
    }
}

impl Ledger {
    /// What was counted since the last time it was taken.
    fn take(&self) -> BTreeMap<&'static str, Count> {
        std::mem::take(&mut self.counts.lock().unwrap())
    }

    fn orders(&self) -> Count {
        self.take().remove("order").unwrap_or_default()
    }
}

impl Intercept for Ledger {
    fn name(&self) -> &'static str {
        "ledger"
    }

    fn read_before_serialization(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let input = context.input();
        let mut counts = self.counts.lock().unwrap();
        if let Some(put) = input.downcast_ref::<PutItemInput>() {
            let item = put.item().unwrap();
            let units = item.iter().map(|(name, value)| name.len() + size(value)).sum::<usize>().div_ceil(1_024);
            let count = counts.entry(kind(&item["pk"])).or_default();
            count.writes += 1;
            count.write_units += units;
            if item.contains_key("ls") {
                count.index_units += units;
                self.listed.lock().unwrap().insert(place(item), units);
            }
        } else if let Some(query) = input.downcast_ref::<QueryInput>() {
            let values = query.expression_attribute_values().unwrap();
            let count = if query.index_name().is_some() {
                counts.entry("list").or_default()
            } else {
                assert_eq!(query.consistent_read(), Some(true), "who wrote, reads what was written");
                counts.entry(kind(&values[":pk"])).or_default()
            };
            count.reads += 1;
            count.items += query.limit().unwrap();
        } else {
            counts.entry("other").or_default().reads += 1;
        }
        Ok(())
    }

    /// What was not written, because there is something in its place, is not in the index either.
    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let error = context.output_or_error().and_then(|outcome| outcome.err()?.as_operation_error());
        if let Some(PutItemError::ConditionalCheckFailedException(failed)) =
            error.and_then(|error| error.downcast_ref())
            && let Some(there) = failed.item()
            && let Some(units) = self.listed.lock().unwrap().remove(&place(there))
        {
            self.counts.lock().unwrap().entry(kind(&there["pk"])).or_default().index_units -= units;
        }
        Ok(())
    }
}

/// Where an item stands in the table.
fn place(item: &HashMap<String, AttributeValue>) -> [String; 2] {
    [item["pk"].as_s().unwrap().clone(), item["sk"].as_n().unwrap().clone()]
}

/// Which aggregate a partition key is of.
fn kind(pk: &AttributeValue) -> &'static str {
    let (owner, id) = pk.as_s().unwrap().split_once('/').unwrap();
    match id.split_once('-').map(|(kind, _)| kind) {
        _ if owner.starts_with('@') => "access",
        Some("sandbox") => "sandbox",
        Some("giftcard") => "gift card",
        Some("credit") => "credit",
        Some("creditproduct") => "credit product",
        Some("creditsettings") => "credit settings",
        Some("feed") => "feed",
        Some("lines") => "lines",
        Some(_) => "access",
        None => "order",
    }
}

/// The size of a value, by DynamoDB's rules for the types a commit has.
fn size(value: &AttributeValue) -> usize {
    let text = value.as_s().map(String::len);
    let bytes = value.as_b().map(|bytes| bytes.as_ref().len());
    let number = value.as_n().map(|number| number.len() / 2 + 1);
    text.or(bytes).or(number).expect("a commit has texts, bytes and numbers")
}

async fn counted_shop() -> (Shop, Ledger, tests::dynamo::Dynamo) {
    let dynamo = tests::dynamo::start().await;
    let ledger = Ledger::default();
    let config = dynamo.client.config().to_builder().interceptor(ledger.clone()).build();
    let client = aws_sdk_dynamodb::Client::from_conf(config);
    let shop = Shop::over(Arc::new(aws::DynamoLog::new(client, dynamo.table.clone()))).await;
    // The first request reads the API key; then it is known for a while.
    shop.open_order(1).await;
    ledger.take();
    (shop, ledger, dynamo)
}

fn authorised(answer: &Answer) {
    assert_eq!(answer.text_at("/resultCode"), "Authorised", "{}", answer.text);
}

/// Write units of the lines of [`cart`]: of 200 items with some 270 bytes each.
const LINES_OF_200: usize = 54;

/// The body that opens a payment order of so many items of 1.00 EUR each.
fn cart(items: usize) -> Value {
    let item = |number| {
        json!({
            "reference": format!("P{number}"), "name": format!("Product number {number}"), "type": "PRODUCT",
            "class": "ProductGroup1", "quantity": 1, "quantityUnit": "pcs", "unitPrice": 100, "vatPercent": 2500,
            "amount": 100, "vatAmount": 20, "description": "What it is, in some more words",
        })
    };
    json!({ "paymentorder": {
        "operation": "Purchase", "currency": "EUR", "amount": items * 100, "vatAmount": items * 20,
        "description": "A cart", "userAgent": "Mozilla/5.0", "language": "en-US",
        "urls": { "hostUrls": ["https://shop.example"], "completeUrl": "https://shop.example/complete" },
        "payeeInfo": { "payeeId": local::TEST_MERCHANT, "payeeReference": format!("cart-{items}") },
        "orderItems": (1..=items).map(item).collect::<Vec<_>>(),
    } })
}

/// What a cart costs from its opening to its reversal, step by step: what reached the order and its lines.
async fn life_of(items: usize, shop: &Shop, ledger: &Ledger) -> Vec<(&'static str, Count, Count)> {
    let mut steps = Vec::new();
    let mut step = |name| {
        let mut counts = ledger.take();
        let of = |counts: &mut BTreeMap<&'static str, Count>, kind| counts.remove(kind).unwrap_or_default();
        steps.push((name, of(&mut counts, "order"), of(&mut counts, "lines")));
    };
    let send = async |method: reqwest::Method, path: &str, body: &Value| {
        let request = shop.request(method, path).header("Content-Type", "application/json;version=3.1");
        let answer = shop.send(request.body(body.to_string())).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer
    };
    let post = async |path: &str, body: &Value| send(reqwest::Method::POST, path, body).await;
    ledger.take();
    let opened = post("/psp/paymentorders", &cart(items)).await;
    step("open");
    let id = opened.text_at("/paymentorder/id");
    let reference = id.rsplit('/').next().unwrap().parse::<domain::Reference>().unwrap();
    let order = json!({ "pspReference": reference });
    let update = json!({ "paymentorder": {
        "operation": "UpdateOrder", "amount": items * 100, "vatAmount": items * 20,
        "orderItems": cart(items)["paymentorder"]["orderItems"],
    } });
    send(reqwest::Method::PATCH, &id, &update).await;
    step("update");
    for (name, amount) in [("first payment", 50), ("second payment", items * 100 - 50)] {
        let token = shop.order(&order).await;
        ledger.take();
        let token = json!({ "pspReference": reference, "orderData": token["orderData"] });
        authorised(&shop.pay_card(&token, u64::try_from(amount).unwrap(), "4111111111111111").await);
        step(name);
    }
    let moved = |reference: &str, amount: usize, tax: usize| {
        json!({ "transaction": {
            "description": "A part", "amount": amount, "vatAmount": tax, "payeeReference": reference,
        } })
    };
    post(&format!("{id}/captures"), &moved("C-1", 100, 20)).await;
    step("capture");
    let mut by_item = moved("C-2", 100, 20);
    by_item["transaction"]["orderItems"] = json!([cart(1)["paymentorder"]["orderItems"][0]]);
    post(&format!("{id}/captures"), &by_item).await;
    step("capture by item");
    post(&format!("{id}/reversals"), &moved("R-1", 50, 10)).await;
    step("reversal");
    steps
}

#[tokio::test]
async fn an_order_of_200_lines_costs_the_same_per_payment_as_one_of_2() {
    let (shop, ledger, _dynamo) = counted_shop().await;
    let (small, large) = (life_of(2, &shop, &ledger).await, life_of(200, &shop, &ledger).await);
    for ((name, small, small_lines), (_, large, large_lines)) in small.iter().zip(&large) {
        assert_eq!(*small_lines, Count::default(), "{name}: a few lines stand in the order's own log");
        match *name {
            // What is given is written once, beside the order, which refers to it. Told back are only links.
            "open" | "update" => {
                assert_eq!(large.writes, small.writes, "{name}");
                assert!(large.write_units <= small.write_units, "{name}: {large:?} and {small:?}");
                assert_eq!((large_lines.writes, large_lines.write_units), (1, LINES_OF_200), "{name}");
            }
            // What names lines reads them, and nothing else.
            "capture by item" => {
                let of_order = |count: &Count| (count.writes, count.write_units, count.index_units);
                assert_eq!(of_order(small), of_order(large), "{name}");
                assert_eq!((large_lines.writes, large_lines.write_units), (0, 0), "{name}");
                assert_eq!(large_lines.reads, 1, "{name}: for the rules");
            }
            _ => {
                let units = |count: &Count| (count.writes, count.write_units, count.index_units, count.reads);
                assert_eq!(units(small), units(large), "{name}");
                assert_eq!((large_lines.writes, large_lines.write_units), (0, 0), "{name}");
            }
        }
    }
    for (name, payment, lines) in large.iter().filter(|(name, ..)| name.ends_with("payment")) {
        let units = (payment.write_units, payment.index_units);
        assert_eq!((units, *lines), ((2, 1), Count::default()), "{name}: as of an order without lines");
    }
}

#[tokio::test]
async fn opening_an_order_is_one_write_unit_and_no_read() {
    let (shop, ledger, _dynamo) = counted_shop().await;
    let mut body = tests::shop::order_of(10_000);
    body["reference"] = serde_json::json!("r".repeat(80));
    let opened = shop.post_keyed("/v72/orders", &"k".repeat(64), &body).await;
    assert_eq!(opened.status, 200);
    assert_eq!(ledger.take(), BTreeMap::from([("order", Count::writes(1))]), "one request in all");
}

#[tokio::test]
async fn paying_with_a_fresh_token_is_two_writes_of_which_one_is_listed_and_no_read() {
    let (shop, ledger, _dynamo) = counted_shop().await;
    let opened = shop.open_order(10_000).await;
    ledger.take();
    authorised(&shop.pay_card(&opened.order(), 8_000, "4111111111111111").await);
    let counts = ledger.take();
    assert_eq!(counts["order"], Count::listed(2, 1), "a payment is found by the merchant's reference");
    assert_eq!(
        counts["sandbox"],
        Count::writes(1),
        "the sandbox keeps books of its own, as an acquirer does elsewhere"
    );
    assert_eq!(counts.len(), 2);
}

#[tokio::test]
async fn the_five_call_order_is_nine_write_units_and_two_of_the_index() {
    let (shop, ledger, _dynamo) = counted_shop().await;
    let opened = shop.open_order(10_000).await;
    assert_eq!(ledger.orders(), Count::writes(1));
    let gift_card = shop.pay_gift_card(&opened.order(), 2_000).await;
    authorised(&gift_card);
    assert_eq!(ledger.orders(), Count::listed(2, 1));
    authorised(&shop.pay_card(&gift_card.order(), 8_000, "4111111111111111").await);
    assert_eq!(ledger.orders(), Count::listed(2, 1));
    for (payment, amount) in [(1, 2_000), (3, 8_000)] {
        let amount = Money::try_new("EUR".parse().unwrap(), amount).unwrap();
        let capture = operate(Version::try_new(payment).unwrap(), Action::Capture, amount);
        shop.engine.app.operate(&order_key(&opened.order()), None, capture).await.unwrap();
        assert_eq!(ledger.orders(), Count::both(2, 1), "a capture reads the order once");
    }
    assert_eq!(shop.state(&opened.order()).await.version, Version::try_new(8).unwrap(), "nine commits, 0 to 8");
}

/// What a customer's credit costs beside the order: the books, the product with its offers, and what was agreed on.
#[tokio::test]
async fn credit_is_one_write_of_the_customers_books_and_a_few_reads() {
    let (shop, ledger, _dynamo) = counted_shop().await;
    let lender = Lender::open(&shop, &trusting()).await;
    let option = lender.option(CUSTOMER, "twelve");
    let body = json!({ "amount": amount(6_000), "orderReference": "order-1", "spendOptionId": option });
    ledger.take();
    let authorised = lender.keyed(&format!("/{CUSTOMER}/authorisation"), 1, &body).await;
    assert_eq!(authorised.text_at("/result"), "Authorised", "{}", authorised.text);
    let of_credit = |counts: &BTreeMap<&'static str, Count>| {
        let of = |kind| counts.get(kind).copied().unwrap_or_default();
        let (books, product, settings) = (of("credit"), of("credit product"), of("credit settings"));
        assert_eq!((product.writes, settings.writes), (0, 0));
        ((books.writes, books.write_units), (books.reads, product.reads, settings.reads))
    };
    let counts = ledger.take();
    assert_eq!(counts["order"], Count::listed(2, 1), "as any payment on its own");
    assert_eq!(of_credit(&counts), ((1, 1), (3, 2, 2)), "looked at before anything is begun, and held");
    let id = authorised.text_at("/authorisationId");
    for (number, what, order_reads) in [(2, "settle", 1), (3, "reverse", 2)] {
        let done = lender.of(&id, what, number, 3_000).await;
        assert_eq!(done.status, 200, "{}", done.text);
        let counts = ledger.take();
        assert_eq!((counts["order"].write_units, counts["order"].reads), (2, order_reads), "{what}");
        assert_eq!(of_credit(&counts), ((1, 1), (1, 0, 1)), "{what}");
    }
}

#[tokio::test]
async fn telling_an_event_is_one_write_and_three_reads() {
    let (shop, ledger, _dynamo) = counted_shop().await;
    shop.settle().await;
    let hook = Hook::create(&shop, "checkout").await;
    let opened = shop.open_order(10_000).await;
    authorised(&shop.pay_card(&opened.order(), 10_000, "4111111111111111").await);
    ledger.take();
    shop.settle().await;
    assert_eq!(hook.take_events(), ["ORDER_OPENED", "AUTHORISATION", "ORDER_CLOSED"]);
    let counts = ledger.take();
    let feed = counts["feed"];
    assert_eq!((feed.writes, feed.write_units, feed.index_units), (3, 3, 3), "an attempt is listed");
    assert_eq!((counts["feed"].reads, counts["order"].reads), (4, 4), "once more to find nothing left");
    assert_eq!(counts["access"].reads, 5, "the endpoint each time, and once by the relay");
    assert_eq!(counts["order"].writes, 0);
}

#[tokio::test]
async fn a_stale_token_is_refused_by_one_write_that_fails_and_one_read() {
    let (shop, ledger, _dynamo) = counted_shop().await;
    let opened = shop.open_order(10_000).await;
    authorised(&shop.pay_card(&opened.order(), 1_000, "4111111111111111").await);
    ledger.take();
    assert_eq!(shop.pay_card(&opened.order(), 1_000, "4111111111111111").await.error().1, "order_data_stale");
    let count = ledger.orders();
    assert_eq!((count.writes, count.index_units, count.reads), (1, 0, 1));
}

#[tokio::test]
async fn a_key_that_the_token_lists_costs_no_write() {
    let (shop, ledger, _dynamo) = counted_shop().await;
    let opened = shop.open_order(10_000).await;
    let body = tests::shop::payment(Some(&opened.order()), 1_000, tests::shop::card("4111111111111111"));
    let first = shop.post_keyed("/v72/payments", "key", &body).await;
    let mut newer = body.clone();
    newer["order"] = first.order();
    ledger.take();
    assert_eq!(shop.post_keyed("/v72/payments", "key", &newer).await.text, first.text);
    let count = ledger.orders();
    assert_eq!((count.writes, count.reads), (0, 2), "the order, and the order as it was answered then");
}

#[tokio::test]
async fn only_every_32nd_commit_is_written_with_a_read_before_it() {
    let (shop, ledger, _dynamo) = counted_shop().await;
    let mut last = shop.open_order(100_000).await;
    for payment in 0..40_u16 {
        ledger.take();
        last = shop.pay_card(&last.order(), 100, "4111111111111111").await;
        authorised(&last);
        let commits = [2 * payment + 1, 2 * payment + 2];
        let with_snapshot = commits.into_iter().filter(|version| version % 32 == 0).count();
        let count = ledger.orders();
        assert_eq!((count.writes, count.reads), (2, with_snapshot), "commits {commits:?}");
        assert!(with_snapshot > 0 || (count.write_units, count.index_units) == (2, 1), "{count:?}");
        assert!(count.items <= 32 * i32::try_from(with_snapshot).unwrap());
    }
}

/// What was asked for, and what of an order was written and read by the request, and by the worker after it.
struct Cost {
    answer: Answer,
    request: Count,
    worker: Count,
    /// What else was read and written by both.
    others: BTreeMap<&'static str, Count>,
}

impl Cost {
    /// Writes and reads of the partners' own books.
    fn partners(&self) -> (usize, usize) {
        let counts = ["gift card", "sandbox"].map(|kind| self.others.get(kind).copied().unwrap_or_default());
        counts.iter().fold((0, 0), |sum, count| (sum.0 + count.writes, sum.1 + count.reads))
    }
}

/// What a request costs, and what follows from it.
async fn cost(shop: &Shop, ledger: &Ledger, asked: impl Future<Output = Answer>) -> Cost {
    ledger.take();
    let answer = asked.await;
    let mut others = ledger.take();
    let request = others.remove("order").unwrap_or_default();
    // Until the worker has looked after what the request itself does, too.
    shop.pass(PARTNER_CALL_MAX + Duration::from_secs(1)).await;
    let mut after = ledger.take();
    let worker = after.remove("order").unwrap_or_default();
    // Keys, which are known for a while, and the endpoints that the relay looks for.
    others.remove("access");
    after.remove("access");
    for (kind, count) in after {
        assert_eq!(others.insert(kind, count), None, "either the request calls partners, or the worker does");
    }
    Cost { answer, request, worker, others }
}

/// An order of 100.00 that was paid in so many parts, the first of them by the gift card; and the payments.
async fn paid_in(shop: &Shop, parts: usize) -> (Value, Vec<String>) {
    let mut last = shop.open_order(u64::try_from(parts).unwrap() * 100).await;
    let (order, mut payments) = (last.order(), Vec::new());
    for part in 0..parts {
        let order = last.order();
        last = match part {
            0 => shop.pay_gift_card(&order, 100).await,
            _ => shop.pay_card(&order, 100, "4111111111111111").await,
        };
        authorised(&last);
        payments.push(last.text_at("/pspReference"));
    }
    shop.settle().await;
    (order, payments)
}

/// Operations that are done while the caller waits.
#[tokio::test]
async fn an_operation_over_all_parts_of_an_order_is_two_writes_of_it_and_one_read() {
    for parts in [1, 3, 12] {
        let (shop, ledger, _dynamo) = counted_shop().await;
        for operations in [&["captures", "refunds"][..], &["voids"]] {
            let (order, _) = paid_in(&shop, parts).await;
            let id = shop.order(&order).await["id"].as_str().unwrap().to_owned();
            for what in operations {
                let path = format!("/v2/payments/{id}/{what}");
                let cost = cost(&shop, &ledger, shop.ask(&path)).await;
                assert_eq!(cost.answer.status, 200, "{}", cost.answer.text);
                assert_eq!((cost.request, cost.worker), (Count::both(2, 1), Count::both(0, 1)), "{what} of {parts}");
                assert_eq!(cost.partners(), (parts, parts), "each part is asked of its partner");
            }
            let path = format!("/v2/payments/{id}/captures");
            let refused = cost(&shop, &ledger, shop.ask(&path)).await;
            assert_eq!(
                (refused.answer.status, refused.request, refused.worker),
                (422, Count::both(0, 1), Count::default())
            );
        }
    }
}

/// Operations that the worker does.
#[tokio::test]
async fn a_modification_is_two_writes_of_its_order_and_two_reads() {
    let (shop, ledger, _dynamo) = counted_shop().await;
    let (order, payments) = paid_in(&shop, 3).await;
    let of_order = order["pspReference"].as_str().unwrap();
    let [_, second, third] = payments.as_slice() else { panic!("three payments") };
    let (begun, done) = (Count::both(1, 1), Count::both(1, 1));
    for (of, what, more, worker, calls) in [
        (second.as_str(), "captures", json!({ "amount": euro(60) }), done, 1),
        // What cannot be done is put on record, and there is nothing to do.
        (second, "captures", json!({ "amount": euro(41) }), Count::default(), 0),
        (second, "refunds", json!({ "amount": euro(20) }), done, 1),
        (third, "amountUpdates", json!({ "amount": euro(70) }), done, 1),
        (third, "cancels", json!({}), done, 1),
        (second, "cancels", json!({}), done, 1),
        // The gift card is voided, and the rest of the second card refunded.
        (of_order, "reversals", json!({}), done, 2),
    ] {
        let cost = cost(&shop, &ledger, shop.modify(of, what, &more)).await;
        assert_eq!(cost.answer.status, 201, "{}", cost.answer.text);
        assert_eq!((cost.request, cost.worker), (begun, worker), "{what}");
        assert_eq!(cost.partners(), (calls, calls), "{what}");
    }
    let (_, payments) = paid_in(&shop, 1).await;
    let more = json!({ "amount": euro(60) });
    let first = shop.modify_keyed(&payments[0], "captures", "key", &more).await;
    shop.settle().await;
    let again = cost(&shop, &ledger, shop.modify_keyed(&payments[0], "captures", "key", &more)).await;
    assert_eq!((&again.answer.text, again.request, again.worker), (&first.text, Count::both(0, 1), Count::default()));
}

#[tokio::test]
async fn each_word_of_a_partner_before_its_last_is_one_more_write_and_each_look_one_more_read() {
    let (shop, ledger, _dynamo) = counted_shop().await;
    // Pending for two seconds, in which the worker looks once in vain; and timed out, known a second later.
    for (number, looks) in [("4000000000000259", 3), ("4000000000000143", 2)] {
        let paid = shop.pay_card(&shop.open_order(100).await.order(), 100, number).await.text_at("/pspReference");
        shop.settle().await;
        let cost = cost(&shop, &ledger, shop.modify(&paid, "captures", &json!({ "amount": euro(100) }))).await;
        assert_eq!((cost.request, cost.worker), (Count::both(1, 1), Count::both(2, looks)), "{number}");
    }
}

#[tokio::test]
async fn a_payment_is_found_by_its_reference_with_one_read_of_the_index() {
    let (shop, ledger, _dynamo) = counted_shop().await;
    for payments in 1..=3 {
        paid_in(&shop, 1).await;
        shop.clock.advance(Duration::from_secs(1));
        let cost = cost(&shop, &ledger, shop.cancel_by_reference("payment-1")).await;
        assert_eq!(cost.answer.status, 201, "{}", cost.answer.text);
        assert_eq!(cost.others["list"].reads, 1);
        assert_eq!(cost.request, Count::both(1, payments + 1), "each order it may be in, and that order once more");
        assert_eq!(cost.worker, Count::both(1, 1));
    }
}
