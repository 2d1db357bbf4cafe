//! The way into a Lambda. Nothing here is generic over the endpoint or the consumer, so that a binary costs a
//! second to build and not half a minute.

use std::{pin::Pin, sync::Arc};

use app::Fut;
use bytes::Bytes;
use lambda_http::{Body, RequestExt as _, request::RequestContext};
use lambda_runtime::LambdaEvent;
use serde_json::Value;

use crate::{Engine, Mounted, Router};

pub use lambda_runtime::Error;

/// Makes the engine, in the Lambda's init phase.
pub type Wire = fn() -> Fut<'static, Result<Engine, Error>>;

/// Takes the events of a queue, a stream or a schedule.
pub trait Consumer: Send + Sync {
    /// Takes one event, and answers what its source wants to hear.
    ///
    /// An error fails the whole event, and its source gives it again.
    fn handle(&self, event: Value) -> Fut<'_, Result<Value, Error>>;
}

/// Makes a consumer, in the Lambda's init phase.
pub type WireConsumer = fn() -> Fut<'static, Result<Box<dyn Consumer>, Error>>;

/// Serves one endpoint until the runtime ends the process.
///
/// # Errors
/// The engine cannot be wired, or the runtime cannot be reached.
pub fn serve(endpoint: Mounted, wire: Wire) -> Result<(), Error> {
    start(Box::pin(run_endpoint(endpoint, wire)))
}

/// Hands events to one consumer until the runtime ends the process.
///
/// # Errors
/// The consumer cannot be wired, or the runtime cannot be reached.
pub fn consume(wire: WireConsumer) -> Result<(), Error> {
    start(Box::pin(run_consumer(wire)))
}

fn start(main: Pin<Box<dyn Future<Output = Result<(), Error>>>>) -> Result<(), Error> {
    tracing::subscriber::set_global_default(crate::logging::subscriber(std::io::stdout))?;
    let ended = tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(main);
    // What `main` returns is written to the standard error, in a form of its own.
    if let Err(error) = &ended {
        tracing::error!(%error, "the function has ended");
    }
    ended
}

async fn run_consumer(wire: WireConsumer) -> Result<(), Error> {
    let consumer = Arc::<dyn Consumer>::from(wire().await?);
    lambda_runtime::run(lambda_runtime::service_fn(move |event: LambdaEvent<Value>| {
        let consumer = Arc::clone(&consumer);
        let answer: Fut<'static, Result<Value, Error>> = Box::pin(async move { consumer.handle(event.payload).await });
        answer
    }))
    .await
}

async fn run_endpoint(endpoint: Mounted, wire: Wire) -> Result<(), Error> {
    let engine = Arc::new(wire().await?);
    let router = Arc::new(Router::try_new(&[endpoint])?);
    lambda_http::run(lambda_http::service_fn(move |event: lambda_http::Request| {
        let (engine, router) = (Arc::clone(&engine), Arc::clone(&router));
        let answer: Fut<'static, Result<lambda_http::Response<Body>, Error>> =
            Box::pin(async move { answer(&engine, &router, event).await });
        answer
    }))
    .await
}

/// Answers one event of API Gateway.
///
/// # Errors
/// An event that is no HTTP request.
pub async fn answer(
    engine: &Engine,
    router: &Router,
    event: lambda_http::Request,
) -> Result<lambda_http::Response<Body>, Error> {
    let path = path(&event);
    if let Some(url) = url(&event) {
        engine.found_at(&url);
    }
    let (mut parts, body) = event.into_parts();
    let path_and_query = match parts.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    // What is no path is the path of no endpoint.
    parts.uri = path_and_query.parse().unwrap_or_default();
    let body = match body {
        Body::Empty => Bytes::new(),
        Body::Text(text) => Bytes::from(text),
        Body::Binary(bytes) => Bytes::from(bytes),
        _ => return Err("a body of a kind that is not known".into()),
    };
    let response = router.respond(engine, http::Request::from_parts(parts, body)).await;
    let (parts, body) = response.into_parts();
    let body = match String::from_utf8(body.to_vec()) {
        Ok(text) => Body::Text(text),
        Err(error) => Body::Binary(error.into_bytes()),
    };
    Ok(lambda_http::Response::from_parts(parts, body))
}

/// The stage whose name does not stand before the path.
const DEFAULT_STAGE: &str = "$default";

/// Where a request reached the API: what a shopper's browser can be sent to as well.
fn url(event: &lambda_http::Request) -> Option<String> {
    let Some(RequestContext::ApiGatewayV2(context)) = event.request_context_ref() else { return None };
    let host = context.domain_name.as_deref()?;
    Some(match context.stage.as_deref() {
        Some(stage) if stage != DEFAULT_STAGE && event.raw_http_path().starts_with(&format!("/{stage}/")) => {
            format!("https://{host}/{stage}")
        }
        Some(_) | None => format!("https://{host}"),
    })
}

/// The path without the name of the stage, which stands before it unless the stage is the default one.
fn path(event: &lambda_http::Request) -> String {
    let path = event.raw_http_path();
    let stage = match event.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.stage.as_deref(),
        _ => None,
    };
    stage
        .and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage))
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(path)
        .to_owned()
}
