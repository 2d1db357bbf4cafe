//! Whether what is asked and answered is what the OpenAPI documents say. Every request that the tests send goes
//! through here, and every delivery that a receiver of theirs gets.
//!
//! The documents let clients expect more fields in an answer, so that there can be more one day. Here there may be
//! none that they do not name.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use jsonschema::Validator;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Map, Value, json};

/// A request, and what was answered.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'e> {
    /// The method.
    pub method: &'e str,
    /// The URL.
    pub url: &'e reqwest::Url,
    /// The body that was sent, if it was sent at once.
    pub sent: &'e [u8],
    /// The status that was answered.
    pub status: u16,
    /// The headers of the answer.
    pub headers: &'e HeaderMap,
    /// The body of the answer.
    pub text: &'e str,
}

/// An operation of a document, by what it is called, and a status of its answers.
pub type Seen = (String, u16);

/// A document as it is checked against.
struct Checked {
    document: Value,
    /// The schemas of its answers, which may have no field that is not named.
    closed: Value,
}

/// Where an operation stands.
#[derive(Debug, Clone)]
struct Place {
    document: usize,
    path: String,
    method: String,
}

static DOCUMENTS: LazyLock<Vec<(&'static str, Checked)>> = LazyLock::new(|| {
    let documents = functions::openapi::documents().into_iter().map(|(name, document)| {
        let document = serde_json::to_value(&document).expect("a document is JSON");
        let mut closed = document["components"].clone();
        close(&mut closed);
        (name, Checked { document, closed })
    });
    documents.collect()
});

static PLACES: LazyLock<HashMap<String, matchit::Router<Place>>> = LazyLock::new(|| {
    let mut by_method = HashMap::<String, matchit::Router<Place>>::new();
    for (index, (_, Checked { document, .. })) in DOCUMENTS.iter().enumerate() {
        for (path, item) in document["paths"].as_object().expect("paths") {
            for method in item.as_object().expect("methods").keys() {
                let place = Place { document: index, path: path.clone(), method: method.clone() };
                by_method.entry(method.clone()).or_default().insert(path, place).expect("a path of its own");
            }
        }
    }
    by_method
});

/// Checks a request and its answer, unless no document has it.
///
/// # Panics
/// If they are not what the document says.
pub fn check(exchange: &Exchange<'_>) {
    let Exchange { method, url, status, text, headers, .. } = *exchange;
    let Some(place) = find(method, url.path()) else { return };
    let Checked { document, closed } = &DOCUMENTS[place.document].1;
    let operation = &document["paths"][&place.path][&place.method];
    let at = format!("{method} {} with {status}", place.path);
    let response = &operation["responses"][status.to_string()];
    assert!(response.is_object(), "{at}: the document has no such answer: {text}");
    let response = resolve(document, response);
    let content = response["content"].as_object();
    match content {
        None => assert!(text.is_empty(), "{at}: the document has no body there: {text}"),
        Some(content) => {
            let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            let kind = kind.split(';').next().unwrap_or_default();
            assert!(content.contains_key(kind), "{at}: {kind:?} is not in the document");
            let schema = &content[kind]["schema"];
            if kind.ends_with("json") {
                let value = serde_json::from_str(text).expect("JSON");
                validate(&format!("{at}, answer"), schema, closed, true, &value);
            }
        }
    }
    if status < 300 {
        check_request(exchange, &at, document, operation);
    }
}

/// What was taken has to be what the document asks for.
fn check_request(exchange: &Exchange<'_>, at: &str, document: &Value, operation: &Value) {
    let none = Vec::new();
    let parameters = operation["parameters"].as_array().unwrap_or(&none);
    let is_known = |name: &str| parameters.iter().any(|known| known["in"] == "query" && known["name"] == *name);
    for (name, _) in exchange.url.query_pairs() {
        assert!(is_known(&name), "{at}: the document has no parameter {name} in the query");
    }
    let Some(content) = operation["requestBody"]["content"].as_object() else { return };
    if exchange.sent.is_empty() {
        // It was left out, or is sent in chunks, as it is made.
        return;
    }
    let (kind, media) = content.iter().next().expect("a body of some kind");
    let value = if kind.ends_with("json") {
        serde_json::from_slice(exchange.sent).expect("JSON that was taken")
    } else {
        let mut form = exchange.url.clone();
        form.set_query(std::str::from_utf8(exchange.sent).ok());
        Value::Object(form.query_pairs().map(|(name, value)| (name.into_owned(), json!(value))).collect())
    };
    // Some texts are taken that a client need not send, as times without an offset: formats do not count.
    validate(&format!("{at}, request"), &media["schema"], &document["components"], false, &value);
}

/// Checks the body of a delivery.
///
/// # Panics
/// If it is not what the document says.
pub fn check_delivery(body: &str) {
    let value = serde_json::from_str::<Value>(body).expect("a delivery is JSON");
    let (name, call) = if value.get("notificationItems").is_some() {
        ("checkout", "notification")
    } else if value.get("sequence").is_some() {
        ("admin", "event")
    } else if value.get("paymentOrder").is_some() {
        ("paymentorders", "callback")
    } else {
        ("payments", "payment-changed")
    };
    let (_, Checked { document, closed }) =
        DOCUMENTS.iter().find(|(known, _)| *known == name).expect("a document of that name");
    let schema = &document["webhooks"][call]["post"]["requestBody"]["content"]["application/json"]["schema"];
    validate(call, schema, closed, true, &value);
}

/// Every operation that the documents have under its first path, with each status it has for success. Pages are left
/// out.
#[must_use]
pub fn successes() -> Vec<Seen> {
    let mut all = Vec::new();
    for (_, Checked { document, .. }) in DOCUMENTS.iter().filter(|(name, _)| *name != "sandbox") {
        let items = document["paths"].as_object().expect("paths").values();
        for operation in items.flat_map(|item| item.as_object().expect("methods").values()) {
            let name = operation["operationId"].as_str().expect("a name");
            let statuses = operation["responses"].as_object().expect("answers").keys();
            let successes = statuses.filter_map(|status| status.parse().ok()).filter(|status| *status < 400);
            if !name.ends_with("-under-checkout") {
                all.extend(successes.map(|status: u16| (name.to_owned(), status)));
            }
        }
    }
    all
}

/// The operation that a request is for; none if no document has it.
#[must_use]
pub fn operation(method: &str, path: &str) -> Option<String> {
    let place = find(method, path)?;
    let operation = &DOCUMENTS[place.document].1.document["paths"][&place.path][&place.method];
    operation["operationId"].as_str().map(str::to_owned)
}

fn find(method: &str, path: &str) -> Option<Place> {
    let found = PLACES.get(&method.to_ascii_lowercase())?.at(path).ok()?;
    let document = &DOCUMENTS[found.value.document].1.document;
    let parameters = &document["paths"][&found.value.path][&found.value.method]["parameters"];
    // Paths of other families look like those of a version that there is not.
    let is_version = found.params.get("version").is_none_or(|version| {
        let versions = parameters[0]["schema"]["enum"].as_array().expect("versions");
        versions.iter().any(|known| known == version)
    });
    is_version.then(|| found.value.clone())
}

fn resolve<'d>(document: &'d Value, response: &'d Value) -> &'d Value {
    match response["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).expect("something that is referred to"),
        None => response,
    }
}

/// Makes every object of a schema have no other fields than those it names.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("properties").is_some_and(Value::is_object) && fields.contains_key("type") {
                fields.entry("additionalProperties").or_insert(json!(false));
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn validate(at: &str, schema: &Value, components: &Value, do_formats_count: bool, value: &Value) {
    type Validators = HashMap<(usize, String), Arc<Validator>>;
    static VALIDATORS: LazyLock<Mutex<Validators>> = LazyLock::new(Mutex::default);
    // Documents live as long as the process, so their components have an address of their own.
    let key = (std::ptr::from_ref(components).addr(), schema.to_string());
    let validator = {
        let mut validators = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(validators.entry(key).or_insert_with(|| Arc::new(compile(schema, components, do_formats_count))))
    };
    let faults = validator.iter_errors(value).map(|fault| format!("{} at '{}'", fault, fault.instance_path()));
    let faults = faults.collect::<Vec<_>>();
    assert!(faults.is_empty(), "{at}: not what infra/openapi says:\n{}\n{value:#}", faults.join("\n"));
}

/// A validator of a schema.
///
/// # Panics
/// If it is no schema.
pub fn compile(schema: &Value, components: &Value, do_formats_count: bool) -> Validator {
    let whole = Map::from_iter([("allOf".to_owned(), json!([schema])), ("components".to_owned(), components.clone())]);
    let options = jsonschema::draft202012::options().should_validate_formats(do_formats_count);
    options.build(&Value::Object(whole)).expect("a valid schema")
}
