//! The engine on AWS, wired from the environment.

use std::sync::Arc;

use api::{Engine, Secrets};
use app::{
    Fut,
    system::{OsRandom, SystemClock},
};

/// The table of commits.
const TABLE: &str = "TENDER_TABLE";
/// The installation's secrets: the JSON document described at [`Secrets`].
const SECRETS: &str = "TENDER_SECRETS";
/// Where shoppers' browsers reach the API.
const PUBLIC_URL: &str = "TENDER_PUBLIC_URL";

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Wires the engine over DynamoDB from `TENDER_TABLE`, `TENDER_SECRETS` and `TENDER_PUBLIC_URL`.
///
/// # Errors
/// A variable is missing or cannot be used.
#[must_use]
pub fn wire() -> Fut<'static, Result<Engine, Error>> {
    Box::pin(async {
        let secrets = Secrets::from_json(&variable(SECRETS)?)?;
        let log = aws::DynamoLog::new(aws::dynamo_client().await, variable(TABLE)?);
        let public_url = variable(PUBLIC_URL)?;
        Ok(Engine::wire(Arc::new(log), Arc::new(SystemClock), Arc::new(OsRandom), &secrets, &public_url)?)
    })
}

fn variable(name: &str) -> Result<String, Error> {
    std::env::var(name).map_err(|_| format!("the environment variable {name} is not set").into())
}
