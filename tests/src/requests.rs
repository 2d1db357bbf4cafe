//! Runs a collection of requests, as plain text in the `.http` format: as much of that format as ours uses.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::Value;

use crate::shop::{Answer, Shop};

/// A request as it stands in the text, its variables not yet put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What is said of it.
    pub title: String,
    /// The name that later requests have for its answer.
    pub name: Option<String>,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// A collection.
#[derive(Debug, Default)]
pub struct Collection {
    /// Its variables.
    pub variables: HashMap<String, String>,
    /// Its requests, in order.
    pub requests: Vec<Written>,
}

impl Collection {
    /// Reads a collection. A section without a request, as one with a script, is left out.
    ///
    /// # Panics
    /// If it is not written as it has to be.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut sections = text.split("\n###");
        let mut collection = Self::default();
        for line in sections.next().unwrap_or_default().lines() {
            if let Some((name, value)) = line.strip_prefix('@').and_then(|line| line.split_once('=')) {
                collection.variables.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
        collection.requests = sections.filter_map(Written::read).collect();
        collection
    }

    /// Sends every request to a shop, each with what those before it were answered.
    ///
    /// # Panics
    /// If one needs what no answer before it has.
    pub async fn send(&self, shop: &Shop) -> Vec<(Written, Method, String, Answer)> {
        let (mut answers, mut sent) = (HashMap::new(), Vec::new());
        for written in &self.requests {
            let put = |text: &str| put_in(text, &|name| self.value(name, &answers, sent.len()));
            let (url, method) = (put(&written.url), written.method.parse::<Method>().expect("a method"));
            let path = url.strip_prefix(&shop.url).expect("a URL of the engine").to_owned();
            let mut request = shop.bare(method.clone(), &path).body(put(&written.body));
            for (name, value) in &written.headers {
                request = request.header(name, put(value));
            }
            let answer = shop.send(request).await;
            if let Some(name) = &written.name {
                answers.insert(name.clone(), answer.json());
            }
            sent.push((written.clone(), method, path, answer));
        }
        sent
    }

    fn value(&self, name: &str, answers: &HashMap<String, Value>, nth: usize) -> String {
        if let Some((request, path)) = name.split_once(".response.body.") {
            let found = answers.get(request).and_then(|answer| answer.pointer(&format!("/{}", path.replace('.', "/"))));
            return found.and_then(Value::as_str).expect("a text of an answer before").to_owned();
        }
        match name {
            "$guid" => format!("00000000-0000-4000-8000-{nth:012}"),
            "$timestamp" => "1769860800".to_owned(),
            _ => self.variables.get(name).expect("a variable of the collection").clone(),
        }
    }
}

impl Written {
    fn read(section: &str) -> Option<Self> {
        let mut lines = section.lines();
        let title = lines.next().unwrap_or_default().trim().to_owned();
        let (mut name, mut begin) = (None, None);
        for line in lines.by_ref() {
            if let Some(named) = line.strip_prefix("# @name ") {
                name = Some(named.trim().to_owned());
            } else if !line.starts_with('#') && !line.trim().is_empty() {
                begin = Some(line);
                break;
            }
        }
        let (method, url) =
            begin?.split_once(' ').filter(|(method, _)| method.bytes().all(|b| b.is_ascii_uppercase()))?;
        let headers = lines.by_ref().take_while(|line| !line.trim().is_empty()).map(|line| {
            let (name, value) = line.split_once(':').expect("a header");
            (name.trim().to_owned(), value.trim().to_owned())
        });
        let headers = headers.collect();
        let body = lines.collect::<Vec<_>>().join("\n").trim().to_owned();
        Some(Self { title, name, method: method.to_owned(), url: url.trim().to_owned(), headers, body })
    }
}

/// A text with the values of its variables.
fn put_in(text: &str, value: &dyn Fn(&str) -> String) -> String {
    let mut pieces = text.split("{{");
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once("}}").expect("a variable that ends");
        whole.push_str(&value(name.trim()));
        whole.push_str(rest);
    }
    whole
}
