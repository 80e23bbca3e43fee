//! Notes of effects whose calls fail, in the topic [`kolo_core::effect_note::TOPIC`]: for tools that are asked what a saga waits for.
//!
//! A thread of its own looks at the pool every two seconds, but only while calls fail or notes are left to be taken back; so
//! neither effects nor workers wait for the topic, and it is not even created as long as all goes well.
//!
//! | file | idea |
//! |---|---|
//! | `board.rs` | which notes are to be written or taken back, by what was written before |
//! | `topic.rs` | writes them |

mod board;
mod topic;

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::config::Config;
use crate::effects::{EffectPool, FailingEffects};
use crate::worker::record::now;

use self::board::Board;
use self::topic::Topic;

/// How often the pool is looked at, and how long a look may take of the time: it holds the pool's lock.
const LOOK: Duration = Duration::from_secs(2);
const SHARE: u32 = 100;
/// How long nothing is tried after the topic could not be written.
const PAUSE: Duration = Duration::from_secs(30);
/// How many requests of one effect have a note at most, the earliest ones.
const MOST: usize = 1_000;
/// How long a graceful stop waits for the last notes.
const FAREWELL: Duration = Duration::from_secs(2);

/// The thread that writes notes.
pub(crate) struct Notes {
    pool: EffectPool,
    close: Sender<FailingEffects>,
    closed: Receiver<()>,
}

/// Notes whose last look was taken.
pub(crate) struct Closing(Receiver<()>);

impl Notes {
    /// Starts it.
    ///
    /// # Errors
    /// When the system has no more threads.
    pub(crate) fn start(
        config: &Config,
        service: &str,
        pool: EffectPool,
    ) -> Result<Self, std::io::Error> {
        let (close, closing) = bounded(1);
        let (tell_closed, closed) = bounded::<()>(0);
        let writing = Writing {
            pool: pool.clone(),
            topic: Topic::new(config.clone(), service),
            board: Board::new(instance(config)),
            failures: 0,
        };
        let thread = std::thread::Builder::new().name(format!("{service}-notes"));
        thread.spawn(move || {
            // Dropped at the end, in whatever way, which is what is waited for.
            let _closed = tell_closed;
            writing.run(&closing);
        })?;
        Ok(Notes {
            pool,
            close,
            closed,
        })
    }

    /// Takes the last look, while everything is still owned.
    pub(crate) fn close(self) -> Closing {
        // The thread takes one, and then ends.
        let _ = self.close.try_send(self.pool.failing(MOST));
        Closing(self.closed)
    }
}

impl Closing {
    /// Waits until what the last look has changed is written, or a little while.
    pub(crate) fn wait(self) {
        let _ = self.0.recv_timeout(FAREWELL);
    }
}

struct Writing {
    pool: EffectPool,
    topic: Topic,
    board: Board,
    /// How many calls had failed at the last look.
    failures: u64,
}

impl Writing {
    fn run(mut self, closing: &Receiver<FailingEffects>) {
        let mut pause = LOOK;
        loop {
            match closing.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => pause = self.look(),
                Ok(last) => {
                    if !self.board.is_empty() {
                        self.board.closes();
                        self.write(&last);
                    }
                    return;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Says when to look again.
    fn look(&mut self) -> Duration {
        let failures = self.pool.failures();
        if self.board.is_empty() && failures == self.failures {
            self.topic.rest();
            return LOOK;
        }
        let began = Instant::now();
        let failing = self.pool.failing(MOST);
        let pause = LOOK.max(began.elapsed() * SHARE);
        if self.write(&failing) {
            self.failures = failures;
            pause
        } else {
            PAUSE
        }
    }

    fn write(&mut self, failing: &FailingEffects) -> bool {
        let changes = self.board.changes(failing, now());
        if changes.is_empty() {
            return true;
        }
        let is_written = self.topic.write(&changes);
        if is_written {
            self.board.written(changes);
        }
        is_written
    }
}

/// What the process is called where it says so itself: its name in the group, or else its host and its number there.
fn instance(config: &Config) -> String {
    if let Some(name) = config.kafka.get("group.instance.id") {
        return name.clone();
    }
    let host = std::env::var("HOSTNAME").ok();
    let host = host.or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok());
    let host = host.as_deref().map_or("", str::trim);
    format!("{host}:{}", std::process::id())
}
