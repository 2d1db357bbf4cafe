//! Whose certificates the endpoints of AWS show.
//!
//! A system trusts some 140 roots, and reading each of them makes most of a client's start. The endpoints of AWS show
//! certificates under Amazon's own roots alone (<https://www.amazontrust.com/repository/>), so only these are kept of what
//! the system trusts. Nobody is trusted whom the system does not trust.

use std::fs;

use aws_smithy_http_client::tls::TrustStore;
use data_encoding::BASE64;
use memchr::memmem;

/// Where a system keeps the certificates that it trusts, all in one file: the one that Lambda runs on, and Debian.
const BUNDLES: [&str; 2] = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt"];

/// One of these is in the subject of each root: Amazon's four, and the older one that has signed them.
const NAMES: [&[u8]; 2] = [b"Amazon", b"Starfield Services"];

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Who is trusted: Amazon's roots, as this system has them; all that it trusts, if they are not where they are looked
/// for, or if `SSL_CERT_FILE` says whom to trust instead (an emulator with a certificate of its own).
pub(crate) fn trusted() -> TrustStore {
    if std::env::var_os("SSL_CERT_FILE").is_some() {
        return TrustStore::default();
    }
    let bundle = BUNDLES.iter().find_map(|file| fs::read_to_string(file).ok());
    match bundle.map(|bundle| amazon_roots(&bundle)) {
        Some(roots) if !roots.is_empty() => TrustStore::empty().with_pem_certificate(roots),
        Some(_) | None => TrustStore::default(),
    }
}

/// Amazon's roots among the certificates of a PEM file.
#[must_use]
pub fn amazon_roots(bundle: &str) -> String {
    let blocks = bundle.split(BEGIN).skip(1).filter_map(|block| Some(block.split_once(END)?.0));
    let mut kept = String::new();
    for block in blocks.filter(|block| names_amazon(block)) {
        kept.extend([BEGIN, block, END, "\n"]);
    }
    kept
}

fn names_amazon(block: &str) -> bool {
    // Line by line, since looking at each byte would cost more than all the rest.
    let base64 = block.lines().map(str::trim).collect::<String>();
    let is_amazons = |der: Vec<u8>| NAMES.iter().any(|name| memmem::find(&der, name).is_some());
    BASE64.decode(base64.as_bytes()).is_ok_and(is_amazons)
}
