//! The installation's secrets, as a document.

use api::{Secrets, Tokens, secrets::SecretsError};
use data_encoding::BASE64;
use serde_json::{Value, json};

fn read(document: &Value) -> Secrets {
    Secrets::from_json(&document.to_string()).unwrap()
}

fn seed(character: char) -> String {
    String::from(character).repeat(43)
}

fn key(byte: u8) -> String {
    BASE64.encode(&[byte; 32])
}

fn current(secrets: &Secrets) -> u32 {
    secrets.tokens().as_ref().map(Tokens::current).unwrap()
}

#[test]
fn a_seed_is_enough() {
    let secrets = read(&json!({ "seed": seed('a') }));
    assert_eq!(current(&secrets), 1);
    let print = |secrets: &Secrets| secrets.prints().unwrap().print("test", &[b"x"]);
    assert_eq!(print(&secrets), print(&read(&json!({ "seed": seed('a') }))), "the same seed, the same keys");
    assert_ne!(print(&secrets), print(&read(&json!({ "seed": seed('b') }))));
}

#[test]
fn beside_a_seed_a_newer_token_key_seals() {
    let secrets = read(&json!({ "seed": seed('a'), "tokenKeys": [{ "id": 2, "key": key(2) }] }));
    assert_eq!(current(&secrets), 2);
}

/// The message of each, which whoever starts the engine reads.
#[test]
fn what_cannot_be_used_is_told() {
    let keys = json!([{ "id": 1, "key": key(1) }]);
    let cases = [
        (json!({ "seed": "short" }), "the secrets hold a seed of fewer than 43 characters"),
        (json!({ "tokenKeys": keys }), "the secrets hold neither a seed nor a fingerprint key"),
        (json!({ "fingerprintKey": key(1) }), "the secrets hold no token key"),
        (json!({ "seed": seed('a'), "tokenKeys": keys }), "the secrets hold two token keys of id 1"),
        (
            json!({ "fingerprintKey": "AAAA", "tokenKeys": keys }),
            "the secrets hold a fingerprint key that is not 32 bytes of base64",
        ),
    ];
    for (document, expected) in cases {
        let secrets = read(&document);
        let errors = [secrets.prints().err(), secrets.tokens().err()];
        let ([Some(error), _] | [None, Some(error)]) = &errors else { panic!("{document} can be used") };
        assert_eq!(error.to_string(), expected);
        assert!(!matches!(error, SecretsError::Json { .. }));
    }
}
