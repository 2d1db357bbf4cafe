//! How the event source mapping of a stream hands records over: in order, and with what fails cut out.

use serde_json::{Value, json};

use super::runtime::Outcome;

/// Tries of a record that is at fault alone, before it is set aside.
pub(crate) const RETRIES_MAX: u8 = 2;

/// Whoever takes batches of records.
pub(crate) trait Taker {
    /// Takes a batch; what came of it.
    async fn take(&mut self, batch: &Value) -> Outcome;
}

/// Hands records over. Those that are set aside are returned.
///
/// As with `BisectBatchOnFunctionError` and `ReportBatchItemFailures`: a batch that fails is given again in two halves,
/// and one that was taken up to a record is given again from that record on. Both are done before anything that came
/// later.
pub(crate) async fn hand_over(records: Vec<Value>, taker: &mut impl Taker) -> Vec<Value> {
    let (mut stack, mut set_aside) = (vec![(records, 0)], Vec::new());
    while let Some((mut records, tries)) = stack.pop() {
        let Some(first) = records.first().map(number) else { continue };
        let failed = match taker.take(&json!({ "Records": records })).await {
            Ok(answer) => answer["batchItemFailures"][0]["itemIdentifier"].as_str().map(str::to_owned),
            Err(_) => Some(first.clone()),
        };
        let Some(failed) = failed else { continue };
        match records.iter().position(|record| number(record) == failed).unwrap_or_default() {
            0 if records.len() > 1 => {
                let behind = records.split_off(records.len() / 2);
                stack.push((behind, 0));
                stack.push((records, 0));
            }
            0 if tries < RETRIES_MAX => stack.push((records, tries + 1)),
            0 => set_aside.append(&mut records),
            place => stack.push((records.split_off(place), 0)),
        }
    }
    set_aside
}

/// A record's place in the stream.
pub(crate) fn number(record: &Value) -> String {
    record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default().to_owned()
}

/// Whether the template's filter lets a record through.
pub(crate) fn passes(record: &Value) -> bool {
    record["eventName"] == "INSERT" && record["dynamodb"]["NewImage"]["rl"]["S"].is_string()
}

mod tests {
    use super::*;

    /// Fails with what `fails` says of a batch, and remembers what it took.
    struct Picky<F> {
        fails: F,
        taken: Vec<String>,
        calls: usize,
    }

    impl<F: Fn(&[String]) -> Option<Outcome>> Taker for Picky<F> {
        async fn take(&mut self, batch: &Value) -> Outcome {
            self.calls += 1;
            let numbers = batch["Records"].as_array().unwrap().iter().map(number).collect::<Vec<_>>();
            if let Some(outcome) = (self.fails)(&numbers) {
                if let Ok(answer) = &outcome {
                    let until = answer["batchItemFailures"][0]["itemIdentifier"].as_str().unwrap();
                    self.taken.extend(numbers.iter().take_while(|number| *number != until).cloned());
                }
                return outcome;
            }
            self.taken.extend(numbers);
            Ok(json!({ "batchItemFailures": [] }))
        }
    }

    fn records(count: usize) -> Vec<Value> {
        (0..count).map(|place| json!({ "dynamodb": { "SequenceNumber": place.to_string() } })).collect()
    }

    async fn hand(count: usize, fails: impl Fn(&[String]) -> Option<Outcome>) -> (Vec<String>, Vec<String>, usize) {
        let mut picky = Picky { fails, taken: Vec::new(), calls: 0 };
        let set_aside = hand_over(records(count), &mut picky).await;
        (picky.taken, set_aside.iter().map(number).collect(), picky.calls)
    }

    #[tokio::test]
    async fn a_batch_that_fails_is_halved_until_what_is_at_fault_comes_alone() {
        let is_bad = |numbers: &[String]| numbers.contains(&"5".to_owned()).then_some(Err(Value::Null));
        let (taken, set_aside, _) = hand(8, is_bad).await;
        assert_eq!(
            (taken, set_aside),
            (["0", "1", "2", "3", "4", "6", "7"].map(str::to_owned).to_vec(), vec!["5".to_owned()])
        );
    }

    #[tokio::test]
    async fn a_batch_that_was_taken_in_part_goes_on_from_there() {
        let reports = |numbers: &[String]| match numbers.iter().position(|number| number == "2") {
            Some(0) => Some(Err(Value::Null)),
            Some(_) => Some(Ok(json!({ "batchItemFailures": [{ "itemIdentifier": "2" }] }))),
            None => None,
        };
        let (taken, set_aside, calls) = hand(4, reports).await;
        assert_eq!((taken, set_aside), (["0", "1", "3"].map(str::to_owned).to_vec(), vec!["2".to_owned()]));
        assert_eq!(
            calls,
            3 + usize::from(RETRIES_MAX) + 1,
            "whole, from 2 on, 2 alone and again, and what is behind it"
        );
    }

    #[tokio::test]
    async fn all_of_it_is_taken_at_once_if_nothing_fails() {
        assert_eq!(hand(3, |_| None).await, (["0", "1", "2"].map(str::to_owned).to_vec(), Vec::new(), 1));
    }
}
