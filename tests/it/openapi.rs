//! The OpenAPI documents: that they are what the code says, and that they are documents. That the engine does what
//! they say is checked by every other test: see `tests::conformance`.

use std::{collections::BTreeSet, fs};

use functions::{CATALOGUE, openapi::OUTLINES};
use reqwest::Method;
use serde_json::Value;
use tests::{
    repository,
    shop::{On, Shop},
};

fn documents() -> Vec<(&'static str, Value)> {
    let documents = functions::openapi::documents().into_iter();
    documents.map(|(name, document)| (name, serde_json::to_value(document).unwrap())).collect()
}

/// Every operation of a document, with its path and its method; a webhook's name stands for its path.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let items = ["paths", "webhooks"].iter().filter_map(|kind| document[kind].as_object()).flatten();
    let operations = items.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(|(method, operation)| (path.clone(), method.to_ascii_uppercase(), operation))
    });
    operations.collect()
}

/// Everything within a value, the value itself included, by where it is.
fn within<'v>(at: &str, value: &'v Value, found: &mut Vec<(String, &'v Value)>) {
    found.push((at.to_owned(), value));
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| within(&format!("{at}/{name}"), value, found)),
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(index, value)| within(&format!("{at}/{index}"), value, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn all_within(value: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    within("", value, &mut found);
    found
}

#[test]
fn the_documents_are_those_the_code_makes() {
    let made = xtask::openapi::documents(&repository()).unwrap();
    for (file, text) in &made {
        let kept = fs::read_to_string(file).unwrap_or_default();
        assert!(kept == *text, "{} is not what the code says: run {:?}", file.display(), sam::COMMAND);
    }
    let kept = fs::read_dir(repository().join("infra/openapi")).unwrap().map(|file| file.unwrap().path());
    let made = made.into_iter().map(|(file, _)| file).collect::<BTreeSet<_>>();
    assert_eq!(kept.collect::<BTreeSet<_>>(), made, "infra/openapi has documents that are none");
}

#[test]
fn every_endpoint_is_in_one_document_under_all_its_paths() {
    let documents = documents();
    for mounted in CATALOGUE {
        let route = &mounted.route;
        let homes = OUTLINES.iter().filter(|outline| outline.families.contains(&route.family)).collect::<Vec<_>>();
        let [home] = homes.as_slice() else { panic!("{:?} is in {} documents", route.family, homes.len()) };
        let (_, document) = documents.iter().find(|(name, _)| *name == home.name).unwrap();
        for path in route.paths {
            let operation = &document["paths"][path][route.method.to_ascii_lowercase()];
            let id = operation["operationId"].as_str().unwrap_or_default();
            assert!(id.starts_with(route.name), "{} {path} is not in {}", route.method, home.name);
        }
    }
}

#[test]
fn every_operation_says_what_it_is() {
    for (name, document) in documents() {
        let mut ids = BTreeSet::new();
        for (path, method, operation) in operations(&document) {
            let at = format!("{name}: {method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{at}: its operationId is not its own");
            let summary = operation["summary"].as_str().unwrap();
            assert!((3..=120).contains(&summary.len()), "{at}: give its type a doc comment, its first sentence short");
            let answers = operation["responses"].as_object().unwrap().keys();
            assert!(answers.into_iter().any(|status| status < &"4".to_owned()), "{at}: it answers nothing but errors");
            let none = Vec::new();
            let parameters = operation["parameters"].as_array().unwrap_or(&none);
            for parameter in parameters {
                let parameter_name = parameter["name"].as_str().unwrap();
                assert_ne!(parameter["description"], "", "{at}: say what {parameter_name} is");
            }
            let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
            let in_path = in_path.map(|parameter| format!("{{{}}}", parameter["name"].as_str().unwrap()));
            let segments = path.split('/').filter(|segment| segment.starts_with('{')).map(str::to_owned);
            assert_eq!(in_path.collect::<BTreeSet<_>>(), segments.collect::<BTreeSet<_>>(), "{at}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere_and_nothing_is_there_for_nothing() {
    for (name, document) in documents() {
        let everything = all_within(&document);
        let used = everything.iter().filter(|(at, _)| at.ends_with("/$ref")).map(|(at, reference)| {
            let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{name}: {at} leads nowhere: {reference}");
            pointer.to_owned()
        });
        let used = used.collect::<BTreeSet<_>>();
        for kind in ["schemas", "responses", "headers"] {
            for component in document["components"][kind].as_object().into_iter().flat_map(|kind| kind.keys()) {
                let at = format!("/components/{kind}/{component}");
                assert!(used.contains(&at), "{name}: nothing refers to {at}");
            }
        }
    }
}

#[test]
fn every_schema_is_one_and_has_a_name_of_its_own() {
    for (name, document) in documents() {
        let components = &document["components"];
        for (schema_name, schema) in components["schemas"].as_object().unwrap() {
            let at = format!("{name}: {schema_name}");
            jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|fault| panic!("{at}: {fault}"));
            tests::conformance::compile(schema, components, true);
            // Where two types have one name, one of them gets another that has more than letters in it.
            assert!(schema_name.chars().all(char::is_alphabetic), "{at}: give one of the types another name");
            let is_described = |of: &Value| of["description"].as_str().is_some_and(|text| !text.is_empty());
            let is_an_enumeration = schema.get("oneOf").is_some() && schema.get("properties").is_none();
            assert!(is_described(schema) || is_an_enumeration, "{at}: give it a doc comment");
            for (field, of) in schema["properties"].as_object().into_iter().flatten() {
                assert!(is_described(of), "{at}: give {field} a doc comment");
            }
        }
    }
}

/// Doc comments are written for readers of the code, and those of a described type for everybody.
#[test]
fn no_text_speaks_of_code() {
    for (name, document) in documents() {
        for (at, text) in all_within(&document) {
            let text = text.as_str().unwrap_or_default();
            assert!(!text.contains("[`") && !text.contains("::"), "{name}: {at}: {text}");
        }
    }
}

#[tokio::test]
async fn the_local_runner_shows_them() {
    let shop = Shop::open(On::Embedded).await;
    let page = shop.send(shop.bare(Method::GET, "/docs")).await;
    assert_eq!((page.status, &page.headers["content-type"]), (200, &"text/html; charset=utf-8".parse().unwrap()));
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !page.text.contains("<script"), "{policy}");
    for link in page.text.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(page.text.contains(&format!(" id=\"{link}\"")), "#{link} leads nowhere");
    }
    for (name, document) in documents() {
        for (path, _, operation) in operations(&document) {
            assert!(page.text.contains(&format!("<code>{path}</code>")), "the page lacks {path}");
            let id = operation["operationId"].as_str().unwrap();
            assert!(id.contains("-under-") || page.text.contains(&format!("id=\"{id}\"")), "the page lacks {id}");
        }
        let raw = shop.send(shop.bare(Method::GET, &format!("/docs/{name}.json"))).await;
        assert_eq!((raw.status, &raw.headers["content-type"]), (200, &"application/json".parse().unwrap()));
        let kept = fs::read_to_string(repository().join(format!("infra/openapi/{name}.json"))).unwrap();
        assert_eq!(raw.text, kept, "{name}");
    }
    assert_eq!(shop.send(shop.bare(Method::GET, "/docs/none.json")).await.status, 404);
    assert_eq!(shop.send(shop.bare(Method::GET, "/docsother")).await.status, 404);
}
