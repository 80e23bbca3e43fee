//! A broker's life: started by its [`Builder`], stopped, started again, shut down.

mod builder;
mod error;

use std::fs::File;
use std::io;
use std::sync::{Arc, mpsc};
use std::time::Duration;

pub use builder::Builder;
pub use error::StartError;
use parking_lot::Mutex;
use tokio::net::TcpSocket;
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinHandle;

use crate::faults::Faults;
use crate::groups::Groups;
use crate::net;
use crate::node::Node;
use crate::partition::Partition;
use crate::topics::{Catalogue, OFFSETS_TOPIC, TopicConfig};

/// A broker that is dropped closes its logs for at most so long.
const DROP_TIMEOUT: Duration = Duration::from_secs(2);

/// What a start comes to.
struct Started {
    node: Arc<Node>,
    lock: Option<File>,
    cleaner: JoinHandle<()>,
    serving: Serving,
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
    /// also in memory, and the system gives the port to nobody who asks for a free one. Does nothing if the broker is
    /// stopped.
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
            let log = offsets_log(&node.catalogue).await?;
            // A connection that was broken may have left something to be stored.
            log.settle().await;
            let groups = Groups::restore(log)?;
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
