//! How the engine is spoken to: endpoints and their table, authentication, errors in each family's own
//! format, the `orderData` token, and the way into a Lambda.
//!
//! *Architecture invariant*: no rule about money stands here. An endpoint parses, calls one use case, and
//! renders.

pub mod clock;
mod endpoint;
mod engine;
mod error;
pub mod lambda;
pub mod limits;
pub mod logging;
mod object;
#[cfg(feature = "openapi")]
pub mod openapi;
mod problem;
mod respond;
mod router;
pub mod secrets;
pub mod token;
mod version;

pub use bytes::Bytes;
pub use endpoint::{Access, Call, Credentials, Endpoint, Family, LendingHeaders, Mounted, NoBody, Reply, Route, mount};
pub use engine::Engine;
pub use error::{LineNames, line_problem};
pub use object::Object;
pub use problem::{Code, ErrorType, Problem, field_invalid, field_missing};
pub use respond::{Request, Response};
pub use router::{BodyFault, CHECKOUT_VERSIONS, Router, reject_body};
pub use secrets::Secrets;
pub use token::{Authentication, CardTokenError, TokenError, Tokens};
pub use version::ApiVersion;
