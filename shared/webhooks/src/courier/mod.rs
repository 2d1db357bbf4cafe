//! The courier: one POST, and what came back.

mod fault;
mod lookup;
mod retry_after;

use std::{sync::Arc, time::Duration};

use app::{
    Fut,
    ports::{Courier, Parcel},
};
use bytes::Bytes;
use domain::{MerchantAccount, feed::Report};
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::{Instant, timeout_at};

pub use self::lookup::{Lookup, SystemLookup};
use self::{fault::SendFault, lookup::Resolver};
use crate::{address::check_url, format, own_headers, sign};

/// How long an endpoint may take in all: to be looked up, connected to, and to answer (Adyen: 10 s).
pub const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// How long all addresses of a host together may take to be connected to, so that another can be tried when one
/// says nothing.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// How much of an answer's body is read, in bytes: so that the connection can be used again after the short
/// answers that are usual, and no long one is waited for.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How long an answer's body is waited for after its status: what is to be told next waits as long.
const BODY_TIME_MAX: Duration = Duration::from_secs(1);

/// Connections to one host that are kept for the next delivery.
const IDLE_CONNECTIONS_MAX: usize = 2;

/// How long they are kept: an order's changes come in quick succession, and a connection kept for long is
/// often closed by the other side when it is needed.
const IDLE_TIME_MAX: Duration = Duration::from_secs(5);

const USER_AGENT: &str = concat!("Tender/", env!("CARGO_PKG_VERSION"));

type HttpClient = Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>;

/// Delivers by HTTP, to the public Internet only.
///
/// Redirects are not followed: they would lead around the checks of the URL, and a signed event would go
/// where its receiver never said. The environment's proxies are not used: they would resolve the name again.
pub struct HttpCourier {
    public: HttpClient,
    // A client of its own: a kept connection must never serve a merchant who could not have opened it.
    anywhere: HttpClient,
    local: Vec<MerchantAccount>,
}

/// There is no TLS to deliver with.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up: {0}")]
pub struct TlsFault(#[from] rustls::Error);

impl HttpCourier {
    /// A courier. The merchant accounts of `local` may have endpoints on this machine, and plain HTTP: those for
    /// tests.
    ///
    /// # Errors
    /// [`TlsFault`], which the ring provider never has.
    pub fn try_new(local: Vec<MerchantAccount>) -> Result<Self, TlsFault> {
        Self::with_lookup(local, Arc::new(SystemLookup))
    }

    /// A courier that looks names up in its own way.
    ///
    /// # Errors
    /// As [`HttpCourier::try_new`].
    pub fn with_lookup(local: Vec<MerchantAccount>, lookup: Arc<dyn Lookup>) -> Result<Self, TlsFault> {
        let public = client(Resolver { lookup: lookup.clone(), allow_local: false })?;
        let anywhere = client(Resolver { lookup, allow_local: true })?;
        Ok(Self { public, anywhere, local })
    }

    async fn send(&self, parcel: Parcel<'_>) -> Report {
        let begun = Instant::now();
        let deadline = begun + ANSWER_TIME_MAX;
        let answer = timeout_at(deadline, self.post(&parcel)).await.unwrap_or(Err(SendFault::TimedOut));
        let mut report = match &answer {
            Ok(answer) => Report {
                status: Some(answer.status().as_u16()),
                error: None,
                duration: Duration::ZERO,
                retry_after: retry_after::read(answer.status(), answer.headers(), parcel.at),
            },
            Err(fault) => {
                Report { status: None, error: Some(fault.to_string()), duration: Duration::ZERO, retry_after: None }
            }
        };
        if let Ok(answer) = answer {
            // The status has said it all: whatever becomes of the body changes nothing.
            timeout_at(deadline.min(Instant::now() + BODY_TIME_MAX), drain(answer.into_body())).await.ok();
        }
        report.duration = begun.elapsed();
        report
    }

    async fn post(&self, parcel: &Parcel<'_>) -> Result<Response<Incoming>, SendFault> {
        let is_local = self.local.contains(parcel.merchant);
        // Checked again, because the rules may have changed since it was stored, and because an address in
        // place of a name is not looked up.
        let url = check_url(&parcel.endpoint.url, is_local)?;
        let body = format::body(parcel)?;
        let mut request = Request::post(url.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, USER_AGENT);
        for (name, value) in sign::headers(parcel, &body) {
            request = request.header(name, value);
        }
        for (name, value) in own_headers::of(parcel) {
            request = request.header(name, value);
        }
        let request = request.body(Full::from(body))?;
        let client = if is_local { &self.anywhere } else { &self.public };
        client.request(request).await.map_err(SendFault::from)
    }
}

impl Courier for HttpCourier {
    fn deliver<'a>(&'a self, parcel: Parcel<'a>) -> Fut<'a, Report> {
        Box::pin(self.send(parcel))
    }
}

fn client(resolver: Resolver) -> Result<HttpClient, TlsFault> {
    let allow_http = resolver.allow_local;
    let mut http = HttpConnector::new_with_resolver(resolver);
    // It is handed URLs of HTTPS too, whose TLS is put on top.
    http.enforce_http(false);
    http.set_connect_timeout(Some(CONNECT_TIME_MAX));
    http.set_nodelay(true);
    let https = HttpsConnectorBuilder::new().with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())?;
    let https = if allow_http { https.https_or_http() } else { https.https_only() };
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIME_MAX)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .build(https.enable_http1().wrap_connector(http));
    Ok(client)
}

/// Reads a body to its end, or until it is too long, and drops it.
async fn drain(mut body: Incoming) {
    let mut read = 0_usize;
    while let Some(Ok(frame)) = body.frame().await {
        read = read.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if read > ANSWER_BYTES_MAX {
            return;
        }
    }
}
