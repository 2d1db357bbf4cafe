//! What the rules and the token cost: `cargo bench -p bench`.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use api::Tokens;
use divan::{Bencher, black_box};
use domain::{
    Aggregate, MerchantAccount, Money, Order, OrderId, Time, Version,
    order::{
        Command, Decision, Finding, KeyPrint, Method, MethodKind, Open, OrderEvent, PartnerId, Reserve, Resolution,
    },
};

fn main() {
    divan::main();
}

const NOW: Time = Time::from_unix_s(1_769_860_800);

fn euro(minor: u64) -> Money {
    Money::try_new("EUR".parse().unwrap(), minor).unwrap()
}

fn open() -> Open {
    Open {
        reference: "order-1".into(),
        amount: euro(1_000_000),
        expires_at: None,
        token_key: 1,
        session: None,
        cart: None,
        details: None,
        key: None,
    }
}

fn reserve(order: &Order, key: Option<KeyPrint>) -> Command {
    Command::Reserve(Reserve {
        seen: order.version,
        amount: euro(100),
        reference: "payment-1".into(),
        method: Method { kind: MethodKind::Card, brand: "visa".into(), last4: Some("1111".into()) },
        partner: PartnerId::Sandbox,
        token: "sandbox-visa-1111".into(),
        act_by: None,
        key,
    })
}

fn commit(order: Option<Order>, events: &[OrderEvent]) -> Order {
    let version = order.as_ref().map_or(Version::FIRST, |order| order.version.next().unwrap());
    Order::evolve_all(order, events, version, NOW).unwrap()
}

fn decide(order: &Order, command: &Command) -> Vec<OrderEvent> {
    match order.decide(command, NOW).unwrap() {
        Decision::Commit(events) => events,
        Decision::Already(_) => Vec::new(),
    }
}

/// An order with so many payments, each with an idempotency key.
fn order(payments: u8) -> Order {
    (0..payments).fold(commit(None, &Order::open(&open(), None, NOW).unwrap()), |order, payment| {
        let reserved = decide(&order, &reserve(&order, Some(KeyPrint { key: [payment; 8], request: [0; 8] })));
        let order = commit(Some(order), &reserved);
        let findings = vec![Finding::Payment { payment: order.version, resolution: Resolution::Authorised }];
        let resolved = decide(&order, &Command::Record { findings, key: None });
        commit(Some(order), &resolved)
    })
}

const PAYMENTS: &[u8] = &[0, 2, 60];

#[divan::bench]
fn open_an_order(bencher: Bencher<'_, '_>) {
    let open = open();
    bencher.bench_local(|| commit(None, &Order::open(black_box(&open), None, NOW).unwrap()));
}

#[divan::bench(args = PAYMENTS)]
fn decide_and_evolve_a_payment(bencher: Bencher<'_, '_>, payments: u8) {
    let order = order(payments);
    let command = reserve(&order, None);
    bencher.with_inputs(|| order.clone()).bench_local_values(|order| {
        let events = decide(&order, black_box(&command));
        commit(Some(order), &events)
    });
}

#[divan::bench(args = PAYMENTS)]
fn fold_from_a_snapshot(bencher: Bencher<'_, '_>, payments: u8) {
    let snapshot = serde_json::to_string(&order(payments)).unwrap();
    bencher.bench_local(|| serde_json::from_str::<Order>(black_box(&snapshot)).unwrap());
}

fn tokens() -> (Tokens, MerchantAccount, OrderId) {
    let merchant = MerchantAccount::try_new("TestMerchant").unwrap();
    (Tokens::try_new(&[(1, [7; 32])]).unwrap(), merchant, OrderId::from_entropy([9; 16]))
}

#[divan::bench(args = PAYMENTS)]
fn seal_a_token(bencher: Bencher<'_, '_>, payments: u8) {
    let ((tokens, merchant, id), order) = (tokens(), order(payments));
    bencher.bench_local(|| tokens.seal(&merchant, id, black_box(&order)));
}

#[divan::bench(args = PAYMENTS)]
fn open_a_token(bencher: Bencher<'_, '_>, payments: u8) {
    let (tokens, merchant, id) = tokens();
    let token = tokens.seal(&merchant, id, &order(payments));
    bencher.bench_local(|| tokens.open(&merchant, id, black_box(&token)).unwrap());
}
