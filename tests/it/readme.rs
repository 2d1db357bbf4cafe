//! What the README says to paste works when pasted.

use std::process::Command;

use tests::{
    repository,
    shop::{API_KEY, On, Shop},
};

/// The shell commands of a page that begin with `curl`.
fn commands(page: &str) -> Vec<String> {
    let page = std::fs::read_to_string(repository().join(page)).unwrap();
    page.lines().filter(|line| line.starts_with("curl ")).map(str::to_owned).collect()
}

async fn run(shop: &Shop, scratch: &std::path::Path, command: &str, key: &str) -> serde_json::Value {
    let command = command
        .replace("http://127.0.0.1:3000", &shop.url)
        .replace(key, API_KEY)
        .replace("/tmp/tender-order.json", scratch.to_str().unwrap());
    let output = tokio::task::spawn_blocking(move || Command::new("sh").args(["-c", &command]).output()).await;
    let output = output.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_order_works_when_pasted() {
    let shop = Shop::open(On::Embedded).await;
    let folder = tempfile::tempdir().unwrap();
    let scratch = folder.path().join("order.json");
    let commands = commands("README.md");
    let [open, gift_card, card, look, capture] = commands.as_slice() else {
        panic!("the README has five: {commands:#?}")
    };
    let key = "tender-demo-key";
    let opened = run(&shop, &scratch, open, key).await;
    assert_eq!(opened["remainingAmount"]["value"], 10_000);
    let paid = run(&shop, &scratch, gift_card, key).await;
    assert_eq!(paid["order"]["remainingAmount"]["value"], 8_000);
    let paid = run(&shop, &scratch, card, key).await;
    assert_eq!(paid["order"]["remainingAmount"]["value"], 0);
    let order = run(&shop, &scratch, look, key).await;
    assert_eq!((&order["status"], &order["success"]), (&"closed".into(), &true.into()));
    let captured = run(&shop, &scratch, capture, key).await;
    let shares = captured["captures"][0]["partner_transactions"].as_array().unwrap().iter();
    assert_eq!(shares.map(|share| &share["amount"]).collect::<Vec<_>>(), [2_000, 4_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_payment_in_five_requests_works_when_pasted() {
    let shop = Shop::open(On::Embedded).await;
    let folder = tempfile::tempdir().unwrap();
    let commands = commands("docs/PAYMENTS.md");
    let [token, session, pay, capture, refund] = commands.as_slice() else {
        panic!("docs/PAYMENTS.md has five: {commands:#?}")
    };
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mut answers = Vec::new();
    for command in [token, session, pay, capture, refund] {
        let command = command.replace("/tmp/tender-token.json", &path("token.json"));
        let command = command.replace("/tmp/tender-session.json", &path("session.json"));
        answers.push(run(&shop, &folder.path().join("unused"), &command, "tender-demo-key").await);
    }
    assert_eq!(answers[0]["token_type"], "Bearer");
    assert_eq!(answers[2]["resultCode"], "Authorised");
    assert_eq!(answers[3]["amounts"]["available_to_capture"], 4_000);
    assert_eq!(answers[4]["amounts"]["available_to_refund"], 5_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_swap_in_ten_requests_works_when_pasted() {
    let shop = Shop::open(On::Embedded).await;
    let folder = tempfile::tempdir().unwrap();
    let commands = commands("docs/SHOPPING.md");
    assert_eq!(commands.len(), 10, "docs/SHOPPING.md has ten: {commands:#?}");
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mut answers = Vec::new();
    for command in commands {
        let command = command.replace("/tmp/tender-draft.json", &path("draft.json"));
        let command = command.replace("/tmp/tender-shop-order.json", &path("order.json"));
        answers.push(run(&shop, &folder.path().join("unused"), &command, "tender-demo-key").await);
    }
    assert_eq!(answers[5]["orders"][0]["excess_amount"], 9_800);
    assert!([2, 3, 6, 7, 8, 9].iter().all(|nth| answers[*nth]["success"] == true), "{answers:#?}");
    let order = answers[1]["orders"][0]["order_id"].as_str().unwrap();
    let order = shop.get(&format!("/v1/accounts/TestMerchant/shopping/orders/{order}")).await;
    assert_eq!((order.text_at("/payment_status").as_str(), order.at("/captured_amount")), ("paid", 30_000.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_purchase_on_credit_in_eight_requests_works_when_pasted() {
    let shop = Shop::open(On::Embedded).await;
    let folder = tempfile::tempdir().unwrap();
    let commands = commands("docs/ORDERPROCESSING.md");
    assert_eq!(commands.len(), 8, "docs/ORDERPROCESSING.md has eight: {commands:#?}");
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mut answers = Vec::new();
    for command in commands {
        let command = command.replace("/tmp/tender-options.json", &path("options.json"));
        let command = command.replace("/tmp/tender-authorisation.json", &path("authorisation.json"));
        answers.push(run(&shop, &folder.path().join("unused"), &command, "tender-demo-key").await);
    }
    assert_eq!(answers[4]["spendOptions"][0]["illustration"]["monthlyPayment"], 10.55);
    assert_eq!(answers[5]["result"], "Authorised");
    assert!(answers[6]["transactionId"].is_string(), "{answers:#?}");
    assert_eq!(answers[7]["remainingFloat"]["value"], 0.0);
}

#[test]
fn what_the_engine_prints_is_what_the_readme_says() {
    let printed = local::first_order("http://127.0.0.1:3000", "tender-demo-key");
    assert_eq!(commands("README.md")[..3], printed, "copy what `cargo run` prints into the README");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_engine_prints_works_when_pasted() {
    let shop = Shop::open(On::Embedded).await;
    let folder = tempfile::tempdir().unwrap();
    let mut last = serde_json::Value::Null;
    for command in local::first_order(&shop.url, API_KEY) {
        last = run(&shop, &folder.path().join("order.json"), &command, API_KEY).await;
    }
    assert_eq!(last["order"]["remainingAmount"]["value"], 0);
}
