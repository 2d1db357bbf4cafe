//! Telling a merchant's endpoints what happened to an order: the body, its signatures, and the way there.
//!
//! - [`mod@format`] renders a change in the words of the endpoint.
//! - [`sign`] signs it.
//! - [`address`] says which addresses may be connected to.
//! - [`own_headers`] says which headers of an order's own go with it.
//! - [`courier`] sends it, once, and reports what came back.
//! - `schema` says what it looks like, for the OpenAPI documents.

pub mod address;
pub mod courier;
pub mod format;
pub mod own_headers;
pub mod reasons;
#[cfg(feature = "openapi")]
pub mod schema;
pub mod sign;
pub mod words;

pub use address::{UrlFault, check_url};
pub use courier::HttpCourier;
pub use own_headers::is_own_header_allowed;
