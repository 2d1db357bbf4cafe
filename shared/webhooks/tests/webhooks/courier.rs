//! One delivery: what the endpoint gets, and what is reported of it.

use std::{
    io,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use app::{Fut, ports::Courier};
use domain::{feed::Report, order::Format};
use standardwebhooks::Webhook;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use webhooks::{
    HttpCourier,
    courier::{ANSWER_BYTES_MAX, ANSWER_TIME_MAX, Lookup},
    sign,
};

use crate::{
    server::{Asked, Server},
    support::{Desk, keys},
};

/// A courier for which the desks' merchant is a local one.
fn local(desk: &Desk) -> HttpCourier {
    HttpCourier::try_new(vec![desk.merchant()]).unwrap()
}

/// Delivers a test to a server that answers so.
async fn deliver(answer: &str) -> (Report, Asked) {
    let server = Server::start().await;
    let desk = Desk::to(&server.url());
    let courier = local(&desk);
    tokio::join!(courier.deliver(desk.test()), server.answer(answer))
}

async fn report(answer: &str) -> Report {
    deliver(answer).await.0
}

/// Delivers a test to where nothing is sent, or nobody answers.
async fn error(courier: &HttpCourier, desk: &Desk) -> String {
    let report = courier.deliver(desk.test()).await;
    assert_eq!((report.status, report.retry_after), (None, None));
    assert!(!report.is_acknowledged());
    report.error.unwrap()
}

#[tokio::test]
async fn the_endpoint_gets_the_body_and_what_it_needs_to_check_it() {
    let server = Server::start().await;
    let mut desk = Desk::to(&server.url());
    desk.at = Desk::of_today(Format::Tender).at;
    let courier = local(&desk);
    let (report, asked) =
        tokio::join!(courier.deliver(desk.test()), server.answer("HTTP/1.1 200 OK\r\n\r\n[accepted]"));
    assert_eq!((report.status, report.error), (Some(200), None));
    assert!(asked.head.starts_with("POST /hooks?shop=1 HTTP/1.1\r\n"), "{}", asked.head);
    assert_eq!(asked.header("host").unwrap(), format!("127.0.0.1:{}", server.port));
    assert_eq!(asked.header("content-type").unwrap(), "application/json");
    assert_eq!(asked.header("user-agent").unwrap(), concat!("Tender/", env!("CARGO_PKG_VERSION")));
    assert_eq!(asked.header("webhook-id").unwrap(), "evt_test_we_1_0");
    assert_eq!(asked.body, webhooks::format::body(&desk.test()).unwrap());
    let [.., (hmac, signature)] = sign::headers(&desk.test(), &asked.body);
    assert_eq!(asked.header(hmac).unwrap(), signature);
    let names = [sign::ID_HEADER, sign::TIMESTAMP_HEADER, sign::SIGNATURE_HEADER];
    let headers = names.map(|name| (name.parse().unwrap(), asked.header(name).unwrap().parse().unwrap()));
    let receiver = Webhook::new(&sign::secret_text(&keys(1))).unwrap();
    receiver.verify(&asked.body, &http::HeaderMap::from_iter(headers)).unwrap();
}

#[tokio::test]
async fn every_2xx_acknowledges() {
    for line in ["200 OK", "202 Accepted", "204 No Content"] {
        let report = report(&format!("HTTP/1.1 {line}\r\n\r\n")).await;
        assert!(report.is_acknowledged(), "{line}");
        assert_eq!((report.error, report.retry_after), (None, None));
    }
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let elsewhere = Server::start().await;
    for line in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let report = report(&format!("HTTP/1.1 {line}\r\nlocation: {}\r\n\r\n", elsewhere.url())).await;
        assert!(!report.is_acknowledged());
        assert_eq!(report.error, None);
        tokio::select! {
            biased;
            _ = elsewhere.listener.accept() => panic!("{line} was followed"),
            () = std::future::ready(()) => {}
        }
    }
}

#[tokio::test]
async fn an_endpoint_that_is_gone_says_so() {
    assert!(report("HTTP/1.1 410 Gone\r\n\r\n").await.is_gone());
}

#[tokio::test]
async fn an_endpoint_that_fails_may_say_when_to_come_again() {
    // The desks' clock says 12:00:00.
    let cases = [
        ("120", Some(120)),
        ("0", Some(0)),
        ("Sat, 31 Jan 2026 12:05:00 GMT", Some(300)),
        ("Sat, 31 Jan 2026 11:00:00 GMT", Some(0)),
        ("soon", None),
        ("-1", None),
        ("", None),
    ];
    for (asked, seconds) in cases {
        let report = report(&format!("HTTP/1.1 500 Oh\r\nretry-after: {asked}\r\n\r\n")).await;
        assert_eq!((report.status, report.error), (Some(500), None));
        assert_eq!(report.retry_after, seconds.map(Duration::from_secs), "{asked}");
    }
    let busy = report("HTTP/1.1 429 Busy\r\nretry-after: 7\r\n\r\n").await;
    assert_eq!(busy.retry_after, Some(Duration::from_secs(7)));
    let done = report("HTTP/1.1 202 Accepted\r\nretry-after: 7\r\n\r\n").await;
    assert_eq!(done.retry_after, None);
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_left_after_ten_seconds() {
    let server = Server::start().await;
    let desk = Desk::to(&server.url());
    let courier = local(&desk);
    let hang = async {
        let (mut stream, _) = server.asked().await;
        // From here on time runs when nothing else does.
        tokio::time::pause();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "the connection is closed");
    };
    let (report, ()) = tokio::join!(courier.deliver(desk.test()), hang);
    assert_eq!((report.status, report.error.as_deref()), (None, Some("timed out after 10 s")));
    assert!(report.duration >= ANSWER_TIME_MAX);
}

#[tokio::test]
async fn a_status_counts_even_if_its_body_never_comes() {
    let server = Server::start().await;
    let desk = Desk::to(&server.url());
    let courier = local(&desk);
    let hang = async {
        let (mut stream, _) = server.asked().await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n").await.unwrap();
        tokio::time::pause();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "the connection is closed");
    };
    let (report, ()) = tokio::join!(courier.deliver(desk.test()), hang);
    assert!(report.is_acknowledged());
}

#[tokio::test]
async fn a_huge_body_is_not_read_whole() {
    const OFFERED: usize = 256 * 1024 * 1024;
    let server = Server::start().await;
    let desk = Desk::to(&server.url());
    let courier = local(&desk);
    let serve = async {
        let (mut stream, _) = server.asked().await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let (chunk, mut written) = (vec![b' '; ANSWER_BYTES_MAX], 0);
        while written < OFFERED && stream.write_all(&chunk).await.is_ok() {
            written += chunk.len();
        }
        written
    };
    let (report, written) = tokio::join!(courier.deliver(desk.test()), serve);
    assert!(report.is_acknowledged());
    assert!(written < OFFERED / 2, "{written} bytes were taken");
}

#[tokio::test]
async fn an_answer_that_is_none_is_told_in_words() {
    let closed = report("").await;
    assert_eq!(closed.error.as_deref(), Some("the connection was closed before an answer came"));
    let other = report("220 mail.example ESMTP\r\n\r\n").await;
    assert_eq!(other.error.as_deref(), Some("the answer is not one of HTTP"));
    let server = Server::start().await;
    let desk = Desk::to(&server.url());
    drop(server);
    assert_eq!(error(&local(&desk), &desk).await, "connection refused");
}

#[tokio::test]
async fn https_is_spoken_with_tls() {
    let server = Server::start().await;
    let desk = Desk::to(&format!("https://localhost:{}/", server.port));
    let courier = local(&desk);
    let serve = async {
        let (mut stream, _) = server.listener.accept().await.unwrap();
        let mut hello = vec![0; 1_024];
        let read = stream.read(&mut hello).await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        hello[..read].to_vec()
    };
    let (report, hello) = tokio::join!(courier.deliver(desk.test()), serve);
    assert_eq!(hello[..2], [0x16, 0x03], "a handshake of TLS");
    assert!(hello.windows(9).any(|part| part == b"localhost"), "that names the host");
    let error = report.error.unwrap();
    assert!(error.starts_with("TLS failed: "), "{error}");
}

#[tokio::test]
async fn strict_merchants_are_not_sent_to_local_hosts() {
    let courier = HttpCourier::try_new(Vec::new()).unwrap();
    let cases = [
        ("https://127.0.0.1:1/", "nothing is sent to this URL: its host 127.0.0.1 is not a public address"),
        ("https://localhost:1/", "nothing is sent to this URL: its host 'localhost' is not a public name"),
        ("http://shop.example/", "nothing is sent to this URL: it does not begin with https://"),
    ];
    for (url, words) in cases {
        assert_eq!(error(&courier, &Desk::to(url)).await, words);
    }
}

/// Names that lead where a test says.
struct Names(Result<Vec<IpAddr>, io::ErrorKind>, Mutex<Vec<String>>);

impl Lookup for Names {
    fn addresses(&self, host: String) -> Fut<'static, io::Result<Vec<IpAddr>>> {
        self.1.lock().unwrap().push(host);
        Box::pin(std::future::ready(self.0.clone().map_err(io::Error::from)))
    }
}

fn names<const N: usize>(addresses: [&str; N]) -> Arc<Names> {
    Arc::new(Names(Ok(addresses.map(|address| address.parse().unwrap()).into()), Mutex::default()))
}

#[tokio::test]
async fn a_name_that_leads_to_anything_local_is_refused_as_a_whole() {
    let desk = Desk::to("https://shop.example/");
    let cases = [
        (names(["10.0.0.1"]), "the host resolves to 10.0.0.1, which is not a public address"),
        (names(["127.0.0.1"]), "the host resolves to 127.0.0.1, which is not a public address"),
        (names(["8.8.8.8", "169.254.169.254"]), "the host resolves to 169.254.169.254, which is not a public address"),
        (names(["8.8.8.8", "::1"]), "the host resolves to ::1, which is not a public address"),
        (names(["::ffff:192.168.0.1"]), "the host resolves to ::ffff:192.168.0.1, which is not a public address"),
        (names([]), "the host has no address"),
        (Arc::new(Names(Err(io::ErrorKind::Other), Mutex::default())), "the host's name could not be resolved"),
    ];
    for (names, words) in cases {
        let courier = HttpCourier::with_lookup(Vec::new(), names.clone()).unwrap();
        assert_eq!(error(&courier, &desk).await, words);
        assert_eq!(*names.1.lock().unwrap(), ["shop.example"], "looked up once");
    }
}

#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_looked_up() {
    let server = Server::start().await;
    let desk = Desk::to(&format!("http://shop.example:{}/", server.port));
    let names = names(["127.0.0.1"]);
    let courier = HttpCourier::with_lookup(vec![desk.merchant()], names.clone()).unwrap();
    let (report, asked) = tokio::join!(courier.deliver(desk.test()), server.answer("HTTP/1.1 200 OK\r\n\r\n"));
    assert!(report.is_acknowledged());
    assert_eq!(asked.header("host").unwrap(), format!("shop.example:{}", server.port));
    assert_eq!(*names.1.lock().unwrap(), ["shop.example"], "looked up once");
}

#[tokio::test]
async fn the_systems_names_are_used() {
    let server = Server::start().await;
    let desk = Desk::to(&format!("http://localhost:{}/", server.port));
    let courier = local(&desk);
    let (report, _) = tokio::join!(courier.deliver(desk.test()), server.answer("HTTP/1.1 200 OK\r\n\r\n"));
    assert!(report.is_acknowledged());
}
