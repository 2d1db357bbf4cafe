//! `GET /docs`: the OpenAPI documents as a page, and `GET /docs/{name}.json`: one of them as it is.
//!
//! The page is made here, of the same documents; it has no script and loads nothing.

use std::sync::LazyLock;

use api::{Bytes, Response};
use askama::Template;
use functions::openapi::Document;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::Value;

/// Where the documents are found.
const ROOT: &str = "/docs";

/// What a browser may do with the page: as with the sandbox's.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/// The answer to a request for the documents; none if it is about something else.
pub(crate) fn answer(method: &Method, path: &str) -> Option<Response> {
    let below = path.strip_prefix(ROOT)?;
    if method != Method::GET || !(below.is_empty() || below.starts_with('/')) {
        return None;
    }
    static SITE: LazyLock<Site> = LazyLock::new(Site::new);
    let found = match below {
        "" | "/" => SITE.page.as_deref().map(|page| ("text/html; charset=utf-8", page)),
        _ => SITE.document(below).map(|document| ("application/json", document)),
    };
    let (kind, text) = found?;
    let mut response = Response::new(Bytes::copy_from_slice(text.as_bytes()));
    *response.status_mut() = StatusCode::OK;
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Some(response)
}

/// All that is shown.
struct Site {
    page: Option<String>,
    documents: Vec<(&'static str, String)>,
}

impl Site {
    fn new() -> Self {
        let documents = functions::openapi::documents();
        let families = documents.iter().map(|(name, document)| Family::of(name, document)).collect();
        let page = Page { families }.render();
        let page = page.inspect_err(|error| tracing::error!(%error, "the documents could not be rendered")).ok();
        let texts = documents.iter().filter_map(|(name, document)| Some((*name, document.to_text().ok()?)));
        Self { page, documents: texts.collect() }
    }

    fn document(&self, below: &str) -> Option<&str> {
        let name = below.strip_prefix('/')?.strip_suffix(".json")?;
        self.documents.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_str())
    }
}

/// The page.
#[derive(Template)]
#[template(path = "docs.html")]
struct Page {
    families: Vec<Family>,
}

/// A document on the page.
struct Family {
    name: &'static str,
    title: &'static str,
    text: &'static str,
    operations: Vec<Operation>,
    webhooks: Vec<Operation>,
    errors: Vec<Failure>,
    schemas: Vec<Schema>,
}

/// An endpoint, under all its paths, or a call that the engine makes.
struct Operation {
    id: String,
    method: String,
    paths: Vec<String>,
    summary: Vec<Run>,
    text: Vec<Run>,
    callers: Vec<String>,
    parameters: Vec<Field>,
    body: Option<Body>,
    answers: Vec<Answer>,
    errors: Vec<(String, String)>,
}

struct Body {
    kind: &'static str,
    is_required: bool,
    looks: Looks,
}

struct Answer {
    status: String,
    text: String,
    looks: Option<Looks>,
}

/// The errors of one status.
struct Failure {
    anchor: String,
    status: String,
    codes: Vec<(String, String)>,
    looks: Option<Looks>,
}

struct Schema {
    anchor: String,
    name: String,
    text: Vec<Run>,
    fields: Vec<Field>,
    looks: Looks,
}

/// A field or a parameter.
struct Field {
    name: String,
    place: &'static str,
    is_required: bool,
    looks: Looks,
    text: Vec<Run>,
}

/// What a value looks like: a word, the schema it leads to, and the limits it keeps.
struct Looks {
    before: &'static str,
    word: String,
    link: Option<String>,
    limits: Vec<String>,
}

/// A piece of a text: plain, or in the letters of code.
struct Run {
    text: String,
    is_code: bool,
}

/// The pieces of a text whose code stands between backticks.
fn runs(text: &str) -> Vec<Run> {
    let pieces = text.split('`').zip([false, true].into_iter().cycle());
    pieces.map(|(text, is_code)| Run { text: text.to_owned(), is_code }).filter(|run| !run.text.is_empty()).collect()
}

fn text(of: &Value, field: &str) -> String {
    of[field].as_str().unwrap_or_default().to_owned()
}

/// The last part of a reference.
fn referred(of: &Value) -> Option<&str> {
    of["$ref"].as_str()?.rsplit('/').next()
}

impl Family {
    fn of(name: &'static str, document: &Document) -> Self {
        let mut operations = Vec::<Operation>::new();
        for (path, item) in &document.paths.0 {
            for (method, described) in &item.0 {
                let is_same =
                    |known: &&mut Operation| described.operation_id.starts_with(&format!("{}-under-", known.id));
                match operations.iter_mut().find(is_same) {
                    Some(known) => known.paths.push(path.clone()),
                    None => operations.push(Operation::of(name, method, path, described)),
                }
            }
        }
        let webhooks = document.webhooks.0.iter().flat_map(|(event, item)| {
            item.0.iter().map(|(method, described)| Operation::of(name, method, event, described))
        });
        let errors = document.components.responses.iter().map(|(error, response)| {
            let mut uses = operations.iter().flat_map(|operation| &operation.errors);
            let code = |line: &str| {
                let (code, meaning) = line.strip_prefix("- `")?.split_once("`: ")?;
                Some((code.to_owned(), meaning.to_owned()))
            };
            let anchor = format!("{name}-{error}");
            Failure {
                status: uses.find(|(_, used)| *used == anchor).map(|(status, _)| status.clone()).unwrap_or_default(),
                anchor,
                codes: response.description.lines().filter_map(code).collect(),
                looks: response.content.values().next().map(|media| Looks::of(name, media.schema.as_value())),
            }
        });
        let mut errors = errors.collect::<Vec<_>>();
        errors.sort_by(|one, other| (&one.status, &one.anchor).cmp(&(&other.status, &other.anchor)));
        let schemas = document.components.schemas.iter().map(|(of, schema)| Schema {
            anchor: format!("{name}-{of}"),
            name: of.clone(),
            text: runs(&text(schema, "description")),
            fields: fields(name, schema),
            looks: Looks::of(name, schema),
        });
        Self {
            name,
            title: document.info.title,
            text: document.info.description,
            webhooks: webhooks.collect(),
            errors,
            schemas: schemas.collect(),
            operations,
        }
    }
}

impl Operation {
    fn of(family: &str, method: &str, path: &str, described: &functions::openapi::Operation) -> Self {
        let callers = described.security.iter().flat_map(|one| {
            one.iter().map(|(scheme, roles)| match roles.as_slice() {
                [] => (*scheme).to_owned(),
                roles => format!("{scheme} ({})", roles.join(", ")),
            })
        });
        let (mut answers, mut errors) = (Vec::new(), Vec::new());
        for (status, response) in &described.responses.0 {
            if let Some(error) = referred(response) {
                errors.push((status.clone(), format!("{family}-{error}")));
                continue;
            }
            let media = response["content"].as_object().and_then(|content| content.iter().next());
            let looks = media.map(|(kind, media)| match kind.as_str() {
                "text/html" => Looks { before: "", word: "a page".to_owned(), link: None, limits: Vec::new() },
                _ => Looks::of(family, &media["schema"]),
            });
            answers.push(Answer { status: status.clone(), text: text(response, "description"), looks });
        }
        let parameters = described.parameters.iter().map(|parameter| Field {
            name: parameter.name.clone(),
            place: parameter.place,
            is_required: parameter.required,
            looks: Looks::of(family, parameter.schema.as_value()),
            text: runs(&parameter.description),
        });
        let body = described.request_body.as_ref().and_then(|body| {
            let (kind, media) = body.content.iter().next()?;
            Some(Body { kind, is_required: body.required, looks: Looks::of(family, media.schema.as_value()) })
        });
        Self {
            id: described.operation_id.clone(),
            method: method.to_ascii_uppercase(),
            paths: vec![path.to_owned()],
            summary: runs(&described.summary),
            text: runs(&described.description),
            callers: callers.collect(),
            parameters: parameters.collect(),
            body,
            answers,
            errors,
        }
    }
}

/// The fields of a schema: first those that are always there.
fn fields(family: &str, schema: &Value) -> Vec<Field> {
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fields = schema["properties"].as_object().into_iter().flatten().map(|(name, of)| Field {
        name: name.clone(),
        place: "",
        is_required: required.iter().any(|known| known == name),
        looks: Looks::of(family, of),
        text: runs(&text(of, "description")),
    });
    let mut fields = fields.collect::<Vec<_>>();
    fields.sort_by_key(|field| !field.is_required);
    fields
}

impl Looks {
    fn of(family: &str, schema: &Value) -> Self {
        let (before, of) = match schema.get("items") {
            Some(items) => ("list of ", items),
            None => ("", schema),
        };
        let named = referred(of);
        let kind = match of["type"].as_array() {
            Some(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
            None => of["type"].as_str().unwrap_or("any").to_owned(),
        };
        let number = |of: &Value, name: &str| of.get(name).map(Value::to_string);
        let mut limits = Vec::new();
        let known = of["enum"].as_array().into_iter().flatten().chain(of.get("const"));
        let known = known.filter_map(Value::as_str).collect::<Vec<_>>();
        if !known.is_empty() {
            limits.push(known.join(" | "));
        }
        for (of, least, most, unit) in [
            (of, "minLength", "maxLength", "characters"),
            (of, "minimum", "maximum", ""),
            (schema, "minItems", "maxItems", "entries"),
        ] {
            let limit = match (number(of, least), number(of, most)) {
                (Some(least), Some(most)) => format!("{least} to {most} {unit}"),
                (Some(least), None) => format!("at least {least} {unit}"),
                (None, Some(most)) => format!("at most {most} {unit}"),
                (None, None) => continue,
            };
            limits.push(limit.trim_end().to_owned());
        }
        limits.extend(["format", "pattern"].iter().filter_map(|name| of[name].as_str()).map(str::to_owned));
        Self {
            before,
            word: named.map_or(kind, str::to_owned),
            link: named.map(|named| format!("{family}-{named}")),
            limits,
        }
    }
}
