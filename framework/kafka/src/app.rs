//! A service with its adapters, ready to run.

use std::error::Error;
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::bounded;
use kolo_core::choreography::Manifest;
use kolo_core::processor::Rules;
use kolo_core::{Event, OwnEvents, Participant, Port, Service};
use kolo_registry::Registry;
use parking_lot::Mutex;
use tokio::net::TcpListener;

use crate::adapter::Adapter;
use crate::beside::{Beside, Companion, Needs};
use crate::cold::Cold;
use crate::config::{Config, refused};
use crate::effects::{Adapters, EffectPool};
use crate::framing::Framing;
use crate::management::{Management, ManagementError};
use crate::manifests;
use crate::meters::{AggregateMeters, Meters};
use crate::notes::Notes;
use crate::reach::{Arrival, Unreached, arrive};
use crate::router::Router;
use crate::running::Running;
use crate::snapshots::Snapshots;
use crate::tokens::TokenProvider;
use crate::topics::TopicError;
use crate::traces::Traces;
use crate::watch::watch;
use crate::worker::{Signals, Spec, Worker, backlog};

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
    pub(crate) beside: Vec<Companion>,
    pub(crate) needs: Needs,
    pub(crate) tokens: Option<Arc<dyn TokenProvider>>,
}

/// A service that cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The brokers were not reached in time, or do not let the service in.
    #[error(transparent)]
    Brokers(#[from] Unreached),
    /// The process was told to stop while it waited for the brokers.
    #[error("it was told to stop before it had started")]
    Stopped,
    /// The topics are not as they must be, or may not be used.
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
    /// Health and metrics cannot be served.
    #[error(transparent)]
    Management(#[from] ManagementError),
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
            beside: Vec::new(),
            needs: Needs::default(),
            tokens: None,
        }
    }

    /// Binds an adapter to a port.
    pub fn bind<P: Port>(mut self, adapter: impl Adapter<P>) -> Self {
        self.adapters.bind::<P>(adapter);
        self
    }

    /// Runs something beside the service for as long as that runs, such as its HTTP API: what `run` gives, under a name for
    /// messages. It begins once the topics are there, on a runtime of its own.
    ///
    /// What it needs is not in the declaration: [`publishes`](Self::publishes), [`projects`](Self::projects) and
    /// [`listens`](Self::listens) say it, for `describe --acls` and `check-env`.
    ///
    /// If it fails, the service stops with its error; if it just ends, the service goes on without it. When the process is to
    /// stop, [`Beside::stopping`] tells it first, and the service stops once it has ended, or after
    /// [`Config::stop_timeout_ms`]: requests that are under way can be answered.
    ///
    /// ```
    /// use kolo_kafka::{App, Beside};
    /// # fn service() -> kolo_core::Service { kolo_core::Service::new("shop") }
    ///
    /// async fn api(beside: Beside) -> Result<(), std::io::Error> {
    ///     let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    ///     let stopping = beside.stopping();
    ///     // axum::serve(listener, router).with_graceful_shutdown(stopping).await
    /// #   let _ = (listener, stopping);
    /// #   Ok(())
    /// }
    ///
    /// let app = App::new(service()).beside("http", api);
    /// # let _ = app;
    /// ```
    pub fn beside<F, E>(
        mut self,
        name: &'static str,
        run: impl FnOnce(Beside) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.beside.push(Companion::new(name, run));
        self
    }

    /// Says that what runs beside the service publishes events of this type, from outside the sagas, with a
    /// [`Beside::publisher`]. What may be published is asked before the service starts.
    pub fn publishes<E: Event>(mut self) -> Self {
        self.needs.publish::<E>();
        self
    }

    /// Says that what runs beside the service reads the stream of these events, with a [`Projection`](crate::Projection). Whether it
    /// may is asked before the service starts.
    pub fn projects<E: OwnEvents>(mut self) -> Self {
        self.needs.project::<E>();
        self
    }

    /// Says how something listens that runs beside the service, under a name for messages: `bind` gives its listener, or none where
    /// it is to listen nowhere. `check-env` calls it, and lets the listener go at once; a service that runs does not. Let it be the
    /// function by which what runs beside listens itself, so that both say the same.
    ///
    /// ```
    /// use kolo_kafka::{App, Beside};
    /// use tokio::net::TcpListener;
    /// # fn service() -> kolo_core::Service { kolo_core::Service::new("shop") }
    ///
    /// async fn listen() -> Result<Option<TcpListener>, std::io::Error> {
    ///     TcpListener::bind("127.0.0.1:8080").await.map(Some)
    /// }
    ///
    /// async fn api(beside: Beside) -> Result<(), std::io::Error> {
    ///     let listener = listen().await?;
    /// #   let _ = (listener, beside);
    ///     // …
    ///     Ok(())
    /// }
    ///
    /// let app = App::new(service()).beside("http", api).listens("http", listen);
    /// # let _ = app;
    /// ```
    pub fn listens<F, E>(
        mut self,
        name: &'static str,
        bind: impl FnOnce() -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Option<TcpListener>, E>> + 'static,
        E: Display,
    {
        self.needs.listen(name, bind);
        self
    }

    /// Logs in to the brokers with tokens of this provider, where SASL OAUTHBEARER is asked for; see
    /// [`Config::with_tokens`].
    ///
    /// ```
    /// use kolo_kafka::{App, Token};
    /// # fn service() -> kolo_core::Service { kolo_core::Service::new("shop") }
    ///
    /// // As Kubernetes mounts those of service accounts, and renews them.
    /// let app = App::new(service()).tokens(|| Ok(Token::from_jwt(std::fs::read_to_string("/var/run/kafka/token")?.trim())?));
    /// # let _ = app;
    /// ```
    pub fn tokens(mut self, provider: impl TokenProvider) -> Self {
        self.tokens = Some(Arc::new(provider));
        self
    }

    /// The same, with what the app has to add.
    pub(crate) fn configured(&mut self, config: Config) -> Config {
        match self.tokens.take() {
            Some(provider) => config.with_provider(provider),
            None => config,
        }
    }

    /// Leaves rules of the protocol out. Only to show in a test that the guarantees then fail.
    #[cfg(feature = "break-rules")]
    pub fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// Creates or verifies the topics, and starts workers, routers and effects. Blocks until the topics are there; brokers that
    /// do not answer, or are fewer than a topic is to have replicas, are waited for, up to [`Config::start_timeout_ms`]. Health is
    /// served meanwhile, and says so.
    ///
    /// # Errors
    /// When a port has no adapter, the topics are not as they must be, the brokers do not let the service in or do not allow what
    /// it does, or they do not answer.
    pub fn start(self, config: &Config) -> Result<Running, StartError> {
        self.start_unless(&AtomicBool::new(false), config)
    }

    /// As [`App::start`]; it may be told to stop while it waits for the brokers.
    pub(crate) fn start_unless(
        mut self,
        stop: &AtomicBool,
        config: &Config,
    ) -> Result<Running, StartError> {
        let config = &self.configured(config.clone());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(format!("{}-effects", self.service.name()))
            .enable_all()
            .build()?;
        let traces = Traces::start(self.service.name());
        let pool = EffectPool::new(
            runtime.handle(),
            self.adapters,
            config.max_effects,
            Duration::from_millis(config.effect_timeout_ms),
            traces.clone(),
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
        let name = self.service.name();
        let signals = Arc::new(Signals::default());
        let metered = |known: &Arc<dyn Participant>| {
            let description = known.description();
            let name = format!("{name}.{}", description.aggregate);
            let routes = !description.routed_topics().is_empty();
            Arc::new(AggregateMeters::new(name, config.workers, routes))
        };
        let metered: Vec<_> = self.service.aggregates().iter().map(metered).collect();
        let meters = Meters {
            service: name,
            aggregates: metered.clone(),
            pool: pool.clone(),
            traces: traces.clone(),
        };
        // Before there is anything to tell, but that it waits.
        let management = Management::start(config, Arc::new(meters), Arc::clone(&signals))?;
        let starting = Starting {
            signals: &signals,
            stop,
        };
        let topics = runtime.block_on(arrive(&self.service, &self.needs, config, &starting))?;
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
        let (ended, ends) = bounded(1);
        let mut running = Running {
            name: service.name(),
            signals: Arc::clone(&signals),
            beside: None,
            threads: Vec::new(),
            wakers: Vec::new(),
            ends,
            failure: Mutex::new(None),
            runtime: Some(runtime),
            pool,
            snapshots: snapshots.clone(),
            cold: cold.clone(),
            management,
            notes: None,
            traces: traces.clone(),
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
        let aggregates = service.aggregates().iter().zip(effects);
        for ((participant, effects), meters) in aggregates.zip(metered) {
            let description = participant.description();
            let spec = Arc::new(Spec {
                meters,
                traces: traces.clone(),
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
                let worker = Worker::new(Arc::clone(&spec), number);
                running.wakers.push(worker.waker());
                running.spawn(format!("{}-{number}", spec.name()), &ended, move || {
                    worker.run()
                })?;
            }
            if let Some(meters) = &spec.meters.router {
                let router = Router::new(Arc::clone(&spec), Arc::clone(meters));
                running.wakers.push(router.waker());
                running.spawn(format!("{}-router", spec.name()), &ended, move || {
                    router.run()
                })?;
            }
        }
        let calls = |known: &Arc<dyn Participant>| !known.description().effects.is_empty();
        if service.aggregates().iter().any(calls) {
            running.notes = Some(Notes::start(config, service.name(), running.pool.clone())?);
        }
        let watched = config.clone();
        running.spawn(format!("{}-watch", running.name), &ended, move || {
            watch(name, &watched, topics, &signals);
            Ok(())
        })?;
        running.start_beside(self.beside, &self.needs.publishes, config, &ended)?;
        Ok(running)
    }
}

/// A service that is not there yet.
struct Starting<'a> {
    signals: &'a Signals,
    stop: &'a AtomicBool,
}

impl Arrival for Starting<'_> {
    fn waits_for(&self, what: Option<String>) {
        *self.signals.waits_for.lock() = what;
    }

    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
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
