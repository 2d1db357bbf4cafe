//! Counting, in CloudWatch's embedded metric format: a line of JSON in the log becomes metrics, without a request.
//!
//! | metric            | unit    | dimensions             |
//! |-------------------|---------|------------------------|
//! | `OrdersOpened`    | Count   |                        |
//! | `OrdersClosed`    | Count   | `Outcome`              |
//! | `Payments`        | Count   | `Partner`, `Outcome`   |
//! | `WebhookAttempts` | Count   | `Outcome`              |
//! | `UncertainAge`    | Seconds |                        |

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use app::{Clock, Measure, Meter};
use domain::Time;
use serde_json::{Map, Value, json};

/// Writes measures to where a Lambda's log comes from.
pub struct LogMeter {
    namespace: String,
    clock: Arc<dyn Clock>,
    log: Mutex<Box<dyn Write + Send>>,
}

impl LogMeter {
    /// Measures of that namespace, written to `log`, in whole lines.
    #[must_use]
    pub fn new(namespace: impl Into<String>, clock: Arc<dyn Clock>, log: Box<dyn Write + Send>) -> Self {
        Self { namespace: namespace.into(), clock, log: Mutex::new(log) }
    }
}

impl Meter for LogMeter {
    fn count(&self, measures: &[Measure]) {
        let mut lines = String::new();
        let mut counts = BTreeMap::<Measure, u64>::new();
        for measure in measures {
            let count = counts.entry(*measure).or_default();
            *count = count.saturating_add(1);
        }
        for (measure, count) in counts {
            lines.push_str(&line(&self.namespace, self.clock.now(), measure, count).to_string());
            lines.push('\n');
        }
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        // What cannot be written is not counted; nothing else depends on it.
        let _ = log.write_all(lines.as_bytes()).and_then(|()| log.flush());
    }
}

fn line(namespace: &str, at: Time, measure: Measure, count: u64) -> Value {
    let (name, unit, value, dimensions) = match measure {
        Measure::OrderOpened => ("OrdersOpened", "Count", count, Vec::new()),
        Measure::OrderClosed { outcome } => ("OrdersClosed", "Count", count, vec![("Outcome", outcome)]),
        Measure::PaymentEnded { partner, outcome } => {
            ("Payments", "Count", count, vec![("Partner", partner), ("Outcome", outcome)])
        }
        Measure::WebhookAttempt { outcome } => ("WebhookAttempts", "Count", count, vec![("Outcome", outcome)]),
        Measure::Uncertain { age } => ("UncertainAge", "Seconds", age.as_secs(), Vec::new()),
    };
    let names = dimensions.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    let metadata = json!({
        "Timestamp": at.unix_ms(),
        "CloudWatchMetrics": [{
            "Namespace": namespace,
            "Dimensions": [names],
            "Metrics": [{ "Name": name, "Unit": unit }],
        }],
    });
    let mut line = Map::from_iter([("_aws".to_owned(), metadata), (name.to_owned(), value.into())]);
    line.extend(dimensions.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
    Value::Object(line)
}
