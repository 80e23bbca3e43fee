//! What a broker is to be like, and its start.

use std::fs::{self, File, TryLockError};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::net::TcpSocket;
use tokio::runtime::{self, Runtime};
use tokio::task::JoinHandle;

use super::{Broker, Serving, StartError, Started, offsets_log, wait_for};
use crate::faults::{Faults, Plan};
use crate::groups::Groups;
use crate::net;
use crate::node::Node;
use crate::topics::Catalogue;

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

async fn clean(node: Arc<Node>, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        node.catalogue.clean().await;
    }
}
