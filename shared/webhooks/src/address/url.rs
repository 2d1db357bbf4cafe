//! Which URLs an endpoint may have.

use std::net::IpAddr;

use domain::limits::ENDPOINT_URL_CHARS_MAX;
use http::Uri;
use url::{Host, Url};

use super::is_allowed;

/// Names that never lead to the public Internet, with everything below them: RFC 6761, RFC 6762, RFC 8375,
/// and ICANN's reservation of `internal`.
const LOCAL_NAMES: &[&str] = &["localhost", "local", "home.arpa", "internal"];

/// What is wrong with an endpoint's URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// It is none, or not one of HTTP.
    #[error("it is not a URL such as https://shop.example/webhooks")]
    NotAUrl,
    /// It is too long.
    #[error("it has {0} characters, and at most {ENDPOINT_URL_CHARS_MAX} are kept")]
    TooLong(usize),
    /// It is not encrypted.
    #[error("it does not begin with https://")]
    NotHttps,
    /// It holds a user's name or password, which would be stored and shown in clear.
    #[error("it holds a user name or a password; deliveries are signed instead")]
    UserInfo,
    /// It has a part that is never sent.
    #[error("it has a fragment ('#'), which is never sent")]
    Fragment,
    /// Its host's name is one of a local network.
    #[error("its host '{0}' is not a public name")]
    LocalName(String),
    /// Its host is an address that is not public.
    #[error("its host {0} is not a public address")]
    NotPublic(IpAddr),
}

/// Reads an endpoint's URL. With `allow_local` it may be one of HTTP, and of this machine.
///
/// A name may lead anywhere, and elsewhere tomorrow, so where it leads is looked at when something is sent.
///
/// # Errors
/// [`UrlFault`], the first that is found.
pub fn check_url(text: &str, allow_local: bool) -> Result<Url, UrlFault> {
    let length = text.chars().count();
    if length > ENDPOINT_URL_CHARS_MAX {
        return Err(UrlFault::TooLong(length));
    }
    // The URL standard skips over these, and what is stored should be what is meant.
    if text.chars().any(|char| char.is_whitespace() || char.is_control()) {
        return Err(UrlFault::NotAUrl);
    }
    let url = Url::parse(text).map_err(|_| UrlFault::NotAUrl)?;
    // What is kept is what is sent to, in which other letters than those of URLs take several characters.
    let length = url.as_str().len();
    if length > ENDPOINT_URL_CHARS_MAX {
        return Err(UrlFault::TooLong(length));
    }
    match url.scheme() {
        "https" => {}
        "http" if allow_local => {}
        "http" => return Err(UrlFault::NotHttps),
        _ => return Err(UrlFault::NotAUrl),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlFault::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(UrlFault::Fragment);
    }
    check_host(&url, allow_local)?;
    // What sends reads it again, by rules of its own, and must find the same host.
    if !url.as_str().parse::<Uri>().is_ok_and(|uri| uri.host() == url.host_str()) {
        return Err(UrlFault::NotAUrl);
    }
    Ok(url)
}

/// An address is checked in whatever way it is written: the URL standard reads `0x7f.1` as 127.0.0.1.
fn check_host(url: &Url, allow_local: bool) -> Result<(), UrlFault> {
    match url.host() {
        None => Err(UrlFault::NotAUrl),
        Some(Host::Ipv4(address)) => check_address(address.into(), allow_local),
        Some(Host::Ipv6(address)) => check_address(address.into(), allow_local),
        Some(Host::Domain("localhost")) if allow_local => Ok(()),
        Some(Host::Domain(name)) if is_local(name) => Err(UrlFault::LocalName(name.to_owned())),
        Some(Host::Domain(_)) => Ok(()),
    }
}

fn check_address(address: IpAddr, allow_local: bool) -> Result<(), UrlFault> {
    if is_allowed(address, allow_local) { Ok(()) } else { Err(UrlFault::NotPublic(address)) }
}

/// Whether a name is one of a local network. One without a dot is: a network's search list completes it.
fn is_local(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let is_below = |local: &&str| name.strip_suffix(*local).is_some_and(|left| left.is_empty() || left.ends_with('.'));
    !name.contains('.') || LOCAL_NAMES.iter().any(is_below)
}
