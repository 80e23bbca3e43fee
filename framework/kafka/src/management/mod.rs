//! Management: health and metrics of a service by HTTP, on a port of its own.
//!
//! `/livez` says whether the process should be left alone, `/readyz` whether it is restored and keeps up, `/metrics` what it
//! counts. The server has a thread of its own, so that it answers while effects or decisions keep the others busy.

mod health;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::sync::oneshot;

use crate::config::Config;
use crate::meters::{self, Meters};
use crate::watch::patience;
use crate::worker::Signals;

use health::{not_live, not_ready};

/// What Prometheus asks for, and what it is given.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where health and metrics cannot be served.
#[derive(Debug, thiserror::Error)]
#[error(
    "health and metrics cannot be served at {address}: {problem}. KOLO_MANAGEMENT names the address, as in 127.0.0.1:9400; empty, they are not served"
)]
pub struct ManagementError {
    /// The address.
    pub address: String,
    /// What the system says.
    pub problem: std::io::Error,
}

/// The server; dropping it ends it.
pub(crate) struct Management {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    at: SocketAddr,
}

struct Shared {
    meters: Arc<Meters>,
    signals: Arc<Signals>,
    config: Config,
}

impl Management {
    /// Serves, if the configuration says where.
    pub(crate) fn start(
        config: &Config,
        meters: Arc<Meters>,
        signals: Arc<Signals>,
    ) -> Result<Option<Self>, ManagementError> {
        let address = &config.management;
        if address.is_empty() {
            return Ok(None);
        }
        let failed = |problem| ManagementError {
            address: address.clone(),
            problem,
        };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let at = listener.local_addr().map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let name = meters.service;
        let shared = Shared {
            meters,
            signals,
            config: config.clone(),
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name(format!("{name}-management"))
            .spawn(move || {
                if let Err(error) = runtime.block_on(serve(listener, shared, stopped)) {
                    tracing::error!("{name}: health and metrics are not served any more: {error}");
                }
            })
            .map_err(failed)?;
        tracing::info!("{name}: /livez, /readyz and /metrics at http://{at}");
        Ok(Some(Management {
            stop: Some(stop),
            thread: Some(thread),
            at,
        }))
    }

    /// Where it listens.
    pub(crate) fn at(&self) -> SocketAddr {
        self.at
    }
}

impl Drop for Management {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It waits for nothing but the requests that it answers.
            let _ = thread.join();
        }
    }
}

async fn serve(
    listener: TcpListener,
    shared: Shared,
    stopped: oneshot::Receiver<()>,
) -> Result<(), std::io::Error> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let routes = Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Arc::new(shared));
    let server = axum::serve(listener, routes);
    // A client that keeps its connection open must not keep the process.
    tokio::select! {
        served = server => served,
        _ = stopped => Ok(()),
    }
}

async fn live(State(shared): State<Arc<Shared>>) -> Response {
    health("live", &not_live(&shared.meters, &shared.config))
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let mut waits = not_ready(&shared.meters, &shared.config);
    waits.extend(shared.signals.unready.all());
    let seen = *shared.signals.brokers_seen_at.lock();
    let silent = seen.map_or(Duration::ZERO, |seen| seen.elapsed());
    if silent > patience(&shared.config) {
        waits.insert(0, format!("no broker has answered for {silent:.0?}"));
    }
    if let Some(lack) = shared.config.lacks_token() {
        waits.insert(0, format!("there is no token to log in with: {lack}"));
    }
    if let Some(what) = shared.signals.waits_for.lock().as_ref() {
        waits.insert(0, format!("it has not started: {what}"));
    }
    if shared.signals.leaves.load(Ordering::Relaxed) {
        waits.insert(0, "it stops".to_owned());
    }
    health("ready", &waits)
}

/// 200 where nothing is missing, and otherwise 503 with what is.
fn health(what: &str, missing: &[String]) -> Response {
    if missing.is_empty() {
        return Json(json!({"status": what})).into_response();
    }
    let body = json!({"status": format!("not {what}"), "because": missing});
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    match meters::text(&shared.meters) {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
