//! Versions of the paymentorders family, which its requests name in their headers:
//! `Content-Type: application/json;version=3.1`, or, of a request without a body, `Accept`.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{Code, Problem};

/// A version of the paymentorders family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum ApiVersion {
    /// 2.0: orders have a `state`. Also what is spoken if no version is named: 3.1 has to be (Swedbank), and the
    /// sample of a request that names all of them is answered in the words of 2.0.
    #[default]
    V2,
    /// 3.0: orders have a `status`; an operation is answered with itself.
    V3,
    /// 3.1: orders have a `status`; an operation is answered with its order.
    V31,
}

/// The versions, as `api-supported-versions` tells them.
pub(crate) const SUPPORTED_VERSIONS: &str = "3.1/3.0/2.0";

const VERSIONS: [(&str, ApiVersion); 3] = [("3.1", ApiVersion::V31), ("3.0", ApiVersion::V3), ("2.0", ApiVersion::V2)];

/// The version that a request names.
///
/// # Errors
/// One that there is not.
pub(crate) fn spoken(headers: &HeaderMap) -> Result<ApiVersion, Problem> {
    let named = [header::CONTENT_TYPE, header::ACCEPT].into_iter().find_map(|name| version_in(headers, &name));
    let Some((header, version)) = named else { return Ok(ApiVersion::default()) };
    // The documents name all versions at once where any will do.
    if version == SUPPORTED_VERSIONS {
        return Ok(ApiVersion::default());
    }
    VERSIONS.into_iter().find(|(known, _)| *known == version).map(|(_, version)| version).ok_or_else(|| {
        let shown = version.chars().take(VERSION_CHARS_SHOWN).collect::<String>();
        let message = format!("Header '{header}' is not valid: expected version 3.1, 3.0 or 2.0, got '{shown}'.");
        Problem::new(Code::VersionUnsupported, message).of_field(header.as_str())
    })
}

/// How much of a version that there is not an error repeats.
const VERSION_CHARS_SHOWN: usize = 16;

fn version_in(headers: &HeaderMap, name: &HeaderName) -> Option<(HeaderName, String)> {
    let values = headers.get_all(name).iter().filter_map(|value: &HeaderValue| value.to_str().ok());
    let mut parameters = values.flat_map(|value| value.split([';', ',']));
    let version = parameters.find_map(|parameter| parameter.trim().strip_prefix("version="))?;
    Some((name.clone(), version.trim().trim_matches('"').to_owned()))
}

/// The type of an answer in a version.
pub(crate) fn content_type(version: ApiVersion) -> &'static str {
    match version {
        ApiVersion::V2 => "application/json; charset=utf-8; version=2.0",
        ApiVersion::V3 => "application/json; charset=utf-8; version=3.0",
        ApiVersion::V31 => "application/json; charset=utf-8; version=3.1",
    }
}
