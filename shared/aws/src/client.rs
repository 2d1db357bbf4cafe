//! The SDK's clients.

use std::time::Duration;

use aws_config::{BehaviorVersion, retry::RetryConfig, timeout::TimeoutConfig};
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

/// A client of DynamoDB as the environment variables of the AWS SDKs describe it: `AWS_REGION`,
/// `AWS_ACCESS_KEY_ID` and its like, `AWS_ENDPOINT_URL`, which may be plain `http`.
pub async fn dynamo_client() -> aws_sdk_dynamodb::Client {
    let timeouts =
        TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).operation_timeout(OPERATION_TIMEOUT);
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https())
        .timeout_config(timeouts.build())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
        .load()
        .await;
    aws_sdk_dynamodb::Client::new(&config)
}
