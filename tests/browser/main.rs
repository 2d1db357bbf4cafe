//! The payment page, and the authentication page, in a browser: `.ci/browser`. Pictures of them are left in `target/browser`.
//!
//! Nothing here waits for a time to pass: conditions of the page are waited for, with a deadline.
#![expect(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod browser;
mod merchant;
mod sca;

use fantoccini::key::Key;
use serde_json::{Value, json};
use tests::{
    page::{Page, gift_card},
    shop::{On, Shop},
};

use browser::Browser;
use merchant::Merchant;

const APPROVED: &str = "4111111111111111";
const REFUSED: &str = "4000000000000002";
const AUTHENTICATED: &str = "4000000000003220";
const PENDING: &str = "4000000000000077";

const TITLE: &str = "#pay-title";
const STATUS: &str = "#status";
const ALERT: &str = "#alert";
const SUBMIT: &str = "#submit";

/// A shop with an order of so many cents, and a browser on its page.
async fn shown(value: u64) -> (Shop, Page, Browser) {
    let shop = Shop::open(On::Embedded).await;
    let page = Page::of(&shop.open_order(value).await);
    let browser = Browser::start().await;
    browser.go(&format!("{}{}", shop.url, page.path(&shop))).await;
    browser.until("document.querySelector('#submit')").await;
    (shop, page, browser)
}

/// A shop with an order of lines, and a browser on its page.
async fn shown_with_lines(urls: &Value) -> (Shop, Page, Browser) {
    let shop = Shop::open(On::Embedded).await;
    let page = Page::with_lines(&shop, urls).await;
    let browser = Browser::start().await;
    browser.go(&format!("{}{}", shop.url, page.path(&shop))).await;
    browser.until("document.querySelector('#submit')").await;
    (shop, page, browser)
}

async fn choose(browser: &Browser, method: &str) {
    browser.click(&format!("label[for=method-{method}]")).await;
}

async fn fill_gift_card(browser: &Browser) {
    choose(browser, "giftcard").await;
    browser.fill("#giftcard-number", local::TEST_GIFT_CARD).await;
    browser.fill("#giftcard-code", local::TEST_GIFT_CARD_CODE).await;
}

async fn fill_card(browser: &Browser, number: &str) {
    choose(browser, "card").await;
    browser.fill("#card-number", number).await;
    browser.fill("#card-expiry", "03/30").await;
    browser.fill("#card-code", "737").await;
}

async fn fill_part(browser: &Browser, amount: &str) {
    if browser.run("return !document.querySelector('#part').checked").await == true {
        browser.click("label[for=part]").await;
    }
    browser.fill("#amount", amount).await;
}

#[tokio::test]
async fn a_part_by_gift_card_and_the_rest_by_card() {
    let (shop, page, browser) = shown(10_000).await;
    assert_eq!(browser.text(TITLE).await, "Pay €100.00");
    fill_gift_card(&browser).await;
    fill_part(&browser, "20,00").await;
    assert_eq!(browser.text(SUBMIT).await, "Pay €20.00");
    browser.click(SUBMIT).await;
    browser.says(TITLE, "Pay the remaining €80.00").await;
    browser.says(STATUS, "€20.00 is paid. €80.00 remains to be paid.").await;
    assert_eq!(browser.run("return document.activeElement.id").await, "pay-title", "the next step has the focus");
    assert!(browser.text("#order").await.contains("Paid: Gift card ending in 0000"));
    browser.picture("part-paid").await;

    fill_card(&browser, APPROVED).await;
    assert_eq!(browser.text(SUBMIT).await, "Pay €80.00");
    browser.click(SUBMIT).await;
    browser.says(TITLE, "Paid").await;
    browser.says(STATUS, "Your order is paid in full.").await;
    assert_eq!(page.order(&shop).await.text_at("/status"), "paid");
    browser.picture("paid").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_gift_card_pays_what_it_has() {
    let (shop, page, browser) = shown(10_000).await;
    fill_gift_card(&browser).await;
    assert_eq!(browser.text(SUBMIT).await, "Pay with this gift card");
    fill_part(&browser, "50.01").await;
    browser.click(SUBMIT).await;
    browser.says("#amount-error", "The gift card has €50.00 left.").await;
    browser.click("label[for=part]").await;
    browser.click(SUBMIT).await;
    browser.says(TITLE, "Pay the remaining €50.00").await;
    fill_gift_card(&browser).await;
    browser.click(SUBMIT).await;
    browser.says(ALERT, "This gift card cannot be used: nothing is left on it.").await;
    assert_eq!(page.order(&shop).await.at("/remaining"), json!(5_000));
}

#[tokio::test]
async fn by_ideal_there_and_back() {
    let (_shop, _, browser) = shown(10_000).await;
    choose(&browser, "ideal").await;
    fill_part(&browser, "30").await;
    browser.click(SUBMIT).await;
    browser.until("document.title === 'Tender sandbox'").await;
    browser.click("form[action$=refuse] button").await;
    browser.says(ALERT, "Nothing was paid: you cancelled it.").await;
    browser.says(TITLE, "Pay €100.00").await;
    assert_eq!(browser.run("return location.search").await, "", "what came back is not kept in the address");

    // Who comes back without having paid is led there again.
    choose(&browser, "ideal").await;
    browser.click(SUBMIT).await;
    browser.until("document.title === 'Tender sandbox'").await;
    browser.client.back().await.unwrap();
    browser.says(TITLE, "Finish your payment").await;
    browser.says("#pay", "Your payment of €100.00 is not finished.").await;
    browser.picture("unfinished").await;
    browser.click("#pay a").await;
    browser.until("document.title === 'Tender sandbox'").await;
    browser.click("form[action$=approve] button").await;
    browser.says(TITLE, "Paid").await;
}

#[tokio::test]
async fn a_refused_card_says_why_and_another_is_taken() {
    let (_shop, _, browser) = shown(10_000).await;
    fill_card(&browser, REFUSED).await;
    browser.click(SUBMIT).await;
    browser.says(ALERT, "Nothing was paid: it was refused. You can try again.").await;
    assert_eq!(
        browser.run("return document.querySelector('#card-number').value").await,
        REFUSED,
        "what was typed stays"
    );
    browser.picture("refused").await;

    fill_card(&browser, AUTHENTICATED).await;
    browser.click(SUBMIT).await;
    browser.until("document.title === 'Tender sandbox'").await;
    browser.click("form[action$=approve] button").await;
    browser.says(TITLE, "Paid").await;
}

#[tokio::test]
async fn what_is_typed_wrong_is_told_beside_its_field() {
    let (shop, page, browser) = shown(10_000).await;
    browser.click(SUBMIT).await;
    browser.says("#card-number-error", "Enter the number on your card.").await;
    assert_eq!(browser.run("return document.activeElement.id").await, "card-number", "the first that is wrong");
    assert_eq!(browser.run("return document.activeElement.getAttribute('aria-invalid')").await, "true");
    browser.picture("wrong").await;
    fill_card(&browser, "4111 1111 1111 1112").await;
    browser.click(SUBMIT).await;
    browser.says("#card-number-error", "This is no card’s number.").await;
    fill_card(&browser, APPROVED).await;
    for (typed, says) in [
        ("", "Enter an amount."),
        ("ten", "Enter an amount such as 100.00."),
        ("1.000,00", "Enter an amount such as 100.00."),
        ("-1", "Enter an amount such as 100.00."),
        ("10.001", "EUR has at most 2 decimals."),
        ("0", "Enter more than nothing."),
        ("100.01", "Only €100.00 remains to be paid."),
        ("99999999999999999999", "Enter an amount such as 100.00."),
    ] {
        fill_part(&browser, typed).await;
        browser.click(SUBMIT).await;
        browser.says("#amount-error", says).await;
    }
    assert_eq!(page.order(&shop).await.at("/payments"), json!([]), "nothing was tried");
}

#[tokio::test]
async fn a_tab_shows_what_was_paid_in_another_when_it_has_the_focus() {
    let (shop, page, browser) = shown(10_000).await;
    let first = browser.client.window().await.unwrap();
    let second = browser.another_tab().await;
    browser.client.switch_to_window(second).await.unwrap();
    browser.go(&format!("{}{}", shop.url, page.path(&shop))).await;
    browser.until("document.querySelector('#submit')").await;
    fill_gift_card(&browser).await;
    fill_part(&browser, "20").await;
    browser.click(SUBMIT).await;
    browser.says(TITLE, "€80.00").await;

    let reads = async || browser.requests().await.iter().filter(|sent| sent.url.ends_with("/order")).count();
    reads().await;
    browser.client.switch_to_window(first).await.unwrap();
    browser.says(TITLE, "Pay the remaining €80.00").await;
    browser.says(STATUS, "The order has changed. €80.00 remains to be paid.").await;
    assert_eq!(reads().await, 1, "it was read for the focus, and by nothing else");
}

#[tokio::test]
async fn what_changed_since_it_was_shown_is_not_paid() {
    let (shop, page, browser) = shown(10_000).await;
    fill_card(&browser, APPROVED).await;
    page.pay(&shop, 2_000, gift_card()).await;
    browser.click(SUBMIT).await;
    browser.says(ALERT, "The order has changed since you saw it, so nothing was paid. €80.00 remains").await;
    assert_eq!(browser.text(SUBMIT).await, "Pay €80.00");
    assert_eq!(page.order(&shop).await.at("/remaining"), json!(8_000));
    browser.click(SUBMIT).await;
    browser.says(TITLE, "Paid").await;
    assert_eq!(page.order(&shop).await.at("/payments/1/amount"), json!(8_000), "what was shown, and no more");
}

#[tokio::test]
async fn what_is_pending_is_shown_when_it_is_decided() {
    let (shop, page, browser) = shown(10_000).await;
    fill_card(&browser, PENDING).await;
    browser.click(SUBMIT).await;
    browser.says(TITLE, "Nothing remains to be paid").await;
    browser.says(STATUS, "The payment is being confirmed.").await;
    shop.clock.advance(partners::sandbox::PENDING_FOR);
    browser.says(TITLE, "Paid").await;
    assert_eq!(page.order(&shop).await.text_at("/status"), "paid");
}

#[tokio::test]
async fn a_cards_number_goes_to_the_sandbox_and_nowhere_else() {
    let (_shop, _, browser) = shown(10_000).await;
    fill_card(&browser, APPROVED).await;
    browser.click(SUBMIT).await;
    browser.says(TITLE, "Paid").await;
    let requests = browser.requests().await;
    let paths = requests.iter().map(|sent| format!("{} {}", sent.method, sent.url)).collect::<Vec<_>>();
    let told = requests.iter().filter(|sent| sent.text.contains(APPROVED)).collect::<Vec<_>>();
    let [told] = told.as_slice() else { panic!("it is in {} requests of {paths:#?}", told.len()) };
    assert!(told.method == "POST" && told.url.ends_with("/sandbox/cards"), "{}", told.url);
    assert!(paths.iter().any(|path| path.ends_with("/payments")), "{paths:#?}");
}

#[tokio::test]
async fn a_keyboard_is_enough_and_everything_has_a_name() {
    let (_shop, _, browser) = shown(10_000).await;
    let nameless = "return [...document.querySelectorAll('input, select, textarea')]
        .filter((field) => ![...field.labels].some((label) => label.textContent.trim())).map((field) => field.id)";
    assert_eq!(browser.run(nameless).await, json!([]), "fields without a label");
    let regions = "return [document.querySelector('#status').getAttribute('role'),
        document.querySelector('#alert').getAttribute('role'), document.documentElement.lang]";
    assert_eq!(browser.run(regions).await, json!(["status", "alert", "en"]));

    browser.tab_to("method-card").await;
    browser.press(char::from(Key::Left)).await;
    browser.until("document.querySelector('#method-giftcard').checked").await;
    browser.tab_to("giftcard-number").await;
    browser.write(local::TEST_GIFT_CARD).await;
    browser.tab_to("giftcard-code").await;
    browser.write(local::TEST_GIFT_CARD_CODE).await;
    browser.tab_to("part").await;
    browser.press(' ').await;
    browser.tab_to("amount").await;
    browser.write("20.00").await;
    browser.tab_to("submit").await;
    let outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle").await;
    assert_eq!(outline, "solid", "whoever uses a keyboard sees where it is");
    browser.picture("keyboard").await;
    browser.press(char::from(Key::Enter)).await;
    browser.says(STATUS, "€20.00 is paid.").await;

    browser.tab_to("method-card").await;
    browser.tab_to("card-number").await;
    browser.write(APPROVED).await;
    browser.tab_to("card-expiry").await;
    browser.write("0330").await;
    browser.tab_to("card-code").await;
    browser.write("737").await;
    browser.press(char::from(Key::Enter)).await;
    browser.says(STATUS, "Your order is paid in full.").await;
}

#[tokio::test]
async fn the_lines_are_shown_and_a_paid_order_goes_on_to_the_shop() {
    let merchant = Merchant::start().await;
    let urls = json!({ "completeUrl": merchant.url("/thanks"), "cancelUrl": merchant.url("/cart") });
    let (_shop, _, browser) = shown_with_lines(&urls).await;
    let order = browser.text("#order").await;
    // The merchant told its language: amounts are written in it.
    for shown in ["Breakfast", "Coffee, 250 g", "2 pcs × 5,00 €", "10,00 €", "-1,50 €", "12,00 €", "of which VAT"]
    {
        assert!(order.replace('\u{a0}', " ").contains(shown), "{shown}: {order}");
    }
    assert_eq!(browser.client.title().await.unwrap(), "Pay Coffee & Co");
    let cancel = browser.run("return document.querySelector('#cancel').href").await;
    assert_eq!(cancel, merchant.url("/cart").as_str());
    fill_gift_card(&browser).await;
    fill_part(&browser, "4,50").await;
    browser.click(SUBMIT).await;
    browser.says(STATUS, "4,50").await;
    browser.picture("lines-part-paid").await;
    fill_card(&browser, APPROVED).await;
    browser.click(SUBMIT).await;
    browser.until(format!("location.href === {}", json!(merchant.url("/thanks")))).await;
}

#[tokio::test]
async fn a_cart_changed_in_another_tab_is_shown_when_the_window_has_the_focus() {
    let merchant = Merchant::start().await;
    let (shop, page, browser) = shown_with_lines(&json!({ "completeUrl": merchant.url("/thanks") })).await;
    let first = browser.client.window().await.unwrap();
    let second = browser.another_tab().await;
    browser.client.switch_to_window(second).await.unwrap();
    page.revise(&shop).await;
    browser.client.switch_to_window(first).await.unwrap();
    browser.says(TITLE, "13,50").await;
    browser.says(STATUS, "The order has changed.").await;
    assert!(!browser.text("#order").await.contains("Welcome"), "a line that was taken off");
    fill_card(&browser, APPROVED).await;
    browser.click(SUBMIT).await;
    browser.until(format!("location.href === {}", json!(merchant.url("/thanks")))).await;
    assert_eq!(page.order(&shop).await.at("/paid"), json!(1_350));
}

#[tokio::test]
async fn a_merchants_page_embeds_it_and_is_told() {
    let merchant = Merchant::start().await;
    let shop = Shop::open(On::Embedded).await;
    let urls = json!({
        "hostUrls": [merchant.url("/")],
        "completeUrl": merchant.url("/thanks"),
        "paymentUrl": merchant.url("/checkout"),
    });
    let page = Page::with_lines(&shop, &urls).await;
    merchant.includes(&format!("{}{}/scripts/client.js", shop.url, page.path(&shop)));
    let browser = Browser::start().await;
    browser.go(&merchant.url("/checkout")).await;
    browser.until("document.querySelector('iframe')").await;
    browser.until("document.querySelector('iframe').getBoundingClientRect().height > 400").await;
    browser.client.enter_frame(0).await.unwrap();
    browser.says(TITLE, "12,00").await;
    let is_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
    assert_eq!(browser.run(&format!("return {is_wide}")).await, false, "nothing is cut off");

    // The shop's server changes the order, and its page says so.
    page.revise(&shop).await;
    browser.client.enter_parent_frame().await.unwrap();
    browser.run("window.view.refresh()").await;
    browser.client.enter_frame(0).await.unwrap();
    browser.says(TITLE, "13,50").await;

    // Who has to leave, leaves with the whole window, and comes back to the shop's own page.
    choose(&browser, "ideal").await;
    fill_part(&browser, "3,50").await;
    browser.click(SUBMIT).await;
    browser.client.enter_parent_frame().await.unwrap();
    browser.until("document.title === 'Tender sandbox'").await;
    browser.click("form[action$=approve] button").await;
    browser.until(format!("location.href.startsWith({})", json!(merchant.url("/checkout")))).await;
    browser.until("document.querySelector('iframe')").await;
    browser.picture("embedded").await;
    browser.client.enter_frame(0).await.unwrap();
    browser.says(TITLE, "10,00").await;
    fill_card(&browser, APPROVED).await;
    browser.click(SUBMIT).await;
    browser.says(TITLE, "Paid").await;
    browser.client.enter_parent_frame().await.unwrap();
    browser.until("window.heard.some((told) => told.event === 'onPaid')").await;
    let told = browser.run("return window.heard.find((told) => told.event === 'onPaid')").await;
    assert_eq!(told, json!({ "event": "onPaid", "id": page.id(), "redirectUrl": merchant.url("/thanks") }));
    browser.run("window.view.close()").await;
    assert_eq!(browser.run("return document.querySelector('iframe')").await, Value::Null);
}

#[tokio::test]
async fn a_page_that_is_no_host_cannot_embed_it() {
    let merchant = Merchant::start().await;
    let shop = Shop::open(On::Embedded).await;
    let page = Page::with_lines(&shop, &json!({ "hostUrls": ["https://shop.example"] })).await;
    merchant.includes(&format!("{}{}/scripts/client.js", shop.url, page.path(&shop)));
    let browser = Browser::start().await;
    browser.go(&merchant.url("/checkout")).await;
    browser.until("document.querySelector('iframe')").await;
    browser.has_complained("frame-ancestors").await;
}
