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
//! | `ls`      | S    | the list it is found in by time; only in commits that are listed    |
//! | `rl`      | S    | `y`; only in commits that something follows: what the stream's      |
//! |           |      | trigger filters by, so that no other wakes the relay                |
//!
//! Items are written once, by a `PutItem` that fails if there is one, and never changed.
//!
//! The index [`LIST_INDEX`] has `ls` as its partition key and `at` as its sort key, and holds whole items
//! (projection `ALL`). An item without `ls` is not in it, and so costs no write to it.

use std::{collections::HashMap, str::FromStr};

use app::{
    Fut, StoreError, StreamId,
    ports::{Commit, CommitLog, Page, SNAPSHOT_EVERY},
    relay::is_followed,
};
use aws_sdk_dynamodb::{
    Client,
    operation::put_item::PutItemError,
    primitives::Blob,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use data_encoding::BASE64;
use domain::{Time, Version};
use serde_json::Value;

use crate::client::unavailable;

/// The index that lists are read from.
pub const LIST_INDEX: &str = "by-list";

/// The attribute of commits that the relay needs to see.
pub const FOLLOWED: &str = "rl";

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

    /// Opens the connection that the first request will need, by asking for what is never there. In a Lambda this is
    /// done while it starts: most of the time of a first request goes into TLS. Whether it succeeds does not matter.
    pub async fn warm_up(&self) {
        let query = self.client.query().table_name(&self.table).limit(1);
        let query = query
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S("warm-up".to_owned()));
        if let Err(error) = query.send().await {
            tracing::warn!(error = %unavailable(&error), "the table did not answer while the function started");
        }
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
                let commit = parse(item)?;
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

    /// One `Query` for each megabyte that the answer has.
    async fn query_list(&self, list: &str, page: &Page) -> Result<Vec<Commit>, StoreError> {
        let mut commits = Vec::new();
        let limit = usize::from(page.limit);
        let mut after = match &page.after {
            // DynamoDB refuses to start outside of what is asked for.
            Some(place) if place.at < page.since && page.newest_first => return Ok(commits),
            Some(place) if place.at < page.since => None,
            Some(place) => Some(Item::from([
                ("ls".to_owned(), AttributeValue::S(list.to_owned())),
                ("at".to_owned(), AttributeValue::N(place.at.unix_ms().to_string())),
                ("pk".to_owned(), AttributeValue::S(place.stream.to_string())),
                ("sk".to_owned(), AttributeValue::N(place.version.to_string())),
            ])),
            None => None,
        };
        while commits.len() < limit {
            let left = limit.saturating_sub(commits.len());
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(LIST_INDEX)
                .scan_index_forward(!page.newest_first)
                .limit(i32::try_from(left).unwrap_or(i32::MAX))
                .set_exclusive_start_key(after)
                .key_condition_expression("ls = :ls AND #at >= :since")
                // AT is a word of the language.
                .expression_attribute_names("#at", "at")
                .expression_attribute_values(":ls", AttributeValue::S(list.to_owned()))
                .expression_attribute_values(":since", AttributeValue::N(page.since.unix_ms().to_string()))
                .send()
                .await
                .map_err(|error| unavailable(&error))?;
            for item in answer.items.unwrap_or_default() {
                commits.push(parse(item)?);
            }
            after = answer.last_evaluated_key;
            if after.is_none() {
                break;
            }
        }
        Ok(commits)
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

    fn list<'a>(&'a self, list: &'a str, page: &'a Page) -> Fut<'a, Result<Vec<Commit>, StoreError>> {
        Box::pin(self.query_list(list, page))
    }
}

/// The commit that an item is, in the form that a stream's trigger hands items to a Lambda in: an object of
/// attributes, each an object of its type and its value, binary ones in base64. Attributes that are not known,
/// or of a type that commits have none of, are ignored.
///
/// # Errors
/// [`StoreError::Corrupt`] for what is no commit.
pub fn commit_of_image(image: &Value) -> Result<Commit, StoreError> {
    let fields = image.as_object().ok_or_else(|| StoreError::Corrupt("an image that is no object".to_owned()))?;
    let attribute = |value: &Value| {
        let text = |kind| value.get(kind).and_then(Value::as_str);
        let binary = || BASE64.decode(text("B")?.as_bytes()).ok().map(|bytes| AttributeValue::B(Blob::new(bytes)));
        let number = || text("N").map(|number| AttributeValue::N(number.to_owned()));
        text("S").map(|text| AttributeValue::S(text.to_owned())).or_else(number).or_else(binary)
    };
    parse(fields.iter().filter_map(|(name, value)| Some((name.clone(), attribute(value)?))).collect())
}

fn render(commit: &Commit) -> Item {
    let text = |name, text: &Option<String>| text.as_ref().map(|text| (name, AttributeValue::S(text.clone())));
    [
        ("pk", AttributeValue::S(commit.stream.to_string())),
        ("sk", AttributeValue::N(commit.version.to_string())),
        ("id", AttributeValue::B(Blob::new(commit.id))),
        ("at", AttributeValue::N(commit.at.unix_ms().to_string())),
        ("ev", AttributeValue::S(commit.events.clone())),
    ]
    .into_iter()
    .chain(text("sn", &commit.snapshot))
    .chain(text("ls", &commit.list))
    .chain(is_followed(commit).then(|| (FOLLOWED, AttributeValue::S("y".to_owned()))))
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn parse(mut item: Item) -> Result<Commit, StoreError> {
    let Some(AttributeValue::S(stream)) = item.remove("pk") else {
        return Err(StoreError::Corrupt("an item without a stream".to_owned()));
    };
    let stream = StreamId::from_stored(stream);
    let version = number(&item, "sk").and_then(Version::try_new);
    let version = version.ok_or_else(|| corrupt(&stream, "?", "it has no version"))?;
    let lacks = |what| corrupt(&stream, version, what);
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
    let list = text("ls").map_err(|()| lacks("its list is no text"))?;
    Ok(Commit { stream, version, id, at, events, snapshot, list })
}

fn number<T: FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn corrupt(stream: &StreamId, version: impl std::fmt::Display, what: &str) -> StoreError {
    StoreError::Corrupt(format!("stream {stream}, version {version}: {what}"))
}
