//! The schemas of a document's types.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Map, Value};

use crate::{NoBody, Object};

/// Where a document keeps its schemas.
const DEFINITIONS: &str = "/components/schemas";

/// The schemas of a document: what is read from a request and what is shown in an answer have rules of their own, as
/// to what may be left out.
pub struct Schemas {
    read: SchemaGenerator,
    shown: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Self {
        let settings = |settings: SchemaSettings| {
            settings.with(|settings| {
                settings.definitions_path = DEFINITIONS.into();
                settings.meta_schema = None;
            })
        };
        let (read, shown) = (SchemaSettings::draft2020_12(), SchemaSettings::draft2020_12());
        Self {
            read: settings(read.for_deserialize()).into_generator(),
            shown: settings(shown.for_serialize()).into_generator(),
        }
    }
}

impl Schemas {
    /// The schema of what is read from a request.
    pub fn read<T: JsonSchema>(&mut self) -> Schema {
        tidied(self.read.subschema_for::<T>())
    }

    /// The schema of what is shown in an answer.
    pub fn shown<T: JsonSchema>(&mut self) -> Schema {
        tidied(self.shown.subschema_for::<T>())
    }

    /// The same, of a type that only its own crate can name.
    pub fn shown_by(&mut self, schema: impl FnOnce(&mut SchemaGenerator) -> Schema) -> Schema {
        tidied(schema(&mut self.shown))
    }

    /// The doc comment of a type.
    pub(super) fn text_of<T: JsonSchema>() -> String {
        let schema = tidied(T::json_schema(&mut Self::default().shown));
        schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// All of them, by name. A name that stands for two of them has one no document may have, so that a test finds it.
    pub(super) fn finish(mut self) -> BTreeMap<String, Value> {
        let mut all = BTreeMap::new();
        for (name, schema) in self.shown.take_definitions(true).into_iter().chain(self.read.take_definitions(true)) {
            let schema = tidied_value(schema);
            let name = match all.get(&name) {
                Some(known) if *known != schema => format!("{name}, which is two things"),
                Some(_) | None => name,
            };
            all.insert(name, schema);
        }
        all
    }
}

fn tidied(schema: Schema) -> Schema {
    Schema::try_from(tidied_value(schema.to_value())).unwrap_or_default()
}

/// The same schema as clients want it: what is absent is left out and never null, integers have the formats that
/// generators of code know, and no line of a text breaks where a line of code does.
fn tidied_value(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields = fields.into_iter().map(|(name, value)| (name, tidied_value(value))).collect::<Map<_, _>>();
            if let Some(Value::Array(types)) = fields.get("type")
                && let [only] = types.iter().filter(|kind| *kind != "null").cloned().collect::<Vec<_>>().as_slice()
            {
                fields.insert("type".to_owned(), only.clone());
            }
            if let Some(Value::Array(choices)) = fields.get("anyOf")
                && let [Value::Object(only)] =
                    choices.iter().filter(|choice| choice["type"] != "null").cloned().collect::<Vec<_>>().as_slice()
            {
                fields.remove("anyOf");
                fields.extend(only.clone());
            }
            if let Some(Value::String(format)) = fields.get_mut("format") {
                match format.as_str() {
                    "uint" | "uint32" | "uint64" => "int64".clone_into(format),
                    "uint16" => "int32".clone_into(format),
                    _ => {}
                }
            }
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = unbroken(text);
            }
            Value::Object(fields)
        }
        Value::Array(values) => Value::Array(values.into_iter().map(tidied_value).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// A text whose lines end where its paragraphs do.
fn unbroken(text: &str) -> String {
    text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n")
}

impl JsonSchema for NoBody {
    fn schema_name() -> Cow<'static, str> {
        "NoBody".into()
    }

    fn schema_id() -> Cow<'static, str> {
        "api::NoBody".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({})
    }
}

/// The schema of what it holds.
impl<T: JsonSchema> JsonSchema for Object<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
