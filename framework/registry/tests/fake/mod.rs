//! A registry that does what it is told, and what tests of its client share.

#![allow(dead_code, reason = "each binary of tests uses a part of it")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use kolo_registry::{Registry, Settings};

/// A registry that knows what it was given, and does what it is told.
#[derive(Default)]
pub(crate) struct Fake {
    /// By path with query: status and body.
    pub(crate) answers: Mutex<HashMap<String, (u16, String)>>,
    /// Answers nothing but 503.
    pub(crate) is_down: AtomicBool,
    pub(crate) asked: AtomicUsize,
    /// Path and `authorization` of the last request.
    pub(crate) last: Mutex<(String, String)>,
}

impl Fake {
    pub(crate) fn put(&self, path: &str, status: u16, body: impl Into<String>) {
        let mut answers = self.answers.lock().unwrap();
        answers.insert(path.to_owned(), (status, body.into()));
    }

    pub(crate) fn schema(&self, id: u32, text: &str) {
        let body = serde_json::json!({ "schema": text }).to_string();
        self.put(&format!("GET /schemas/ids/{id}?deleted=true"), 200, body);
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn answer(State(fake): State<Arc<Fake>>, request: Request) -> Response {
    let (method, uri) = (request.method(), request.uri());
    fake.asked.fetch_add(1, Ordering::Relaxed);
    let auth = request.headers().get(header::AUTHORIZATION);
    let auth = auth.and_then(|auth| auth.to_str().ok()).unwrap_or_default();
    *fake.last.lock().unwrap() = (uri.path().to_owned(), auth.to_owned());
    if fake.is_down.load(Ordering::Relaxed) {
        let body = r#"{"error_code": 50003, "message": "no leader"}"#;
        return (StatusCode::SERVICE_UNAVAILABLE, body).into_response();
    }
    let known = fake
        .answers
        .lock()
        .unwrap()
        .get(&format!("{method} {uri}"))
        .cloned();
    match known {
        Some((status, body)) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        None => {
            let body = r#"{"error_code": 40403, "message": "Schema not found"}"#;
            (StatusCode::NOT_FOUND, body).into_response()
        }
    }
}

/// Serves until the process ends.
pub(crate) fn serve() -> (Arc<Fake>, String) {
    let fake = Arc::new(Fake::default());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(Arc::clone(&fake));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    (fake, url)
}

/// Settings under which a slow machine is no registry that does not answer.
pub(crate) fn patient(url: &str) -> Settings {
    let mut settings = Settings::new(url);
    settings.timeout_ms = 60_000;
    settings
}

pub(crate) fn open(url: &str) -> Registry {
    Registry::open(&patient(url)).unwrap()
}

pub(crate) fn text(name: &str) -> String {
    format!(
        r#"{{"type": "record", "name": "{name}", "fields": [{{"name": "a", "type": "string"}}]}}"#
    )
}

/// Ids are the process's, and tests run side by side: each takes its own.
pub(crate) fn await_that(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn flag() -> (Arc<AtomicBool>, kolo_registry::Wake) {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    (
        flag,
        Arc::new(move || raised.store(true, Ordering::Relaxed)),
    )
}
