//! What `openapi.json` says holds of every answer that any test gets; and what it says of the paths is so.

use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, Order, broker};

fn description() -> Value {
    serde_json::from_str(include_str!("../../src/http/openapi.json")).unwrap()
}

/// The path of the description that this one is.
fn described<'a>(description: &'a Value, path: &str) -> Option<(&'a str, &'a Value)> {
    let fits = |template: &str| {
        let (template, path) = (template.split('/'), path.split('/'));
        template.clone().count() == path.clone().count()
            && template
                .zip(path)
                .all(|(wanted, found)| wanted.starts_with('{') || wanted == found)
    };
    let paths = description["paths"].as_object().unwrap().iter();
    let mut found = paths.filter(|(template, _)| fits(template));
    found
        .next()
        .map(|(template, item)| (template.as_str(), item))
}

/// Fails unless the answer is one that is described.
pub(crate) fn holds(method: &str, path: &str, answer: &Answer, media_type: &str) {
    let description = description();
    let told = || format!("{method} {path}: {answer:?}");
    let operation =
        described(&description, path).and_then(|(_, item)| item.get(method.to_ascii_lowercase()));
    let Some(operation) = operation else {
        // Nothing is described of what is not there; it is a problem like any other.
        assert!(matches!(answer.status, 404 | 405), "{}", told());
        assert_eq!(media_type, "application/problem+json", "{}", told());
        return conforms(
            &description,
            &description["components"]["schemas"]["Problem"],
            &answer.body,
            "",
        );
    };
    let response = &operation["responses"][answer.status.to_string()];
    assert!(
        response.is_object(),
        "no such answer is described: {}",
        told()
    );
    let schema = &response["content"][media_type]["schema"];
    assert!(schema.is_object(), "not as {media_type}: {}", told());
    conforms(&description, schema, &answer.body, "");
    let headers = response["headers"].as_object();
    let has = |name: &str| headers.is_some_and(|headers| headers.contains_key(name));
    assert_eq!(
        answer.retry_after.is_some(),
        has("Retry-After"),
        "{}",
        told()
    );
    assert_eq!(answer.location.is_some(), has("Location"), "{}", told());
}

/// As much of JSON Schema as the description has of what is answered.
fn conforms(description: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let pointer = name.strip_prefix('#').unwrap();
        return conforms(
            description,
            description.pointer(pointer).unwrap(),
            value,
            at,
        );
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.clone(),
        one => vec![one.clone()],
    };
    let fits = types.iter().any(|kind| match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{at}: the type {other}"),
    });
    assert!(fits, "{at}: {value} is not {types:?}");
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(
            allowed.contains(value),
            "{at}: {value} is none of {allowed:?}"
        );
    }
    for item in value.as_array().into_iter().flatten() {
        conforms(description, &schema["items"], item, &format!("{at}/…"));
    }
    let Some(fields) = value.as_object() else {
        return;
    };
    for required in schema["required"].as_array().into_iter().flatten() {
        assert!(
            fields.contains_key(required.as_str().unwrap()),
            "{at}: {required} is missing in {value}"
        );
    }
    if schema["additionalProperties"] != Value::Bool(false) {
        return;
    }
    for (name, field) in fields {
        let known = &schema["properties"][name];
        assert!(known.is_object(), "{at}/{name} is not described");
        conforms(description, known, field, &format!("{at}/{name}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_has_the_methods_that_are_described_and_no_other() {
    let broker = broker().await;
    let order = Order::start(&broker).await;
    let description = description();
    assert_eq!(order.get("/openapi.json").await.body, description);
    for (path, item) in description["paths"].as_object().unwrap() {
        let path = path.replace("{id}", "0b6f1f5a-9f0e-4f5e-8f0c-0d8f6f0f2a11");
        let answer = Answer::to(order.request(Method::PATCH, &path)).await;
        assert_eq!(answer.status, 405, "{path}");
        let mut allowed: Vec<String> = answer
            .allow
            .unwrap()
            .split(',')
            .map(str::to_lowercase)
            .collect();
        // Whoever may get something may ask for its head.
        allowed.retain(|method| method != "head");
        let mut described: Vec<String> = item.as_object().unwrap().keys().cloned().collect();
        described.sort();
        allowed.sort();
        assert_eq!(allowed, described, "{path}");
    }
    for nowhere in ["/", "/orders/", "/order", "/orders/1/2/3"] {
        assert_eq!(order.get(nowhere).await.status, 404, "{nowhere}");
    }
}
