//! The SDK's clients.

use std::{env, error::Error, time::Duration};

use app::StoreError;
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::config::BehaviorVersion;
use aws_smithy_async::{
    rt::sleep::{SharedAsyncSleep, TokioSleep},
    time::{SharedTimeSource, SystemTimeSource},
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, rustls_provider::CryptoMode},
};
use aws_types::{
    SdkConfig,
    region::Region,
    sdk_config::{RetryConfig, TimeoutConfig},
};

use crate::{roots::trusted, trace::Tracer};

/// How long one try of a request may take.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a request may take, with all its tries and the delays between them.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(4);

/// How often a request is tried.
pub const ATTEMPTS_MAX: u32 = 3;

/// The environment does not say what a client needs to know.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A variable is missing.
    #[error("the environment variable {0} is not set")]
    NotSet(&'static str),
    /// The certificates cannot be used.
    #[error("the certificates of this system cannot be used: {0}")]
    Certificates(String),
}

/// Clients of AWS as the environment variables describe it that Lambda sets and all AWS SDKs read: `AWS_REGION`,
/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`; and, for emulators, `AWS_ENDPOINT_URL` and its
/// kind for one service, such as `AWS_ENDPOINT_URL_SQS`, which may be plain `http`. All share one pool of connections.
///
/// Other places that an SDK would look for credentials in (profiles, metadata services, STS) are left out: there are
/// none in a Lambda, and the clients that would ask them are a part of each binary and of each start.
///
/// In a Lambda that is traced, each call is told to X-Ray.
#[derive(Debug, Clone)]
pub struct Clients {
    config: SdkConfig,
    tracer: Option<Tracer>,
}

/// A service's client, with the endpoint that the environment names for it, if it names one.
macro_rules! client {
    ($self:ident, $service:ident, $endpoint:literal) => {{
        let mut config = $service::config::Builder::from(&$self.config);
        if let Some(tracer) = &$self.tracer {
            config.push_interceptor(tracer.interceptor());
        }
        config.set_endpoint_url(optional($endpoint).or_else(|| optional("AWS_ENDPOINT_URL")));
        $service::Client::from_conf(config.build())
    }};
}

impl Clients {
    /// Reads the environment variables. Asks nobody.
    ///
    /// # Errors
    /// A variable is missing.
    pub fn from_env() -> Result<Self, ClientError> {
        let credentials = Credentials::new(
            required("AWS_ACCESS_KEY_ID")?,
            required("AWS_SECRET_ACCESS_KEY")?,
            optional("AWS_SESSION_TOKEN"),
            None,
            "environment",
        );
        let tls = TlsContext::builder().with_trust_store(trusted()).build();
        let tls = tls.map_err(|error| ClientError::Certificates(error.to_string()))?;
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls).build_https();
        let timeouts =
            TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).operation_timeout(OPERATION_TIMEOUT);
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(required("AWS_REGION")?))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http)
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .time_source(SharedTimeSource::new(SystemTimeSource::new()))
            .timeout_config(timeouts.build())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
            .build();
        Ok(Self { config, tracer: Tracer::from_env() })
    }

    /// A client of DynamoDB.
    #[must_use]
    pub fn dynamo(&self) -> aws_sdk_dynamodb::Client {
        client!(self, aws_sdk_dynamodb, "AWS_ENDPOINT_URL_DYNAMODB")
    }

    /// A client of SQS.
    #[must_use]
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        client!(self, aws_sdk_sqs, "AWS_ENDPOINT_URL_SQS")
    }

    /// A client of EventBridge Scheduler.
    #[must_use]
    pub fn scheduler(&self) -> aws_sdk_scheduler::Client {
        client!(self, aws_sdk_scheduler, "AWS_ENDPOINT_URL_SCHEDULER")
    }

    /// A client of EventBridge.
    #[must_use]
    pub fn event_bridge(&self) -> aws_sdk_eventbridge::Client {
        client!(self, aws_sdk_eventbridge, "AWS_ENDPOINT_URL_EVENTBRIDGE")
    }

    /// The text of a secret in Secrets Manager, by its ARN or its name.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it is not answered; [`StoreError::Corrupt`] for a secret that is no text.
    pub async fn secret(&self, id: &str) -> Result<String, StoreError> {
        let client = client!(self, aws_sdk_secretsmanager, "AWS_ENDPOINT_URL_SECRETS_MANAGER");
        let answer = client.get_secret_value().secret_id(id).send().await.map_err(|error| unavailable(&error))?;
        answer.secret_string.ok_or_else(|| StoreError::Corrupt(format!("the secret {id} is no text")))
    }
}

fn optional(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}

fn required(variable: &'static str) -> Result<String, ClientError> {
    optional(variable).ok_or(ClientError::NotSet(variable))
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
