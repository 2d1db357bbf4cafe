//! `relay`: carries out what follows commits, from the table's stream.

use api::lambda::{Consumer, Error};
use app::{
    Fut, Relay,
    ports::Commit,
    relay::{Consequences, consequences},
};
use serde::Deserialize;
use serde_json::Value;

use super::{chained, failures};

/// What the stream calls an item that was not there before: a commit. Nothing else happens to items, unless by
/// hand.
const INSERTED: &str = "INSERT";

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: String,
    dynamodb: Change,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    sequence_number: String,
    #[serde(default)]
    new_image: Value,
}

/// The consumer of the table's stream.
#[derive(Clone)]
pub struct Relayer {
    relay: Relay,
}

impl Relayer {
    /// A relayer to where `relay` leads.
    #[must_use]
    pub fn new(relay: Relay) -> Self {
        Self { relay }
    }

    /// Carries out what follows the commits of a batch, up to the first that cannot be read. The trigger goes on
    /// from there.
    ///
    /// If that is the batch's first record, or if what follows cannot be carried out, the batch fails as a whole.
    /// Then the trigger gives it again in two halves, and so on, until the record that is at fault comes alone, and
    /// ends at the trigger's destination for failures without taking others with it.
    async fn carry_out(&self, event: Value) -> Result<Value, Error> {
        let Batch { records } = serde_json::from_value(event)?;
        let mut readable = Vec::new();
        let mut unreadable = None;
        for (place, record) in records.into_iter().enumerate() {
            let number = record.dynamodb.sequence_number.clone();
            match read(record) {
                Ok(read) => readable.extend(read),
                Err(error) if place == 0 => return Err(format!("the record {number} is no commit: {error}").into()),
                Err(error) => {
                    tracing::error!(record = number, %error, "a record is no commit, and keeps back those behind it");
                    unreadable = Some(number);
                    break;
                }
            }
        }
        self.relay.carry_out(&readable).await.map_err(|error| chained(&error))?;
        Ok(failures(unreadable))
    }
}

impl Consumer for Relayer {
    fn handle(&self, event: Value) -> Fut<'_, Result<Value, Error>> {
        Box::pin(self.carry_out(event))
    }
}

/// The commit that a record tells of, and what follows it; none if it tells of no new item.
fn read(record: Record) -> Result<Option<(Commit, Consequences)>, Error> {
    if record.event_name != INSERTED {
        return Ok(None);
    }
    let commit = aws::commit_of_image(&record.dynamodb.new_image)?;
    let consequences = consequences(&commit)?;
    Ok(Some((commit, consequences)))
}
