//! How far a projection has come. Three parties share it: the reader moves it, the one who asks for the ends says how far
//! there is to go, and whoever waits is woken by both.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use kolo_core::message_of;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Behind, ProjectionError};

/// Where all partitions ended, as of a moment.
#[derive(Debug, Clone)]
pub(super) struct Look {
    /// Before it was asked.
    pub(super) at: Instant,
    /// How far the reader had come then. It goes on while the brokers answer, and may well be beyond these ends.
    pub(super) read: Vec<i64>,
    pub(super) ends: Vec<i64>,
}

/// The looks that the reader has not come to yet. Two are kept, the oldest and the newest, however far behind it is.
#[derive(Debug, Default)]
struct Looks {
    /// It has all that stood there then.
    reached: Option<Instant>,
    oldest: Option<Look>,
    newest: Option<Look>,
    /// The last ends that were told.
    ends: Vec<i64>,
}

#[derive(Debug)]
pub(super) struct Progress {
    pub(super) stream: &'static str,
    /// The next offset to read, by partition; empty as long as nobody knows how many there are.
    positions: OnceLock<Vec<AtomicI64>>,
    looks: Mutex<Looks>,
    ready: AtomicBool,
    stop: AtomicBool,
    ended: Mutex<Option<ProjectionError>>,
    changed: Notify,
}

impl Progress {
    pub(super) fn new(stream: &'static str) -> Self {
        Progress {
            stream,
            positions: OnceLock::new(),
            looks: Mutex::default(),
            ready: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            ended: Mutex::new(None),
            changed: Notify::new(),
        }
    }

    pub(super) fn begin(&self, partitions: i32) {
        let positions = (0..partitions).map(|_| AtomicI64::new(0)).collect();
        let _ = self.positions.set(positions);
    }

    pub(super) fn partitions(&self) -> i32 {
        i32::try_from(self.positions().len()).unwrap_or(i32::MAX)
    }

    fn positions(&self) -> &[AtomicI64] {
        self.positions.get().map_or(&[], Vec::as_slice)
    }

    /// The next offset to read.
    pub(super) fn position(&self, partition: i32) -> i64 {
        let at = usize::try_from(partition).ok();
        let position = at.and_then(|at| self.positions().get(at));
        position.map_or(0, |position| position.load(Ordering::Acquire))
    }

    /// Everything before this offset was handed over, or skipped.
    pub(super) fn moved(&self, partition: i32, next: i64) {
        let at = usize::try_from(partition).ok();
        if let Some(position) = at.and_then(|at| self.positions().get(at)) {
            position.store(next, Ordering::Release);
        }
        self.changed.notify_waiters();
    }

    /// The next offset to read, of all partitions.
    pub(super) fn read(&self) -> Vec<i64> {
        let positions = self.positions().iter();
        positions
            .map(|position| position.load(Ordering::Acquire))
            .collect()
    }

    /// Takes up where the partitions ended; gives the first one that is shorter than what was read of it before.
    pub(super) fn told(&self, look: Look) -> Option<(i32, i64, i64)> {
        let short = (0..)
            .zip(look.read.iter().zip(&look.ends))
            .find(|(_, (read, end))| read > end)
            .map(|(partition, (&read, &end))| (partition, end, read));
        let mut looks = self.looks.lock();
        looks.ends.clone_from(&look.ends);
        if looks.oldest.is_none() {
            looks.oldest = Some(look);
        } else {
            looks.newest = Some(look);
        }
        drop(looks);
        self.settle();
        short
    }

    /// Takes note of the looks that the reader has come to. Costs little where there are none.
    pub(super) fn settle(&self) {
        let mut looks = self.looks.lock();
        let mut came = false;
        while let Some(look) = &looks.oldest
            && (0..)
                .zip(&look.ends)
                .all(|(partition, &end)| self.position(partition) >= end)
        {
            looks.reached = Some(look.at);
            looks.oldest = looks.newest.take();
            came = true;
        }
        drop(looks);
        if came {
            self.ready.store(true, Ordering::Release);
            self.changed.notify_waiters();
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Whether there is known to be more to read.
    pub(super) fn has_more(&self) -> bool {
        self.looks.lock().oldest.is_some()
    }

    pub(super) fn behind(&self) -> Behind {
        let looks = self.looks.lock();
        let missing = (0..)
            .zip(&looks.ends)
            .map(|(partition, &end)| u64::try_from(end - self.position(partition)).unwrap_or(0));
        Behind {
            records: missing.sum(),
            age: looks.reached.map(|at| at.elapsed()),
        }
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether it was dropped, or one of its threads has ended.
    pub(super) fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn end(&self, why: ProjectionError) {
        self.ended.lock().get_or_insert(why);
        self.stop();
        self.changed.notify_waiters();
    }

    /// Waits until this is so.
    pub(super) async fn wait_for(
        &self,
        is_so: impl Fn(&Progress) -> bool,
    ) -> Result<(), ProjectionError> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if is_so(self) {
                return Ok(());
            }
            if let Some(why) = self.ended.lock().clone() {
                return Err(why);
            }
            changed.await;
        }
    }
}

/// Runs a thread of a projection. However it ends, the other one ends too, and whoever waits is told.
pub(super) fn spawn(
    progress: &Arc<Progress>,
    name: &str,
    run: impl FnOnce() -> Result<(), ProjectionError> + Send + 'static,
) -> Result<(), ProjectionError> {
    let progress = Arc::clone(progress);
    let stream = progress.stream;
    let thread = std::thread::Builder::new().name(format!("{stream}-{name}"));
    thread.spawn(move || {
        // What has panicked is not looked at again.
        let outcome = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
            let message = message_of(panic.as_ref());
            Err(ProjectionError::Panicked { stream, message })
        });
        // One that ends without an error was told to, by who drops the projection or by the other thread, which says why.
        if let Err(why) = outcome {
            progress.end(why);
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(at: Instant, ends: &[i64]) -> Look {
        Look {
            at,
            read: vec![0; ends.len()],
            ends: ends.to_vec(),
        }
    }

    #[test]
    fn it_has_what_stood_there_when_it_came_to_the_end_of_then() {
        let progress = Progress::new("stream");
        progress.begin(2);
        let behind = || progress.behind();
        assert_eq!((behind().records, behind().age), (0, None), "nobody knows");
        let at = Instant::now();
        assert_eq!(progress.told(look(at, &[2, 1])), None);
        assert_eq!((behind().records, progress.is_ready()), (3, false));
        progress.moved(0, 2);
        progress.settle();
        assert_eq!((behind().records, behind().age), (1, None));

        // It is behind by more looks than are kept.
        for end in 2..10 {
            progress.told(look(at + std::time::Duration::from_millis(end), &[2, 1]));
        }
        progress.moved(1, 1);
        progress.settle();
        assert!(progress.is_ready() && !progress.has_more());
        assert_eq!(
            progress.looks.lock().reached,
            Some(at + std::time::Duration::from_millis(9))
        );
        assert_eq!(behind().records, 0);
    }

    #[test]
    fn a_stream_that_is_shorter_than_what_was_read_before_is_noticed() {
        let progress = Progress::new("stream");
        progress.begin(2);
        progress.moved(1, 6);
        let look = |read: Vec<i64>, ends: &[i64]| Look {
            at: Instant::now(),
            read,
            ends: ends.to_vec(),
        };

        // The reader goes on while the brokers answer.
        let before = progress.read();
        progress.moved(1, 7);
        assert_eq!(progress.told(look(before, &[0, 6])), None);

        assert_eq!(progress.told(look(progress.read(), &[0, 7])), None);
        assert_eq!(
            progress.told(look(progress.read(), &[0, 6])),
            Some((1, 6, 7))
        );
    }
}
