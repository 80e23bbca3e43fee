//! Beside: what runs in a service's process without being part of the service, such as its HTTP API.
//!
//! It has a runtime of its own, so that it can neither wait for the service's effects nor hold them up. When the process
//! stops it is told first, and the service goes on until it has ended or its time is over.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | what is run, and what it is given |
//! | `needs.rs` | what it needs, as the app says |
//! | `unready.rs` | what it says of itself where health is asked for |

mod needs;
mod unready;

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use kolo_core::{EventType, message_of};
use tokio::sync::watch;

use crate::config::Config;
use crate::publisher::{Publisher, PublisherBuilder};
use crate::worker::RunError;

pub use unready::Unready;

pub(crate) use needs::{Listens, Needs};
pub(crate) use unready::Reasons;

/// What something that runs beside a service is given: how the service is configured, and when to stop.
///
/// ```no_run
/// use kolo_kafka::Beside;
///
/// /// Says every second that it is there.
/// async fn tell(beside: Beside) -> Result<(), std::io::Error> {
///     let mut every_second = tokio::time::interval(std::time::Duration::from_secs(1));
///     loop {
///         tokio::select! {
///             _ = every_second.tick() => tracing::info!("beside a service of {}", beside.config().bootstrap),
///             () = beside.stopping() => return Ok(()),
///         }
///     }
/// }
/// # fn service() -> kolo_core::Service { kolo_core::Service::new("shop") }
/// fn main() -> std::process::ExitCode {
///     kolo_kafka::App::new(service()).beside("tell", tell).main()
/// }
/// ```
#[derive(Clone)]
pub struct Beside {
    pub(crate) config: Config,
    pub(crate) publishes: Vec<&'static EventType>,
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) unready: Reasons,
    pub(crate) name: &'static str,
}

impl Beside {
    /// How the service is configured.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// A publisher of the events that the app says are published ([`App::publishes`](crate::App::publishes)). It says that it is
    /// this `source`, such as `/order/http`.
    pub fn publisher(&self, source: impl Into<String>) -> PublisherBuilder {
        Publisher::builder(source).events(&self.publishes)
    }

    /// Has `/readyz` and `<service> health` say that this is not ready, and why, until what is returned is dropped. Without it, it
    /// counts as ready.
    ///
    /// ```no_run
    /// # use kolo_kafka::{Beside, Projection, ProjectionError};
    /// # async fn api(beside: Beside, projection: Projection) -> Result<(), ProjectionError> {
    /// let unready = beside.unready("its read model is not complete yet");
    /// projection.ready().await?;
    /// drop(unready);
    /// # Ok(())
    /// # }
    /// ```
    pub fn unready(&self, why: impl Into<String>) -> Unready {
        let (name, why) = (self.name, why.into());
        self.unready.add(format!("{name}: {why}"))
    }

    /// Whether it was told to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits until it is told to stop. What is under way may be ended then, within
    /// [`Config::stop_timeout_ms`](crate::Config::stop_timeout_ms); the service still runs meanwhile.
    ///
    /// The future borrows nothing, for whoever wants it `'static`.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        let mut stop = self.stop.clone();
        async move {
            // Nobody to tell it any more is the same news.
            let _ = stop.wait_for(|stop| *stop).await;
        }
    }
}

impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beside")
            .field("is_stopping", &self.is_stopping())
            .finish_non_exhaustive()
    }
}

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;
type Task = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Something to be run beside the service, under its name.
pub(crate) struct Companion {
    pub(crate) name: &'static str,
    run: Box<dyn FnOnce(Beside) -> Task + Send>,
}

impl Companion {
    pub(crate) fn new<F, E>(
        name: &'static str,
        run: impl FnOnce(Beside) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Companion {
            name,
            run: Box::new(move |beside| {
                let task = run(beside);
                Box::pin(async move { task.await.map_err(Into::into) })
            }),
        }
    }

    /// Runs it on a runtime until it has ended. If it ends well before it is told to stop, it is waited for that.
    pub(crate) fn run(
        self,
        beside: Beside,
        runtime: &tokio::runtime::Handle,
    ) -> Result<(), RunError> {
        let name = self.name;
        let grace = Duration::from_millis(beside.config.stop_timeout_ms);
        let stopping = beside.stopping();
        let told = beside.stopping();
        // A panic before the first await is one of its own, too.
        let task = runtime.spawn(async move { (self.run)(beside).await });
        let abort = task.abort_handle();
        let outcome = runtime.block_on(async {
            tokio::select! {
                outcome = task => Some(outcome),
                () = async { stopping.await; tokio::time::sleep(grace).await; } => None,
            }
        });
        match outcome {
            None => {
                abort.abort();
                tracing::warn!(
                    "{name} has not ended {grace:?} after it was told to stop, and is cut off"
                );
                Ok(())
            }
            Some(Ok(Ok(()))) => {
                runtime.block_on(told);
                Ok(())
            }
            Some(Ok(Err(error))) => Err(RunError::Beside {
                name,
                message: in_words(error.as_ref()),
            }),
            Some(Err(error)) => Err(RunError::Beside {
                name,
                message: format!("it panicked: {}", panic_of(error)),
            }),
        }
    }
}

/// An error with whatever caused it, where that says more.
fn in_words(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(known) = cause {
        let more = known.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = known.source();
    }
    text
}

fn panic_of(error: tokio::task::JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => message_of(&*panic as &(dyn Any + Send)),
        Err(error) => error.to_string(),
    }
}
