//! Asks the registry, with subjects that no other case has.

use std::sync::atomic::{AtomicU32, Ordering};

use kolo_registry_server::testing;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use uuid::Uuid;

const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn done(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    /// Refused with this status and code.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: u64) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.body["error_code"], code, "{}", self.body);
        let message = self.body["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty(), "{}", self.body);
    }

    #[track_caller]
    pub(crate) fn id(self) -> u64 {
        let body = self.done();
        body["id"]
            .as_u64()
            .unwrap_or_else(|| panic!("no id: {body}"))
    }
}

/// A case's own subjects, and names of types that no other case has: equal schemas are one schema in all subjects.
pub(crate) struct Registry {
    client: Client,
    run: String,
}

impl Registry {
    pub(crate) fn new() -> Self {
        static CASES: AtomicU32 = AtomicU32::new(0);
        let case = CASES.fetch_add(1, Ordering::Relaxed);
        Registry {
            client: Client::new(),
            run: format!("r{}x{case}", Uuid::new_v4().simple()),
        }
    }

    /// A subject of this case alone.
    pub(crate) fn subject(&self, name: &str) -> String {
        format!("{name}-{}", self.run)
    }

    /// A record of this case alone.
    pub(crate) fn record(&self, fields: &Value) -> String {
        self.named("User", fields)
    }

    pub(crate) fn named(&self, name: &str, fields: &Value) -> String {
        json!({"type": "record", "name": name, "namespace": self.run, "fields": fields}).to_string()
    }

    /// The full name of a type of this case.
    pub(crate) fn name(&self, short: &str) -> String {
        format!("{}.{short}", self.run)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path, Some(body.to_string())).await
    }

    pub(crate) async fn post_text(&self, path: &str, body: &str) -> Answer {
        self.ask(Method::POST, path, Some(body.to_owned())).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::PUT, path, Some(body.to_string())).await
    }

    pub(crate) async fn register(&self, subject: &str, schema: &str) -> Answer {
        let path = format!("/subjects/{}/versions", escaped(subject));
        self.post(&path, &json!({"schema": schema})).await
    }

    pub(crate) async fn look_up(&self, subject: &str, schema: &str) -> Answer {
        let path = format!("/subjects/{}", escaped(subject));
        self.post(&path, &json!({"schema": schema})).await
    }

    pub(crate) async fn set_level(&self, subject: &str, level: &str) {
        let path = format!("/config/{}", escaped(subject));
        let set = self
            .put(&path, &json!({"compatibility": level}))
            .await
            .done();
        assert_eq!(set["compatibility"], level);
    }

    async fn ask(&self, method: Method, path: &str, body: Option<String>) -> Answer {
        let mut request = self
            .client
            .request(method, format!("{}{path}", testing::url()));
        request = request.header("accept", MEDIA_TYPE);
        if let Some(body) = body {
            request = request.header("content-type", MEDIA_TYPE).body(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, body }
    }
}

/// A subject as a part of a path.
pub(crate) fn escaped(subject: &str) -> String {
    let keep = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let byte = |byte: u8| {
        if keep(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    subject.bytes().map(byte).collect()
}

/// A schema as JSON, whatever its spacing and the order of its keys.
#[track_caller]
pub(crate) fn json(schema: &Value) -> Value {
    serde_json::from_str(schema.as_str().unwrap()).unwrap()
}
