//! The binaries that Lambda starts, each as its own process under a Runtime API on this machine: `.ci/lambdas`.
//!
//! All tests but a few look at what one installation's life left ([`life`]): what its functions answered, called and
//! wrote.
#![expect(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod cloud;
mod cost;
mod life;
mod logs;

use std::collections::{BTreeMap, BTreeSet};

use functions::{CATALOGUE, CONSUMERS};
use serde_json::{Value, json};

use cloud::Cloud;
use life::life;

/// What a function may call and does not here, and why.
const NOT_REACHED: &[(&str, &str, &str)] = &[];

fn functions() -> BTreeSet<&'static str> {
    let endpoints = CATALOGUE.iter().map(|mounted| mounted.route.name);
    endpoints.chain(CONSUMERS.iter().map(|(name, _)| *name)).collect()
}

#[test]
fn every_function_answers_its_golden_event() {
    let golden = &life().golden;
    let missing = functions().into_iter().filter(|name| !golden.contains_key(*name)).collect::<Vec<_>>();
    assert!(missing.is_empty(), "no golden event was sent to {missing:?}");
    for (name, outcome) in golden {
        let answer = outcome.as_ref().unwrap_or_else(|error| panic!("{name}: {error}"));
        if CATALOGUE.iter().any(|mounted| mounted.route.name == name) {
            let status = cloud::read(answer).status;
            assert!((200..400).contains(&status), "{name}: {answer}");
        }
    }
}

#[test]
fn functions_call_what_they_may_and_nothing_else() {
    let allowed = sam::permissions().unwrap();
    let called = &life().calls;
    let not_reached =
        |function: &str, action: &str| NOT_REACHED.iter().any(|(name, of, _)| *name == function && *of == action);
    let mut wrong = Vec::new();
    for name in functions() {
        let (none, nothing) = (BTreeSet::new(), BTreeSet::new());
        let (allowed, called) = (allowed.get(name).unwrap_or(&none), called.get(name).unwrap_or(&nothing));
        wrong.extend(called.difference(allowed).map(|action| format!("{name} calls {action} and may not")));
        let unused = allowed.difference(called).filter(|action| !not_reached(name, action));
        wrong.extend(unused.map(|action| format!("{name} may call {action} and never did")));
    }
    let reached =
        NOT_REACHED.iter().filter(|(name, action, _)| called.get(*name).is_some_and(|all| all.contains(*action)));
    wrong.extend(reached.map(|(name, action, _)| format!("{name} does call {action}: take it off NOT_REACHED")));
    assert!(wrong.is_empty(), "see infra/sam/permissions.toml:\n{}", wrong.join("\n"));
    let strangers = called.keys().filter(|name| !functions().contains(name.as_str())).collect::<Vec<_>>();
    assert!(strangers.is_empty(), "{strangers:?}");
}

#[test]
fn what_is_on_the_bus_has_nothing_that_only_the_merchant_is_to_know() {
    let events = &life().events;
    assert!(!events.is_empty());
    for event in events {
        assert_eq!((&event["Source"], &event["EventBusName"]), (&json!("tender"), &json!("tender")));
        let detail = serde_json::from_str::<Value>(event["Detail"].as_str().unwrap()).unwrap();
        for private in ["key", "token", "token_key", "session", "cart", "sheet", "details", "explanation"] {
            assert!(detail["event"].get(private).is_none(), "{event}");
        }
        for (what, text) in &life().private {
            assert!(!event.to_string().contains(text.as_str()), "{what} on the bus: {event}");
        }
    }
}

#[test]
fn what_is_counted_is_in_the_log() {
    let mut counted = BTreeMap::<String, u64>::new();
    for line in &life().lines {
        let line = line.json();
        let Some(metrics) = line["_aws"]["CloudWatchMetrics"][0].as_object() else { continue };
        assert_eq!(metrics["Namespace"], "Tender/tender", "{line}");
        let name = metrics["Metrics"][0]["Name"].as_str().unwrap();
        let dimensions = metrics["Dimensions"][0].as_array().unwrap().iter();
        let dimensions = dimensions.map(|name| line[name.as_str().unwrap()].as_str().unwrap().to_owned());
        let measure = std::iter::once(name.to_owned()).chain(dimensions).collect::<Vec<_>>().join(" ");
        *counted.entry(measure).or_default() += line[name].as_u64().unwrap();
    }
    for measure in [
        "OrdersOpened",
        "OrdersClosed paid",
        "OrdersClosed cancelled",
        "OrdersClosed expired",
        "Payments accounts authorised",
        "Payments sandbox authorised",
        "Payments sandbox refused",
        "WebhookAttempts delivered",
        "WebhookAttempts failed",
    ] {
        assert!(counted.get(measure).is_some_and(|count| *count > 0), "{measure} is not among {counted:?}");
    }
    assert!(counted.contains_key("UncertainAge"), "{counted:?}");
}

/// What the secrets hold is not told when they cannot be used.
#[tokio::test]
async fn a_function_whose_secrets_cannot_be_used_does_not_start_and_does_not_tell_them() {
    let seed = cloud::SEED;
    for document in [
        format!("\"{seed}\""),
        seed.to_owned(),
        format!("{{\"seed\": [\"{seed}\"]}}"),
        format!("{{\"seed\": \"{seed}\", \"tokenKeys\": \"{seed}\"}}"),
        format!("{{\"fingerprintKey\": \"{seed}\", \"tokenKeys\": [{{\"id\": \"{seed}\", \"key\": \"{seed}\"}}]}}"),
        format!("{{\"seed\": \"{}\"}}", &seed[..20]),
    ] {
        let cloud = Cloud::with_secrets(&document).await;
        cloud.know("apiKey", "unknown-key");
        let event = cloud.event("create-order").event;
        assert_eq!(cloud.invoke("create-order", &event).await, Err(json!("the process has ended")), "{document}");
        let says_why = |line: &cloud::Line| line.text_of("message") == "the function has ended";
        cloud.until("it says why", async || cloud.lines().iter().any(says_why)).await;
        for line in cloud.lines() {
            assert!(!line.text.contains(&seed[..20]), "{document} is told: {}", line.text);
            assert!(line.is_error || line.json().is_object(), "{}", line.text);
        }
    }
}
