//! The worker: one thread that owns partitions of one aggregate's stream.
//!
//! ```text
//! assigned -> fence -> (acknowledged) -> restore -> work: poll -> decide -> append -> acknowledged -> sound? -> effects
//! ```
//!
//! Memory runs ahead of the log. If an append fails for good or goes unanswered, or the process was paused, all clients
//! are thrown away with the state, and the worker joins anew. If a fence shows up, that partition's state is.

mod append;
pub(crate) mod backlog;
pub(crate) mod clients;
mod deadlines;
mod loading;
mod measure;
mod parked;
mod partition;
mod reading;
pub(crate) mod record;
mod replies;
mod session;
mod snapshots;
mod takeover;
mod traced;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use crossbeam_channel::{Receiver, Sender, unbounded};
use kolo_core::processor::{ProcessorError, Rules};
use kolo_core::wire::Failure;
use kolo_core::{Description, EventId, Participant, Service};
use kolo_registry::RegistryError;
use parking_lot::Mutex;
use rdkafka::error::KafkaError;

use crate::acls::{Part, of_part};
use crate::beside::Reasons;
use crate::cold::Cold;
use crate::config::{Config, refused};
use crate::effects::{AggregateEffects, Ended, ReplyTo};
use crate::framing::Framing;
use crate::meters::{AggregateMeters, LifeMeters, count};
use crate::reach::unreached;
use crate::snapshots::Snapshots;
use crate::topics::{TopicAdmin, TopicError, Topics, roles};
use crate::traces::Traces;
use crate::wake::Waker;

use backlog::{Ends, Question};
use session::Session;

/// What a worker runs: one aggregate of a service.
pub(crate) struct Spec {
    pub(crate) service: Arc<Service>,
    pub(crate) participant: Arc<dyn Participant>,
    pub(crate) description: Description,
    pub(crate) config: Config,
    pub(crate) effects: AggregateEffects,
    pub(crate) rules: Rules,
    pub(crate) signals: Arc<Signals>,
    /// Only for an aggregate that declares them, and where they can be kept.
    pub(crate) snapshots: Option<Arc<Snapshots>>,
    /// Only for an aggregate with snapshots, and where memory is limited.
    pub(crate) cold: Option<Arc<Cold>>,
    pub(crate) meters: Arc<AggregateMeters>,
    pub(crate) traces: Option<Arc<Traces>>,
    /// Only where a schema registry is used.
    pub(crate) framing: Option<Arc<Framing>>,
    /// The partitions whose cold keys could not be read back: all their keys stay in memory.
    pub(crate) without_cold: Mutex<HashSet<i32>>,
    /// Where to ask how far topics reach; only for an aggregate with a deadline.
    pub(crate) questions: Option<Sender<Question>>,
    /// What broke a state in this process, by id: it is parked by the next owner here.
    pub(crate) broken: Mutex<HashMap<EventId, Failure>>,
}

impl Spec {
    /// `<service>.<aggregate>`: the consumer group, and how messages name it.
    pub(crate) fn name(&self) -> String {
        format!("{}.{}", self.service.name(), self.description.aggregate)
    }

    /// The topics that a part of the aggregate knows, where the brokers allow what it does with them and with its group.
    pub(crate) fn topics(&self, part: Part) -> Result<Topics, End> {
        let Spec {
            service,
            description,
            config,
            ..
        } = self;
        let admin = TopicAdmin::new(config).map_err(|source| RunError::Client {
            aggregate: self.name(),
            source,
        })?;
        let admin = admin.of_service(service.name());
        let mut roles = roles(service, description);
        roles.retain(|(_, role)| part.knows(*role));
        let names: Vec<&str> = roles.iter().map(|(name, _)| name.as_str()).collect();
        let needed = of_part(part, service, description, config);
        let permitted = admin.permitted(&needed);
        let topics = permitted.and_then(|()| admin.describe(&names));
        topics.map_err(|error| match error {
            TopicError::Unreachable { .. } => {
                let why = unreached(config).map(|why| why.to_string());
                End::Restart(why.unwrap_or_else(|| error.to_string()))
            }
            error => End::Restart(error.to_string()),
        })
    }
}

/// What the process tells its threads.
#[derive(Default)]
pub(crate) struct Signals {
    pub(crate) stop: AtomicBool,
    /// It is about to stop: what runs beside the service ends first.
    pub(crate) leaves: AtomicBool,
    /// What a service waits for that has not started yet, in words.
    pub(crate) waits_for: Mutex<Option<String>>,
    /// Why what runs beside is not ready.
    pub(crate) unready: Reasons,
    /// Raised when a topic was found to be another one under the same name.
    pub(crate) topics_version: AtomicU64,
    /// Raised each time the brokers have not told the watch of a topic, as it may not be used any more.
    pub(crate) refusals: AtomicU64,
    /// Raised each time the watch has reached the brokers.
    pub(crate) brokers_seen: AtomicU64,
    /// When it has reached them last; `None` until its first look.
    pub(crate) brokers_seen_at: Mutex<Option<Instant>>,
}

impl Signals {
    pub(crate) fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Why a worker, a router or a whole service ends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A record that cannot be decided, or a stream that cannot be restored. The service stops at it.
    #[error("{aggregate}: {source}")]
    Processor {
        /// `<service>.<aggregate>`
        aggregate: String,
        /// What is wrong, and where.
        source: ProcessorError,
    },
    /// A record of a fenced source after which nobody can tell what is valid. The router stops at it.
    #[error("{aggregate}: the router cannot forward {place}: {problem}")]
    Route {
        /// `<service>.<aggregate>`
        aggregate: String,
        /// Topic, partition and offset.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// Records of an input were deleted before they were decided.
    #[error(
        "{aggregate}: records of its inputs were deleted before they were decided: {lost}. Reset is not a choice here: restore the records, or declare them lost by deleting and creating the topic"
    )]
    Lost {
        /// `<service>.<aggregate>`
        aggregate: String,
        /// Which.
        lost: String,
    },
    /// The topics are not as they must be.
    #[error(transparent)]
    Topics(#[from] TopicError),
    /// librdkafka refuses something that is not a matter of time.
    #[error("{aggregate}: librdkafka refuses: {problem}", problem = refused(source))]
    Client {
        /// `<service>.<aggregate>`
        aggregate: String,
        /// What it says.
        source: KafkaError,
    },
    /// The schema registry does not have the schema of an own event, or does not take it.
    #[error(
        "{source}. Own events are written with ids that the registry gives: register their schemas with `kolo schema register`, or have the service do it with KOLO_REGISTRY_REGISTER=true"
    )]
    Registry {
        /// What it says.
        #[from]
        source: RegistryError,
    },
    /// What runs beside the service has failed.
    #[error("{name}: {message}")]
    Beside {
        /// The name that it was given.
        name: &'static str,
        /// Its error.
        message: String,
    },
    /// A thread panicked: a decision, a fold or a route is not total.
    #[error(
        "{thread} panicked: {message}. A decision must be total: find the input in the log line above, mend the code, start again"
    )]
    Panicked {
        /// The thread's name.
        thread: String,
        /// The panic's message.
        message: String,
    },
}

/// Why a session ends.
pub(crate) enum End {
    /// The process stops.
    Stopped,
    /// Everything is thrown away and begun anew.
    Restart(String),
    /// The service cannot go on.
    Fatal(RunError),
}

impl End {
    /// librdkafka does not take settings that it took before.
    fn refused(error: &KafkaError) -> Self {
        End::Restart(format!("librdkafka refuses: {}", refused(error)))
    }
}

impl From<RunError> for End {
    fn from(error: RunError) -> Self {
        End::Fatal(error)
    }
}

/// A worker's thread.
pub(crate) struct Worker {
    spec: Arc<Spec>,
    /// Which of the aggregate's workers it is.
    number: usize,
    waker: Waker,
    ended: Receiver<Ended>,
    reply_to: ReplyTo,
    ends: Receiver<Ends>,
    tell_ends: Sender<Ends>,
}

impl Worker {
    pub(crate) fn new(spec: Arc<Spec>, number: usize) -> Self {
        let waker = Waker::default();
        let (sender, ended) = unbounded();
        let (tell_ends, ends) = unbounded();
        Worker {
            ends,
            tell_ends,
            spec,
            number,
            ended,
            reply_to: ReplyTo {
                ended: sender,
                waker: waker.clone(),
            },
            waker,
        }
    }

    pub(crate) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Runs until the process stops or cannot go on.
    pub(crate) fn run(self) -> Result<(), RunError> {
        self.waker.bind();
        let signals = Arc::clone(&self.spec.signals);
        // Before it owns anything: a partition must not wait for an owner that waits for a registry.
        let writer = match &self.spec.framing {
            None => None,
            Some(framing) => match framing.writer(&signals)? {
                None => return Ok(()),
                writer => writer,
            },
        };
        one_after_the_other(
            &self.spec.name(),
            &self.spec,
            &self.spec.meters.workers[self.number],
            || Session::open(&self, writer.clone()),
            Session::work,
        )
    }
}

/// Has sessions of a worker or a router work until one is stopped or cannot go on, with growing pauses between those that fail early.
pub(crate) fn one_after_the_other<S>(
    name: &str,
    spec: &Spec,
    life: &LifeMeters,
    open: impl Fn() -> Result<S, End>,
    work: impl Fn(&mut S) -> Result<(), End>,
) -> Result<(), RunError> {
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(10))
        .with_jitter()
        .without_max_times();
    let mut next = pauses.build();
    let mut has_worked = false;
    loop {
        let began = Instant::now();
        life.turned();
        let ended = match open() {
            Ok(mut session) => {
                has_worked = true;
                life.opened();
                let ended = work(&mut session);
                life.closed();
                ended
            }
            // Its settings were taken before: one of the files that they name may be written anew.
            Err(End::Fatal(RunError::Client { source, .. })) if has_worked => {
                Err(End::refused(&source))
            }
            Err(end) => Err(end),
        };
        let reason = match ended {
            Ok(()) | Err(End::Stopped) => return Ok(()),
            Err(End::Fatal(error)) => return Err(error),
            Err(End::Restart(reason)) => reason,
        };
        count(&spec.meters.restarts);
        if began.elapsed() > Duration::from_secs(30) {
            next = pauses.build();
        }
        let pause = next.next().unwrap_or(Duration::from_secs(10));
        tracing::warn!(
            "{name} throws its clients and its state away and begins anew in {pause:?}: {reason}"
        );
        life.ended(&reason);
        let until = Instant::now() + pause;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if spec.signals.stopping() {
                return Ok(());
            }
            Waker::sleep(left.min(Duration::from_millis(200)));
        }
    }
}
