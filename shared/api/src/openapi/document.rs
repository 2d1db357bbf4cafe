//! An OpenAPI 3.1 document: as much of one as the engine's have.

use std::collections::BTreeMap;

use http::StatusCode;
use schemars::{Schema, json_schema};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{Body, Description, Schemas, errors};
use crate::{
    Access, CHECKOUT_VERSIONS, Family, Mounted, Route, limits::IDEMPOTENCY_KEY_CHARS_MAX, respond::key_header,
};
use domain::access::Role;

/// Things by name, in an order that is meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordered<T>(pub Vec<(String, T)>);

/// What stands in a body, by content type.
pub type Content = BTreeMap<&'static str, Media>;

/// The methods of a path.
pub type PathItem = Ordered<Operation>;

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Ordered<T> {
    /// The thing of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn entry(&mut self, name: &str) -> Option<&mut T>
    where
        T: Default,
    {
        if self.get(name).is_none() {
            self.0.push((name.to_owned(), T::default()));
        }
        self.0.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// What a document is about.
#[derive(Debug, Clone, Copy)]
pub struct Outline {
    /// The name of its file.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What it says of itself.
    pub text: &'static str,
    /// The families whose endpoints it has.
    pub families: &'static [Family],
}

/// A document.
#[derive(Debug, Serialize)]
pub struct Document {
    /// The version of the specification.
    pub openapi: &'static str,
    /// What it is called.
    pub info: Info,
    /// Where the endpoints may be found.
    pub servers: Vec<Server>,
    /// The families.
    pub tags: Vec<Tag>,
    /// The endpoints.
    pub paths: Ordered<PathItem>,
    /// What the engine calls.
    #[serde(skip_serializing_if = "is_empty")]
    pub webhooks: Ordered<PathItem>,
    /// What the others refer to.
    pub components: Components,
}

/// What a document is called.
#[derive(Debug, Serialize)]
pub struct Info {
    /// Its title.
    pub title: &'static str,
    /// What it says of itself.
    pub description: &'static str,
    /// The engine's version.
    pub version: &'static str,
    /// The engine's licence.
    pub license: License,
}

/// A licence.
#[derive(Debug, Serialize)]
pub struct License {
    /// Its name.
    pub name: &'static str,
    /// Its SPDX identifier.
    pub identifier: &'static str,
}

/// Where the endpoints may be found.
#[derive(Debug, Serialize)]
pub struct Server {
    /// The URL that the paths begin at.
    pub url: &'static str,
    /// What is there.
    pub description: &'static str,
}

/// A family.
#[derive(Debug, Serialize)]
pub struct Tag {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub description: &'static str,
}

/// One method of one path, or one kind of call that the engine makes.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// The endpoint's name.
    pub operation_id: String,
    /// What it does, in a sentence.
    pub summary: String,
    /// What else there is to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its family.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<&'static str>,
    /// Who may call it: any one of these.
    pub security: Vec<BTreeMap<&'static str, Vec<&'static str>>>,
    /// What it takes beside its body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// Its body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_body: Option<RequestBody>,
    /// Its answers, by status: described here, or by reference.
    pub responses: Ordered<Value>,
}

/// What an endpoint takes beside its body.
#[derive(Debug, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where it stands: `path`, `query` or `header`.
    #[serde(rename = "in")]
    pub place: &'static str,
    /// What it is.
    pub description: String,
    /// Whether it has to be there.
    pub required: bool,
    /// What it looks like.
    pub schema: Schema,
}

/// A body.
#[derive(Debug, Serialize)]
pub struct RequestBody {
    /// Whether it has to be there.
    pub required: bool,
    /// What it looks like.
    pub content: Content,
}

/// What a body of one content type looks like.
#[derive(Debug, Clone, Serialize)]
pub struct Media {
    /// Its schema.
    pub schema: Schema,
}

/// An answer.
#[derive(Debug, Serialize)]
pub struct Response {
    /// What it means.
    pub description: String,
    /// The headers it has, of those among the components.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "referred_to")]
    pub headers: Vec<&'static str>,
    /// What stands in it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub content: Content,
}

/// What the others refer to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Components {
    /// How a caller says who it is.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub security_schemes: BTreeMap<&'static str, Value>,
    /// Headers of answers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<&'static str, Value>,
    /// Answers that are errors.
    pub responses: BTreeMap<String, Response>,
    /// What bodies look like.
    pub schemas: BTreeMap<String, Value>,
}

fn is_empty(webhooks: &Ordered<PathItem>) -> bool {
    webhooks.0.is_empty()
}

fn referred_to<S: Serializer>(headers: &[&'static str], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(headers.iter().map(|name| (name, reference("headers", name))))
}

fn reference(among: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{among}/{name}") })
}

pub(super) fn json_content(kind: &'static str, schema: Schema) -> Content {
    Content::from([(kind, Media { schema })])
}

impl Document {
    /// The document of an outline. `webhooks` says what the engine calls.
    #[must_use]
    pub fn of(
        outline: &Outline,
        catalogue: &[Mounted],
        webhooks: impl FnOnce(&mut Schemas) -> Ordered<PathItem>,
    ) -> Self {
        let mut schemas = Schemas::default();
        let mounted = catalogue.iter().filter(|mounted| outline.families.contains(&mounted.route.family));
        let mounted = mounted.collect::<Vec<_>>();
        let mut paths = Ordered::default();
        let aliases_max = mounted.iter().map(|mounted| mounted.route.paths.len()).max().unwrap_or_default();
        for alias in 0..aliases_max {
            for Mounted { route, describe, .. } in &mounted {
                let Some(path) = route.paths.get(alias) else { continue };
                let operation = operation(route, path, alias, &describe(), &mut schemas);
                if let Some(item) = paths.entry(path) {
                    let item: &mut PathItem = item;
                    item.0.push((route.method.to_ascii_lowercase(), operation));
                }
            }
        }
        let mut responses = BTreeMap::new();
        for family in outline.families {
            responses.extend(errors::of_family(*family, &mut schemas));
        }
        responses.retain(|name, _| {
            let wanted = reference("responses", name);
            let operations = paths.0.iter().flat_map(|(_, item)| &item.0);
            operations.flat_map(|(_, operation)| &operation.responses.0).any(|(_, response)| *response == wanted)
        });
        let webhooks = webhooks(&mut schemas);
        Self {
            openapi: "3.1.0",
            info: Info {
                title: outline.title,
                description: outline.text,
                version: env!("CARGO_PKG_VERSION"),
                license: License { name: "Apache License 2.0", identifier: "Apache-2.0" },
            },
            servers: vec![Server { url: "http://127.0.0.1:3000", description: "The engine on this machine" }],
            tags: outline.families.iter().copied().map(tag).collect(),
            paths,
            webhooks,
            components: Components {
                security_schemes: security_schemes(outline.families),
                headers: headers(outline.families),
                responses,
                schemas: schemas.finish(),
            },
        }
    }

    /// The document as it stands in its file.
    ///
    /// # Errors
    /// It does not turn into JSON.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

fn operation(route: &Route, path: &str, alias: usize, description: &Description, schemas: &mut Schemas) -> Operation {
    let (summary, more) = split(&description.text);
    let mut responses = Vec::new();
    for told in &description.answers {
        let content = match told.body {
            Body::Nothing => Content::new(),
            Body::Page => json_content("text/html", json_schema!({ "type": "string" })),
            Body::Script => json_content("application/javascript", json_schema!({ "type": "string" })),
            Body::Json(schema) => json_content("application/json", schema(schemas)),
        };
        let headers = if route.family == Family::Checkout { vec!["pspReference"] } else { Vec::new() };
        let response = Response { description: told.text.to_owned(), headers, content };
        responses.push((told.status.as_str().to_owned(), serde_json::to_value(response).unwrap_or_default()));
    }
    let has_body = description.body.is_some();
    for (status, name) in errors::of_route(route, has_body) {
        // An endpoint may have an answer of its own where its family has an error.
        if responses.iter().any(|(told, _)| *told == *status.as_str()) {
            continue;
        }
        responses.push((status.as_str().to_owned(), reference("responses", &name)));
    }
    let content_type = match route.family {
        Family::OAuth => "application/x-www-form-urlencoded",
        Family::Checkout
        | Family::Admin
        | Family::Payments
        | Family::Shopping
        | Family::PaymentOrders
        | Family::OrderProcessing
        | Family::Sandbox => "application/json",
    };
    let suffix = match (alias, route.family) {
        (0, _) => String::new(),
        (_, Family::Checkout) => "-under-checkout".to_owned(),
        // What is there under several paths is told apart by what they end with.
        _ => path.rsplit('/').find(|part| !part.starts_with('{')).map(|part| format!("-{part}")).unwrap_or_default(),
    };
    Operation {
        operation_id: format!("{}{suffix}", route.name),
        summary,
        description: more,
        tags: vec![tag(route.family).name],
        security: security(route),
        parameters: parameters(route, path, description),
        request_body: description.body.map(|schema| RequestBody {
            required: !description.is_body_optional,
            content: json_content(content_type, schema(schemas)),
        }),
        responses: Ordered(responses),
    }
}

/// The first sentence of a text, up to a colon or without its full stop, and the rest.
fn split(text: &str) -> (String, String) {
    let ends = ["\n\n", ". ", ": "].iter().filter_map(|end| text.find(end)).min();
    let (first, rest) = ends.and_then(|end| text.split_at_checked(end)).unwrap_or((text, ""));
    let mut rest = rest.trim_start_matches(['.', ':']).trim().to_owned();
    if let Some(first) = rest.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    (first.trim_end_matches('.').to_owned(), rest)
}

fn parameters(route: &Route, path: &str, description: &Description) -> Vec<Parameter> {
    let names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters = Vec::new();
    for name in names {
        let known = description.path.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
        let (text, schema) = match name {
            "version" => ("The version of the API.", versions()),
            _ => (known.unwrap_or_default(), json_schema!({ "type": "string" })),
        };
        let (name, description) = (name.to_owned(), text.to_owned());
        parameters.push(Parameter { name, place: "path", description, required: true, schema });
    }
    let of_query = &description.required_query;
    for (name, text, schema) in &description.query {
        let (name, description, schema) = ((*name).to_owned(), (*text).to_owned(), schema.clone());
        let required = of_query.contains(&name.as_str());
        parameters.push(Parameter { name, place: "query", description, required, schema });
    }
    for (name, text, schema) in &description.headers {
        let (name, description, schema) = ((*name).to_owned(), (*text).to_owned(), schema.clone());
        parameters.push(Parameter { name, place: "header", description, required: false, schema });
    }
    let moves_money = matches!(route.family, Family::Checkout | Family::Payments) && route.method == "POST";
    if moves_money || description.is_keyed {
        let text = match route.family {
            Family::Payments => "A key that comes again is refused: 409, with what the first request made.",
            Family::Checkout
            | Family::Admin
            | Family::Sandbox
            | Family::Shopping
            | Family::PaymentOrders
            | Family::OrderProcessing
            | Family::OAuth => "The same key with the same request gets the first answer again.",
        };
        parameters.push(Parameter {
            name: key_header(route.family).to_owned(),
            place: "header",
            description: text.to_owned(),
            required: description.is_keyed_by_uuid,
            schema: if description.is_keyed_by_uuid {
                json_schema!({ "type": "string", "format": "uuid" })
            } else {
                json_schema!({ "type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_CHARS_MAX })
            },
        });
    }
    parameters
}

fn versions() -> Schema {
    let versions = CHECKOUT_VERSIONS.map(|version| format!("v{version}")).collect::<Vec<_>>();
    json_schema!({ "type": "string", "enum": versions, "examples": versions.last().into_iter().collect::<Vec<_>>() })
}

fn tag(family: Family) -> Tag {
    let (name, description) = match family {
        Family::Checkout => ("checkout", "Orders and payments, compatible with Adyen Checkout."),
        Family::Admin => ("admin", "Merchant accounts, keys, gift cards, webhooks and work."),
        Family::Sandbox => ("sandbox", "Pages of the sandbox, for a shopper's browser."),
        Family::Payments => ("payments", "Payments, compatible with the Purse Payment API, version 2."),
        Family::Shopping => ("shopping", "Orders with lines, compatible with Dintero's orders."),
        Family::PaymentOrders => {
            ("paymentorders", "Payment orders, compatible with Swedbank Pay, versions 2.0 to 3.1.")
        }
        Family::OrderProcessing => {
            ("orderprocessing", "Credit that customers spend, compatible with NewDay's order processing.")
        }
        Family::OAuth => ("oauth", "Access tokens (OAuth 2.0)."),
    };
    Tag { name, description }
}

/// Who may call an endpoint: any one of these.
fn security(route: &Route) -> Vec<BTreeMap<&'static str, Vec<&'static str>>> {
    let by = |schemes: &[&'static str], roles: &[&'static str]| {
        schemes.iter().map(|scheme| BTreeMap::from([(*scheme, roles.to_vec())])).collect::<Vec<_>>()
    };
    match route.access {
        // The key may also stand in the form.
        Access::Public if route.family == Family::OAuth => {
            let mut any = by(&["apiKey", "basic"], &[]);
            any.push(BTreeMap::new());
            any
        }
        Access::Public => Vec::new(),
        Access::Role(Role::Payments) if route.family == Family::OrderProcessing => {
            by(&["subscriptionKey", "apiKey", "basic", "accessToken"], &["payments"])
        }
        Access::Role(Role::Payments) => by(&["apiKey", "basic", "accessToken"], &["payments"]),
        Access::Role(Role::Admin) => {
            let mut any = by(&["apiKey", "basic", "accessToken"], &["admin"]);
            any.extend(by(&["operatorKey"], &[]));
            any
        }
        Access::Operator => by(&["operatorKey"], &[]),
    }
}

fn security_schemes(families: &[Family]) -> BTreeMap<&'static str, Value> {
    if families == [Family::Sandbox] {
        return BTreeMap::new();
    }
    let mut schemes = BTreeMap::from([
        ("apiKey", json!({ "type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key." })),
        (
            "basic",
            json!({
                "type": "http",
                "scheme": "basic",
                "description": "An API key as the password; the user name is not looked at.",
            }),
        ),
        (
            "accessToken",
            json!({
                "type": "http",
                "scheme": "bearer",
                "description": "An access token of `POST /oauth/token`. It has the roles of the key it was issued to.",
            }),
        ),
    ]);
    if families.contains(&Family::OrderProcessing) {
        let text = "An API key, as NewDay's clients send it.";
        let scheme =
            json!({ "type": "apiKey", "in": "header", "name": "Ocp-Apim-Subscription-Key", "description": text });
        schemes.insert("subscriptionKey", scheme);
    }
    if families.contains(&Family::Admin) {
        let text = "The operator's key. It may also be sent as the password of Basic authentication.";
        let scheme = json!({ "type": "apiKey", "in": "header", "name": "X-API-Key", "description": text });
        schemes.insert("operatorKey", scheme);
    }
    schemes
}

fn headers(families: &[Family]) -> BTreeMap<&'static str, Value> {
    let text = "Whether the same request, sent again with the same idempotency key, may succeed.";
    let transient_error = json!({ "description": text, "schema": { "type": "string", "const": "true" } });
    let mut headers = BTreeMap::from([("transient-error", transient_error)]);
    if families.contains(&Family::Checkout) {
        let text = "The order, the payment or the modification that the answer is about.";
        headers.insert("pspReference", json!({ "description": text, "schema": { "type": "string" } }));
    }
    headers
}

impl Operation {
    /// A call that the engine makes, with a body.
    #[must_use]
    pub fn made_by_us(name: &str, text: &str, parameters: Vec<Parameter>, body: Schema) -> Self {
        let (summary, more) = split(text);
        let taken = Response {
            description: "Acknowledges it. Any other status has it tried again.".to_owned(),
            headers: Vec::new(),
            content: Content::new(),
        };
        Self {
            operation_id: name.to_owned(),
            summary,
            description: more,
            parameters,
            request_body: Some(RequestBody { required: true, content: json_content("application/json", body) }),
            responses: Ordered(vec![(
                StatusCode::OK.as_str().replace("00", "XX"),
                serde_json::to_value(taken).unwrap_or_default(),
            )]),
            ..Self::default()
        }
    }
}
