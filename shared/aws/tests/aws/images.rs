//! Items as a stream's trigger hands them to a Lambda.

use app::{StoreError, StreamId, ports::Commit};
use aws::commit_of_image;
use domain::{Time, Version};
use serde_json::{Value, json};

fn image() -> Value {
    json!({
        "pk": { "S": "TestMerchant/0123456789ABC" },
        "sk": { "N": "32" },
        "id": { "B": "AAECAwQFBgcICQoLDA0ODw==" },
        "at": { "N": "1769860800123" },
        "ev": { "S": "[]" },
        "sn": { "S": "{}" },
        "ls": { "S": "TestMerchant/attention" },
    })
}

#[test]
fn an_image_is_the_commit_that_was_written() {
    let commit = Commit {
        stream: StreamId::from_stored("TestMerchant/0123456789ABC".to_owned()),
        version: Version::try_new(32).unwrap(),
        id: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        at: Time::from_unix_ms(1_769_860_800_123),
        events: "[]".to_owned(),
        snapshot: Some("{}".to_owned()),
        list: Some("TestMerchant/attention".to_owned()),
    };
    assert_eq!(commit_of_image(&image()).unwrap(), commit);
    let mut bare = image();
    let fields = bare.as_object_mut().unwrap();
    fields.remove("sn");
    fields.remove("ls");
    // What a later version may add.
    fields.insert("new".to_owned(), json!({ "BOOL": true }));
    assert_eq!(commit_of_image(&bare).unwrap(), Commit { snapshot: None, list: None, ..commit });
}

#[test]
fn what_is_no_commit_is_told_apart() {
    for field in ["pk", "sk", "id", "at", "ev"] {
        let mut lacking = image();
        lacking.as_object_mut().unwrap().remove(field);
        assert!(matches!(commit_of_image(&lacking), Err(StoreError::Corrupt(_))), "{field}");
    }
    let wrong = [
        ("sk", json!({ "N": "32768" })),
        ("sk", json!({ "S": "32" })),
        ("id", json!({ "B": "AAEC" })),
        ("id", json!({ "B": "no base64" })),
        ("at", json!({ "N": "1.5" })),
        ("sn", json!({ "N": "1" })),
        ("ev", json!("[]")),
    ];
    for (field, value) in wrong {
        let mut other = image();
        other[field] = value;
        assert!(matches!(commit_of_image(&other), Err(StoreError::Corrupt(_))), "{field}");
    }
    for nothing in [Value::Null, json!("text"), json!({})] {
        assert!(matches!(commit_of_image(&nothing), Err(StoreError::Corrupt(_))), "{nothing}");
    }
}
