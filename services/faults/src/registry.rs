//! A schema registry that can be taken away: as much of one as kolo asks for, in this process.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use kolo::registry::{Registry as Client, Schema, Settings};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// Ids are the process's, and a process of tests sees several registries.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// The schemas of a registry: what it keeps while it is away.
#[derive(Default)]
struct Kept {
    by_id: BTreeMap<u32, String>,
    by_subject: BTreeMap<(String, String), u32>,
    /// About these it cannot say anything now.
    troubled: BTreeSet<u32>,
}

type Shared = Arc<Mutex<Kept>>;

/// A registry on a port of its own.
pub struct Registry {
    kept: Shared,
    address: SocketAddr,
    serving: Option<Serving>,
}

struct Serving {
    stop: oneshot::Sender<()>,
    runtime: tokio::runtime::Runtime,
    ended: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Registry {
    /// Starts one that knows nothing.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start() -> anyhow::Result<Registry> {
        let mut registry = Registry {
            kept: Shared::default(),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            serving: None,
        };
        registry.comes_back()?;
        Ok(registry)
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How it is used.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings::new(self.url())
    }

    /// Nobody is there any more.
    pub fn goes_away(&mut self) {
        if let Some(serving) = self.serving.take() {
            let _ = serving.stop.send(());
            // Connections that are kept open end with the runtime.
            serving.ended.abort();
            serving.runtime.shutdown_background();
        }
    }

    /// It is there again, at the same place, and knows what it knew.
    ///
    /// # Errors
    /// When somebody else has taken its port.
    pub fn comes_back(&mut self) -> anyhow::Result<()> {
        let listener = TcpListener::bind(self.address).context("the registry's port")?;
        listener.set_nonblocking(true)?;
        self.address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let router = Router::new()
            .route("/schemas/ids/{id}", get(by_id))
            .route("/subjects/{subject}", post(look_up))
            .route("/subjects/{subject}/versions", post(register))
            .route("/subjects/{subject}/versions/latest", get(latest))
            .with_state(Arc::clone(&self.kept));
        let (stop, stopped) = oneshot::channel();
        let ended = runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let stopped = async {
                let _ = stopped.await;
            };
            axum::serve(listener, router)
                .with_graceful_shutdown(stopped)
                .await
        });
        self.serving = Some(Serving {
            stop,
            runtime,
            ended,
        });
        Ok(())
    }

    /// Has this process learn what the ids of the shop's events mean. It sees several registries, and each id in one of them.
    ///
    /// # Errors
    /// When one is not registered.
    pub fn learn_ids(&self) -> anyhow::Result<()> {
        let events = shop_schemas::EVENTS.iter();
        let schemas: Vec<Schema<'_>> = events.map(|event| kolo::schema_of(event)).collect();
        Client::open(&self.settings())?.writer(&schemas)?;
        Ok(())
    }

    /// An id that stands for nothing.
    #[must_use]
    pub fn free_id(&self) -> u32 {
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    /// Gives an id a meaning.
    pub fn put(&self, id: u32, text: &str) {
        self.kept.lock().by_id.insert(id, text.to_owned());
    }

    /// Whether it cannot say anything about an id for now.
    pub fn trouble(&self, id: u32, is_troubled: bool) {
        let troubled = &mut self.kept.lock().troubled;
        if is_troubled {
            troubled.insert(id);
        } else {
            troubled.remove(&id);
        }
    }

    /// The id of an event's schema.
    ///
    /// # Errors
    /// When it is not registered.
    pub fn id_of(&self, event: &str) -> anyhow::Result<u32> {
        let kept = self.kept.lock();
        let found = kept
            .by_subject
            .iter()
            .find(|((subject, _), _)| subject == event);
        Ok(*found.context("an event that was registered")?.1)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.goes_away();
    }
}

fn error(status: StatusCode, code: u32, message: &str) -> Response {
    let body = json!({ "error_code": code, "message": message });
    (status, Json(body)).into_response()
}

async fn by_id(State(kept): State<Shared>, Path(id): Path<u32>) -> Response {
    let kept = kept.lock();
    if kept.troubled.contains(&id) {
        return error(StatusCode::SERVICE_UNAVAILABLE, 50003, "no leader");
    }
    match kept.by_id.get(&id) {
        Some(text) => Json(json!({ "schema": text })).into_response(),
        None => error(StatusCode::NOT_FOUND, 40403, "Schema not found"),
    }
}

async fn look_up(
    State(kept): State<Shared>,
    Path(subject): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    let text = body["schema"].as_str().unwrap_or_default().to_owned();
    match kept.lock().by_subject.get(&(subject, text)) {
        Some(id) => Json(json!({ "id": id, "version": 1 })).into_response(),
        None => error(StatusCode::NOT_FOUND, 40403, "Schema not found"),
    }
}

/// Each subject has one version here.
async fn latest(State(kept): State<Shared>, Path(subject): Path<String>) -> Response {
    let kept = kept.lock();
    let found = kept
        .by_subject
        .iter()
        .find(|((known, _), _)| *known == subject);
    match found {
        Some(((_, text), id)) => {
            Json(json!({ "id": id, "version": 1, "schema": text })).into_response()
        }
        None => error(StatusCode::NOT_FOUND, 40401, "Subject not found"),
    }
}

async fn register(
    State(kept): State<Shared>,
    Path(subject): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    let text = body["schema"].as_str().unwrap_or_default().to_owned();
    let mut kept = kept.lock();
    let known = kept.by_id.iter().find(|(_, known)| **known == text);
    let id = known.map_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed), |(id, _)| *id);
    kept.by_id.insert(id, text.clone());
    kept.by_subject.insert((subject, text), id);
    Json(json!({ "id": id })).into_response()
}
