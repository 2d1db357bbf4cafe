//! What an endpoint is, and the table that all endpoints stand in.

use app::{Fut, access::Caller};
use domain::{MerchantAccount, OrderId, Reference, access::Role, order::KeyPrint};
use http::StatusCode;
use secrecy::SecretString;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Code, Engine, Problem, field_missing,
    respond::{Request, Response, respond},
};

/// A family of endpoints that share a wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Compatible with Adyen Checkout: errors are `ServiceError`s.
    Checkout,
    /// Merchants, keys, gift cards, webhooks and work: errors are `application/problem+json`.
    Admin,
    /// Pages of the sandbox, for a shopper's browser.
    Sandbox,
    /// Compatible with the Purse Payment API, version 2: errors are `application/problem+json`, and an idempotency
    /// key that comes again is a conflict.
    Payments,
    /// Compatible with Dintero's orders: errors are `{"error": {...}}`.
    Shopping,
    /// Compatible with Swedbank Pay's payment orders, versions 2.0 to 3.1: errors are `application/problem+json`.
    PaymentOrders,
    /// Compatible with NewDay's order processing: errors are `application/problem+json`.
    OrderProcessing,
    /// Access tokens (OAuth 2.0, RFC 6749): requests are forms, errors are named as that RFC does.
    OAuth,
}

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Public,
    /// The holder of a key with this role.
    Role(Role),
    /// The operator of the installation.
    Operator,
}

/// Where an endpoint is found, and who may call it.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// Its name: of its binary, and of its Lambda.
    pub name: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// The paths, with parameters in braces.
    pub paths: &'static [&'static str],
    /// The wire format.
    pub family: Family,
    /// Who may call it.
    pub access: Access,
}

/// An endpoint of the API.
pub trait Endpoint {
    /// Where it is found.
    const ROUTE: Route;
    /// Its request body; [`NoBody`] if it has none.
    type Body: DeserializeOwned + Send;

    /// Answers a call.
    fn handle(engine: &Engine, call: Call<Self::Body>) -> impl Future<Output = Result<Reply, Problem>> + Send;
}

/// The body of a request that has none. It may be left out; the fields of one that is sent are ignored.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoBody;

impl<'de> serde::Deserialize<'de> for NoBody {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// A request whose caller is known and whose body is read. It may hold numbers, so it cannot be printed.
pub struct Call<B> {
    /// Who calls.
    pub caller: Caller,
    /// The idempotency key, if one was sent.
    pub idempotency_key: Option<String>,
    /// Which requests a key is told apart from others by: an endpoint's own, or, if this is empty, all of the
    /// merchant's.
    pub(crate) key_scope: &'static str,
    /// The API key that came with the request, and whose it says it is, of an endpoint that checks them itself.
    pub credentials: Option<Credentials>,
    /// The path as it was sent, for an endpoint with several.
    pub at: String,
    /// The parameters of the path.
    pub path: Vec<(String, String)>,
    /// The query, percent-decoded.
    pub query: Vec<(String, String)>,
    /// The body.
    pub body: B,
    /// The version of the family that is spoken, of one with versions in its headers.
    pub version: crate::ApiVersion,
    /// What the caller says it is: the header `User-Agent`.
    pub user_agent: Option<String>,
    /// What else came in headers, of [`Family::OrderProcessing`].
    pub lending: LendingHeaders,
    /// What the request asks for, as bytes that do not depend on the order of its fields, nor on the
    /// token it came with; made only if there is an idempotency key.
    pub(crate) print: Vec<u8>,
}

/// What requests of [`Family::OrderProcessing`] say in headers.
#[derive(Debug, Clone, Default)]
pub struct LendingHeaders {
    /// Whose customers they are about: `context-merchantId`, the merchant account's `entityId`.
    pub merchant: Option<String>,
    /// What came of an initiation: `sca-token`.
    pub sca_token: Option<SecretString>,
    /// The client's name for its session: `client-session-id`.
    pub client_session: Option<String>,
}

/// An API key as it came in.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Whose it says it is: the user name of Basic authentication.
    pub client: Option<String>,
    /// The key.
    pub key: SecretString,
}

impl<B> Call<B> {
    /// A parameter of the path.
    #[must_use]
    pub fn path(&self, name: &str) -> &str {
        self.path.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// A parameter of the query.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The merchant account a request names, if the caller may use it.
    ///
    /// # Errors
    /// The field is missing, or the merchant account is not one the caller may use; whether it exists is
    /// not told.
    pub fn merchant(&self, named: Option<&str>) -> Result<MerchantAccount, Problem> {
        let named = named.ok_or_else(|| field_missing("merchantAccount"))?;
        let merchant = MerchantAccount::try_new(named)
            .ok()
            .filter(|merchant| self.caller.may_use(merchant))
            .ok_or_else(|| Problem::new(Code::MerchantForbidden, "Invalid Merchant Account"))?;
        tracing::Span::current().record("merchant", merchant.as_str());
        Ok(merchant)
    }

    /// The merchant account that a request without a body is about: the one in its query, or the only one
    /// its caller may use.
    ///
    /// # Errors
    /// As [`Call::merchant`].
    pub fn merchant_in_query(&self) -> Result<MerchantAccount, Problem> {
        let only = self.caller.only_merchant().map(MerchantAccount::as_str);
        self.merchant(self.query("merchantAccount").or(only))
    }

    /// A reference for an answer that creates nothing.
    #[must_use]
    pub fn reference(&self, engine: &Engine) -> Reference {
        passing_reference(engine, self.idempotency_key.as_deref().map(str::as_bytes))
    }

    /// The fingerprints of the idempotency key and of what is asked with it.
    #[must_use]
    pub fn key_print(&self, engine: &Engine, merchant: &MerchantAccount) -> Option<KeyPrint> {
        let key = self.idempotency_key.as_ref()?;
        // No header has a line break: so keys of different scopes are never the same.
        let scoped = match self.key_scope {
            "" => key.clone(),
            scope => format!("{scope}\n{key}"),
        };
        Some(engine.app.prints.key(merchant, &scoped, &self.print))
    }

    /// The same for a key that is not in a header, in families that have one in the body: of requests of
    /// [`Family::PaymentOrders`] and [`Family::Shopping`].
    #[must_use]
    pub fn print_under(&self, engine: &Engine, merchant: &MerchantAccount, key: &str) -> KeyPrint {
        engine.app.prints.key(merchant, key, &self.print)
    }
}

/// A reference that names nothing stored: clients read one from every answer. A repeated request must be
/// answered alike, so with an idempotency key the reference is made from that.
pub(crate) fn passing_reference(engine: &Engine, key: Option<&[u8]>) -> Reference {
    let mut entropy = [0; 16];
    match key {
        Some(key) => entropy.copy_from_slice(&engine.app.prints.print("passing-reference", &[key])[..16]),
        None => entropy = engine.app.streams.entropy(),
    }
    OrderId::from_entropy(entropy).reference()
}

/// An answer that is not an error.
#[derive(Debug)]
pub enum Reply {
    /// JSON.
    Json {
        /// The status.
        status: StatusCode,
        /// The `pspReference` header.
        reference: Option<String>,
        /// The body.
        body: Vec<u8>,
    },
    /// A page.
    Html(String),
    /// A page that runs a script of ours, and may be embedded.
    Page {
        /// The status.
        status: StatusCode,
        /// The page.
        html: String,
        /// The origins whose pages may embed it; only our own, if there are none.
        hosts: Vec<String>,
    },
    /// A script.
    Script(&'static str),
    /// Nothing to say.
    NoContent,
    /// The browser is to go elsewhere.
    SeeOther(String),
}

impl Reply {
    /// JSON with a status, about the thing of that reference.
    ///
    /// # Errors
    /// [`Code::Internal`], for a body that cannot be JSON.
    pub fn json(status: StatusCode, reference: Option<String>, body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(body).map_err(|error| {
            tracing::error!(%error, "an answer could not be rendered");
            Problem::new(Code::Internal, "Something went wrong here. It was logged.")
        })?;
        Ok(Self::Json { status, reference, body })
    }
}

/// An endpoint in the catalogue.
#[derive(Clone, Copy)]
pub struct Mounted {
    /// Where it is found.
    pub route: Route,
    /// Answers a request that was routed here.
    pub respond: for<'a> fn(&'a Engine, Request) -> Fut<'a, Response>,
    /// What it says of itself.
    #[cfg(feature = "openapi")]
    pub describe: fn() -> crate::openapi::Description,
}

/// Puts an endpoint into the catalogue.
#[cfg(not(feature = "openapi"))]
#[must_use]
pub const fn mount<E: Endpoint>() -> Mounted {
    Mounted { route: E::ROUTE, respond: respond::<E> }
}

/// Puts an endpoint into the catalogue, if it says what it is.
#[cfg(feature = "openapi")]
#[must_use]
pub const fn mount<E: crate::openapi::Describe>() -> Mounted {
    Mounted { route: E::ROUTE, respond: respond::<E>, describe: crate::openapi::describe::<E> }
}
