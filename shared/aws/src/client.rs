//! The SDK's clients.

use std::{error::Error, time::Duration};

use app::StoreError;
use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

/// How long one try of a request may take.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a request may take, with all its tries and the delays between them.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(4);

/// How often a request is tried.
pub const ATTEMPTS_MAX: u32 = 3;

/// Clients of AWS as the environment variables of the AWS SDKs describe it: `AWS_REGION`, `AWS_ACCESS_KEY_ID`
/// and its like, `AWS_ENDPOINT_URL` and its kind for one service, such as `AWS_ENDPOINT_URL_SQS`, which may be
/// plain `http`. All share one pool of connections and one set of credentials.
#[derive(Debug, Clone)]
pub struct Clients(SdkConfig);

impl Clients {
    /// Reads the environment variables.
    pub async fn from_env() -> Self {
        let timeouts =
            TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).operation_timeout(OPERATION_TIMEOUT);
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https())
            .timeout_config(timeouts.build())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
            .load()
            .await;
        Self(config)
    }

    /// A client of DynamoDB.
    #[must_use]
    pub fn dynamo(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.0)
    }

    /// A client of SQS.
    #[must_use]
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.0)
    }

    /// A client of EventBridge Scheduler.
    #[must_use]
    pub fn scheduler(&self) -> aws_sdk_scheduler::Client {
        aws_sdk_scheduler::Client::new(&self.0)
    }

    /// A client of EventBridge.
    #[must_use]
    pub fn event_bridge(&self) -> aws_sdk_eventbridge::Client {
        aws_sdk_eventbridge::Client::new(&self.0)
    }
}

/// A client of DynamoDB alone: see [`Clients`].
pub async fn dynamo_client() -> aws_sdk_dynamodb::Client {
    Clients::from_env().await.dynamo()
}

/// Timeouts, throttling, failures of a service and of the way to it, and also requests that it finds wrong:
/// whatever it is, it is not known whether anything was done.
pub(crate) fn unavailable(error: &dyn Error) -> StoreError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    StoreError::Unavailable(text)
}
