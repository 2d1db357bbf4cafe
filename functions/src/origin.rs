//! Origins of URLs, as headers name them.

/// Marks that are not letters or digits, and may stand in an origin.
const ORIGIN_MARKS: &[u8] = b":/.-[]";

/// The origin of a URL, if it can stand in a header among others.
pub(crate) fn origin(url: &str) -> Option<String> {
    let origin = url::Url::parse(url).ok()?.origin();
    let text = origin.is_tuple().then(|| origin.ascii_serialization())?;
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || ORIGIN_MARKS.contains(&byte)).then_some(text)
}
