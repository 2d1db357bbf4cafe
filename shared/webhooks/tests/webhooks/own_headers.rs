//! The headers that an order's own notifications carry.

use app::ports::Courier;
use domain::{
    limits::OWN_HEADER_CHARS_MAX,
    order::{CaptureMode, Change, Format, HeaderText, MethodKind, OwnFormat, OwnHeader, OwnWebhook, Session},
};
use standardwebhooks::Webhook;
use webhooks::{HttpCourier, is_own_header_allowed, sign};

use crate::{
    server::{Asked, Server},
    support::{Desk, at, keys, pay, played},
};

const SECRET: &str = "Bearer secret";

fn text(name: &str, value: &str) -> OwnHeader {
    OwnHeader { name: name.into(), values: vec![HeaderText::Text(value.into())] }
}

/// The changes of an order, one payment included, whose own webhook has these headers.
fn reserved(headers: Vec<OwnHeader>) -> Vec<Change> {
    let webhook = Some(OwnWebhook { url: "https://shop.example/hook".into(), headers, format: OwnFormat::Payments });
    let session = Session { capture: CaptureMode::Manual, webhook, is_purchase: false };
    played(Some(session), 1_000, [pay(MethodKind::Card, 1_000)])
}

/// What an endpoint is asked when it is told of such an order in that format.
async fn asked(format: Format, headers: Vec<OwnHeader>) -> Asked {
    let story = reserved(headers);
    let told = story.iter().rfind(|change| change.is_told(format)).unwrap();
    let server = Server::start().await;
    let desk = Desk::of_today(format).with_url(&server.url());
    let courier = HttpCourier::try_new(vec![desk.merchant()]).unwrap();
    let (report, asked) =
        tokio::join!(courier.deliver(desk.parcel("evt_1", told)), server.answer("HTTP/1.1 200 OK\r\n\r\n"));
    assert_eq!((report.status, report.error), (Some(200), None));
    asked
}

#[tokio::test]
async fn each_value_is_a_line_of_its_own() {
    let numbers = vec![HeaderText::Number(123_456_789), HeaderText::Text("b, c".into())];
    let headers = vec![
        OwnHeader { name: "X-Order-Id".into(), values: numbers },
        text("authorization", SECRET),
        text("x-order-id", "d"),
        OwnHeader { name: "x-none".into(), values: Vec::new() },
    ];
    let asked = asked(Format::Payments, headers).await;
    assert_eq!(asked.headers("x-order-id"), ["123456789", "b, c", "d"]);
    assert_eq!(asked.headers("authorization"), [SECRET]);
    assert_eq!(asked.header("x-none"), None);
    assert_eq!(asked.headers("content-type"), ["application/json"]);
}

#[tokio::test]
async fn endpoints_of_the_merchant_are_not_told_them() {
    for format in [Format::Checkout, Format::Tender] {
        let asked = asked(format, vec![text("authorization", SECRET)]).await;
        assert_eq!(asked.header("authorization"), None, "{format:?}");
    }
}

/// Names that the merchant has no say in.
const TAKEN: &[&str] = &[
    "connection",
    "Content-Encoding",
    "content-length",
    "content-type",
    "Content_Type",
    "expect",
    "hmacsignature",
    "HmacSignature",
    "host",
    "HOST",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "Proxy-Connection",
    "te",
    "trailer",
    "Transfer-Encoding",
    "transfer_encoding",
    "upgrade",
    "User-Agent",
    "webhook-id",
    "webhook_id",
    "webhook-signature",
    "webhook-timestamp",
    "webhook-other",
];

#[tokio::test]
async fn what_the_courier_says_itself_is_neither_replaced_nor_repeated() {
    let taken = TAKEN.iter().map(|name| text(name, "forged"));
    let unsendable = [text("x-order", "1\r\nx-forged: forged"), text("x order", "forged"), text("", "forged")];
    let asked = asked(Format::Payments, taken.chain(unsendable).collect()).await;
    assert!(!asked.head.contains("forged"), "{}", asked.head);
    let own = ["host", "content-type", "content-length", "user-agent", sign::HMAC_HEADER, sign::ID_HEADER];
    for name in own.into_iter().chain([sign::TIMESTAMP_HEADER, sign::SIGNATURE_HEADER]) {
        assert_eq!(asked.headers(name).len(), 1, "{name}");
    }
    let names = [sign::ID_HEADER, sign::TIMESTAMP_HEADER, sign::SIGNATURE_HEADER];
    let headers = names.map(|name| (name.parse().unwrap(), asked.header(name).unwrap().parse().unwrap()));
    let receiver = Webhook::new(&sign::secret_text(&keys(1))).unwrap();
    receiver.verify(&asked.body, &http::HeaderMap::from_iter(headers)).unwrap();
}

#[test]
fn what_is_taken_in_is_what_can_be_sent() {
    for name in TAKEN {
        assert!(!is_own_header_allowed(name, "1"), "{name}");
    }
    let longest = "a".repeat(OWN_HEADER_CHARS_MAX);
    let too_long = "a".repeat(OWN_HEADER_CHARS_MAX + 1);
    for name in ["x-order-id", "X-Order-Id", "authorization", "cookie", "x_order", "!#$%&'*+-.^_`|~09az", &longest] {
        assert!(is_own_header_allowed(name, "1"), "{name}");
    }
    for name in ["", " ", "x order", "x:order", ":path", "x-ordér", "x\r\n", "x\0", "(x)", "x/y", "\"x\"", &too_long] {
        assert!(!is_own_header_allowed(name, "1"), "{name:?}");
    }
    for value in ["", "1", SECRET, "a, b;c=\"d\"", "~!", &longest] {
        assert!(is_own_header_allowed("x-order-id", value), "{value}");
    }
    for value in [" a", "a ", "a\r\nb", "a\nb", "a\tb", "a\0", "a\u{7f}", "é", "\u{2028}", &too_long] {
        assert!(!is_own_header_allowed("x-order-id", value), "{value:?}");
    }
}

/// What is logged and listed of an attempt: none of it holds what the headers say.
#[tokio::test]
async fn values_are_in_no_report() {
    let story = reserved(vec![text("authorization", SECRET)]);
    let server = Server::start().await;
    let desk = Desk::new(Format::Payments).with_url(&server.url());
    drop(server);
    let courier = HttpCourier::try_new(vec![desk.merchant()]).unwrap();
    let report = courier.deliver(desk.parcel("evt_1", at(&story, 1, 1))).await;
    assert_eq!(report.error.as_deref(), Some("connection refused"));
    assert!(!format!("{report:?}").contains("secret"));
}
