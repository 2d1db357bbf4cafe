//! HTTP/1.1 on a socket.

use std::{convert::Infallible, sync::Arc, time::Duration};

use api::{
    BodyFault, Bytes, Engine, Response, Router,
    limits::{BODY_BYTES_MAX, BODY_TIME_MAX},
    reject_body,
};
use functions::CATALOGUE;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};

use crate::docs;

/// Connections served at once; more wait to be accepted. With the database's own files and the sockets of
/// deliveries, well within the 1,024 that a process may have open on most systems.
pub const CONNECTIONS_MAX: usize = 640;

/// How long requests under way may take to end after a stop was asked for.
pub const DRAIN_MAX: Duration = Duration::from_secs(10);

/// How long a client may take to send a request's headers.
const HEADERS_MAX: Duration = Duration::from_secs(30);

/// Serves the catalogue.
pub struct Server {
    listener: TcpListener,
    engine: Engine,
}

impl Server {
    pub(crate) fn new(listener: TcpListener, engine: Engine) -> Self {
        Self { listener, engine }
    }

    /// Serves an engine on a socket of the caller's.
    #[must_use]
    pub fn on(listener: TcpListener, engine: Engine) -> Self {
        Self::new(listener, engine)
    }

    /// Serves until `stop` is done, and then what is under way, for at most [`DRAIN_MAX`].
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Ok(router) = Router::try_new(CATALOGUE) else {
            tracing::error!("two endpoints have the same path");
            return;
        };
        let shared = Arc::new((router, self.engine));
        let graceful = GracefulShutdown::new();
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = async {
                let slot = Arc::clone(&slots).acquire_owned().await;
                (slot, self.listener.accept().await)
            };
            let (slot, stream) = tokio::select! {
                (slot, accepted) = accepted => match accepted {
                    Ok((stream, _)) => (slot, stream),
                    Err(error) => {
                        tracing::warn!(%error, "a connection was not accepted");
                        continue;
                    }
                },
                () = &mut stop => break,
            };
            let connection = graceful.watch(connection(stream, Arc::clone(&shared)));
            tokio::spawn(async move {
                // A client that goes away is no fault of ours.
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection ended early");
                }
                drop(slot);
            });
        }
        drop(self.listener);
        if timeout(DRAIN_MAX, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were still under way when the time to drain was over");
        }
    }
}

fn connection(
    stream: TcpStream,
    shared: Arc<(Router, Engine)>,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send {
    // Answers are written whole; waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move {
            // In a task of its own: a client that goes away does not stop a payment between two steps.
            let answer = tokio::spawn(async move { answer(&shared.0, &shared.1, request).await });
            Ok::<_, Infallible>(answer.await.unwrap_or_else(|_| broken()).map(Full::new))
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service)
}

async fn answer(router: &Router, engine: &Engine, request: http::Request<Incoming>) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(docs) = docs::answer(&parts.method, parts.uri.path()) {
        return docs;
    }
    let body = match timeout(BODY_TIME_MAX, Limited::new(body, BODY_BYTES_MAX).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return reject_body(engine, &parts, BodyFault::TooLarge),
        Ok(Err(_)) | Err(_) => return reject_body(engine, &parts, BodyFault::Incomplete),
    };
    router.respond(engine, http::Request::from_parts(parts, body)).await
}

/// The answer of a task that panicked.
fn broken() -> Response {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
    response
}
