//! What a million orders cost, from what one is charged for. The table is in `docs/COST.md`.

use std::fmt::Write;

use serde_json::json;
use tests::{receiver::Receiver, repository, shop::euro};

use crate::{
    cloud::{Charges, Cloud},
    life::{APPROVED, card, gift_card, open, pay},
};

/// How long a function is taken to wait for one call of a service in its region, in milliseconds.
const CALL_MS: u64 = 5;

/// How long a function is taken to work for one event by itself, in milliseconds.
const OWN_MS: u64 = 3;

/// How long a merchant's endpoint is taken to take for one webhook, in milliseconds.
const ENDPOINT_MS: u64 = 100;

/// Bytes of the access log's line for one request in the template's format, its values as long as they are for a payment,
/// with what CloudWatch adds to each.
const ACCESS_LOG_BYTES: u64 = 260;

/// Bytes that CloudWatch charges for beside those of each line.
const BYTES_BESIDE_LINE: u64 = 26;

/// Billionths of a dollar.
const BILLION: u64 = 1_000_000_000;

/// What is charged for, with the price of a million of it in billionths of a dollar: us-east-1, arm64, 256 MB, beyond
/// the free tiers, before discounts for volume.
const PRICES: [(&str, u64); 9] = [
    ("requests of the HTTP API", 1_000_000_000),
    ("calls of functions", 200_000_000),
    // 0.0000133334 dollars for a gigabyte and a second.
    ("milliseconds of functions", 3_333_350),
    ("write units", 625_000_000),
    ("read units", 125_000_000),
    ("requests of queues", 400_000_000),
    ("events on the bus", 1_000_000_000),
    // 5 dollars for a million traces; one call in twenty is traced.
    ("traces of calls, each twentieth", 250_000_000),
    // 0.50 dollars for a gigabyte.
    ("bytes of logs", 500_000),
];

/// One step of an order, as it is charged for.
struct Step {
    counts: [u64; PRICES.len()],
    bytes_kept: u64,
}

/// Takes a step. The stream hands over its commits when it is done, as it does on AWS, where that takes longer than most
/// requests.
async fn step(cloud: &Cloud, hook: &Receiver, is_told: usize, request: impl AsyncFnOnce()) -> Step {
    let services = &cloud.services;
    let (calls, bytes) = (cloud.handed_over(), logged(cloud));
    services.take_charges();
    services.pause_stream(true);
    request().await;
    services.pause_stream(false);
    cloud.settle().await;
    let told = hook.take().len();
    assert_eq!(told, is_told, "the endpoint is told of each event");

    let Charges { calls: asked, write_units, half_read_units, bytes_kept, queue_requests, events } =
        services.take_charges();
    let calls = cloud.handed_over() - calls;
    let time = calls * OWN_MS + asked * CALL_MS + told as u64 * ENDPOINT_MS;
    let bytes = logged(cloud) - bytes + ACCESS_LOG_BYTES;
    let read_units = half_read_units.div_ceil(2);
    Step { counts: [1, calls, time, write_units, read_units, queue_requests, events, calls, bytes], bytes_kept }
}

fn logged(cloud: &Cloud) -> u64 {
    cloud.lines().iter().map(|line| line.text.len() as u64 + BYTES_BESIDE_LINE).sum()
}

/// Dollars and cents of what so many cost, at the price of a million in billionths of a dollar.
fn dollars(billionths: u64) -> String {
    let cents = (billionths + 5_000_000) / 10_000_000;
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// Bytes of logs and of storage vary with what references and times look like: told in hundreds.
fn rounded(count: u64) -> u64 {
    if count < 1_000 { count } else { (count + 50) / 100 * 100 }
}

/// The table, and what it comes to in billionths of a dollar.
fn table(steps: &[Step]) -> (String, u64) {
    let mut table = String::from(
        "| | open | gift card | card | an order | price of a million | a million orders |\n|---|---|---|---|---|---|---|\n",
    );
    let mut sum = 0;
    for (place, (what, price)) in PRICES.iter().enumerate() {
        let counts = steps.iter().map(|step| rounded(step.counts[place])).collect::<Vec<_>>();
        let all = counts.iter().sum::<u64>();
        sum += all * price;
        let counts = counts.iter().map(u64::to_string).collect::<Vec<_>>().join(" | ");
        let (whole, part) = (price / BILLION, format!("{:09}", price % BILLION));
        let part = part.trim_end_matches('0');
        writeln!(table, "| {what} | {counts} | {all} | {whole}.{part:0<2} | {} |", dollars(all * price)).unwrap();
    }
    writeln!(table, "| **all** | | | | | | **{}** |", dollars(sum)).unwrap();
    (table, sum)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_orders_cost_what_the_docs_say() {
    let cloud = Cloud::start().await;
    let created = cloud.send(cloud.event("create-merchant")).await;
    cloud.know("entityId", &created.text_at("/entityId"));
    cloud.know("apiKey", &cloud.send(cloud.event("create-api-key")).await.text_at("/apiKey"));
    assert_eq!(cloud.send(cloud.event("issue-gift-card")).await.status, 201);
    let hook = Receiver::start().await;
    cloud.know("receiver", &hook.url);

    let untold = an_order(&cloud, &hook, [0, 0, 0]).await;
    let endpoint = cloud.event("create-webhook").with(&json!({ "format": "checkout" }));
    assert_eq!(cloud.send(endpoint).await.status, 201);
    let told = an_order(&cloud, &hook, [1, 1, 2]).await;

    let docs = std::fs::read_to_string(repository().join("docs/COST.md")).unwrap();
    let says = |text: &str| assert!(docs.contains(text), "docs/COST.md does not say:\n{text}");
    let (table, all) = table(&told);
    says(&table);
    let (_, without) = self::table(&untold);
    says(&format!("Without an endpoint to tell, it is {} dollars", dollars(without)));
    let kept = |steps: &[Step]| rounded(steps.iter().map(|step| step.bytes_kept).sum());
    says(&format!("An order is {} bytes, and {} with what its endpoint was told", kept(&untold), kept(&told)));
    assert!(all > without);
}

/// An order of three steps, of which the endpoint is told so many events each, once all functions have started.
async fn an_order(cloud: &Cloud, hook: &Receiver, [opened, by_gift_card, by_card]: [usize; 3]) -> [Step; 3] {
    let order = async || {
        [
            step(cloud, hook, opened, async || drop(open(cloud, 10_000).await)).await,
            step(cloud, hook, by_gift_card, async || drop(pay(cloud, 2_000, gift_card()).await)).await,
            step(cloud, hook, by_card, async || {
                let paid = pay(cloud, 8_000, card(APPROVED)).await;
                assert_eq!(paid.at("/order/remainingAmount"), euro(0), "{}", paid.text);
            })
            .await,
        ]
    };
    // The first has processes start, which read the secrets, the API key and the table for nothing.
    order().await;
    order().await
}
