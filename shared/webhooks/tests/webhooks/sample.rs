//! The payments family's published sample of a payment, compared with ours: every field that is there is told under
//! the same name and with the same type.

use domain::order::{CaptureMode, LegResult, MethodKind, OperationKind, Resolution};
use serde_json::Value;

use crate::{
    payments::{SHIPMENTS, session, shipped, told},
    support::{found, on_leg, on_payment, pay, played},
};

/// A type of JSON, with what is in it.
#[derive(Clone, Copy)]
enum Type {
    Text,
    Number,
    Flag,
    Object(&'static [(&'static str, Type)]),
    /// Of at least one element.
    List(&'static Type),
}

use Type::{Flag, List, Number, Object, Text};

/// The sample response of a capture, a void and a refund, which are the same. The fields in the order of the sample.
const SAMPLE: Type = Object(&[
    ("id", Text),
    ("created_at", Text),
    ("overview", Object(&[("consumed", Text), ("captured", Text), ("voided", Text), ("refunded", Text)])),
    ("client_session_id", Text),
    ("entity_id", Text),
    ("version", Number),
    ("order_reference", Text),
    ("amount", Number),
    ("currency", Text),
    ("capture_mode", Text),
    ("captures", List(&OPERATION)),
    ("voids", List(&OPERATION)),
    ("refunds", List(&OPERATION)),
    ("authorization", AUTHORIZATION),
    (
        "amounts",
        Object(&[
            ("total_authorized", Number),
            ("total_voided", Number),
            ("available_to_void", Number),
            ("total_captured", Number),
            ("available_to_capture", Number),
            ("total_refunded", Number),
            ("available_to_refund", Number),
        ]),
    ),
    ("links", Object(&[("self", LINK), ("capture", LINK), ("refund", LINK), ("void", LINK)])),
    (
        "split",
        List(&Object(&[
            ("partner", Text),
            ("method", Text),
            ("amount", Number),
            ("parent_partner_transaction_id", Text),
            ("parent_payment_id", Text),
            ("parent_partner_token", Text),
            ("parent_partner_reference", Number),
        ])),
    ),
    ("webhook", Object(&[("url", Text), ("headers", List(&Object(&[("name", Text), ("values", List(&Number))])))])),
]);

const OPERATION: Type = Object(&[
    ("id", Text),
    ("amount", Number),
    ("created_at", Text),
    ("updated_at", Text),
    ("triggered_by", Text),
    ("merchant_reference", Text),
    ("status", Text),
    (
        "partner_transactions",
        List(&Object(&[
            ("id", Text),
            ("created_at", Text),
            ("updated_at", Text),
            ("amount", Number),
            ("partner", Text),
            ("method", Text),
            ("partner_reference", Text),
            ("partner_status", Text),
            ("partner_status_description", Text),
            ("partner_token", Text),
            ("status", Text),
            ("remaining_amount", Number),
        ])),
    ),
    ("order", Object(&[("shipments", List(&SHIPMENT))])),
]);

const SHIPMENT: Type = Object(&[
    ("net_amount", Number),
    (
        "item_lines",
        List(&Object(&[
            ("type", Text),
            ("sku_reference", Text),
            ("name", Text),
            ("brand", Text),
            ("unit_gross_price", Number),
            ("net_amount", Number),
            ("discount_amount", Number),
            ("quantity", Number),
            ("tax_amount", Number),
            ("tax_rate", Number),
            ("seller_reference", Text),
            ("seller_name", Text),
            ("is_marketplace_seller", Flag),
        ])),
    ),
]);

const AUTHORIZATION: Type = Object(&[
    ("updated_at", Text),
    ("status", Text),
    (
        "partner_transactions",
        List(&Object(&[
            ("id", Text),
            ("created_at", Text),
            ("updated_at", Text),
            ("amount", Number),
            ("partner", Text),
            ("method", Text),
            ("partner_reference", Text),
            ("partner_status", Text),
            ("partner_status_description", Text),
            ("partner_token", Text),
            ("status", Text),
            ("card", CARD),
            ("remaining_amount", Number),
        ])),
    ),
]);

const CARD: Type = Object(&[
    ("bin", Text),
    ("last_four_digits", Text),
    ("holder_name", Text),
    ("expiry_month", Text),
    ("expiry_year", Text),
    ("selected_network", Text),
    (
        "three_ds",
        Object(&[
            ("eci", Text),
            ("version", Text),
            ("flow", Text),
            ("ds_transaction_id", Text),
            ("acs_transaction_id", Text),
        ]),
    ),
]);

const LINK: Type = Object(&[("href", Text), ("method", Text)]);

/// What of the sample is not told.
const NOT_TOLD: &[&str] = &[
    // Data of cards are kept to what shows a shopper which card it was.
    "authorization.partner_transactions[].card.bin",
    "authorization.partner_transactions[].card.holder_name",
    "authorization.partner_transactions[].card.expiry_month",
    "authorization.partner_transactions[].card.expiry_year",
    "authorization.partner_transactions[].card.three_ds",
    // No payment has a parent.
    "split[].parent_partner_transaction_id",
    "split[].parent_payment_id",
    "split[].parent_partner_token",
    "split[].parent_partner_reference",
];

/// What is told beside it: the family's page on amounts has it, where the sample does not.
const TOLD_BESIDE: &[&str] = &["amounts.authorize_pending"];

/// Compares what is told with a type. Notes the paths of fields that are not there, and of those that are beside.
fn compare(path: &str, told: &Value, expected: Type, missing: &mut Vec<String>, beside: &mut Vec<String>) {
    match expected {
        Text => assert!(told.is_string(), "{path} is {told}"),
        Number => assert!(told.is_u64(), "{path} is {told}"),
        Flag => assert!(told.is_boolean(), "{path} is {told}"),
        List(element) => {
            let told = told.as_array().unwrap_or_else(|| panic!("{path} is {told}"));
            assert!(!told.is_empty(), "{path} is empty");
            for told in told {
                compare(&format!("{path}[]"), told, *element, missing, beside);
            }
        }
        Object(fields) => {
            let told = told.as_object().unwrap_or_else(|| panic!("{path} is {told}"));
            let path_of = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            for (name, expected) in fields {
                match told.get(*name) {
                    Some(told) => compare(&path_of(name), told, *expected, missing, beside),
                    None => missing.push(path_of(name)),
                }
            }
            let is_beside = |told: &&String| !fields.iter().any(|(name, _)| told == name);
            beside.extend(told.keys().filter(is_beside).map(|name| path_of(name)));
        }
    }
}

#[test]
fn every_field_of_the_published_sample_is_told() {
    let done = |operation: u16, index: u16| on_leg(operation, index, LegResult::Done);
    // Paid by the card alone, as in the sample: a gift card has no `card`.
    let amounts = |net: u64| SHIPMENTS.replace("6000", &net.to_string());
    let asked = [
        pay(MethodKind::Card, 12_000),
        found([on_payment(1, Resolution::Authorised)]),
        shipped(OperationKind::Capture, 6_000, "CAP#1", &amounts(6_000)),
        found([done(3, 0)]),
        shipped(OperationKind::Void, 1_000, "VOID#1", &amounts(1_000)),
        found([done(5, 0)]),
        shipped(OperationKind::Refund, 2_000, "REF#1", &amounts(2_000)),
        found([done(7, 0)]),
    ];
    let told = told(&played(session(CaptureMode::Manual), 12_000, asked), 8);
    let (mut missing, mut beside) = (Vec::new(), Vec::new());
    compare("", &told, SAMPLE, &mut missing, &mut beside);
    assert_eq!(missing, NOT_TOLD);
    assert_eq!(beside, TOLD_BESIDE);
}
