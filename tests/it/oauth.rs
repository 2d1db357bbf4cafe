//! Access tokens: who gets one, how, and what it is good for.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::{
    payments::{SESSIONS, Till, ask_token, session_of, token_request},
    shop::{API_KEY, Answer, OPERATOR_KEY, On, Shop, order_of},
};

const TOKEN: &str = "/oauth/token";
const GRANT: (&str, &str) = ("grant_type", "client_credentials");
const FORM: &str = "application/x-www-form-urlencoded";

/// It is an error as RFC 6749 has it.
#[track_caller]
fn is_error(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, answer.text_at("/error")), (status, error.to_owned()), "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/json");
    let fields = answer.json().as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(fields, ["error", "error_description"]);
    assert!(!answer.text_at("/error_description").is_empty());
    let scheme = answer.headers.get("www-authenticate").map(|scheme| scheme.to_str().unwrap());
    assert_eq!(scheme, (status == 401).then_some("Basic realm=\"tender\""));
}

/// The token of an answer that has one.
#[track_caller]
fn token(answer: &Answer) -> String {
    let token = answer.text_at("/access_token");
    let expected = json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3_600 });
    assert_eq!((answer.status, answer.json()), (200, expected), "{}", answer.text);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["content-type"], "application/json");
    assert!(token.starts_with("tat_") && !token.contains(API_KEY), "{token}");
    token
}

/// Opens a session with a token.
async fn status(shop: &Shop, token: &str) -> u16 {
    shop.send(shop.bare(Method::POST, SESSIONS).bearer_auth(token).json(&session_of(1))).await.status
}

/// The keys of the test merchant; the one of every shop is the first.
async fn key_id(shop: &Shop) -> String {
    shop.get("/admin/v1/apiKeys").await.text_at("/apiKeys/0/id")
}

async fn an_api_key_is_exchanged_for_a_token_in_three_ways(shop: &Shop) {
    let basic = |client: &str| token_request(shop, &[GRANT]).basic_auth(client, Some(API_KEY));
    for request in [
        token_request(shop, &[GRANT, ("client_secret", API_KEY)]),
        token_request(shop, &[GRANT, ("client_secret", API_KEY), ("client_id", local::TEST_MERCHANT)]),
        token_request(shop, &[GRANT, ("client_secret", API_KEY), ("client_id", &key_id(shop).await)]),
        token_request(shop, &[("scope", "payments"), ("client_secret", API_KEY), GRANT]),
        basic(""),
        basic(local::TEST_MERCHANT),
        basic(&key_id(shop).await),
        token_request(shop, &[GRANT]).header("X-API-Key", API_KEY),
        token_request(shop, &[GRANT, ("client_id", local::TEST_MERCHANT)]).header("X-API-Key", API_KEY),
        // What the form says counts.
        token_request(shop, &[GRANT, ("client_secret", API_KEY)]).header("X-API-Key", "wrong"),
        token_request(shop, &[GRANT, ("client_secret", API_KEY)]).basic_auth("nobody", Some("wrong")),
        // Percent-encoded, as a form may be.
        shop.bare(Method::POST, TOKEN).body("grant_type=client%5Fcredentials&client_secret=tender%2Dtest%2Dkey"),
    ] {
        assert_eq!(status(shop, &token(&shop.send(request).await)).await, 200);
    }
    let (first, second) = (Till::open(shop).await.token, Till::open(shop).await.token);
    assert_eq!((status(shop, &first).await, status(shop, &second).await), (200, 200), "one does not end another");
}

async fn nobody_else_gets_one(shop: &Shop) {
    let second = shop.second(&["payments"]).await;
    let id = key_id(shop).await;
    let with_key =
        |key: &str, client: &str| token_request(shop, &[GRANT, ("client_secret", key), ("client_id", client)]);
    for request in [
        token_request(shop, &[GRANT]),
        token_request(shop, &[GRANT, ("client_id", local::TEST_MERCHANT)]),
        token_request(shop, &[GRANT, ("client_secret", "wrong")]),
        token_request(shop, &[GRANT, ("client_secret", "")]),
        token_request(shop, &[GRANT, ("client_secret", &"k".repeat(10_000))]),
        token_request(shop, &[GRANT]).header("X-API-Key", "wrong"),
        token_request(shop, &[GRANT]).basic_auth(local::TEST_MERCHANT, Some("wrong")),
        token_request(shop, &[GRANT]).basic_auth("nobody", Some(API_KEY)),
        with_key(API_KEY, "nobody"),
        with_key(API_KEY, ""),
        with_key(API_KEY, "Second"),
        with_key(&second, local::TEST_MERCHANT),
        with_key(&second, &id),
        with_key(API_KEY, &id[1..]),
        // Who runs the installation moves no merchant's money.
        token_request(shop, &[GRANT, ("client_secret", OPERATOR_KEY)]),
        // A token is not exchanged for another.
        token_request(shop, &[GRANT, ("client_secret", &Till::open(shop).await.token)]),
        token_request(shop, &[GRANT]).bearer_auth(&Till::open(shop).await.token),
    ] {
        let answer = shop.send(request).await;
        is_error(&answer, 401, "invalid_client");
        assert!(!answer.text.contains(API_KEY) && !answer.text.contains(&second));
    }
    assert_eq!(
        status(shop, &token(&ask_token(shop, &[GRANT, ("client_secret", &second), ("client_id", "Second")]).await))
            .await,
        403
    );
}

#[tokio::test]
async fn requests_that_are_none_are_told_so_as_the_standard_has_it() {
    let shop = Shop::open(On::Embedded).await;
    let secret = ("client_secret", API_KEY);
    for grant in ["password", "authorization_code", "CLIENT_CREDENTIALS", ""] {
        is_error(&ask_token(&shop, &[("grant_type", grant), secret]).await, 400, "unsupported_grant_type");
    }
    let post = || shop.bare(Method::POST, TOKEN);
    let json = json!({ "grant_type": "client_credentials", "client_secret": API_KEY });
    let in_query = shop.bare(Method::POST, &format!("{TOKEN}?grant_type=client_credentials&client_secret={API_KEY}"));
    let requests: [RequestBuilder; 5] = [
        token_request(&shop, &[secret]),
        post(),
        post().json(&json),
        in_query,
        post().header("Content-Type", FORM).body("\u{0}"),
    ];
    for request in requests {
        let answer = shop.send(request).await;
        is_error(&answer, 400, "invalid_request");
        assert!(answer.text_at("/error_description").contains("grant_type"), "{}", answer.text);
    }
    let long = "s".repeat(api::limits::BODY_BYTES_MAX);
    is_error(&ask_token(&shop, &[GRANT, ("client_secret", &long)]).await, 413, "invalid_request");
    is_error(&shop.send(shop.bare(Method::GET, TOKEN)).await, 405, "invalid_request");
    is_error(&shop.send(shop.bare(Method::POST, "/oauth/authorize")).await, 404, "invalid_request");
}

async fn a_token_is_good_for_what_its_key_is_good_for(shop: &Shop) {
    let till = Till::open(shop).await;
    let order = till.post("/v72/orders", &order_of(1_000)).await;
    assert_eq!(order.status, 200, "the checkout family takes it too: {}", order.text);
    let shown = till.get(&format!("/v72/orders/{}", order.text_at("/pspReference"))).await;
    assert_eq!((shown.status, shown.text_at("/merchantAccount")), (200, local::TEST_MERCHANT.to_owned()));
    assert_eq!(till.get("/admin/v1/apiKeys").await.status, 200, "as does administration, if its key is for that");

    let payments = Till::with_key(shop, &shop.second(&["payments"]).await).await;
    assert_eq!(payments.get("/admin/v1/apiKeys").await.error().0, 403);
    assert_eq!(payments.post("/v72/orders", &order_of(1)).await.error(), (403, "901".to_owned()), "not its account");
    let mut theirs = order_of(1);
    theirs["merchantAccount"] = json!("Second");
    assert_eq!(payments.post("/v72/orders", &theirs).await.status, 200);
}

async fn a_token_ends_after_an_hour_and_with_its_key(shop: &Shop) {
    let body = json!({ "merchantAccounts": [local::TEST_MERCHANT], "roles": ["payments"] });
    let made = shop.post("/admin/v1/apiKeys", &body).await;
    let key = made.text_at("/apiKey");
    let (till, other) = (Till::with_key(shop, &key).await, Till::open(shop).await);
    assert_eq!(status(shop, &till.token).await, 200);
    shop.clock.advance(Duration::from_secs(1_800));
    let younger = Till::with_key(shop, &key).await;
    shop.clock.advance(Duration::from_millis(1_799_999));
    assert_eq!(status(shop, &till.token).await, 200);
    shop.clock.advance(Duration::from_millis(1));
    assert_eq!((status(shop, &till.token).await, status(shop, &younger.token).await), (401, 200));
    assert_eq!(status(shop, &other.token).await, 401);

    let revoked = shop.send(shop.request(Method::DELETE, &format!("/admin/v1/apiKeys/{}", made.text_at("/id")))).await;
    assert_eq!(revoked.status, 204);
    assert_eq!(status(shop, &younger.token).await, 401, "long before it would have ended");
    is_error(&ask_token(shop, &[GRANT, ("client_secret", &key)]).await, 401, "invalid_client");
    assert_eq!(status(shop, &Till::open(shop).await.token).await, 200, "other keys go on");
}

#[tokio::test]
async fn a_token_is_of_one_installation() {
    let (here, elsewhere) = (Shop::open(On::Embedded).await, {
        let folder = tempfile::tempdir().unwrap();
        let log = embedded::SqliteLog::open(&folder.path().join("tender.db")).unwrap();
        let mut secrets = serde_json::from_str::<Value>(tests::shop::SECRETS).unwrap();
        secrets["fingerprintKey"] = json!("ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=");
        let shop = Shop::over_with(std::sync::Arc::new(log), &secrets.to_string()).await;
        (shop, folder)
    });
    // The same key, of the same merchant account, is known to both.
    let (mine, theirs) = (Till::open(&here).await.token, Till::open(&elsewhere.0).await.token);
    assert_eq!((status(&here, &mine).await, status(&elsewhere.0, &theirs).await), (200, 200));
    assert_eq!((status(&here, &theirs).await, status(&elsewhere.0, &mine).await), (401, 401));
}

super::on_both_stores!(
    an_api_key_is_exchanged_for_a_token_in_three_ways,
    nobody_else_gets_one,
    a_token_is_good_for_what_its_key_is_good_for,
    a_token_ends_after_an_hour_and_with_its_key,
);
