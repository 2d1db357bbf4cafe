//! From a request to its answer: who asks, what, and in which words errors are told.

use app::{Fut, access::Caller};
use bytes::Bytes;
use data_encoding::BASE64;
use domain::access::Role;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use secrecy::SecretString;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Access, Call, Code, Credentials, Endpoint, Engine, ErrorType, Family, LendingHeaders, Object, Problem, Reply,
    Route,
    endpoint::passing_reference,
    limits::{
        API_KEY_CHARS_MAX, BODY_BYTES_MAX, CLIENT_SESSION_CHARS_MAX, FORM_FIELDS_MAX, IDEMPOTENCY_KEY_CHARS_MAX,
        SCA_TOKEN_CHARS_MAX, USER_AGENT_CHARS_MAX,
    },
    version::{ApiVersion, SUPPORTED_VERSIONS, content_type, spoken},
};

/// A routed request. It holds keys and numbers, so it cannot be printed.
pub struct Request {
    /// The parameters of the path.
    pub path: Vec<(String, String)>,
    /// The path as it was sent.
    pub at: String,
    /// The query as it was sent.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; at most [`BODY_BYTES_MAX`] bytes are read.
    pub body: Bytes,
}

/// An answer.
pub type Response = http::Response<Bytes>;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const X_IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("x-idempotency-key");
const PSP_REFERENCE: HeaderName = HeaderName::from_static("pspreference");
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";
const TRANSIENT_ERROR: HeaderName = HeaderName::from_static("transient-error");
const SUBSCRIPTION_KEY: HeaderName = HeaderName::from_static("ocp-apim-subscription-key");
const CONTEXT_MERCHANT: HeaderName = HeaderName::from_static("context-merchantid");
const SCA_TOKEN: HeaderName = HeaderName::from_static("sca-token");
const CLIENT_SESSION: HeaderName = HeaderName::from_static("client-session-id");
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Answers with endpoint `E`.
pub(crate) fn respond<E: Endpoint>(engine: &Engine, request: Request) -> Fut<'_, Response> {
    Box::pin(async move {
        let (headers, at) = (request.headers.clone(), request.at.clone());
        let outcome = async {
            let (call, body) = admit(engine, &E::ROUTE, request).await?;
            let body = read::<E::Body>(&E::ROUTE, &headers, &body)?;
            let Call {
                caller,
                idempotency_key,
                key_scope,
                credentials,
                at,
                path,
                query,
                version,
                user_agent,
                lending,
                print,
                body: (),
            } = call;
            let call = Call {
                caller,
                idempotency_key,
                key_scope,
                credentials,
                at,
                path,
                query,
                version,
                user_agent,
                lending,
                print,
                body,
            };
            E::handle(engine, call).await
        };
        finish(engine, &E::ROUTE, &at, &headers, outcome.await)
    })
}

/// Everything before the body's own fields: who calls, may they, with which idempotency key.
async fn admit(engine: &Engine, route: &Route, request: Request) -> Result<(Call<()>, Bytes), Problem> {
    if request.body.len() > BODY_BYTES_MAX {
        return Err(body_too_large());
    }
    let caller = authenticate(engine, route, &request.headers).await?;
    let credentials = if route.access == Access::Public { key(&request.headers) } else { None };
    let header = key_header(route.family);
    let key_scope = if route.family == Family::Payments { route.name } else { "" };
    let idempotency_key = idempotency_key(&request.headers, header)?;
    let version = if route.family == Family::PaymentOrders { spoken(&request.headers)? } else { ApiVersion::default() };
    let user_agent = request.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let user_agent = user_agent.map(|agent| agent.chars().take(USER_AGENT_CHARS_MAX).collect());
    let lending = match route.family {
        Family::OrderProcessing => lending(&request.headers)?,
        Family::Checkout
        | Family::Admin
        | Family::Sandbox
        | Family::Payments
        | Family::Shopping
        | Family::PaymentOrders
        | Family::OAuth => LendingHeaders::default(),
    };
    let print = match (&idempotency_key, route.family) {
        // Their bodies have keys of their own.
        (_, Family::PaymentOrders | Family::Shopping) if route.method == "GET" => Vec::new(),
        (_, Family::PaymentOrders | Family::Shopping) => print(route, &request)?,
        // There a key that comes again is a conflict, whatever it comes with, or there is nothing to repeat.
        (_, Family::Payments | Family::OAuth | Family::Sandbox) | (None, _) => Vec::new(),
        (Some(_), _) => print(route, &request)?,
    };
    let query = url::form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
    let call = Call {
        caller,
        idempotency_key,
        key_scope,
        credentials,
        at: request.at,
        path: request.path,
        query,
        version,
        user_agent,
        lending,
        print,
        body: (),
    };
    Ok((call, request.body))
}

/// What a request says who it is from by.
enum Sent {
    Key(Credentials),
    Token(SecretString),
}

async fn authenticate(engine: &Engine, route: &Route, headers: &HeaderMap) -> Result<Caller, Problem> {
    if route.access == Access::Public {
        return Ok(Caller::Key { merchants: Vec::new(), roles: Vec::new() });
    }
    let sent = credentials(headers).or_else(|| subscription_key(route.family, headers));
    let caller = match sent {
        Some(Sent::Key(Credentials { key, .. })) => engine.access.authenticate(&key).await?,
        Some(Sent::Token(token)) => engine.access.authenticate_token(&token).await?,
        None => None,
    };
    let caller = caller.ok_or_else(|| Problem::new(Code::Unauthorised, "HTTP Status Response - Unauthorized"))?;
    let (is_allowed, needed) = match route.access {
        Access::Public => (true, ""),
        Access::Role(role @ Role::Payments) => (caller.has_role(role), "a key with the role 'payments'"),
        Access::Role(role @ Role::Admin) => (caller.has_role(role), "a key with the role 'admin'"),
        Access::Operator => (caller == Caller::Operator, "the operator's key"),
    };
    if is_allowed {
        return Ok(caller);
    }
    Err(Problem::new(Code::RoleMissing, format!("Not allowed: this takes {needed}.")))
}

/// The access token of Bearer authentication; without one, the key of `X-API-Key`, or the password of Basic
/// authentication. Some clients send the same key beside each token: then the token counts.
fn credentials(headers: &HeaderMap) -> Option<Sent> {
    match authorisation(headers) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            let token = token.trim();
            fits(token).then(|| Sent::Token(SecretString::from(token)))
        }
        Some(_) | None => key(headers).map(Sent::Key),
    }
}

/// The scheme of the `Authorization` header, and what comes with it.
fn authorisation(headers: &HeaderMap) -> Option<(&str, &str)> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')
}

fn fits(text: &str) -> bool {
    (1..=API_KEY_CHARS_MAX).contains(&text.len())
}

/// The key of `X-API-Key`, or the password of Basic authentication.
fn key(headers: &HeaderMap) -> Option<Credentials> {
    let (client, key) = match headers.get(X_API_KEY) {
        Some(key) => (None, key.to_str().ok()?.to_owned()),
        None => {
            let (scheme, credentials) = authorisation(headers)?;
            let decoded = BASE64.decode(credentials.trim().as_bytes()).ok()?;
            let decoded = String::from_utf8(decoded).ok()?;
            let (client, password) = decoded.split_once(':').filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
            (Some(client.to_owned()).filter(|client| !client.is_empty()), password.to_owned())
        }
    };
    fits(&key).then(|| Credentials { client, key: SecretString::from(key) })
}

/// The key as callers of [`Family::OrderProcessing`] send it.
fn subscription_key(family: Family, headers: &HeaderMap) -> Option<Sent> {
    let header = headers.get(SUBSCRIPTION_KEY).filter(|_| family == Family::OrderProcessing)?;
    let key = header.to_str().ok().filter(|key| fits(key))?;
    Some(Sent::Key(Credentials { client: None, key: SecretString::from(key) }))
}

/// The headers of [`Family::OrderProcessing`] that say more than who calls.
fn lending(headers: &HeaderMap) -> Result<LendingHeaders, Problem> {
    let text = |name: &HeaderName, most: usize| {
        let Some(header) = headers.get(name) else { return Ok(None) };
        let fits = |text: &&str| (1..=most).contains(&text.len());
        header.to_str().ok().filter(fits).map(|text| Some(text.to_owned())).ok_or_else(|| {
            let expected = format!("1 to {most} ASCII characters");
            crate::field_invalid(name.as_str(), &expected, format_args!("{} bytes", header.len()))
        })
    };
    let merchant = headers.get(CONTEXT_MERCHANT).map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    Ok(LendingHeaders {
        merchant,
        sca_token: text(&SCA_TOKEN, SCA_TOKEN_CHARS_MAX)?.map(SecretString::from),
        client_session: text(&CLIENT_SESSION, CLIENT_SESSION_CHARS_MAX)?,
    })
}

fn idempotency_key(headers: &HeaderMap, name: &str) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get(name) else { return Ok(None) };
    key.to_str()
        .ok()
        .filter(|key| (1..=IDEMPOTENCY_KEY_CHARS_MAX).contains(&key.len()))
        .map(|key| Some(key.to_owned()))
        .ok_or_else(|| {
            let expected = format!("1 to {IDEMPOTENCY_KEY_CHARS_MAX} ASCII characters");
            crate::field_invalid(name, &expected, format_args!("{} bytes", key.len()))
        })
}

/// What a request asks for, for telling a repetition from another request under the same key: its
/// endpoint, its path and its body, without the order's token, which a repetition may bring in a newer
/// version.
fn print(route: &Route, request: &Request) -> Result<Vec<u8>, Problem> {
    let Request { path, at, body, .. } = request;
    let mut value =
        if body.is_empty() { Value::Null } else { serde_json::from_slice(body).map_err(|error| not_json(&error))? };
    if let Some(order) = value.get_mut("order").and_then(Value::as_object_mut) {
        order.remove("orderData");
    }
    let name = [Some(route.name), deed(route, at)].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let asked = (name, path.iter().filter(|(name, _)| name != "version").collect::<Vec<_>>(), value);
    serde_json_canonicalizer::to_vec(&asked).map_err(|error| not_json(&error))
}

/// What of an endpoint's deeds a path asks for: its last word, of an endpoint whose paths end in several. Paths that
/// differ in how they begin ask for the same.
fn deed(route: &Route, at: &str) -> Option<&'static str> {
    let mut words = route.paths.iter().filter_map(|path| path.rsplit('/').next());
    let first = words.clone().next();
    if words.clone().all(|word| Some(word) == first) {
        return None;
    }
    let asked = at.rsplit('/').next();
    words.find(|word| Some(*word) == asked)
}

fn read<B: DeserializeOwned>(route: &Route, headers: &HeaderMap, body: &[u8]) -> Result<B, Problem> {
    // What a browser's form or a client's GET sends along is not looked at.
    let is_form = route.family == Family::Sandbox && !is_json(headers);
    if is_form || matches!(route.method, "GET" | "DELETE") {
        return serde_json::from_slice(b"null").map_err(|_| not_json_body());
    }
    if route.family == Family::OAuth {
        let fields = url::form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into()));
        let fields = fields.take(FORM_FIELDS_MAX).collect::<serde_json::Map<String, Value>>();
        // Every field of a form is a text, so there is nothing to be told of its type.
        let is_form = |_| Problem::new(Code::BodyInvalid, "Unexpected input: the body is not the form it should be.");
        return serde_json::from_value(Value::Object(fields)).map_err(is_form);
    }
    // A body that may be left out can be read from nothing; all fields of an operation may be.
    let nothing = match route.family {
        Family::Payments | Family::Shopping => &b"{}"[..],
        Family::Checkout
        | Family::Admin
        | Family::Sandbox
        | Family::PaymentOrders
        | Family::OrderProcessing
        | Family::OAuth => b"null",
    };
    if body.is_empty()
        && let Ok(read) = serde_json::from_slice(nothing)
    {
        return Ok(read);
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let Object(read) = serde_path_to_error::deserialize::<_, Object<B>>(&mut json).map_err(|error| {
        let (path, inner) = (error.path().to_string(), error.inner());
        let place = if path == "." { "the body".to_owned() } else { format!("field '{path}'") };
        if inner.is_data() {
            let problem =
                Problem::new(Code::BodyInvalid, format!("Unexpected input: {place}: {}.", without_values(inner)));
            let roots = ["paymentorder.", "paymentOrder."].into_iter();
            let field = roots.filter(|_| route.family == Family::PaymentOrders);
            let field = field.fold(path.as_str(), |path, root| path.strip_prefix(root).unwrap_or(path));
            if path == "." { problem } else { problem.of_field(field) }
        } else {
            not_json(inner)
        }
    })?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(read)
}

/// What was expected and what kind of thing came, but not the thing: it may be a card's number.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    match text.split_once(", expected ") {
        Some((came, expected)) => {
            let kind = came.split(['`', '"']).next().unwrap_or_default().trim();
            let kind = kind.trim_start_matches("invalid type: ").trim_start_matches("invalid value: ");
            format!("expected {expected}, got {kind}")
        }
        None => text.split(['`', '"']).next().unwrap_or_default().trim().to_owned(),
    }
}

fn not_json_body() -> Problem {
    Problem::new(Code::BodyInvalid, "Unexpected input: expected JSON, with the content type application/json.")
}

/// Whether a request says that its body is JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(Code::BodyInvalid, format!("Unexpected input: the body is not JSON: {error}."))
}

pub(crate) fn body_incomplete() -> Problem {
    Problem::new(Code::BodyInvalid, "Unexpected input: the body did not arrive whole.")
}

pub(crate) fn body_too_large() -> Problem {
    Problem::new(Code::BodyTooLarge, format!("The body has more than {BODY_BYTES_MAX} bytes."))
}

/// The answer to a request that was refused, by its endpoint or before it reached one.
pub(crate) fn reject(engine: &Engine, family: Family, at: &str, headers: &HeaderMap, problem: &Problem) -> Response {
    let key = headers.get(key_header(family)).map(HeaderValue::as_bytes);
    let reference = passing_reference(engine, key).to_string();
    let mut response = render(family, at, is_json(headers), problem, Some(reference));
    if problem.code.is_transient() && !(problem.is_begun && key.is_none()) {
        put(&mut response, TRANSIENT_ERROR, Some("true"));
    }
    echo(family, headers, &mut response);
    response
}

fn finish(engine: &Engine, route: &Route, at: &str, headers: &HeaderMap, outcome: Result<Reply, Problem>) -> Response {
    let mut response = match outcome {
        Ok(Reply::Json { status, reference, body }) => {
            let mut response = with_status(status, "application/json", Bytes::from(body));
            put(&mut response, PSP_REFERENCE, reference.as_deref());
            // What needs no key gives one out.
            let is_token = matches!(route.family, Family::OAuth | Family::Shopping) && route.access == Access::Public;
            if is_token || route.family == Family::OrderProcessing {
                put(&mut response, header::CACHE_CONTROL, Some("no-store"));
            }
            if route.family == Family::PaymentOrders {
                let version = spoken(headers).unwrap_or_default();
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(version)));
            }
            response
        }
        Ok(Reply::Html(page)) => {
            let mut response = with_status(StatusCode::OK, "text/html; charset=utf-8", Bytes::from(page));
            let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
            put(&mut response, header::CONTENT_SECURITY_POLICY, Some(policy));
            put(&mut response, header::CACHE_CONTROL, Some("no-store"));
            put(&mut response, header::REFERRER_POLICY, Some("no-referrer"));
            response
        }
        Ok(Reply::Page { status, html, hosts }) => {
            let mut response = with_status(status, "text/html; charset=utf-8", Bytes::from(html));
            let hosts = if hosts.is_empty() { "'self'".to_owned() } else { hosts.join(" ") };
            let policy = format!(
                "default-src 'none'; script-src 'self'; connect-src 'self'; img-src https: data:; style-src \
                 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors {hosts}"
            );
            put(&mut response, header::CONTENT_SECURITY_POLICY, Some(&policy));
            keep_to_oneself(&mut response);
            response
        }
        Ok(Reply::Script(script)) => {
            let kind = "application/javascript; charset=utf-8";
            let mut response = with_status(StatusCode::OK, kind, Bytes::from_static(script.as_bytes()));
            keep_to_oneself(&mut response);
            response
        }
        Ok(Reply::NoContent) => {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        Ok(Reply::SeeOther(location)) => {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::SEE_OTHER;
            put(&mut response, header::LOCATION, Some(&location));
            response
        }
        Err(problem) => {
            tracing::info!(code = problem.code.as_str(), "refused");
            // A write without an answer may have landed: without a key, asking again could be asking twice.
            let is_begun = problem.is_begun || (problem.code == Code::Unavailable && route.method == "POST");
            return reject(engine, route.family, at, headers, &Problem { is_begun, ..problem });
        }
    };
    echo(route.family, headers, &mut response);
    response
}

/// What stands at an address with a secret in it is not kept, not guessed at, and does not tell where one came from.
fn keep_to_oneself(response: &mut Response) {
    put(response, header::CACHE_CONTROL, Some("no-store"));
    put(response, header::REFERRER_POLICY, Some("no-referrer"));
    put(response, header::X_CONTENT_TYPE_OPTIONS, Some("nosniff"));
}

/// Adyen's `ServiceError`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub(crate) struct ServiceError<'a> {
    /// The HTTP status.
    status: u16,
    /// What went wrong: Adyen's own code where one is published, else ours.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = crate::openapi::checkout_codes())))]
    error_code: &'a str,
    /// Which field it is, what was expected and what came.
    message: &'a str,
    /// Whose fault it is.
    error_type: ErrorType,
    /// The order or the payment that it is about, or a reference of the answer alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    psp_reference: Option<&'a str>,
}

/// RFC 9457.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Problem"))]
pub(crate) struct ProblemJson<'a> {
    /// The code as a URN.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uri")))]
    kind: String,
    /// The name of the status.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What went wrong.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = crate::openapi::codes())))]
    code: &'a str,
    /// Which field it is, what was expected and what came.
    detail: &'a str,
    /// The path of the request; in the payments and the orderprocessing family.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    /// What the request with the same idempotency key made; in the payments family.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_id: Option<&'a str>,
}

impl<'a> ProblemJson<'a> {
    fn of(problem: &'a Problem, status: StatusCode) -> Self {
        Self {
            kind: format!("urn:tender:problem:{}", problem.code.as_str()),
            title: status.canonical_reason().unwrap_or("Error"),
            status: problem.code.status(),
            code: problem.code.as_str(),
            detail: &problem.message,
            instance: None,
            resource_id: None,
        }
    }

    /// As the payments family tells it, with Purse's own type where that is published.
    fn of_payments(problem: &'a Problem, status: StatusCode, at: &'a str) -> Self {
        let plain = Self { instance: Some(at), resource_id: problem.resource.as_deref(), ..Self::of(problem, status) };
        if problem.code == Code::WriteConflict {
            return Self { kind: PURSE_WRITE_CONFLICT.to_owned(), title: "Idempotency violation", ..plain };
        }
        plain
    }
}

const PURSE_WRITE_CONFLICT: &str = "urn:eu.purse:write-conflict";

/// RFC 6749, 5.2.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub(crate) struct OAuthError<'a> {
    /// What went wrong, in the words of RFC 6749.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = crate::openapi::oauth_errors())))]
    error: &'static str,
    /// In words: which field it is, what was expected and what came.
    error_description: &'a str,
}

/// The status and the error that RFC 6749 has for it.
pub(crate) fn oauth_error(code: Code) -> (StatusCode, &'static str) {
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if code == Code::Unauthorised {
        (status, "invalid_client")
    } else if code == Code::GrantTypeUnsupported {
        (status, "unsupported_grant_type")
    } else if status.is_server_error() {
        (status, "server_error")
    } else if status == StatusCode::UNPROCESSABLE_ENTITY {
        (StatusCode::BAD_REQUEST, "invalid_request")
    } else {
        (status, "invalid_request")
    }
}

/// Dintero's way to tell an error.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ShoppingError"))]
pub(crate) struct ShoppingError<'a> {
    /// The error.
    error: ShoppingErrorBody<'a>,
}

/// What went wrong.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ShoppingErrorBody"))]
struct ShoppingErrorBody<'a> {
    /// What went wrong, for programs.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = crate::openapi::codes())))]
    code: &'a str,
    /// Which field it is, what was expected and what came.
    message: &'a str,
    /// The fields that are at fault, if any is.
    errors: Vec<ShoppingFieldError<'a>>,
}

/// A field that is at fault.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ShoppingFieldError"))]
struct ShoppingFieldError<'a> {
    /// Which.
    field: &'a str,
    /// What was expected and what came.
    message: &'a str,
}

/// The status in the shopping family: what is wrong with a request is 400, what is wrong with the order's state 409.
pub(crate) fn shopping_status(code: Code) -> StatusCode {
    let conflicts = [
        Code::OrderClosed,
        Code::OrderCancelled,
        Code::OrderExpired,
        Code::OrderAttempted,
        Code::OrderCaptured,
        Code::OrderEndsByItself,
        Code::OperationInFlight,
        Code::KeyReused,
        Code::Exists,
        Code::DraftFrozen,
    ];
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match status {
        _ if conflicts.contains(&code) => StatusCode::CONFLICT,
        _ if code == Code::OrderNotFound => StatusCode::NOT_FOUND,
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        status => status,
    }
}

/// Swedbank's way to tell an error: RFC 9457 with the fields at fault.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentOrderProblem"))]
pub(crate) struct PaymentOrderProblem<'a> {
    /// What went wrong, as Swedbank names it: what programs go by there.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "uri")))]
    kind: String,
    /// In a few words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The path of the request.
    instance: &'a str,
    /// In words.
    detail: &'a str,
    /// What went wrong, more exactly: not part of Swedbank's API.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = crate::openapi::codes())))]
    code: &'a str,
    /// What would help, if something would.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    /// The fields that are at fault.
    problems: Vec<PaymentOrderFieldProblem<'a>>,
}

/// A field that is at fault.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PaymentOrderFieldProblem"))]
struct PaymentOrderFieldProblem<'a> {
    /// Which.
    name: &'a str,
    /// What was expected and what came.
    description: &'a str,
}

/// The status in the paymentorders family, and what Swedbank calls it.
pub(crate) fn paymentorders_error(code: Code) -> (StatusCode, &'static str, &'static str) {
    let refused = [
        Code::NotOffered,
        Code::OrderAttempted,
        Code::OrderLocked,
        Code::OrderClosed,
        Code::OrderCancelled,
        Code::OrderExpired,
        Code::NothingAvailable,
        Code::OperationInFlight,
        Code::PaymentNotAuthorised,
        Code::RoleMissing,
        Code::MerchantForbidden,
    ];
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match status {
        _ if code == Code::OperationDeclined => (StatusCode::FORBIDDEN, "acquirererror", "Operation failed"),
        _ if refused.contains(&code) => (StatusCode::FORBIDDEN, "forbidden", "Operation not allowed"),
        _ if [Code::OrderNotFound, Code::PaymentUnknown].contains(&code) => {
            (StatusCode::NOT_FOUND, "notfound", "Resource not found")
        }
        StatusCode::NOT_FOUND => (status, "notfound", "Resource not found"),
        _ if code == Code::KeyReused => (StatusCode::CONFLICT, "conflict", "Conflict"),
        StatusCode::CONFLICT => (status, "conflict", "Conflict"),
        StatusCode::UNAUTHORIZED => (status, "unauthorized", "Unauthorized"),
        StatusCode::FORBIDDEN => (status, "forbidden", "Operation not allowed"),
        status if status.is_server_error() => (status, "systemerror", "Error in system"),
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::PAYLOAD_TOO_LARGE => (status, "inputerror", "Error in input data"),
        _ => (StatusCode::BAD_REQUEST, "inputerror", "Error in input data"),
    }
}

/// Where Swedbank's own errors are named: what its clients go by.
const PAYMENTORDERS_ERRORS: &str = "https://api.payex.com/psp/errordetail/paymentorders";

fn paymentorders_problem<'a>(problem: &'a Problem, at: &'a str) -> (StatusCode, PaymentOrderProblem<'a>) {
    let (status, kind, title) = paymentorders_error(problem.code);
    let field = problem.field.as_deref().map(|name| PaymentOrderFieldProblem { name, description: &problem.message });
    let body = PaymentOrderProblem {
        kind: format!("{PAYMENTORDERS_ERRORS}/{kind}"),
        title,
        status: status.as_u16(),
        instance: at,
        detail: match field {
            Some(_) if status == StatusCode::BAD_REQUEST => {
                "Input validation failed, error description in problems node!"
            }
            Some(_) if problem.code == Code::OperationDeclined => {
                "Unable to complete the operation, look at problem node!"
            }
            Some(_) | None => &problem.message,
        },
        code: problem.code.as_str(),
        action: (status == StatusCode::BAD_REQUEST).then_some("RetryNewData"),
        problems: field.into_iter().collect(),
    };
    (status, body)
}

fn render(family: Family, at: &str, is_json: bool, problem: &Problem, reference: Option<String>) -> Response {
    let Problem { code, message, .. } = problem;
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reference = problem.reference.clone().or(reference);
    let mut response = match family {
        Family::Checkout => {
            let body = ServiceError {
                status: code.status(),
                error_code: code.checkout(),
                message,
                error_type: code.error_type(),
                psp_reference: reference.as_deref(),
            };
            with_status(status, "application/json", Bytes::from(serde_json::to_vec(&body).unwrap_or_default()))
        }
        // A page is for a browser, which shows what it gets; a script that sends JSON gets JSON.
        Family::Sandbox if !is_json => with_status(status, "text/plain; charset=utf-8", Bytes::from(message.clone())),
        Family::Admin | Family::Sandbox => {
            let body = Bytes::from(serde_json::to_vec(&ProblemJson::of(problem, status)).unwrap_or_default());
            with_status(status, PROBLEM_JSON, body)
        }
        Family::OrderProcessing => {
            let body = ProblemJson { instance: Some(at), ..ProblemJson::of(problem, status) };
            with_status(status, PROBLEM_JSON, Bytes::from(serde_json::to_vec(&body).unwrap_or_default()))
        }
        Family::Payments => {
            let body = ProblemJson::of_payments(problem, status, at);
            with_status(status, PROBLEM_JSON, Bytes::from(serde_json::to_vec(&body).unwrap_or_default()))
        }
        Family::Shopping => {
            let field = problem.field.as_deref().map(|field| ShoppingFieldError { field, message });
            let error = ShoppingErrorBody { code: code.as_str(), message, errors: field.into_iter().collect() };
            let body = serde_json::to_vec(&ShoppingError { error }).unwrap_or_default();
            with_status(shopping_status(*code), "application/json", Bytes::from(body))
        }
        Family::PaymentOrders => {
            let (status, body) = paymentorders_problem(problem, at);
            with_status(status, PROBLEM_JSON, Bytes::from(serde_json::to_vec(&body).unwrap_or_default()))
        }
        Family::OAuth => {
            let (status, error) = oauth_error(*code);
            let body = OAuthError { error, error_description: message };
            with_status(status, "application/json", Bytes::from(serde_json::to_vec(&body).unwrap_or_default()))
        }
    };
    if family == Family::Checkout {
        put(&mut response, PSP_REFERENCE, reference.as_deref());
    }
    if *code == Code::Unauthorised {
        let scheme = match family {
            Family::Payments | Family::Shopping | Family::PaymentOrders | Family::OrderProcessing => {
                "Bearer realm=\"tender\""
            }
            Family::Checkout | Family::Admin | Family::Sandbox | Family::OAuth => "Basic realm=\"tender\"",
        };
        put(&mut response, header::WWW_AUTHENTICATE, Some(scheme));
    }
    response
}

fn with_status(status: StatusCode, content_type: &'static str, body: Bytes) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The header with a family's idempotency key, as its documents write it.
pub(crate) fn key_header(family: Family) -> &'static str {
    match family {
        Family::Payments => "x-idempotency-key",
        Family::Checkout
        | Family::Admin
        | Family::Sandbox
        | Family::Shopping
        | Family::PaymentOrders
        | Family::OrderProcessing
        | Family::OAuth => "Idempotency-Key",
    }
}

fn echo(family: Family, headers: &HeaderMap, response: &mut Response) {
    let name = match family {
        Family::Payments => X_IDEMPOTENCY_KEY,
        Family::Checkout
        | Family::Admin
        | Family::Sandbox
        | Family::Shopping
        | Family::PaymentOrders
        | Family::OrderProcessing
        | Family::OAuth => IDEMPOTENCY_KEY,
    };
    if family == Family::PaymentOrders {
        put(response, HeaderName::from_static("api-supported-versions"), Some(SUPPORTED_VERSIONS));
    }
    if let Some(key) = headers.get(&name) {
        response.headers_mut().insert(name, key.clone());
    }
}

fn put(response: &mut Response, name: HeaderName, value: Option<&str>) {
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
        response.headers_mut().insert(name, value);
    }
}
