//! The same functions behind API Gateway: an event in, an answer out, on DynamoDB.

use std::{
    io,
    sync::{Arc, Mutex},
};

use api::{Router, mount};
use data_encoding::BASE64;
use functions::checkout::orders::{create::CreateOrder, get::GetOrder};
use lambda_http::Body;
use serde_json::{Value, json};
use tests::shop::{API_KEY, On, Shop, order_of};
use tracing::Instrument as _;

/// An event as an HTTP API sends it (payload format 2.0), for a stage with a name.
fn event(method: &str, path: &str, query: &str, key: &str, body: &[u8]) -> lambda_http::Request {
    let path = format!("/live{path}");
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {
            "content-type": "application/json",
            "host": "abc123.execute-api.eu-west-1.amazonaws.com",
            "x-api-key": key,
            "idempotency-key": "key-1",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "domainName": "abc123.execute-api.eu-west-1.amazonaws.com",
            "domainPrefix": "abc123",
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test" },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "live",
            "time": "31/Jan/2026:12:00:00 +0000",
            "timeEpoch": 1_769_860_800_000_u64,
        },
        "body": BASE64.encode(body),
        "isBase64Encoded": true,
    });
    lambda_http::request::from_str(&event.to_string()).unwrap()
}

async fn send(shop: &Shop, endpoint: api::Mounted, event: lambda_http::Request) -> (u16, http::HeaderMap, Value) {
    let router = Router::try_new(&[endpoint]).unwrap();
    let answer = api::lambda::answer(&shop.engine, &router, event).await.unwrap();
    let (parts, body) = answer.into_parts();
    assert!(matches!(body, Body::Text(_)), "an answer is text: {body:?}");
    (parts.status.as_u16(), parts.headers, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn an_order_is_opened_and_looked_at() {
    let shop = Shop::open(On::Dynamo).await;
    let body = order_of(10_000).to_string();
    let open = || event("POST", "/v72/orders", "", API_KEY, body.as_bytes());
    let (status, headers, opened) = send(&shop, mount::<CreateOrder>(), open()).await;
    assert_eq!((status, &opened["resultCode"]), (200, &json!("Success")), "{opened}");
    assert_eq!(headers["idempotency-key"], "key-1");
    assert_eq!(headers["pspreference"], opened["pspReference"].as_str().unwrap());
    assert_eq!(send(&shop, mount::<CreateOrder>(), open()).await.2, opened, "the same event again");

    let path = format!("/checkout/v70/orders/{}", opened["pspReference"].as_str().unwrap());
    let query = "merchantAccount=TestMerchant";
    let (status, _, order) = send(&shop, mount::<GetOrder>(), event("GET", &path, query, API_KEY, b"")).await;
    assert_eq!((status, &order["orderData"]), (200, &opened["orderData"]), "{order}");
}

#[tokio::test]
async fn a_caller_who_is_not_known_is_refused() {
    let shop = Shop::open(On::Dynamo).await;
    let (status, _, error) =
        send(&shop, mount::<CreateOrder>(), event("POST", "/v72/orders", "", "wrong", b"{}")).await;
    assert_eq!((status, &error["errorCode"]), (401, &json!("000")));
    let (status, _, error) = send(&shop, mount::<GetOrder>(), event("POST", "/v72/orders", "", API_KEY, b"{}")).await;
    assert_eq!((status, &error["errorCode"]), (404, &json!("route_not_found")), "a Lambda answers its own route only");
}

/// A log that can be read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// What is not of one thread is not seen by the subscriber of one test; so all of it runs on this one.
#[tokio::test]
async fn a_line_of_the_log_says_whose_request_and_which_order_it_is_about() {
    let shop = Shop::open(On::Dynamo).await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = api::logging::subscriber(move || writer.clone());
    // Of one subscriber alone, tracing asks the thread that comes first whether a line is wanted, which may be that of
    // another test, and has none. Of two it asks both.
    let _other = tracing::Dispatch::new(tracing_subscriber::registry());
    let logging = tracing::subscriber::set_default(subscriber);
    let runtime = tracing::info_span!("invocation", requestId = "request-1");
    let body = order_of(10_000).to_string();
    let request = event("POST", "/v72/orders", "", API_KEY, body.as_bytes());
    let (_, _, opened) = send(&shop, mount::<CreateOrder>(), request).instrument(runtime).await;
    let refused = event("POST", "/v72/orders", "", "wrong", b"{}");
    send(&shop, mount::<CreateOrder>(), refused).await;
    drop(logging);

    let [answered, refused, unauthorised] = &log.lines()[..] else { panic!("{:?}", log.lines()) };
    assert_eq!(
        [&answered["message"], &answered["level"], &answered["endpoint"], &answered["requestId"]],
        ["answered", "INFO", "create-order", "request-1"]
    );
    assert_eq!(
        [&answered["merchant"], &answered["order"], &answered["status"]],
        [&json!("TestMerchant"), &opened["pspReference"], &json!(200)]
    );
    assert_eq!([&refused["message"], &refused["code"]], ["refused", "unauthorised"]);
    assert_eq!(unauthorised["status"], 401);
}

#[tokio::test]
async fn the_engine_is_found_where_the_first_request_came_to() {
    let shop = Shop::open(On::Dynamo).await;
    let engine = api::Engine::wire(
        Arc::clone(&shop.log),
        Arc::clone(&shop.clock) as _,
        Arc::new(app::system::OsRandom),
        &api::Secrets::from_json(&json!({ "seed": "s".repeat(43) }).to_string()).unwrap(),
        None,
    );
    let engine = engine.unwrap();
    let router = Router::try_new(&[mount::<GetOrder>()]).unwrap();
    let request = event("GET", "/v72/orders/none", "", API_KEY, b"");
    api::lambda::answer(&engine, &router, request).await.unwrap();
    let url = engine.sandbox.url();
    assert_eq!(url, Some("https://abc123.execute-api.eu-west-1.amazonaws.com/live"));
    engine.found_at("https://elsewhere.example");
    assert_eq!(engine.sandbox.url(), url, "what it was told first stands");
}
