//! Asks one registry.

use kolo_registry_server::Registry;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

pub(crate) async fn ask(
    registry: &Registry,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let response = send(registry, method, path, body).await;
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

pub(crate) async fn send(
    registry: &Registry,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Response {
    let mut request = Client::new().request(method, format!("{}{path}", registry.url()));
    if let Some(body) = body {
        request = request.json(&body);
    }
    request.send().await.unwrap()
}

pub(crate) async fn get(registry: &Registry, path: &str) -> (u16, Value) {
    ask(registry, Method::GET, path, None).await
}

pub(crate) async fn delete(registry: &Registry, path: &str) -> (u16, Value) {
    ask(registry, Method::DELETE, path, None).await
}

pub(crate) async fn put(registry: &Registry, path: &str, body: Value) -> (u16, Value) {
    ask(registry, Method::PUT, path, Some(body)).await
}

pub(crate) async fn register(registry: &Registry, subject: &str, schema: &str) -> (u16, Value) {
    let path = format!("/subjects/{subject}/versions");
    ask(
        registry,
        Method::POST,
        &path,
        Some(json!({"schema": schema})),
    )
    .await
}

/// Everything that can be asked for, as one value.
pub(crate) async fn everything(registry: &Registry) -> Value {
    let mut all = Vec::new();
    for path in [
        "/schemas?deleted=true",
        "/schemas",
        "/subjects",
        "/config",
        "/mode",
        "/config/a",
        "/mode/b",
    ] {
        all.push(json!([path, get(registry, path).await.1]));
    }
    Value::Array(all)
}

/// A registry's life in short: versions, deletes of both kinds, levels and modes.
pub(crate) async fn live(registry: &Registry) {
    for (subject, schema) in [
        ("a", "\"int\""),
        ("a", "\"long\""),
        ("b", "\"int\""),
        ("b", r#"["null","int"]"#),
        ("c", "\"bytes\""),
        ("d", "\"double\""),
    ] {
        let (status, body) = register(registry, subject, schema).await;
        assert_eq!(status, 200, "{body}");
    }
    for path in [
        "/subjects/a/versions/1",
        "/subjects/c",
        "/subjects/d",
        "/subjects/d?permanent=true",
    ] {
        let (status, body) = delete(registry, path).await;
        assert_eq!(status, 200, "{path}: {body}");
    }
    for (path, body) in [
        ("/config", json!({"compatibility": "FULL"})),
        ("/config/a", json!({"compatibility": "NONE"})),
        ("/mode/b", json!({"mode": "READONLY"})),
    ] {
        let (status, answer) = put(registry, path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
    }
}
