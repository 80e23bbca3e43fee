//! A sink: takes spans as a collector does, and forgets them.

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A sink that listens; dropping it ends it.
pub(super) struct Sink {
    /// Where, as `http://host:port`.
    pub(super) url: String,
    _runtime: Runtime,
}

impl Sink {
    pub(super) fn start() -> anyhow::Result<Sink> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .context("the sink of spans cannot listen")?;
        let url = format!("http://{}", listener.local_addr()?);
        let take = |_: Bytes| async {};
        let routes = Router::new()
            .route("/v1/traces", post(take))
            .layer(DefaultBodyLimit::disable());
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Ok(Sink {
            url,
            _runtime: runtime,
        })
    }
}
