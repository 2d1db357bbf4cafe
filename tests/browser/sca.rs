//! The page on which a customer authenticates, in a browser.

use std::time::Duration;

use domain::limits::CHALLENGE_TIME;
use fantoccini::key::Key;
use serde_json::{Value, json};
use tests::{
    shop::{On, Shop},
    widget::Widget,
};

use crate::{browser::Browser, merchant::Merchant};

const SENT: &str = "#sent";
const CODE: &str = "#code";
const ERROR: &str = "#code-error";
const SUBMIT: &str = "#submit";
const CANCEL: &str = "#cancel";

/// A merchant, an authentication that leads back to its page `back`, and a browser.
async fn asked(back: &str) -> (Merchant, Shop, Widget, Browser) {
    let merchant = Merchant::start().await;
    let shop = Shop::open(On::Embedded).await;
    let widget = Widget::open(&shop, &json!({ "returnUrl": merchant.url(back) })).await;
    (merchant, shop, widget, Browser::start().await)
}

/// The same, with the browser on the page.
async fn shown(back: &str) -> (Merchant, Shop, Widget, Browser) {
    let (merchant, shop, widget, browser) = asked(back).await;
    browser.go(&widget.url).await;
    browser.until("document.querySelector('#submit')").await;
    (merchant, shop, widget, browser)
}

/// Waits until the browser has gone on to the merchant's page `back`; what it brought there.
async fn brought(browser: &Browser, merchant: &Merchant, back: &str) -> Value {
    browser.until(format!("location.href.startsWith({})", json!(merchant.url(back)))).await;
    browser.run("return Object.fromEntries(new URLSearchParams(location.search))").await
}

/// What the merchant's page was told: by whom, and what.
async fn heard(browser: &Browser) -> Value {
    browser.until("window.heard.length > 0").await;
    browser.run("return window.heard").await
}

fn told(shop: &Shop, widget: &Widget, status: &str, message: &str) -> Value {
    let success = status == "authenticated";
    let result = json!({ "scaToken": widget.token, "success": success, "status": status, "message": message });
    json!([{ "origin": shop.url, "data": result }])
}

const AUTHENTICATED: &str = "The shop can now complete your purchase of EUR 50.00.";
const FAILED: &str = "Too many wrong codes were entered. Nothing was spent.";
const EXPIRED: &str = "The time to confirm this purchase is over. Nothing was spent.";
const CANCELLED: &str = "You did not confirm this purchase. Nothing was spent.";

#[tokio::test]
async fn the_code_shown_authenticates_and_the_browser_goes_back() {
    let (merchant, shop, widget, browser) = shown("/thanks?cart=a%20b&flag#paid").await;
    browser.picture("sca").await;
    let text = browser.text("main").await;
    for shown in ["TestMerchant", "EUR 50.00", "Sandbox: this stands in for a text message", "You have 15 minutes"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let code = browser.text(SENT).await;
    assert_eq!(code, widget.code(&shop));
    browser.fill(CODE, &format!("{} {}", &code[..3], &code[3..])).await;
    browser.click(SUBMIT).await;
    let expected = json!({
        "cart": "a b", "flag": "", "scaToken": widget.token, "success": "true", "status": "authenticated",
        "message": AUTHENTICATED,
    });
    assert_eq!(brought(&browser, &merchant, "/thanks").await, expected);
    let address = browser.run("return [location.search, location.hash]").await;
    assert!(address[0].as_str().unwrap().starts_with("?cart=a%20b&flag&scaToken="), "what was there stays: {address}");
    assert_eq!(address[1], "#paid");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    let spent = widget.authorise(&shop, "order-1").await;
    assert_eq!(spent.text_at("/result"), "Authorised", "{}", spent.text);
}

#[tokio::test]
async fn what_is_wrong_is_told_until_it_has_failed() {
    let (merchant, shop, widget, browser) = shown("/thanks").await;
    for typed in ["", "12345", "abcdef", "1234567"] {
        browser.fill(CODE, typed).await;
        browser.click(SUBMIT).await;
        browser.says(ERROR, "Enter the six digits of the code.").await;
    }
    assert_eq!(browser.run("return document.activeElement.id").await, "code");
    let wrong = widget.wrong_code(&shop);
    browser.fill(CODE, &wrong).await;
    browser.click(SUBMIT).await;
    browser.says(ERROR, "This code is wrong. You have 2 tries left.").await;
    assert_eq!(browser.run("return document.activeElement.getAttribute('aria-invalid')").await, "true");
    browser.picture("sca-wrong").await;
    // What was typed is selected, so that the next code takes its place.
    browser.write(&wrong).await;
    assert_eq!(browser.run("return document.querySelector('#code').value").await, wrong.as_str());
    browser.says("#tries", "You have 2 tries left.").await;
    browser.press(char::from(Key::Enter)).await;
    browser.says(ERROR, "This code is wrong. You have 1 try left.").await;
    // It is known when the page is opened again.
    browser.go(&widget.url).await;
    browser.says("#tries", "You have 1 try left.").await;
    browser.fill(CODE, &wrong).await;
    browser.click(SUBMIT).await;
    browser.says("main", FAILED).await;
    browser.picture("sca-failed").await;
    let back = browser.run("return document.querySelector('#back').href").await;
    assert!(back.as_str().unwrap().starts_with(&merchant.url("/thanks?scaToken=")), "{back}");
    let expected = json!({ "scaToken": widget.token, "success": "false", "status": "failed", "message": FAILED });
    browser.click("#back").await;
    assert_eq!(brought(&browser, &merchant, "/thanks").await, expected);
}

#[tokio::test]
async fn who_cancels_goes_back_and_the_engine_is_not_asked() {
    let (merchant, shop, widget, browser) = shown("/cart?").await;
    browser.requests().await;
    browser.click(CANCEL).await;
    let expected = json!({ "scaToken": widget.token, "success": "false", "status": "cancelled", "message": CANCELLED });
    assert_eq!(brought(&browser, &merchant, "/cart").await, expected);
    let requests = browser.requests().await;
    assert!(requests.iter().all(|sent| !sent.url.starts_with(&shop.url)), "{requests:#?}");
    // Nothing has ended there: whoever changes their mind can go on.
    browser.go(&widget.url).await;
    browser.says(SENT, &widget.code(&shop)).await;
}

#[tokio::test]
async fn a_merchants_page_embeds_it_and_is_told() {
    let (merchant, shop, widget, browser) = asked("/thanks").await;
    merchant.includes(&widget.url);
    browser.go(&merchant.url("/embedding")).await;
    browser.client.enter_frame(0).await.unwrap();
    browser.until("document.querySelector('#submit')").await;
    let is_wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
    assert_eq!(browser.run(is_wide).await, false, "nothing is cut off");
    browser.picture("sca-embedded").await;
    browser.fill(CODE, &browser.text(SENT).await).await;
    browser.click(SUBMIT).await;
    browser.says("h1:not([hidden] *)", "You have confirmed that it is you").await;
    assert_eq!(browser.run("return document.querySelector('#back').hidden").await, true, "the merchant's page goes on");
    browser.client.enter_parent_frame().await.unwrap();
    assert_eq!(heard(&browser).await, told(&shop, &widget, "authenticated", AUTHENTICATED));
    browser.picture("sca-embedded-end").await;
    // A page that has ended says so again.
    browser.go(&merchant.url("/embedding")).await;
    assert_eq!(heard(&browser).await, told(&shop, &widget, "authenticated", AUTHENTICATED));
    // And who embeds it learns of a cancellation, too.
    let another = Widget::open(&shop, &json!({ "returnUrl": merchant.url("/thanks") })).await;
    merchant.includes(&another.url);
    browser.go(&merchant.url("/embedding")).await;
    browser.client.enter_frame(0).await.unwrap();
    browser.until("document.querySelector('#submit')").await;
    browser.click(CANCEL).await;
    browser.client.enter_parent_frame().await.unwrap();
    assert_eq!(heard(&browser).await, told(&shop, &another, "cancelled", CANCELLED));
    assert_eq!(browser.run("return location.pathname").await, "/embedding", "nobody is taken away from it");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn other_pages_cannot_embed_it() {
    let merchant = Merchant::start().await;
    let shop = Shop::open(On::Embedded).await;
    let browser = Browser::start().await;
    for more in [json!({ "returnUrl": "https://shop.example/" }), json!({ "returnUrl": "shop.app://back" }), json!({})]
    {
        let widget = Widget::open(&shop, &more).await;
        merchant.includes(&widget.url);
        browser.go(&merchant.url("/embedding")).await;
        browser.has_complained("frame-ancestors").await;
    }
}

/// Whoever opened it is told, if that is where the return URL leads to, or if there is none.
#[tokio::test]
async fn a_window_tells_who_opened_it() {
    let (merchant, shop, widget, browser) = asked("/thanks").await;
    let stranger = Merchant::start().await;
    let without = Widget::open(&shop, &json!({})).await;
    for (opener, opened) in [(&merchant, &widget), (&stranger, &without)] {
        authenticate_in_a_window(&browser, opener, opened).await;
        assert_eq!(heard(&browser).await, told(&shop, opened, "authenticated", AUTHENTICATED));
    }
    let another = Widget::open(&shop, &json!({ "returnUrl": merchant.url("/thanks") })).await;
    authenticate_in_a_window(&browser, &stranger, &another).await;
    assert_eq!(browser.run("return window.heard").await, json!([]), "a stranger is told nothing");
}

/// Has a merchant's page open a window, authenticates in it, and comes back to the page.
async fn authenticate_in_a_window(browser: &Browser, opener: &Merchant, opened: &Widget) {
    opener.includes(&opened.url);
    browser.go(&opener.url("/opening")).await;
    let first = browser.client.window().await.unwrap();
    let before = browser.client.windows().await.unwrap();
    browser.click("#open").await;
    let after = browser.client.windows().await.unwrap();
    let opened = after.into_iter().find(|window| !before.contains(window)).expect("a window");
    browser.client.switch_to_window(opened).await.unwrap();
    browser.until("document.querySelector('#submit')").await;
    browser.fill(CODE, &browser.text(SENT).await).await;
    browser.click(SUBMIT).await;
    browser.until("location.pathname === '/thanks' || !document.querySelector('#close').hidden").await;
    browser.client.close_window().await.unwrap();
    browser.client.switch_to_window(first).await.unwrap();
}

#[tokio::test]
async fn it_ends_when_its_time_is_over() {
    let (merchant, shop, widget, browser) = asked("/thanks").await;
    // The page knows how long it has, whatever the browser's clock says.
    shop.clock.advance(CHALLENGE_TIME.saturating_sub(Duration::from_millis(1)));
    browser.go(&widget.url).await;
    browser.says("h1:not([hidden] *)", "It took too long").await;
    let expected = json!({ "scaToken": widget.token, "success": "false", "status": "expired", "message": EXPIRED });
    browser.click("#back").await;
    assert_eq!(brought(&browser, &merchant, "/thanks").await, expected);
    // Who opens it later is told the same.
    shop.clock.advance(Duration::from_millis(1));
    browser.go(&widget.url).await;
    browser.says("h1:not([hidden] *)", "It took too long").await;
    browser.picture("sca-expired").await;
    browser.click("#back").await;
    assert_eq!(brought(&browser, &merchant, "/thanks").await, expected);
}

#[tokio::test]
async fn without_a_return_url_the_page_stays() {
    let shop = Shop::open(On::Embedded).await;
    let widget = Widget::open(&shop, &json!({})).await;
    let browser = Browser::start().await;
    browser.go(&widget.url).await;
    browser.fill(CODE, &widget.code(&shop)).await;
    browser.click(SUBMIT).await;
    browser.says("h1:not([hidden] *)", "You have confirmed that it is you").await;
    browser.says("#close:not([hidden])", "You can close this window").await;
    assert_eq!(browser.run("return document.activeElement.textContent").await, "You have confirmed that it is you");
    assert_eq!(browser.client.title().await.unwrap(), "You have confirmed that it is you");
    browser.picture("sca-authenticated").await;
    widget.authorise(&shop, "order-1").await;
    browser.go(&widget.url).await;
    browser.says("h1:not([hidden] *)", "This was used before").await;
    browser.go(&format!("{}x", widget.url)).await;
    browser.says("h1", "There is nothing to confirm here").await;
    browser.picture("sca-none").await;
}

#[tokio::test]
async fn a_keyboard_is_enough_and_everything_has_a_name() {
    let (merchant, _shop, _widget, browser) = shown("/thanks").await;
    let nameless = "return [...document.querySelectorAll('input, select, textarea')]
        .filter((field) => ![...field.labels].some((label) => label.textContent.trim())).map((field) => field.id)";
    assert_eq!(browser.run(nameless).await, json!([]), "fields without a label");
    let about = "return [document.querySelector('#code-error').getAttribute('role'), document.documentElement.lang,
        [...document.querySelectorAll('h1')].filter((title) => !title.closest('[hidden]')).length,
        document.querySelector('#code').getAttribute('autocomplete')]";
    assert_eq!(browser.run(about).await, json!(["alert", "en", 1, "one-time-code"]));
    let code = browser.text(SENT).await;
    browser.tab_to("code").await;
    browser.write(&code).await;
    browser.tab_to("submit").await;
    let outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle").await;
    assert_eq!(outline, "solid", "whoever uses a keyboard sees where it is");
    browser.tab_to("cancel").await;
    browser.picture("sca-keyboard").await;
    browser.tab_to("code").await;
    browser.press(char::from(Key::Enter)).await;
    assert_eq!(brought(&browser, &merchant, "/thanks").await["status"], "authenticated");
}
