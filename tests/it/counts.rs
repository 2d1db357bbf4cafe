//! What the path that takes money costs on DynamoDB, counted at DynamoDB's own API.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::{
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeSerializationInterceptorContextRef},
    error::BoxError,
    operation::{put_item::PutItemInput, query::QueryInput},
    types::AttributeValue,
};
use domain::{Action, Money, Version};
use tests::{
    hook::Hook,
    shop::{Answer, Shop, operate, order_key},
};

/// Requests that reached DynamoDB, by the aggregate they are of.
#[derive(Debug, Clone, Default)]
struct Ledger(Arc<Mutex<BTreeMap<&'static str, Count>>>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    writes: usize,
    /// DynamoDB charges one unit for each kilobyte of an item that is begun.
    write_units: usize,
    reads: usize,
    /// Items that reads may have read.
    items: i32,
}

impl Count {
    fn writes(writes: usize) -> Self {
        Self { writes, write_units: writes, ..Self::default() }
    }
}

impl Ledger {
    /// What was counted since the last time it was taken.
    fn take(&self) -> BTreeMap<&'static str, Count> {
        std::mem::take(&mut self.0.lock().unwrap())
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
        let mut counts = self.0.lock().unwrap();
        if let Some(put) = input.downcast_ref::<PutItemInput>() {
            let item = put.item().unwrap();
            let count = counts.entry(kind(&item["pk"])).or_default();
            count.writes += 1;
            count.write_units +=
                item.iter().map(|(name, value)| name.len() + size(value)).sum::<usize>().div_ceil(1_024);
        } else if let Some(query) = input.downcast_ref::<QueryInput>() {
            let count = counts.entry(kind(&query.expression_attribute_values().unwrap()[":pk"])).or_default();
            assert_eq!(query.consistent_read(), Some(true), "who wrote, reads what was written");
            count.reads += 1;
            count.items += query.limit().unwrap();
        } else {
            counts.entry("other").or_default().reads += 1;
        }
        Ok(())
    }
}

/// Which aggregate a partition key is of.
fn kind(pk: &AttributeValue) -> &'static str {
    let (owner, id) = pk.as_s().unwrap().split_once('/').unwrap();
    match id.split_once('-').map(|(kind, _)| kind) {
        _ if owner.starts_with('@') => "access",
        Some("sandbox") => "sandbox",
        Some("giftcard") => "gift card",
        Some("feed") => "feed",
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
async fn paying_with_a_fresh_token_is_two_write_units_and_no_read() {
    let (shop, ledger, _dynamo) = counted_shop().await;
    let opened = shop.open_order(10_000).await;
    ledger.take();
    authorised(&shop.pay_card(&opened.order(), 8_000, "4111111111111111").await);
    let counts = ledger.take();
    assert_eq!(counts["order"], Count::writes(2));
    assert_eq!(
        counts["sandbox"],
        Count::writes(1),
        "the sandbox keeps books of its own, as an acquirer does elsewhere"
    );
    assert_eq!(counts.len(), 2);
}

#[tokio::test]
async fn the_five_call_order_is_nine_write_units() {
    let (shop, ledger, _dynamo) = counted_shop().await;
    let opened = shop.open_order(10_000).await;
    assert_eq!(ledger.orders(), Count::writes(1));
    let gift_card = shop.pay_gift_card(&opened.order(), 2_000).await;
    authorised(&gift_card);
    assert_eq!(ledger.orders(), Count::writes(2));
    authorised(&shop.pay_card(&gift_card.order(), 8_000, "4111111111111111").await);
    assert_eq!(ledger.orders(), Count::writes(2));
    let mut captures = Count::default();
    for (payment, amount) in [(1, 2_000), (3, 8_000)] {
        let amount = Money::try_new("EUR".parse().unwrap(), amount).unwrap();
        let capture = operate(Version::try_new(payment).unwrap(), Action::Capture, amount);
        shop.engine.app.operate(&order_key(&opened.order()), None, capture).await.unwrap();
        let count = ledger.orders();
        captures.writes += count.writes;
        captures.write_units += count.write_units;
        assert_eq!(count.reads, 1, "a capture reads the order once");
    }
    assert_eq!((captures.writes, captures.write_units), (4, 4));
    assert_eq!(shop.state(&opened.order()).await.version, Version::try_new(8).unwrap(), "nine commits, 0 to 8");
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
    // An attempt is listed, which is one more unit of the list's index.
    assert_eq!((counts["feed"].writes, counts["feed"].write_units), (3, 3));
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
    assert_eq!((count.writes, count.reads), (1, 1));
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
        assert!(with_snapshot > 0 || count.write_units == 2, "{count:?}");
        assert!(count.items <= 32 * i32::try_from(with_snapshot).unwrap());
    }
}
