//! Whose certificates are trusted.

use aws::amazon_roots;
use data_encoding::BASE64;

fn pem(der: &[u8]) -> String {
    let base64 = BASE64.encode(der);
    let lines = base64.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned());
    let lines = lines.collect::<Vec<_>>().join("\n");
    format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
}

#[test]
fn of_all_that_a_system_trusts_amazons_roots_are_kept() {
    // Wherever the name stands, since base64 writes it in three ways.
    let named = [0, 1, 2].map(|place| pem(&[&vec![7; 90 + place], b"Amazon Root CA".as_slice(), &[9; 30]].concat()));
    let older = pem(b"OU Starfield Services Root Certificate Authority - G2");
    let other = pem(&[3; 200]);
    let broken = "-----BEGIN CERTIFICATE-----\nAmazon*\n-----END CERTIFICATE-----\n";
    let unended = "-----BEGIN CERTIFICATE-----\nQW1hem9u";
    let [first, second, third] = &named;
    let bundle = format!("# Amazon Root CA 1\n{first}{other}{second}\n{broken}# x\n{older}{third}{unended}");
    assert_eq!(amazon_roots(&bundle), format!("{first}{second}{older}{third}"));
    assert_eq!(amazon_roots(&other), "");
    assert_eq!(amazon_roots(""), "");
}
