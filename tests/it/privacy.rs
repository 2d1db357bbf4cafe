//! No card number, no security code's owner, no key ever reaches the store or a log.

use std::{path::Path, process::Command, sync::Arc};

use serde_json::json;
use tests::{
    page::{Page, gift_card},
    shop::{API_KEY, OPERATOR_KEY, Shop, card, order_of, payment},
    widget::Widget,
};

/// Set for the process whose log and store are searched: the folder that it leaves them in.
const FOLDER: &str = "TENDER_TEST_PRIVACY_FOLDER";

const CARDS: &[&str] = &[
    "4111111111111111",
    "4000000000000002",
    "4000000000003220",
    "4000000000000119",
    "4000000000000127",
    "4242424242424242",
    "4111111111111112",
];

/// A process of its own has a log of its own: the one of this process is shared by all tests in it.
#[test]
fn numbers_and_keys_are_nowhere_to_be_found() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "privacy::leaves_its_log_and_its_store"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));

    let read = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    let logged = read(&folder.path().join("log"));
    let stored = std::fs::read_dir(folder.path().join("store")).unwrap();
    let stored = stored.map(|file| read(&file.unwrap().path())).collect::<String>();
    assert!(logged.contains("TRACE") && logged.contains("refused"), "what is searched is what was logged");
    assert!(stored.contains("payment_reserved"), "what is searched is what was stored");
    let secrets = [local::TEST_GIFT_CARD, API_KEY, OPERATOR_KEY, "a-wrong-key-0123456789"];
    // What was made up there: a token, and a code as it stands in a body.
    let made = read(&folder.path().join("made"));
    let made = made.lines().collect::<Vec<_>>();
    assert_eq!(made.len(), 2);
    for secret in CARDS.iter().chain(&secrets).chain(&made) {
        assert!(!stored.contains(secret), "{secret} was stored");
        assert!(!logged.contains(secret), "{secret} was logged");
    }
}

/// The work of the other process.
#[tokio::test]
async fn leaves_its_log_and_its_store() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let log = std::fs::File::create(folder.join("log")).unwrap();
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log).init();
    tracing::trace!("the log is complete");
    std::fs::create_dir(folder.join("store")).unwrap();
    let store = embedded::SqliteLog::open(&folder.join("store/tender.db")).unwrap();
    let shop = Shop::over(Arc::new(store)).await;
    let mut last = shop.open_order(100_000).await;
    for number in CARDS {
        let answer = shop.post_keyed("/v72/payments", number, &payment(Some(&last.order()), 100, card(number))).await;
        last = if answer.status == 200 { answer } else { last };
        shop.post("/v72/payments", &payment(None, 100, card(number))).await;
        let encrypted = json!({ "type": "scheme", "encryptedCardNumber": format!("test_{number}") });
        shop.post("/v72/payments", &payment(None, 100, encrypted)).await;
        let as_number = json!({ "type": "scheme", "number": number.parse::<u64>().unwrap() });
        shop.post("/v72/payments", &payment(None, 100, as_number)).await;
    }
    let page = Page::of(&last);
    for number in CARDS {
        let card = json!({ "number": number, "expiryMonth": "03", "expiryYear": "2030", "cvc": "737" });
        let made = shop.send(shop.bare(reqwest::Method::POST, "/sandbox/cards").json(&card)).await;
        page.pay_with_token(&shop, 100, &made.text_at("/token")).await;
    }
    page.pay(&shop, 100, gift_card()).await;
    let balance = json!({ "brand": "givex", "number": local::TEST_GIFT_CARD, "code": "999" });
    page.post(&shop, "balance", &balance).await;
    let widget = Widget::open(&shop, &json!({ "returnUrl": "https://shop.example/" })).await;
    std::fs::write(folder.join("made"), format!("{}\n\"{}\"", widget.token, widget.code(&shop))).unwrap();
    widget.show(&shop).await;
    widget.give(&shop, &widget.wrong_code(&shop)).await;
    widget.give(&shop, &widget.code(&shop)).await;
    widget.authorise(&shop, "order-1").await;
    let last = shop.order(&last.order()).await;
    let last = json!({ "pspReference": last["pspReference"], "orderData": last["orderData"] });
    let paid = shop.pay_gift_card(&last, 100).await;
    assert_eq!(paid.status, 200, "{}", paid.text);
    shop.get(&format!("/admin/v1/giftCards/{}", local::TEST_GIFT_CARD)).await;
    shop.clock.advance(std::time::Duration::from_secs(5));
    shop.order(&paid.order()).await;
    shop.cancel(&paid.order()).await;
    shop.send(shop.bare(reqwest::Method::POST, "/v72/orders").header("X-API-Key", OPERATOR_KEY).json(&order_of(1)))
        .await;
    shop.send(
        shop.bare(reqwest::Method::POST, "/v72/orders")
            .header("X-API-Key", "a-wrong-key-0123456789")
            .json(&order_of(1)),
    )
    .await;
}
