//! A service with its adapters, ready to run.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use kolo_core::choreography::Manifest;
use kolo_core::processor::Rules;
use kolo_core::{Participant, Port, Service};
use kolo_registry::Registry;
use parking_lot::Mutex;

use crate::adapter::Adapter;
use crate::cold::Cold;
use crate::config::{Config, refused};
use crate::effects::{Adapters, EffectPool, PendingEffect};
use crate::framing::Framing;
use crate::manifests;
use crate::router::Router;
use crate::snapshots::Snapshots;
use crate::topics::{TopicAdmin, TopicError};
use crate::wake::Waker;
use crate::watch::watch;
use crate::worker::{RunError, Signals, Spec, Worker, backlog};

/// A service and the adapters that its ports are bound to.
///
/// ```no_run
/// # fn service() -> kolo_core::Service { kolo_core::Service::new("shop") }
/// fn main() -> std::process::ExitCode {
///     kolo_kafka::App::new(service()).main()
/// }
/// ```
#[must_use = "an app does nothing until it is started"]
pub struct App {
    pub(crate) service: Service,
    adapters: Adapters,
    rules: Rules,
}

/// A service that cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The topics are not as they must be.
    #[error(transparent)]
    Topics(#[from] TopicError),
    /// A port has no adapter.
    #[error(
        "the effect of `{request}` calls the port `{port}`, which has no adapter: bind one with `App::bind::<{port}>(…)`"
    )]
    Unbound {
        /// The request event.
        request: &'static str,
        /// The port.
        port: &'static str,
    },
    /// librdkafka refuses the configuration.
    #[error("librdkafka refuses the settings: {problem}. They come from the table [kafka] of the configuration file and from variables KOLO_KAFKA_…", problem = refused(.0))]
    Client(#[from] rdkafka::error::KafkaError),
    /// The settings of the schema registry cannot be used.
    #[error(transparent)]
    Registry(#[from] kolo_registry::SettingsError),
    /// The system has no more threads.
    #[error("no thread can be started: {0}")]
    Thread(#[from] std::io::Error),
}

impl App {
    /// An app of this service, with no adapters yet.
    pub fn new(service: Service) -> Self {
        App {
            service,
            adapters: Adapters::default(),
            rules: Rules::ALL,
        }
    }

    /// Binds an adapter to a port.
    pub fn bind<P: Port>(mut self, adapter: impl Adapter<P>) -> Self {
        self.adapters.bind::<P>(adapter);
        self
    }

    /// Leaves rules of the protocol out. Only to show in a test that the guarantees then fail.
    #[cfg(feature = "break-rules")]
    pub fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// Creates or verifies the topics, and starts workers, routers and effects. Blocks until the topics are there.
    ///
    /// # Errors
    /// When a port has no adapter, the topics are not as they must be, or the brokers do not answer.
    pub fn start(self, config: &Config) -> Result<Running, StartError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(format!("{}-effects", self.service.name()))
            .enable_all()
            .build()?;
        let pool = EffectPool::new(
            runtime.handle(),
            self.adapters,
            config.max_effects,
            Duration::from_millis(config.effect_timeout_ms),
        );
        let mut effects = Vec::new();
        for aggregate in self.service.aggregates() {
            let description = aggregate.description();
            let name = format!("{}.{}", self.service.name(), description.aggregate);
            let served = pool.serve(&name, &description.effects);
            effects.push(served.map_err(|unbound| StartError::Unbound {
                request: unbound.request.name,
                port: unbound.port_name,
            })?);
        }
        let topics = runtime.block_on(async {
            TopicAdmin::new(config)?
                .prepare(&self.service)
                .await
                .map_err(StartError::from)
        })?;
        let manifest = Manifest::from(&self.service);
        runtime.spawn(manifests::publish(config.clone(), manifest, topics.clone()));
        let keeps = |known: &Arc<dyn Participant>| known.description().snapshots.is_some();
        let has_state_dir = !config.state_dir.as_os_str().is_empty();
        let snapshots = (has_state_dir && self.service.aggregates().iter().any(keeps))
            .then(|| Snapshots::open(&config.state_dir, self.service.name()))
            .flatten()
            .map(Arc::new);
        let cold = open_cold(&self.service, config, snapshots.as_deref()).map(Arc::new);
        let service = Arc::new(self.service);
        let framing = match config.registry.is_set() {
            true => Some(Arc::new(Framing::new(
                Registry::open(&config.registry)?,
                &service,
            ))),
            false => None,
        };
        let signals = Arc::new(Signals::default());
        let (ended, ends) = bounded(1);
        let mut running = Running {
            name: service.name(),
            signals: Arc::clone(&signals),
            threads: Vec::new(),
            wakers: Vec::new(),
            ends,
            failure: Mutex::new(None),
            runtime: Some(runtime),
            pool,
            snapshots: snapshots.clone(),
            cold: cold.clone(),
        };
        let waits = |known: &Arc<dyn Participant>| known.description().deadline.is_some();
        let questions = service
            .aggregates()
            .iter()
            .any(waits)
            .then(backlog::channel);
        if let Some((_, asked)) = &questions {
            let (config, asked, signals) = (config.clone(), asked.clone(), Arc::clone(&signals));
            running.spawn(format!("{}-backlog", service.name()), &ended, move || {
                backlog::answer_questions(&config, &asked, &signals);
                Ok(())
            })?;
        }
        for (participant, effects) in service.aggregates().iter().zip(effects) {
            let description = participant.description();
            let spec = Arc::new(Spec {
                service: Arc::clone(&service),
                participant: Arc::clone(participant),
                effects,
                config: config.clone(),
                rules: self.rules,
                signals: Arc::clone(&signals),
                questions: questions
                    .as_ref()
                    .filter(|_| description.deadline.is_some())
                    .map(|(questions, _)| questions.clone()),
                snapshots: snapshots
                    .clone()
                    .filter(|_| description.snapshots.is_some()),
                cold: cold.clone().filter(|_| description.snapshots.is_some()),
                framing: framing.clone(),
                without_cold: Mutex::default(),
                broken: Mutex::default(),
                description,
            });
            for number in 0..config.workers {
                let worker = Worker::new(Arc::clone(&spec));
                running.wakers.push(worker.waker());
                running.spawn(format!("{}-{number}", spec.name()), &ended, move || {
                    worker.run()
                })?;
            }
            if !spec.description.routed_topics().is_empty() {
                let router = Router::new(Arc::clone(&spec));
                running.wakers.push(router.waker());
                running.spawn(format!("{}-router", spec.name()), &ended, move || {
                    router.run()
                })?;
            }
        }
        let config = config.clone();
        running.spawn(format!("{}-watch", running.name), &ended, move || {
            watch(&config, topics, &signals);
            Ok(())
        })?;
        Ok(running)
    }
}

/// Where keys go that do not fit into memory, if it is limited. What is wrong is told, and all keys stay in memory then.
fn open_cold(service: &Service, config: &Config, snapshots: Option<&Snapshots>) -> Option<Cold> {
    let limit = config.state_memory_mb;
    if limit == 0 {
        return None;
    }
    let known = service.aggregates().iter().map(|known| known.description());
    let whole: Vec<&str> = known
        .filter(|known| known.snapshots.is_none())
        .map(|known| known.aggregate)
        .collect();
    let name = service.name();
    if !whole.is_empty() {
        tracing::warn!(
            "{name}: `state_memory_mb` does not count {}, whose keys all stay in memory: an aggregate must declare `.snapshots(version)`",
            whole.join(", ")
        );
    }
    if whole.len() == service.aggregates().len() {
        return None;
    }
    let opened = snapshots
        .ok_or_else(|| "there is no directory of its own (`state_dir`)".to_owned())
        .and_then(|snapshots| {
            let folder = snapshots.folder();
            let opened = Cold::open(folder, limit << 20);
            opened.map_err(|error| format!("{}/cold: {error}", folder.display()))
        });
    opened
        .inspect_err(|why| {
            tracing::warn!(
                "{name}: `state_memory_mb` is not in force, and all keys stay in memory: {why}"
            );
        })
        .ok()
}

/// A service that runs, in threads of its own. Dropping it stops it.
pub struct Running {
    name: &'static str,
    signals: Arc<Signals>,
    threads: Vec<(String, JoinHandle<Result<(), RunError>>)>,
    wakers: Vec<Waker>,
    ends: Receiver<()>,
    failure: Mutex<Option<RunError>>,
    runtime: Option<tokio::runtime::Runtime>,
    pool: EffectPool,
    snapshots: Option<Arc<Snapshots>>,
    cold: Option<Arc<Cold>>,
}

impl Running {
    fn spawn(
        &mut self,
        name: String,
        ended: &Sender<()>,
        run: impl FnOnce() -> Result<(), RunError> + Send + 'static,
    ) -> Result<(), std::io::Error> {
        /// Tells that a thread has ended, in whatever way.
        struct Tell(Sender<()>);
        impl Drop for Tell {
            fn drop(&mut self) {
                let _ = self.0.try_send(());
            }
        }
        let tell = Tell(ended.clone());
        let thread = std::thread::Builder::new()
            .name(name.clone())
            .spawn(move || {
                let _tell = tell;
                run()
            })?;
        self.threads.push((name, thread));
        Ok(())
    }

    /// The requests of this process that no effect has answered yet, in no order. It copies them all: not for a tight loop.
    #[must_use]
    pub fn pending_effects(&self) -> Vec<PendingEffect> {
        self.pool.pending()
    }

    /// Waits until the service has failed, or for `at_most`. Says whether it has.
    pub fn wait(&self, at_most: Duration) -> bool {
        let _ = self.ends.recv_timeout(at_most);
        self.has_failed()
    }

    fn has_failed(&self) -> bool {
        self.threads.iter().any(|(_, thread)| thread.is_finished())
    }

    /// Stops gracefully: no more decisions, positions made durable, appends acknowledged, groups left.
    ///
    /// # Errors
    /// When a thread of the service has failed, now or before: its error.
    pub fn stop(mut self) -> Result<(), RunError> {
        self.end();
        self.failure.lock().take().map_or(Ok(()), Err)
    }

    fn end(&mut self) {
        self.signals.stop.store(true, Ordering::Relaxed);
        self.wakers.iter().for_each(Waker::wake);
        for (thread, handle) in self.threads.drain(..) {
            if handle.thread().id() == std::thread::current().id() {
                continue;
            }
            handle.thread().unpark();
            let outcome = handle.join().unwrap_or_else(|panic| {
                Err(RunError::Panicked {
                    thread,
                    message: message_of(panic.as_ref()),
                })
            });
            if let Err(error) = outcome {
                tracing::error!("{}: {error}", self.name);
                self.failure.lock().get_or_insert(error);
            }
        }
        if let Some(cold) = self.cold.take() {
            cold.close();
        }
        if let Some(snapshots) = self.snapshots.take() {
            snapshots.close();
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a panic says.
pub(crate) fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "(no message)".into())
}
