//! Why no answer came, in a few words for the merchant. None of them holds a URL or a header, which may hold
//! secrets.

use std::{error::Error, io, iter};

use hyper_util::client::legacy;

use super::{ANSWER_TIME_MAX, lookup::LookupFault};
use crate::{address::UrlFault, format::FormatFault};

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendFault {
    #[error("nothing is sent to this URL: {0}")]
    Url(#[from] UrlFault),
    #[error(transparent)]
    Format(#[from] FormatFault),
    #[error("the request cannot be written: {0}")]
    Request(#[from] http::Error),
    #[error("timed out after {} s", ANSWER_TIME_MAX.as_secs())]
    TimedOut,
    #[error("{}", described(.0))]
    Exchange(#[from] legacy::Error),
}

/// What an operating system says, in words that are the same on each.
const KINDS: &[(io::ErrorKind, &str)] = &[
    (io::ErrorKind::ConnectionRefused, "connection refused"),
    (io::ErrorKind::ConnectionReset, "connection reset"),
    (io::ErrorKind::ConnectionAborted, "connection reset"),
    (io::ErrorKind::BrokenPipe, "connection reset"),
    (io::ErrorKind::UnexpectedEof, "the connection was closed before it was set up"),
    (io::ErrorKind::TimedOut, "connecting timed out"),
    (io::ErrorKind::HostUnreachable, "no route to the host"),
    (io::ErrorKind::NetworkUnreachable, "no route to the host"),
];

/// The first cause that there are words for, or else the last one.
fn described(error: &legacy::Error) -> String {
    let causes = || iter::successors(Some(error as &(dyn Error + 'static)), |error| cause(*error));
    causes().find_map(known).or_else(|| causes().last().map(ToString::to_string)).unwrap_or_default()
}

fn known(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(fault) = error.downcast_ref::<LookupFault>() {
        return Some(fault.to_string());
    }
    if let Some(fault) = error.downcast_ref::<rustls::Error>() {
        return Some(format!("TLS failed: {fault}"));
    }
    if let Some(fault) = error.downcast_ref::<hyper::Error>() {
        let words = if fault.is_incomplete_message() {
            Some("the connection was closed before an answer came")
        } else if fault.is_parse() {
            Some("the answer is not one of HTTP")
        } else {
            None
        };
        return words.map(str::to_owned);
    }
    let kind = error.downcast_ref::<io::Error>()?.kind();
    KINDS.iter().find(|(known, _)| *known == kind).map(|(_, words)| (*words).to_owned())
}

/// What an error was caused by. An [`io::Error`] around another error skips that one in its `source`.
fn cause<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}
