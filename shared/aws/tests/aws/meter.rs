//! Measures, as CloudWatch reads them from a log.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use app::{Measure, Meter};
use aws::LogMeter;
use serde_json::{Value, json};

use crate::stub::{NOON, Noon};

/// A log that can be read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(measures: &[Measure]) -> Vec<Value> {
    let log = Log::default();
    LogMeter::new("Tender/test", Arc::new(Noon), Box::new(log.clone())).count(measures);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_measure_is_a_line_that_names_its_metric_and_its_dimensions() {
    let payment = Measure::PaymentEnded { partner: "accounts", outcome: "authorised" };
    let expected = json!({
        "_aws": {
            "Timestamp": NOON.unix_ms(),
            "CloudWatchMetrics": [{
                "Namespace": "Tender/test",
                "Dimensions": [["Partner", "Outcome"]],
                "Metrics": [{ "Name": "Payments", "Unit": "Count" }],
            }],
        },
        "Payments": 1,
        "Partner": "accounts",
        "Outcome": "authorised",
    });
    assert_eq!(logged(&[payment]), [expected]);
}

#[test]
fn what_is_alike_is_counted_in_one_line() {
    let told = Measure::WebhookAttempt { outcome: "delivered" };
    let lines = logged(&[told, Measure::OrderOpened, told]);
    let counts = lines.iter().map(|line| (&line["OrdersOpened"], &line["WebhookAttempts"])).collect::<Vec<_>>();
    assert_eq!(counts, [(&json!(1), &Value::Null), (&Value::Null, &json!(2))]);
}

/// Every metric that is told, by its value, its unit and its dimensions.
#[test]
fn each_measure_has_its_metric() {
    let cases = [
        (Measure::OrderOpened, "OrdersOpened", "Count", 1, json!([])),
        (Measure::OrderClosed { outcome: "paid" }, "OrdersClosed", "Count", 1, json!(["Outcome"])),
        (Measure::WebhookAttempt { outcome: "failed" }, "WebhookAttempts", "Count", 1, json!(["Outcome"])),
        (Measure::Uncertain { age: Duration::from_millis(61_900) }, "UncertainAge", "Seconds", 61, json!([])),
    ];
    for (measure, name, unit, value, dimensions) in cases {
        let [line] = &logged(&[measure])[..] else { panic!("one line of {measure:?}") };
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(line[name], value, "{line}");
        assert_eq!(directive["Metrics"], json!([{ "Name": name, "Unit": unit }]));
        assert_eq!(directive["Dimensions"], json!([dimensions]));
    }
}
