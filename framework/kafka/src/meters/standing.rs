//! How workers, their partitions and routers stand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A worker or a router, as others see it.
pub(crate) struct LifeMeters {
    began: Instant,
    /// When its loop turned last, in milliseconds since it began.
    turned_ms: AtomicU64,
    session: Mutex<Option<SessionStanding>>,
    /// Why it has none, or had to begin the present one.
    ended: Mutex<Option<String>>,
}

/// A session that is open. A router's has no partitions here: they are not the aggregate's.
#[derive(Debug, Clone)]
struct SessionStanding {
    opened: Instant,
    partitions: Arc<[Standing]>,
}

/// One owned partition.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) partition: i32,
    pub(crate) phase: PhaseName,
    /// While it is taken over: for how long, up to which offset of the stream it is restored, and where its fence stands.
    pub(crate) taking: Option<Duration>,
    pub(crate) restored: i64,
    pub(crate) fence: Option<i64>,
    pub(crate) keys: usize,
    pub(crate) parked_keys: usize,
    pub(crate) in_flight: usize,
    /// For how long its earliest deadline has been due; `None`: none is. And how many are, or [`Standing::MOST_DUE`].
    pub(crate) overdue: Option<Duration>,
    pub(crate) due: usize,
    pub(crate) inputs: Vec<InputStanding>,
}

impl Standing {
    /// So many deadlines are counted, and no more: a worker has other things to do.
    pub(crate) const MOST_DUE: usize = 10_000;
}

/// A router, as others see it.
#[derive(Default)]
pub(crate) struct RouterMeters {
    pub(crate) life: LifeMeters,
    /// How far it was when it last looked.
    pub(crate) routes: Mutex<Vec<RouteStanding>>,
}

/// How far a router has forwarded one partition of a source.
#[derive(Debug, Clone)]
pub(crate) struct RouteStanding {
    pub(crate) partition: i32,
    pub(crate) source: InputStanding,
}

/// How far one input of a partition was read.
#[derive(Debug, Clone)]
pub(crate) struct InputStanding {
    pub(crate) topic: Arc<str>,
    /// How many records stand in it that were not read; `None`: not known yet.
    pub(crate) lag: Option<u64>,
    /// The age of what was read last, as long as it lags: at least as old is what comes next.
    pub(crate) age: Duration,
}

/// What an owner is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PhaseName {
    Fencing,
    Restoring,
    Working,
}

impl PhaseName {
    pub(crate) const ALL: [PhaseName; 3] =
        [PhaseName::Fencing, PhaseName::Restoring, PhaseName::Working];

    pub(crate) fn name(self) -> &'static str {
        match self {
            PhaseName::Fencing => "fencing",
            PhaseName::Restoring => "restoring",
            PhaseName::Working => "working",
        }
    }
}

impl Default for LifeMeters {
    fn default() -> Self {
        LifeMeters {
            began: Instant::now(),
            turned_ms: AtomicU64::default(),
            session: Mutex::default(),
            ended: Mutex::default(),
        }
    }
}

impl LifeMeters {
    /// Its loop has turned.
    pub(crate) fn turned(&self) {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.turned_ms.store(ms, Ordering::Relaxed);
    }

    /// For how long its loop has not turned.
    pub(crate) fn stands_still(&self) -> Duration {
        let turned = Duration::from_millis(self.turned_ms.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(turned)
    }

    pub(crate) fn opened(&self) {
        *self.session.lock() = Some(SessionStanding {
            opened: Instant::now(),
            partitions: Arc::new([]),
        });
    }

    pub(crate) fn stands(&self, partitions: Vec<Standing>) {
        if let Some(session) = self.session.lock().as_mut() {
            session.partitions = partitions.into();
        }
    }

    pub(crate) fn closed(&self) {
        *self.session.lock() = None;
    }

    /// Why its last session has ended, or did not begin.
    pub(crate) fn ended(&self, why: &str) {
        *self.ended.lock() = Some(why.to_owned());
    }

    pub(crate) fn why(&self) -> Option<String> {
        self.ended.lock().clone()
    }

    /// Since when its session has been open, and its partitions; `None` while it has none.
    pub(crate) fn session(&self) -> Option<(Instant, Arc<[Standing]>)> {
        let session = self.session.lock();
        let session = session.as_ref()?;
        Some((session.opened, Arc::clone(&session.partitions)))
    }
}
