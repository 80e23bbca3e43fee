//! The projection: a read model's way to the events of a stream.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | what is handed over, and what a user holds |
//! | `progress.rs` | how far it has come, how far behind it is, and who waits for it |
//! | `reader.rs` | the thread that reads and judges |
//! | `ends.rs` | the thread that asks where the stream ends, and whether it is still the same one |
//! | `problem.rs` | why it cannot go on |

mod ends;
mod problem;
mod progress;
mod reader;

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::bounded;
use kolo_core::wire::{Parked, Unparked};
use kolo_core::{CorrelationId, EventId, Key, OwnEvents, Timestamp};
use kolo_registry::Registry;

use crate::config::Config;

use ends::{Ends, Question};
use progress::Progress;
use reader::Reader;

pub use problem::ProjectionError;

/// A record of a stream, as it is handed to a read model.
#[derive(Debug)]
pub struct Projected<'a, E> {
    /// The key as text. It is that of the event; what is unreadable may only have this.
    pub key: &'a str,
    /// The record's own id; the same in every reading. None on a record that has none.
    pub id: Option<EventId>,
    /// The event that caused it.
    pub causation: Option<EventId>,
    /// The saga.
    pub correlation: Option<CorrelationId>,
    /// When it was decided.
    pub at: Timestamp,
    /// The partition of the stream.
    pub partition: i32,
    /// The offset there.
    pub offset: i64,
    /// What it says.
    pub told: Told<E>,
}

/// What a valid record of a stream says. A read model has to say what it makes of each: nothing is passed over by chance.
#[derive(Debug)]
pub enum Told<E> {
    /// An event.
    Event(E),
    /// Something about this key could not be decided, or came behind that, and waits for an operator.
    Parked(Parked),
    /// Something that was parked is decided, or was dropped.
    Unparked(Unparked),
    /// A valid record that this build cannot read, and why: a read model without it lacks something. What it lacks is not
    /// known; that it is about this key is.
    Unreadable(String),
}

/// How far a projection is behind its stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Behind {
    /// Records that stood in the stream when it was asked last, and are not handed over yet.
    pub records: u64,
    /// It has all that stood in the stream this long ago. The end is asked for every second, so it is up to a second where
    /// nothing is missing, and it grows while the brokers do not answer. None as long as it has not come to an end at all.
    pub age: Option<Duration>,
}

/// Hands the events of an aggregate's stream to a read model, from the first one on and for as long as it is kept.
///
/// It reads all partitions, so that a read model in any instance of a service answers for every key. Only valid records are
/// handed over: what a replaced owner left behind is skipped, as every reader on kolo does. Those of one key come in
/// order; each comes once.
///
/// It has a thread of its own, is in no group and commits nothing: a read model in memory is built anew at each start. It goes
/// on through outages of the brokers; whatever it cannot go on from ends it, and [`ended`](Self::ended) says why. Dropping it
/// ends it too, within a moment in which a record may still be handed over.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use kolo_core::OwnEvents;
/// use kolo_kafka::{Config, Projected, Projection, ProjectionError, Told};
///
/// /// Counts the events of a stream.
/// async fn count<E: OwnEvents>(config: &Config) -> Result<u64, ProjectionError> {
///     let counted = Arc::new(AtomicU64::new(0));
///     let counts = Arc::clone(&counted);
///     let projection = Projection::start(config, move |record: Projected<'_, E>| match record.told {
///         Told::Event(_) => {
///             counts.fetch_add(1, Ordering::Relaxed);
///         }
///         Told::Unreadable(problem) => eprintln!("{}: {problem}", record.key),
///         Told::Parked(_) | Told::Unparked(_) => {} // somebody has to look, and nothing has happened yet
///     })?;
///     projection.ready().await?;
///     Ok(counted.load(Ordering::Relaxed))
/// }
/// ```
#[derive(Debug)]
pub struct Projection {
    progress: Arc<Progress>,
    questions: crossbeam_channel::Sender<Question>,
}

impl Projection {
    /// Starts to read. `project` is called on the projection's own thread, with one record after the other.
    ///
    /// # Errors
    /// When the settings cannot be used. Whether the stream is there turns out later.
    pub fn start<E: OwnEvents>(
        config: &Config,
        project: impl FnMut(Projected<'_, E>) + Send + 'static,
    ) -> Result<Projection, ProjectionError> {
        let registry = match config.registry.is_set() {
            true => Some(Registry::open(&config.registry)?),
            false => None,
        };
        let progress = Arc::new(Progress::new(E::STREAM));
        let (questions, asked) = crossbeam_channel::unbounded();
        let (tell_layout, layout) = bounded(1);
        let ends = Ends {
            config: config.clone(),
            progress: Arc::clone(&progress),
            asked,
            tell_layout,
        };
        let reader = Reader {
            config: config.clone(),
            progress: Arc::clone(&progress),
            registry,
            project,
            events: std::marker::PhantomData,
        };
        // Settings that librdkafka refuses are told here, and not in a thread.
        reader.consumer()?;
        progress::spawn(&progress, "ends", move || ends.run())?;
        progress::spawn(&progress, "projection", move || reader.run(&layout))?;
        Ok(Projection {
            progress,
            questions,
        })
    }

    /// Waits until it has handed over all that stood in the stream when it was started: also for brokers that do not answer, and for
    /// leave to read. Give it a time limit where nobody would know what it waits for: the log says it.
    ///
    /// # Errors
    /// When it ends before.
    pub async fn ready(&self) -> Result<(), ProjectionError> {
        self.progress.wait_for(Progress::is_ready).await
    }

    /// Whether it has handed over all that stood in the stream when it was started.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.progress.is_ready()
    }

    /// How far it is behind, as far as is known: it asks nobody.
    #[must_use]
    pub fn behind(&self) -> Behind {
        self.progress.behind()
    }

    /// Waits until it has handed over all that stands in the stream *now* for the partition of this key, so that what the
    /// read model does not know of the key then was not there. It asks the brokers, and waits for as long as they do not
    /// answer: give it a time limit.
    ///
    /// # Errors
    /// When it ends before.
    pub async fn caught_up(&self, key: &impl Key) -> Result<(), ProjectionError> {
        let (tell, told) = tokio::sync::oneshot::channel();
        let question = Question {
            key: key.text(),
            tell,
        };
        // Where nobody takes questions it has ended, which is what is waited for then.
        let _ = self.questions.send(question);
        let Ok((partition, end)) = told.await else {
            return Err(self.ended().await);
        };
        self.progress
            .wait_for(|progress| progress.position(partition) >= end)
            .await
    }

    /// Waits until it has ended by itself, and says why. It does not as long as all is well.
    pub async fn ended(&self) -> ProjectionError {
        loop {
            if let Err(why) = self.progress.wait_for(|_| false).await {
                return why;
            }
        }
    }
}

impl Drop for Projection {
    fn drop(&mut self) {
        self.progress.stop();
    }
}
