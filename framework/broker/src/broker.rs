//! A broker's life: built, started, stopped, started again, shut down.

use std::fs::{self, File, TryLockError};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::net::TcpSocket;
use tokio::runtime::{self, Handle, Runtime};
use tokio::task::JoinHandle;

use crate::faults::{Faults, Plan};
use crate::groups::{Groups, RestoreError};
use crate::log::LogError;
use crate::net;
use crate::node::Node;
use crate::partition::Partition;
use crate::topics::{Catalogue, OFFSETS_TOPIC, TopicConfig};

/// A broker that is dropped closes its logs for at most so long.
const DROP_TIMEOUT: Duration = Duration::from_secs(2);

/// What a broker is to be like. Begin with [`Broker::builder`].
#[derive(Debug, Clone)]
#[must_use = "nothing listens until it is started"]
pub struct Builder {
    listen: String,
    data_dir: Option<PathBuf>,
    partitions: i32,
    auto_create_topics: bool,
    plan: Plan,
    clean_interval: Duration,
    worker_threads: usize,
}

impl Default for Builder {
    fn default() -> Self {
        Builder {
            listen: "127.0.0.1:0".to_owned(),
            data_dir: None,
            partitions: 1,
            auto_create_topics: true,
            plan: Plan::new(),
            clean_interval: Duration::from_secs(10),
            worker_threads: std::thread::available_parallelism()
                .map_or(1, |threads| threads.get().min(2)),
        }
    }
}

impl Builder {
    /// Where to listen, as `host:port`; a free port of `127.0.0.1` if nothing is said. Port 0 is any free port. This is
    /// also where clients are told to go; if it is `0.0.0.0`, they are told the address at which they came.
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = address.into();
        self
    }

    /// Keeps everything in this directory, which is made if need be. Without it all is in memory.
    pub fn data_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(dir.into());
        self
    }

    /// How many partitions a topic has if its creator does not say; 1 if nothing is said, as with Kafka.
    pub fn partitions(mut self, count: i32) -> Self {
        self.partitions = count;
        self
    }

    /// Whether a topic is created when a client asks for it and lets it be created; true if nothing is said, as with Kafka.
    pub fn auto_create_topics(mut self, create: bool) -> Self {
        self.auto_create_topics = create;
        self
    }

    /// What is to go wrong. More can be asked for later, with [`Broker::faults`].
    pub fn faults(mut self, plan: Plan) -> Self {
        self.plan = plan;
        self
    }

    /// How often retention and compaction look at the logs; every 10 s if nothing is said.
    pub fn clean_interval(mut self, interval: Duration) -> Self {
        self.clean_interval = interval.max(Duration::from_millis(1));
        self
    }

    /// How many threads serve; 2 if nothing is said, or 1 if the machine has no more.
    pub fn worker_threads(mut self, threads: usize) -> Self {
        self.worker_threads = threads.max(1);
        self
    }

    /// Starts the broker. It has threads of its own, and needs none of the caller's.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let broker = kolo_broker::Broker::builder().start().await?;
    /// assert!(broker.bootstrap().starts_with("127.0.0.1:"));
    /// broker.shutdown().await;
    /// # Ok::<(), kolo_broker::StartError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StartError`], which says what to do.
    pub async fn start(self) -> Result<Broker, StartError> {
        let (runtime, starting) = self.launch()?;
        match starting.await {
            Ok(started) => started.map(|started| Broker::new(started, runtime)),
            Err(ended) => {
                runtime.shutdown_background();
                Err(StartError::Runtime(io::Error::other(ended)))
            }
        }
    }

    /// Starts the broker, for callers that are not async.
    ///
    /// ```
    /// let broker = kolo_broker::Broker::builder().start_blocking()?;
    /// broker.shutdown_blocking();
    /// # Ok::<(), kolo_broker::StartError>(())
    /// ```
    ///
    /// # Errors
    /// [`StartError`], which says what to do.
    pub fn start_blocking(self) -> Result<Broker, StartError> {
        let (runtime, starting) = self.launch()?;
        match wait_for(runtime.handle(), starting) {
            Some(Ok(started)) => started.map(|started| Broker::new(started, runtime)),
            _ => {
                runtime.shutdown_background();
                Err(StartError::Runtime(io::Error::other(
                    "the start ended badly",
                )))
            }
        }
    }

    fn launch(self) -> Result<(Runtime, JoinHandle<Result<Started, StartError>>), StartError> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(self.worker_threads)
            .thread_name("kolo-broker")
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let starting = runtime.spawn(self.open());
        Ok((runtime, starting))
    }

    async fn open(self) -> Result<Started, StartError> {
        let lock = self.data_dir.as_deref().map(lock).transpose()?;
        let refused = |source| StartError::Listen {
            address: self.listen.clone(),
            source,
        };
        let socket = bind(&self.listen).map_err(refused)?;
        let address = socket.local_addr().map_err(refused)?;
        let catalogue = Catalogue::open(self.data_dir.as_deref())?;
        let groups = Arc::new(Groups::restore(offsets_log(&catalogue).await?)?);
        let faults = Faults::default();
        faults.add(self.plan);
        let node = Arc::new(Node {
            address,
            default_partitions: self.partitions,
            auto_create_topics: self.auto_create_topics,
            catalogue,
            faults,
            groups: RwLock::new(groups),
        });
        let cleaner = tokio::spawn(clean(Arc::clone(&node), self.clean_interval));
        let serving = Serving::begin(&node, socket).map_err(refused)?;
        Ok(Started {
            node,
            lock,
            cleaner,
            serving,
        })
    }
}

/// What a start comes to.
struct Started {
    node: Arc<Node>,
    lock: Option<File>,
    cleaner: JoinHandle<()>,
    serving: Serving,
}

/// A broker that does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another broker has the data directory: stop that one, or take another directory.
    #[error("the data directory {} is in use by another broker: stop that one, or use another directory", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// The data directory cannot be made or written to.
    #[error("the data directory {} cannot be used: {source}", dir.display())]
    Dir {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The address cannot be listened at: another program has the port, or it is none of this machine's.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The data directory holds something that cannot be read.
    #[error("what is kept cannot be read: {0}")]
    Data(String),
    /// The system gave no threads.
    #[error("no threads to run in: {0}")]
    Runtime(io::Error),
}

impl From<LogError> for StartError {
    fn from(error: LogError) -> Self {
        StartError::Data(error.to_string())
    }
}

impl From<RestoreError> for StartError {
    fn from(error: RestoreError) -> Self {
        StartError::Data(error.to_string())
    }
}

/// A running broker. Dropping it ends it, and closes its logs where it has any on disk.
pub struct Broker {
    node: Arc<Node>,
    state: Mutex<State>,
    cleaner: JoinHandle<()>,
    /// Locked as long as this is open.
    lock: Option<File>,
    /// Taken when the broker ends.
    runtime: Option<Runtime>,
}

enum State {
    Serving(Serving),
    /// The port is kept meanwhile.
    Stopped(TcpSocket),
    Ended,
}

/// The tasks that are there while clients are served.
struct Serving {
    accepting: JoinHandle<()>,
    clock: JoinHandle<()>,
}

impl Serving {
    /// Within the broker's runtime.
    fn begin(node: &Arc<Node>, socket: TcpSocket) -> io::Result<Serving> {
        let listener = net::listen(socket)?;
        let clock = tokio::spawn(node.groups().run());
        let accepting = tokio::spawn(net::accept(listener, Arc::clone(node)));
        Ok(Serving { accepting, clock })
    }

    async fn end(self) {
        self.accepting.abort();
        self.clock.abort();
        // Cancelled, as is wanted. The connections are gone with the task that accepted them.
        let _ = self.accepting.await;
        let _ = self.clock.await;
    }
}

impl Broker {
    /// What a broker is to be like.
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn new(started: Started, runtime: Runtime) -> Broker {
        let Started {
            node,
            lock,
            cleaner,
            serving,
        } = started;
        Broker {
            node,
            state: Mutex::new(State::Serving(serving)),
            cleaner,
            lock,
            runtime: Some(runtime),
        }
    }

    /// Where clients find it, for their `bootstrap.servers`.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        let address = self.node.address;
        if !address.ip().is_unspecified() {
            return address.to_string();
        }
        let host = if address.is_ipv4() {
            "127.0.0.1"
        } else {
            "[::1]"
        };
        format!("{host}:{}", address.port())
    }

    /// What goes wrong, to be changed and asked while the broker runs.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.node.faults
    }

    /// Ends the session of a group member, named by its member id, its `group.instance.id` or its `client.id`, as if its
    /// heartbeats had stopped.
    pub fn expire_member(&self, group: &str, member: &str) {
        let (groups, group, member) = (self.node.groups(), group.to_owned(), member.to_owned());
        self.run(async move { groups.expire_member(&group, &member).await });
    }

    /// Breaks all connections and refuses new ones, until [`start_again`](Self::start_again). The data stays as it is,
    /// also in memory, and the port stays taken. Does nothing if the broker is stopped.
    ///
    /// # Errors
    /// If the port cannot be kept. The broker is stopped then, and stays it.
    pub fn stop(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        if let State::Serving(_) = &*state
            && let State::Serving(serving) = std::mem::replace(&mut *state, State::Ended)
        {
            self.run(serving.end());
            *state = State::Stopped(net::reserve(self.node.address)?);
        }
        Ok(())
    }

    /// Serves again after a [`stop`](Self::stop), at the same port and with the same data. Groups are taken up from what
    /// is stored of them, as after a restart. Does nothing if the broker is not stopped.
    ///
    /// # Errors
    /// If the groups cannot be read back, or the port was lost.
    pub fn start_again(&self) -> Result<(), StartError> {
        let mut state = self.state.lock();
        let socket = match std::mem::replace(&mut *state, State::Ended) {
            State::Stopped(socket) => socket,
            State::Serving(serving) => {
                *state = State::Serving(serving);
                return Ok(());
            }
            State::Ended => {
                let source = io::Error::other("the port was not kept");
                return Err(StartError::Listen {
                    address: self.node.address.to_string(),
                    source,
                });
            }
        };
        let node = Arc::clone(&self.node);
        let began = self.run(async move {
            let groups = Groups::restore(offsets_log(&node.catalogue).await?)?;
            *node.groups.write() = Arc::new(groups);
            let address = node.address.to_string();
            Serving::begin(&node, socket).map_err(|source| StartError::Listen { address, source })
        });
        let ended = || StartError::Runtime(io::Error::other("the start ended badly"));
        *state = State::Serving(began.ok_or_else(ended)??);
        Ok(())
    }

    /// Ends the broker: connections are closed, and logs are closed so that the next start has nothing to scan.
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
        let state = std::mem::replace(&mut *self.state.lock(), State::Ended);
        self.cleaner.abort();
        let node = Arc::clone(&self.node);
        async move {
            if let State::Serving(serving) = state {
                serving.end().await;
            }
            node.catalogue.close().await;
        }
    }

    /// Runs something short on the broker's own threads, from whatever thread this is.
    fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        self.runtime
            .as_ref()
            .and_then(|runtime| wait_for(runtime.handle(), work))
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        let ending = self.end();
        if self.lock.is_some() {
            let (done, ended) = mpsc::channel();
            runtime.spawn(async move {
                ending.await;
                let _ = done.send(());
            });
            // What is not closed by then is recovered at the next start.
            let _ = ended.recv_timeout(DROP_TIMEOUT);
        }
        runtime.shutdown_background();
    }
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker")
            .field("address", &self.node.address)
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

fn lock(dir: &Path) -> Result<File, StartError> {
    let unusable = |source| StartError::Dir {
        dir: dir.to_owned(),
        source,
    };
    fs::create_dir_all(dir).map_err(unusable)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("lock"))
        .map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::Locked {
            dir: dir.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}

/// Binds the first address that a name stands for, one of version 4 if there is one: a client that knows `localhost` by
/// both finds it there.
fn bind(address: &str) -> io::Result<TcpSocket> {
    let mut addresses: Vec<SocketAddr> = address.to_socket_addrs()?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let first = addresses
        .first()
        .ok_or_else(|| io::Error::other("the name stands for no address"))?;
    // Bound so that two brokers at one port are an error: the socket is told to share it below only with what lingers.
    net::reserve(*first)
}

/// The one partition that groups are kept in.
async fn offsets_log(catalogue: &Catalogue) -> Result<Arc<Partition>, StartError> {
    if let Some(log) = catalogue.partition(OFFSETS_TOPIC, 0) {
        return Ok(log);
    }
    let settings = [
        ("cleanup.policy", "compact"),
        ("segment.bytes", "104857600"),
    ];
    let overrides = settings
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let refused = |refusal: crate::topics::Refusal| StartError::Data(refusal.to_string());
    let config = TopicConfig::new(overrides).map_err(refused)?;
    let topic = catalogue
        .create(OFFSETS_TOPIC, 1, config, false)
        .await
        .map_err(refused)?;
    topic
        .partition(0)
        .cloned()
        .ok_or_else(|| StartError::Data("the groups' log is missing".to_owned()))
}

async fn clean(node: Arc<Node>, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        node.catalogue.clean().await;
    }
}
