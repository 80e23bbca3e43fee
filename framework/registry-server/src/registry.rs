//! A registry's life: what it is to be like, its start, its end.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::runtime::{self, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::faults::Faults;
use crate::http::{self, Guard};
use crate::ledger::Ledger;
use crate::store::{KafkaStore, MemoryStore, Store, StoreError};

/// How long requests that are under way may take when the registry ends.
const GRACE: Duration = Duration::from_secs(2);

/// A registry that does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened at: another program has the port, or it is none of this machine's.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// What is kept cannot be read.
    #[error("the schemas cannot be read: {0}")]
    Store(#[from] StoreError),
    /// The system gave no threads.
    #[error("no threads to run in: {0}")]
    Runtime(io::Error),
}

/// What a registry is to be like. Begin with [`Registry::builder`].
#[must_use = "nothing listens until it is started"]
pub struct Builder {
    listen: String,
    store: Box<dyn Store>,
    guard: Guard,
}

impl Builder {
    /// Where to listen, as `host:port`; a free port of `127.0.0.1` if nothing is said. Port 0 is any free port.
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = address.into();
        self
    }

    /// Keeps everything in the topic `_schemas` of the Kafka at this address. Without it, everything is in memory.
    pub fn kafka(self, bootstrap: impl Into<String>) -> Self {
        self.store(KafkaStore::new(bootstrap))
    }

    /// Keeps everything there.
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Box::new(store);
        self
    }

    /// Lets in only who gives this user and password, or what else is accepted.
    pub fn basic(mut self, user: &str, password: &str) -> Self {
        self.guard.accept_basic(user, password);
        self
    }

    /// Lets in only who gives this token, or what else is accepted.
    pub fn bearer(mut self, token: &str) -> Self {
        self.guard.accept_bearer(token);
        self
    }

    /// Starts the registry. It has threads of its own, and needs none of the caller's.
    ///
    /// # Errors
    /// [`StartError`], which says what to do.
    pub async fn start(self) -> Result<Registry, StartError> {
        let (runtime, starting) = self.launch()?;
        Registry::started(starting.await.ok(), runtime)
    }

    /// Starts the registry, for callers that are not async.
    ///
    /// # Errors
    /// [`StartError`], which says what to do.
    pub fn start_blocking(self) -> Result<Registry, StartError> {
        let (runtime, starting) = self.launch()?;
        let started = wait_for(runtime.handle(), starting);
        Registry::started(started.and_then(Result::ok), runtime)
    }

    fn launch(self) -> Result<(Runtime, JoinHandle<Result<Started, StartError>>), StartError> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("kolo-registry")
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let starting = runtime.spawn(self.open());
        Ok((runtime, starting))
    }

    async fn open(self) -> Result<Started, StartError> {
        let refused = |source| StartError::Listen {
            address: self.listen.clone(),
            source,
        };
        // Before the store is asked: a port that is taken is the likelier mistake, and the sooner found.
        let listener = TcpListener::bind(&self.listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let ledger = Arc::new(Ledger::open(self.store).await?);
        let faults = self.guard.faults.clone();
        let router = http::router(ledger, self.guard);
        let (end, ended) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            let server = axum::serve(listener, router).with_graceful_shutdown(async {
                // Told, or forgotten: either is the end.
                let _ = ended.await;
            });
            server.await
        });
        Ok(Started {
            address,
            faults,
            serving: Serving { end, serving },
        })
    }
}

struct Started {
    address: SocketAddr,
    faults: Faults,
    serving: Serving,
}

struct Serving {
    end: oneshot::Sender<()>,
    serving: JoinHandle<io::Result<()>>,
}

impl Serving {
    async fn end(self) {
        // If nobody listens any more, it has ended.
        let _ = self.end.send(());
        let stop = self.serving.abort_handle();
        if tokio::time::timeout(GRACE, self.serving).await.is_err() {
            stop.abort();
        }
    }
}

/// A running registry. Dropping it ends it.
pub struct Registry {
    address: SocketAddr,
    faults: Faults,
    serving: Mutex<Option<Serving>>,
    /// Taken when the registry ends.
    runtime: Option<Runtime>,
}

impl Registry {
    /// What a registry is to be like.
    pub fn builder() -> Builder {
        Builder {
            listen: "127.0.0.1:0".to_owned(),
            store: Box::new(MemoryStore::new()),
            guard: Guard::default(),
        }
    }

    /// Of a start that came to this, or to nothing: then it panicked.
    fn started(
        started: Option<Result<Started, StartError>>,
        runtime: Runtime,
    ) -> Result<Registry, StartError> {
        let ended = || StartError::Runtime(io::Error::other("the start ended badly"));
        match started.unwrap_or_else(|| Err(ended())) {
            Ok(started) => Ok(Registry {
                address: started.address,
                faults: started.faults,
                serving: Mutex::new(Some(started.serving)),
                runtime: Some(runtime),
            }),
            Err(error) => {
                // Dropped, it would wait for its threads, which an async caller may not.
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where clients find it, for their `schema.registry.url`.
    #[must_use]
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            let local = if address.is_ipv4() {
                [127, 0, 0, 1].into()
            } else {
                std::net::Ipv6Addr::LOCALHOST.into()
            };
            address.set_ip(local);
        }
        format!("http://{address}")
    }

    /// What goes wrong, to be changed while the registry runs.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Ends the registry. Requests that are under way are answered, if that takes no longer than two seconds.
    pub async fn shutdown(mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A task that cannot be joined has ended, which is all that is wanted.
            let _ = runtime.spawn(self.end()).await;
            runtime.shutdown_background();
        }
    }

    /// [`shutdown`](Self::shutdown), for callers that are not async.
    pub fn shutdown_blocking(mut self) {
        if let Some(runtime) = self.runtime.take() {
            wait_for(runtime.handle(), self.end());
            runtime.shutdown_background();
        }
    }

    fn end(&self) -> impl Future<Output = ()> + Send + use<> {
        let serving = self.serving.lock().take();
        async move {
            if let Some(serving) = serving {
                serving.end().await;
            }
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Waits without being async: this works within another runtime, where blocking on a future does not. `None` if the work
/// panicked.
fn wait_for<T: Send + 'static>(
    runtime: &Handle,
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let (done, result) = mpsc::channel();
    runtime.spawn(async move {
        let _ = done.send(work.await);
    });
    result.recv().ok()
}
