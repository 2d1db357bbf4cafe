//! A reference tells its order, in 16 characters or as a UUID.

use domain::{OrderId, Reference, ReferenceError, Version, limits::COMMITS_MAX, reference::LegReference};
use proptest::prelude::*;
use uuid::{Uuid, Variant};

use crate::support::v;

const ENTROPY: [u8; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

fn any_reference() -> impl Strategy<Value = Reference> {
    (any::<[u8; 16]>(), 0..=COMMITS_MAX).prop_map(|(entropy, version)| OrderId::from_entropy(entropy).at(v(version)))
}

fn read(text: &str) -> Result<Reference, ReferenceError> {
    text.parse()
}

/// The layout is a contract: references are stored, and printed on statements.
#[test]
fn the_layout_never_changes() {
    let order = OrderId::from_entropy(ENTROPY);
    let cases = [
        (order.reference(), "041061050R3GG000", "01020304-0506-8070-a000-000000000000"),
        (order.at(v(4)), "041061050R3GG004", "01020304-0506-8070-a000-100000000000"),
        (
            OrderId::from_entropy([0xFF; 16]).at(v(COMMITS_MAX)),
            "ZZZZZZZZZZZZZZZZ",
            "ffffffff-ffff-8fff-bfff-fc0000000000",
        ),
        (OrderId::from_entropy([0; 16]).reference(), "0000000000000000", "00000000-0000-8000-8000-000000000000"),
    ];
    for (reference, text, uuid) in cases {
        assert_eq!(reference.to_string(), text);
        assert_eq!(reference.to_uuid().to_string(), uuid);
        assert_eq!(read(text), Ok(reference));
        assert_eq!(read(uuid), Ok(reference));
    }
    assert_eq!(order.to_string(), "041061050R3GG");
    assert_eq!(order.to_bytes(), [0, 0x02, 0x04, 0x06, 0x08, 0x0A, 0x0C, 0x0E, 0x10]);
}

#[test]
fn letters_are_read_in_any_case_and_as_the_digits_they_resemble() {
    let expected = read("041061050R3GG004");
    assert!(expected.is_ok());
    for text in ["041061050r3gg004", "O4IO6IO5OR3GGOO4", "o4lo6Lo5oR3gGOO4", "o4io6io5or3ggoo4"] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn a_text_of_other_characters_or_another_length_is_no_reference() {
    let texts = [
        "",
        "0",
        "041061050R3GG00",
        "041061050R3GG0040",
        // U is no letter of the alphabet; nor are signs, spaces, or letters of more than one byte.
        "041061050R3GG00U",
        "041061050R3GG00u",
        "041061050R3GG-04",
        "041061050R3GG 04",
        " 41061050R3GG004",
        "041061050R3GG00=",
        "041061050R3GG0é",
        "041061050R3GG00é",
        "éééééééé",
    ];
    for text in texts {
        assert_eq!(read(text), Err(ReferenceError), "{text:?}");
    }
}

#[test]
fn a_uuid_that_was_not_made_from_a_reference_is_refused() {
    let made = OrderId::from_entropy(ENTROPY).at(v(4)).to_uuid();
    let foreign = [
        Uuid::nil(),
        Uuid::max(),
        // Versions 4 and 7.
        Uuid::from_u128(0x0102_0304_0506_4070_A000_1000_0000_0000),
        Uuid::from_u128(0x0102_0304_0506_7070_A000_1000_0000_0000),
        // Another variant.
        Uuid::from_u128(0x0102_0304_0506_8070_C000_1000_0000_0000),
        // The last and the first of the 42 bits that must be zero.
        Uuid::from_u128(made.as_u128() | 1),
        Uuid::from_u128(made.as_u128() | (1 << 41)),
    ];
    for uuid in foreign {
        assert_eq!(Reference::from_uuid(uuid), Err(ReferenceError), "{uuid}");
        assert_eq!(read(&uuid.to_string()), Err(ReferenceError), "{uuid}");
    }
}

#[test]
fn a_version_is_what_three_characters_can_name() {
    assert_eq!(Version::try_new(COMMITS_MAX).map(Version::get), Some(32_767));
    assert_eq!(Version::try_new(COMMITS_MAX + 1), None);
    assert_eq!(Version::FIRST.next(), Some(v(1)));
    assert_eq!(v(COMMITS_MAX - 1).next(), Some(v(COMMITS_MAX)));
    assert_eq!(v(COMMITS_MAX).next(), None);
}

#[test]
fn the_last_2048_versions_are_kept_for_outcomes() {
    for (version, is_near_end) in [(0, false), (30_718, false), (30_719, true), (COMMITS_MAX, true)] {
        assert_eq!(v(version).is_near_end(), is_near_end, "{version}");
    }
}

#[test]
fn what_is_not_a_reference_and_a_place_names_no_leg() {
    for text in [
        "",
        "-",
        "041061050R3GG004",
        "041061050R3GG004-",
        "-0",
        "041061050R3GG004-x",
        "041061050R3GG004--1",
        "041061050R3GG004-65536",
        "041061050R3GG004-0-0",
        "041061050R3GG00-0",
    ] {
        assert_eq!(text.parse::<LegReference>(), Err(ReferenceError), "{text:?}");
    }
}

/// The layout is a contract, as that of references is: the payments family names each transaction so.
#[test]
fn the_uuid_of_a_leg_never_changes() {
    let order = OrderId::from_entropy(ENTROPY);
    let cases = [
        (4, 0, "01020304-0506-8070-a000-100000000001"),
        (4, 1, "01020304-0506-8070-a000-100000000002"),
        (4, u16::MAX, "01020304-0506-8070-a000-100000010000"),
        (0, 0, "01020304-0506-8070-a000-000000000001"),
    ];
    for (version, index, uuid) in cases {
        let leg = LegReference { operation: order.at(v(version)), index };
        assert_eq!(leg.to_uuid().to_string(), uuid);
    }
}

proptest! {
    #[test]
    fn a_reference_survives_text_and_uuid(reference in any_reference()) {
        prop_assert_eq!(read(&reference.to_string()), Ok(reference));
        prop_assert_eq!(read(&reference.to_string().to_lowercase()), Ok(reference));

        let uuid = reference.to_uuid();
        prop_assert_eq!((uuid.get_version_num(), uuid.get_variant()), (8, Variant::RFC4122));
        prop_assert_eq!(Reference::from_uuid(uuid), Ok(reference));
        prop_assert_eq!(read(&uuid.to_string()), Ok(reference));

        let json = serde_json::to_string(&reference).unwrap();
        prop_assert_eq!(serde_json::from_str::<Reference>(&json).unwrap(), reference);
    }

    #[test]
    fn the_first_13_characters_are_the_orders_and_the_last_3_the_versions(reference in any_reference()) {
        let text = reference.to_string();
        let order = reference.order();
        prop_assert_eq!(text.len(), 16);
        prop_assert_eq!(&text[..13], order.to_string());
        prop_assert_eq!(order.reference().to_string(), format!("{order}000"));

        let elsewhere = OrderId::from_entropy([0; 16]).at(reference.version()).to_string();
        prop_assert_eq!(&text[13..], &elsewhere[13..]);
    }

    #[test]
    fn two_references_are_never_printed_alike(left in any_reference(), right in any_reference()) {
        prop_assert_eq!(left == right, left.to_string() == right.to_string());
        prop_assert_eq!(left == right, left.to_uuid() == right.to_uuid());
    }

    #[test]
    fn the_order_of_references_is_that_of_their_texts(left in any_reference(), right in any_reference()) {
        prop_assert_eq!(left.cmp(&right), left.to_string().cmp(&right.to_string()));
    }

    #[test]
    fn a_reference_read_from_any_text_is_written_back_in_one_way(text in "[0-9A-Za-z]{16}|.{0,40}") {
        if let Ok(reference) = read(&text) {
            prop_assert_eq!(read(&reference.to_string()), Ok(reference));
        }
    }

    #[test]
    fn the_name_of_a_leg_is_read_back(operation in any_reference(), index: u16) {
        let leg = LegReference { operation, index };
        prop_assert_eq!(leg.to_string(), format!("{operation}-{index}"));
        prop_assert_eq!(leg.to_string().parse(), Ok(leg));

        let json = serde_json::to_string(&leg).unwrap();
        prop_assert_eq!(serde_json::from_str::<LegReference>(&json).unwrap(), leg);
    }

    #[test]
    fn the_uuid_of_a_leg_is_that_of_nothing_else(
        left in (any_reference(), any::<u16>()),
        right in (any_reference(), any::<u16>()),
    ) {
        let [left, right] = [left, right].map(|(operation, index)| LegReference { operation, index });
        prop_assert_eq!(left == right, left.to_uuid() == right.to_uuid());
        prop_assert_eq!(Reference::from_uuid(left.to_uuid()), Err(ReferenceError));
        let uuid = left.to_uuid();
        prop_assert_eq!((uuid.get_version_num(), uuid.get_variant()), (8, Variant::RFC4122));
        // Legs of one operation differ as well.
        let other = LegReference { index: right.index, ..left };
        prop_assert_eq!(left.index == right.index, left.to_uuid() == other.to_uuid());
    }
}
