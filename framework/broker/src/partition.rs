//! One partition: a task that owns its log, and the readers that wait for what it appends.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::batch::Batch;
use crate::log::{AppendError, Appended, LogConfig, LogError, LogReader, LogWriter};

/// A handle to one partition. Whoever holds it appends by a message to the task that owns the log, and reads without it.
pub(crate) struct Partition {
    reader: LogReader,
    /// Unbounded, and yet bounded: a connection has one request under way, and a request's memory is bounded.
    orders: mpsc::UnboundedSender<Order>,
    waiters: Mutex<Vec<Arc<Notify>>>,
}

/// What an append comes to.
pub(crate) type AppendResult = Result<Appended, AppendError>;

enum Order {
    Append {
        batches: Vec<Batch>,
        done: oneshot::Sender<AppendResult>,
    },
    DeleteRecords {
        before: i64,
        done: oneshot::Sender<Result<i64, LogError>>,
    },
    Clean {
        done: oneshot::Sender<bool>,
    },
    Configure(LogConfig),
    Settle {
        done: oneshot::Sender<()>,
    },
    Close {
        done: oneshot::Sender<()>,
    },
    Discard {
        done: oneshot::Sender<()>,
    },
}

/// The partition's task has ended: the topic is deleted, or the broker shuts down.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gone;

impl Partition {
    /// Opens the log and starts its task on the current runtime. `name` is what the log lines call it.
    pub(crate) fn open(
        name: String,
        dir: Option<&Path>,
        config: LogConfig,
    ) -> Result<Arc<Partition>, LogError> {
        let writer = LogWriter::open(dir, config)?;
        let (orders, received) = mpsc::unbounded_channel();
        let partition = Arc::new(Partition {
            reader: writer.reader(),
            orders,
            waiters: Mutex::default(),
        });
        tokio::spawn(run(name, writer, received, Arc::downgrade(&partition)));
        Ok(partition)
    }

    pub(crate) fn reader(&self) -> &LogReader {
        &self.reader
    }

    /// Hands batches to the log. They are appended in the order of these calls, whether or not the result is awaited.
    pub(crate) fn append(&self, batches: Vec<Batch>) -> oneshot::Receiver<AppendResult> {
        let (done, result) = oneshot::channel();
        self.append_into(batches, done);
        result
    }

    /// As [`append`](Self::append), with the way back given.
    pub(crate) fn append_into(&self, batches: Vec<Batch>, done: oneshot::Sender<AppendResult>) {
        self.send(Order::Append { batches, done });
    }

    pub(crate) async fn delete_records(&self, before: i64) -> Result<Result<i64, LogError>, Gone> {
        let (done, result) = oneshot::channel();
        self.send(Order::DeleteRecords { before, done });
        result.await.map_err(|_| Gone)
    }

    /// Retention and compaction, step by step until nothing is left to do: appends come in between the steps.
    pub(crate) async fn clean(&self) {
        loop {
            let (done, result) = oneshot::channel();
            self.send(Order::Clean { done });
            // Gone is as good as clean.
            if !result.await.unwrap_or(false) {
                return;
            }
        }
    }

    pub(crate) fn configure(&self, config: LogConfig) {
        self.send(Order::Configure(config));
    }

    /// Returns when what was ordered before is done, also by those who did not wait for it.
    pub(crate) async fn settle(&self) {
        let (done, result) = oneshot::channel();
        self.send(Order::Settle { done });
        let _ = result.await;
    }

    /// Ends the task with a checkpoint, after what was ordered before.
    pub(crate) async fn close(&self) {
        let (done, result) = oneshot::channel();
        self.send(Order::Close { done });
        let _ = result.await;
    }

    /// Ends the task; the log is not needed any more. Readers that wait are woken, and find the topic gone.
    pub(crate) async fn discard(&self) {
        let (done, result) = oneshot::channel();
        self.send(Order::Discard { done });
        let _ = result.await;
        self.wake();
    }

    /// From here on `waiter` is woken by the next append, once. Look at the log after this call, not before.
    pub(crate) fn watch(&self, waiter: &Arc<Notify>) {
        let mut waiters = self.waiters.lock();
        if !waiters.iter().any(|other| Arc::ptr_eq(other, waiter)) {
            waiters.push(Arc::clone(waiter));
        }
    }

    pub(crate) fn unwatch(&self, waiter: &Arc<Notify>) {
        self.waiters
            .lock()
            .retain(|other| !Arc::ptr_eq(other, waiter));
    }

    fn wake(&self) {
        let mut waiters = self.waiters.lock();
        for waiter in waiters.drain(..) {
            waiter.notify_one();
        }
    }

    /// An order to a task that has ended is dropped, and its sender sees that in `done`.
    fn send(&self, order: Order) {
        let _ = self.orders.send(order);
    }
}

async fn run(
    name: String,
    mut writer: LogWriter,
    mut orders: mpsc::UnboundedReceiver<Order>,
    partition: std::sync::Weak<Partition>,
) {
    let wake = || {
        if let Some(partition) = partition.upgrade() {
            partition.wake();
        }
    };
    while let Some(order) = orders.recv().await {
        match order {
            Order::Append { batches, done } => {
                let result = writer.append(batches, SystemTime::now());
                let appended = result.is_ok();
                // The client may be gone; what it sent is appended all the same.
                let _ = done.send(result);
                if appended {
                    wake();
                }
            }
            Order::DeleteRecords { before, done } => {
                let _ = done.send(writer.delete_records(before));
                wake();
            }
            Order::Clean { done } => {
                let more = match writer.clean(SystemTime::now()) {
                    Ok(cleaned) => cleaned.more,
                    Err(error) => {
                        tracing::warn!(partition = name, %error, "could not be cleaned; tried again at the next interval");
                        false
                    }
                };
                let _ = done.send(more);
            }
            Order::Configure(config) => writer.set_config(config),
            Order::Settle { done } => drop(done),
            Order::Close { done } => {
                if let Err(error) = writer.close() {
                    tracing::warn!(partition = name, %error, "closed without a checkpoint; the next start scans its end");
                }
                let _ = done.send(());
                return;
            }
            Order::Discard { done } => {
                drop(writer);
                let _ = done.send(());
                return;
            }
        }
    }
}
