//! A service that runs: its threads, what runs beside it, and how both are stopped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use kolo_core::{EventType, message_of};
use parking_lot::Mutex;

use crate::beside::{Beside, Companion};
use crate::cold::Cold;
use crate::config::Config;
use crate::effects::{EffectPool, PendingEffect};
use crate::management::Management;
use crate::notes::Notes;
use crate::snapshots::Snapshots;
use crate::traces::Traces;
use crate::wake::Waker;
use crate::worker::{RunError, Signals};

pub(crate) type Thread = JoinHandle<Result<(), RunError>>;

/// What runs beside a service.
pub(crate) struct RunningBeside {
    stop: tokio::sync::watch::Sender<bool>,
    threads: Vec<(String, Thread)>,
    runtime: tokio::runtime::Runtime,
}

/// A service that runs, in threads of its own. Dropping it stops it.
pub struct Running {
    pub(crate) name: &'static str,
    pub(crate) signals: Arc<Signals>,
    pub(crate) beside: Option<RunningBeside>,
    pub(crate) threads: Vec<(String, Thread)>,
    pub(crate) wakers: Vec<Waker>,
    pub(crate) ends: Receiver<()>,
    pub(crate) failure: Mutex<Option<RunError>>,
    pub(crate) runtime: Option<tokio::runtime::Runtime>,
    pub(crate) pool: EffectPool,
    pub(crate) snapshots: Option<Arc<Snapshots>>,
    pub(crate) cold: Option<Arc<Cold>>,
    /// Served to the end, so that probes see the stop.
    pub(crate) management: Option<Management>,
    /// Where there are effects.
    pub(crate) notes: Option<Notes>,
    pub(crate) traces: Option<Arc<Traces>>,
}

impl Running {
    pub(crate) fn spawn(
        &mut self,
        name: String,
        ended: &Sender<()>,
        run: impl FnOnce() -> Result<(), RunError> + Send + 'static,
    ) -> Result<(), std::io::Error> {
        self.threads.push(start_thread(name, ended, run)?);
        Ok(())
    }

    /// What runs beside the service has threads of its own, so that it is not waited for by those that own partitions.
    pub(crate) fn start_beside(
        &mut self,
        companions: Vec<Companion>,
        publishes: &[&'static EventType],
        config: &Config,
        ended: &Sender<()>,
    ) -> Result<(), std::io::Error> {
        if companions.is_empty() {
            return Ok(());
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name(format!("{}-beside", self.name))
            .enable_all()
            .build()?;
        let (stop, stopping) = tokio::sync::watch::channel(false);
        let mut threads = Vec::new();
        for companion in companions {
            let name = format!("{}-{}", self.name, companion.name);
            let beside = Beside {
                config: config.clone(),
                publishes: publishes.to_vec(),
                stop: stopping.clone(),
                unready: self.signals.unready.clone(),
                name: companion.name,
            };
            let handle = runtime.handle().clone();
            threads.push(start_thread(name, ended, move || {
                companion.run(beside, &handle)
            })?);
        }
        self.beside = Some(RunningBeside {
            stop,
            threads,
            runtime,
        });
        Ok(())
    }

    /// The requests of this process that no effect has answered yet, in no order. It copies them all: not for a tight loop.
    #[must_use]
    pub fn pending_effects(&self) -> Vec<PendingEffect> {
        self.pool.pending()
    }

    /// Where health and metrics are served, if they are: [`Config::management`] with the port that was taken.
    #[must_use]
    pub fn management(&self) -> Option<SocketAddr> {
        self.management.as_ref().map(Management::at)
    }

    /// Waits until the service has failed, or for `at_most`. Says whether it has.
    pub fn wait(&self, at_most: Duration) -> bool {
        // A thread tells it with its last breath, and may not be gone yet.
        self.ends.recv_timeout(at_most).is_ok() || self.has_failed()
    }

    fn has_failed(&self) -> bool {
        let beside = self.beside.iter().flat_map(|beside| &beside.threads);
        let mut threads = self.threads.iter().chain(beside);
        threads.any(|(_, thread)| thread.is_finished())
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
        // Nobody is to send it more requests.
        self.signals.leaves.store(true, Ordering::Relaxed);
        if let Some(beside) = self.beside.take() {
            // Nobody listens where all have ended.
            let _ = beside.stop.send(true);
            self.join(beside.threads);
            beside.runtime.shutdown_background();
        }
        // What is owned now is still waited for, by the next owner: it is looked at before it is dropped.
        let notes = self.notes.take().map(Notes::close);
        self.signals.stop.store(true, Ordering::Relaxed);
        self.wakers.iter().for_each(Waker::wake);
        let threads = std::mem::take(&mut self.threads);
        self.join(threads);
        if let Some(notes) = notes {
            notes.wait();
        }
        drop(self.management.take());
        if let Some(cold) = self.cold.take() {
            cold.close();
        }
        if let Some(snapshots) = self.snapshots.take() {
            snapshots.close();
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        if let Some(traces) = self.traces.take() {
            traces.close();
        }
    }

    fn join(&self, threads: Vec<(String, Thread)>) {
        for (thread, handle) in threads {
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
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

fn start_thread(
    name: String,
    ended: &Sender<()>,
    run: impl FnOnce() -> Result<(), RunError> + Send + 'static,
) -> Result<(String, Thread), std::io::Error> {
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
    Ok((name, thread))
}
