//! The same with a client of DynamoDB, made as our functions make theirs; with `WARM_UP`, also used once: what the SDK
//! costs.
use aws::{Clients, DynamoLog};
use lambda_http::{Body, Error, Request, Response, service_fn};

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let log = DynamoLog::new(Clients::from_env()?.dynamo(), "tender");
        if std::env::var_os("WARM_UP").is_some() {
            log.warm_up().await;
        }
        let kept = &log;
        lambda_http::run(service_fn(|_: Request| async move {
            Ok::<_, Error>(Response::new(Body::from(format!("hello from {kept:p}"))))
        }))
        .await
    })
}
