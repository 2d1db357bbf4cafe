//! The page on which a customer authenticates, as its script uses it: what it is, what becomes of codes, and how it ends.

use std::time::Duration;

use api::limits::SCA_RETURN_URL_CHARS_MAX;
use domain::limits::{
    CHALLENGE_MEMORY, CHALLENGE_TIME, CHALLENGES_REMEMBERED, CODE_LOCK, WRONG_ONE_TIME_CODES_IN_A_ROW_MAX,
    WRONG_ONE_TIME_CODES_MAX,
};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    shop::{Answer, Shop, test_merchant},
    widget::{Widget, customer, give, initiate, path},
};

#[track_caller]
fn is_problem(answer: &Answer, status: u16, code: &str, says: &str) {
    assert_eq!((answer.status, answer.text_at("/code")), (status, code.to_owned()), "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert!(answer.text_at("/detail").contains(says), "{}", answer.text);
}

#[track_caller]
fn is_kept_to_oneself(answer: &Answer) {
    for (name, value) in
        [("cache-control", "no-store"), ("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")]
    {
        assert_eq!(answer.headers[name], value);
    }
}

/// The policy that the page comes with.
fn policy(shown: &Answer) -> String {
    shown.headers["content-security-policy"].to_str().unwrap().to_owned()
}

/// How the page says that it has ended; empty if it has not.
fn status_of(shown: &Answer) -> String {
    assert_eq!(shown.status, 200, "{}", shown.text);
    attribute(shown, "data-status").unwrap()
}

/// An attribute of the page.
fn attribute(shown: &Answer, name: &str) -> Option<String> {
    let (_, rest) = shown.text.split_once(&format!(" {name}=\""))?;
    rest.split('"').next().map(str::to_owned)
}

async fn the_page_says_what_it_is_about(shop: &Shop) {
    let widget = Widget::open(shop, &json!({ "returnUrl": "https://shop.example:8443/back?a=1&b=%20#there" })).await;
    assert_eq!(widget.url, format!("{}{}", shop.url, widget.path()));
    let shown = widget.show(shop).await;
    assert_eq!((shown.status, &shown.headers["content-type"]), (200, &"text/html; charset=utf-8".parse().unwrap()));
    is_kept_to_oneself(&shown);
    for text in ["TestMerchant", "EUR 50.00", "this stands in for a text message", "You have 15 minutes"] {
        assert!(shown.text.contains(text), "{text}: {}", shown.text);
    }
    assert!(shown.text.contains(&widget.code(shop)), "the sandbox sends no text message");
    assert!(!shown.text.contains(&widget.customer), "whose it is stays with the merchant");
    assert!(shown.text.contains("<html lang=\"en\">") && shown.text.contains("<noscript>"), "{}", shown.text);
    assert!(!shown.text.contains("<script>") && !shown.text.contains("onclick"), "nothing is run that is in the page");
    let sources = shown.text.split("src=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect::<Vec<_>>();
    assert_eq!(sources, [format!("{}/script.js", widget.token)]);
    let url = attribute(&shown, "data-return-url").unwrap().replace("&#38;", "&");
    assert_eq!(url, "https://shop.example:8443/back?a=1&b=%20#there");
    let script = shop.send(shop.bare(Method::GET, &format!("{}/script.js", widget.path()))).await;
    assert_eq!((script.status, script.text.starts_with("//")), (200, true));
    assert_eq!(script.headers["content-type"], "application/javascript; charset=utf-8");
    is_kept_to_oneself(&script);
}

/// The return URL's origin, and no other; an app's has none.
async fn only_pages_of_the_return_url_embed_it_and_are_told(shop: &Shop) {
    for (url, ancestors, listener) in [
        (json!("https://shop.example:8443/back?a=1"), "https://shop.example:8443", "https://shop.example:8443"),
        (json!("http://127.0.0.1:9/"), "http://127.0.0.1:9", "http://127.0.0.1:9"),
        (json!("https://SHOP.example:443/"), "https://shop.example", "https://shop.example"),
        (json!("https://a.example;script-src/"), "'self'", ""),
        (json!("shop.app://back"), "'self'", ""),
        (Value::Null, "'self'", "*"),
    ] {
        let more = if url.is_null() { json!({}) } else { json!({ "returnUrl": url }) };
        let shown = Widget::open(shop, &more).await.show(shop).await;
        let policy = policy(&shown);
        for part in ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "base-uri 'none'"] {
            assert!(policy.split("; ").any(|known| known == part), "{policy}");
        }
        assert!(policy.ends_with(&format!("; frame-ancestors {ancestors}")), "{url}: {policy}");
        assert_eq!(attribute(&shown, "data-listener").as_deref(), Some(listener), "{url}");
        assert_eq!(attribute(&shown, "data-return-url").is_some(), !url.is_null());
    }
    let hostile = json!({ "returnUrl": "https://shop.example/\"><script>alert(1)</script>" });
    let shown = Widget::open(shop, &hostile).await.show(shop).await;
    assert!(!shown.text.contains("<script>"), "{}", shown.text);
}

async fn the_right_code_authenticates(shop: &Shop) {
    let widget = Widget::open(shop, &json!({})).await;
    let early = widget.authorise(shop, "order-1").await;
    is_problem(&early, 403, "authentication_invalid", "did not authenticate");
    let given = widget.give(shop, &widget.code(shop)).await;
    assert_eq!((given.status, given.json()), (200, json!({ "status": "authenticated" })));
    let again = widget.give(shop, &widget.wrong_code(shop)).await;
    assert_eq!(again.json(), json!({ "status": "authenticated" }), "it is so already");
    let shown = widget.show(shop).await;
    assert_eq!(status_of(&shown), "authenticated");
    assert!(!shown.text.contains(&widget.code(shop)), "the code is of no more use");

    // And the merchant can spend on it, once.
    let spent = widget.authorise(shop, "order-1").await;
    assert_eq!((spent.status, spent.text_at("/result")), (200, "Authorised".into()), "{}", spent.text);
    assert_eq!(widget.give(shop, &widget.code(shop)).await.json(), json!({ "status": "used" }));
    assert_eq!(status_of(&widget.show(shop).await), "used");
    is_problem(&widget.authorise(shop, "order-2").await, 403, "authentication_invalid", "used");
}

async fn wrong_codes_are_counted_until_it_has_failed(shop: &Shop) {
    let widget = Widget::open(shop, &json!({})).await;
    let wrong = widget.wrong_code(shop);
    for left in (1..WRONG_ONE_TIME_CODES_MAX).rev() {
        let given = widget.give(shop, &wrong).await;
        assert_eq!((given.status, given.json()), (200, json!({ "status": "wrong", "attemptsLeft": left })));
        let shown = widget.show(shop).await;
        let tries = if left == 1 { "1 try".to_owned() } else { format!("{left} tries") };
        assert!(shown.text.contains(&format!("You have {tries} left.")), "{}", shown.text);
        assert_eq!(status_of(&shown), "");
    }
    assert_eq!(widget.give(shop, &wrong).await.json(), json!({ "status": "failed" }));
    assert_eq!(widget.give(shop, &widget.code(shop)).await.json(), json!({ "status": "failed" }), "it is too late");
    assert_eq!(status_of(&widget.show(shop).await), "failed");
    is_problem(&widget.authorise(shop, "order-1").await, 403, "authentication_invalid", "did not authenticate");

    // The right one may come last.
    let widget = Widget::open(shop, &json!({})).await;
    widget.give(shop, &widget.wrong_code(shop)).await;
    widget.give(shop, &widget.wrong_code(shop)).await;
    assert_eq!(widget.give(shop, &widget.code(shop)).await.json(), json!({ "status": "authenticated" }));
}

async fn it_expires(shop: &Shop) {
    let open = async || Widget::open(shop, &json!({})).await;
    let (open, passed, failed, used) = (open().await, open().await, open().await, open().await);
    passed.give(shop, &passed.code(shop)).await;
    used.give(shop, &used.code(shop)).await;
    used.authorise(shop, "order-1").await;
    for _ in 0..WRONG_ONE_TIME_CODES_MAX {
        failed.give(shop, &failed.wrong_code(shop)).await;
    }
    shop.clock.advance(CHALLENGE_TIME.saturating_sub(Duration::from_millis(1)));
    let shown = open.show(shop).await;
    assert_eq!((status_of(&shown), attribute(&shown, "data-expires-in")), (String::new(), Some("1".into())));
    assert!(shown.text.contains("You have 1 minute "), "{}", shown.text);
    assert_eq!(status_of(&passed.show(shop).await), "authenticated");
    shop.clock.advance(Duration::from_millis(1));
    for (widget, status) in [(&open, "expired"), (&passed, "expired"), (&failed, "failed"), (&used, "used")] {
        let shown = widget.show(shop).await;
        assert_eq!(status_of(&shown), status);
        assert!(!shown.text.contains(&widget.code(shop)));
        assert_eq!(widget.give(shop, &widget.code(shop)).await.json(), json!({ "status": status }));
    }
    is_problem(&passed.authorise(shop, "order-2").await, 403, "authentication_invalid", "expired");
    // What is forgotten in the end has expired as well.
    shop.clock.advance(CHALLENGE_MEMORY);
    let another = initiate(shop, &failed.customer, &json!({})).await;
    give(shop, &another.text_at("/scaToken"), &json!({ "code": failed.wrong_code(shop) })).await;
    assert_eq!(status_of(&failed.show(shop).await), "expired");
    assert_eq!(failed.give(shop, &failed.code(shop)).await.json(), json!({ "status": "expired" }));
}

/// The token is brought back in a header, which is only so long.
async fn the_longest_return_url_still_comes_back(shop: &Shop) {
    let start = "https://shop.example/?";
    let url = |fill: &str| format!("{start}{}", fill.repeat(SCA_RETURN_URL_CHARS_MAX - start.len()));
    let widget = Widget::open(shop, &json!({ "returnUrl": url("a") })).await;
    widget.give(shop, &widget.code(shop)).await;
    let spent = widget.authorise(shop, "order-1").await;
    assert_eq!(spent.text_at("/result"), "Authorised", "{}", spent.text);
    for fill in ["é", "語", "😀"] {
        let initiated = initiate(shop, &widget.customer, &json!({ "returnUrl": url(fill) })).await;
        if initiated.status == 200 {
            let of = Widget { token: initiated.text_at("/scaToken"), ..widget.clone() };
            is_problem(&of.authorise(shop, fill).await, 403, "authentication_invalid", "did not authenticate");
        } else {
            is_problem(&initiated, 422, "field_invalid", "'returnUrl' is not valid: expected fewer bytes");
        }
    }
}

/// A code is of one authentication: not of another of the same customer.
async fn a_code_is_of_its_own_authentication(shop: &Shop) {
    let first = Widget::open(shop, &json!({})).await;
    let second = initiate(shop, &first.customer, &json!({})).await;
    let second = Widget { token: second.text_at("/scaToken"), url: second.text_at("/widgetUrl"), ..first.clone() };
    assert_ne!(first.code(shop), second.code(shop));
    assert_eq!(first.give(shop, &second.code(shop)).await.text_at("/status"), "wrong");
    assert_eq!(second.give(shop, &second.code(shop)).await.text_at("/status"), "authenticated");
    assert_eq!(status_of(&first.show(shop).await), "");
}

async fn a_page_that_there_is_not_is_not_shown(shop: &Shop) {
    let widget = Widget::open(shop, &json!({})).await;
    let tokens = &shop.engine.tokens;
    let (merchant, asked) = tokens.open_authentication(&widget.token).unwrap();
    let exempt = api::Authentication { is_exempt: true, ..asked.clone() };
    let nobodys = api::Authentication { customer: "nobody".to_owned(), ..asked.clone() };
    let (exempt, nobodys) =
        (tokens.seal_authentication(&merchant, &exempt), tokens.seal_authentication(&merchant, &nobodys));
    let elsewhere = tokens.seal_authentication(&domain::MerchantAccount::try_new("Second").unwrap(), &asked);
    let of_page = tokens.seal_page(&test_merchant(), asked.challenge.order(), tokens.current());
    let mut altered = widget.token.clone();
    let last = if altered.pop() == Some('A') { 'B' } else { 'A' };
    altered.push(last);
    let cut = &widget.token[..widget.token.len() - 4];
    for token in ["x", "AAAA", cut, &altered, &exempt, &nobodys, &elsewhere, &of_page, &"A".repeat(3_000)] {
        let shown = shop.send(shop.bare(Method::GET, &path(token))).await;
        assert_eq!(shown.status, 404);
        assert!(shown.text.contains("There is nothing to confirm here"), "{}", shown.text);
        assert!(!shown.text.contains("<script") && !shown.text.contains("data-token"), "{}", shown.text);
        is_kept_to_oneself(&shown);
        assert!(policy(&shown).ends_with("frame-ancestors 'self'"));
        is_problem(&give(shop, token, &json!({ "code": "123456" })).await, 404, "not_found", "no such page");
        let is_one = token == nobodys || token == elsewhere;
        let script = shop.send(shop.bare(Method::GET, &format!("{}/script.js", path(token)))).await;
        assert_eq!(script.status, if is_one { 200 } else { 404 }, "it has nothing in it");
    }
    let other = shop.send(shop.bare(Method::GET, &format!("{}/other.js", widget.path()))).await;
    assert_eq!(other.status, 404);
}

async fn what_is_no_code_is_told_and_counts_for_nothing(shop: &Shop) {
    let widget = Widget::open(shop, &json!({})).await;
    for (body, status, code, says) in [
        (json!({}), 422, "field_missing", "'code'"),
        (json!({ "code": null }), 422, "field_missing", "'code'"),
        (json!({ "code": "" }), 422, "field_invalid", "'code' is not valid: expected six digits"),
        (json!({ "code": "12345" }), 422, "field_invalid", "expected six digits"),
        (json!({ "code": "1234567" }), 422, "field_invalid", "expected six digits"),
        (json!({ "code": "12345a" }), 422, "field_invalid", "expected six digits"),
        (json!({ "code": " 12345" }), 422, "field_invalid", "expected six digits"),
        (json!({ "code": "１２３４５６" }), 422, "field_invalid", "expected six digits"),
        (json!({ "code": 123_456 }), 400, "body_invalid", "field 'code'"),
        (json!({ "code": ["123456"] }), 400, "body_invalid", "field 'code'"),
        (json!(["123456"]), 400, "body_invalid", "the body"),
        (Value::Null, 400, "body_invalid", "the body"),
    ] {
        let answer = give(shop, &widget.token, &body).await;
        is_problem(&answer, status, code, says);
        for told in ["12345a", "1234567", "123456"] {
            assert!(!answer.text_at("/detail").contains(told), "what came is not told: {}", answer.text);
        }
    }
    for raw in ["", "{", "code=123456"] {
        let sent = shop.bare(Method::POST, &format!("{}/code", widget.path())).body(raw);
        is_problem(&shop.send(sent).await, 400, "body_invalid", "");
    }
    let wrong = widget.give(shop, &widget.wrong_code(shop)).await;
    assert_eq!(wrong.at("/attemptsLeft"), json!(WRONG_ONE_TIME_CODES_MAX - 1));
}

async fn so_many_authentications_are_under_way_and_no_more(shop: &Shop) {
    let name = customer(shop).await;
    let mut last = String::new();
    for _ in 0..=CHALLENGES_REMEMBERED {
        let widget = initiate(shop, &name, &json!({})).await;
        let widget = Widget { customer: name.clone(), token: widget.text_at("/scaToken"), url: String::new() };
        let given = widget.give(shop, &widget.code(shop)).await;
        last = if given.status == 200 { given.text_at("/status") } else { given.text_at("/code") };
    }
    assert_eq!(last, "list_full");
}

/// Whoever guesses has five tries, however many pages there are; and the next lock comes with the next wrong code.
async fn wrong_codes_on_many_pages_lock_the_customer(shop: &Shop) {
    let name = customer(shop).await;
    let page = async || {
        let token = initiate(shop, &name, &json!({})).await.text_at("/scaToken");
        Widget { customer: name.clone(), token, url: String::new() }
    };
    for _ in 1..WRONG_ONE_TIME_CODES_IN_A_ROW_MAX {
        let widget = page().await;
        assert_eq!(widget.give(shop, &widget.wrong_code(shop)).await.text_at("/status"), "wrong");
    }
    let widget = page().await;
    assert_eq!(widget.give(shop, &widget.wrong_code(shop)).await.json(), json!({ "status": "failed" }));
    // The right code on a new page does not help, for an hour.
    let widget = page().await;
    assert_eq!(widget.give(shop, &widget.code(shop)).await.json(), json!({ "status": "failed" }));
    assert!(widget.show(shop).await.text.contains("Too many wrong codes"));
    shop.clock.advance(CODE_LOCK);
    let widget = page().await;
    assert_eq!(widget.give(shop, &widget.code(shop)).await.json(), json!({ "status": "authenticated" }));
}

super::on_both_stores!(
    the_page_says_what_it_is_about,
    only_pages_of_the_return_url_embed_it_and_are_told,
    the_right_code_authenticates,
    wrong_codes_are_counted_until_it_has_failed,
    it_expires,
    the_longest_return_url_still_comes_back,
    a_code_is_of_its_own_authentication,
    a_page_that_there_is_not_is_not_shown,
    what_is_no_code_is_told_and_counts_for_nothing,
    so_many_authentications_are_under_way_and_no_more,
    wrong_codes_on_many_pages_lock_the_customer,
);
