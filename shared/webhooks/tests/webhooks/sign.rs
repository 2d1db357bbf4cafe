//! Signatures, checked by others: Adyen's vectors and the library of Standard Webhooks.

use data_encoding::HEXUPPER;
use domain::order::Format;
use http::{HeaderMap, HeaderName};
use standardwebhooks::Webhook;
use webhooks::{format, sign};

use crate::support::{Desk, keys};

/// The key of Adyen's published example.
const KEY: &str = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";

#[test]
fn adyens_libraries_would_find_the_same_signature_of_an_item() {
    let key = HEXUPPER.decode(KEY.as_bytes()).unwrap().try_into().unwrap();
    let order_closed = ["QFQTPCQ8HXSKGK82", "", "TestMerchant", "order-1", "2500", "EUR", "ORDER_CLOSED", "true"];
    assert_eq!(sign::item(&key, order_closed), "9CIfqRkJARdFrBDp/y5nZsl7GXCOEBCyekCyzvKH7Ck=");
    let authorisation =
        ["7914073381342284", "", "TestMerchant", "TestPayment-1407325143704", "1130", "EUR", "AUTHORISATION", "true"];
    assert_eq!(sign::item(&key, authorisation), "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=");
}

#[test]
fn keys_are_told_as_their_libraries_read_them() {
    assert_eq!(sign::secret_text(&keys(1)), "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
    assert_eq!(sign::hmac_text(&keys(1)), "65".repeat(32));
    assert_eq!(sign::hmac_text(&keys(100)), "C8".repeat(32));
}

/// What a receiver who knows the keys of that byte finds.
fn verify(desk: &Desk, known: u8, body: &[u8]) -> bool {
    let sent = format::body(&desk.test()).unwrap();
    let headers = sign::headers(&desk.test(), &sent);
    let headers = headers.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
    let receiver = Webhook::new(&sign::secret_text(&keys(known))).unwrap();
    receiver.verify(body, &HeaderMap::from_iter(headers)).is_ok()
}

#[test]
fn standard_webhooks_accepts_the_body_and_no_other() {
    for format in [Format::Tender, Format::Checkout] {
        let desk = Desk::of_today(format);
        let body = format::body(&desk.test()).unwrap();
        assert!(verify(&desk, 1, &body));
        assert!(!verify(&desk, 2, &body), "of another endpoint");
        let tampered = String::from_utf8(body).unwrap().replace("TestMerchant", "Merchant");
        assert!(!verify(&desk, 1, tampered.as_bytes()));
    }
}

#[test]
fn both_keys_sign_every_try_of_a_rotation() {
    let mut desk = Desk::of_today(Format::Tender);
    desk.keys = (2, Some(1));
    for tries in [1, 2] {
        desk.tries = tries;
        let body = format::body(&desk.test()).unwrap();
        assert!(verify(&desk, 1, &body) && verify(&desk, 2, &body) && !verify(&desk, 3, &body));
    }
    desk.keys = (2, None);
    let body = format::body(&desk.test()).unwrap();
    assert!(!verify(&desk, 1, &body) && verify(&desk, 2, &body));
}

#[test]
fn the_whole_body_has_a_signature_of_adyens_kind_whose_keys_take_turns() {
    let mut desk = Desk::new(Format::Tender);
    let mut signature = |keys, tries| {
        (desk.keys, desk.tries) = (keys, tries);
        let [.., (name, value)] = sign::headers(&desk.test(), b"body");
        assert_eq!(name, "hmacsignature");
        value
    };
    // `printf body | openssl dgst -sha256 -mac HMAC -macopt hexkey:6565… -binary | base64`, and 6666….
    let (first, second) = (BODY_BY_65, BODY_BY_66);
    assert_eq!([1, 2].map(|tries| signature((1, None), tries)), [first, first]);
    assert_eq!([1, 2, 3].map(|tries| signature((2, Some(1)), tries)), [first, second, first]);
}

const BODY_BY_65: &str = "bGQO5PpUWom7gydv15MwIOWwaJe8GBR7q7n1MjHcGHw=";
const BODY_BY_66: &str = "E/mLeowTSFWIO+yJHeHJ/a/sdODijvlX4H0U754FxmQ=";
