//! The commit log, in one DynamoDB table.
//!
//! | attribute | type | holds                                                               |
//! |-----------|------|---------------------------------------------------------------------|
//! | `pk`      | S    | partition key: the stream, `{merchantAccount}/{aggregate id}`       |
//! | `sk`      | N    | sort key: the version, from 0                                       |
//! | `id`      | B    | which try to write the commit this is: 16 random bytes              |
//! | `at`      | N    | when it was decided: milliseconds since 1970                        |
//! | `ev`      | S    | its events: a JSON array                                            |
//! | `sn`      | S    | the state after it, as JSON; only in every 32nd commit              |
//!
//! Items are written once, by a `PutItem` that fails if there is one, and never changed.

use std::{collections::HashMap, error::Error, str::FromStr};

use app::{
    Fut, StoreError, StreamId,
    ports::{Commit, CommitLog, SNAPSHOT_EVERY},
};
use aws_sdk_dynamodb::{
    Client,
    operation::put_item::PutItemError,
    primitives::Blob,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use domain::{Time, Version};

type Item = HashMap<String, AttributeValue>;

/// The commit log in a DynamoDB table.
#[derive(Debug, Clone)]
pub struct DynamoLog {
    client: Client,
    table: String,
}

impl DynamoLog {
    /// The commit log in that table.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// One `Query`, unless its answer does not fit into the megabyte that DynamoDB answers at once.
    async fn query(&self, stream: &StreamId, up_to: Option<Version>) -> Result<Vec<Commit>, StoreError> {
        let mut commits = Vec::new();
        let mut after = None;
        loop {
            let left = usize::from(SNAPSHOT_EVERY).saturating_sub(commits.len());
            let query = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .scan_index_forward(false)
                .limit(i32::try_from(left).unwrap_or(i32::MAX))
                .set_exclusive_start_key(after)
                .expression_attribute_values(":pk", AttributeValue::S(stream.to_string()));
            let query = match up_to {
                None => query.key_condition_expression("pk = :pk"),
                Some(up_to) => query
                    .key_condition_expression("pk = :pk AND sk <= :upto")
                    .expression_attribute_values(":upto", AttributeValue::N(up_to.to_string())),
            };
            let page = query.send().await.map_err(|error| unavailable(&error))?;
            for item in page.items.unwrap_or_default() {
                let commit = parse(stream, item)?;
                let is_enough = commit.snapshot.is_some();
                commits.push(commit);
                if is_enough {
                    return Ok(commits);
                }
            }
            after = page.last_evaluated_key;
            if after.is_none() || commits.len() >= usize::from(SNAPSHOT_EVERY) {
                return Ok(commits);
            }
        }
    }

    /// One `PutItem`. If its condition fails, the answer holds the item that is there: no read is needed
    /// to see whether it is our own.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that writes commits")]
    async fn put(&self, commit: &Commit) -> Result<(), StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .set_item(Some(render(commit)));
        let Err(error) = put.send().await else { return Ok(()) };
        if let Some(PutItemError::ConditionalCheckFailedException(refusal)) = error.as_service_error() {
            let Some(found) = &refusal.item else { return Err(unavailable(&error)) };
            return match found.get("id").and_then(|id| id.as_b().ok()) {
                Some(id) if id.as_ref() == commit.id => Ok(()),
                Some(_) => Err(StoreError::Conflict),
                None => Err(corrupt(&commit.stream, commit.version, "it has no id")),
            };
        }
        Err(unavailable(&error))
    }
}

impl CommitLog for DynamoLog {
    fn load<'a>(&'a self, stream: &'a StreamId, up_to: Option<Version>) -> Fut<'a, Result<Vec<Commit>, StoreError>> {
        Box::pin(self.query(stream, up_to))
    }

    fn append<'a>(&'a self, commit: &'a Commit) -> Fut<'a, Result<(), StoreError>> {
        Box::pin(self.put(commit))
    }
}

fn render(commit: &Commit) -> Item {
    let snapshot = commit.snapshot.as_ref().map(|snapshot| ("sn", AttributeValue::S(snapshot.clone())));
    [
        ("pk", AttributeValue::S(commit.stream.to_string())),
        ("sk", AttributeValue::N(commit.version.to_string())),
        ("id", AttributeValue::B(Blob::new(commit.id))),
        ("at", AttributeValue::N(commit.at.unix_ms().to_string())),
        ("ev", AttributeValue::S(commit.events.clone())),
    ]
    .into_iter()
    .chain(snapshot)
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn parse(stream: &StreamId, mut item: Item) -> Result<Commit, StoreError> {
    let version = number(&item, "sk").and_then(Version::try_new);
    let version = version.ok_or_else(|| corrupt(stream, "?", "it has no version"))?;
    let lacks = |what| corrupt(stream, version, what);
    let id = item.get("id").and_then(|id| id.as_b().ok()).and_then(|id| id.as_ref().try_into().ok());
    let id = id.ok_or_else(|| lacks("it has no id"))?;
    let at = number(&item, "at").map(Time::from_unix_ms).ok_or_else(|| lacks("it has no time"))?;
    let mut text = |name| match item.remove(name) {
        Some(AttributeValue::S(text)) => Ok(Some(text)),
        Some(_) => Err(()),
        None => Ok(None),
    };
    let events = text("ev").ok().flatten().ok_or_else(|| lacks("it has no events"))?;
    let snapshot = text("sn").map_err(|()| lacks("its snapshot is no text"))?;
    Ok(Commit { stream: stream.clone(), version, id, at, events, snapshot })
}

fn number<T: FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn corrupt(stream: &StreamId, version: impl std::fmt::Display, what: &str) -> StoreError {
    StoreError::Corrupt(format!("stream {stream}, version {version}: {what}"))
}

/// Timeouts, throttling, failures of DynamoDB and of the way to it, and also requests that it finds wrong:
/// whatever it is, nothing was learnt about the commit.
fn unavailable(error: &dyn Error) -> StoreError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    StoreError::Unavailable(text)
}
