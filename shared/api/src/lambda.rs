//! The way into a Lambda. Nothing here is generic over the endpoint, so that a binary costs a second to
//! build and not half a minute.

use std::sync::Arc;

use app::Fut;
use bytes::Bytes;
use lambda_http::{Body, RequestExt as _, tracing};

use crate::{Engine, Mounted, Router};

/// Makes the engine, in the Lambda's init phase.
pub type Wire = fn() -> Fut<'static, Result<Engine, lambda_http::Error>>;

/// Serves one endpoint until the runtime ends the process.
///
/// # Errors
/// The engine cannot be wired, or the runtime cannot be reached.
pub fn serve(endpoint: Mounted, wire: Wire) -> Result<(), lambda_http::Error> {
    tracing::init_default_subscriber();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(endpoint, wire))
}

async fn run(endpoint: Mounted, wire: Wire) -> Result<(), lambda_http::Error> {
    let engine = Arc::new(wire().await?);
    let router = Arc::new(Router::try_new(&[endpoint])?);
    lambda_http::run(lambda_http::service_fn(move |event: lambda_http::Request| {
        let (engine, router) = (Arc::clone(&engine), Arc::clone(&router));
        let answer: Fut<'static, Result<lambda_http::Response<Body>, lambda_http::Error>> =
            Box::pin(async move { answer(&engine, &router, event).await });
        answer
    }))
    .await
}

async fn answer(
    engine: &Engine,
    router: &Router,
    event: lambda_http::Request,
) -> Result<lambda_http::Response<Body>, lambda_http::Error> {
    // The path as the caller sent it: the URI's own would have the stage's name in it.
    let path = event.raw_http_path().to_owned();
    let (mut parts, body) = event.into_parts();
    let path_and_query = match parts.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    parts.uri = path_and_query.parse()?;
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
