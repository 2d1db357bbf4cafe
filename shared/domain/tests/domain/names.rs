//! Names that callers choose, and what stands for them where a UUID is asked for.

use domain::{InvalidName, MerchantAccount};

#[test]
fn a_merchant_account_is_a_path_segment_without_escaping() {
    for name in ["a", "7", "TestMerchant", "shop.example", "a_b-c.d", &"m".repeat(80)] {
        assert_eq!(MerchantAccount::try_new(name).map(|account| account.to_string()), Ok(name.to_owned()));
    }
    for name in ["", " ", "_a", ".a", "-a", "a/b", "a b", "a%b", "é", &"m".repeat(81)] {
        assert_eq!(MerchantAccount::try_new(name), Err(InvalidName), "{name:?}");
    }
}

/// Shops store it: it is a contract. Letters of another case are another name.
#[test]
fn the_uuid_of_a_merchant_account_never_changes() {
    let table = [
        ("Shop", "9ea79af5-a990-5a09-8980-096efa3c5a7b"),
        ("shop", "ec52c446-c4b9-544a-ba85-47b70909b841"),
        ("TenderDemo", "07031161-0283-5376-a716-a8540401626d"),
    ];
    for (name, uuid) in table {
        assert_eq!(MerchantAccount::try_new(name).unwrap().entity_id().to_string(), uuid);
    }
}
