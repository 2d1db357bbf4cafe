//! What the README says to paste works when pasted.

use std::process::Command;

use tests::{
    repository,
    shop::{API_KEY, On, Shop},
};

/// The shell commands of the README that begin with `curl`.
fn commands() -> Vec<String> {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    readme.lines().filter(|line| line.starts_with("curl ")).map(str::to_owned).collect()
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
    let commands = commands();
    let [open, gift_card, card, look] = commands.as_slice() else { panic!("the README has four: {commands:#?}") };
    let key = "tender-demo-key";
    let opened = run(&shop, &scratch, open, key).await;
    assert_eq!(opened["remainingAmount"]["value"], 10_000);
    let paid = run(&shop, &scratch, gift_card, key).await;
    assert_eq!(paid["order"]["remainingAmount"]["value"], 8_000);
    let paid = run(&shop, &scratch, card, key).await;
    assert_eq!(paid["order"]["remainingAmount"]["value"], 0);
    let order = run(&shop, &scratch, look, key).await;
    assert_eq!((&order["status"], &order["success"]), (&"closed".into(), &true.into()));
}

#[test]
fn what_the_engine_prints_is_what_the_readme_says() {
    let printed = local::first_order("http://127.0.0.1:3000", "tender-demo-key");
    assert_eq!(commands()[..3], printed, "copy what `cargo run` prints into the README");
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
