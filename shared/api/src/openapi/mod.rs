//! How endpoints describe themselves, and the OpenAPI 3.1 document that comes of it.
//!
//! What an endpoint is called, where it is found, who may call it and what its body is, is known from its
//! [`Route`](crate::Route) and its types. It adds its query, its answers, and a name for what is in its path.

mod document;
mod errors;
mod schemas;

use http::StatusCode;
use schemars::{JsonSchema, Schema};

pub use document::{
    Components, Content, Document, Info, License, Media, Operation, Ordered, Outline, Parameter, PathItem, RequestBody,
    Response, Server, Tag,
};
pub(crate) use errors::{checkout_codes, codes, oauth_errors};
pub use schemas::Schemas;

use crate::{Endpoint, NoBody};

/// An endpoint that says what it takes and what it answers. Its summary and its description are the doc comment of
/// its type, so that derives [`JsonSchema`].
#[diagnostic::on_unimplemented(
    message = "the endpoint `{Self}` does not describe itself",
    note = "what to write is in docs/ADDING-AN-ENDPOINT.md, under \"Describe it\""
)]
pub trait Describe: Endpoint<Body: JsonSchema> + JsonSchema {
    /// What it takes beside its body, and what it answers if all went well.
    fn describe() -> Description;
}

/// What an endpoint says of itself.
#[derive(Debug, Default)]
pub struct Description {
    pub(crate) text: String,
    pub(crate) body: Option<Rendered>,
    pub(crate) is_body_optional: bool,
    pub(crate) is_keyed: bool,
    pub(crate) is_keyed_by_uuid: bool,
    pub(crate) required_query: Vec<&'static str>,
    pub(crate) headers: Vec<(&'static str, &'static str, Schema)>,
    pub(crate) path: Vec<(&'static str, &'static str)>,
    pub(crate) query: Vec<(&'static str, &'static str, Schema)>,
    pub(crate) answers: Vec<Told>,
}

/// Makes the schema of a type.
pub(crate) type Rendered = fn(&mut Schemas) -> Schema;

/// An answer that is not an error.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) text: &'static str,
    pub(crate) body: Body,
}

/// What stands in an answer.
#[derive(Debug)]
pub(crate) enum Body {
    Nothing,
    Page,
    Script,
    Json(Rendered),
}

impl Description {
    /// Of an endpoint that takes nothing beside its body, and answers nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what a parameter of the path is.
    #[must_use]
    pub fn path(mut self, name: &'static str, text: &'static str) -> Self {
        self.path.push((name, text));
        self
    }

    /// A parameter of the query, which may be left out.
    #[must_use]
    pub fn query(mut self, name: &'static str, text: &'static str, schema: Schema) -> Self {
        self.query.push((name, text, schema));
        self
    }

    /// That the merchant account stands in the query: see [`crate::Call::merchant_in_query`].
    #[must_use]
    pub fn merchant_in_query(self) -> Self {
        let text = "The merchant account. A key that may use only one may leave it out.";
        self.query("merchantAccount", text, schemars::json_schema!({ "type": "string" }))
    }

    /// That a header says whose customers it is about: see [`crate::LendingHeaders`].
    #[must_use]
    pub fn of_merchant(mut self) -> Self {
        let text = "The merchant account's `entityId`. A key that may use only one may leave it out.";
        let schema = schemars::json_schema!({ "type": "string", "format": "uuid" });
        self.headers.push(("context-merchantId", text, schema));
        let text = "The client's name for its session.";
        let most = crate::limits::CLIENT_SESSION_CHARS_MAX;
        let schema = schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": most });
        self.headers.push(("client-session-id", text, schema));
        self
    }

    /// That what came of an initiation stands in a header.
    #[must_use]
    pub fn sca_token(mut self) -> Self {
        let text = "What came of the initiation. Not needed where the customer is exempt from authentication.";
        let most = crate::limits::SCA_TOKEN_CHARS_MAX;
        let schema = schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": most });
        self.headers.push(("sca-token", text, schema));
        self
    }

    /// That the body may be left out.
    #[must_use]
    pub fn body_may_be_left_out(self) -> Self {
        Self { is_body_optional: true, ..self }
    }

    /// That the request may be repeated with an idempotency key. Known of every POST of a family that moves money.
    #[must_use]
    pub fn keyed(self) -> Self {
        Self { is_keyed: true, ..self }
    }

    /// That the request needs an idempotency key, which is a UUID.
    #[must_use]
    pub fn keyed_by_uuid(self) -> Self {
        Self { is_keyed: true, is_keyed_by_uuid: true, ..self }
    }

    /// That a parameter of the query that was named before must not be left out.
    #[must_use]
    pub fn required(mut self, name: &'static str) -> Self {
        self.required_query.push(name);
        self
    }

    /// Answers a `T`, as JSON.
    #[must_use]
    pub fn answer<T: JsonSchema>(self, status: StatusCode, text: &'static str) -> Self {
        self.told(status, text, Body::Json(Schemas::shown::<T>))
    }

    /// Answers a page.
    #[must_use]
    pub fn page(self, text: &'static str) -> Self {
        self.told(StatusCode::OK, text, Body::Page)
    }

    /// Answers a page with another status.
    #[must_use]
    pub fn page_with(self, status: StatusCode, text: &'static str) -> Self {
        self.told(status, text, Body::Page)
    }

    /// Answers a script.
    #[must_use]
    pub fn script(self, text: &'static str) -> Self {
        self.told(StatusCode::OK, text, Body::Script)
    }

    /// Answers with nothing in it.
    #[must_use]
    pub fn nothing(self, status: StatusCode, text: &'static str) -> Self {
        self.told(status, text, Body::Nothing)
    }

    fn told(mut self, status: StatusCode, text: &'static str, body: Body) -> Self {
        self.answers.push(Told { status, text, body });
        self
    }
}

/// What endpoint `E` says of itself, with what is known from its types.
pub(crate) fn describe<E: Describe>() -> Description {
    let text = Schemas::text_of::<E>();
    let has_body = E::Body::schema_id() != NoBody::schema_id();
    let body = has_body.then_some(Schemas::read::<E::Body> as Rendered);
    Description { text, body, ..E::describe() }
}
