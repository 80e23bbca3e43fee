//! A schema's JSON with full names, so that two spellings of it can be compared without the registry's own reading.

use serde_json::{Map, Value};

const PRIMITIVES: [&str; 8] = [
    "null", "boolean", "int", "long", "float", "double", "bytes", "string",
];

pub(crate) fn meaning(schema: &Value, space: &str) -> Value {
    match schema {
        Value::String(name) => Value::from(full(name, space)),
        Value::Array(branches) => branches
            .iter()
            .map(|branch| meaning(branch, space))
            .collect(),
        Value::Object(object) => of_object(object, space),
        other => other.clone(),
    }
}

fn of_object(object: &Map<String, Value>, space: &str) -> Value {
    if object.len() == 1 {
        return meaning(&object["type"], space);
    }
    let mut same = object.clone();
    let mut space = space.to_owned();
    if let Some(name) = object.get("name").and_then(Value::as_str) {
        if let Some(Value::String(own)) = same.remove("namespace") {
            space = own;
        }
        let name = full(name, &space);
        space = name
            .rsplit_once('.')
            .map_or("", |(space, _)| space)
            .to_owned();
        same.insert("name".to_owned(), Value::from(name));
    }
    for attribute in ["items", "values"] {
        if let Some(inner) = object.get(attribute) {
            same.insert(attribute.to_owned(), meaning(inner, &space));
        }
    }
    for field in same
        .get_mut("fields")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        field["type"] = meaning(&field["type"], &space);
    }
    Value::Object(same)
}

fn full(name: &str, space: &str) -> String {
    if name.contains('.') || space.is_empty() || PRIMITIVES.contains(&name) {
        name.to_owned()
    } else {
        format!("{space}.{name}")
    }
}
